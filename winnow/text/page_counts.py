"""Compiled counts of words, symbols and marked lines, as DCLM and Dolma count them.

Everywhere: ``data`` uint8, the column's bytes; ``offsets`` int64[rows + 1] into it; ``rows``
int64[n], the rows to work on; ``flags``: :func:`winnow.text.characters.character_flags`. Words are
``str.split()``'s but where it is said otherwise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.characters import code_point, strip
from winnow.text.chunks import short_chunk, space_bytes
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import count_byte, mask_equal, mask_range, next_byte

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

DCLM_COUNTS = 8
DOLMA_COUNTS = 8

_ALNUM, _ALPHA = 8, 16  # of `character_flags`

# of a byte: 1 white space of fastText, 2 a letter or digit of ASCII, 4 not ASCII
_FASTTEXT_KINDS = np.zeros(256, np.int64)
_FASTTEXT_KINDS[[0x00, *range(0x09, 0x0E), 0x20]] = 1
_FASTTEXT_KINDS[[byte for byte in range(0x80) if chr(byte).isalnum()]] = 2
_FASTTEXT_KINDS[0x80:] = 4
_LOWER_CASE = np.uint64(0x20202020)  # the bit of four ASCII letters


@compiled
def count_fasttext_words(
    data: Bytes, offsets: Int64, rows: Int64, flags: Bytes, result: Int64
) -> None:
    """``result`` int64[n]: words as fastText splits (at ASCII's white space and NUL) that begin
    with a letter or number (``str.isalnum``)."""
    for position in range(len(rows)):
        at, end = offsets[rows[position]], offsets[rows[position] + 1]
        words, outside = 0, 1
        while at < end:
            kind = _FASTTEXT_KINDS[data[at]]
            if outside & (kind >> 2):
                code, _ = code_point(data, at, end)
                words += (flags[code] & _ALNUM) != 0
            words += outside & (kind >> 1)
            outside = kind & 1
            at += 1
        result[position] = words


@compiled
def count_dclm(data: Bytes, offsets: Int64, rows: Int64, flags: Bytes, result: Int64) -> None:
    """``result`` int64[n, 8]: words, their code points, those without a letter, stop words (in any
    case, every copy), symbols (``#``, ``...``, ``. . .``, ``…``), lines that are not blank, of
    these with a bullet (``●•*-``) before them, with an ellipsis behind them; white space apart."""
    lengths = np.empty(1024, np.int64)
    for position in range(len(rows)):
        low, high = offsets[rows[position]], offsets[rows[position] + 1]
        words, chars, lettered, stop_words, _, lengths = _count_words(
            data, low, high, flags, True, lengths
        )
        symbols = count_byte(data, low, high, 0x23) + _count_dots(data, low, high)
        at = next_byte(data, low, high, 0xE2)
        while at < high:
            symbols += _is_ellipsis(data, at, high)
            at = next_byte(data, at + 1, high, 0xE2)
        lines = bullets = ellipses = 0
        at = start = low
        while at <= high:
            at = next_byte(data, at, high, 0x0A)
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
        words, chars, lettered, stop_words, marked, lengths = _count_words(
            data, low, high, flags, False, lengths
        )
        medians[position] = _median(lengths[:words])
        lines = bullets = ellipses = 0
        at = start = low
        while at <= high:
            at = next_byte(data, at, high, 0x0A)
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
def _count_dots(data: Bytes, low: int, high: int) -> int:
    """How often ``...``, and how often ``. . .``; neither overlaps itself."""
    total, dots, before, spaced_from = 0, 0, low, low
    at = next_byte(data, low, high, 0x2E)
    while at < high:
        dots = dots + 1 if at == before else 1
        if dots == 3:
            total, dots = total + 1, 0
        if at >= spaced_from and _is_spaced_dots(data, at, high):
            total, spaced_from = total + 1, at + 5
        before = at + 1
        at = next_byte(data, before, high, 0x2E)
    return total


@compiled
def _count_words(
    data: Bytes, at: int, end: int, flags: Bytes, any_case: bool, lengths: Int64
) -> tuple[int, int, int, int, int, Int64]:
    """Words, code points, words with a letter, stop words, words with ``#`` or ``…``; and
    ``lengths``, or a longer array, that now has the code points of each word."""
    if (end - at + 1) // 2 > len(lengths):
        lengths = np.empty(end - at, np.int64)
    words = chars = lettered = stop_words = marked = 0
    while at < end:
        length, short = short_chunk(data, at, end)
        if length == 0:
            at += 1
            continue
        if length < 8:
            at += length
            lettered += mask_range(short, 0x41, 0x5A) | mask_range(short, 0x61, 0x7A) != 0
            marked += mask_equal(short, 0x23) != 0
            if 2 <= length <= 4:
                if any_case:
                    short |= _LOWER_CASE >> np.uint64(32 - 8 * length)
                stop_words += _is_stop_word(short)
        else:
            space = space_bytes(data, at, end)
            if space:
                at += space
                continue
            start, length = at, 0
            letter = mark = False
            while at < end:
                code, width = int(data[at]), 1
                if code <= 0x20 or code >= 0x80:
                    if space_bytes(data, at, end):
                        break
                    if code >= 0x80:
                        code, width = code_point(data, at, end)
                letter = letter or (flags[code] & _ALPHA) != 0
                mark = mark or code == 0x23 or code == 0x2026
                length += 1
                at += width
            lettered += letter
            marked += mark
            if 2 <= at - start <= 4:
                short = np.uint64(0)
                for index in range(start, at):
                    byte = np.uint64(data[index])
                    if any_case and 0x41 <= byte <= 0x5A:
                        byte |= np.uint64(0x20)
                    short |= byte << np.uint64(8 * (index - start))
                stop_words += _is_stop_word(short)
        lengths[words] = length
        words += 1
        chars += length
    return words, chars, lettered, stop_words, marked, lengths


@compiled
def _is_stop_word(word: np.uint64) -> bool:
    """One of Gopher's eight, its first byte lowest; no character of another alphabet becomes one
    of their letters in lower case."""
    return bool(
        word == 0x656874  # the
        or word == 0x6562  # be
        or word == 0x6F74  # to
        or word == 0x666F  # of
        or word == 0x646E61  # and
        or word == 0x74616874  # that
        or word == 0x65766168  # have
        or word == 0x68746977  # with
    )


@compiled
def _median(lengths: Int64) -> float:
    """The median; 0 for none. Lengths are small: they are counted, not sorted."""
    words = len(lengths)
    if words == 0:
        return 0.0
    longest = 0
    for length in lengths:
        longest = max(longest, length)
    tally = np.zeros(longest + 1, np.int64)
    for length in lengths:
        tally[length] += 1
    low = length = -1
    seen = 0
    while seen <= words // 2:
        length += 1
        seen += tally[length]
        if low < 0 and seen > (words - 1) // 2:
            low = length
    return float((low + length) / 2)


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
