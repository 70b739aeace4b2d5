"""Compiled: how often n-grams of the characters of a text come again.

Exact: a hash only says where to look, and what is found there is compared.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.compiled import compiled

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@compiled
def recurring_char_grams(codes: Int32, offsets: Int64, size: int, counts: Int64) -> None:
    """``counts`` int64[texts, 2]: of the ``size``-grams of the characters of each text, all; and
    how many are one of the k that come most often, k the lesser of the whole root of the number of
    different ones and of the number of those that come more than once.

    Text ``t`` is ``codes[offsets[t]:offsets[t + 1]]``, int32.
    """
    slots = np.empty(256, np.int32)
    keys = np.empty(128, np.uint64)  # by number of a different n-gram
    firsts = np.empty(128, np.int64)
    often = np.empty(128, np.int32)
    hashes = np.empty(128, np.uint64)  # by place, then of the places that are left
    places = np.empty(128, np.int64)
    seen = np.empty(256, np.uint8)
    weight = np.uint64(1)  # of the character that has just left the n-gram
    for _ in range(size + 1):
        weight *= _MULTIPLIER
    for text in range(len(offsets) - 1):
        low = offsets[text]
        total = offsets[text + 1] - low - size + 1
        counts[text, 0] = max(total, 0)
        counts[text, 1] = 0
        if total <= 0:
            continue
        if total > len(keys):
            keys, firsts = np.empty(2 * total, np.uint64), np.empty(2 * total, np.int64)
            often, hashes = np.empty(2 * total, np.int32), np.empty(2 * total, np.uint64)
            places = np.empty(2 * total, np.int64)
        # few n-grams come again: a table of bytes, without a search in it, says which may
        bits = 8
        while (1 << bits) < 4 * total:
            bits += 1
        if (1 << bits) > len(seen):
            seen = np.empty(1 << bits, np.uint8)
        seen[: 1 << bits] = 0
        shift = np.uint64(64 - bits)
        key = np.uint64(0)
        for at in range(low, low + size - 1):
            key = (key + np.uint64(codes[at])) * _MULTIPLIER
        for index in range(total):
            at = low + index
            key = (key + np.uint64(codes[at + size - 1])) * _MULTIPLIER
            if index:
                key -= np.uint64(codes[at - 1]) * weight
            hashes[index] = key
            slot = np.int64((key ^ (key >> np.uint64(32))) * _MULTIPLIER >> shift)
            seen[slot] = seen[slot] << 1 | 1  # no branch; above 1: twice or more
        left = 0
        for index in range(total):
            key = hashes[index]
            places[left] = low + index
            hashes[left] = key
            left += seen[np.int64((key ^ (key >> np.uint64(32))) * _MULTIPLIER >> shift)] > 1
        bits = 6
        while (1 << bits) < 2 * left:
            bits += 1
        if (1 << bits) > len(slots):
            slots = np.empty(1 << bits, np.int32)
        slots[: 1 << bits] = -1
        mask = (1 << bits) - 1
        shift = np.uint64(64 - bits)
        known = 0
        last_at = last_other = low - 2
        for place in range(left):
            at, key = places[place], hashes[place]
            slot = np.int64((key ^ (key >> np.uint64(32))) * _MULTIPLIER >> shift)
            while True:
                number = slots[slot]
                if number < 0:
                    slots[slot] = number = known
                    keys[known], firsts[known], often[known] = key, at, 0
                    known += 1
                    break
                if keys[number] == key:
                    other = firsts[number]
                    # where the n-gram before was compared, only the last character is new
                    follows = at == last_at + 1 and other == last_other + 1
                    index = size - 1 if follows else 0
                    while index < size and codes[at + index] == codes[other + index]:
                        index += 1
                    if index == size:
                        break
                slot = (slot + 1) & mask
            often[number] += 1
            last_at, last_other = at, firsts[number]
        counts[text, 1] = _sum_of_most(often[:known], known + total - left)


@compiled
def _sum_of_most(often: Int32, different: int) -> int:
    """Sum of the k largest, k the lesser of the whole root of ``different``, how many there are,
    and of the number of those above 1."""
    largest = repeated = 0
    for number in often:
        largest = max(largest, number)
        repeated += number > 1
    if not repeated:
        return 0
    left = min(int(np.sqrt(different)), repeated)
    tally = np.zeros(largest + 1, np.int64)
    for number in often:
        tally[number] += 1
    total = 0
    while left > 0:
        taken = min(left, tally[largest])
        total += taken * largest
        left -= taken
        largest -= 1
    return total
