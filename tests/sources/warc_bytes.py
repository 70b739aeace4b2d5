"""Small WARC files for the tests, built byte by byte so that they can be broken anywhere."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

from winnow.pipeline.stage import Tally
from winnow.sources.warc import WarcSource

HTML = b"<html><body><p>Some words of a page.</p></body></html>"


def http(
    body: bytes = HTML,
    *,
    status: bytes = b"200 OK",
    content_type: bytes | None = b"text/html; charset=utf-8",
    fields: bytes = b"",
    end: bytes = b"\r\n",
) -> bytes:
    head = b"HTTP/1.1 " + status + end
    if content_type is not None:
        head += b"Content-Type: " + content_type + end
    return head + fields + end + body


def record(
    number: int,
    block: bytes | None = None,
    *,
    kind: bytes = b"response",
    url: bytes | None = None,
    date: bytes | None = b"2024-05-18T01:58:10Z",
    length: int | None = None,
    record_id: bytes | None = None,
    content_type: bytes = b"application/http; msgtype=response",
    fields: bytes = b"",
) -> bytes:
    block = http() if block is None else block
    url = b"http://example.org/%d" % number if url is None else url
    record_id = b"<urn:uuid:%08d>" % number if record_id is None else record_id
    header = b"WARC/1.0\r\nWARC-Type: " + kind + b"\r\nWARC-Record-ID: " + record_id + b"\r\n"
    header += b"WARC-Target-URI: " + url + b"\r\n"
    if date is not None:
        header += b"WARC-Date: " + date + b"\r\n"
    header += b"Content-Type: " + content_type + b"\r\n" + fields
    header += b"Content-Length: %d\r\n\r\n" % (len(block) if length is None else length)
    return header + block + b"\r\n\r\n"


def member(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def write(folder: Path, data: bytes, name: str = "test.warc.gz") -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


def read(path: str, **fields: Any) -> tuple[list[dict[str, Any]], Tally]:
    """The rows of the file as dictionaries, and what was counted."""
    source = WarcSource(paths=(path,), **fields)
    read_split = source.open()
    tally = Tally()
    rows: list[dict[str, Any]] = []
    for split in source.splits():
        for batch in read_split(split, tally):
            batch.validate(full=True)
            assert batch.schema == source.output_schema()
            rows += batch.to_pylist()
    return rows, tally


def total(tally: Tally, prefix: str) -> int:
    return sum(count for name, count in tally.counters.items() if name.startswith(prefix))


def assert_adds_up(rows: list[dict[str, Any]], tally: Tally) -> None:
    """Every record that was read is a row, was skipped, or is a problem."""
    records = tally.counters.get("records", 0)
    assert records == len(rows) + total(tally, "skipped.") + total(tally, "problems.")
    assert records == total(tally, "records.")
    assert len(tally.problems) == total(tally, "problems.")


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [int(row["record_id"]) for row in rows]
