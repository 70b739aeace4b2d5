"""Compiled inner loops: texts → numbered white-space chunks → their words.

Import this module inside ``open()`` only: numba is an optional package.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from winnow.text.compiled import compiled

U = np.uint64
MULTIPLIER = U(0x9E3779B185EBCA87)  # odd, its bits well mixed: the golden ratio's
LONG_CHUNK = U(0xFF << 56)
MAY_BE_SPACE = np.zeros(256, np.bool_)  # first bytes of white space in UTF-8
MAY_BE_SPACE[[*range(9, 14), *range(28, 33), 0xC2, 0xE1, 0xE2, 0xE3]] = True


@compiled
def _mixed(word: Any) -> Any:
    h = (word ^ (word >> U(32))) * MULTIPLIER
    return h ^ (h >> U(32))


@compiled
def _space_width(data: Any, i: int, end: int) -> int:
    """Bytes of the white space (as ``str.split``) at ``data[i]``, UTF-8; 0 where there is none."""
    c = data[i]
    if c <= 32:
        return 1 if c == 32 or 9 <= c <= 13 or 28 <= c <= 31 else 0
    if c == 0xC2 and i + 1 < end:
        return 2 if data[i + 1] == 0x85 or data[i + 1] == 0xA0 else 0
    if i + 2 >= end:
        return 0
    second, third = data[i + 1], data[i + 2]
    if c == 0xE2 and second == 0x80:  # U+2000 to 200A, 2028, 2029, 202F
        return 3 if third <= 0x8A or third == 0xA8 or third == 0xA9 or third == 0xAF else 0
    if (
        (c == 0xE1 and second == 0x9A and third == 0x80)  # U+1680
        or (c == 0xE2 and second == 0x81 and third == 0x9F)  # U+205F
        or (c == 0xE3 and second == 0x80 and third == 0x80)  # U+3000
    ):
        return 3
    return 0


@compiled
def _slot_of(word: Any, mask: Any) -> Any:
    return _mixed(word) & mask


@compiled
def regrow(slots: Any, grown: Any) -> None:
    """Put every entry of a table's ``slots`` into the empty, larger ``grown``."""
    mask = U(grown.shape[0] - 1)
    for i in range(slots.shape[0]):
        if slots[i, 1] == 0:
            continue
        slot = _slot_of(slots[i, 0], mask)
        while grown[slot, 1] != 0:
            slot = (slot + U(1)) & mask
        grown[slot, 0], grown[slot, 1] = slots[i, 0], slots[i, 1]


@compiled
def _equal(data: Any, start: int, keys: Any, base: int, end: int, length: int) -> Any:
    """Whether ``keys[base:end]`` is ``data[start:start + length]``."""
    if end - base != length:
        return False
    differ = 0
    for j in range(length):
        differ |= keys[base + j] ^ data[start + j]
    return differ == 0


@compiled
def find_chunks(
    data: Any, offsets: Any, first: int, slots: Any, key_starts: Any, keys: Any,
    entry_count: int, chunks: Any, ends: Any,
) -> tuple[int, int]:  # fmt: skip
    """Cut documents at white space and number their chunks by a table, adding unseen ones.

    data uint8, offsets int64[documents + 1]: UTF-8 texts. The table: slots uint64[power of two,
    2], of a word that stands for the chunk and its entry + 1 (0: free); key_starts
    int64[capacity + 1] and keys uint8, the bytes of each entry's chunk. The word of a chunk under
    8 bytes is the chunk itself with its length on top; that of a longer one is a hash, and its
    bytes are compared as well. Fills chunks int32 and ends int64[documents - first] from document
    ``first`` on, until all are done or the next one might not fit. Returns (the document to go on
    with, entries now in the table).
    """
    mask = U(slots.shape[0] - 1)
    capacity = min(slots.shape[0] // 2, key_starts.size - 1)
    total = 0
    for d in range(first, offsets.size - 1):
        i, end = offsets[d], offsets[d + 1]
        # at worst every second byte is a new chunk, and all of the text is new
        key_room = keys.size - key_starts[entry_count]
        if (end - i + 1) // 2 > capacity - entry_count or end - i > key_room:
            return d, entry_count
        while i < end:
            c = data[i]
            if MAY_BE_SPACE[c]:
                width = _space_width(data, i, end)
                if width > 0:
                    i += width
                    continue
            start = i
            h = LONG_CHUNK
            word = U(0)
            shift = U(0)
            while i < end:
                c = data[i]
                if MAY_BE_SPACE[c] and (c == 32 or _space_width(data, i, end) > 0):
                    break
                word |= U(c) << shift
                shift += U(8)
                i += 1
                if shift == U(64):
                    h = _mixed(h ^ word)
                    word = U(0)
                    shift = U(0)
            length = i - start
            if length < 8:
                word |= U(length) << U(56)
            else:
                word = _mixed(_mixed(h ^ word) + U(length)) | LONG_CHUNK
            slot = _slot_of(word, mask)
            while True:
                entry: Any = np.int64(slots[slot, 1]) - 1
                if entry < 0:
                    entry = entry_count
                    entry_count += 1
                    slots[slot, 0], slots[slot, 1] = word, U(entry_count)
                    base = key_starts[entry]
                    key_starts[entry + 1] = base + length
                    for j in range(length):
                        keys[base + j] = data[start + j]
                    break
                if slots[slot, 0] == word and (
                    length < 8
                    or _equal(data, start, keys, key_starts[entry], key_starts[entry + 1], length)
                ):
                    break
                slot = (slot + U(1)) & mask
            chunks[total] = entry
            total += 1
        ends[d - first] = total
    return offsets.size - 1, entry_count


@compiled
def join_words(chunks: Any, ends: Any, value_starts: Any, values: Any, offsets: Any) -> Any:
    """The words of each document side by side, one space behind each.

    Arguments as for :func:`winnow.dedup.signing.kernels.sign_documents`; fills offsets
    int64[documents + 1] into the uint8 array that it returns.
    """
    length = 0
    for i in range(chunks.size):
        length += value_starts[chunks[i] + 1] - value_starts[chunks[i]]
    joined = np.empty(length, np.uint8)
    position = 0
    first = 0
    offsets[0] = 0
    for d in range(ends.size):
        for i in range(first, ends[d]):
            for j in range(value_starts[chunks[i]], value_starts[chunks[i] + 1]):
                joined[position] = values[j]
                position += 1
        first = ends[d]
        offsets[d + 1] = position
    return joined
