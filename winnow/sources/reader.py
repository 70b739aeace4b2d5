"""All records of a split: fastwarc where the file is in order, the careful reader where not.

fastwarc inflates and parses several times faster than Python can, but sees one long stream: it
reads across the ends of gzip members, so one wrong length makes it swallow what follows, and one
bad byte ends it. Here each of its records is held back until the next one has begun, and counts
only if it began and ended in a member of its own. At the first doubt the careful reader takes that
member, and fastwarc goes on behind it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from winnow.optional import require
from winnow.sources.input_file import InputFile
from winnow.sources.members import (
    MAGIC,
    RECORD_START,
    Inflated,
    find_member,
    measure_member,
    starts_record,
)
from winnow.sources.records import PAGE_KINDS, Damage, Record, Window, read_window

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_PLAIN_BLOCK_BYTES = 1 << 20

# fastwarc's WarcRecordType, as the numbers that it compares equal to
_KINDS = {
    2: "warcinfo", 4: "response", 8: "resource", 16: "request", 32: "metadata", 64: "revisit",
    128: "conversion", 256: "continuation",
}  # fmt: skip


class SplitReader:
    """Reads splits; made once a worker process. ``max_block_bytes`` caps a record's block."""

    def __init__(self, max_block_bytes: int) -> None:
        self.max_block_bytes = max_block_bytes
        self._archive_iterator = require("fastwarc", "source 'warc'").ArchiveIterator
        names = require("fastwarc.warc", "source 'warc'").WarcHeader
        self._fields = (  # looked up by these, a field costs a tenth of what its name costs
            names.WARC_TARGET_URI, names.WARC_DATE, names.WARC_RECORD_ID, names.CONTENT_TYPE,
            names.WARC_IDENTIFIED_PAYLOAD_TYPE, names.WARC_BLOCK_DIGEST,
        )  # fmt: skip
        self._gzip_reader = require("fastwarc.stream_io", "source 'warc'").GzipReader

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
        while position is not None and position < file.size:
            is_record = starts_record(file, position)
            if position >= end and is_record:
                return
            if is_record:
                position = yield from self._read_fast(file, position, end)
                if position >= end:
                    return
            position = yield from self._read_member(file, position)

    def _read_fast(
        self, file: InputFile, start: int, end: int
    ) -> Generator[Record | Damage, None, int]:
        """Records from ``start`` for as long as all is in order; returns where to go on."""
        gzip: Any = self._gzip_reader(file.stream(), fsspec_args=False)
        gzip.inner_seek(start)
        # not inplace: a record without Content-Length would have that of the one before
        records = iter(self._archive_iterator(gzip, parse_http=False))
        member_start = gzip.frame_start_position
        inflated_to = gzip.inner_tell  # after a record's last byte: the end of its member
        cap = self.max_block_bytes
        url, date, record_id, content_type, identified_type, block_digest = self._fields
        held: Record | None = None
        position = ended = start
        try:
            while True:
                record = next(records)
                member: int = member_start()
                if held is not None:
                    if member != ended:
                        return position  # a second record in it, or one begun in it
                    held.length = ended - position
                    yield held
                elif member != start:
                    return start
                position = member
                if member >= end:
                    return member
                length = record.content_length
                if length > cap:
                    return member
                kind = _KINDS.get(int(record.record_type), "unknown")
                if kind in PAGE_KINDS:
                    block = record.reader.read(length)
                    if len(block) != length:
                        return member
                    get = record.headers.get_bytes
                    held = Record(
                        kind, member, 0, block, get(url), get(date), get(record_id),
                        get(content_type), get(identified_type), get(block_digest),
                    )  # fmt: skip
                else:
                    record.consume()
                    held = Record(kind, member)
                if member_start() != member:
                    return member  # it ran into the next member
                ended = inflated_to()
        except (OSError, ValueError, StopIteration):
            return position

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
