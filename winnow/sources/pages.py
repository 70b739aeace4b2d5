"""From a record to a row: which records hold a page, and what the row says of it."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np
import pyarrow as pa

from winnow.sources.content_type import PAGE_TYPES, is_binary, mime_type, sniff
from winnow.sources.http_message import (
    MAX_HEAD_BYTES,
    BadHttp,
    TooLarge,
    decode_body,
    field_value,
    head_end,
    status_code,
)
from winnow.sources.records import Record


class Pages:
    """The rows of a batch, column by column."""

    __slots__ = (
        "content_type", "crawl_date", "domain", "payload", "record_id", "url", "warc_length",
        "warc_offset",
    )  # fmt: skip

    def __init__(self) -> None:
        self.url: list[str] = []
        self.domain: list[str] = []
        self.crawl_date: list[int | None] = []  # seconds since 1970-01-01 UTC
        self.record_id: list[str] = []
        self.warc_offset: list[int] = []
        self.warc_length: list[int] = []
        self.content_type: list[str] = []
        self.payload = Payloads()

    def add(self, record: Record, max_bytes: int) -> None:
        """Add the page in ``record``; :class:`Skipped`, or :class:`BadHttp`: nothing is added."""
        content_type, payload = _content(record, max_bytes)
        url = text_of(record.url)
        if url.startswith("<") and url.endswith(">"):
            url = url[1:-1]  # old wget wrote the grammar's angle brackets
        self.url.append(url)
        self.domain.append(domain_of(url))
        self.crawl_date.append(epoch_seconds(text_of(record.date)))
        self.record_id.append(_record_id(text_of(record.record_id)))
        self.warc_offset.append(record.offset)
        self.warc_length.append(record.length)
        self.content_type.append(content_type)
        self.payload.append(payload)


class Payloads:
    """The column of payloads, copied as they come: while they are in the processor's cache.

    Into memory of Arrow's pool, which is used again from batch to batch: memory fresh from the
    system costs more than the copy.
    """

    def __init__(self) -> None:
        self.size = 0
        self._ends: list[int] = []
        self._buffer = pa.allocate_buffer(_PAYLOAD_BYTES, resizable=True)
        self._view = memoryview(self._buffer).cast("B")

    def append(self, payload: bytes | memoryview) -> None:
        end = self.size + len(payload)
        if end > len(self._view):
            self._view.release()
            self._buffer.resize(max(end, 2 * self._buffer.size))
            self._view = memoryview(self._buffer).cast("B")
        self._view[self.size : end] = payload
        self.size = end
        self._ends.append(end)

    def to_array(self) -> pa.Array:
        """``large_binary``, over the memory of this; nothing is to be appended after it."""
        self._view.release()
        offsets = np.zeros(len(self._ends) + 1, np.int64)
        offsets[1:] = self._ends
        buffers = [None, pa.py_buffer(offsets), self._buffer.slice(0, self.size)]
        return pa.Array.from_buffers(pa.large_binary(), len(self._ends), buffers)


class Skipped(Exception):
    """The record is in order and holds no page; ``reason`` ends the counter's name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_HOST = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#\\@]*@)?(\[[^\]/?#]*\]|[^/?#\\:]*)")
_URN = "<urn:uuid:"
_PAYLOAD_BYTES = 4 << 20  # most batches have less


def _content(record: Record, max_bytes: int) -> tuple[str, bytes | memoryview]:
    """Content-Type and payload of the page in ``record``."""
    block = record.block
    if block is None:
        raise Skipped("too_large")
    told = record.content_type or b""
    if record.kind == "response" and (not told or told[:16].lower() == b"application/http"):
        return _response(block, record, max_bytes)
    if (record.url or b"").lstrip(b"<").startswith(b"metadata:"):
        raise Skipped("record_type")  # wget's own log and manifest, filed as resources
    if len(block) > max_bytes:
        raise Skipped("too_large")
    start = bytes(block[:_HEAD_BYTES])
    return _page_type(*_told_type(told), record, start), block


