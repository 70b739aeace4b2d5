"""Compiled counts over the pieces of a text (paragraphs, lines): how many equal an earlier one.

Everywhere: ``data`` uint8, the bytes of an Arrow string column; ``offsets`` int64[rows + 1] into
it; ``rows`` int64[n], the rows to work on; results are by position in ``rows``. White space and
line ends are Python's: ``str.strip()``, ``str.splitlines()``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.characters import strip
from winnow.text.chunks import space_bytes
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import (
    count_byte,
    count_code_points,
    hash_bytes,
    next_byte,
    next_unusual,
    same_bytes,
)
from winnow.text.lines import line_end_bytes

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

# ways to cut a text into pieces
PARAGRAPHS = 0  # re.split("\n{2,}", text.strip())
FEED_RUNS = 1  # re.split("\n+", text)
FEEDS = 2  # text.split("\n")
LINES = 3  # text.splitlines()


@compiled
def count_duplicates(data: Bytes, offsets: Int64, rows: Int64, cut: int, counts: Int64) -> None:
    """``counts`` int64[n, 3]: pieces, pieces that equal an earlier one, code points of those.

    ``cut`` is one of ``PARAGRAPHS``, ``FEED_RUNS``, ``FEEDS``, ``LINES``.
    """
    bounds = np.empty((2, 64), np.int64)
    keys = np.empty(64, np.uint64)
    slots = np.empty(256, np.int32)
    for position in range(len(rows)):
        low, high = offsets[rows[position]], offsets[rows[position] + 1]
        if cut == 0:
            low, high = strip(data, low, high)
        most = _most_pieces(data, low, high, cut)
        if most > len(keys):
            bounds, keys = np.empty((2, 2 * most), np.int64), np.empty(2 * most, np.uint64)
        pieces = _pieces(data, low, high, cut, bounds)
        if 2 * pieces > len(slots):
            slots = np.empty(_power_of_two(2 * pieces), np.int32)
        counts[position, 0] = pieces
        counts[position, 1], counts[position, 2] = _repeated(data, bounds, pieces, keys, slots)


@compiled
def count_line_shapes(
    data: Bytes,
    offsets: Int64,
    rows: Int64,
    blank: bool,
    marks: Int64,
    short_chars: int,
    counts: Int64,
) -> None:
    """``counts`` int64[n, 7]: lines; lines that are not blank; lines that end in a character of
    ``marks``; lines of at most ``short_chars`` code points; code points in lines that equal an
    earlier one; line feeds; code points that are no line feed.

    Lines are cut at line feeds alone. Blank ones (empty, or white space) never count as repeated,
    and for all else only where ``blank``. ``marks`` int64: code points, rising.
    """
    bounds = np.empty((2, 64), np.int64)
    keys = np.empty(64, np.uint64)
    slots = np.empty(256, np.int32)
    for position in range(len(rows)):
        low, high = offsets[rows[position]], offsets[rows[position] + 1]
        most = _most_pieces(data, low, high, 2)
        if most > len(keys):
            bounds, keys = np.empty((2, 2 * most), np.int64), np.empty(2 * most, np.uint64)
        pieces = _pieces(data, low, high, 2, bounds)
        lines = marked = short = chars = 0
        inked = 0  # these are moved to the front
        for piece in range(pieces):
            start, end = bounds[0, piece], bounds[1, piece]
            size = count_code_points(data, start, end)
            chars += size
            ink = start
            while ink < end:
                width = space_bytes(data, ink, end)
                if not width:
                    break
                ink += width
            if ink < end:
                bounds[0, inked], bounds[1, inked] = start, end
                inked += 1
            elif not blank:
                continue
            lines += 1
            short += size <= short_chars
            marked += _ends_in(data, start, end, marks)
        if 2 * inked > len(slots):
            slots = np.empty(_power_of_two(2 * inked), np.int32)
        counts[position, 0] = lines
        counts[position, 1] = inked
        counts[position, 2] = marked
        counts[position, 3] = short
        counts[position, 4] = _repeated(data, bounds, inked, keys, slots)[1]
        counts[position, 5] = pieces - 1
        counts[position, 6] = chars


@compiled
def _power_of_two(least: int) -> int:
    size = 64
    while size < least:
        size *= 2
    return size


@compiled
def _most_pieces(data: Bytes, low: int, high: int, cut: int) -> int:
    ends = 0
    if cut == 3:
        for at in range(low, high):  # ASCII line ends and, for the others, their last bytes
            byte = data[at]
            ends += byte < 0x20 or byte == 0x85 or byte == 0xA8 or byte == 0xA9
    else:
        ends = count_byte(data, low, high, 0x0A)
    return ends + 1


@compiled
def _pieces(data: Bytes, low: int, high: int, cut: int, bounds: Int64) -> int:
    """Starts and ends of the pieces go to ``bounds`` int64[2, ...]; returns how many there are."""
    pieces = 0
    start = at = low
    least = 2 if cut == 0 else 1
    while at < high:
        if cut == 3:
            at = next_unusual(data, at, high)
            if at == high:
                break
            width = line_end_bytes(data, at, high)
            if not width:
                at += 1
                continue
            end = at
            at += width
        else:
            at = next_byte(data, at, high, 0x0A)
            if at == high:
                break
            end = at
            at += 1
            while cut != 2 and at < high and data[at] == 0x0A:
                at += 1
            if at - end < least:
                continue
        bounds[0, pieces], bounds[1, pieces] = start, end
        pieces += 1
        start = at
    if cut != 3 or start < high:
        bounds[0, pieces], bounds[1, pieces] = start, high
        pieces += 1
    return pieces


@compiled
def _repeated(
    data: Bytes, bounds: Int64, pieces: int, keys: UInt64, slots: Int32
) -> tuple[int, int]:
    """Of the first ``pieces`` pieces, those that equal an earlier one, and their code points.

    ``keys`` and ``slots`` are scratch: room for as many pieces, and for twice as many.
    """
    room = _power_of_two(2 * pieces)
    slots[:room] = -1
    repeated = chars = 0
    for piece in range(pieces):
        start, end = bounds[0, piece], bounds[1, piece]
        key = hash_bytes(data, start, end)
        keys[piece] = key
        slot = np.int64(key & np.uint64(room - 1))
        while True:
            other = slots[slot]
            if other < 0:
                slots[slot] = piece
                break
            length = bounds[1, other] - bounds[0, other]
            if (
                keys[other] == key
                and end - start == length
                and same_bytes(data, bounds[0, other], data, start, length)
            ):
                repeated += 1
                chars += count_code_points(data, start, end)
                break
            slot = (slot + 1) & (room - 1)
    return repeated, chars


@compiled
def _ends_in(data: Bytes, start: int, end: int, marks: Int64) -> bool:
    """Whether the last character of ``data[start:end]`` is one of ``marks``."""
    if start == end:
        return False
    at = end - 1
    while at > start and (data[at] & 0xC0) == 0x80:
        at -= 1
    code = np.int64(data[at])
    if code >= 0xC0:
        code &= 0x7F >> (end - at)
    for index in range(at + 1, end):
        code = (code << 6) | np.int64(data[index] & 0x3F)
    place = np.searchsorted(marks, code)
    return bool(place < len(marks) and marks[place] == code)
