"""The English split of :mod:`winnow.text.english`, compiled: chunks → where their words end.

The same algorithm step by step, over code points instead of strings, with tables
(:mod:`winnow.text.english_tables`) in the place of regular expressions. It decides nearly every
chunk and says so of the others: those that hold a torn special case (an emoticon between other
characters), numbers with three dots (they may be IP addresses), and damaged UTF-8.

Everywhere: ``codes`` int32, the code points of a chunk, ``[low, high)`` what is looked at of them,
``classes`` uint16[code points] and ``lexicon`` int32[power of two, 17] the tables.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.compiled import compiled
from winnow.text.utf8 import code_point_at

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Classes = npt.NDArray[np.uint16]
Lexicon = npt.NDArray[np.int32]

# bits of a character in `classes`
PREFIX, SUFFIX, INFIX = 1, 2, 4  # it is one, alone and wherever it stands
PREFIX_START, SUFFIX_END, UNIT_END, PAIR_START = 8, 16, 32, 64  # of entries of the lexicon
BEFORE_DOT = 1 << 7  # a "." behind it is a suffix
UPPER = 1 << 8  # a "." behind two of them is a suffix
BEFORE_INNER_DOT, AFTER_INNER_DOT = 1 << 9, 1 << 10  # a "." between them is an infix
LETTER = 1 << 11  # "," between two is an infix; so are hyphens, ":" and others behind digits too
LABEL, TOP_LEVEL = 1 << 12, 1 << 13  # of a domain name; of its last part
SCHEME, DECIMAL = 1 << 14, 1 << 15  # of a URL scheme: \w and "+-."; \d

# the lexicon: open addressing, a row for each entry; length 0 where a row is free
KIND, LENGTH, TOKENS, CODES = 0, 1, 2, 5  # columns; TOKENS: characters of a special's up to 3
MAX_CHARS = 12  # of an entry
PAIR_MAX_CHARS, UNIT_MAX_CHARS, AFFIX_MAX_CHARS = 9, 5, 3
# kinds of entries; PAIR is to be added to the characters of the first of two tokens that begin a
# special case which affix rules tear apart wrongly
SPECIAL, PREFIX_LITERAL, SUFFIX_LITERAL, UNIT, PAIR = 0, 1, 2, 3, 4

URL_MAX_CHARS = 10_000
DOT, PLUS, HYPHEN, COLON, SLASH, AT, UNDERSCORE = 0x2E, 0x2B, 0x2D, 0x3A, 0x2F, 0x40, 0x5F
DEGREE, EN_DASH, EM_DASH, TILDE, COMMA = 0xB0, 0x2013, 0x2014, 0x7E, 0x2C
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


@compiled
def split_english(
    data: Bytes, ends: Int64, classes: Classes, lexicon: Lexicon, counts: Int32, word_ends: Int64
) -> int:
    """Split chunks that stand side by side in ``data``; returns the number of words.

    ``ends`` int64[chunks]: where each chunk ends. Fills ``counts`` int32[chunks], its words, 0
    if undecided, and ``word_ends``, where in ``data`` the words end, one chunk after the other.
    """
    longest = start = 0
    for end in ends:
        longest = max(longest, end - start)
        start = end
    codes = np.empty(longest, np.int32)
    places = np.empty(longest + 1, np.int64)  # in data, of each code point and of the end
    cuts = np.empty(longest, np.int64)
    stack = np.empty(longest, np.int64)
    total = start = 0
    for chunk in range(len(ends)):
        length = _decode(data, start, ends[chunk], codes, places)
        found = _split(codes, length, classes, lexicon, cuts, stack) if length else 0
        if found and _is_torn(codes, cuts, found, classes, lexicon):
            found = 0
        for index in range(found):
            word_ends[total + index] = places[cuts[index]]
        counts[chunk] = found
        total += found
        start = ends[chunk]
    return total


@compiled
def _decode(data: Bytes, at: int, end: int, codes: Int32, places: Int64) -> int:
    """Code points of ``data[at:end]``, their number; 0 where that is not UTF-8."""
    length = 0
    while at < end:
        code, width = int(data[at]), 1
        if code >= 0x80:
            code, width = code_point_at(data, at, end)
            if width == 0 or 0xD800 <= code < 0xE000:
                return 0
        codes[length], places[length] = code, at
        length += 1
        at += width
    places[length] = end
    return length


@compiled
def _split(
    codes: Int32, length: int, classes: Classes, lexicon: Lexicon, cuts: Int64, stack: Int64
) -> int:
    """``cuts``: where each token ends; returns how many there are, 0 if undecided."""
    low, high = 0, length
    found = peeled = 0
    special = -1
    if _is_plain(codes, length) and _entry(codes, low, high, SPECIAL, lexicon) < 0:
        cuts[0] = length
        return 1
    while low < high:
        special = _entry(codes, low, high, SPECIAL, lexicon)
        if special >= 0:
            break
        prefix = _prefix_chars(codes, low, high, classes, lexicon)
        if prefix:
            special = _entry(codes, low + prefix, high, SPECIAL, lexicon)
            if special >= 0:
                low += prefix
                cuts[found] = low
                found += 1
                break
        suffix = _suffix_chars(codes, low + prefix, high, classes, lexicon)
        if suffix:
            special = _entry(codes, low, high - suffix, SPECIAL, lexicon)
            if special >= 0:
                stack[peeled] = high
                peeled += 1
                high -= suffix
                break
        if prefix == 0 and suffix == 0:
            break
        if prefix:
            low += prefix
            cuts[found] = low
            found += 1
        if suffix:
            stack[peeled] = high
            peeled += 1
            high -= suffix
    if special >= 0:
        for index in range(TOKENS, CODES):
            if lexicon[special, index]:
                low += lexicon[special, index]
                cuts[found] = low
                found += 1
    elif low < high:
        found = _middle(codes, low, high, classes, cuts, found)
        if found == 0:
            return 0
    for index in range(peeled - 1, -1, -1):
        cuts[found] = stack[index]
        found += 1
    return found


@compiled
def _entry(codes: Int32, low: int, high: int, kind: int, lexicon: Lexicon) -> int:
    """The row of ``codes[low:high]`` in the lexicon; -1 if there is none of that kind."""
    length = high - low
    if length <= 0 or length > MAX_CHARS:
        return -1
    key = np.uint64(kind)
    for at in range(low, high):
        key = (key ^ np.uint64(codes[at])) * _MULTIPLIER
    row = int(np.int64(key >> _HALF)) & (len(lexicon) - 1)
    while lexicon[row, LENGTH]:
        if lexicon[row, KIND] == kind and lexicon[row, LENGTH] == length:
            same = True
            for index in range(length):
                same = same and lexicon[row, CODES + index] == codes[low + index]
            if same:
                return row
        row = (row + 1) & (len(lexicon) - 1)
    return -1


@compiled
def _is_plain(codes: Int32, length: int) -> bool:
    """Whether all are ASCII letters: no rule but that of a special case speaks of such."""
    at = 0
    while at < length and 0x61 <= codes[at] | 0x20 <= 0x7A:
        at += 1
    return at == length


@compiled
def _is_digit(code: int) -> bool:
    return bool(0x30 <= code <= 0x39)


@compiled
def _prefix_chars(codes: Int32, low: int, high: int, classes: Classes, lexicon: Lexicon) -> int:
    code, bits = codes[low], classes[codes[low]]
    if bits & PREFIX:
        return 1
    if code == PLUS:
        return 0 if low + 1 < high and _is_digit(codes[low + 1]) else 1
    if code == DOT:
        at = low
        while at < high and codes[at] == DOT:
            at += 1
        return at - low if at - low > 1 else 0
    if bits & PREFIX_START:
        for length in range(2, min(AFFIX_MAX_CHARS, high - low) + 1):
            if _entry(codes, low, low + length, PREFIX_LITERAL, lexicon) >= 0:
                return length
    return 0


@compiled
def _suffix_chars(codes: Int32, low: int, high: int, classes: Classes, lexicon: Lexicon) -> int:
    """Characters of the longest suffix; rules look back to ``low``, no further."""
    if low >= high:
        return 0
    last, bits = codes[high - 1], classes[codes[high - 1]]
    best = 1 if bits & SUFFIX else 0
    if last == DOT:
        at = high
        while at > low and codes[at - 1] == DOT:
            at -= 1
        if high - at > 1:
            return high - at
        if high - low >= 2 and classes[codes[high - 2]] & BEFORE_DOT:
            return 1
        if high - low >= 3:
            one, two = codes[high - 3], codes[high - 2]
            if classes[one] & classes[two] & UPPER:
                return 1
            if one == DEGREE and (two | 0x20 == 0x66 or two | 0x20 == 0x63 or two | 0x20 == 0x6B):
                return 1
        return 0
    if last == PLUS and high - low >= 2 and _is_digit(codes[high - 2]):
        return 1
    if bits & SUFFIX_END:
        for length in range(2, min(AFFIX_MAX_CHARS, high - low) + 1):
            if _entry(codes, high - length, high, SUFFIX_LITERAL, lexicon) >= 0:
                best = max(best, length)
    if bits & UNIT_END:
        for length in range(1, min(UNIT_MAX_CHARS, high - low - 1) + 1):
            start = high - length
            if _is_digit(codes[start - 1]) and _entry(codes, start, high, UNIT, lexicon) >= 0:
                best = max(best, length)
    return best


@compiled
def _middle(codes: Int32, low: int, high: int, classes: Classes, cuts: Int64, found: int) -> int:
    """What affixes leave, whole if it is a URL, else cut at infixes; 0 if undecided."""
    dotted = _dots(codes, low, high, classes) if high - low <= URL_MAX_CHARS else 0
    if dotted == 2:
        return 0
    if dotted == 1 and _is_url(codes, low, high, classes):
        cuts[found] = high
        return found + 1
    start = at = low
    while at < high:
        length = _infix_chars(codes, low, high, at, classes)
        if length == 0:
            at += 1
            continue
        if at > low:
            if at > start:
                cuts[found] = at
                found += 1
            start = at + length
            cuts[found] = start
            found += 1
        at += length
    if start < high:
        cuts[found] = high
        found += 1
    return found


@compiled
def _infix_chars(codes: Int32, low: int, high: int, at: int, classes: Classes) -> int:
    """Characters of the infix that starts at ``at``; 0 if none does."""
    code = codes[at]
    if classes[code] & INFIX:
        return 1
    if at + 1 >= high or (code > 0x7E and code not in (EN_DASH, EM_DASH)):
        return 0
    after = codes[at + 1]
    if code == DOT and after == DOT:
        end = at + 2
        while end < high and codes[end] == DOT:
            end += 1
        return end - at
    if at == low:
        return 0
    before = codes[at - 1]
    digit = _is_digit(before)
    if code == DOT:
        return 1 if classes[before] & BEFORE_INNER_DOT and classes[after] & AFTER_INNER_DOT else 0
    if code in (PLUS, 0x2A, 0x5E, HYPHEN):
        if digit and (_is_digit(after) or after == HYPHEN):
            return 1
        if code != HYPHEN:
            return 0
    if code == COMMA:
        return 1 if classes[before] & classes[after] & LETTER else 0
    if not digit and not classes[before] & LETTER:
        return 0
    if code in (COLON, SLASH, 0x3C, 0x3D, 0x3E):  # : / < = >
        return 1 if classes[after] & LETTER else 0
    # hyphens and dashes: how many of them may stand side by side
    most = 3 if code == HYPHEN else 2 if code == EM_DASH else int(code in (EN_DASH, TILDE))
    for length in range(1, most + 1):
        if at + length >= high:
            return 0
        if classes[codes[at + length]] & LETTER:
            return length
        if codes[at + length] != code:
            return 0
    return 0


@compiled
def _dots(codes: Int32, low: int, high: int, classes: Classes) -> int:
    """0: no URL can be here; 1: one may be; 2: an IP address may be."""
    result = 0
    for at in range(low, high - 2):
        if codes[at] != DOT:
            continue
        one, two = codes[at + 1], codes[at + 2]
        if (one > 0x7F or 0x61 <= one <= 0x7A) and (two > 0x7F or 0x61 <= two <= 0x7A):
            result = 1
        dots, end = 0, at
        while end + 1 < high and codes[end] == DOT and classes[codes[end + 1]] & DECIMAL:
            dots += 1
            if dots == 3:
                return 2
            end += 1
            while end < high and classes[codes[end]] & DECIMAL:
                end += 1
    return result


@compiled
def _is_url(codes: Int32, low: int, high: int, classes: Classes) -> bool:
    """Whether all of it is a URL with a domain name, by spaCy's pattern.

    The name may stand at the start, behind a scheme, or behind any "@" but one in the first place.
    """
    if _is_host(codes, low, high, classes):
        return True
    at = low
    while at < high and classes[codes[at]] & SCHEME:
        at += 1
    if at - low >= 2 and at + 3 < high and codes[at] == COLON:
        slashes = codes[at + 1] == SLASH and codes[at + 2] == SLASH
        if slashes and _is_host(codes, at + 3, high, classes):
            return True
    for at in range(low + 1, high):
        if codes[at] == AT and _is_host(codes, at + 1, high, classes):
            return True
    return False


@compiled
def _is_host(codes: Int32, at: int, high: int, classes: Classes) -> bool:
    """Whether ``codes[at:high]`` is a domain name, with a port, a path or neither behind it."""
    labels = 0
    while True:  # labels of 1 to 64 characters, each with a dot behind it
        end = at
        while end < high and (classes[codes[end]] & LABEL or codes[end] in (UNDERSCORE, HYPHEN)):
            end += 1
        if end >= high or codes[end] != DOT:
            break
        if end == at or end - at > 64 or not classes[codes[at]] & classes[codes[end - 1]] & LABEL:
            return False
        labels += 1
        at = end + 1
    end = at
    while end < high and classes[codes[end]] & TOP_LEVEL:
        end += 1
    if labels == 0 or end - at < 2 or end - at > 63:
        return False
    if end < high and codes[end] == COLON:
        at = end = end + 1
        while end < high and classes[codes[end]] & DECIMAL:
            end += 1
        if end - at < 2 or end - at > 5:
            return False
    return bool(end == high or codes[end] == SLASH or codes[end] == 0x3F or codes[end] == 0x23)


@compiled
def _is_torn(codes: Int32, cuts: Int64, found: int, classes: Classes, lexicon: Lexicon) -> bool:
    """Whether two neighbouring tokens may begin a special case that was torn apart wrongly."""
    start = 0
    for index in range(found - 1):
        middle, end = cuts[index], cuts[index + 1]
        may_be = end - start <= PAIR_MAX_CHARS and classes[codes[start]] & PAIR_START
        if may_be and _entry(codes, start, end, PAIR + middle - start, lexicon) >= 0:
            return True
        start = middle
    return False
