"""The HTTP response in a record's block: status, header fields, and the decoded body.

Servers and crawlers disagree with the standard in every way, so decoding forgives: a body that
is not encoded as its header says is taken as it is, and what a broken encoding gave before it
broke is kept. What is never given up is the cap on the decoded size.
"""

from __future__ import annotations

import io
import zlib
from typing import Any

from winnow.optional import require

MAX_HEAD_BYTES = 1 << 16
MAX_ENCODINGS = 3  # more layers than any server has a reason for


class BadHttp(ValueError):
    """The block holds no HTTP response, or one whose body cannot be decoded."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(what)
        self.kind = kind
        self.what = what


class TooLarge(ValueError):
    """The body decodes to more than the cap."""


def head_end(block: bytes) -> int:
    """Where the body starts; -1 where the head does not end. Line ends may be bare line feeds."""
    first = block.find(b"\n", 0, MAX_HEAD_BYTES)
    if first > 0 and block[first - 1] == 13:  # the first line's end is the others'
        end = block.find(b"\r\n\r\n", first - 1, MAX_HEAD_BYTES)
        if end >= 0:
            return end + 4
    ends = [
        found + len(mark)
        for mark in (b"\n\n", b"\n\r\n")
        if (found := block.find(mark, 0, MAX_HEAD_BYTES)) >= 0
    ]
    return min(ends, default=-1)


def status_code(block: bytes) -> int:
    """The status of the response that ``block`` starts with; :class:`BadHttp` if none does."""
    if not block.startswith(b"HTTP/"):
        raise BadHttp("bad_http", "the response does not start with an HTTP status line")
    words = block[: block.find(b"\n", 0, 1024)].split(None, 2)
    if len(words) < 2 or not words[1].isdigit():
        raise BadHttp("bad_http", "the HTTP status line has no status")
    return int(words[1][:3])


def field_value(head: bytes, lower_head: bytes, name: bytes) -> bytes | None:
    r"""The last value of a header field; ``name`` is lower-case and written ``b"\nname:"``."""
    found = lower_head.find(name)  # several times faster than rfind, and fields seldom repeat
    if found < 0:
        return None
    while (later := lower_head.find(name, found + 1)) >= 0:
        found = later
    start = found + len(name)
    end = head.find(b"\n", start)
    if end < 0 or head[end + 1 : end + 2] not in (b" ", b"\t"):
        return head[start : end if end >= 0 else len(head)].strip()
    while 0 <= end < len(head) - 1 and head[end + 1] in b" \t":  # a continuation line
        end = head.find(b"\n", end + 1)
    return b" ".join(head[start : end if end >= 0 else len(head)].split())


def decode_body(
    body: bytes, transfer_encoding: bytes, content_encoding: bytes, max_bytes: int
) -> bytes:
    """``body`` without its transfer and content encodings, at most ``max_bytes`` long.

    :class:`TooLarge` beyond that; :class:`BadHttp` where an encoding is unknown, or broken from
    its first byte in a body that was really encoded.
    """
    if b"chunked" in transfer_encoding.lower():
        body = join_chunks(body)
    layers = [word.strip() for word in content_encoding.lower().split(b",")]
    layers = [word for word in layers if word not in (b"", b"identity", b"none")]
    if len(layers) > MAX_ENCODINGS:
        raise BadHttp("bad_encoding", "the body has more content encodings than are decoded")
    for layer in reversed(layers):
        body = _decode_layer(body, layer, max_bytes)
    if len(body) > max_bytes:
        raise TooLarge
    return body


def join_chunks(body: bytes) -> bytes:
    """The data of a chunked body.

    A body that does not start with a chunk length was joined by the crawler: it is taken as it
    is. Where a later length is wrong, what follows is taken as it is, as browsers' and warcio's
    readers do, for the text is worth more than the framing.
    """
    parts = []
    position = 0
    while position < len(body):
        line_end = body.find(b"\n", position, position + 256)
        size = body[position:line_end].partition(b";")[0].strip() if line_end >= 0 else b""
        try:
            length = int(size, 16) if len(size) <= 16 and size.isalnum() else -1
        except ValueError:
            length = -1
        if length < 0:
            parts.append(body[position:])
            break
        if length == 0:
            break
        start = line_end + 1
        parts.append(body[start : start + length])
        position = start + length
        if body.startswith(b"\r\n", position):
            position += 2
        elif body.startswith(b"\n", position):
            position += 1
    return b"".join(parts)


def _decode_layer(body: bytes, name: bytes, max_bytes: int) -> bytes:
    if name in (b"gzip", b"x-gzip"):
        if not body.startswith(b"\x1f\x8b"):
            return body  # decoded by the crawler, which kept the header
        return _inflate(body, 31, max_bytes)
    if name == b"deflate":
        # the standard says zlib; some servers send bare deflate, and some nothing of the kind
        for bits in (15, -15):
            try:
                return _inflate(body, bits, max_bytes)
            except BadHttp:
                continue
        return body
    if name in (b"br", b"zstd"):
        reader = "BrotliReader" if name == b"br" else "ZstdReader"
        if name == b"zstd" and not body.startswith(b"\x28\xb5\x2f\xfd"):
            return body
        stream_io = require("fastwarc.stream_io", "source 'warc'")
        return _read_capped(getattr(stream_io, reader)(io.BytesIO(body)), body, max_bytes)
    raise BadHttp("unknown_encoding", "the body has a content encoding that is not known")


def _inflate(body: bytes, bits: int, max_bytes: int) -> bytes:
    view = memoryview(body)
    parts: list[bytes] = []
    room = max_bytes + 1
    position = 0
    inflate = zlib.decompressobj(bits)
    try:
        while position < len(view) and room > 0:
            # in pieces: an error loses the output of the call in which it is found
            piece = view[position : position + (1 << 16)]
            part = inflate.decompress(piece, room)
            position += len(piece) - len(inflate.unconsumed_tail) - len(inflate.unused_data)
            parts.append(part)
            room -= len(part)
            if inflate.eof:
                if bits != 31 or bytes(view[position : position + 2]) != b"\x1f\x8b":
                    break
                inflate = zlib.decompressobj(bits)  # gzip allows several members
    except zlib.error:
        if not any(parts):
            raise BadHttp("bad_encoding", "the body is not encoded as it says") from None
    if room <= 0:
        raise TooLarge
    return b"".join(parts)


def _read_capped(reader: Any, body: bytes, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    room = max_bytes + 1
    try:
        while room > 0 and (part := reader.read(min(room, 1 << 18))):
            parts.append(part)
            room -= len(part)
    except (OSError, ValueError):
        if not parts:
            if body[:64].lstrip()[:1] == b"<":
                return body  # decoded by the crawler, which kept the header
            raise BadHttp("bad_encoding", "the body is not encoded as it says") from None
    if room <= 0:
        raise TooLarge
    return b"".join(parts)
