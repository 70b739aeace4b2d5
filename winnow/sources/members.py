"""Gzip members of a WARC file: where they start, where they end, and what is in them.

A WARC file is a series of gzip members, as a rule one a record, so a worker that is given a byte
range can find its first record by itself: the first position at which a gzip member starts whose
content starts with ``WARC/``. The magic number alone occurs by chance every 16 MiB; the content
does not. One limit is inherent: a small ``.warc.gz`` that was itself crawled, and that deflate
stored uncompressed within a record, looks like members of the file to a worker whose range
starts inside that record.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

from winnow.sources.input_file import InputFile

MAGIC = b"\x1f\x8b\x08"
RECORD_START = b"WARC/"

_SCAN_BYTES = 1 << 20
_READ_BYTES = 1 << 16
_GZIP = 31  # zlib's window bits for "a gzip header, and the largest window"
MIN_MEMBER_BYTES = 20  # header 10, an empty block 2, trailer 8

MemberState = Literal["whole", "truncated", "corrupt"]


def starts_record(file: InputFile, position: int) -> bool:
    """Whether a gzip member whose content starts with a WARC record starts at ``position``."""
    head = file.read_at(position, 4096)
    if not head.startswith(MAGIC):
        return False
    try:
        content = zlib.decompressobj(_GZIP).decompress(head, len(RECORD_START))
    except zlib.error:
        return False
    return content == RECORD_START


def find_member(file: InputFile, position: int, limit: int) -> int | None:
    """The first member with a record that starts in ``position <= start < limit``."""
    while position < limit:
        block = file.read_at(position, _SCAN_BYTES + len(MAGIC) - 1)
        found = block.find(MAGIC)
        while found >= 0 and position + found < limit:
            if starts_record(file, position + found):
                return position + found
            found = block.find(MAGIC, found + 1)
        position += _SCAN_BYTES
    return None


@dataclass(frozen=True)
class Member:
    """What became of inflating the member at ``start``; ``end`` is only good where ``whole``."""

    start: int
    end: int
    state: MemberState


def measure_member(file: InputFile, start: int) -> Member:
    """Inflate the member at ``start`` to learn its end; holds no more than a block of it."""
    inflated = Inflated(file, start)
    while inflated.state is None:
        inflated.refill()
    return Member(start, inflated.position, inflated.state)


class Inflated:
    """The content of the member at ``start``, block by block.

    ``state`` is None until the member has ended.
    """

    def __init__(self, file: InputFile, start: int) -> None:
        self.position = start  # of the first compressed byte that has not been used
        self.state: MemberState | None = None
        self._file = file
        self._inflate = zlib.decompressobj(_GZIP)
        self._input = b""

    def refill(self) -> bytes:
        """The next block of at most 256 KiB; empty at the end, and then ``state`` says which."""
        while self.state is None:
            if not self._input:
                self._input = self._file.read_at(self.position, _READ_BYTES)
                if not self._input:
                    self.state = "truncated"
                    break
            before = len(self._input)
            try:
                block = self._inflate.decompress(self._input, 1 << 18)
            except zlib.error:
                self.state = "corrupt"
                break
            if self._inflate.eof:
                self.state = "whole"
                self._input = self._inflate.unused_data
            else:
                self._input = self._inflate.unconsumed_tail
            self.position += before - len(self._input)
            if block:
                return block
        return b""

    def go_on(self) -> bool:
        """After a whole member, turn to the next, if that one does not start a record.

        For records that a writer has cut into two members.
        """
        if self.state != "whole" or starts_record(self._file, self.position):
            return False
        if not self._file.read_at(self.position, len(MAGIC)).startswith(MAGIC):
            return False
        self.state = None
        self._inflate = zlib.decompressobj(_GZIP)
        self._input = b""
        return True
