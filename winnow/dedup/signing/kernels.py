"""Compiled inner loops: xxHash64 and MinHash signatures.

Import this module inside ``open()`` only: numba is an optional package. Every kernel works on
flat integer arrays and holds no state; each has a slow twin in plain Python in the tests.
All arithmetic on hashes is in uint64 and wraps; mixing in a signed integer would make floats.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from winnow.text.compiled import compiled

U = np.uint64
PRIME_1, PRIME_2 = U(0x9E3779B185EBCA87), U(0xC2B2AE3D27D4EB4F)
PRIME_3, PRIME_4 = U(0x165667B19E3779F9), U(0x85EBCA77C2B2AE63)
PRIME_5 = U(0x27D4EB2F165667C5)
MERSENNE_61 = U((1 << 61) - 1)
LARGEST = U(0xFFFFFFFFFFFFFFFF)


@compiled
def _rotate(x: Any, bits: Any) -> Any:
    return (x << U(bits)) | (x >> U(64 - bits))


@compiled
def _round(state: Any, word: Any) -> Any:
    return _rotate(state + word * PRIME_2, 31) * PRIME_1


@compiled
def _avalanche(h: Any) -> Any:
    h = (h ^ (h >> U(33))) * PRIME_2
    h = (h ^ (h >> U(29))) * PRIME_3
    return h ^ (h >> U(32))


@compiled
def xxhash64(buffer: Any, words: Any, start: int, end: int) -> Any:
    """XXH64 with seed 0 of ``buffer[start:end]`` (Collet, xxHash fast digest algorithm, v0.1.1).

    ``words[i]`` holds the 8 bytes from ``i``, little-endian: see :func:`little_endian_words`.
    """
    i = start
    if end - start >= 32:
        v1, v2, v3, v4 = PRIME_1 + PRIME_2, PRIME_2, U(0), U(0) - PRIME_1
        while i + 32 <= end:
            v1 = _round(v1, words[i])
            v2 = _round(v2, words[i + 8])
            v3 = _round(v3, words[i + 16])
            v4 = _round(v4, words[i + 24])
            i += 32
        h = _rotate(v1, 1) + _rotate(v2, 7) + _rotate(v3, 12) + _rotate(v4, 18)
        h = (h ^ _round(U(0), v1)) * PRIME_1 + PRIME_4
        h = (h ^ _round(U(0), v2)) * PRIME_1 + PRIME_4
        h = (h ^ _round(U(0), v3)) * PRIME_1 + PRIME_4
        h = (h ^ _round(U(0), v4)) * PRIME_1 + PRIME_4
    else:
        h = PRIME_5
    h += U(end - start)
    while i + 8 <= end:
        h = _rotate(h ^ _round(U(0), words[i]), 27) * PRIME_1 + PRIME_4
        i += 8
    if i + 4 <= end:
        h = _rotate(h ^ ((words[i] & U(0xFFFFFFFF)) * PRIME_1), 23) * PRIME_2 + PRIME_3
        i += 4
    while i < end:
        h = _rotate(h ^ (U(buffer[i]) * PRIME_5), 11) * PRIME_1
        i += 1
    return _avalanche(h)


@compiled
def little_endian_words(buffer: Any, length: int, words: Any) -> None:
    """``words[i]`` := bytes ``i … i+7`` of ``buffer[:length]``, zeros after the end; uint64."""
    word = U(0)
    for i in range(length - 1, -1, -1):
        word = (word << U(8)) | U(buffer[i])
        words[i] = word


@compiled
def hash_bands(signatures: Any, bands: int, keys: Any) -> None:
    """``keys[d, b]`` := XXH64 of band ``b``'s values of ``signatures[d]``, little-endian bytes."""
    rows = signatures.shape[1] // bands
    buffer = np.empty(rows * 8, np.uint8)
    words = np.empty(rows * 8, np.uint64)
    for d in range(signatures.shape[0]):
        for b in range(bands):
            for r in range(rows):
                value = signatures[d, b * rows + r]
                for byte in range(8):
                    buffer[r * 8 + byte] = (value >> U(8 * byte)) & U(255)
            little_endian_words(buffer, buffer.size, words)
            keys[d, b] = xxhash64(buffer, words, 0, buffer.size)


@compiled
def sign_documents(
    chunks: Any, ends: Any, value_starts: Any, values: Any,
    ngram_words: int, a: Any, b: Any, signatures: Any, signed: Any,
) -> None:  # fmt: skip
    """MinHash signatures of documents given as chunk numbers.

    chunks int32[…], of all documents in a row; ends int64[documents]; ``values[value_starts[c]:
    value_starts[c + 1]]`` uint8, the words of chunk ``c``, each with one space behind it; a, b
    uint64[values a signature]. Fills signatures uint64[documents, values] and signed
    bool[documents] (False: fewer than ``ngram_words`` words, no signature).
    """
    buffer = np.empty(1 << 16, np.uint8)
    words = np.empty(1 << 16, np.uint64)
    word_starts = np.empty(1 << 14, np.int64)
    hashes = np.empty(1 << 14, np.uint64)
    first = 0
    for d in range(ends.size):
        length = 0
        for i in range(first, ends[d]):
            length += value_starts[chunks[i] + 1] - value_starts[chunks[i]]
        if length > buffer.size:
            buffer = np.empty(length * 2, np.uint8)
            words = np.empty(length * 2, np.uint64)
        if length // 2 + 2 > word_starts.size:  # a word and its space are two bytes at least
            word_starts = np.empty(length + 2, np.int64)
            hashes = np.empty(length + 2, np.uint64)
        position = 0
        word_count = 0
        word_starts[0] = 0
        for i in range(first, ends[d]):
            for j in range(value_starts[chunks[i]], value_starts[chunks[i] + 1]):
                byte = values[j]
                buffer[position] = byte
                position += 1
                if byte == 32:
                    word_count += 1
                    word_starts[word_count] = position
        first = ends[d]
        shingle_count = word_count - ngram_words + 1
        signed[d] = shingle_count > 0
        if shingle_count <= 0:
            continue
        little_endian_words(buffer, length, words)
        for i in range(shingle_count):  # up to the space behind the last word
            hashes[i] = xxhash64(buffer, words, word_starts[i], word_starts[i + ngram_words] - 1)
        sign_hashes(hashes[:shingle_count], a, b, signatures[d])


@compiled
def sign_hashes(hashes: Any, a: Any, b: Any, signature: Any) -> None:
    """``signature[j]`` := min over h of ``((h * a[j] + b[j]) mod 2^64) mod (2^61 - 1)``.

    The wrap at 2^64 before the Mersenne prime is datatrove's, not the textbook's. Shingles in the
    inner loop, so that the permutation stays in registers and the loop becomes vector code.
    """
    for j in range(a.size):
        factor, term, least = a[j], b[j], LARGEST
        for i in range(hashes.size):
            value = hashes[i] * factor + term
            value = (value & MERSENNE_61) + (value >> U(61))
            value = min(value, value - MERSENNE_61)  # below the prime, the difference wraps
            least = min(least, value)
        signature[j] = least
