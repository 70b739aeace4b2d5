"""Words by the Unicode standard: the default word boundaries of UAX #29, Unicode 16.0.

Compiled, over the UTF-8 bytes of a column. The property comes from ``word_break.txt``, so the words
do not depend on the Unicode version of the Python that runs.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from winnow.text.characters import CODE_POINTS, code_point
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import eight_bytes, first_of, mask_range

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

(
    _OTHER,
    _CR,
    _LF,
    _NEWLINE,
    _EXTEND,
    _ZWJ,
    _REGIONAL,
    _FORMAT,
    _KATAKANA,
    _HEBREW,
    _LETTER,
    _SINGLE_QUOTE,
    _DOUBLE_QUOTE,
    _MID_NUM_LET,
    _MID_LETTER,
    _MID_NUM,
    _NUMERIC,
    _EXTEND_NUM_LET,
    _SPACE,
) = range(19)
_NAMES = [
    "Other",
    "CR",
    "LF",
    "Newline",
    "Extend",
    "ZWJ",
    "Regional_Indicator",
    "Format",
    "Katakana",
    "Hebrew_Letter",
    "ALetter",
    "Single_Quote",
    "Double_Quote",
    "MidNumLet",
    "MidLetter",
    "MidNum",
    "Numeric",
    "ExtendNumLet",
    "WSegSpace",
]
_PICTOGRAPH = 32
_PICTOGRAPH_NAME = "Extended_Pictographic"
_START = 1 << 12
_ALNUM = 8  # of `character_flags`


@cache
def word_break_property() -> Bytes:
    """Word_Break by code point, plus ``_PICTOGRAPH`` where it is one, ``uint8[0x110000]``."""
    table = np.zeros(CODE_POINTS, np.uint8)
    value = 0
    for line in Path(__file__).with_name("word_break.txt").read_text("ascii").splitlines():
        if line.startswith("#"):
            continue
        if line.endswith(":"):
            name = line[:-1]
            value = _PICTOGRAPH if name == _PICTOGRAPH_NAME else _NAMES.index(name)
            continue
        for item in line.split():
            first, _, last = item.partition("-")
            table[int(first, 16) : int(last or first, 16) + 1] |= value
    return table


_HIGH = np.uint64(0x8080808080808080)


@compiled
def unicode_words(
    data: Bytes, offsets: Int64, rows: Int64, property: Bytes, flags: Bytes
) -> tuple[Int64, Int64, Int32, Int64]:
    """Pieces between word boundaries that begin with a letter or number (``str.isalnum``).

    ``flags``: of :func:`winnow.text.characters.character_flags`. Returns where each word starts and
    ends in ``data`` (int64[words], twice), its code points (int32[words]), and the rows' offsets
    into these (int64[n + 1]).
    """
    starts, ends = np.empty(_START, np.int64), np.empty(_START, np.int64)
    chars = np.empty(_START, np.int32)
    word_offsets = np.zeros(len(rows) + 1, np.int64)
    words = 0
    for position in range(len(rows)):
        at, end = offsets[rows[position]], offsets[rows[position] + 1]
        room = words + end - at
        if room > len(starts):
            starts = np.concatenate((starts, np.empty(room, np.int64)))
            ends = np.concatenate((ends, np.empty(room, np.int64)))
            chars = np.concatenate((chars, np.empty(room, np.int32)))
        words = _add_words(data, at, end, property, flags, starts, ends, chars, words)
        word_offsets[position + 1] = words
    return starts[:words], ends[:words], chars[:words], word_offsets


@compiled
def _add_words(
    data: Bytes,
    at: int,
    end: int,
    property: Bytes,
    flags: Bytes,
    starts: Int64,
    ends: Int64,
    chars: Int32,
    words: int,
) -> int:
    """The words of one text, from number ``words`` on; how many there are then."""
    start, length, wanted = at, 0, False
    # classes of the character before; of the last that counts, and of the last but one
    before, last, last_but_one = -1, -1, -1
    indicators = 0
    while at < end:
        code, width = int(data[at]), 1
        if code >= 0x80:
            code, width = code_point(data, at, end)
        kind = property[code]
        here = kind & 31
        # most characters are letters and single spaces: no need to ask
        plain = here in (_LETTER, _SPACE) and before in (_LETTER, _SPACE)
        if (plain and here != before) or (
            not plain
            and _breaks(
                data,
                at + width,
                end,
                property,
                before,
                last,
                last_but_one,
                here,
                (kind & _PICTOGRAPH) != 0,
                indicators,
            )
        ):
            if wanted:
                starts[words], ends[words], chars[words] = start, at, length
                words += 1
            start, length = at, 0
            wanted = (flags[code] & _ALNUM) != 0
        before = here
        if here not in (_EXTEND, _FORMAT, _ZWJ):
            last_but_one, last = last, here
            indicators = indicators + 1 if here == _REGIONAL else 0
        length += 1
        at += width
        if here == _LETTER and at + 8 <= end:
            eight = eight_bytes(data, at)
            letters = mask_range(eight, 0x41, 0x5A) | mask_range(eight, 0x61, 0x7A)
            others = letters ^ _HIGH
            more = first_of(others) if others else 8
            if more:
                last_but_one = _LETTER
                length += more
                at += more
    if wanted:
        starts[words], ends[words], chars[words] = start, end, length
        words += 1
    return words


@compiled
def _breaks(
    data: Bytes,
    after: int,
    end: int,
    property: Bytes,
    before: int,
    last: int,
    last_but_one: int,
    here: int,
    pictograph: bool,
    indicators: int,
) -> bool:
    """Whether a word begins with the character of class ``here``, which ends at ``after``."""
    if before < 0:
        return True  # WB1
    if before == _CR and here == _LF:
        return False  # WB3
    if _CR <= before <= _NEWLINE or _CR <= here <= _NEWLINE:
        return True  # WB3a, WB3b
    if before == _ZWJ and pictograph:
        return False  # WB3c
    if before == _SPACE and here == _SPACE:
        return False  # WB3d
    if here in (_EXTEND, _FORMAT, _ZWJ):
        return False  # WB4
    letter_before = last in (_LETTER, _HEBREW)
    if here in (_LETTER, _HEBREW):
        if letter_before or last in (_NUMERIC, _EXTEND_NUM_LET):
            return False  # WB5, WB10, WB13b
        if (last_but_one in (_LETTER, _HEBREW)) and (
            last in (_MID_LETTER, _MID_NUM_LET, _SINGLE_QUOTE)
        ):
            return False  # WB7
        return not (last_but_one == _HEBREW and last == _DOUBLE_QUOTE and here == _HEBREW)  # WB7c
    if here == _NUMERIC:
        if last in (_NUMERIC, _EXTEND_NUM_LET) or letter_before:
            return False  # WB8, WB9, WB13b
        return not (
            last_but_one == _NUMERIC and (last in (_MID_NUM, _MID_NUM_LET, _SINGLE_QUOTE))
        )  # WB11
    if here == _EXTEND_NUM_LET:
        return not (letter_before or last in (_NUMERIC, _KATAKANA, _EXTEND_NUM_LET))  # WB13a
    if here == _KATAKANA:
        return last not in (_KATAKANA, _EXTEND_NUM_LET)  # WB13, WB13b
    if here == _REGIONAL:
        return not (last == _REGIONAL and indicators & 1)  # WB15, WB16
    if here == _SINGLE_QUOTE and last == _HEBREW:
        return False  # WB7a
    mid = here in (_MID_NUM_LET, _SINGLE_QUOTE)
    if letter_before and (mid or here == _MID_LETTER):
        following = _next_class(data, after, end, property)
        return following not in (_LETTER, _HEBREW)  # WB6
    if last == _NUMERIC and (mid or here == _MID_NUM):
        return _next_class(data, after, end, property) != _NUMERIC  # WB12
    if last == _HEBREW and here == _DOUBLE_QUOTE:
        return _next_class(data, after, end, property) != _HEBREW  # WB7b
    return True  # WB999


@compiled
def _next_class(data: Bytes, at: int, end: int, property: Bytes) -> int:
    while at < end:
        code, width = code_point(data, at, end)
        here = property[code] & 31
        if here != _EXTEND and here != _FORMAT and here != _ZWJ:
            return int(here)
        at += width
    return -1
