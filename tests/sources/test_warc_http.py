"""HTTP in records: statuses, transfer and content encodings, content types, and the cap."""

from __future__ import annotations

import contextlib
import gzip
import io
import zlib
from pathlib import Path
from typing import Any

import pytest
from fastwarc.stream_io import BrotliWriter, ZstdWriter
from hypothesis import given
from hypothesis import strategies as st
from warc_bytes import HTML, assert_adds_up, http, ids, member, read, record, write

from winnow.sources.http_message import BadHttp, TooLarge, decode_body, head_end, join_chunks


def one(folder: Path, block: bytes, **fields: Any) -> tuple[bytes | None, dict[str, int]]:
    """Payload of the page in ``block`` (None where it makes no row), and the counters."""
    data = member(record(0, block)) + member(record(1))
    rows, tally = read(write(folder, data), **fields)
    assert_adds_up(rows, tally)
    assert ids(rows)[-1] == 1  # whatever it was, the next record is there
    return (rows[0]["payload"] if len(rows) == 2 else None), tally.counters


def written(writer_type: Any, body: bytes) -> bytes:
    sink = io.BytesIO()
    with writer_type(sink) as writer:
        writer.write(body)
    return sink.getvalue()


def bare_deflate(body: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(body) + deflate.flush()


ENCODED = {
    b"gzip": gzip.compress(HTML),
    b"x-gzip": gzip.compress(HTML[:9]) + gzip.compress(HTML[9:]),
    b"deflate": zlib.compress(HTML),
    b"Deflate": bare_deflate(HTML),
    b"br": written(BrotliWriter, HTML),
    b"zstd": written(ZstdWriter, HTML),
    b"identity": HTML,
    b"gzip, gzip": gzip.compress(gzip.compress(HTML)),
}


@pytest.mark.parametrize("name", ENCODED)
def test_content_encodings(tmp_path: Path, name: bytes) -> None:
    fields = b"Content-Encoding: " + name + b"\r\n"
    assert one(tmp_path, http(ENCODED[name], fields=fields))[0] == HTML


@pytest.mark.parametrize("name", [b"gzip", b"deflate", b"br", b"zstd"])
def test_a_body_that_was_decoded_already_is_taken_as_it_is(tmp_path: Path, name: bytes) -> None:
    fields = b"Content-Encoding: " + name + b"\r\n"
    assert one(tmp_path, http(HTML, fields=fields))[0] == HTML


def test_unknown_encoding_is_skipped(tmp_path: Path) -> None:
    payload, counters = one(tmp_path, http(fields=b"Content-Encoding: compress\r\n"))
    assert payload is None
    assert counters["skipped.content_encoding"] == 1


def test_a_cut_gzip_body_keeps_what_it_gave(tmp_path: Path) -> None:
    body = gzip.compress(HTML * 5000, 1)
    payload, _ = one(tmp_path, http(body[: len(body) // 2], fields=b"Content-Encoding: gzip\r\n"))
    assert payload is not None
    assert (HTML * 5000).startswith(payload)
    assert len(payload) > len(HTML)


def test_a_broken_gzip_body_is_a_problem(tmp_path: Path) -> None:
    body = b"\x1f\x8b\x08" + b"\xff" * 60
    payload, counters = one(tmp_path, http(body, fields=b"Content-Encoding: gzip\r\n"))
    assert payload is None
    assert counters["problems.bad_encoding"] == 1


@pytest.mark.parametrize("name", [b"gzip", b"deflate", b"br", b"zstd", b"gzip, gzip"])
def test_bombs_are_cut_at_the_cap(tmp_path: Path, name: bytes) -> None:
    zeros = bytes(64 << 20)
    bomb = {
        b"gzip": lambda: gzip.compress(zeros, 9),
        b"deflate": lambda: zlib.compress(zeros, 9),
        b"br": lambda: written(BrotliWriter, zeros),
        b"zstd": lambda: written(ZstdWriter, zeros),
        b"gzip, gzip": lambda: gzip.compress(gzip.compress(zeros, 9), 9),
    }[name]()
    fields = b"Content-Encoding: " + name + b"\r\n"
    payload, counters = one(tmp_path, http(bomb, fields=fields), max_record_bytes=1 << 20)
    assert payload is None
    assert counters["skipped.too_large"] == 1


def test_large_pages_are_skipped_without_decoding_too(tmp_path: Path) -> None:
    payload, counters = one(tmp_path, http(b"<html>" + b"x" * (50 << 20)))
    assert payload is None
    assert counters["skipped.too_large"] == 1
    assert one(tmp_path, http(b"<html>" + b"x" * 994), max_record_bytes=1000)[0] is not None
    assert one(tmp_path, http(b"<html>" + b"x" * 995), max_record_bytes=1000)[0] is None


CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"5\r\n<html\r\n1;a=b\r\n>\r\n0\r\n\r\n", b"<html>"),
        (b"5\n<html\n1\n>\n0\n\n", b"<html>"),
        (b"00005\r\n<html\r\n0\r\nTrailer: x\r\n\r\n", b"<html"),
        (HTML, HTML),  # joined by the crawler
        (b"6\r\n<html>", b"<html>"),  # cut
        (b"ff\r\n<html>", b"<html>"),
        (b"6\r\n<html>\r\nnot a length\r\n<p>text", b"<html>not a length\r\n<p>text"),
        (b"3\r\n<html>\r\n0\r\n\r\n", b"<html>\r\n0\r\n\r\n"),  # length too small
        (b"-5\r\nx", b"-5\r\nx"),
        (b"", b""),
    ],
)
def test_chunks_right_and_wrong(tmp_path: Path, body: bytes, expected: bytes) -> None:
    assert join_chunks(body) == expected
    assert one(tmp_path, http(body, fields=CHUNKED))[0] == expected


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8))
def test_chunked_bodies_come_back(parts: list[bytes]) -> None:
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    assert join_chunks(body) == b"".join(parts)


