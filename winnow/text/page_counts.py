"""Compiled counts of words, symbols and marked lines, as DCLM and Dolma count them.

Everywhere: ``data`` uint8, the column's bytes; ``offsets`` int64[rows + 1] into it; ``rows``
int64[n], the rows to work on; ``flags``: :func:`winnow.text.characters.character_flags`. Words are
``str.split()``'s but where it is said otherwise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.characters import code_point, strip
from winnow.text.chunks import space_bytes
from winnow.text.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

DCLM_COUNTS = 8
DOLMA_COUNTS = 8

_ALNUM, _ALPHA = 8, 16  # of `character_flags`


@compiled
def count_fasttext_words(
    data: Bytes, offsets: Int64, rows: Int64, flags: Bytes, result: Int64
) -> None:
    """``result`` int64[n]: words as fastText splits (at ASCII's white space and NUL) that begin
    with a letter or number (``str.isalnum``)."""
    for position in range(len(rows)):
        at, end = offsets[rows[position]], offsets[rows[position] + 1]
        words, outside = 0, True
        while at < end:
            byte = data[at]
            if byte == 0x20 or 0x09 <= byte <= 0x0D or byte == 0:
                outside = True
            elif outside:
                outside = False
                code, _ = code_point(data, at, end)
                words += (flags[code] & _ALNUM) != 0
            at += 1
        result[position] = words


@compiled
def count_dclm(data: Bytes, offsets: Int64, rows: Int64, flags: Bytes, result: Int64) -> None:
    """``result`` int64[n, 8]: words, their code points, those without a letter, stop words (in any
    case, every copy), symbols (``#``, ``...``, ``. . .``, ``…``), lines that are not blank, of
    these with a bullet (``●•*-``) before them, with an ellipsis behind them; white space apart."""
    for position in range(len(rows)):
        low, high = offsets[rows[position]], offsets[rows[position] + 1]
        words, chars, lettered, stop_words, _ = _count_words(data, low, high, flags, True)
        symbols = dots = 0
        at = spaced_from = low
        while at < high:
            byte = data[at]
            dots = dots + 1 if byte == 0x2E else 0
            if dots == 3:
                symbols, dots = symbols + 1, 0
            symbols += byte == 0x23 or _is_ellipsis(data, at, high)
            if at >= spaced_from and _is_spaced_dots(data, at, high):
                symbols, spaced_from = symbols + 1, at + 5
            at += 1
        lines = bullets = ellipses = 0
        at = start = low
        while at <= high:
            if at < high and data[at] != 0x0A:
                at += 1
                continue
            first, last = strip(data, start, at)
            if first < last:
                lines += 1
                byte = data[first]
                bullets += byte == 0x2A or byte == 0x2D or _is_dot_bullet(data, first, last)
                ellipses += (
                    _is_ellipsis(data, last - 3, last)
                    or (last - first >= 3 and _is_dots(data, last - 3))
                    or (last - first >= 5 and _is_spaced_dots(data, last - 5, last))
                )
            at += 1
            start = at
        result[position, 0] = words
        result[position, 1] = chars
        result[position, 2] = words - lettered
        result[position, 3] = stop_words
        result[position, 4] = symbols
        result[position, 5] = lines
        result[position, 6] = bullets
        result[position, 7] = ellipses


@compiled
def count_dolma(
    data: Bytes, offsets: Int64, rows: Int64, flags: Bytes, result: Int64, medians: Float64
) -> None:
    """``result`` int64[n, 8]: words, their code points, those with a letter, stop words (in lower
    case, every copy), those with ``#`` or ``…`` in them, lines (between line feeds), of these with
    ``*`` or ``-`` as their first character, with ``…`` as their last. ``medians`` float64[n]: of
    the words' code points; 0 without words."""
    lengths = np.empty(1024, np.int64)
    for position in range(len(rows)):
        low, high = offsets[rows[position]], offsets[rows[position] + 1]
        words, chars, lettered, stop_words, marked = _count_words(data, low, high, flags, False)
        if words > len(lengths):
            lengths = np.empty(2 * words, np.int64)
        medians[position] = _median_chars(data, low, high, lengths)
        lines = bullets = ellipses = 0
        at = start = low
        while at <= high:
            if at < high and data[at] != 0x0A:
                at += 1
                continue
            lines += 1
            bullets += start < at and (data[start] == 0x2A or data[start] == 0x2D)
            ellipses += at - start >= 3 and _is_ellipsis(data, at - 3, at)
            at += 1
            start = at
        result[position, 0] = words
        result[position, 1] = chars
        result[position, 2] = lettered
        result[position, 3] = stop_words
        result[position, 4] = marked
        result[position, 5] = lines
        result[position, 6] = bullets
        result[position, 7] = ellipses


@compiled
def _count_words(
    data: Bytes, at: int, end: int, flags: Bytes, any_case: bool
) -> tuple[int, int, int, int, int]:
    """Words, code points, words with a letter, stop words, words with ``#`` or ``…``."""
    words = chars = lettered = stop_words = marked = start = 0
    inside = letter = mark = False
    while at < end:
        code, width = int(data[at]), 1
        space = 0
        if code <= 0x20 or code >= 0x80:
            space = space_bytes(data, at, end)
            if code >= 0x80 and not space:
                code, width = code_point(data, at, end)
        if space == 0:
            if not inside:
                inside, start, letter, mark = True, at, False, False
            letter = letter or (flags[code] & _ALPHA) != 0
            mark = mark or code == 0x23 or code == 0x2026
            chars += 1
            at += width
            if at < end:
                continue
        if inside:
            words += 1
            lettered += letter
            marked += mark
            stop_words += at - start <= 4 and _is_stop_word(data, start, at, any_case)
            inside = False
        at += space
    return words, chars, lettered, stop_words, marked


@compiled
def _is_stop_word(data: Bytes, start: int, end: int, any_case: bool) -> bool:
    """One of Gopher's eight; no other character has an ASCII letter of theirs as lower case."""
    word = 1  # before the first byte, so that NUL counts
    for at in range(start, end):
        byte = int(data[at])
        if any_case and 0x41 <= byte <= 0x5A:
            byte += 0x20
        word = word << 8 | byte
    return bool(
        word == 0x1746865  # the
        or word == 0x16265  # be
        or word == 0x1746F  # to
        or word == 0x16F66  # of
        or word == 0x1616E64  # and
        or word == 0x174686174  # that
        or word == 0x168617665  # have
        or word == 0x177697468  # with
    )


@compiled
def _median_chars(data: Bytes, at: int, end: int, lengths: Int64) -> float:
    words = length = 0
    while at < end:
        space = 0 if 0x20 < data[at] < 0x7F else space_bytes(data, at, end)
        if space == 0:
            length += (data[at] & 0xC0) != 0x80
        elif length:
            lengths[words] = length
            words += 1
            length = 0
        at += space if space else 1
    if length:
        lengths[words] = length
        words += 1
    if words == 0:
        return 0.0
    found = np.sort(lengths[:words])
    return float((found[(words - 1) // 2] + found[words // 2]) / 2)


@compiled
def _is_ellipsis(data: Bytes, at: int, end: int) -> bool:
    return bool(
        at >= 0
        and at + 3 <= end
        and data[at] == 0xE2
        and data[at + 1] == 0x80
        and data[at + 2] == 0xA6
    )


@compiled
def _is_dot_bullet(data: Bytes, at: int, end: int) -> bool:
    """``●`` or ``•``."""
    if at + 3 > end or data[at] != 0xE2:
        return False
    return bool(
        (data[at + 1] == 0x97 and data[at + 2] == 0x8F)
        or (data[at + 1] == 0x80 and data[at + 2] == 0xA2)
    )


@compiled
def _is_dots(data: Bytes, at: int) -> bool:
    return bool(data[at] == 0x2E and data[at + 1] == 0x2E and data[at + 2] == 0x2E)


@compiled
def _is_spaced_dots(data: Bytes, at: int, end: int) -> bool:
    """``. . .``"""
    return bool(
        at + 5 <= end
        and data[at] == 0x2E
        and data[at + 1] == 0x20
        and data[at + 2] == 0x2E
        and data[at + 3] == 0x20
        and data[at + 4] == 0x2E
    )
