"""Compiled passes that turn the UTF-8 bytes of an Arrow string column into ids of chunks and words.

Everywhere: ``data`` uint8, the column's bytes; ``offsets`` int64[rows + 1] into it; ``rows``
int64[n], the rows to work on. White space is that of ``str.split()``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.compiled import compiled
from winnow.text.eight_bytes import (
    copy_bytes,
    eight_bytes,
    first_of,
    mask_unusual,
    same_bytes,
)

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_LONG = np.uint64(0xFF << 56)  # on top of the key of a chunk of more than 7 bytes
_MAY_BE_SPACE = np.zeros(256, np.bool_)  # by the first byte
_MAY_BE_SPACE[[*range(0x09, 0x0E), *range(0x1C, 0x21), 0xC2, 0xE1, 0xE2, 0xE3]] = True


@compiled
def space_bytes(data: Bytes, at: int, end: int) -> int:
    """Bytes of the white space character that starts at ``at``; 0 if none does."""
    byte = data[at]
    if byte < 0x80:
        return 1 if byte == 0x20 or 0x09 <= byte <= 0x0D or 0x1C <= byte <= 0x1F else 0
    if byte == 0xC2:
        return 2 if at + 1 < end and (data[at + 1] == 0x85 or data[at + 1] == 0xA0) else 0
    if at + 2 >= end or not 0xE1 <= byte <= 0xE3:
        return 0
    second, third = data[at + 1], data[at + 2]
    if byte == 0xE1:
        return 3 if second == 0x9A and third == 0x80 else 0
    if byte == 0xE3:
        return 3 if second == 0x80 and third == 0x80 else 0
    if second == 0x80:
        return 3 if 0x80 <= third <= 0x8A or third == 0xA8 or third == 0xA9 or third == 0xAF else 0
    return 3 if second == 0x81 and third == 0x9F else 0


@compiled
def short_chunk(data: Bytes, at: int, end: int) -> tuple[int, np.uint64]:
    """(length of the chunk at ``at``, its bytes, the first lowest) where it is a common one: at
    most 7 characters, ASCII, then a space, a line feed or the end; 0 if such a space is at ``at``;
    else 8, and it is for the caller to look closer."""
    if at + 8 > len(data):
        return 8, np.uint64(0)
    eight = eight_bytes(data, at)
    unusual = mask_unusual(eight, 0x21)
    length = first_of(unusual) if unusual else 8
    if at + length >= end:
        length = end - at
    elif length < 8:
        after = (eight >> np.uint64(8 * length)) & np.uint64(0xFF)
        if after != 0x20 and after != 0x0A:
            length = 8
    if length == 8:
        return 8, eight
    return length, eight & ((np.uint64(1) << np.uint64(8 * length)) - np.uint64(1))


@compiled
def _mixed(word: np.uint64) -> np.uint64:
    word = (word ^ (word >> _HALF)) * _MULTIPLIER
    return word ^ (word >> _HALF)


@compiled
def _chunk_key(data: Bytes, at: int, end: int) -> tuple[int, np.uint64]:
    """Where the chunk that starts at ``at`` ends, and its key; see :func:`split_chunks`."""
    start = at
    key = _LONG
    while at + 8 <= end:
        eight = eight_bytes(data, at)
        unusual = mask_unusual(eight, 0x21)
        if unusual:
            count = np.uint64(8 * first_of(unusual))
            after = (eight >> count) & np.uint64(0xFF)
            if at > start and (after == 0x20 or after == 0x0A):
                at += first_of(unusual)
                word = eight & ((np.uint64(1) << count) - np.uint64(1))
                return at, _long_key(key, word, at - start)
            break
        key = _mixed(key ^ eight)
        at += 8
    word, shift = np.uint64(0), np.uint64(0)
    while at < end:
        byte = data[at]
        if _MAY_BE_SPACE[byte] and space_bytes(data, at, end):
            break
        word |= np.uint64(byte) << shift
        shift += np.uint64(8)
        if shift == np.uint64(64):
            key = _mixed(key ^ word)
            word = shift = np.uint64(0)
        at += 1
    length = at - start
    if length < 8:
        return at, word | np.uint64(length) << np.uint64(56)
    return at, _long_key(key, word, length)


@compiled
def _long_key(key: np.uint64, word: np.uint64, length: int) -> np.uint64:
    return _mixed(_mixed(key ^ word) + np.uint64(length)) | _LONG


@compiled
def split_chunks(
    data: Bytes,
    offsets: Int64,
    rows: Int64,
    first: int,
    slots: UInt64,
    chunk_ends: Int64,
    chunk_data: Bytes,
    found: Int32,
    found_offsets: Int64,
    known: int,
) -> tuple[int, int]:
    """Chunk ids of ``rows[first:]``, new chunks added: (next position, chunks then known).

    Open addressing: ``slots`` uint64[power of two, 2] holds a key and the id of a chunk plus 1
    (0: empty); ``chunk_data[chunk_ends[id - 1]:chunk_ends[id]]`` are its bytes. The key of a chunk
    of up to 7 bytes is the chunk itself, its length on top; that of a longer one is a hash, and
    its bytes are compared too. Ids go to ``found``, up to ``found_offsets[position + 1]`` for each
    row. Stops before a row that might not fit, so that the caller can make room and go on.
    """
    mask = np.uint64(len(slots) - 1)
    keys = np.empty(1024, np.uint64)
    starts, ends = np.empty(1024, np.int64), np.empty(1024, np.int64)
    for position in range(first, len(rows)):
        at, end = offsets[rows[position]], offsets[rows[position] + 1]
        used = chunk_ends[known - 1] if known else 0
        most = known + (end - at + 1) // 2
        if 3 * most > 2 * len(slots) or most > len(chunk_ends) or used + end - at > len(chunk_data):
            return position, known
        if most - known > len(keys):
            keys, starts = np.empty(2 * most, np.uint64), np.empty(2 * most, np.int64)
            ends = np.empty(2 * most, np.int64)
        # first all keys, then all looks into the table, which then need not wait for one another
        count = 0
        while at < end:
            length, short = short_chunk(data, at, end)
            if length == 0:
                at += 1
                continue
            starts[count] = at
            if length < 8:
                keys[count] = short | np.uint64(length) << np.uint64(56)
                at += length
            else:
                space = space_bytes(data, at, end) if _MAY_BE_SPACE[data[at]] else 0
                if space:
                    at += space
                    continue
                at, keys[count] = _chunk_key(data, at, end)
            ends[count] = at
            count += 1
        out = found_offsets[position]
        for number in range(count):
            key, start, length = keys[number], starts[number], ends[number] - starts[number]
            slot = _mixed(key) & mask
            while True:
                chunk = np.int64(slots[slot, 1]) - 1
                if chunk < 0:
                    chunk = np.int64(known)
                    known += 1
                    slots[slot, 0], slots[slot, 1] = key, np.uint64(known)
                    used = chunk_ends[chunk - 1] if chunk else 0
                    copy_bytes(data, start, start + length, chunk_data, used)
                    chunk_ends[chunk] = used + length
                    break
                if slots[slot, 0] == key:
                    if length < 8:
                        break
                    begin = chunk_ends[chunk - 1] if chunk else 0
                    if chunk_ends[chunk] - begin == length and same_bytes(
                        data, start, chunk_data, begin, length
                    ):
                        break
                slot = (slot + np.uint64(1)) & mask
            found[out + number] = chunk
        found_offsets[position + 1] = out + count
    return len(rows), known


@compiled
def place_chunks(slots: UInt64, larger: UInt64) -> None:
    """Put every chunk of ``slots`` into ``larger``, which is all 0."""
    mask = np.uint64(len(larger) - 1)
    for old in range(len(slots)):
        if slots[old, 1]:
            slot = _mixed(slots[old, 0]) & mask
            while larger[slot, 1]:
                slot = (slot + np.uint64(1)) & mask
            larger[slot, 0], larger[slot, 1] = slots[old, 0], slots[old, 1]


@compiled
def expand_chunks(
    chunks: Int32, chunk_offsets: Int64, chunk_words: Int32, list_ends: Int64, list_words: Int32
) -> tuple[Int32, Int64]:
    """Chunk ids of documents → word ids int32, and their offsets int64[documents + 1].

    ``chunk_words[chunk]``: the id of its only word, or ``-1 - i`` for its list of words
    ``list_words[list_ends[i - 1]:list_ends[i]]``.
    """
    total = 0
    for chunk in chunks:
        place = -1 - chunk_words[chunk]
        if place < 0:
            total += 1
        else:
            total += list_ends[place] - (list_ends[place - 1] if place else 0)
    words = np.empty(total, np.int32)
    word_offsets = np.empty(len(chunk_offsets), np.int64)
    word_offsets[0] = out = 0
    for document in range(len(chunk_offsets) - 1):
        for position in range(chunk_offsets[document], chunk_offsets[document + 1]):
            word = chunk_words[chunks[position]]
            if word >= 0:
                words[out] = word
                out += 1
                continue
            place = -1 - word
            for index in range(list_ends[place - 1] if place else 0, list_ends[place]):
                words[out] = list_words[index]
                out += 1
        word_offsets[document + 1] = out
    return words, word_offsets
