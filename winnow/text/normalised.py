"""Compiled: the words of a text as RedPajama-V2 and as data-juicer normalise them.

Everywhere: ``codes`` int32, code points of texts; ``offsets`` int64[texts + 1] into it; ``kinds``
and ``combining`` as in :class:`winnow.text.code_points.CodePoints`; ``images``, ``ends`` and
``several`` the three arrays of its :class:`~winnow.text.code_points.Images`. Words go to
``letters`` int32, word ``w`` to ``letters[starts[w]:ends_of_words[w]]``, those of text ``t`` are
``word_offsets[t] … word_offsets[t + 1] - 1``.
"""

from __future__ import annotations

import string
from functools import cache

import numpy as np
import numpy.typing as npt

from winnow.text.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

# bits of winnow.text.code_points
_SPACE, _NUMERIC, _IGNORABLE, _CASED = 1, 32, 64, 128
_SIGMA, _FINAL_SIGMA = 0x3A3, 0x3C2
_FIRST_MARK = 0x300  # no combining class below


@cache
def ascii_punctuation() -> Bytes:
    """1 where ``string.punctuation`` has the character, ``uint8[128]``."""
    marks = np.zeros(128, np.uint8)
    marks[[ord(mark) for mark in string.punctuation]] = 1
    return marks


@compiled
def normalise(
    codes: Int32,
    offsets: Int64,
    kinds: Bytes,
    combining: Bytes,
    removed: Bytes,
    images: Int32,
    ends: Int64,
    several: Int32,
    letters: Int32,
    starts: Int64,
    word_ends: Int64,
    word_offsets: Int64,
    numeric: Float64,
) -> None:
    """Words of white space, without the characters that ``removed`` uint8[128] marks, lower case,
    then NFD; ``letters`` holds the words of a text with one space between two.

    ``numeric`` float64[texts]: over the lines (each ends with its line feed), the sum of the share
    of characters that are numeric, of the words of the line joined by spaces; 0 without words.
    """
    plain = images[:128].copy()  # what ASCII becomes; -1: it is space, or removed
    for mark in range(128):
        if removed[mark] or kinds[mark] & _SPACE:
            plain[mark] = -1
    word = out = 0
    word_offsets[0] = 0
    for text in range(len(offsets) - 1):
        low, high = offsets[text], offsets[text + 1]
        total = 0.0
        line_word = word  # first of the line
        numbers = 0  # numeric characters of the line
        inside = False
        marks = out  # where the marks behind the last letter begin
        last_class = 0  # of the last of them
        sorted_marks = True
        for at in range(low, high + 1):
            code = codes[at] if at < high else np.int32(10)
            if inside and code < 128 and plain[code] >= 0 and sorted_marks:  # nearly all
                letters[out] = plain[code]
                out += 1
                marks = out
                last_class = 0
                if 0x30 <= code <= 0x39:
                    numbers += 1
                continue
            if kinds[code] & _SPACE:
                if inside:
                    if not sorted_marks:
                        _order_marks(letters, marks, out, combining)
                    word_ends[word] = out
                    word += 1
                    inside = False
                if code == 10:
                    if numbers:
                        total += numbers / (word_ends[word - 1] - starts[line_word])
                    numbers = 0
                    line_word = word
                continue
            if code < 128 and removed[code]:
                continue
            if not inside:
                if word > word_offsets[text]:
                    letters[out] = 32
                    out += 1
                starts[word] = marks = out
                last_class = 0
                sorted_marks = inside = True
            image = images[code]
            if code == _SIGMA and _is_final(codes, at, low, high, kinds, removed):
                image = np.int32(_FINAL_SIGMA)
            first, last = np.int64(0), np.int64(1)
            if image < 0:
                last = ends[-1 - image]
                first = ends[-2 - image] if image < -1 else np.int64(0)
            for index in range(first, last):
                letter = several[index] if image < 0 else image
                letters[out] = letter
                out += 1
                numbers += (kinds[letter] & _NUMERIC) != 0
                if letter < _FIRST_MARK or combining[letter] == 0:
                    if not sorted_marks:
                        _order_marks(letters, marks, out - 1, combining)
                        sorted_marks = True
                    marks = out
                    last_class = 0
                else:
                    sorted_marks = sorted_marks and combining[letter] >= last_class
                    last_class = combining[letter]
        word_offsets[text + 1] = word
        numeric[text] = total


@compiled
def _order_marks(letters: Int32, first: int, last: int, combining: Bytes) -> None:
    """Sort ``letters[first:last]`` by combining class, equal ones kept in order; in linear time,
    for a page may be one run of marks."""
    marks = letters[first:last].copy()
    places = np.zeros(257, np.int64)
    for mark in marks:
        places[combining[mark] + 1] += 1
    for number in range(256):
        places[number + 1] += places[number]
    for mark in marks:
        letters[first + places[combining[mark]]] = mark
        places[combining[mark]] += 1


@compiled
def _is_final(codes: Int32, at: int, low: int, high: int, kinds: Bytes, removed: Bytes) -> bool:
    """Whether the lower case of the capital sigma at ``at`` is that of a word's end, as
    ``str.lower`` says of ``codes[low:high]`` without the removed characters."""
    before = at - 1
    while before >= low and (
        kinds[codes[before]] & _IGNORABLE or (codes[before] < 128 and removed[codes[before]])
    ):
        before -= 1
    if before < low or not kinds[codes[before]] & _CASED:
        return False
    behind = at + 1
    while behind < high and (
        kinds[codes[behind]] & _IGNORABLE or (codes[behind] < 128 and removed[codes[behind]])
    ):
        behind += 1
    return behind == high or not kinds[codes[behind]] & _CASED


@compiled
def refine(
    codes: Int32,
    offsets: Int64,
    kinds: Bytes,
    special: Bytes,
    images: Int32,
    ends: Int64,
    several: Int32,
    letters: Int32,
    starts: Int64,
    word_ends: Int64,
    word_offsets: Int64,
    inked: Int64,
) -> None:
    """What lies between spaces, tabs and line feeds, in lower case, stripped of the characters that
    ``special`` uint8[0x110000] marks; nothing where all are special.

    ``inked`` int64[texts]: words of which some character is not special as it is written. (The
    special characters are not closed under ``str.lower``, so this need not be their number.)
    """
    nothing = np.zeros(128, np.uint8)
    word = out = 0
    word_offsets[0] = 0
    for text in range(len(offsets) - 1):
        low, high = offsets[text], offsets[text + 1]
        number = 0
        begin = low
        while begin < high:
            if codes[begin] == 32 or codes[begin] == 10 or codes[begin] == 9:
                begin += 1
                continue
            start = last = out  # of the letters that are not special
            ink = ink_written = False
            end = begin
            while end < high:
                code = codes[end]
                if code == 32 or code == 10 or code == 9:
                    break
                ink_written = ink_written or not special[code]
                image = images[code]
                first, behind = np.int64(0), np.int64(1)
                if image < 0:
                    behind = ends[-1 - image]
                    first = ends[-2 - image] if image < -1 else np.int64(0)
                elif code == _SIGMA and _is_final(codes, end, low, high, kinds, nothing):
                    image = np.int32(_FINAL_SIGMA)
                for index in range(first, behind):
                    letter = several[index] if image < 0 else image
                    letters[out] = letter
                    if not special[letter]:
                        if not ink:
                            start = out
                        ink = True
                        last = out + 1
                    out += 1
                end += 1
            number += ink_written
            if ink:
                starts[word], word_ends[word] = start, last
                word += 1
            begin = end
        word_offsets[text + 1] = word
        inked[text] = number
