"""The line rules of C4, compiled: which lines stay, and the text that they make.

White space, line ends, digits and lower case are Python's: ``str.splitlines()``, ``str.split()``,
``\\d`` of ``re``, ``str.lower()``. Of all characters only K (U+212A, the Kelvin sign) becomes a
letter of a phrase below by lower-casing; İ becomes "i" and a combining dot, which none contains.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.characters import count_words
from winnow.text.chunks import space_bytes
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import copy_bytes, eight_bytes, mask_zero, next_byte, next_unusual
from winnow.text.lines import line_end_bytes

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]

# rules that can be left out, as bits
CITATIONS = 1
TERMINAL_PUNCTUATION = 2
LOREM_IPSUM = 4
JAVASCRIPT = 8
CURLY_BRACKET = 16
POLICY = 32
COUNTS = (
    "lines",
    "long_word",  # a line that has one is dropped; so for the next two
    "unpunctuated",
    "short",
    "lorem_ipsum",  # a line that has it is counted, and goes on to the next rule
    "javascript",
    "curly_bracket",  # counted, and goes on
    "policy",
    "kept",
    "blank",  # kept lines that are not in the text: blank ones before its first, after its last ink
    "open_end",  # 1 if the last line of the text ended in white space that is not one space
)

_PHRASES = (
    (b"lorem ipsum", LOREM_IPSUM),
    (b"javascript", JAVASCRIPT),
    (b"terms of use", POLICY),
    (b"privacy policy", POLICY),
    (b"cookie policy", POLICY),
    (b"uses cookies", POLICY),
    (b"use of cookies", POLICY),
    (b"use cookies", POLICY),
)
_PHRASE_BYTES = np.frombuffer(b"".join(phrase for phrase, _ in _PHRASES), np.uint8)
_PHRASE_ENDS = np.cumsum([len(phrase) for phrase, _ in _PHRASES])
_PHRASE_RULES = np.array([rule for _, rule in _PHRASES], np.int64)
_FIRST_LETTERS = np.zeros(256, np.bool_)
_FIRST_LETTERS[[phrase[0] for phrase, _ in _PHRASES]] = True

_CITATION_WORDS = np.frombuffer(b"edit]citation needed]", np.uint8)
_CITATION_ENDS = np.array([5, 21])

_LOWER_CASE = np.uint64(0x2020202020202020)  # of ASCII letters the bit, and eight spaces
_EIGHT_A, _EIGHT_C, _EIGHT_E, _EIGHT_F, _EIGHT_I, _EIGHT_J = (
    np.uint64(0x0101010101010101 * letter) for letter in b"acefij"
)
_EIGHT_K, _EIGHT_P, _EIGHT_S, _EIGHT_U, _EIGHT_V = (
    np.uint64(0x0101010101010101 * letter) for letter in b"kpsuv"
)

# the zeros of all scripts' decimal digits (Unicode 15.1); the other nine follow each
_ZEROS_HEX = """
30 660 6F0 7C0 966 9E6 A66 AE6 B66 BE6 C66 CE6 D66 DE6 E50 ED0 F20 1040 1090 17E0 1810 1946 19D0
1A80 1A90 1B50 1BB0 1C40 1C50 A620 A8D0 A900 A9D0 A9F0 AA50 ABF0 FF10 104A0 10D30 11066 110F0 11136
111D0 112F0 11450 114D0 11650 116C0 11730 118E0 11950 11C50 11D50 11DA0 11F50 16A60 16AC0 16B50
1D7CE 1D7D8 1D7E2 1D7EC 1D7F6 1E140 1E2F0 1E4F0 1E950 1FBF0
"""
_ZEROS = np.array([int(code, 16) for code in _ZEROS_HEX.split()])


@compiled
def keep_lines(
    data: Bytes,
    offsets: Int64,
    rules: int,
    max_word_chars: int,
    min_line_words: int,
    text: Bytes,
    text_offsets: Int64,
    counts: Int64,
) -> None:
    """The kept lines of every row, joined by line feeds and stripped, and what was counted.

    ``data`` uint8, ``offsets`` int64[rows + 1]: the column. ``text`` uint8, as long as the rows
    together, and ``text_offsets`` int64[rows + 1] get the new column; ``counts`` int64[rows, 11]
    gets ``COUNTS``. ``rules`` are bits as above. Rules and their order are those of
    :class:`winnow.filters.c4.C4`.
    """
    out = 0
    text_offsets[0] = 0
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        row_start = out
        counts[row, :] = 0
        written = False
        phrases_near = _may_have_phrase(data, at, end)
        brackets_near = next_byte(data, at, end, 0x5B) < end or next_byte(data, at, end, 0x7B) < end
        while at < end:
            # is a slower look at the line needed?
            first = at
            look = bracket = curly = False
            width = 0
            while True:
                at = next_unusual(data, at, end)
                if at == end:
                    break
                width = line_end_bytes(data, at, end)
                if width:
                    break
                # perhaps the Kelvin sign
                look |= data[at] == 0xE2 and at + 1 < end and data[at + 1] == 0x84
                at += 1
            if phrases_near:
                look |= _may_have_phrase(data, first, at)
            if brackets_near:
                curly = next_byte(data, first, at, 0x7B) < at
                bracket = next_byte(data, first, at, 0x5B) < at
            last = _ink_end(data, first, at)
            first = _skip_space(data, first, last)
            at += width

            counts[row, 0] += 1
            if _has_long_word(data, first, last, max_word_chars):
                counts[row, 1] += 1
                continue
            start = out + 1 if written else out
            if bracket and rules & 1:
                stop = _copy_without_citations(data, first, last, text, start)
                look |= stop - start != last - first  # what it parted may have grown together
            else:
                stop = start + last - first
                copy_bytes(data, first, last, text, start)
            if rules & 2 and not _ends_terminally(text, start, stop):
                counts[row, 2] += 1
                continue
            if count_words(data, first, last, min_line_words) < min_line_words:
                counts[row, 3] += 1
                continue
            phrases = _phrases(text, start, stop) & rules if look else 0
            if phrases & 4 and not (rules & 16 and counts[row, 6]):
                counts[row, 4] += 1
            if phrases & 8:
                counts[row, 5] += 1
                continue
            if curly and rules & 16:
                counts[row, 6] += 1
            if phrases & 32:
                counts[row, 7] += 1
                continue
            counts[row, 8] += 1
            if not written:  # nothing blank before the first ink
                ink = _skip_space(text, start, stop)
                if ink == stop:
                    counts[row, 9] += 1
                    continue
                if ink > start:
                    text[start : start + stop - ink] = text[ink:stop].copy()
                    stop = start + stop - ink
                written = True
            else:
                text[out] = 0x0A
            out = stop
        ink = _ink_end(text, row_start, out)
        at = ink
        while at < out and text[at] != 0x0A:
            at += 1
        counts[row, 10] = at - ink > 1 or (at - ink == 1 and text[ink] != 0x20)
        for index in range(at, out):
            counts[row, 9] += text[index] == 0x0A
        out = ink
        text_offsets[row + 1] = out


@compiled
def _may_have_phrase(data: Bytes, at: int, end: int) -> bool:
    """Whether three bytes in a row may be of a phrase: "jav", "kie", "vac", "psu" or "f u"; of
    several, all phrases have one."""
    while at + 2 < end:
        if at + 10 > len(data):
            return True
        one = eight_bytes(data, at) | _LOWER_CASE
        two = eight_bytes(data, at + 1) | _LOWER_CASE
        three = eight_bytes(data, at + 2) | _LOWER_CASE
        found = (
            mask_zero((one ^ _EIGHT_J) | (two ^ _EIGHT_A) | (three ^ _EIGHT_V))
            | mask_zero((one ^ _EIGHT_K) | (two ^ _EIGHT_I) | (three ^ _EIGHT_E))
            | mask_zero((one ^ _EIGHT_V) | (two ^ _EIGHT_A) | (three ^ _EIGHT_C))
            | mask_zero((one ^ _EIGHT_P) | (two ^ _EIGHT_S) | (three ^ _EIGHT_U))
            | mask_zero((one ^ _EIGHT_F) | (two ^ _LOWER_CASE) | (three ^ _EIGHT_U))
        )
        if found:
            return True
        at += 8
    return False


@compiled
def _has_long_word(data: Bytes, at: int, end: int, most: int) -> bool:
    """Whether a word of ``data[at:end]`` has more than ``most`` code points.

    Such a word has more bytes than that, so one that begins before ``at + most`` holds that byte.
    """
    while at + most < end:
        # back from there to the last white space, if there is any
        start = at + most
        while start >= at and not space_bytes(data, start, end):
            start -= 1
        if start >= at:
            at = start + space_bytes(data, start, end)
            continue
        stop = at + most
        while stop < end and not space_bytes(data, stop, end):
            stop += 1
        if _chars(data, at, stop) > most:
            return True
        at = stop
    return False


@compiled
def _chars(data: Bytes, start: int, end: int) -> int:
    total = 0
    for at in range(start, end):
        total += (data[at] & 0xC0) != 0x80
    return total


@compiled
def _ends_terminally(text: Bytes, start: int, stop: int) -> bool:
    if stop == start:
        return False
    byte = text[stop - 1]
    if byte == 0x2E:
        ellipsis = stop - start >= 3 and text[stop - 2] == 0x2E and text[stop - 3] == 0x2E
        return not ellipsis
    return bool(byte == 0x3F or byte == 0x21 or byte == 0x22 or byte == 0x27)


@compiled
def _copy_without_citations(data: Bytes, at: int, end: int, text: Bytes, out: int) -> int:
    """Copies all but ``\\[\\d*]|\\[edit]|\\[citation needed]``; returns the end of the copy."""
    while at < end:
        byte = data[at]
        if byte == 0x5B:
            width = _citation_bytes(data, at, end)
            if width:
                at += width
                continue
        text[out] = byte
        out += 1
        at += 1
    return out


@compiled
def _citation_bytes(data: Bytes, at: int, end: int) -> int:
    """Bytes of the citation that starts at ``at``, a "["; 0 if none does."""
    inside = at + 1
    while True:
        width = _digit_bytes(data, inside, end)
        if not width:
            break
        inside += width
    if inside < end and data[inside] == 0x5D:
        return inside + 1 - at
    begin = 0
    for word_end in _CITATION_ENDS:
        size = word_end - begin
        same = at + 1 + size <= end
        index = 0
        while same and index < size:
            same = data[at + 1 + index] == _CITATION_WORDS[begin + index]
            index += 1
        if same:
            return int(size) + 1
        begin = word_end
    return 0


@compiled
def _digit_bytes(data: Bytes, at: int, end: int) -> int:
    """Bytes of the decimal digit at ``at``; 0 if there is none."""
    if at >= end:
        return 0
    byte = np.int64(data[at])
    if byte < 0xC0:
        return 1 if 0x30 <= byte <= 0x39 else 0
    width = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
    if at + width > end:
        return 0
    code = byte & (0x7F >> width)
    for index in range(1, width):
        code = (code << 6) | np.int64(data[at + index] & 0x3F)
    place = np.searchsorted(_ZEROS, code, side="right") - 1
    return width if code - _ZEROS[place] < 10 else 0


@compiled
def _phrases(text: Bytes, start: int, stop: int) -> int:
    """The rules whose phrases are in ``text[start:stop]``, as bits."""
    found = 0
    for at in range(start, stop):
        if not _FIRST_LETTERS[text[at] | 0x20]:
            continue
        begin = 0
        for phrase in range(len(_PHRASE_ENDS)):
            if _is_phrase(text, at, stop, begin, _PHRASE_ENDS[phrase]):
                found |= _PHRASE_RULES[phrase]
            begin = _PHRASE_ENDS[phrase]
    return found


@compiled
def _is_phrase(text: Bytes, at: int, stop: int, begin: int, end: int) -> bool:
    for index in range(begin, end):
        if at >= stop:
            return False
        wanted, byte = _PHRASE_BYTES[index], text[at]
        if 0x41 <= byte <= 0x5A:
            byte |= 0x20
        if byte == wanted:
            at += 1
        elif (
            wanted == 0x6B
            and at + 2 < stop
            and byte == 0xE2
            and text[at + 1] == 0x84
            and text[at + 2] == 0xAA
        ):
            at += 3  # the Kelvin sign
        else:
            return False
    return True


@compiled
def _skip_space(text: Bytes, at: int, end: int) -> int:
    while at < end:
        width = space_bytes(text, at, end)
        if not width:
            break
        at += width
    return at


@compiled
def _ink_end(text: Bytes, start: int, end: int) -> int:
    """Where the last ink of ``text[start:end]`` ends; ``start`` if there is none."""
    while end > start:
        at = end - 1
        while at > start and (text[at] & 0xC0) == 0x80:
            at -= 1
        if space_bytes(text, at, end) != end - at:
            break
        end = at
    return end
