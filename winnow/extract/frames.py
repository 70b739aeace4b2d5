"""How pages and results pass between the sandbox and its parent.

Payloads lie one behind the other in memory that both have mapped: through a pipe they would be
copied in pieces, with a switch between the processes at each. The pipe carries the rest: a group is
its number of pages, then for each page two lengths (content type, payload) and the content type; a
result is five lengths (title, text, charset, why, problem) and the bytes. Integers are
little-endian; the length -1 stands for None. The shared memory starts with the number of the page
at work.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Sequence
from typing import IO

from winnow.extract.extraction import Extracted

PROGRESS = struct.Struct("<i")
PAYLOADS_AT = 64
_COUNT = struct.Struct("<i")
_PAGE = struct.Struct("<iq")
_RESULT = struct.Struct("<iqiii")

Payload = bytes | memoryview
PageBytes = tuple[Payload, str | None]
ResultBytes = tuple[bytes | None, bytes, bytes | None, bytes | None, bytes | None]
"""Title, text, charset, why that charset, problem, each in UTF-8."""


def shared_bytes(payload_bytes: int) -> int:
    """Size of the shared memory for groups of at most ``payload_bytes``."""
    return PAYLOADS_AT + payload_bytes


def write_group(sink: IO[bytes], area: mmap.mmap, pages: Sequence[PageBytes]) -> None:
    """Hand over a group that fits the area. The group before it must be done with."""
    PROGRESS.pack_into(area, 0, -1)
    parts = [_COUNT.pack(len(pages))]
    at = PAYLOADS_AT
    for payload, content_type in pages:
        told = None if content_type is None else content_type.encode("utf-8", "replace")
        parts.append(_PAGE.pack(-1 if told is None else len(told), len(payload)))
        parts.append(told or b"")
        area[at : at + len(payload)] = payload
        at += len(payload)
    sink.write(b"".join(parts))
    sink.flush()


def read_group(source: IO[bytes], area: mmap.mmap) -> Iterator[tuple[bytes, str | None]] | None:
    """The pages of the next group; None where the stream ends, also in the middle of one."""
    head = source.read(_COUNT.size)
    if len(head) < _COUNT.size:
        return None
    pages: list[tuple[int, str | None]] = []
    for _ in range(_COUNT.unpack(head)[0]):
        head = source.read(_PAGE.size)
        if len(head) < _PAGE.size:
            return None
        told_bytes, payload_bytes = _PAGE.unpack(head)
        told = None if told_bytes < 0 else source.read(told_bytes).decode()
        pages.append((payload_bytes, told))
    return _payloads(area, pages)


def _payloads(
    area: mmap.mmap, pages: list[tuple[int, str | None]]
) -> Iterator[tuple[bytes, str | None]]:
    at = PAYLOADS_AT
    for payload_bytes, told in pages:
        yield area[at : at + payload_bytes], told
        at += payload_bytes


def encode_result(result: Extracted) -> ResultBytes:
    """The result as the columns take it. A lone surrogate, which no UTF-8 has, becomes ``?``."""
    title, text, charset, why, problem = result
    return (
        None if title is None else title.encode("utf-8", "replace"),
        text.encode("utf-8", "replace"),
        None if charset is None else charset.encode(),
        None if why is None else why.encode(),
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
        title, text, charset, why, problem = parts
        results.append((title, text or b"", charset, why, problem))
        position = end
    del buffer[:position]
    return results
