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
