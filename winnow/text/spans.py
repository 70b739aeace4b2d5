"""Words as places in the bytes of a column, and numbers for them within their document.

Where a measure only compares the words of one document, no vocabulary is needed: nothing is kept
from batch to batch, and no string is made. Everywhere: ``data`` uint8, the column's bytes;
``offsets`` int64[rows + 1] into it; ``rows`` int64[n], the rows to work on.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.chunks import short_chunk, space_bytes
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import fewer_bytes, hash_bytes, same_bytes

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

_START = 1 << 12
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_LONG = np.uint64(0xFF << 56)  # on top of the key of a word of more than 7 bytes


@compiled
def space_words(data: Bytes, offsets: Int64, rows: Int64) -> tuple[Int64, Int64, Int32, Int64]:
    """``str.split()``: where each word starts and ends in ``data`` (int64[words], twice), its code
    points (int32[words]), and the rows' offsets into these (int64[n + 1])."""
    starts, ends = np.empty(_START, np.int64), np.empty(_START, np.int64)
    chars = np.empty(_START, np.int32)
    word_offsets = np.zeros(len(rows) + 1, np.int64)
    words = 0
    for position in range(len(rows)):
        at, end = offsets[rows[position]], offsets[rows[position] + 1]
        room = words + (end - at + 1) // 2
        if room > len(starts):
            starts = np.concatenate((starts, np.empty(room, np.int64)))
            ends = np.concatenate((ends, np.empty(room, np.int64)))
            chars = np.concatenate((chars, np.empty(room, np.int32)))
        words = _add_space_words(data, at, end, starts, ends, chars, words)
        word_offsets[position + 1] = words
    return starts[:words], ends[:words], chars[:words], word_offsets


@compiled
def _add_space_words(
    data: Bytes, at: int, end: int, starts: Int64, ends: Int64, chars: Int32, words: int
) -> int:
    """The words of one text, from number ``words`` on; how many there are then."""
    while at < end:
        length, _ = short_chunk(data, at, end)
        if length == 0:
            at += 1
            continue
        start = at
        if length < 8:
            at += length
        else:
            space = space_bytes(data, at, end)
            if space:
                at += space
                continue
            length = 0
            while at < end and (0x20 < data[at] < 0x7F or not space_bytes(data, at, end)):
                if length == 0:
                    start = at
                length += (data[at] & 0xC0) != 0x80
                at += 1
            if length == 0:  # only pieces of characters
                continue
        starts[words], ends[words], chars[words] = start, at, length
        words += 1
    return words


@compiled
def number_words(data: Bytes, starts: Int64, ends: Int64, word_offsets: Int64) -> Int32:
    """Numbers of words, ``int32[words]``: within a document from 0 in order of first sight, equal
    for equal words and only for those; compared byte by byte."""
    numbers = np.empty(len(starts), np.int32)
    slots = np.empty(256, np.int64)
    keys = np.empty(256, np.uint64)
    for document in range(len(word_offsets) - 1):
        first, last = word_offsets[document], word_offsets[document + 1]
        room = 64
        while room < 2 * (last - first):
            room *= 2
        if room > len(slots):
            slots, keys = np.empty(room, np.int64), np.empty(room, np.uint64)
        slots[:room] = -1
        known = 0
        for word in range(first, last):
            start, end = starts[word], ends[word]
            length = end - start
            if length < 8:  # the word itself, its length on top
                key = fewer_bytes(data, start, length) | np.uint64(length) << np.uint64(56)
            else:
                key = hash_bytes(data, start, end) | _LONG
            spread = key * _MULTIPLIER
            slot = np.int64((spread ^ (spread >> np.uint64(32))) * _MULTIPLIER >> np.uint64(32))
            slot &= room - 1
            while True:
                other = slots[slot]
                if other < 0:
                    slots[slot], keys[slot] = word, key
                    numbers[word] = known
                    known += 1
                    break
                if keys[slot] == key and (
                    length < 8
                    or (
                        ends[other] - starts[other] == length
                        and same_bytes(data, starts[other], data, start, length)
                    )
                ):
                    numbers[word] = numbers[other]
                    break
                slot = (slot + 1) & (room - 1)
    return numbers
