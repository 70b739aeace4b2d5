"""Whatever the size of the splits: the same records, all of them, each once."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from warc_bytes import http, member, read, record, write


def small(number: int, block: bytes | None) -> bytes:
    return member(record(number, block))


@st.composite
def warc_files(draw: st.DrawFn) -> bytes:
    """Members in order, damaged, of several records, empty, not WARC, and garbage between them."""
    parts: list[bytes] = []
    for number in range(draw(st.integers(1, 12))):
        filler = draw(st.sampled_from([b"", b"x" * 300, b"\x1f\x8b\x08\x00\x1f\x8b\x08" * 9]))
        filler += draw(st.binary(max_size=60))
        good = small(number, http(b"<html>" + filler))
        parts.append(
            draw(
                st.sampled_from(
                    [
                        good, good, good, good, good[: len(good) // 2], good[:-3], b"garbage",
                        b"\x1f\x8b\x08 garbage", member(b""), member(b"no record"),
                        member(record(number, length=3)), member(record(number, length=700)),
                        member(record(number) + record(number)), member(record(number)[:90]),
                        member(record(number)[:250]) + member(record(number)[250:]),
                    ]
                )
            )
        )  # fmt: skip
    return b"".join(parts)


def outcome(path: str, split_bytes: int) -> tuple[list[dict[str, Any]], dict[str, int], list[Any]]:
    rows, tally = read(path, split_bytes=split_bytes)
    for row in rows:
        del row["doc_id"]
    return rows, dict(sorted(tally.counters.items())), tally.problems


@settings(max_examples=60, deadline=None)
@given(warc_files(), st.lists(st.integers(1, 3000), min_size=1, max_size=4))
def test_records_do_not_depend_on_split_size(data: bytes, sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), data)
        whole = outcome(path, 1 << 30)
        for size in sizes:
            assert outcome(path, size) == whole, size


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=8), st.sampled_from(["plain", "one member"]),
    st.integers(1, 2000),
)  # fmt: skip
def test_files_of_one_piece(lengths: list[int], shape: str, size: int) -> None:
    data = b"".join(record(n, http(b"<html>" + b"y" * m)) for n, m in enumerate(lengths))
    with tempfile.TemporaryDirectory() as folder:
        plain = shape == "plain"
        path = write(Path(folder), data if plain else member(data), "t.warc" if plain else "t.gz")
        whole = outcome(path, 1 << 30)
        assert len(whole[0]) == len(lengths)
        assert outcome(path, size) == whole


def test_every_split_size_of_a_small_file(tmp_path: Path) -> None:
    parts = [small(0, None), small(1, None)[:-9], small(2, None), b"??", small(3, None)]
    path = write(tmp_path, b"".join(parts))
    whole = outcome(path, 1 << 30)
    assert len(whole[0]) == 3
    for size in range(1, sum(map(len, parts)) + 2, 13):
        assert outcome(path, size) == whole, size
