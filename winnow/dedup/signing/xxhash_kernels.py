"""Compiled: XXH64 and XXH32 of many byte runs of equal length at once.

Runs of one length take the same way through the hash, so that every step is one loop over all of
them, which becomes vector code. ``message`` uint64[words, lanes] holds the runs side by side:
``message[w, lane]`` are bytes ``8w … 8w+7`` of a run, little-endian; what lies behind its end is
never read into the result. Seeds are 0. Source: Collet, xxHash fast digest algorithm, v0.1.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from winnow.text.compiled import compiled

U = np.uint64
PRIME_1, PRIME_2 = U(0x9E3779B185EBCA87), U(0xC2B2AE3D27D4EB4F)
PRIME_3, PRIME_4 = U(0x165667B19E3779F9), U(0x85EBCA77C2B2AE63)
PRIME_5 = U(0x27D4EB2F165667C5)
SMALL_1, SMALL_2 = U(0x9E3779B1), U(0x85EBCA77)
SMALL_3, SMALL_4, SMALL_5 = U(0xC2B2AE3D), U(0x27D4EB2F), U(0x165667B1)
LOW_HALF = U(0xFFFFFFFF)


@compiled
def _rotate(x: Any, bits: Any) -> Any:
    return (x << U(bits)) | (x >> U(64 - bits))


@compiled
def _round(state: Any, word: Any) -> Any:
    return _rotate(state + word * PRIME_2, 31) * PRIME_1


@compiled
def _merged(h: Any, state: Any) -> Any:
    return (h ^ _round(U(0), state)) * PRIME_1 + PRIME_4


@compiled
def xxhash64(message: Any, length: int, state: Any, hashes: Any) -> None:
    """``hashes`` uint64[lanes] := XXH64 of the runs of ``length`` bytes; state uint64[4, lanes] is
    room to work in."""
    lanes = message.shape[1]
    word = 0
    if length >= 32:
        for lane in range(lanes):
            state[0, lane], state[1, lane] = PRIME_1 + PRIME_2, PRIME_2
            state[2, lane], state[3, lane] = U(0), U(0) - PRIME_1
        while 8 * word + 32 <= length:
            for part in range(4):
                one, data = state[part], message[word + part]
                for lane in range(lanes):
                    one[lane] = _round(one[lane], data[lane])
            word += 4
        for lane in range(lanes):
            v1, v2, v3, v4 = state[0, lane], state[1, lane], state[2, lane], state[3, lane]
            h = _rotate(v1, 1) + _rotate(v2, 7) + _rotate(v3, 12) + _rotate(v4, 18)
            h = _merged(_merged(_merged(_merged(h, v1), v2), v3), v4)
            hashes[lane] = h + U(length)
    else:
        for lane in range(lanes):
            hashes[lane] = PRIME_5 + U(length)
    while 8 * word + 8 <= length:
        data = message[word]
        for lane in range(lanes):
            h = hashes[lane] ^ _round(U(0), data[lane])
            hashes[lane] = _rotate(h, 27) * PRIME_1 + PRIME_4
        word += 1
    left = length - 8 * word
    shift = U(0)
    if left >= 4:
        data = message[word]
        for lane in range(lanes):
            h = hashes[lane] ^ ((data[lane] & LOW_HALF) * PRIME_1)
            hashes[lane] = _rotate(h, 23) * PRIME_2 + PRIME_3
        left -= 4
        shift = U(32)
    while left > 0:
        data = message[word]
        for lane in range(lanes):
            h = hashes[lane] ^ (((data[lane] >> shift) & U(255)) * PRIME_5)
            hashes[lane] = _rotate(h, 11) * PRIME_1
        left -= 1
        shift += U(8)
    for lane in range(lanes):
        h = hashes[lane]
        h = (h ^ (h >> U(33))) * PRIME_2
        h = (h ^ (h >> U(29))) * PRIME_3
        hashes[lane] = h ^ (h >> U(32))


@compiled
def _rotate32(x: Any, bits: Any) -> Any:
    """Of a number below 2^32, which the result is as well."""
    return ((x << U(bits)) | (x >> U(32 - bits))) & LOW_HALF


@compiled
def _round32(state: Any, word: Any) -> Any:
    return (_rotate32((state + word * SMALL_2) & LOW_HALF, 13) * SMALL_1) & LOW_HALF


@compiled
def xxhash32(message: Any, length: int, state: Any, hashes: Any) -> None:
    """As :func:`xxhash64`, of XXH32: ``hashes`` are below 2^32."""
    lanes = message.shape[1]
    place = 0  # of four bytes
    if length >= 16:
        for lane in range(lanes):
            state[0, lane], state[1, lane] = (SMALL_1 + SMALL_2) & LOW_HALF, SMALL_2
            state[2, lane], state[3, lane] = U(0), (U(0) - SMALL_1) & LOW_HALF
        while 4 * place + 16 <= length:
            for part in range(4):
                one, data = state[part], message[(place + part) // 2]
                shift = U(32 * (part % 2))
                for lane in range(lanes):
                    one[lane] = _round32(one[lane], (data[lane] >> shift) & LOW_HALF)
            place += 4
        for lane in range(lanes):
            h = _rotate32(state[0, lane], 1) + _rotate32(state[1, lane], 7)
            h += _rotate32(state[2, lane], 12) + _rotate32(state[3, lane], 18)
            hashes[lane] = (h + U(length)) & LOW_HALF
    else:
        for lane in range(lanes):
            hashes[lane] = (SMALL_5 + U(length)) & LOW_HALF
    while 4 * place + 4 <= length:
        data = message[place // 2]
        shift = U(32 * (place % 2))
        for lane in range(lanes):
            h = (hashes[lane] + ((data[lane] >> shift) & LOW_HALF) * SMALL_3) & LOW_HALF
            hashes[lane] = (_rotate32(h, 17) * SMALL_4) & LOW_HALF
        place += 1
    for byte in range(4 * place, length):
        data = message[byte // 8]
        shift = U(8 * (byte % 8))
        for lane in range(lanes):
            h = (hashes[lane] + ((data[lane] >> shift) & U(255)) * SMALL_5) & LOW_HALF
            hashes[lane] = (_rotate32(h, 11) * SMALL_1) & LOW_HALF
    for lane in range(lanes):
        h = hashes[lane]
        h = ((h ^ (h >> U(15))) * SMALL_2) & LOW_HALF
        h = ((h ^ (h >> U(13))) * SMALL_3) & LOW_HALF
        hashes[lane] = h ^ (h >> U(16))
