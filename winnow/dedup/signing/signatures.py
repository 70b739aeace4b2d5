"""Texts → MinHash signatures, equal bit for bit to datatrove 0.10's or datasketch's.

Definition (Broder 1997; banding as in Leskovec, Rajaraman and Ullman, *Mining of Massive
Datasets*, 3.4): shingles of the normalised text (:mod:`winnow.dedup.signing.shingles`) → a hash of
the UTF-8 of each (XXH64, or the first 8 bytes of SHA-1, little-endian; 32 bits: XXH32, the first 4
bytes) → for each of ``bands * rows_per_band`` pairs (a, b) the minimum over all shingles of

- datatrove: ``((h * a + b) mod 2^64) mod (2^61 - 1)``, of which 32 bits leave the lowest 32;
- datasketch (2.0, scheme "affine32"): ``(mix(h) * a + b) mod 2^32``, mix MurmurHash3's finalizer;
- datasketch-1 (before 2.0, scheme "legacy"): as datatrove's 32 bits, other pairs.

Two documents meet in a band if they agree in all of its rows: with Jaccard similarity s that has
probability ``1 - (1 - s^rows)^bands``.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from winnow.dedup.signing import minhash_kernels
from winnow.dedup.signing.permutations import permutations
from winnow.dedup.signing.shape import Shape
from winnow.dedup.signing.shingles import Shingler, distinct


class Signers:
    """Signatures of texts in any language; texts are compared across languages as within one.

    Everywhere: texts, a (large_)string array; languages, a string array of ISO 639-1 codes or
    None; a text without a language counts as English. A text of fewer words (or characters) than a
    shingle has is not signed. Not for two threads at once.
    """

    def __init__(self, shape: Shape) -> None:
        shape.check()
        self.shape = shape
        self._shingler = Shingler(shape)
        self._a, self._b = permutations(shape.values, shape.seed, shape.family)
        self._sign = minhash_kernels.sign_mersenne
        if shape.family == "datasketch":
            self._sign = minhash_kernels.sign_affine
        elif shape.bits == 32:
            self._sign = minhash_kernels.sign_mersenne_32

    def signatures(
        self, texts: pa.Array, languages: pa.Array | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """``(uint64[texts, bands * rows_per_band], bool[texts])``; False marks a text that is not
        signed, whose row says nothing. Values of 32 bits are widened."""
        signatures = np.zeros((len(texts), self.shape.values), np.uint64)
        signed = np.zeros(len(texts), np.bool_)
        for found in self._shingler.hashes(texts, languages):
            self._sign(found.hashes, found.offsets, found.rows, self._a, self._b, signatures)
            signed[found.rows] = np.diff(found.offsets) > 0
        return signatures, signed

    def band_keys(
        self, texts: pa.Array, languages: pa.Array | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """``(uint64[texts, bands], bool[texts])``: XXH64 of each band's values.

        64 bits for the 512 of a band of 8: among n documents n²/2^65 pairs per band meet by
        accident, 0.2 for the three billion of a Common Crawl dump.
        """
        signatures, signed = self.signatures(texts, languages)
        keys = np.zeros((len(texts), self.shape.bands), np.uint64)
        minhash_kernels.hash_bands(signatures, keys)
        return keys, signed

    def shingle_sets(
        self, texts: pa.Array, languages: pa.Array | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """``(offsets int64[texts + 1], hashes uint64[…])``: the distinct shingle hashes of text t,
        ascending, are ``hashes[offsets[t]:offsets[t + 1]]``; hashes of 32 bits are widened.

        Two hashes of 64 bits of different shingles agree with probability 2^-64, so the similarity
        of two sets is that of the shingles; with 32 bits it is as near as 2^-32 a pair of shingles.
        """
        found = []
        counts = np.zeros(len(texts), np.int64)
        for each in self._shingler.hashes(texts, languages):
            offsets, hashes = distinct(each.hashes, each.offsets)
            counts[each.rows] = np.diff(offsets)
            found.append((each.rows, offsets, hashes))
        ends = np.concatenate(([0], np.cumsum(counts)))
        sets = np.empty(ends[-1], np.uint64)
        for rows, offsets, hashes in found:
            shifts = np.repeat(ends[rows] - offsets[:-1], np.diff(offsets))
            sets[np.arange(len(hashes)) + shifts] = hashes
        return ends, sets
