"""Compiled counts over the lines and characters of an Arrow string column.

Everywhere: ``data`` uint8, the column's bytes; ``offsets`` int64[rows + 1] into it; ``rows``
int64[n], the rows to work on; results are by position in ``rows``. White space and line ends are
Python's: ``str.strip()``, ``str.splitlines()``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.characters import strip
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import count_byte, count_code_points, next_byte, next_unusual

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]


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
        start, end = offsets[rows[position]], offsets[rows[position] + 1]
        chars[position] = count_code_points(data, start, end)


@compiled
def count_symbols(data: Bytes, offsets: Int64, rows: Int64, counts: Int64) -> None:
    """``counts`` int64[n, 5]: ``#``, ellipses, lines, of these with a bullet before
    them, of these with an ellipsis behind them.

    An ellipsis is ``…`` or three dots (not overlapping); a bullet is ``•`` or ``-`` after white
    space; an ellipsis stands behind a line if only white space follows it.
    """
    for position in range(len(rows)):
        at, end = offsets[rows[position]], offsets[rows[position] + 1]
        counts[position, 0] = count_byte(data, at, end, 0x23)
        ellipses = _dots_in_threes(data, at, end)
        lines = bullets = ellipsis_ends = 0
        start = at
        while True:
            at = next_unusual(data, at, end)
            width = line_end_bytes(data, at, end) if at < end else 0
            if at < end and width == 0:
                ellipses += _is_ellipsis(data, at, end)
                at += 1
                while at < end and data[at] >= 0x80 and data[at] != 0xC2 and data[at] != 0xE2:
                    at += 1
                continue
            if start < end:
                lines += 1
                first, last = strip(data, start, at)
                bullets += _is_bullet(data, first, last)
                ellipsis_ends += _ends_in_ellipsis(data, first, last)
            if at == end:
                break
            at += width
            start = at
        counts[position, 1] = ellipses
        counts[position, 2] = lines
        counts[position, 3] = bullets
        counts[position, 4] = ellipsis_ends


@compiled
def _dots_in_threes(data: Bytes, at: int, end: int) -> int:
    """Three dots in a row, not overlapping: how often."""
    total = 0
    while True:
        at = next_byte(data, at, end, 0x2E)
        if at == end:
            return total
        first = at
        while at < end and data[at] == 0x2E:
            at += 1
        total += (at - first) // 3


@compiled
def _is_ellipsis(data: Bytes, at: int, end: int) -> bool:
    if at + 2 >= end:
        return False
    return bool(data[at] == 0xE2 and data[at + 1] == 0x80 and data[at + 2] == 0xA6)


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
