"""Texts as sequences of units, and the secret numbers by which runs of units are hashed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa

from winnow.errors import StageError
from winnow.store.manifest import Store

Unit = Literal["bytes", "words"]

MAX_TEXT_BYTES = (1 << 32) - 1
"""Places within a document are uint32."""

_PRIME = (1 << 61) - 1


@dataclass(frozen=True)
class WindowShape:
    """Windows of ``length`` successive units; what is as long and occurs twice is a duplicate."""

    unit: Unit
    length: int

    @property
    def gram(self) -> int:
        """Units that are hashed to choose anchors. Longer ones make more anchors, shorter ones more
        that are there twice in vain."""
        return max(1, self.length // 2)

    @property
    def span(self) -> int:
        """Grams of a window."""
        return self.length - self.gram + 1


@dataclass(frozen=True)
class Secrets:
    """Numbers that nobody who writes one page of the input can know.

    They are drawn from a hash of all shards of the documents (SHAKE-256 of their SHA-256): the same
    input gives the same numbers, and two different windows of n units have the same 122 bits with a
    probability of at most ((n + 2) / 2^61)^2 over them, whatever the texts. Of 10^12 windows of 200
    bytes, any two are taken for each other with a probability of about 2^-27; of 10^10, 2^-41.
    """

    byte_values: np.ndarray
    """uint64[256], to choose anchors."""
    factor: np.uint64
    """Odd; to choose anchors."""
    bases: tuple[np.uint64, np.uint64]
    """Of the two polynomials over units, modulo 2^61 - 1."""
    word_bases: tuple[np.uint64, np.uint64]
    """Of the two over the bytes of a word."""

    @classmethod
    def of(cls, documents: Store) -> Secrets:
        seed = "\n".join(["winnow.substring", *(shard.sha256 for shard in documents.shards)])
        drawn = np.frombuffer(hashlib.shake_256(seed.encode()).digest(8 * 261), "<u8")
        bases = [np.uint64(2 + int(value) % (_PRIME - 2)) for value in drawn[257:]]
        factor = drawn[256] | np.uint64(1)
        values = drawn[:256].astype(np.uint64)
        return cls(values, factor, (bases[0], bases[1]), (bases[2], bases[3]))


class UnitTexts:
    """The texts of some documents, unit by unit.

    data uint8: their bytes, of document d from ``offsets[d]`` to ``offsets[d + 1]``. Unit i of all
    documents in a row is ``symbols[i]``, document d's from ``starts[d]`` to ``starts[d + 1]``.
    """

    def __init__(
        self, doc_ids: np.ndarray, texts: pa.Array, shape: WindowShape, secrets: Secrets
    ) -> None:
        from winnow.text.spans import space_words

        self.doc_ids, self.shape, self._secrets = doc_ids, shape, secrets
        self.data, self.offsets = text_bytes(texts)
        lengths = np.diff(self.offsets)
        if len(lengths) and int(lengths.max()) > MAX_TEXT_BYTES:
            raise StageError(
                f"document {int(doc_ids[lengths.argmax()])} has a text of {int(lengths.max()):,} "
                f"bytes; substrings are found in up to {MAX_TEXT_BYTES:,}",
                stage="substring",
                remedy="Reject it before by a bound on text_bytes.",
            )
        if shape.unit == "bytes":
            self.symbols, self.starts = self.data, self.offsets
            return
        rows = np.arange(len(doc_ids))
        self.word_starts, self.word_ends, _, self.starts = space_words(
            self.data, self.offsets, rows
        )
        self.symbols = np.arange(len(self.word_starts), dtype=np.uint32)

    @cached_property
    def anchor_values(self) -> np.ndarray:
        """uint64, by symbol: what anchors are chosen by."""
        return self._secrets.byte_values if self.shape.unit == "bytes" else self._word_values[0]

    @cached_property
    def _word_values(self) -> tuple[np.ndarray, np.ndarray]:
        from winnow.dedup.within.substring_kernels import word_values

        found = np.empty((2, len(self.word_starts)), np.uint64)
        for base, values in zip(self._secrets.word_bases, found, strict=True):
            word_values(self.data, self.word_starts, self.word_ends, base, values)
        return found[0], found[1]

    def hash_ranges(
        self, rows: np.ndarray, firsts: np.ndarray, lengths: np.ndarray, tails: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(keys, checks), uint64: 122 bits of each range of units with its tail and length.

        rows int64, the document's number; firsts, lengths, tails int64; ascending by document,
        start and end.
        """
        from winnow.dedup.within.substring_kernels import hash_ranges, spread

        most = int(lengths.max(initial=1))
        found = np.empty((2, len(rows)), np.uint64)
        for number, base in enumerate(self._secrets.bases):
            values = _BYTES if self.shape.unit == "bytes" else self._word_values[number]
            hash_ranges(
                self.symbols, values, self.starts, base, most, rows, firsts, lengths, tails,
                found[number],
            )  # fmt: skip
        spread(found[0])
        return found[0], found[1]

    def choose_anchors(self) -> tuple[np.ndarray, ...]:
        """See :func:`winnow.dedup.within.substring_kernels.choose_anchors`."""
        from winnow.dedup.within.substring_kernels import choose_anchors

        shape = self.shape
        return choose_anchors(
            self.symbols, self.anchor_values, self.starts, shape.gram, shape.span,
            self._secrets.factor,
        )  # fmt: skip

    def byte_spans(
        self, rows: np.ndarray, starts: np.ndarray, ends: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Spans of units (int64) as (rows, starts, ends) in bytes of their document.

        Bytes of a code point that is not wholly within stay outside; so a span may vanish. Of
        words, from the first byte of the first to the last byte of the last.
        """
        begin = self.offsets[rows]
        if self.shape.unit == "words":
            own = self.starts[rows]
            starts, ends = self.word_starts[own + starts], self.word_ends[own + ends - 1]
            return rows, starts - begin, ends - begin
        starts, ends = starts + begin, ends + begin
        limits = self.offsets[rows + 1]
        for _ in range(3):
            starts = starts + ((starts < limits) & self._continues(starts))
            ends = ends - ((ends < limits) & self._continues(ends))
        whole = starts < ends
        return rows[whole], (starts - begin)[whole], (ends - begin)[whole]

    def _continues(self, places: np.ndarray) -> np.ndarray:
        """Whether the bytes are not the first of their code point; places at the end count not."""
        inside = np.minimum(places, len(self.data) - 1)
        continues: np.ndarray = (self.data[inside] & 0xC0) == 0x80
        return continues


def text_bytes(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """(uint8, the bytes; int64[rows + 1], where each text begins in them) of a large_string array
    without nulls."""
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    if not len(texts):
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    whole = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return whole[bounds[0] : bounds[-1]], bounds - bounds[0]


_BYTES = np.arange(1, 257, dtype=np.uint64)
