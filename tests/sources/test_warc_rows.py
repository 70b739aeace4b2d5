"""What a row says: its columns, its place in the file, and quirks of writers."""

from __future__ import annotations

import base64
import datetime
import gzip
import hashlib
from pathlib import Path

import pytest
from warc_bytes import HTML, assert_adds_up, http, ids, member, read, record, write

from winnow.schema import RECORDS, ROW_BITS
from winnow.sources.pages import domain_of, epoch_seconds


def test_columns(tmp_path: Path) -> None:
    data = member(record(0, kind=b"request")) + member(
        record(7, url=b"https://User@WWW.Example.ORG:8080/a%20b?q=1#f")
    )
    path = write(tmp_path, data)
    rows, tally = read(path, name="crawl")
    assert list(rows[0]) == RECORDS.names
    offset = len(member(record(0, kind=b"request")))
    assert rows == [
        {
            "doc_id": 0,
            "url": "https://User@WWW.Example.ORG:8080/a%20b?q=1#f",
            "domain": "www.example.org",
            "crawl_date": datetime.datetime(2024, 5, 18, 1, 58, 10, tzinfo=datetime.UTC),
            "source": "crawl",
            "record_id": "00000007",
            "warc_file": path,
            "warc_offset": offset,
            "warc_length": len(data) - offset,
            "content_type": "text/html; charset=utf-8",
            "payload": HTML,
        }
    ]
    assert tally.counters == {
        "records": 2,
        "records.request": 1,
        "records.response": 1,
        "skipped.record_type": 1,
    }


def test_url_with_a_space_and_other_odd_ones(tmp_path: Path) -> None:
    urls = [
        b"http://example.org/a b c", b"<http://example.org/wget>", "http://bücher.example/ä".encode(),
        b"http://example.org/\xe4", b"urn:x", b"", b"http://example.org/nul\0nul",
    ]  # fmt: skip
    data = b"".join(member(record(n, url=url)) for n, url in enumerate(urls))
    rows, tally = read(write(tmp_path, data))
    assert [row["url"] for row in rows] == [
        "http://example.org/a b c", "http://example.org/wget", "http://bücher.example/ä",
        "http://example.org/ä", "urn:x", "", "http://example.org/nul\0nul",
    ]  # fmt: skip
    assert [row["domain"] for row in rows][:3] == ["example.org", "example.org", "bücher.example"]
    assert_adds_up(rows, tally)


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("http://a.b/", "a.b"), ("https://A.B.:443", "a.b"), ("http://u:p@h?x", "h"), ("x", ""),
        ("http://[2001:db8::1]:80/", "[2001:db8::1]"), ("ftp://f.org\\x", "f.org"),
        ("mailto:a@b", ""),
        ("http://", ""), ("http://host#x", "host"),
    ],
)  # fmt: skip
def test_domain(url: str, domain: str) -> None:
    assert domain_of(url) == domain


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("1970-01-02T00:00:00Z", 86400), ("1970-01-02T00:00:00.75Z", 86400),
        ("19700102000000", 86400),
        ("1970-01-02T02:00:00+02:00", 86400), ("1970-01-02T00:00:00", 86400), ("1970-01-02", 86400),
        ("2009-03-65T08:43:19-0800", None), ("", None), ("yesterday", None),
        ("20091365000000", None),
        ("99999999999999", None),
    ],
)  # fmt: skip
def test_dates(date: str, seconds: int | None) -> None:
    assert epoch_seconds(date) == seconds


def test_missing_and_bad_dates_are_null(tmp_path: Path) -> None:
    data = member(record(0, date=None)) + member(record(1, date=b"2009-03-65T08:43:19-0800"))
    rows, tally = read(write(tmp_path, data))
    assert [row["crawl_date"] for row in rows] == [None, None]
    assert not tally.problems


def test_duplicate_record_ids_are_both_kept(tmp_path: Path) -> None:
    data = member(record(5)) + member(record(5))
    rows, _ = read(write(tmp_path, data))
    assert ids(rows) == [5, 5]
    assert [row["doc_id"] for row in rows] == [0, 1]


