"""The line rules of C4, compiled: which lines stay, and the text that they make.

White space, line ends, digits and lower case are Python's: ``str.splitlines()``, ``str.split()``,
``\\d`` of ``re``, ``str.lower()``. Of all characters only K (U+212A, the Kelvin sign) becomes a
letter of a phrase below by lower-casing; İ becomes "i" and a combining dot, which none contains.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.chunks import space_bytes
from winnow.text.compiled import compiled
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

# the zeros of all scripts' decimal digits (Unicode 15.1); the other nine follow each
_ZEROS_HEX = """
30 660 6F0 7C0 966 9E6 A66 AE6 B66 BE6 C66 CE6 D66 DE6 E50 ED0 F20 1040 1090 17E0 1810 1946 19D0
1A80 1A90 1B50 1BB0 1C40 1C50 A620 A8D0 A900 A9D0 A9F0 AA50 ABF0 FF10 104A0 10D30 11066 110F0 11136
111D0 112F0 11450 114D0 11650 116C0 11730 118E0 11950 11C50 11D50 11DA0 11F50 16A60 16AC0 16B50
1D7CE 1D7D8 1D7E2 1D7EC 1D7F6 1E140 1E2F0 1E4F0 1E950 1FBF0
"""
_ZEROS = np.array([int(code, 16) for code in _ZEROS_HEX.split()])


def _kinds() -> Bytes:
    kinds = np.zeros(256, np.uint8)
    kinds[[0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E]] = 1
    kinds[[0xC2, 0xE2]] = 2
    kinds[list(b"FJKPVfjkpv")] = 3
    kinds[list(b"[{")] = 4
    return kinds


# of a byte: 0 nothing, 1 a line end, 2 may begin a longer one, 3 a letter without which there is
# no phrase, 4 what other rules ask for
_KINDS = _kinds()
# what follows that letter in a phrase: "ja", "ki", "va", "ps", "f "
_AFTER = np.zeros(256, np.uint8)
_AFTER[list(b"FJKPVfjkpv")] = list(b" aisa aisa")


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
        while at < end:
            # one look at every byte: is a slower look at the line needed?
            first = at
            look = bracket = curly = False
            width = 0
            while at < end:
                kind = _KINDS[data[at]]
                if kind == 0:
                    at += 1
                    continue
                if kind == 3:
                    if at + 2 < end and data[at + 1] | 0x20 == _AFTER[data[at]]:
                        look |= _tells_of_phrase(data[at] | 0x20, data[at + 2] | 0x20)
                elif kind == 4:
                    curly |= data[at] == 0x7B
                    bracket |= data[at] == 0x5B
                else:
                    width = line_end_bytes(data, at, end)
                    if width:
                        break
                    look |= at + 1 < end and data[at + 1] == 0x84  # perhaps the Kelvin sign
                at += 1
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
                for index in range(last - first):
                    text[start + index] = data[first + index]
            if rules & 2 and not _ends_terminally(text, start, stop):
                counts[row, 2] += 1
                continue
            if _has_fewer_words(data, first, last, min_line_words):
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
def _tells_of_phrase(letter: np.uint8, third: np.uint8) -> bool:
    """Whether a letter, what follows it in a phrase, and then ``third`` may be of one: "ja…",
    "kie", "vac", "psu", "f u"."""
    if letter == 0x6B:
        return bool(third == 0x65)
    if letter == 0x76:
        return bool(third == 0x63)
    if letter == 0x6A:
        return True
    return bool(third == 0x75)


@compiled
def _has_fewer_words(data: Bytes, at: int, end: int, least: int) -> bool:
    """Whether ``data[at:end]``, which begins and ends with ink, has fewer words than ``least``."""
    words = 0
    while words < least:
        if at == end:
            return True
        words += 1
        while at < end and not space_bytes(data, at, end):
            at += 1
        at = _skip_space(data, at, end)
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
