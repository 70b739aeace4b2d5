"""Texts → MinHash signatures, equal bit for bit to datatrove 0.10's (64-bit, xxhash).

Definition (Broder 1997; banding as in Leskovec, Rajaraman and Ullman, *Mining of Massive
Datasets*, 3.4): words of the normalised text → every run of ``ngram_words`` words, joined by one
space → XXH64 of its UTF-8 → for each of ``bands * rows_per_band`` pairs (a, b) the minimum over
all runs of ``((h * a + b) mod 2^64) mod (2^61 - 1)``. Two documents meet in a band if they agree
in all of its rows: with Jaccard similarity s that has probability ``1 - (1 - s^rows)^bands``.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.dedup.signing import kernels
from winnow.dedup.signing.chunk_table import ChunkTable, ChunkWords
from winnow.dedup.signing.normalise import chunk_pieces
from winnow.dedup.signing.shape import Shape
from winnow.text.splits import ChunkSplit
from winnow.text.words import ENGLISH, splitter

BY_SCRIPT = "mul"  # any language that has no splitter of its own


def permutations(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """``(a, b)``, uint64[count] each: two blocks drawn from one MT19937 stream, as datatrove."""
    stream = np.random.RandomState(seed)
    prime = (1 << 61) - 1
    a = stream.randint(1, prime, size=count, dtype=np.uint64)
    b = stream.randint(0, prime, size=count, dtype=np.uint64)
    return a, b


class Signer:
    """Signs texts of one language; ``table`` splits them into words."""

    def __init__(
        self, table: ChunkTable, ngram_words: int, bands: int, rows_per_band: int, seed: int
    ) -> None:
        self._table = table
        self._ngram_words = ngram_words
        self._bands = bands
        self._a, self._b = permutations(bands * rows_per_band, seed)

    def signatures(self, texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """``(uint64[texts, bands * rows_per_band], bool[texts])``; False marks a text with fewer
        than ``ngram_words`` words, whose row says nothing."""
        signatures = np.zeros((len(texts), len(self._a)), np.uint64)
        signed = np.zeros(len(texts), np.bool_)
        for first, last, chunks, ends in self._table.chunks(texts):
            kernels.sign_documents(
                chunks, ends, self._table.value_starts, self._table.values, self._ngram_words,
                self._a, self._b, signatures[first:last], signed[first:last],
            )  # fmt: skip
        return signatures, signed

    def band_keys(self, texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """``(uint64[texts, bands], bool[texts])``: XXH64 of each band's values.

        64 bits for the 512 of a band of 8: among n documents n²/2^65 pairs per band meet by
        accident, 0.2 for the three billion of a Common Crawl dump.
        """
        signatures, signed = self.signatures(texts)
        keys = np.zeros((len(texts), self._bands), np.uint64)
        kernels.hash_bands(signatures, self._bands, keys)
        return keys, signed


class Signers:
    """Band keys of texts of many languages: English by its tokenizer, all others by script.

    Texts are compared across languages as within one: what counts is the words.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        sizes = (shape.ngram, shape.bands, shape.rows_per_band, shape.seed)
        self._english = Signer(word_table(ENGLISH), *sizes)
        self._others = Signer(word_table(BY_SCRIPT), *sizes)

    def band_keys(
        self, texts: pa.Array, languages: pa.Array | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`Signer.band_keys`; a text without a language counts as English."""
        if languages is None:
            return self._english.band_keys(texts)
        english = pc.fill_null(pc.equal(languages, ENGLISH), True)
        keys = np.zeros((len(texts), self.shape.bands), np.uint64)
        signed = np.zeros(len(texts), np.bool_)
        for mask, signer in ((english, self._english), (pc.invert(english), self._others)):
            rows = np.flatnonzero(mask.to_numpy(zero_copy_only=False))
            if len(rows):
                keys[rows], signed[rows] = signer.band_keys(texts.filter(mask))
        return keys, signed


def word_table(language: str) -> ChunkTable:
    """A table with the words of :func:`chunk_words`, split by compiled code."""
    return ChunkTable(chunk_pieces, split=ChunkSplit(splitter(language)))


def chunk_words(language: str) -> ChunkWords:
    """Words of white-space chunks: what normalisation leaves of each, split as the language is."""
    tokenize = splitter(language).tokenize

    def words(chunks: list[str]) -> list[list[str]]:
        return [
            [word for piece in pieces for word in tokenize(piece)]
            for pieces in chunk_pieces(chunks)
        ]

    return words