@given(st.binary(max_size=400), st.sampled_from([b"gzip", b"deflate", b"br", b"zstd", b"gzip,br"]))
def test_decoding_any_bytes_ends_in_bytes_or_an_error_of_ours(body: bytes, name: bytes) -> None:
    for start in (b"", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd"):
        with contextlib.suppress(BadHttp, TooLarge):
            assert len(decode_body(start + body, b"chunked", name, 1000)) <= 1000


def test_status_and_line_ends(tmp_path: Path) -> None:
    for status, kept in (
        (b"200 OK", True),
        (b"200", True),
        (b"301 Moved", False),
        (b"404 No", False),
    ):
        payload, counters = one(tmp_path, http(status=status))
        assert (payload is not None) == kept
        assert counters.get("skipped.http_status", 0) == (not kept)
    assert one(tmp_path, http(b"<html>\r\n\r\nx", end=b"\n"))[0] == b"<html>\r\n\r\nx"
    for block in (
        b"no http at all",
        b"HTTP/1.1 OK\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Type: te",
    ):
        payload, counters = one(tmp_path, block)
        assert payload is None
        assert counters["problems.bad_http"] == 1


@given(
    st.sampled_from([b"\r\n", b"\n"]), st.lists(st.sampled_from([b"A: b", b"C:d"]), max_size=3),
    st.binary(max_size=20),
)  # fmt: skip
def test_head_end_is_where_the_body_starts(end: bytes, lines: list[bytes], body: bytes) -> None:
    head = b"HTTP/1.1 200 OK" + end + b"".join(line + end for line in lines) + end
    assert head_end(head + body) == len(head)


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        (b"text/html; charset=x", b"anything", "text/html; charset=x"),
        (b"TEXT/HTML", b"anything", "TEXT/HTML"),
        (b"application/xhtml+xml", b"anything", "application/xhtml+xml"),
        (b"text/plain", b"anything", "text/plain"),
        (b"text/plain, text/html", b"anything", "text/plain, text/html"),
        (b"image/png", HTML, None),
        (b"application/json", b"{}", None),
        (b"text/html", b"%PDF-1.4 ...", None),
        (b"text/html", b"\x89PNG\r\n", None),
        (None, HTML, "text/html"),
        (None, b"<?xml version='1.0'?><!DOCTYPE html><html>", "text/html"),
        (None, b"plain words", "text/plain"),
        (None, b"\x00\x01\x02", None),
        (None, b"", None),
        (b"", HTML, "text/html"),
        (b"html", HTML, "text/html"),
        (b"application/octet-stream", HTML, "text/html"),
        (b"application/octet-stream", b"\x7fELF\0", None),
    ],
)
def test_content_types(
    tmp_path: Path, content_type: bytes | None, body: bytes, expected: str | None
) -> None:
    data = member(record(0, http(body, content_type=content_type)))
    rows, tally = read(write(tmp_path, data))
    assert [row["content_type"] for row in rows] == ([] if expected is None else [expected])
    assert tally.counters.get("skipped.content_type", 0) == (expected is None)
    assert not tally.problems


def test_the_crawlers_word_counts_where_the_server_gave_none(tmp_path: Path) -> None:
    fields = b"WARC-Identified-Payload-Type: application/xhtml+xml\r\n"
    data = member(record(0, http(b"words", content_type=None), fields=fields))
    data += member(record(1, http(b"words", content_type=b"text/html"), fields=fields))
    rows, _ = read(write(tmp_path, data))
    assert [row["content_type"] for row in rows] == ["application/xhtml+xml", "text/html"]
