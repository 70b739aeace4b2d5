"""Compiled: texts as numbered chunks → their words or characters → hashes of their shingles.

Import this module inside ``open()`` only: numba is an optional package.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from winnow.dedup.signing.sha1_kernel import sha1
from winnow.dedup.signing.xxhash_kernels import LOW_HALF, xxhash32, xxhash64
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import eight_bytes

XXH64, XXH32, SHA1_64, SHA1_32 = range(4)
PADDING_BYTES = 8  # behind the units, for whoever reads eight at a time
LOW_BYTE = np.uint64(255)
LANES = 128  # byte runs of one length that are hashed at once; a loop takes 16 to 64 at a time
LONGEST = 255  # bytes; longer shingles are rare and hashed one by one


@compiled
def _put_eight(data: Any, at: int, eight: Any) -> None:
    """``data[at:at + 8]`` := the bytes of ``eight``, the lowest first; one store."""
    place = np.uint64(at)
    data[place] = eight & LOW_BYTE
    data[place + np.uint64(1)] = (eight >> np.uint64(8)) & LOW_BYTE
    data[place + np.uint64(2)] = (eight >> np.uint64(16)) & LOW_BYTE
    data[place + np.uint64(3)] = (eight >> np.uint64(24)) & LOW_BYTE
    data[place + np.uint64(4)] = (eight >> np.uint64(32)) & LOW_BYTE
    data[place + np.uint64(5)] = (eight >> np.uint64(40)) & LOW_BYTE
    data[place + np.uint64(6)] = (eight >> np.uint64(48)) & LOW_BYTE
    data[place + np.uint64(7)] = eight >> np.uint64(56)


@compiled
def join_units(
    chunks: Any, ends: Any, value_starts: Any, values: Any, chars: bool, offsets: Any
) -> tuple[Any, Any]:
    """The words, or the characters (code points), of documents given as chunk numbers.

    chunks int32[…], of all documents in a row; ends int64[documents]; ``values[value_starts[c]:
    value_starts[c + 1]]`` uint8, the words of chunk ``c``, each with one space behind it, and
    PADDING_BYTES behind the last. Returns
    (data uint8: all words of all documents, each with a space behind it; starts int64: where in
    ``data`` a unit begins), and fills offsets int64[documents + 1]: document d has the starts
    ``offsets[d] … offsets[d + 1] - 2``, and then that of what would be its next unit. The space
    behind the last word of a document is no character of it.
    """
    length = 0
    for i in range(chunks.size):
        length += value_starts[chunks[i] + 1] - value_starts[chunks[i]]
    data = np.empty(length + PADDING_BYTES, np.uint8)
    # a word and its space are two bytes at least
    starts = np.empty((length if chars else length // 2) + ends.size, np.int64)
    offsets[0] = 0
    position = unit = first = 0
    for d in range(ends.size):
        begin = position
        for i in range(first, ends[d]):
            start, end = value_starts[chunks[i]], value_starts[chunks[i] + 1]
            # eight bytes cost what one does; what is too much is written over
            for j in range(start, end, 8):
                _put_eight(data, position + j - start, eight_bytes(values, j))
            position += end - start
        first = ends[d]
        starts[unit] = begin
        if chars:
            for i in range(begin, position - 1):
                starts[unit] = i
                unit += (data[i] & 0xC0) != 0x80
            starts[unit] = max(begin, position - 1)
        else:
            for i in range(begin, position):
                starts[unit + 1] = i + 1
                unit += data[i] == 32
        unit += 1
        offsets[d + 1] = unit
    for i in range(PADDING_BYTES):
        data[position + i] = 0
    return data, starts[:unit]


@compiled
def _hash_runs(
    kind: int, data: Any, places: Any, targets: Any, length: int,
    message: Any, state: Any, small_state: Any, small_words: Any, lane_hashes: Any, hashes: Any,
) -> None:  # fmt: skip
    """``hashes[targets[i]]`` := hash of ``data[places[i]:places[i] + length]``."""
    word_count = (length + 7) // 8
    for lane in range(places.size):
        for word in range(word_count):
            message[word, lane] = eight_bytes(data, places[lane] + 8 * word)
    if kind == XXH64:
        xxhash64(message, length, state, lane_hashes)
    elif kind == XXH32:
        xxhash32(message, length, state, lane_hashes)
    else:
        sha1(message, length, small_state, small_words, lane_hashes)
    for lane in range(places.size):
        hashes[targets[lane]] = (
            lane_hashes[lane] & LOW_HALF if kind == SHA1_32 else lane_hashes[lane]
        )


@compiled
def hash_shingles(
    data: Any, starts: Any, offsets: Any, ngram: int, gap: int, kind: int, hash_offsets: Any
) -> Any:
    """Hashes uint64[…] of the runs of ``ngram`` units of each document, in order.

    ``data``, ``starts`` and ``offsets`` of :func:`join_units`; a shingle ends ``gap`` bytes before
    the unit that comes next. Fills hash_offsets int64[documents + 1].
    """
    hash_offsets[0] = 0
    for d in range(offsets.size - 1):
        count = offsets[d + 1] - offsets[d] - ngram
        hash_offsets[d + 1] = hash_offsets[d] + max(count, 0)
    hashes = np.empty(hash_offsets[offsets.size - 1], np.uint64)
    message = np.zeros(((LONGEST + 7) // 8, LANES), np.uint64)
    state, lane_hashes = np.empty((4, LANES), np.uint64), np.empty(LANES, np.uint64)
    small_state, small_words = np.empty((10, LANES), np.uint32), np.empty((16, LANES), np.uint32)
    places = np.empty((LONGEST + 1, LANES), np.int64)
    targets = np.empty((LONGEST + 1, LANES), np.int64)
    waiting = np.zeros(LONGEST + 1, np.int64)
    for d in range(offsets.size - 1):
        shift = offsets[d] - hash_offsets[d]
        for target in range(hash_offsets[d], hash_offsets[d + 1]):
            place = starts[target + shift]
            length = starts[target + shift + ngram] - gap - place
            if length > LONGEST:
                _hash_runs(
                    kind, data, np.full(1, place), np.full(1, target), length,
                    np.empty(((length + 7) // 8, 1), np.uint64), state[:, :1].copy(),
                    small_state[:, :1].copy(), small_words[:, :1].copy(), lane_hashes, hashes,
                )  # fmt: skip
                continue
            lane = waiting[length]
            places[length, lane], targets[length, lane] = place, target
            waiting[length] = lane + 1
            if lane + 1 == LANES:
                waiting[length] = 0
                _hash_runs(
                    kind, data, places[length], targets[length], length, message, state,
                    small_state, small_words, lane_hashes, hashes,
                )  # fmt: skip
    for length in range(LONGEST + 1):
        if waiting[length]:
            _hash_runs(
                kind, data, places[length, : waiting[length]], targets[length, : waiting[length]],
                length, message, state, small_state, small_words, lane_hashes, hashes,
            )  # fmt: skip
    return hashes


@compiled
def keep_distinct(hashes: Any, offsets: Any, kept_offsets: Any) -> int:
    """Move the distinct values of each document's ascending ``hashes[offsets[d]:offsets[d + 1]]``
    to the front; fills kept_offsets int64[documents + 1] and returns how many there are."""
    kept = 0
    kept_offsets[0] = 0
    for d in range(offsets.size - 1):
        for i in range(offsets[d], offsets[d + 1]):
            if i == offsets[d] or hashes[i] != hashes[kept - 1]:
                hashes[kept] = hashes[i]
                kept += 1
        kept_offsets[d + 1] = kept
    return kept
