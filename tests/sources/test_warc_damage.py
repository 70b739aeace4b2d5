"""Damaged files: a broken record costs itself, is named, and the rest is read."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from warc_bytes import HTML, assert_adds_up, http, ids, member, read, record, write

GOOD = [member(record(number)) for number in range(6)]
LONG = b"<html>" + b"<p>long enough to be cut somewhere in its middle</p>" * 400


def problems(tally: object) -> list[tuple[str, int]]:
    return [(p["kind"], int(p["where"].rpartition("@")[2])) for p in tally.problems]  # type: ignore[attr-defined]


def test_empty_file(tmp_path: Path) -> None:
    rows, tally = read(write(tmp_path, b""))
    assert rows == []
    assert tally.counters["files.empty"] == 1
    assert_adds_up(rows, tally)


@pytest.mark.parametrize("name", ["test.warc.gz", "test.warc"])
@pytest.mark.parametrize(
    "data", [b"hello, world\n" * 300, b"\x00" * 5000, b"PK\x03\x04" + b"x" * 99]
)
def test_not_gzip_and_not_warc(tmp_path: Path, name: str, data: bytes) -> None:
    rows, tally = read(write(tmp_path, data, name))
    assert rows == []
    assert_adds_up(rows, tally)
    if data.strip(b"\0"):
        assert len(tally.problems) == 1
        assert tally.problems[0]["where"].endswith(f"{name}@0")


def test_gzip_of_something_else(tmp_path: Path) -> None:
    rows, tally = read(write(tmp_path, member(b"not a record\n" * 50) + GOOD[0]))
    assert ids(rows) == [0]
    assert problems(tally) == [("not_warc", 0)]
    assert_adds_up(rows, tally)


def test_zstd_is_named(tmp_path: Path) -> None:
    rows, tally = read(write(tmp_path, b"\x28\xb5\x2f\xfd" + b"x" * 50, "test.warc.zst"))
    assert rows == []
    assert "zstd" in tally.problems[0]["what"]


@pytest.mark.parametrize("missing", [1, 8, 9, 60, 150])
def test_truncated_member_in_the_middle(tmp_path: Path, missing: int) -> None:
    broken = member(record(1, http(LONG)))[:-missing]
    rows, tally = read(write(tmp_path, GOOD[0] + broken + GOOD[2] + GOOD[3]))
    assert ids(rows) == [0, 2, 3]
    kind, where = problems(tally)[0]
    assert (kind, where, len(tally.problems)) == ("corrupt_member", len(GOOD[0]), 1)
    assert_adds_up(rows, tally)


@pytest.mark.parametrize("missing", [1, 8])
def test_a_record_that_lacks_only_its_checksum_is_kept(tmp_path: Path, missing: int) -> None:
    rows, tally = read(write(tmp_path, GOOD[0] + member(record(1, http(LONG)))[:-missing]))
    assert ids(rows) == [0, 1]
    assert not tally.problems


@pytest.mark.parametrize("missing", [20, 60, 150])
def test_truncated_member_at_the_end(tmp_path: Path, missing: int) -> None:
    broken = member(record(1, http(LONG)))[:-missing]
    rows, tally = read(write(tmp_path, GOOD[0] + broken))
    assert ids(rows) == [0]
    assert problems(tally) == [("truncated_member", len(GOOD[0]))]
    assert_adds_up(rows, tally)


@pytest.mark.parametrize("at", [10, 40, 100])
def test_flipped_byte(tmp_path: Path, at: int) -> None:
    broken = bytearray(GOOD[1])
    broken[at] ^= 0xFF
    rows, tally = read(write(tmp_path, GOOD[0] + bytes(broken) + GOOD[2]))
    assert ids(rows) == [0, 2]
    assert len(tally.problems) == 1
    assert_adds_up(rows, tally)


def test_wrong_checksum(tmp_path: Path) -> None:
    broken = GOOD[1][:-8] + b"\0\0\0\0" + GOOD[1][-4:]
    rows, tally = read(write(tmp_path, GOOD[0] + broken + GOOD[2]))
    assert ids(rows) == [0, 2]
    assert problems(tally) == [("corrupt_member", len(GOOD[0]))]


def test_garbage_between_members(tmp_path: Path) -> None:
    rows, tally = read(write(tmp_path, GOOD[0] + b"garbage\x1f\x8b\x08!!" * 9 + GOOD[1]))
    assert ids(rows) == [0, 1]
    assert problems(tally) == [("not_gzip", len(GOOD[0]))]
    assert_adds_up(rows, tally)


def test_header_without_end(tmp_path: Path) -> None:
    broken = member(record(1)[:120])
    rows, tally = read(write(tmp_path, GOOD[0] + broken + GOOD[2]))
    assert ids(rows) == [0, 2]
    assert problems(tally) == [("bad_header", len(GOOD[0]))]
    assert_adds_up(rows, tally)


def test_header_without_length(tmp_path: Path) -> None:
    broken = member(record(1).replace(b"Content-Length", b"Content-Lenght"))
    rows, tally = read(write(tmp_path, GOOD[0] + broken + GOOD[2]))
    assert ids(rows) == [0, 2]
    assert [kind for kind, _ in problems(tally)] == ["bad_header"]


@pytest.mark.parametrize("told", [0, 20, 500, 10**9, 10**14])
@pytest.mark.parametrize("plain", [False, True])
def test_body_longer_or_shorter_than_told(tmp_path: Path, told: int, plain: bool) -> None:
    parts = [record(0), record(1, length=told), record(2), record(3), record(4)]
    data = b"".join(parts if plain else map(member, parts))
    rows, tally = read(write(tmp_path, data, "test.warc" if plain else "test.warc.gz"))
    assert ids(rows) == [0, 2, 3, 4]
    where = len(parts[0]) if plain else len(member(parts[0]))
    assert problems(tally) == [("bad_length", where)]
    assert_adds_up(rows, tally)


def test_a_length_that_swallows_whole_records_is_seen(tmp_path: Path) -> None:
    """The told length ends exactly where a later record ends: a stream reader is taken in."""
    swallowed = len(http()) + 4 + len(record(2)) - 4
    data = b"".join(map(member, [record(0), record(1, length=swallowed), record(2), record(3)]))
    rows, tally = read(write(tmp_path, data))
    assert ids(rows) == [0, 2, 3]
    assert [kind for kind, _ in problems(tally)] == ["bad_length"]


def test_several_damaged_records_cost_themselves_only(tmp_path: Path) -> None:
    parts = [
        GOOD[0], GOOD[1][:-30], GOOD[2], b"???", member(record(3, length=7)), GOOD[4][:50], GOOD[5],
    ]  # fmt: skip
    rows, tally = read(write(tmp_path, b"".join(parts)))
    assert ids(rows) == [0, 2, 5]
    assert len(tally.problems) == 4
    assert_adds_up(rows, tally)


def test_a_record_cut_into_two_members_is_put_together(tmp_path: Path) -> None:
    whole = record(1)
    data = GOOD[0] + member(whole[:300]) + member(whole[300:]) + GOOD[2]
    rows, tally = read(write(tmp_path, data))
    assert ids(rows) == [0, 1, 2]
    assert rows[1]["payload"] == HTML
    start, length = rows[1]["warc_offset"], rows[1]["warc_length"]
    assert gzip.decompress(data[start : start + length]) == whole
    assert_adds_up(rows, tally)


def test_one_member_for_the_whole_file(tmp_path: Path) -> None:
    parts = [record(0), record(1), record(2, length=9), record(3)]
    data = member(b"".join(parts))
    rows, tally = read(write(tmp_path, data))
    assert ids(rows) == [0, 1, 3]
    assert {(row["warc_offset"], row["warc_length"]) for row in rows} == {(0, len(data))}
    assert_adds_up(rows, tally)


def test_members_with_several_records_between_others(tmp_path: Path) -> None:
    data = GOOD[0] + member(record(1) + record(2)) + member(b"") + GOOD[3]
    rows, tally = read(write(tmp_path, data))
    assert ids(rows) == [0, 1, 2, 3]
    assert rows[1]["warc_offset"] == rows[2]["warc_offset"] == len(GOOD[0])
    assert_adds_up(rows, tally)


def test_a_damaged_first_member_does_not_end_the_file(tmp_path: Path) -> None:
    rows, tally = read(write(tmp_path, b"\0\0" + GOOD[0][2:] + GOOD[1]))
    assert ids(rows) == [1]
    assert problems(tally) == [("not_gzip", 0)]


def test_messages_hold_no_document_text(tmp_path: Path) -> None:
    secret = b"<html>SECRETWORD</html>"
    parts = [record(0, http(secret), length=11), record(1, secret), record(2, http(secret)[:-9])]
    _, tally = read(write(tmp_path, b"".join(map(member, parts)) + b"SECRETWORD"))
    assert len(tally.problems) >= 2
    assert "SECRETWORD" not in str(tally.problems)


@pytest.mark.parametrize("tail", [b"\0", b"\0\0", b"\n\n\n", b"\x1f", b"\x1f\x8b", b"\x1f\x8b\x08"])
def test_a_few_bytes_after_the_last_member(tmp_path: Path, tail: bytes) -> None:
    rows, tally = read(write(tmp_path, b"".join(GOOD) + tail))
    assert ids(rows) == [0, 1, 2, 3, 4, 5]
    assert_adds_up(rows, tally)
