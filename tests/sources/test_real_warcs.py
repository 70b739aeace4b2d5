"""Real files, in order and malformed: counts by type as warcio and fastwarc find them."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from warc_bytes import assert_adds_up, read

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the shared data is not here")

# file -> (records by type, rows, problems)
EXPECTED: dict[str, tuple[dict[str, int], int, list[str]]] = {
    "dolma-sample-0000.warc.gz": (
        {"warcinfo": 1, "request": 22, "response": 22, "metadata": 1, "resource": 2}, 22, []),
    "dolma-sample-0001.warc.gz": (
        {"warcinfo": 1, "request": 15, "response": 15, "metadata": 1, "resource": 2}, 15, []),
    "whirlwind.warc.gz": ({"warcinfo": 1, "request": 1, "response": 1, "metadata": 1}, 1, []),
    "whirlwind.warc.wet.gz": ({"warcinfo": 1, "conversion": 1}, 1, []),
    "resiliparse-warcfile.warc.gz": (
        {"warcinfo": 1, "request": 17, "response": 16, "metadata": 16}, 16, []),
    "resiliparse-clueweb-quirk.warc.gz": ({"warcinfo": 1, "response": 29}, 29, []),
    "warcio-example.warc.gz": ({"warcinfo": 2, "request": 2, "response": 1, "revisit": 1}, 1, []),
    "warcio-post-test.warc.gz": ({"request": 3, "response": 3}, 0, []),
    "warcio-example-iana.org-chunked.warc": ({"warcinfo": 1, "request": 1, "response": 1}, 1, []),
    "warcio-example-digest.warc": ({"request": 4}, 0, []),
    "malformed/daft-example.warc.gz": (
        {"warcinfo": 1, "request": 17, "response": 11, "metadata": 1}, 1, []),
    "malformed/resiliparse-block-sized-records.warc.gz": ({"unknown": 3}, 0, []),
    "malformed/resiliparse-clipped.warc.gz": ({"unreadable": 1}, 0, ["truncated_member"]),
    "malformed/warcio-example-bad-non-chunked.warc.gz": (
        {"warcinfo": 2, "request": 2, "response": 1, "revisit": 1}, 1, []),
    "malformed/warcio-example-bad.warc.gz.bad": (
        {"warcinfo": 1, "request": 2, "response": 2, "revisit": 1}, 1, []),
    "malformed/warcio-example-resource.warc.gz": ({"warcinfo": 2, "resource": 1}, 1, []),
    "malformed/warcio-example-space-in-target-uri.warc.gz": ({"warcinfo": 1, "resource": 1}, 0, []),
    "malformed/warcio-example-trunc.warc": ({"warcinfo": 2, "request": 1, "response": 1}, 1, []),
    "malformed/warcio-example-wget-bad-target-uri.warc.gz": (
        {"warcinfo": 1, "request": 1, "response": 1, "metadata": 1, "resource": 2}, 1, []),
    "malformed/warcio-example-wrong-chunks.warc.gz": ({"request": 1, "response": 1}, 1, []),
}  # fmt: skip


def types(counters: dict[str, int]) -> dict[str, int]:
    return {k.removeprefix("records."): v for k, v in counters.items() if k.startswith("records.")}


@pytest.mark.parametrize("name", EXPECTED)
def test_counts(name: str) -> None:
    by_type, rows_expected, problems = EXPECTED[name]
    rows, tally = read(str(DATA / "real-warc" / name))
    assert types(tally.counters) == by_type
    assert len(rows) == rows_expected
    assert [problem["kind"] for problem in tally.problems] == problems
    assert_adds_up(rows, tally)


def test_every_file_is_expected() -> None:
    found = {
        str(path.relative_to(DATA / "real-warc"))
        for path in (DATA / "real-warc").rglob("*")
        if path.is_file() and path.suffix != ".md"
    }
    assert found == set(EXPECTED)


# files that warcio cannot read to their end, or reads in its own way
_NOT_FOR_WARCIO = {
    "malformed/daft-example.warc.gz", "malformed/warcio-example-bad-non-chunked.warc.gz",
    "malformed/warcio-example-bad.warc.gz.bad", "malformed/warcio-example-wrong-chunks.warc.gz",
    "malformed/resiliparse-clipped.warc.gz",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - _NOT_FOR_WARCIO))
def test_warcio_finds_the_same(name: str) -> None:
    iterator = pytest.importorskip("warcio.archiveiterator").ArchiveIterator
    rows, tally = read(str(DATA / "real-warc" / name))
    found: Counter[str] = Counter()
    bodies: dict[str, bytes] = {}
    with open(DATA / "real-warc" / name, "rb") as file:
        for each in iterator(file):
            found[each.rec_type] += 1
            bodies[each.rec_headers.get_header("WARC-Record-ID") or ""] = (
                each.content_stream().read()
            )
    assert types(tally.counters) == found
    for row in rows:
        if row["record_id"]:
            payload = bodies[f"<urn:uuid:{row['record_id']}>"]
            if "clueweb" not in name:  # whose heads end in bare line feeds: warcio goes too far
                assert row["payload"] == payload


def test_clueweb_dates_that_are_no_dates_are_null() -> None:
    rows, _ = read(str(DATA / "real-warc" / "resiliparse-clueweb-quirk.warc.gz"))
    assert {row["crawl_date"] for row in rows} == {None}
    assert all(row["payload"].lstrip()[:1] == b"<" for row in rows)


def in_full(name: str) -> tuple[list[dict[str, Any]], dict[str, int]]:
    rows, tally = read(str(DATA / "crawl" / name), split_bytes=3_000_000)
    assert_adds_up(rows, tally)
    return rows, tally.counters


@pytest.mark.parametrize(
    ("name", "pages"), [("small.warc.gz", 1500), ("crawl-00000.warc.gz", 2000)]
)
def test_the_crawl_is_read_in_full(name: str, pages: int) -> None:
    from fastwarc import ArchiveIterator

    rows, counters = in_full(name)
    bare = [
        (record.record_id, record.reader.read())
        for record in ArchiveIterator(
            str(DATA / "crawl" / name), auto_decode="all", fsspec_args=False
        )
        if record.record_type == 4
    ]
    assert counters["records.response"] == pages == len(rows) == len(bare)
    for row, (record_id, payload) in zip(rows, bare, strict=True):
        assert record_id == f"<urn:uuid:{row['record_id']}>"
        assert row["payload"] == payload
    data = (DATA / "crawl" / name).read_bytes()
    for row in rows[:: pages // 25]:
        cut = gzip.decompress(data[row["warc_offset"] : row["warc_offset"] + row["warc_length"]])
        assert cut.startswith(b"WARC/1.")
        assert row["record_id"].encode() in cut[:2000]
        assert cut.endswith(row["payload"] + b"\r\n\r\n")
