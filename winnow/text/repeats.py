"""Compiled counts of n-grams and lines that occur more than once, every copy counted.

:mod:`winnow.text.grams` and :mod:`winnow.text.lines` count what was seen *before*, as datatrove
does; here the first copy counts as well, as in DCLM and Dolma.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.characters import strip
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import (
    count_byte,
    count_code_points,
    hash_bytes,
    next_byte,
    same_bytes,
)

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

GRAM_COUNTS = 6
TOP, TOP_FIRST, TOP_LONGEST, REPEATED, ALL, COVERED = range(GRAM_COUNTS)
LINE_COUNTS = 4

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


@compiled
def count_grams(
    numbers: Int32, word_offsets: Int64, chars: Int32, most: int, result: Int64
) -> None:
    """``result`` int64[documents, most - 1, 6], for n-grams of 2 to ``most`` words:

    TOP          how often the most frequent n-gram occurs; 0 where there is none
    TOP_FIRST    code points of the words of the first seen of those that occur so often
    TOP_LONGEST  of the longest of those
    REPEATED     of the words of all n-grams that occur twice or more, every copy counted
    ALL          of the words of all n-grams
    COVERED      of the words that are in an n-gram that occurs twice or more, each word once

    ``numbers``: of the words within their document (:func:`winnow.text.spans.number_words`);
    ``chars`` int32[words], their code points.
    """
    # An n-gram can only come back if the two (n - 1)-grams in it do, and is known by their numbers.
    # So few are left to look up after the first sizes. -1: occurs once.
    grams = np.empty(256, np.int64)
    longer = np.empty(256, np.int64)
    places = np.empty(256, np.int64)  # where an n-gram comes again, rising
    counts = np.empty(256, np.int64)
    reach = np.zeros(257, np.int64)
    slots = np.empty(256, np.int64)
    keys = np.empty(256, np.uint64)
    for document in range(len(word_offsets) - 1):
        first = word_offsets[document]
        words = word_offsets[document + 1] - first
        if words > len(grams):
            grams, longer = np.empty(2 * words, np.int64), np.empty(2 * words, np.int64)
            places = np.empty(2 * words, np.int64)
            counts, reach = np.empty(2 * words, np.int64), np.zeros(2 * words + 1, np.int64)
        counts[:words] = 0
        for at in range(words):
            reach[at + 1] = reach[at] + chars[first + at]
            counts[numbers[first + at]] += 1
        left = 0
        for at in range(words):
            number = numbers[first + at]
            again = counts[number] > 1
            grams[at] = number if again else -1
            longer[at] = -1
            places[left] = at
            left += again
        low_sum = high_sum = 0  # of `reach` where the n-grams begin, and where they end
        for at in range(words):
            low_sum += reach[at]
            high_sum += reach[at + 1]
        for size in range(2, most + 1):
            total = max(words - size + 1, 0)
            if total:
                low_sum -= reach[total]
                high_sum -= reach[size - 1]
            room = 64
            while room < 2 * left:
                room *= 2
            if room > len(slots):
                slots, keys = np.empty(room, np.int64), np.empty(room, np.uint64)
            slots[:room] = -1
            known = 0
            for index in range(left):
                at = places[index]
                longer[at] = -1
                if at + size > words or grams[at + 1] < 0:
                    continue
                key = np.uint64(grams[at]) << np.uint64(32) | np.uint64(grams[at + 1])
                mixed = key * _MULTIPLIER
                slot = np.int64((mixed ^ (mixed >> _SHIFT)) & np.uint64(room - 1))
                while slots[slot] >= 0 and keys[slot] != key:
                    slot = (slot + 1) & (room - 1)
                if slots[slot] < 0:
                    slots[slot], keys[slot] = known, key
                    counts[known] = 0
                    known += 1
                longer[at] = slots[slot]
                counts[longer[at]] += 1
            top = 1 if total else 0
            for number in range(known):
                top = max(top, counts[number])
            top_first, longest, repeated, covered = -1, 0, 0, 0
            done = 0  # words before it are counted in `covered`
            kept = 0
            for index in range(left):
                at = places[index]
                number = longer[at]
                if number < 0 or counts[number] < 2:
                    grams[at] = longer[at] = -1
                    continue
                places[kept] = at
                kept += 1
                length = reach[at + size] - reach[at]
                if counts[number] == top:
                    if top_first < 0:
                        top_first = length
                    longest = max(longest, length)
                repeated += length
                covered += reach[at + size] - reach[max(at, done)]
                done = at + size
            left = kept
            if top == 1:
                top_first = reach[size]
                for at in range(total):
                    longest = max(longest, reach[at + size] - reach[at])
            result[document, size - 2, 0] = top
            result[document, size - 2, 1] = max(top_first, 0)
            result[document, size - 2, 2] = longest
            result[document, size - 2, 3] = repeated
            result[document, size - 2, 4] = high_sum - low_sum if total else 0
            result[document, size - 2, 5] = covered
            grams, longer = longer, grams


@compiled
def count_lines(
    data: Bytes, offsets: Int64, rows: Int64, feeds: int, stripped: bool, result: Int64
) -> None:
    """``result`` int64[n, 4]: pieces between ``feeds`` line feeds in a row (``str.split``), code
    points of them, those that occur twice or more, code points of those.

    ``stripped``: white space around a piece is taken off, and blank pieces do not count.
    """
    starts = np.empty(64, np.int64)
    ends = np.empty(64, np.int64)
    firsts = np.empty(64, np.int64)  # by piece: the first that equals it
    copies = np.empty(64, np.int64)  # by piece that is a first
    keys = np.empty(64, np.uint64)
    slots = np.empty(256, np.int64)
    for position in range(len(rows)):
        at, high = offsets[rows[position]], offsets[rows[position] + 1]
        most = 1 + count_byte(data, at, high, 0x0A)
        if most > len(starts):
            starts, ends = np.empty(2 * most, np.int64), np.empty(2 * most, np.int64)
            firsts, copies = np.empty(2 * most, np.int64), np.empty(2 * most, np.int64)
            keys = np.empty(2 * most, np.uint64)
        pieces, start = 0, at
        while at <= high:
            at = next_byte(data, at, high, 0x0A)
            ending = at == high
            if not ending:
                run = 0
                while run < feeds and at + run < high and data[at + run] == 0x0A:
                    run += 1
                if run < feeds:
                    at += 1
                    continue
            low, end = start, at
            if stripped:
                low, end = strip(data, start, at)
            if low < end or not stripped:
                starts[pieces], ends[pieces] = low, end
                pieces += 1
            at += 1 if ending else feeds
            start = at
        room = 64
        while room < 2 * pieces:
            room *= 2
        if room > len(slots):
            slots = np.empty(room, np.int64)
        slots[:room] = -1
        for piece in range(pieces):
            low, end = starts[piece], ends[piece]
            key = hash_bytes(data, low, end)
            keys[piece] = key
            copies[piece] = 0
            slot = np.int64(key & np.uint64(room - 1))
            while True:
                other = slots[slot]
                if other < 0:
                    slots[slot] = other = piece
                    break
                length = ends[other] - starts[other]
                if (
                    keys[other] == key
                    and end - low == length
                    and same_bytes(data, starts[other], data, low, length)
                ):
                    break
                slot = (slot + 1) & (room - 1)
            firsts[piece] = other
            copies[other] += 1
        chars = repeated = repeated_chars = 0
        for piece in range(pieces):
            length = count_code_points(data, starts[piece], ends[piece])
            chars += length
            if copies[firsts[piece]] > 1:
                repeated += 1
                repeated_chars += length
        result[position, 0] = pieces
        result[position, 1] = chars
        result[position, 2] = repeated
        result[position, 3] = repeated_chars
