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
        bits = 6
        while (1 << bits) < 2 * total:
            bits += 1
        if (1 << bits) > len(slots):
            slots = np.empty(1 << bits, np.int32)
        if total > len(keys):
            keys, firsts = np.empty(2 * total, np.uint64), np.empty(2 * total, np.int64)
            often = np.empty(2 * total, np.int32)
        slots[: 1 << bits] = -1
        mask = (1 << bits) - 1
        shift = np.uint64(64 - bits)
        known = 0
        key = np.uint64(0)
        for at in range(low, low + size - 1):
            key = (key + np.uint64(codes[at])) * _MULTIPLIER
        for at in range(low, low + total):
            key = (key + np.uint64(codes[at + size - 1])) * _MULTIPLIER
            if at > low:
                key -= np.uint64(codes[at - 1]) * weight
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
                    index = 0
                    while index < size and codes[at + index] == codes[other + index]:
                        index += 1
                    if index == size:
                        break
                slot = (slot + 1) & mask
            often[number] += 1
        counts[text, 1] = _sum_of_most(often[:known])


@compiled
def _sum_of_most(often: Int32) -> int:
    """Sum of the k largest, k the lesser of the whole root of their number and of the number of
    those above 1."""
    largest = repeated = 0
    for number in often:
        largest = max(largest, number)
        repeated += number > 1
    if not repeated:
        return 0
    left = min(int(np.sqrt(len(often))), repeated)
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
