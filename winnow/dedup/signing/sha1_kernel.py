"""Compiled: SHA-1 of many byte runs of equal length at once (FIPS 180-4).

As in :mod:`winnow.dedup.signing.xxhash_kernels`: every step is one loop over all runs, so that
hashing a shingle costs a tenth of what a call of hashlib does. No secret hangs on this SHA-1:
peers name shingles by it, and ours must be the same names.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from winnow.text.compiled import compiled

U, W = np.uint64, np.uint32
START = np.array([0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0], np.uint32)
CONSTANTS = np.array([0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6], np.uint32)
ROUNDS, BLOCK_WORDS, BLOCK_BYTES = 80, 16, 64


@compiled
def _rotate(x: Any, bits: int) -> Any:
    return W((x << W(bits)) | (x >> W(32 - bits)))


@compiled
def _swapped(x: Any) -> Any:
    """The four bytes of ``x`` in the other order."""
    return W((x << W(24)) | ((x & W(0xFF00)) << W(8)) | ((x >> W(8)) & W(0xFF00)) | (x >> W(24)))


@compiled
def _fill(message: Any, length: int, place: int, words: Any) -> None:
    """``words`` uint32[lanes] := bytes ``4 place …`` of the padded runs, big-endian."""
    lanes = message.shape[1]
    begin = 4 * place
    if begin > length:
        bits = 0
        padded_length = (length + 8) // BLOCK_BYTES * BLOCK_BYTES + BLOCK_BYTES
        if begin == padded_length - 4:
            bits = 8 * length
        elif begin == padded_length - 8:
            bits = (8 * length) >> 32
        for lane in range(lanes):
            words[lane] = W(bits & 0xFFFFFFFF)
        return
    inside = min(length - begin, 4)
    if inside == 0:
        for lane in range(lanes):
            words[lane] = W(0x80000000)
        return
    mask = W(0xFFFFFFFF) if inside == 4 else W((1 << (8 * inside)) - 1)
    end = W(0) if inside == 4 else W(0x80 << (8 * inside))
    data, shift = message[begin // 8], U(32 * (place % 2))
    for lane in range(lanes):
        words[lane] = _swapped((W(data[lane] >> shift) & mask) | end)


@compiled
def _schedule(words: Any, step: int) -> None:
    """The next word of every run, over the one of 16 steps ago."""
    new = words[step % 16]
    a, b, c = words[(step - 3) % 16], words[(step - 8) % 16], words[(step - 14) % 16]
    for lane in range(words.shape[1]):
        new[lane] = _rotate(W(new[lane] ^ a[lane] ^ b[lane] ^ c[lane]), 1)


@compiled
def sha1(message: Any, length: int, state: Any, words: Any, hashes: Any) -> None:
    """``hashes`` uint64[lanes] := first 8 bytes, little-endian, of the SHA-1 of the runs of
    ``length`` bytes; state uint32[10, lanes] and words uint32[16, lanes] are room to work in."""
    lanes = message.shape[1]
    digest = state[5:]
    for part in range(5):
        for lane in range(lanes):
            digest[part, lane] = START[part]
    for block in range((length + 8) // BLOCK_BYTES + 1):
        for part in range(5):
            for lane in range(lanes):
                state[part, lane] = digest[part, lane]
        for step in range(ROUNDS):
            if step < BLOCK_WORDS:
                _fill(message, length, BLOCK_WORDS * block + step, words[step])
            else:
                _schedule(words, step)
            # the five change places: e becomes a, and nothing is moved
            place = ROUNDS - step
            a, b, c = state[place % 5], state[(place + 1) % 5], state[(place + 2) % 5]
            d, e = state[(place + 3) % 5], state[(place + 4) % 5]
            word, constant = words[step % 16], CONSTANTS[step // 20]
            if step < 20:
                for lane in range(lanes):
                    f = (b[lane] & (c[lane] ^ d[lane])) ^ d[lane]
                    e[lane] = W(_rotate(a[lane], 5) + f + e[lane] + constant + word[lane])
            elif 40 <= step < 60:
                for lane in range(lanes):
                    f = (b[lane] & c[lane]) | ((b[lane] | c[lane]) & d[lane])
                    e[lane] = W(_rotate(a[lane], 5) + f + e[lane] + constant + word[lane])
            else:
                for lane in range(lanes):
                    f = b[lane] ^ c[lane] ^ d[lane]
                    e[lane] = W(_rotate(a[lane], 5) + f + e[lane] + constant + word[lane])
            for lane in range(lanes):
                b[lane] = _rotate(b[lane], 30)
        for part in range(5):
            for lane in range(lanes):
                digest[part, lane] = W(digest[part, lane] + state[part, lane])
    for lane in range(lanes):
        first, second = _swapped(digest[0, lane]), _swapped(digest[1, lane])
        hashes[lane] = U(first) | (U(second) << U(32))
