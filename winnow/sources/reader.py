"""All records of a split: a member at a time where it is in order, the careful reader where not.

As a rule a member is whole and holds one record and no more, and then a few checks of the inflated
bytes are all that it takes. In any doubt the careful reader takes that member, from its start.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from winnow.sources.input_file import InputFile
from winnow.sources.members import (
    MAGIC,
    Inflated,
    WholeMembers,
    find_member,
    measure_member,
    starts_record,
)
from winnow.sources.records import (
    MAX_HEADER_BYTES,
    RECORD_START,
    Damage,
    Record,
    Window,
    read_window,
    sole_record,
)

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_PLAIN_BLOCK_BYTES = 1 << 20


class SplitReader:
    """Reads splits; made once a worker process. ``max_block_bytes`` caps a record's block."""

    def __init__(self, max_block_bytes: int) -> None:
        self.max_block_bytes = max_block_bytes

    def read(self, file: InputFile, start: int, end: int) -> Iterator[Record | Damage]:
        """The records whose gzip member starts in ``start <= position < end``, in order.

        Damage belongs to the split of the record before it, so that every stretch is named by
        exactly one split. A file that is not gzip belongs to the first split as a whole.
        """
        if not _is_gzip(file):
            if start == 0 and file.size:
                yield from self._read_plain(file)
            return
        position = 0 if start == 0 else find_member(file, start, min(end, file.size))
        members = WholeMembers(file, self.max_block_bytes + MAX_HEADER_BYTES)
        while position is not None and position < file.size:
            if position >= end and starts_record(file, position):
                return
            member = members.read(position)
            record = sole_record(member[0], self.max_block_bytes) if member is not None else None
            if member is None or record is None:
                position = yield from self._read_member(file, position)
            else:
                record.offset, record.length = position, member[1] - position
                position = member[1]
                yield record

    def _read_member(self, file: InputFile, start: int) -> Generator[Record | Damage, None, int]:
        """What is in the member at ``start``, or why it is none; returns where to go on."""
        if not file.read_at(start, len(MAGIC)).startswith(MAGIC):
            yield Damage("not_gzip", start, "no gzip member starts here")
            return find_member(file, start + 1, file.size) or file.size
        member = measure_member(file, start)
        if member.state == "whole":
            end = member.end
        else:
            end = find_member(file, start + 1, file.size) or file.size
        inflated = Inflated(file, start)

        def go_on() -> bool:
            return member.state == "whole" and inflated.go_on()

        last: Record | Damage | None = None
        for found in read_window(Window(inflated.refill, go_on), self.max_block_bytes, None, None):
            if last is not None:
                yield _placed(last, start, end)
            last = found
            end = max(end, inflated.position) if member.state == "whole" else end
        if member.state == "corrupt" or (
            member.state == "truncated" and not isinstance(last, Record)
        ):
            # the record before the break is not to be trusted, unless it is there in full and
            # nothing but the member's trailer is missing
            yield Damage(f"{member.state}_member", start, _BREAKS[member.state])
        elif last is not None:
            yield _placed(last, start, end)
        return end

    def _read_plain(self, file: InputFile) -> Iterator[Record | Damage]:
        head = file.read_at(0, 5)
        if head.startswith(_ZSTD_MAGIC):
            yield Damage("not_warc", 0, "the file is compressed with zstd; gzip and none are read")
            return
        position = 0

        def refill() -> bytes:
            nonlocal position
            block = file.read_at(position, _PLAIN_BLOCK_BYTES)
            position += len(block)
            return block

        yield from read_window(Window(refill), self.max_block_bytes, file.size, 0)


_BREAKS = {
    "corrupt": "the gzip member is damaged: its data or its checksum is wrong",
    "truncated": "the gzip member breaks off",
}


def _placed(found: Record | Damage, start: int, end: int) -> Record | Damage:
    """Records and damage inside a member are at the member's position in the file."""
    if isinstance(found, Record):
        found.offset, found.length = start, end - start
        return found
    return Damage(found.kind, start, found.what)


def _is_gzip(file: InputFile) -> bool:
    head = file.read_at(0, len(RECORD_START))
    if head.startswith(MAGIC[:2]):
        return True
    # a damaged first member does not make it another kind of file
    return file.path.endswith(".gz") and not head.startswith((RECORD_START, _ZSTD_MAGIC))
