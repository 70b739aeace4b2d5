"""Compiled counts over word ids and n-grams of them.

Everywhere: ``tokens`` int32, ids of words; ``offsets`` int64[documents + 1] into it; ``chars``
int32[ids], code points of a word; ``hashes`` uint64[ids, 4] as :func:`hash_words` makes them;
``sizes`` int64, the numbers of words in an n-gram, rising.

Few n-grams of an honest text come again. So a pass that costs little, over a table of bytes and
without a search in it, first finds the places where one might, and tables that are exact need only
hold these.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.compiled import compiled
from winnow.text.mersenne import multiply, reduce

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_BASE = np.uint64(1_580_030_168_830_467_201)  # any number below the prime; nothing special
_SEVEN_BYTES = np.uint64(2**56 - 1)


@compiled
def hash_words(letters: Bytes, ends: Int64) -> UInt64:
    """Hashes of words that can be joined, ``uint64[words, 4]``.

    With bytes ``c``, ``n`` of them, and base ``b``: the sum of ``(c[j] + 1) * b**(n - 1 - j)``,
    then ``b**n``, modulo 2**61 - 1. So the hash of words written together follows from theirs.
    Then the word's first 8 bytes, the first of them lowest, and its next 7, with ``n`` (255 and
    more: 255) on top.
    """
    hashes = np.empty((len(ends), 4), np.uint64)
    start = 0
    for word in range(len(ends)):
        total, power = np.uint64(0), np.uint64(1)
        for at in range(start, ends[word]):
            total = reduce(multiply(total, _BASE) + np.uint64(letters[at]) + np.uint64(1))
            power = multiply(power, _BASE)
        size = ends[word] - start
        hashes[word, 0], hashes[word, 1] = total, power
        for half in range(2):
            head = np.uint64(0)
            for index in range(8 * half, min(size, 8 + 7 * half)):
                head |= np.uint64(letters[start + index]) << np.uint64(8 * (index - 8 * half))
            hashes[word, 2 + half] = head
        hashes[word, 3] |= np.uint64(min(size, 255)) << np.uint64(56)
        start = ends[word]
    return hashes


@compiled
def count_words(
    tokens: Int32, offsets: Int64, chars: Int32, flags: Bytes, wanted: Int64, result: Int64
) -> None:
    """``result`` int64[documents, 6]: words, words with the second flag, code points in those,
    words with the first flag, how many of the ids ``wanted`` (at most 63) occur, and how often
    they do, taken together."""
    for document in range(len(offsets) - 1):
        inked = inked_chars = lettered = occurrences = 0
        seen = np.int64(0)
        for at in range(offsets[document], offsets[document + 1]):
            word = tokens[at]
            if flags[word] & 2:
                inked += 1
                inked_chars += chars[word]
            lettered += flags[word] & 1
            for index in range(len(wanted)):
                if wanted[index] == word:
                    seen |= np.int64(1) << index
                    occurrences += 1
        distinct = 0
        while seen:
            seen &= seen - 1
            distinct += 1
        result[document, 0] = offsets[document + 1] - offsets[document]
        result[document, 1] = inked
        result[document, 2] = inked_chars
        result[document, 3] = lettered
        result[document, 4] = distinct
        result[document, 5] = occurrences


@compiled
def top_gram_chars(
    tokens: Int32, offsets: Int64, chars: Int32, sizes: Int64, result: Int64
) -> None:
    """``result`` int64[documents, sizes]: code points of the most frequent n-gram, its words
    joined by spaces, times its count; the first seen where several lead; 0 where none is."""
    # An n-gram can only come again where its first and its last n - 1 words do, and is known by
    # the number of the former and its last word.
    seen = np.empty(256, np.uint8)
    slots = np.empty(64, np.int32)
    keys = np.empty(64, np.int64)
    counts, firsts = np.empty(64, np.int32), np.empty(64, np.int32)
    places = np.empty(64, np.int32)  # where an n-gram may come again, rising
    grams = np.empty(64, np.int32)  # by place: the number of the (n - 1)-gram; -1: comes once
    longer = np.empty(64, np.int32)  # the same for the n-gram
    for document in range(len(offsets) - 1):
        first, words = offsets[document], offsets[document + 1] - offsets[document]
        if words > len(places):
            keys, places = np.empty(2 * words, np.int64), np.empty(2 * words, np.int32)
            counts, firsts = np.empty(2 * words, np.int32), np.empty(2 * words, np.int32)
            grams, longer = np.empty(2 * words, np.int32), np.empty(2 * words, np.int32)
        text = tokens[first : first + words]
        result[document, :] = 0
        column = left = 0
        for size in range(1 if sizes[0] == 1 else 2, min(sizes[-1], words) + 1):
            if size <= 2:
                seen, left = _places_of_copies(text, size, seen, places)
                grams[:words] = 0
                longer[:words] = -1
            known = 0
            if left:
                room = 64
                while room < 2 * left:
                    room *= 2
                if room > len(slots):
                    slots = np.empty(room, np.int32)
                known, left = _number_grams(
                    text, size, places, left, grams, longer, slots[:room], keys, counts, firsts
                )
                grams, longer = longer, grams
            if size != sizes[column]:
                continue
            best, best_at = 1, 0
            for number in range(known):
                if counts[number] > best:
                    best, best_at = counts[number], firsts[number]
            length = size - 1
            for index in range(size):
                length += chars[text[best_at + index]]
            result[document, column] = length * best
            column += 1


@compiled
def _places_of_copies(text: Int32, size: int, seen: Bytes, places: Int32) -> tuple[Bytes, int]:
    """Where in ``text`` an n-gram of ``size`` 1 or 2 begins that may come twice goes to
    ``places``; ``seen``, scratch, and how many places."""
    total = len(text) - size + 1
    bits = 8
    while (1 << bits) < 8 * total:
        bits += 1
    if (1 << bits) > len(seen):
        seen = np.empty(1 << bits, np.uint8)
    seen[: 1 << bits] = 0
    shift = np.uint64(64 - bits)
    for at in range(total):
        pair = np.uint64(text[at]) << np.uint64(32) | np.uint64(text[at + size - 1])
        slot = np.int64(_spread(pair) >> shift)
        seen[slot] = seen[slot] << 1 | 1
    left = 0
    for at in range(total):
        pair = np.uint64(text[at]) << np.uint64(32) | np.uint64(text[at + size - 1])
        places[left] = at
        left += seen[np.int64(_spread(pair) >> shift)] > 1
    return seen, left


@compiled
def _spread(key: np.uint64) -> np.uint64:
    key *= _MULTIPLIER
    return (key ^ (key >> np.uint64(32))) * _MULTIPLIER


@compiled
def _number_grams(
    text: Int32,
    size: int,
    places: Int32,
    left: int,
    grams: Int32,
    longer: Int32,
    slots: Int32,
    keys: Int64,
    counts: Int32,
    firsts: Int32,
) -> tuple[int, int]:
    """(numbers given to n-grams of ``size``, those of the ``left`` first ``places`` that stay).

    ``longer`` gets the n-gram's number where it comes again, else -1; ``counts`` and ``firsts``,
    by number, how often it comes and where first. ``slots``, a power of two, is scratch.
    """
    mask = np.int64(len(slots) - 1)
    slots[:] = -1
    known = 0
    for index in range(left):
        at = np.int64(places[index])
        longer[at] = -1
        if at + size > len(text) or (size > 2 and grams[at + 1] < 0):
            continue
        before = np.int64(grams[at] if size > 2 else text[at])
        key = before << 32 | np.int64(text[at + size - 1])
        slot = np.int64(_spread(np.uint64(key)) >> np.uint64(32)) & mask
        while True:
            number = slots[slot]
            if number < 0:
                slots[slot] = number = known
                keys[known], counts[known], firsts[known] = key, 0, at
                known += 1
                break
            if keys[number] == key:
                break
            slot = (slot + 1) & mask
        counts[number] += 1
        longer[at] = number
    kept = 0
    for index in range(left):
        at = np.int64(places[index])
        if longer[at] >= 0 and counts[longer[at]] > 1:
            places[kept] = at
            kept += 1
        else:
            grams[at] = longer[at] = -1
    return known, kept


@compiled
def repeated_gram_chars(
    tokens: Int32, offsets: Int64, chars: Int32, hashes: UInt64, sizes: Int64, result: Int64
) -> None:
    """``result`` int64[documents, sizes]: code points in n-grams that were seen before, no
    character counted twice: after a repeated n-gram the search goes on behind it.

    N-grams are compared as their words written together: ["a", "bc"] equals ["ab", "c"].
    """
    seen = np.empty(256, np.uint8)
    places = np.empty(64, np.int32)  # where an n-gram may come again, rising
    grams = np.empty(64, np.uint64)  # by index in `places`: hash of the n-gram
    slots = np.empty(256, np.uint64)
    reach = np.empty(65, np.int64)  # code points before a word
    for document in range(len(offsets) - 1):
        first, words = offsets[document], offsets[document + 1] - offsets[document]
        result[document, :] = 0
        if words <= sizes[0]:
            continue
        if words > len(places):
            places, grams = np.empty(2 * words, np.int32), np.empty(2 * words, np.uint64)
            reach = np.empty(2 * words + 1, np.int64)
        text = tokens[first : first + words]
        seen, left = _places_of_heads(text, sizes[0], hashes, seen, grams, places)
        if left < 2:
            continue
        reach[0] = 0
        for at in range(words):
            reach[at + 1] = reach[at] + chars[text[at]]
        room = 64
        while room < 2 * left:
            room *= 2
        if room > len(slots):
            slots = np.empty(room, np.uint64)
        grams[:left] = 0
        done = 0  # words that `grams` have
        for column in range(len(sizes)):
            size = sizes[column]
            while left and places[left - 1] + size > words:
                left -= 1
            slots[:room] = 0
            repeated = behind = 0
            for more in range(done, size):
                for index in range(left):
                    word = text[places[index] + more]
                    gram = multiply(grams[index], hashes[word, 1]) + hashes[word, 0]
                    grams[index] = reduce(gram)
            for index in range(left):
                start = np.int64(places[index])
                if start < behind:
                    continue
                key = grams[index] + np.uint64(1)
                slot = np.int64(_spread(key) >> np.uint64(32)) & (room - 1)
                while slots[slot] != 0 and slots[slot] != key:
                    slot = (slot + 1) & (room - 1)
                if slots[slot] == key:
                    repeated += reach[start + size] - reach[start]
                    behind = start + size
                else:
                    slots[slot] = key
            done = size
            result[document, column] = repeated


@compiled
def _places_of_heads(
    text: Int32, size: int, hashes: UInt64, seen: Bytes, heads: UInt64, places: Int32
) -> tuple[Bytes, int]:
    """Where in ``text`` an n-gram of ``size`` words or more begins that may come twice goes to
    ``places``; ``seen``, scratch, and how many places. ``heads`` is scratch: as many as words.

    Equal n-grams, however they are cut into words, have equal first 15 bytes; or fewer bytes, and
    then they count as such.
    """
    total = len(text) - size + 1
    bits = 8
    while (1 << bits) < 8 * total:
        bits += 1
    if (1 << bits) > len(seen):
        seen = np.empty(1 << bits, np.uint8)
    seen[: 1 << bits] = 0
    shift = np.uint64(64 - bits)
    eight = np.uint64(8)
    low = high = np.uint64(0)  # the 8 bytes from a word on, and the 7 after them
    for at in range(len(text) - 1, -1, -1):
        word = text[at]
        low_head, high_head = hashes[word, 2], hashes[word, 3] & _SEVEN_BYTES
        width = eight * (hashes[word, 3] >> np.uint64(56))
        if width < np.uint64(64):
            high = high << width | low >> np.uint64(64) - width
            low = low_head | low << width
        else:
            high = high_head
            if width < np.uint64(120):
                high |= low << width - np.uint64(64)
            low = low_head
        high &= _SEVEN_BYTES
        if at < total:
            slot = np.int64(_spread(low ^ _spread(high)) >> shift)
            heads[at] = slot
            seen[slot] = seen[slot] << 1 | 1
    left = 0
    gram_bytes = np.uint64(0)
    for at in range(size - 1):
        gram_bytes += hashes[text[at], 3] >> np.uint64(56)
    for at in range(total):
        gram_bytes += hashes[text[at + size - 1], 3] >> np.uint64(56)
        places[left] = at
        left += seen[np.int64(heads[at])] > 1 or gram_bytes < np.uint64(15)
        gram_bytes -= hashes[text[at], 3] >> np.uint64(56)
    return seen, left
