"""XXH64, XXH32 and SHA-1 of many runs at once, against the reference libraries."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.signing import sha1_kernel, xxhash_kernels


def sha1_64(data: bytes) -> int:
    return int.from_bytes(hashlib.sha1(data).digest()[:8], "little")


REFERENCES: dict[str, Callable[[bytes], int]] = {
    "xxhash64": xxhash.xxh64_intdigest,
    "xxhash32": xxhash.xxh32_intdigest,
    "sha1": sha1_64,
}


def hashed(name: str, runs: list[bytes]) -> list[int]:
    """Of runs of one length; what is behind their ends is noise."""
    lanes, length = len(runs), len(runs[0])
    word_count = (length + 7) // 8
    message = np.empty((word_count, lanes), np.uint64)
    for lane, run in enumerate(runs):
        padded = run + b"\xa5" * (8 * word_count - length)
        message[:, lane] = np.frombuffer(padded, "<u8")
    hashes = np.empty(lanes, np.uint64)
    if name == "sha1":
        state, words = np.empty((10, lanes), np.uint32), np.empty((16, lanes), np.uint32)
        sha1_kernel.sha1(message, length, state, words, hashes)
    else:
        kernel = getattr(xxhash_kernels, name)
        kernel(message, length, np.empty((4, lanes), np.uint64), hashes)
    return [int(value) for value in hashes]


@pytest.mark.parametrize("name", REFERENCES)
@given(data=st.data(), length=st.integers(0, 300), lanes=st.integers(1, 5))
@settings(deadline=None, max_examples=200)
def test_hashes_equal_the_reference(
    name: str, data: st.DataObject, length: int, lanes: int
) -> None:
    run = st.binary(min_size=length, max_size=length)
    runs = data.draw(st.lists(run, min_size=lanes, max_size=lanes))
    assert hashed(name, runs) == [REFERENCES[name](run) for run in runs]


@pytest.mark.parametrize("name", REFERENCES)
def test_hashes_equal_the_reference_at_every_length(name: str) -> None:
    for length in range(200):
        runs = [bytes((i * 89 + lane * 31 + 7) % 256 for i in range(length)) for lane in range(130)]
        assert hashed(name, runs) == [REFERENCES[name](run) for run in runs]


@pytest.mark.parametrize("length", [1_000, 4_095, 70_000])
@pytest.mark.parametrize("name", REFERENCES)
def test_hashes_of_long_runs_equal_the_reference(name: str, length: int) -> None:
    run = np.random.default_rng(length).bytes(length)
    assert hashed(name, [run]) == [REFERENCES[name](run)]


def test_sha1_of_fips_180() -> None:
    assert hashed("sha1", [b"abc"]) == [int.from_bytes(bytes.fromhex("a9993e364706816a"), "little")]
