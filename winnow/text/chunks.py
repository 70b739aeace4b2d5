"""Compiled passes that turn the UTF-8 bytes of an Arrow string column into ids of chunks and words.

Everywhere: ``data`` uint8, the column's bytes; ``offsets`` int64[rows + 1] into it; ``rows``
int64[n], the rows to work on. White space is that of ``str.split()``.
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
def split_chunks(
    data: Bytes,
    offsets: Int64,
    rows: Int64,
    first: int,
    slots: Int32,
    hashes: UInt64,
    chunk_ends: Int64,
    chunk_data: Bytes,
    found: Int32,
    found_offsets: Int64,
    known: int,
) -> tuple[int, int]:
    """Chunk ids of ``rows[first:]``, new chunks added: (next position, chunks then known).

    Open addressing: ``slots`` int32, a power of two, -1 where empty, else the id of a chunk;
    ``hashes[id]`` and ``chunk_data[chunk_ends[id - 1]:chunk_ends[id]]`` are its hash and bytes.
    Ids go to ``found``, up to ``found_offsets[position + 1]`` for each row. Stops before a row
    that might not fit, so that the caller can make room and go on.
    """
    mask = len(slots) - 1
    for position in range(first, len(rows)):
        at, end = offsets[rows[position]], offsets[rows[position] + 1]
        used = chunk_ends[known - 1] if known else 0
        most = known + (end - at + 1) // 2
        if 2 * most > len(slots) or most > len(hashes) or used + end - at > len(chunk_data):
            return position, known
        out = found_offsets[position]
        while at < end:
            space = space_bytes(data, at, end)
            if space:
                at += space
                continue
            start = at
            key = np.uint64(0)
            while at < end and not space_bytes(data, at, end):
                key = (key ^ np.uint64(data[at])) * _MULTIPLIER
                at += 1
            key ^= key >> _SHIFT
            slot = np.int64(key & np.uint64(mask))
            while True:
                chunk = slots[slot]
                if chunk < 0:
                    slots[slot] = chunk = known
                    hashes[known] = key
                    used = chunk_ends[known - 1] if known else 0
                    for index in range(at - start):
                        chunk_data[used + index] = data[start + index]
                    chunk_ends[known] = used + at - start
                    known += 1
                    break
                if hashes[chunk] == key:
                    begin = chunk_ends[chunk - 1] if chunk else 0
                    same = chunk_ends[chunk] - begin == at - start
                    index = 0
                    while same and index < at - start:
                        same = chunk_data[begin + index] == data[start + index]
                        index += 1
                    if same:
                        break
                slot = (slot + 1) & mask
            found[out] = chunk
            out += 1
        found_offsets[position + 1] = out
    return len(rows), known


@compiled
def place_chunks(hashes: UInt64, known: int, slots: Int32) -> None:
    """Fill ``slots``, all -1, with the chunks ``0 … known - 1``."""
    mask = len(slots) - 1
    for chunk in range(known):
        slot = np.int64(hashes[chunk] & np.uint64(mask))
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = chunk


@compiled
def expand_chunks(
    chunks: Int32, chunk_offsets: Int64, token_ends: Int64, chunk_tokens: Int32
) -> tuple[Int32, Int64]:
    """Chunk ids of documents → token ids int32, and their offsets int64[documents + 1]."""
    total = 0
    for chunk in chunks:
        total += token_ends[chunk] - (token_ends[chunk - 1] if chunk else 0)
    tokens = np.empty(total, np.int32)
    token_offsets = np.empty(len(chunk_offsets), np.int64)
    token_offsets[0] = out = 0
    for document in range(len(chunk_offsets) - 1):
        for position in range(chunk_offsets[document], chunk_offsets[document + 1]):
            chunk = chunks[position]
            for index in range(token_ends[chunk - 1] if chunk else 0, token_ends[chunk]):
                tokens[out] = chunk_tokens[index]
                out += 1
        token_offsets[document + 1] = out
    return tokens, token_offsets