def test_record_types(tmp_path: Path) -> None:
    parts = [
        record(0, b"text of a page", kind=b"conversion", content_type=b"text/plain"),
        record(1, HTML, kind=b"resource", content_type=b"text/html"),
        record(2, b"\x89PNG", kind=b"resource", content_type=b"image/png"),
        record(3, b"log", kind=b"resource", content_type=b"text/plain",
               url=b"metadata://gnu.org/software/wget/warc/wget.log"),
        record(4, kind=b"revisit"), record(5, b"a: b", kind=b"metadata"),
        record(6, kind=b"something"), record(7, kind=b"continuation"),
        record(8, b"127.0.0.1", content_type=b"text/dns", url=b"dns:example.org"),
        record(9, kind=b"RESPONSE"),
    ]  # fmt: skip
    for data in (b"".join(map(member, parts)), member(b"".join(parts))):
        rows, tally = read(write(tmp_path, data))
        assert ids(rows) == [0, 1, 9]
        assert rows[0]["content_type"] == "text/plain"
        assert tally.counters["skipped.content_type"] == 2
        assert tally.counters["skipped.record_type"] == 5
        assert tally.counters["records.unknown"] == 1
        assert_adds_up(rows, tally)


def test_line_feeds_folded_fields_and_lower_case(tmp_path: Path) -> None:
    """As written by tools that turned ARC files into WARC."""
    block = http(HTML, end=b"\n")
    header = (
        b"WARC/0.18\nwarc-type: response\nwarc-target-uri: http://example.org/\n  folded\n"
        b"content-type: application/http\nwarc-date: 20090301000000\nwarc-record-id: 3\n"
        b"content-length: %d\n\n" % len(block)
    )
    rows, tally = read(write(tmp_path, member(header + block + b"\n\n") * 2))
    assert [row["url"] for row in rows] == ["http://example.org/ folded"] * 2
    assert rows[0]["payload"] == HTML
    assert not tally.problems


def test_the_range_of_a_row_gives_its_record(tmp_path: Path) -> None:
    data = b"".join(member(record(n, http(HTML * n))) for n in range(5)) + member(record(9))[:-20]
    path = write(tmp_path, data)
    rows, _ = read(path)
    assert len(rows) == 5
    for row in rows:
        cut = data[row["warc_offset"] : row["warc_offset"] + row["warc_length"]]
        assert gzip.decompress(cut) == record(int(row["record_id"]), http(row["payload"]))
        again, _ = read(write(tmp_path, cut, "again.warc.gz"))
        assert again[0]["payload"] == row["payload"]


def test_plain_files(tmp_path: Path) -> None:
    data = b"".join(record(n) for n in range(4))
    rows, tally = read(write(tmp_path, data, "test.warc"))
    for row in rows:
        cut = data[row["warc_offset"] : row["warc_offset"] + row["warc_length"]]
        assert cut == record(int(row["record_id"]))
    assert ids(rows) == [0, 1, 2, 3]
    assert_adds_up(rows, tally)


def test_batch_rows_change_nothing_but_the_batches(tmp_path: Path) -> None:
    data = b"".join(member(record(n, http(HTML * (n % 3)))) for n in range(50))
    path = write(tmp_path, data)
    expected = read(path)[0]
    assert [row["doc_id"] for row in expected] == list(range(50))
    for batch_rows in (1, 7, 1000):
        assert read(path, batch_rows=batch_rows)[0] == expected


def test_doc_id_holds_the_split(tmp_path: Path) -> None:
    data = b"".join(member(record(n)) for n in range(6))
    rows, _ = read(write(tmp_path, data), split_bytes=len(data) // 3 + 1)
    assert {row["doc_id"] >> ROW_BITS for row in rows} == {0, 1, 2}
    assert [row["doc_id"] for row in rows] == sorted({row["doc_id"] for row in rows})


def test_digests_are_checked_on_request(tmp_path: Path) -> None:
    sha1 = hashlib.sha1(http()).digest()
    values = [
        b"sha1:" + base64.b32encode(sha1),
        b"sha1:" + sha1.hex().encode(),
        b"sha1:AAAA",
        b"x:y",
    ]
    data = b"".join(
        member(record(n, fields=b"WARC-Block-Digest: " + value + b"\r\n"))
        for n, value in enumerate(values)
    )
    path = write(tmp_path, data)
    rows, tally = read(path, verify_digests=True)
    assert ids(rows) == [0, 1, 2, 3]
    assert tally.counters["digest_mismatch"] == 1
    assert "digest_mismatch" not in read(path)[1].counters