def _response(block: memoryview, record: Record, max_bytes: int) -> tuple[str, bytes | memoryview]:
    start = bytes(block[:_HEAD_BYTES])
    if b"\r\n\r\n" not in start:
        start = bytes(block[:MAX_HEAD_BYTES])
    if start[8:13] != b" 200 " and status_code(start) != 200:
        raise Skipped("http_status")
    body_start = head_end(start)
    if body_start < 0 or not start.startswith(b"HTTP/"):
        raise BadHttp("bad_http", "the HTTP head does not start as one, or does not end")
    head = start[:body_start]
    lower = head.lower()
    told, mime = _told_type(field_value(head, lower, b"\ncontent-type:") or b"")
    if mime and mime not in PAGE_TYPES:
        raise Skipped("content_type")
    # whole names: Common Crawl keeps the encodings that it undid as X-Crawl-Content-Encoding
    if b"\ncontent-encoding:" in lower or b"\ntransfer-encoding:" in lower:
        transfer = field_value(head, lower, b"\ntransfer-encoding:") or b""
        content = field_value(head, lower, b"\ncontent-encoding:") or b""
        try:
            body = decode_body(bytes(block[body_start:]), transfer, content, max_bytes)
        except TooLarge:
            raise Skipped("too_large") from None
        except BadHttp as error:
            if error.kind == "unknown_encoding":
                raise Skipped("content_encoding") from None
            raise
        return _page_type(told, mime, record, body[:_HEAD_BYTES]), body
    if len(block) - body_start > max_bytes:
        raise Skipped("too_large")
    # the first bytes are enough unless the type has to be guessed
    start = bytes(block[body_start : body_start + (16 if mime else _HEAD_BYTES)])
    if not mime or is_binary(start):
        told = _page_type(told, mime, record, start)
    return told, block[body_start:]


_HEAD_BYTES = 2048  # of a block or body: holds nearly every HTTP head, and is enough for a type


@lru_cache(maxsize=4096)
def _told_type(value: bytes) -> tuple[str, str]:
    """A Content-Type as text, and its MIME type (empty where it says nothing)."""
    text = value.decode("latin-1").replace("\0", "")
    return text, mime_type(text)


def _page_type(told: str, mime: str, record: Record, start: bytes) -> str:
    """The Content-Type to file the page under; :class:`Skipped` where it is no page.

    The server's word where it is one; else the crawler's (``WARC-Identified-Payload-Type``), else
    what the bytes look like. Bytes of a known binary format overrule them all.
    """
    if not mime:
        identified = record.field(b"warc-identified-payload-type") or b""
        told = mime = _told_type(identified)[1] or sniff(start)
    if mime not in PAGE_TYPES or is_binary(start):
        raise Skipped("content_type")
    return told


def domain_of(url: str) -> str:
    """Host of ``url``: lower case, no user, port or final dot; empty where it has none."""
    found = _HOST.match(url)
    return found.group(1).lower().rstrip(".") if found else ""


def epoch_seconds(date: str) -> int | None:
    """Seconds since 1970 of a WARC-Date (ISO 8601, UTC unless it says so) or of an ARC date.

    None where it is absent or no date (ClueWeb09 has days that no month has).
    """
    try:
        if len(date) == 14 and date.isdigit():
            when = datetime.strptime(date, "%Y%m%d%H%M%S")
        else:
            when = datetime.fromisoformat(date)
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return int(when.timestamp())
    except (ValueError, OverflowError):
        return None


def block_digest_matches(record: Record) -> bool | None:
    """Whether ``WARC-Block-Digest`` is right; None where there is none, or of an unknown kind."""
    told = record.field(b"warc-block-digest")
    if told is None or record.block is None:
        return None
    name, _, value = told.decode("latin-1").partition(":")
    name = name.strip().lower().replace("-", "")
    if name not in ("sha1", "sha256", "md5"):
        return None
    digest = hashlib.new(name, record.block, usedforsecurity=False).digest()
    value = value.strip()
    in_base32 = base64.b32encode(digest).decode().rstrip("=")
    return value.rstrip("=").upper() == in_base32 or value.lower() == digest.hex()


def text_of(value: bytes | None) -> str:
    """A header field's value; as Latin-1 where it is not UTF-8, and empty where it is None."""
    if value is None:
        return ""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _record_id(value: str) -> str:
    if value.startswith(_URN):
        return value[len(_URN) :].rstrip(">")
    return value.removeprefix("<").removesuffix(">")
