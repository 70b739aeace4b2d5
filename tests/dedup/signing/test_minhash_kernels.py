"""Signing and band keys against integer arithmetic in plain Python, and datasketch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.signing import minhash_kernels as kernels
from winnow.dedup.signing.permutations import permutations

PRIME = (1 << 61) - 1

edge = st.sampled_from([0, 1, 6, 7, PRIME - 1, PRIME, PRIME + 1, (1 << 63), (1 << 64) - 1])
uint64 = st.one_of(edge, st.integers(0, (1 << 64) - 1))
uint32 = st.one_of(st.sampled_from([0, 1, (1 << 32) - 1]), st.integers(0, (1 << 32) - 1))


def sign(kernel: Any, documents: list[list[int]], a: Any, b: Any) -> list[list[int]]:
    """Rows of the documents, which are put into the signatures in reverse."""
    offsets = np.concatenate(([0], np.cumsum([len(each) for each in documents]))).astype(np.int64)
    hashes = np.array([h for each in documents for h in each], np.uint64)
    rows = np.arange(len(documents))[::-1].copy()
    signatures = np.full((len(documents), len(a)), 5, np.uint64)
    kernel(hashes, offsets, rows, a, b, signatures)
    return [[int(value) for value in row] for row in signatures[::-1]]


def slow_mersenne(hashes: list[int], a: Any, b: Any, mask: int) -> list[int]:
    return [
        min((h * factor + term) % (1 << 64) % PRIME & mask for h in hashes) if hashes else 5
        for factor, term in zip(a.tolist(), b.tolist(), strict=True)
    ]


@given(
    st.lists(st.lists(uint64, max_size=20), max_size=4),
    st.lists(st.tuples(uint64, uint64), min_size=1, max_size=8),
)
@settings(deadline=None, max_examples=300)
def test_mersenne_signatures_equal_integer_arithmetic(
    documents: list[list[int]], pairs: list[tuple[int, int]]
) -> None:
    a, b = (np.array([pair[side] for pair in pairs], np.uint64) for side in (0, 1))
    for kernel, bits in ((kernels.sign_mersenne, 64), (kernels.sign_mersenne_32, 32)):
        found = sign(kernel, documents, a, b)
        assert found == [slow_mersenne(each, a, b, (1 << bits) - 1) for each in documents]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9), st.integers(0, 7))
@settings(deadline=None)
def test_values_around_the_prime_are_put_in_order(offsets: list[int], shift: int) -> None:
    # with a = 1 and b = 0 the hashes are the values: multiples of the prime, and what is about them
    hashes = [(shift * PRIME + offset) % (1 << 64) for offset in offsets]
    a, b = np.ones(1, np.uint64), np.zeros(1, np.uint64)
    assert sign(kernels.sign_mersenne, [hashes], a, b) == [[min(h % PRIME for h in hashes)]]


def slow_affine(hashes: list[int], a: Any, b: Any) -> list[int]:
    def mix(h: int) -> int:
        h = (h ^ h >> 16) * 0x85EBCA6B & 0xFFFFFFFF
        h = (h ^ h >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
        return h ^ h >> 16

    return [
        min((mix(h) * factor + term) % (1 << 32) for h in hashes) if hashes else 5
        for factor, term in zip(a.tolist(), b.tolist(), strict=True)
    ]


@given(
    st.lists(st.lists(uint32, max_size=20), max_size=4),
    st.lists(st.tuples(uint32, uint32), min_size=1, max_size=8),
)
@settings(deadline=None, max_examples=300)
def test_affine_signatures_equal_integer_arithmetic(
    documents: list[list[int]], pairs: list[tuple[int, int]]
) -> None:
    a, b = (np.array([pair[side] for pair in pairs], np.uint32) for side in (0, 1))
    found = sign(kernels.sign_affine, documents, a, b)
    assert found == [slow_affine(each, a, b) for each in documents]


def test_many_shingles_are_signed_as_few() -> None:
    hashes = np.random.default_rng(0).integers(0, 1 << 32, 20_000).tolist()
    a, b = permutations(3, 1, "datasketch")
    assert sign(kernels.sign_affine, [hashes], a, b) == [slow_affine(hashes, a, b)]


@pytest.mark.parametrize(("family", "scheme"), [("datasketch", None), ("datasketch-1", "legacy")])
@pytest.mark.parametrize("seed", [1, 42])
def test_permutations_are_those_of_datasketch(family: Any, scheme: str | None, seed: int) -> None:
    datasketch = pytest.importorskip("datasketch", minversion="2.0")
    a, b = permutations(50, seed, family)
    reference = datasketch.MinHash(50, seed, scheme=scheme).permutations
    assert (a == reference[0]).all() and (b == reference[1]).all()


def test_permutations_are_those_of_datatrove() -> None:
    a, b = permutations(112, seed=1)
    assert a[:4].tolist() == [
        775169054918279404, 1758426461858698313, 2109959069025162, 965365488286768774,
    ]  # fmt: skip
    assert b[:4].tolist() == [
        1062448801025099917, 1324811268927594100, 1217488311597731462, 100775521383383736,
    ]  # fmt: skip
    assert (a[111], b[111]) == (223865076026037746, 1097409548522419201)


def test_signature_of_known_hashes_is_that_of_datatrove() -> None:
    # sha1-64 of the three 5-grams of "the quick brown fox jumps over the"
    hashes = [12313522834835307089, 13802602654544986703, 6350799717277693736]
    (signature,) = sign(kernels.sign_mersenne, [hashes], *permutations(112, seed=1))
    assert signature[:8] == [
        986235182099194224, 284080765670708113, 594234408324153881, 226360113463360020,
        42312182183823545, 295150809832830541, 316606424307206655, 439255022718586444,
    ]  # fmt: skip
    assert signature[104:] == [
        246842088281600155, 29074511532028102, 314998300055065567, 1414660448899804550,
        126167845672318228, 745586956369058083, 306993506350509109, 930113092247543762,
    ]  # fmt: skip


@given(st.integers(1, 5), st.integers(1, 20), st.integers(0, 4), st.integers(0, 1 << 32))
@settings(deadline=None)
def test_band_keys_are_xxh64_of_the_bands_bytes(
    bands: int, rows: int, documents: int, seed: int
) -> None:
    signatures = np.random.default_rng(seed).integers(
        0, 1 << 64, (documents, bands * rows), np.uint64
    )
    keys = np.zeros((documents, bands), np.uint64)
    kernels.hash_bands(signatures, keys)
    for d in range(documents):
        for band in range(bands):
            values = signatures[d, band * rows : (band + 1) * rows]
            assert int(keys[d, band]) == xxhash.xxh64_intdigest(values.astype("<u8").tobytes())
