"""Compiled: how often the words of a text, and runs of them, come again.

All exact: a hash only says where to look, and what is found there is compared. Everywhere: word
``w`` is ``letters[starts[w]:ends[w]]``, int32 code points; the words of text ``t`` are
``word_offsets[t] … word_offsets[t + 1] - 1``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.compiled import compiled

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@compiled
def number_words(
    letters: Int32,
    starts: Int64,
    ends: Int64,
    word_offsets: Int64,
    numbers: Int32,
    counts: Int32,
    distinct: Int64,
) -> None:
    """``numbers`` int32[words]: words of a text get the numbers 0, 1, … as they first come, equal
    ones the same; ``counts[word_offsets[t] + number]``: how often; ``distinct`` int64[texts]."""
    slots = np.empty(256, np.int32)
    firsts = np.empty(128, np.int64)  # the word that first had a number
    keys = np.empty(128, np.uint64)
    for text in range(len(word_offsets) - 1):
        begin, words = word_offsets[text], word_offsets[text + 1] - word_offsets[text]
        bits = 6
        while (1 << bits) < 2 * words:
            bits += 1
        if (1 << bits) > len(slots):
            slots = np.empty(1 << bits, np.int32)
        if words > len(firsts):
            firsts, keys = np.empty(2 * words, np.int64), np.empty(2 * words, np.uint64)
        slots[: 1 << bits] = -1
        mask = (1 << bits) - 1
        shift = np.uint64(64 - bits)
        known = 0
        for word in range(begin, begin + words):
            start, length = starts[word], ends[word] - starts[word]
            key = np.uint64(length)
            for index in range(length):
                key = (key ^ np.uint64(letters[start + index])) * _MULTIPLIER
            slot = np.int64((key ^ (key >> np.uint64(32))) * _MULTIPLIER >> shift)
            while True:
                number = slots[slot]
                if number < 0:
                    slots[slot] = number = known
                    keys[known], firsts[known] = key, word
                    counts[begin + known] = 0
                    known += 1
                    break
                if keys[number] == key and ends[firsts[number]] - starts[firsts[number]] == length:
                    other = starts[firsts[number]]
                    index = 0
                    while index < length and letters[start + index] == letters[other + index]:
                        index += 1
                    if index == length:
                        break
                slot = (slot + 1) & mask
            numbers[word] = number
            counts[begin + number] += 1
        distinct[text] = known


@compiled
def entropies(counts: Int32, word_offsets: Int64, distinct: Int64, nats: Float64) -> None:
    """``nats`` float64[texts]: entropy of the words' distribution, from what number_words gave."""
    for text in range(len(word_offsets) - 1):
        begin, words = word_offsets[text], word_offsets[text + 1] - word_offsets[text]
        total = 0.0
        for number in range(distinct[text]):
            part = counts[begin + number] / words
            total -= part * np.log(part)
        nats[text] = total


@compiled
def recurring_grams(
    numbers: Int32,
    starts: Int64,
    ends: Int64,
    word_offsets: Int64,
    top: Int64,
    covered: Int64,
    recurring: Int64,
) -> None:
    """All three int64[texts, sizes + 1], by the number of words in an n-gram, from 1 on:
    ``top``: letters of the n-gram that comes most often (the first of several) times how often, 0
    if none comes twice; ``covered``: letters of words in n-grams that come more than once;
    ``recurring``: how many n-grams of the text come more than once, each time counted.

    An n-gram that comes again begins and ends with an (n-1)-gram that does; so each size looks only
    at the places that the one before has left, few in an honest text. Two n-grams are equal if
    their first n - 1 words (one number) and their last words are: this pair is the key.
    """
    places = np.empty(64, np.int64)  # where an n-gram that comes again begins, rising
    gram = np.empty(64, np.int32)  # by place: number of the (n-1)-gram there; -1: comes once
    longer = np.empty(64, np.int32)  # the same for the n-gram
    reach = np.empty(65, np.int64)  # letters before a word
    keys = np.empty(64, np.int64)  # by number of an n-gram
    counts = np.empty(64, np.int32)
    firsts = np.empty(64, np.int64)
    slots = np.empty(256, np.int32)
    for text in range(len(word_offsets) - 1):
        begin, words = word_offsets[text], word_offsets[text + 1] - word_offsets[text]
        top[text, :] = 0
        covered[text, :] = 0
        recurring[text, :] = 0
        if words > len(places):
            room = 2 * words
            places, keys = np.empty(room, np.int64), np.empty(room, np.int64)
            firsts, reach = np.empty(room, np.int64), np.empty(room + 1, np.int64)
            gram, longer = np.empty(room, np.int32), np.empty(room, np.int32)
            counts = np.empty(room, np.int32)
        reach[0] = 0
        for word in range(words):
            reach[word + 1] = reach[word] + ends[begin + word] - starts[begin + word]
            gram[word] = longer[word] = -1
            places[word] = word
        left = words
        for size in range(1, top.shape[1]):
            if not left:
                break
            bits = 6
            while size > 1 and (1 << bits) < 2 * left:
                bits += 1
            if (1 << bits) > len(slots):
                slots = np.empty(1 << bits, np.int32)
            slots[: 1 << bits] = -1
            mask = (1 << bits) - 1
            shift = np.uint64(64 - bits)
            known = 0
            for index in range(left):
                at = places[index]
                longer[at] = -1
                if at + size > words or (size > 1 and gram[at + 1] < 0):
                    continue
                if size == 1:  # words have their numbers already
                    number = numbers[begin + at]
                    if number == known:
                        counts[known], firsts[known] = 0, at
                        known += 1
                else:
                    key = np.int64(gram[at]) << 32 | np.int64(numbers[begin + at + size - 1])
                    slot = np.int64(np.uint64(key) * _MULTIPLIER >> shift)
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
            best = 1
            for number in range(known):
                if counts[number] > best:
                    best = counts[number]
                    at = firsts[number]
                    top[text, size] = best * (reach[at + size] - reach[at])
            kept = end = letters = 0
            for index in range(left):
                at = places[index]
                if longer[at] >= 0 and counts[longer[at]] > 1:
                    letters += reach[at + size] - reach[max(at, end)]
                    end = at + size
                    places[kept] = at
                    kept += 1
                else:
                    gram[at] = longer[at] = -1
            covered[text, size] = letters
            recurring[text, size] = kept
            left = kept
            gram, longer = longer, gram
