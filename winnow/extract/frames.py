"""How pages and results cross the pipes of the sandbox: lengths, then bytes.

A group is its number of pages, then each page; a page is two lengths (content type, payload) and
the bytes; a result is four lengths (title, text, charset, problem) and the bytes. Integers are
little-endian; the length -1 stands for None.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import IO

from winnow.extract.extraction import Extracted

_COUNT = struct.Struct("<i")
_PAGE = struct.Struct("<iq")
_RESULT = struct.Struct("<iqii")

Payload = bytes | memoryview
PageBytes = tuple[Payload, str | None]
ResultBytes = tuple[bytes | None, bytes, bytes | None, bytes | None]
"""Title, text, charset, problem, each in UTF-8."""


def write_group(sink: IO[bytes], pages: Sequence[PageBytes]) -> None:
    sink.write(_COUNT.pack(len(pages)))
    for payload, content_type in pages:
        told = None if content_type is None else content_type.encode("utf-8", "replace")
        sink.write(_PAGE.pack(-1 if told is None else len(told), len(payload)) + (told or b""))
        sink.write(payload)
    sink.flush()


def read_group(source: IO[bytes]) -> list[tuple[bytes, str | None]] | None:
    """The next group; None where the stream ends, also in the middle of one."""
    head = source.read(_COUNT.size)
    if len(head) < _COUNT.size:
        return None
    pages: list[tuple[bytes, str | None]] = []
    for _ in range(_COUNT.unpack(head)[0]):
        head = source.read(_PAGE.size)
        if len(head) < _PAGE.size:
            return None
        told_bytes, payload_bytes = _PAGE.unpack(head)
        told = None if told_bytes < 0 else source.read(told_bytes).decode()
        payload = source.read(payload_bytes)
        if len(payload) < payload_bytes:
            return None
        pages.append((payload, told))
    return pages


def encode_result(result: Extracted) -> ResultBytes:
    """The result as the columns take it. A lone surrogate, which no UTF-8 has, becomes ``?``."""
    title, text, charset, problem = result
    return (
        None if title is None else title.encode("utf-8", "replace"),
        text.encode("utf-8", "replace"),
        None if charset is None else charset.encode(),
        None if problem is None else problem.encode("utf-8", "replace"),
    )


def pack_result(result: Extracted) -> bytes:
    parts = encode_result(result)
    lengths = (-1 if part is None else len(part) for part in parts)
    return b"".join((_RESULT.pack(*lengths), *(part or b"" for part in parts)))


def unpack_results(buffer: bytearray) -> list[ResultBytes]:
    """Take the results that are complete off the front of ``buffer``."""
    results: list[ResultBytes] = []
    position = 0
    while len(buffer) - position >= _RESULT.size:
        lengths = _RESULT.unpack_from(buffer, position)
        end = position + _RESULT.size + sum(max(length, 0) for length in lengths)
        if len(buffer) < end:
            break
        at = position + _RESULT.size
        parts: list[bytes | None] = []
        for length in lengths:
            parts.append(None if length < 0 else bytes(buffer[at : at + length]))
            at += max(length, 0)
        title, text, charset, problem = parts
        results.append((title, text or b"", charset, problem))
        position = end
    del buffer[:position]
    return results
