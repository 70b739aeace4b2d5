"""Compiled line rules of RefinedWeb, as DCLM wrote them: lines go, and some phrases within lines.

Each rule works on what the one before has left, and after each but one the text is stripped, so
that the first line of the next rule may be another. So the rules run one after the other over a
list of lines; a line is a place in a copy of the text, and only ever gets shorter.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.characters import code_point, count_words, last_start, strip
from winnow.text.chunks import space_bytes
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import (
    copy_bytes,
    count_byte,
    eight_bytes,
    mask_range,
    mask_unusual,
    next_byte,
    number_of,
)

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]

RULES = 7
UPPERCASE, NUMERIC, COUNTER, SHORT, CART, READ_MORE, SIGN_IN = range(RULES)

COUNTERS = (
    "likes shares comments retweets reposts quotes bookmarks upvotes downvotes downloads views "
    "followers"
)
COUNTER_NAMES = np.frombuffer(f"{COUNTERS} ".encode(), np.uint8)
ITEMS_IN_CART = np.frombuffer(b"items in cart", np.uint8)
READ_MORE_PHRASE = np.frombuffer(b"read more", np.uint8)
SIGN_IN_PHRASE = np.frombuffer(b"sign-in", np.uint8)

_UPPER, _DIGIT, _DECIMAL, _WORD = 1, 2, 4, 32  # of `character_flags`


@compiled
def rewrite_lines(
    data: Bytes,
    offsets: Int64,
    rows: Int64,
    flags: Bytes,
    max_uppercase: float,
    max_numeric: float,
    min_words: int,
    max_phrase_words: int,
    counter_names: Bytes,
    cart: Bytes,
    read_more: Bytes,
    sign_in: Bytes,
    text: Bytes,
    text_offsets: Int64,
    removed: Int64,
) -> None:
    """The rewritten rows in ``text`` (uint8, room for all of them), ends in ``text_offsets[1:]``
    (int64[n + 1]); ``removed`` int64[n, 7], how many lines each rule removed or shortened."""
    work = np.empty(1 << 12, np.uint8)
    starts, ends = np.empty(64, np.int64), np.empty(64, np.int64)
    out = 0
    text_offsets[0] = 0
    for position in range(len(rows)):
        low, high = offsets[rows[position]], offsets[rows[position] + 1]
        size, lines = high - low, 1
        if size > len(work):
            work = np.empty(2 * size, np.uint8)
        copy_bytes(data, low, high, work, 0)
        lines += count_byte(work, 0, size, 0x0A)
        if lines > len(starts):
            starts, ends = np.empty(2 * lines, np.int64), np.empty(2 * lines, np.int64)
        lines, start = 0, 0
        while start <= size:
            at = next_byte(work, start, size, 0x0A)
            starts[lines], ends[lines] = start, at
            lines, start = lines + 1, at + 1
        first = 0
        for rule in range(7):
            kept = first
            for line in range(first, lines):
                start, end = starts[line], ends[line]
                length = end - start
                if length and rule <= SHORT:
                    if rule == UPPERCASE:
                        drop = _share(work, start, end, flags, _UPPER, 0x41, 0x5A) > max_uppercase
                    elif rule == NUMERIC:
                        drop = _share(work, start, end, flags, _DIGIT, 0x30, 0x39) > max_numeric
                    elif rule == COUNTER:
                        drop = _is_counter(work, start, end, flags, counter_names)
                    else:
                        drop = count_words(work, start, end, min_words) < min_words
                    if drop:
                        removed[position, rule] += 1
                        continue
                elif (
                    length
                    and count_words(work, start, end, max_phrase_words + 1) <= max_phrase_words
                ):
                    if rule == CART:
                        end = _without(work, start, end, cart)
                    elif rule == READ_MORE:
                        end = _without_end(work, start, end, read_more)
                    else:
                        start = _without_start(work, start, end, sign_in)
                    left, right = strip(work, start, end)
                    if end - start < length or left == right:
                        removed[position, rule] += 1
                    if left == right:
                        continue
                starts[kept], ends[kept] = start, end
                kept += 1
            lines = kept
            if rule != SHORT:
                first, lines = _stripped(work, starts, ends, first, lines)
        for line in range(first, lines):
            if line > first:
                text[out] = 0x0A
                out += 1
            copy_bytes(work, starts[line], ends[line], text, out)
            out += ends[line] - starts[line]
        text_offsets[position + 1] = out


@compiled
def _stripped(work: Bytes, starts: Int64, ends: Int64, first: int, lines: int) -> tuple[int, int]:
    """The lines that ``str.strip()`` of the whole leaves; its first and last are shortened."""
    while first < lines:
        left, right = strip(work, starts[first], ends[first])
        if left < right:
            starts[first] = left
            break
        first += 1
    while first < lines:
        left, right = strip(work, starts[lines - 1], ends[lines - 1])
        if left < right:
            ends[lines - 1] = right
            break
        lines -= 1
    return first, lines


@compiled
def _share(work: Bytes, at: int, end: int, flags: Bytes, flag: int, first: int, last: int) -> float:
    """Share of the characters with ``flag``; of ASCII those from ``first`` to ``last`` have it."""
    held = chars = 0
    while at < end:
        if at + 8 <= end:
            eight = eight_bytes(work, at)
            if mask_unusual(eight, 0) == 0:
                held += number_of(mask_range(eight, first, last))
                chars += 8
                at += 8
                continue
        code, width = code_point(work, at, end)
        held += (flags[code] & flag) != 0
        chars += 1
        at += width
    return held / chars


@compiled
def _is_counter(work: Bytes, at: int, end: int, flags: Bytes, names: Bytes) -> bool:
    """``^\\W*\\d(?:,|\\.|\\d)*(?:k|m|b)?\\s+(?:likes|…)\\W*$`` of the line in lower case."""
    at = _skip_not_word(work, at, end, flags)
    digits = 0
    while at < end:
        code, width = code_point(work, at, end)
        decimal = (flags[code] & _DECIMAL) != 0
        if not decimal and not (digits and (code == 0x2C or code == 0x2E)):
            break
        digits += 1
        at += width
    if digits == 0 or at == end:
        return False
    code, width = code_point(work, at, end)
    if code in (0x4B, 0x6B, 0x212A, 0x4D, 0x6D, 0x42, 0x62):  # k (or the Kelvin sign), m, b
        at += width
    spaces = 0
    while at < end:
        width = space_bytes(work, at, end)
        if not width:
            break
        spaces += 1
        at += width
    if spaces == 0:
        return False
    name, start = 0, at
    while name < len(names):
        at = start
        while at < end and names[name] != 0x20:
            code, width = code_point(work, at, end)
            if code == 0x212A:
                code = 0x6B
            elif 0x41 <= code <= 0x5A:
                code += 0x20
            if code != names[name]:
                break
            name += 1
            at += width
        if names[name] == 0x20:
            return _skip_not_word(work, at, end, flags) == end
        while names[name] != 0x20:
            name += 1
        name += 1
    return False


@compiled
def _skip_not_word(work: Bytes, at: int, end: int, flags: Bytes) -> int:
    while at < end:
        code, width = code_point(work, at, end)
        if flags[code] & _WORD:
            break
        at += width
    return at


@compiled
def _match(work: Bytes, at: int, end: int, phrase: Bytes) -> int:
    """The end of ``phrase`` (lower case) at ``at``, as ``re.IGNORECASE`` compares; -1: not there.

    There İ and ı are i, and ſ is s.
    """
    for letter in phrase:
        if at >= end:
            return -1
        code, width = code_point(work, at, end)
        if 0x41 <= code <= 0x5A:
            code += 0x20
        elif code == 0x130 or code == 0x131:
            code = 0x69
        elif code == 0x17F:
            code = 0x73
        if code != letter:
            return -1
        at += width
    return at


@compiled
def _without(work: Bytes, start: int, end: int, phrase: Bytes) -> int:
    """Take every ``phrase``, with one white space before it, out of the line; its new end."""
    at = out = start
    while at < end:
        space = space_bytes(work, at, end)
        after = _match(work, at + space, end, phrase)
        if after >= 0:
            at = after
            continue
        work[out] = work[at]
        out += 1
        at += 1
    return out


@compiled
def _without_end(work: Bytes, start: int, end: int, phrase: Bytes) -> int:
    """The end of the line without ``phrase`` and any three characters at the end."""
    at = end
    for _ in range(3):
        if at == start:
            return end
        at = last_start(work, start, at)
    at -= len(phrase)
    if at < start or _match(work, at, end, phrase) != at + len(phrase):
        return end
    if at > start:
        before = last_start(work, start, at)
        if space_bytes(work, before, at) == at - before:
            return before
    return at


@compiled
def _without_start(work: Bytes, start: int, end: int, phrase: Bytes) -> int:
    """The start of the line without ``phrase`` and one white space at the start."""
    after = _match(work, start, end, phrase)
    if after < 0:
        return start
    return after + space_bytes(work, after, end) if after < end else after
