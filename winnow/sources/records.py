"""WARC records in bytes: the one in a member that is in order, and those in a stream that is not.

:func:`sole_record` takes what is exactly one record. :func:`read_window` is the careful reader:
several times slower, for plain files, for files that are a single gzip member, and wherever the
other one finds none. It trusts nothing: a record that is not what it says costs itself only, and
reading resumes at the next line that starts a record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MAX_HEADER_BYTES = 1 << 16
RECORD_START = b"WARC/"
PAGE_KINDS = ("response", "resource", "conversion")
KINDS = (
    "warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion",
    "continuation",
)  # fmt: skip

_PAGE_KINDS = frozenset(kind.encode() for kind in PAGE_KINDS)
_PAGE_FIELDS = (b"\nwarc-target-uri:", b"\nwarc-date:", b"\nwarc-record-id:", b"\ncontent-type:")
_KIND_NAMES = {kind.encode(): kind for kind in KINDS}

_HEADER_END = re.compile(rb"\n\r?\n")
_NEXT_RECORD = re.compile(rb"\nWARC/[01]\.\d{1,2}\r?\n")


@dataclass(slots=True)
class Record:
    """One record: its type, and of types that hold pages the header fields and the block.

    Fields are as they stand in the header, without the white space around them; the last one
    counts where one is repeated; None where it is absent. ``block`` is None where it is larger
    than the reader's cap. ``offset`` and ``length`` are of the compressed record, in bytes: a
    range read of them gives the record (where a gzip member holds several, the whole member).
    """

    kind: str
    offset: int
    length: int = 0
    block: memoryview | None = None
    url: bytes | None = None
    date: bytes | None = None
    record_id: bytes | None = None
    content_type: bytes | None = None
    header: bytes = b""

    def field(self, name: bytes) -> bytes | None:
        """Any field of the header, by its name in lower case; of types that hold pages only."""
        return parse_fields(self.header).get(name)


@dataclass(frozen=True)
class Damage:
    """A stretch of the file that is no record; ``offset`` is where it starts."""

    kind: str
    offset: int
    what: str


def sole_record(content: bytes | bytearray, max_block_bytes: int) -> Record | None:
    """The record that ``content`` is, with its two line ends and nothing else; None in any doubt.

    Where it gives a record, :func:`read_window` gives the same one.
    """
    end = _HEADER_END.search(content, 0, MAX_HEADER_BYTES)
    if end is None or not content.startswith(RECORD_START) or not content.endswith(b"\r\n\r\n"):
        return None
    start = end.end()
    length = len(content) - start - 4
    header = bytes(content[:start])
    lower = header.lower()
    if length > max_block_bytes or _value(lower, lower, b"\ncontent-length:") != b"%d" % length:
        return None
    kind = _value(lower, lower, b"\nwarc-type:")
    if kind is None:
        return None
    if kind not in _PAGE_KINDS:
        return Record(_KIND_NAMES.get(kind, "unknown"), 0)
    url, date, record_id, content_type = [_value(header, lower, name) for name in _PAGE_FIELDS]
    if url is None or date is None or record_id is None or content_type is None:
        record = _from_header(header)  # absent, or not written as is usual
    else:
        name = _KIND_NAMES[kind]
        record = Record(name, 0, 0, None, url, date, record_id, content_type, header)
    record.block = memoryview(content)[start : start + length]
    return record


def _value(header: bytes, lower: bytes, name: bytes) -> bytes | None:
    """The value of a field that stands in ``header`` once and on one line; else None.

    ``lower``: the same in lower case. ``header`` ends with the empty line.
    """
    found = lower.find(name)
    if found < 0:
        return None
    start = found + len(name)
    end = lower.find(b"\n", start)
    if lower[end + 1] in b" \t" or lower.find(name, end) >= 0:
        return None
    return header[start:end].strip()


def _from_header(header: bytes, fields: dict[bytes, bytes] | None = None) -> Record:
    get = (fields or parse_fields(header)).get
    kind = get(b"warc-type", b"").decode("latin-1").lower()
    if kind not in PAGE_KINDS:
        return Record(kind if kind in KINDS else "unknown", 0)
    return Record(
        kind, 0, 0, None, get(b"warc-target-uri"), get(b"warc-date"), get(b"warc-record-id"),
        get(b"content-type"), header,
    )  # fmt: skip


class Window:
    """A stream of bytes seen through a buffer that grows on demand and is dropped from the front.

    ``refill`` gives the next block, empty at the end. ``go_on`` is asked, where a record has
    fewer bytes than it says, whether the stream can be continued.
    """

    def __init__(
        self, refill: Callable[[], bytes], go_on: Callable[[], bool] = lambda: False
    ) -> None:
        self.buffer = bytearray()
        self.position = 0  # of the buffer's first byte in the stream
        self.go_on = go_on
        self._refill = refill

    def fill(self, count: int) -> int:
        """Have ``count`` bytes in the buffer if the stream has them; how many there are."""
        while len(self.buffer) < count:
            block = self._refill()
            if not block:
                break
            self.buffer += block
        return len(self.buffer)

    def drop(self, count: int) -> int:
        """Skip ``count`` bytes, buffered or not; how many there were."""
        dropped = min(count, len(self.buffer))
        del self.buffer[:dropped]
        while dropped < count and self.fill(1):
            step = min(count - dropped, len(self.buffer))
            del self.buffer[:step]
            dropped += step
        self.position += dropped
        return dropped

    def skip_blank(self) -> None:
        """Skip the line ends (and NULs) between two records."""
        while self.fill(1):
            rest = len(self.buffer.lstrip(b"\r\n\0"))
            self.drop(len(self.buffer) - rest)
            if rest:
                return


def read_window(
    window: Window, max_block_bytes: int, total: int | None, offset: int | None
) -> Iterator[Record | Damage]:
    """Every record of the stream, in order.

    ``total``: bytes of the stream where known, so that a length beyond it is seen at once.
    ``offset``: where in the file the stream starts, for streams that are the file itself; None
    for the content of a gzip member, whose reader puts the member's own position.
    """
    while True:
        window.skip_blank()
        if not window.fill(1):
            return
        start = window.position
        place = start if offset is None else start + offset
        found = _read_record(window, max_block_bytes, total)
        if isinstance(found, Record):
            found.offset = place
            found.length = window.position - start
            yield found
            continue
        yield Damage(found[0], place, found[1])
        if not _resume(window):
            return


def _read_record(
    window: Window, max_block_bytes: int, total: int | None
) -> Record | tuple[str, str]:
    """The record at the front of the window, taken out of it; or (kind, what) of the damage."""
    if window.fill(5) < 5 or not window.buffer.startswith(RECORD_START):
        return "not_warc", "no WARC record starts here"
    end = None
    for count in (4096, MAX_HEADER_BYTES):
        available = window.fill(count)
        end = _HEADER_END.search(window.buffer, 0, min(count, MAX_HEADER_BYTES))
        if end is not None or available < count:
            break
    if end is None:
        return "bad_header", "the record's header does not end"
    header = bytes(window.buffer[: end.end()])
    fields = parse_fields(header)
    told = fields.get(b"content-length", b"")
    if not told.isdigit() or len(told) > 15:
        return "bad_header", "the record's header has no Content-Length"
    length = int(told)
    record = _from_header(header, fields)
    if total is not None and window.position + end.end() + length > total:
        return "bad_length", f"the record says {length:,} bytes, which is past the end"
    if length > max_block_bytes:
        window.drop(end.end())
        if window.drop(length) < length:
            return "bad_length", f"the record says {length:,} bytes and has fewer"
    else:
        while window.fill(end.end() + length) < end.end() + length:
            if not window.go_on():
                return "bad_length", f"the record says {length:,} bytes and has fewer"
        if not _ends_here(window, end.end() + length):
            return "bad_length", f"the record says {length:,} bytes and goes on after them"
        if record.kind in PAGE_KINDS:
            with memoryview(window.buffer) as view:  # released: the buffer is to change its size
                record.block = memoryview(bytes(view[end.end() : end.end() + length]))
        window.drop(end.end() + length)
    _drop_line_ends(window)
    return record


def _ends_here(window: Window, position: int) -> bool:
    """Whether the stream ends, or the next record starts, behind the line ends at ``position``."""
    window.fill(position + 16)
    rest = bytes(window.buffer[position : position + 16]).lstrip(b"\r\n\0")
    return not rest or rest.startswith(RECORD_START[: len(rest)])


def _drop_line_ends(window: Window) -> None:
    """The two line ends that belong to the record before them, as far as they are there."""
    for line_end in (b"\r\n", b"\r\n"):
        window.fill(2)
        if window.buffer.startswith(line_end):
            window.drop(2)
        elif window.buffer.startswith(b"\n"):
            window.drop(1)


def _resume(window: Window) -> bool:
    """Go to the next line that starts a record, past the one at the front; False at the end."""
    keep = 16  # a start may lie across two blocks
    while True:
        found = _NEXT_RECORD.search(window.buffer)
        if found is not None:
            window.drop(found.start() + 1)
            return True
        window.drop(max(0, len(window.buffer) - keep))
        held = len(window.buffer)
        if window.fill(held + 1) == held:
            window.drop(held)
            return False


def parse_fields(header: bytes) -> dict[bytes, bytes]:
    """Header fields by lower-case name, the last of a name wins; continuation lines are joined."""
    fields: dict[bytes, bytes] = {}
    name = b""
    for line in header.split(b"\n")[1:]:
        if line[:1] in (b" ", b"\t") and name:
            fields[name] += b" " + line.strip()
            continue
        key, colon, value = line.partition(b":")
        if colon:
            name = key.strip().lower()
            fields[name] = value.strip()
    return fields
