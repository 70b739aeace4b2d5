"""Compiled: hashes of shingles → minima over permutations → keys of bands.

Import this module inside ``open()`` only: numba is an optional package. Everywhere: ``hashes``
uint64, ``offsets`` int64[documents + 1], those of document d are ``hashes[offsets[d]:offsets[d +
1]]``; its row in ``signatures`` uint64[…, values] is ``rows[d]``, left alone where it has no hash.
All arithmetic is unsigned and wraps; mixing in a signed integer would make floats.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from winnow.dedup.signing.xxhash_kernels import LOW_HALF, xxhash64
from winnow.text.compiled import compiled

U, W = np.uint64, np.uint32
MERSENNE_61 = U((1 << 61) - 1)
LARGEST = U(0xFFFFFFFFFFFFFFFF)
HALF = U(1 << 63)
LARGEST_32 = W(0xFFFFFFFF)


@compiled
def sign_mersenne(hashes: Any, offsets: Any, rows: Any, a: Any, b: Any, signatures: Any) -> None:
    """``signatures[row, j]`` := min over h of ``((h * a[j] + b[j]) mod 2^64) mod (2^61 - 1)``; a, b
    uint64[values].

    The wrap at 2^64 before the Mersenne prime is datatrove's, not the textbook's. Shingles in the
    inner loop, so that the permutation stays in registers and the loop becomes vector code.
    """
    for d in range(rows.size):
        of_document = hashes[offsets[d] : offsets[d + 1]]
        if of_document.size == 0:
            continue
        for j in range(a.size):
            factor, term, least = a[j], b[j], LARGEST
            for i in range(of_document.size):
                value = of_document[i] * factor + term
                # (value & MERSENNE_61) + (value >> 61) - MERSENNE_61, in three steps. It is below
                # zero, so wraps to a large number, unless the sum has reached the prime
                value = (value >> U(61)) - ((value ^ LARGEST) & MERSENNE_61)
                least = min(least, value)
            if least < HALF:  # one in 2^56 times: then what has reached the prime is not in order
                least = LARGEST
                for i in range(of_document.size):
                    least = min(least, _below_mersenne(of_document[i] * factor + term))
            else:
                least += MERSENNE_61
            signatures[rows[d], j] = least


@compiled
def _below_mersenne(value: Any) -> Any:
    """``value mod (2^61 - 1)``, of any uint64."""
    value = (value & MERSENNE_61) + (value >> U(61))
    return min(value, value - MERSENNE_61)  # below the prime, the difference wraps


@compiled
def sign_mersenne_32(hashes: Any, offsets: Any, rows: Any, a: Any, b: Any, signatures: Any) -> None:
    """As :func:`sign_mersenne`, of the lowest 32 bits of each value."""
    for d in range(rows.size):
        of_document = hashes[offsets[d] : offsets[d + 1]]
        if of_document.size == 0:
            continue
        for j in range(a.size):
            factor, term, least = a[j], b[j], LARGEST
            for i in range(of_document.size):
                value = _below_mersenne(of_document[i] * factor + term)
                least = min(least, value & LOW_HALF)
            signatures[rows[d], j] = least


@compiled
def sign_affine(hashes: Any, offsets: Any, rows: Any, a: Any, b: Any, signatures: Any) -> None:
    """``signatures[row, j]`` := min over h of ``(mix(h) * a[j] + b[j]) mod 2^32``; a, b
    uint32[values], hashes below 2^32, mix the finalizer of MurmurHash3 (Appleby, public domain)."""
    mixed = np.empty(1 << 12, np.uint32)
    for d in range(rows.size):
        count = offsets[d + 1] - offsets[d]
        if count == 0:
            continue
        if count > mixed.size:
            mixed = np.empty(2 * count, np.uint32)
        for i in range(count):
            h = W(hashes[offsets[d] + i])
            h = W((h ^ (h >> W(16))) * W(0x85EBCA6B))
            h = W((h ^ (h >> W(13))) * W(0xC2B2AE35))
            mixed[i] = h ^ (h >> W(16))
        for j in range(a.size):
            factor, term, least = a[j], b[j], LARGEST_32
            for i in range(count):
                least = min(least, W(W(mixed[i] * factor) + term))
            signatures[rows[d], j] = least


@compiled
def hash_bands(signatures: Any, keys: Any) -> None:
    """``keys[d, b]`` := XXH64 of band ``b``'s values of ``signatures[d]``, each 8 little-endian
    bytes; keys uint64[documents, bands]."""
    bands = keys.shape[1]
    rows = signatures.shape[1] // bands
    message, state = np.empty((rows, bands), np.uint64), np.empty((4, bands), np.uint64)
    for d in range(signatures.shape[0]):
        for band in range(bands):
            for row in range(rows):
                message[row, band] = signatures[d, band * rows + row]
        xxhash64(message, 8 * rows, state, keys[d])
