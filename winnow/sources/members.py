"""Gzip members of a WARC file: where they start, where they end, and what is in them.

A WARC file is a series of gzip members, as a rule one a record, so a worker that is given a byte
range can find its first record by itself: the first position at which a gzip member starts whose
content starts with ``WARC/``. The magic number alone occurs by chance every 16 MiB; the content
does not. One limit is inherent: a small ``.warc.gz`` that was itself crawled, and that deflate
stored uncompressed within a record, looks like members of the file to a worker whose range
starts inside that record.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from winnow.errors import MissingExtra
from winnow.optional import require
from winnow.sources.input_file import InputFile
from winnow.sources.records import RECORD_START

MAGIC = b"\x1f\x8b\x08"

_SCAN_BYTES = 1 << 20
_READ_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 20
_GZIP = 31  # zlib's window bits for "a gzip header, and the largest window"
_RARE_FLAGS = 0b11100010  # of the header: reserved ones, and its own checksum; zlib checks both
MIN_MEMBER_BYTES = 20  # header 10, an empty block 2, trailer 8

MemberState = Literal["whole", "truncated", "corrupt"]

_find_magic = re.compile(re.escape(MAGIC)).search  # half the time of bytes.find for these three


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


class WholeMembers:
    """The content of members that are in order, each inflated in one call.

    Done by libdeflate (package ``deflate``) where it is installed, else by zlib. A member counts
    only where its checksum and its length agree, so both give the same.
    """

    def __init__(self, file: InputFile, max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._base = 0  # where in the file the block starts
        self._block = b""
        self._view = memoryview(self._block)
        self._decompress, self._error = _one_call()

    def read(self, start: int) -> tuple[bytes | bytearray, int] | None:
        """Content and end of the member at ``start``.

        None where no member is, or one that is damaged or larger than ``max_bytes``.

        As a rule a member ends where the next magic number stands, and its last four bytes are its
        length. Where they are not, that number stood there by chance, or something else follows
        the member, and its end is found by inflating it step by step.
        """
        at = start - self._base
        if not 0 <= at < len(self._block):
            at = self._load(start)
        found = _find_magic(self._block, at + MIN_MEMBER_BYTES)
        if found is None and at > 0 and self._base + len(self._block) < self._file.size:
            at = self._load(start)
            found = _find_magic(self._block, MIN_MEMBER_BYTES)
        stop = len(self._block) if found is None else found.start()
        if stop - at < MIN_MEMBER_BYTES:  # what trails the last member of a file
            return self._read_stepwise(start)
        told = self._block[stop - 4 : stop]
        size = int.from_bytes(told, "little")
        if (
            0 < size <= self._max_bytes
            and not self._block[at + 3] & _RARE_FLAGS
            # else it may end there, and what follows would be taken for a part of it
            and self._block.find(told, at, stop - 1) < 0
        ):
            try:
                content = self._decompress(self._view[at:stop], size)
            except self._error:
                pass
            else:
                if len(content) == size:
                    return content, self._base + stop
        return self._read_stepwise(start)

    def _load(self, start: int) -> int:
        self._base = start
        self._block = self._file.read_at(start, _BLOCK_BYTES)
        self._view = memoryview(self._block)
        return 0

    def _read_stepwise(self, start: int) -> tuple[bytes, int] | None:
        inflated = Inflated(self._file, start)
        parts: list[bytes] = []
        room = self._max_bytes
        while room >= 0 and (part := inflated.refill()):
            parts.append(part)
            room -= len(part)
        if inflated.state != "whole" or room < 0:
            return None
        return b"".join(parts), inflated.position


def _one_call() -> tuple[Callable[[memoryview, int], bytes | bytearray], type[Exception]]:
    """A function from a gzip member and its length to its content, and what it raises."""
    try:
        deflate = require("deflate", "source 'warc'")
    except MissingExtra:
        return lambda member, size: zlib.decompress(member, _GZIP, size), zlib.error
    return deflate.gzip_decompress, deflate.DeflateError
