"""Texts → hashes of their shingles: runs of words, or of characters, of the normalised text.

The normalised text is the words of :mod:`winnow.dedup.signing.normalise` (what white space
separates) with one space between two of them; words of a language are those that its splitter
makes of each. Shingles of words are ``ngram`` of these, joined by one space; shingles of characters
``ngram`` code points of the normalised text, spaces included, whatever the language. NeMo Curator
shingles the characters of the raw text, where one more space or a typographic quote changes all
shingles over it; we want two copies of a page to be equal whoever typed it, as with words. A text
with fewer units than ``ngram`` has no shingle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.dedup.signing import shingle_kernels
from winnow.dedup.signing.chunk_table import ChunkTable, text_buffers
from winnow.dedup.signing.normalise import chunk_pieces
from winnow.dedup.signing.shape import Shape, ShingleHash
from winnow.text.splits import ChunkSplit
from winnow.text.words import ENGLISH, Words, splitter

TEXT_BYTES_AT_ONCE = 1 << 19  # so that what is between the kernels stays near the cache
MEMO_BYTES = 160_000_000  # of all tables together; one run of texts may go beyond

_KINDS: dict[tuple[ShingleHash, int], int] = {
    ("xxh64", 64): shingle_kernels.XXH64,
    ("xxh64", 32): shingle_kernels.XXH32,
    ("sha1", 64): shingle_kernels.SHA1_64,
    ("sha1", 32): shingle_kernels.SHA1_32,
}


@dataclass(frozen=True)
class Hashes:
    """Of some documents of a batch."""

    rows: np.ndarray
    """int64[documents]: their places in the batch."""
    offsets: np.ndarray
    """int64[documents + 1]."""
    hashes: np.ndarray
    """uint64[…]: those of document ``d`` are ``hashes[offsets[d]:offsets[d + 1]]``, in the order
    of its text; 32-bit hashes are widened."""


class Shingler:
    """Hashes of the shingles of texts in any language.

    Each way of splitting has a memo of its own, made when a text first needs it. Together they
    hold ``memo_bytes`` at most, and what one run of texts adds: then the largest is emptied, which
    no result can show.
    """

    def __init__(self, shape: Shape, memo_bytes: int = MEMO_BYTES) -> None:
        self._shape = shape
        self._memo_bytes = memo_bytes
        self._kind = _KINDS[shape.shingle_hash, shape.bits]
        self._tables: dict[Words | None, ChunkTable] = {}

    def hashes(self, texts: pa.Array, languages: pa.Array | None) -> Iterator[Hashes]:
        """Of every text of a (large_)string array once, in no particular order.

        languages: a string array (or a dictionary of strings) of ISO 639-1 codes; null, or no
        array: English. Null texts have no shingles.
        """
        for words, rows in self._groups(len(texts), languages):
            of_group = texts if len(rows) == len(texts) else texts.take(pa.array(rows))
            table = self._table(words)
            _, offsets = text_buffers(of_group)
            first = 0
            while first < len(rows):
                # at least one text, whatever its size
                behind = np.searchsorted(offsets, offsets[first] + TEXT_BYTES_AT_ONCE, "right") - 1
                last = max(first + 1, int(behind))
                for low, high, *numbered in table.chunks(of_group.slice(first, last - first)):
                    yield self._hashed(table, rows[first + low : first + high], *numbered)
                first = last
                self._bound_memory()

    def _groups(
        self, count: int, languages: pa.Array | None
    ) -> Iterator[tuple[Words | None, np.ndarray]]:
        """(splitter, rows int64[…]), a group of languages that share one at a time; None: the
        texts are not split into words."""
        if not count:
            return
        rows = np.arange(count)
        if self._shape.shingles == "chars":
            yield None, rows
            return
        if languages is None:
            yield splitter(ENGLISH, self._shape.words), rows
            return
        if not pa.types.is_dictionary(languages.type):
            languages = languages.dictionary_encode()
        codes = [*languages.dictionary.to_pylist(), None]
        numbers = pc.fill_null(languages.indices.cast(pa.int64()), len(codes) - 1).to_numpy(
            zero_copy_only=False
        )
        splitters = [splitter(code, self._shape.words) for code in codes]
        different = list(dict.fromkeys(splitters))
        group_of = np.array([different.index(each) for each in splitters])[numbers]
        for number, words in enumerate(different):
            found = np.flatnonzero(group_of == number)
            if len(found):
                yield words, found

    def _table(self, words: Words | None) -> ChunkTable:
        if words not in self._tables:
            split = None if words is None else ChunkSplit(words)
            self._tables[words] = ChunkTable(chunk_pieces, split=split)
        return self._tables[words]

    def _bound_memory(self) -> None:
        while sum(table.nbytes for table in self._tables.values()) > self._memo_bytes:
            largest = max(self._tables.values(), key=lambda table: table.nbytes)
            if not largest.entries:
                return
            largest.clear()

    def _hashed(
        self, table: ChunkTable, rows: np.ndarray, chunks: np.ndarray, ends: np.ndarray
    ) -> Hashes:
        chars = self._shape.shingles == "chars"
        unit_offsets = np.zeros(len(rows) + 1, np.int64)
        data, starts = shingle_kernels.join_units(
            chunks, ends, table.value_starts, table.values, chars, unit_offsets
        )
        offsets = np.zeros(len(rows) + 1, np.int64)
        found = shingle_kernels.hash_shingles(
            data, starts, unit_offsets, self._shape.ngram, 0 if chars else 1, self._kind, offsets
        )
        return Hashes(rows, offsets, found)


def distinct(hashes: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(offsets int64[documents + 1], hashes uint64[…])``: the distinct ones of every document,
    ascending. Works in ``hashes``."""
    for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        hashes[start:end].sort()
    kept_offsets = np.zeros(len(offsets), np.int64)
    kept = shingle_kernels.keep_distinct(hashes, offsets, kept_offsets)
    return kept_offsets, hashes[:kept]
