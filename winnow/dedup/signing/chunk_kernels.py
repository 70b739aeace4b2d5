"""Compiled inner loops: texts → numbered white-space chunks → their words.

Import this module inside ``open()`` only: numba is an optional package.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from winnow.text.compiled import compiled
from winnow.text.eight_bytes import (
    eight_bytes,
    fewer_bytes,
    first_of,
    mask_unusual,
    same_bytes,
)

U = np.uint64
MULTIPLIER = U(0x9E3779B185EBCA87)  # odd, its bits well mixed: the golden ratio's
LONG_CHUNK = U(0xFF << 56)
ZERO = np.uint8(48)
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
def _chunk_end(data: Any, i: int, end: int) -> int:
    """The first place of ``data[i:end]`` where white space begins; ``end`` where there is none."""
    while i < end:
        if i + 8 <= data.size:
            mask = mask_unusual(eight_bytes(data, i), 33)
            if mask == 0:
                i += 8
                continue
            i += first_of(mask)
            if i >= end:
                return end
        c = data[i]
        if MAY_BE_SPACE[c] and (c == 32 or _space_width(data, i, end) > 0):
            return i
        i += 1
    return end


@compiled
def _long_word(data: Any, start: int, length: int) -> Any:
    """What stands for a chunk of 8 bytes or more."""
    h = LONG_CHUNK
    at = start
    while at + 8 <= start + length:
        h = _mixed(h ^ eight_bytes(data, at))
        at += 8
    if at < start + length:
        h ^= fewer_bytes(data, at, start + length - at)
    return _mixed(_mixed(h) + U(length)) | LONG_CHUNK


@compiled
def _cut(data: Any, i: int, end: int, words: Any, starts: Any) -> int:
    """Cut ``data[i:end]`` at white space: fills the words that stand for the chunks and where each
    starts, returns how many there are. The length of a long chunk goes behind its start."""
    count = 0
    safe = data.size - 8
    while i < end:
        c = data[i]
        if MAY_BE_SPACE[c]:
            width = 1 if c == 32 or c == 10 else _space_width(data, i, end)
            if width > 0:
                i += width
                continue
        starts[count, 0] = i
        if i <= safe:  # most chunks are short, of ASCII, and end with a space
            eight = eight_bytes(data, i)
            mask = mask_unusual(eight, 33)
            if mask != 0:
                length = first_of(mask)
                if data[i + length] == 32 and i + length < end:
                    bits = U(8 * length)
                    words[count] = (eight & ((U(1) << bits) - U(1))) | (U(length) << U(56))
                    count += 1
                    i += length + 1
                    continue
        start = i
        i = _chunk_end(data, i, end)
        length = i - start
        starts[count, 1] = length
        if length < 8:
            words[count] = fewer_bytes(data, start, length) | (U(length) << U(56))
        else:
            words[count] = _long_word(data, start, length)
        count += 1
    return count


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
    words, starts = np.empty(1 << 12, np.uint64), np.empty((1 << 12, 2), np.int64)
    for d in range(first, offsets.size - 1):
        most = (offsets[d + 1] - offsets[d] + 1) // 2
        # at worst every second byte is a new chunk, and all of the text is new
        key_room = keys.size - key_starts[entry_count]
        if most > capacity - entry_count or offsets[d + 1] - offsets[d] > key_room:
            return d, entry_count
        if most > words.size:
            words, starts = np.empty(2 * most, np.uint64), np.empty((2 * most, 2), np.int64)
        # two loops: so the table's cache misses wait beside one another, not one after another
        count = _cut(data, offsets[d], offsets[d + 1], words, starts)
        for c in range(count):
            word = words[c]
            slot = _slot_of(word, mask)
            while True:
                entry: Any = np.int64(slots[slot, 1]) - 1
                if entry < 0:
                    length = starts[c, 1] if word >= LONG_CHUNK else np.int64(word >> U(56))
                    entry = entry_count
                    entry_count += 1
                    slots[slot, 0], slots[slot, 1] = word, U(entry_count)
                    base = key_starts[entry]
                    key_starts[entry + 1] = base + length
                    for j in range(length):
                        keys[base + j] = data[starts[c, 0] + j]
                    break
                if slots[slot, 0] == word:
                    if word < LONG_CHUNK:
                        break
                    base, length = key_starts[entry], starts[c, 1]
                    if key_starts[entry + 1] - base == length and same_bytes(
                        data, starts[c, 0], keys, base, length
                    ):
                        break
                slot = (slot + U(1)) & mask
            chunks[total] = entry
            total += 1
        ends[d - first] = total
    return offsets.size - 1, entry_count


@compiled
def normalise_chunks(
    keys: Any, starts: Any, plain: Any, others: Any, other_ends: Any, text: Any
) -> int:
    """Write what is left of every chunk to ``text``, each piece with a space behind it, a newline
    behind each chunk; returns the bytes written.

    ``keys[starts[c]:starts[c + 1]]`` is chunk c, without white space. Those of ASCII alone: every
    number (digits, and once a point or comma and digits) becomes "0", any other byte what ``plain``
    uint8[128] says. The pieces of the n-th of all others, spaces behind them, are
    ``others[other_ends[n - 1]:other_ends[n]]``.
    """
    out = other = 0
    for c in range(starts.size - 1):
        i, end = starts[c], starts[c + 1]
        all_bits = 0
        for j in range(i, end):
            all_bits |= keys[j]
        if all_bits >= 0x80:
            for j in range(other_ends[other - 1] if other else 0, other_ends[other]):
                text[out] = others[j]
                out += 1
            other += 1
        else:
            first = out
            while i < end:
                byte = plain[keys[i]]
                if 48 <= keys[i] <= 57:
                    i = _digits_end(keys, i, end)
                    point = i + 1 < end and (keys[i] == 46 or keys[i] == 44)
                    if point and 48 <= keys[i + 1] <= 57:
                        i = _digits_end(keys, i + 1, end)
                    byte = ZERO
                else:
                    i += 1
                if byte != 32 or (out > first and text[out - 1] != 32):
                    text[out] = byte
                    out += 1
            if out > first and text[out - 1] != 32:
                text[out] = 32
                out += 1
        text[out] = 10
        out += 1
    return out


@compiled
def _digits_end(keys: Any, i: int, end: int) -> int:
    while i < end and 48 <= keys[i] <= 57:
        i += 1
    return i


@compiled
def join_words(chunks: Any, ends: Any, value_starts: Any, values: Any, offsets: Any) -> Any:
    """The words of each document side by side, one space behind each.

    Arguments as for :func:`winnow.dedup.signing.shingle_kernels.join_units`; fills offsets
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
