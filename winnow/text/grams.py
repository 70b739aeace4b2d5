"""Compiled counts over word ids and n-grams of them.

Everywhere: ``tokens`` int32, ids of words; ``offsets`` int64[documents + 1] into it; ``chars``
int32[ids], code points of a word; ``hashes`` uint64[ids, 3] as :func:`hash_words` makes them;
``sizes`` int64, the numbers of words in an n-gram.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_PRIME = np.uint64(2**61 - 1)
_BASE = np.uint64(1_580_030_168_830_467_201)  # any number below the prime; nothing special
_INVERSE = np.uint64(pow(int(_BASE), -1, int(_PRIME)))


@compiled
def hash_words(letters: Bytes, ends: Int64) -> UInt64:
    """Hashes of words that can be joined, ``uint64[words, 3]``.

    With bytes ``c`` and base ``b``: the sum of ``(c[j] + 1) * b**j``, then ``b**length``, then
    ``b**-length``, modulo 2**61 - 1. So the hash of words written together follows from theirs.
    """
    hashes = np.empty((len(ends), 3), np.uint64)
    start = 0
    for word in range(len(ends)):
        total, power, inverse = np.uint64(0), np.uint64(1), np.uint64(1)
        for at in range(start, ends[word]):
            total = reduce(total + multiply(np.uint64(letters[at]) + np.uint64(1), power))
            power = multiply(power, _BASE)
            inverse = multiply(inverse, _INVERSE)
        start = ends[word]
        hashes[word, 0], hashes[word, 1], hashes[word, 2] = total, power, inverse
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
    slots = np.empty(256, np.int32)
    counts = np.empty(256, np.int32)
    for document in range(len(offsets) - 1):
        first, last = offsets[document], offsets[document + 1]
        room = 64
        while 2 * room < 3 * (last - first):
            room *= 2
        if room > len(slots):
            slots, counts = np.empty(room, np.int32), np.empty(room, np.int32)
        mask = room - 1
        for column in range(len(sizes)):
            size = sizes[column]
            slots[:room] = -1
            best, best_at = 0, first
            for at in range(first, last - size + 1):
                key = np.uint64(0)
                for index in range(size):
                    key = (key ^ np.uint64(tokens[at + index])) * _MULTIPLIER
                slot = np.int64((key ^ (key >> _SHIFT)) & np.uint64(mask))
                while True:
                    other = slots[slot]
                    if other < 0:
                        slots[slot] = at - first
                        counts[slot] = 1
                        break
                    same = True
                    for index in range(size):
                        same = same and tokens[first + other + index] == tokens[at + index]
                    if same:
                        counts[slot] += 1
                        break
                    slot = (slot + 1) & mask
                if counts[slot] > best or (counts[slot] == best and first + slots[slot] < best_at):
                    best, best_at = counts[slot], first + slots[slot]
            length = 0
            if best:
                length = size - 1
                for index in range(size):
                    length += chars[tokens[best_at + index]]
            result[document, column] = length * best


@compiled
def repeated_gram_chars(
    tokens: Int32, offsets: Int64, chars: Int32, hashes: UInt64, sizes: Int64, result: Int64
) -> None:
    """``result`` int64[documents, sizes]: code points in n-grams that were seen before, no
    character counted twice: after a repeated n-gram the search goes on behind it.

    N-grams are compared as their words written together: ["a", "bc"] equals ["ab", "c"].
    """
    slots = np.empty(256, np.uint64)
    prefix, shift, reach = (
        np.empty(256, np.uint64),
        np.empty(256, np.uint64),
        np.empty(256, np.int64),
    )
    for document in range(len(offsets) - 1):
        first, words = offsets[document], offsets[document + 1] - offsets[document]
        room = 64
        while 2 * room < 3 * words:
            room *= 2
        if room > len(slots):
            slots = np.empty(room, np.uint64)
        if words + 1 > len(prefix):
            prefix, shift = np.empty(2 * words, np.uint64), np.empty(2 * words, np.uint64)
            reach = np.empty(2 * words, np.int64)
        # hash of the words so far written together, b**-bytes of them, code points of them
        prefix[0], shift[0], reach[0] = np.uint64(0), np.uint64(1), 0
        power = np.uint64(1)
        for at in range(words):
            word = tokens[first + at]
            prefix[at + 1] = reduce(prefix[at] + multiply(hashes[word, 0], power))
            power = multiply(power, hashes[word, 1])
            shift[at + 1] = multiply(shift[at], hashes[word, 2])
            reach[at + 1] = reach[at] + chars[word]
        for column in range(len(sizes)):
            size = sizes[column]
            slots[:room] = 0
            repeated = 0
            at = 0
            while at < words - size + 1:
                gram = prefix[at + size] + (_PRIME - prefix[at])
                key = multiply(reduce(gram), shift[at]) + np.uint64(1)
                slot = np.int64((key * _MULTIPLIER) >> np.uint64(32)) & (room - 1)
                while slots[slot] != 0 and slots[slot] != key:
                    slot = (slot + 1) & (room - 1)
                if slots[slot] == key:
                    repeated += reach[at + size] - reach[at]
                    at += size
                else:
                    slots[slot] = key
                    at += 1
            result[document, column] = repeated


@compiled
def multiply(a: np.uint64, b: np.uint64) -> np.uint64:
    """``a * b`` modulo 2**61 - 1, for both below it."""
    low, high = np.uint64(2**31 - 1), np.uint64(31)
    a_high, a_low, b_high, b_low = a >> high, a & low, b >> high, b & low
    middle = a_low * b_high + a_high * b_low
    return reduce(
        ((a_high * b_high) << np.uint64(1))
        + (middle >> np.uint64(30))
        + ((middle & np.uint64(2**30 - 1)) << high)
        + a_low * b_low
    )


@compiled
def reduce(a: np.uint64) -> np.uint64:
    """``a`` modulo 2**61 - 1."""
    a = (a >> np.uint64(61)) + (a & _PRIME)
    return a - _PRIME if a >= _PRIME else a
