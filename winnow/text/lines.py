"""Compiled counts over the lines and characters of an Arrow string column.

Everywhere: ``data`` uint8, the column's bytes; ``offsets`` int64[rows + 1] into it; ``rows``
int64[n], the rows to work on; results are by position in ``rows``. White space and line ends are
Python's: ``str.strip()``, ``str.splitlines()``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.chunks import space_bytes
from winnow.text.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


@compiled
def line_end_bytes(data: Bytes, at: int, end: int) -> int:
    """Bytes of the line end that starts at ``at``; 0 if none does."""
    byte = data[at]
    if byte == 0x0D:
        return 2 if at + 1 < end and data[at + 1] == 0x0A else 1
    if byte < 0x80:
        return 1 if 0x0A <= byte <= 0x0C or 0x1C <= byte <= 0x1E else 0
    if byte == 0xC2:
        return 2 if at + 1 < end and data[at + 1] == 0x85 else 0
    if byte == 0xE2 and at + 2 < end and data[at + 1] == 0x80:
        return 3 if data[at + 2] == 0xA8 or data[at + 2] == 0xA9 else 0
    return 0


@compiled
def count_chars(data: Bytes, offsets: Int64, rows: Int64, chars: Int64) -> None:
    """``chars`` int64[n]: code points."""
    for position in range(len(rows)):
        total = 0
        for at in range(offsets[rows[position]], offsets[rows[position] + 1]):
            total += (data[at] & 0xC0) != 0x80
        chars[position] = total


@compiled
def count_symbols(data: Bytes, offsets: Int64, rows: Int64, counts: Int64) -> None:
    """``counts`` int64[n, 5]: ``#``, ellipses, lines, of these with a bullet before
    them, of these with an ellipsis behind them.

    An ellipsis is ``…`` or three dots (not overlapping); a bullet is ``•`` or ``-`` after white
    space; an ellipsis stands behind a line if only white space follows it.
    """
    for position in range(len(rows)):
        at, end = offsets[rows[position]], offsets[rows[position] + 1]
        hashes = ellipses = lines = bullets = ellipsis_ends = dots = 0
        line_start = at
        first_ink = last_ink = at  # of the line: where the first ink starts, where the last ends
        while at < end:
            width = line_end_bytes(data, at, end)
            if width:
                lines += 1
                bullets += _is_bullet(data, first_ink, last_ink)
                ellipsis_ends += _ends_in_ellipsis(data, first_ink, last_ink)
                at += width
                line_start = first_ink = last_ink = at
                dots = 0
                continue
            width = space_bytes(data, at, end)
            if width:
                if first_ink == last_ink:
                    first_ink = last_ink = at + width
                at += width
                dots = 0
                continue
            byte = data[at]
            hashes += byte == 0x23
            dots = dots + 1 if byte == 0x2E else 0
            if dots == 3:
                ellipses += 1
                dots = 0
            if byte == 0xE2 and at + 2 < end and data[at + 1] == 0x80 and data[at + 2] == 0xA6:
                ellipses += 1
            at += 1
            last_ink = at
        if line_start < end:
            lines += 1
            bullets += _is_bullet(data, first_ink, last_ink)
            ellipsis_ends += _ends_in_ellipsis(data, first_ink, last_ink)
        counts[position, 0] = hashes
        counts[position, 1] = ellipses
        counts[position, 2] = lines
        counts[position, 3] = bullets
        counts[position, 4] = ellipsis_ends


@compiled
def _is_bullet(data: Bytes, start: int, end: int) -> bool:
    if end - start >= 3 and data[start] == 0xE2:
        return bool(data[start + 1] == 0x80 and data[start + 2] == 0xA2)
    return bool(end > start and data[start] == 0x2D)


@compiled
def _ends_in_ellipsis(data: Bytes, start: int, end: int) -> bool:
    if end - start < 3:
        return False
    a, b, c = data[end - 3], data[end - 2], data[end - 1]
    dots = a == 0x2E and b == 0x2E and c == 0x2E
    return bool(dots or (a == 0xE2 and b == 0x80 and c == 0xA6))


@compiled
def count_duplicates(
    data: Bytes, offsets: Int64, rows: Int64, breaks: int, strip: bool, counts: Int64
) -> None:
    """``counts`` int64[n, 3]: pieces, pieces that equal an earlier one, code points of those.

    Pieces lie between runs of at least ``breaks`` line feeds (``re.split``: one before the first
    run, one after the last, either may be empty), of the whole text or of ``text.strip()``.
    """
    starts = np.empty(64, np.int64)
    ends = np.empty(64, np.int64)
    slots = np.empty(256, np.int32)
    keys = np.empty(64, np.uint64)
    for position in range(len(rows)):
        low, high = offsets[rows[position]], offsets[rows[position] + 1]
        if strip:
            low, high = _strip(data, low, high)
        feeds = 0
        for at in range(low, high):
            feeds += data[at] == 0x0A
        if feeds + 1 > len(starts):
            size = 2 * (feeds + 1)
            starts, ends = np.empty(size, np.int64), np.empty(size, np.int64)
            keys = np.empty(size, np.uint64)
        pieces = _pieces(data, low, high, breaks, starts, ends)
        room = 64
        while room < 2 * pieces:
            room *= 2
        if room > len(slots):
            slots = np.empty(room, np.int32)
        slots[:room] = -1
        repeated = chars = 0
        for piece in range(pieces):
            start, end = starts[piece], ends[piece]
            key = np.uint64(end - start)
            for at in range(start, end):
                key = (key ^ np.uint64(data[at])) * _MULTIPLIER
            key ^= key >> _SHIFT
            keys[piece] = key
            slot = np.int64(key & np.uint64(room - 1))
            while True:
                other = slots[slot]
                if other < 0:
                    slots[slot] = piece
                    break
                if keys[other] == key and _same(data, starts[other], ends[other], start, end):
                    repeated += 1
                    for at in range(start, end):
                        chars += (data[at] & 0xC0) != 0x80
                    break
                slot = (slot + 1) & (room - 1)
        counts[position, 0] = pieces
        counts[position, 1] = repeated
        counts[position, 2] = chars


@compiled
def _pieces(data: Bytes, low: int, high: int, breaks: int, starts: Int64, ends: Int64) -> int:
    pieces = 0
    start = at = low
    while at < high:
        if data[at] != 0x0A:
            at += 1
            continue
        run = at
        while at < high and data[at] == 0x0A:
            at += 1
        if at - run >= breaks:
            starts[pieces], ends[pieces] = start, run
            pieces += 1
            start = at
    starts[pieces], ends[pieces] = start, high
    return pieces + 1


@compiled
def _same(data: Bytes, start: int, end: int, other_start: int, other_end: int) -> bool:
    if end - start != other_end - other_start:
        return False
    same = True
    index = 0
    while same and index < end - start:
        same = data[start + index] == data[other_start + index]
        index += 1
    return same


@compiled
def _strip(data: Bytes, low: int, high: int) -> tuple[int, int]:
    while low < high:
        width = space_bytes(data, low, high)
        if not width:
            break
        low += width
    while low < high:
        start = high - 1  # of the last character
        while start > low and (data[start] & 0xC0) == 0x80:
            start -= 1
        if space_bytes(data, start, high) != high - start:
            break
        high = start
    return low, high
