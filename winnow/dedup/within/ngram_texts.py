"""From texts to the n-grams of their units, as the Big Friendly Filter has them.

Words are the pieces between the default word boundaries of UAX #29 that are not white space alone:
a comma is a word, and case counts. Paragraphs are parted by line feeds. An n-gram is known by 128
bits of a hash; two words are taken to be the same where 64 bits are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Mode = Literal["document", "paragraph", "both", "old-both"]

PIECE_BYTES = 4_000_000  # of text that is hashed at once; one document at least
_ANY_PIECE = 8  # of `unicode_words`: every character may begin a word

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class NgramRules:
    """What an n-gram is, and which are looked at."""

    mode: Mode
    size: int
    """Words of an n-gram."""
    least: int
    """A unit of fewer than ``size`` words, but this many, is one n-gram; of fewer, none."""
    one_in: int
    """Of how many n-grams one is looked at, chosen by its hash."""

    @property
    def across(self) -> bool:
        """Whether n-grams go across paragraphs, and the unit is the document."""
        return self.mode in ("document", "both")


@dataclass(frozen=True)
class Ngrams:
    """The n-grams of some documents; see :func:`ngram_kernels.find_ngrams`."""

    keys: UInt64
    checks: UInt64
    places: Int32
    firsts: Int32
    gram_offsets: Int64
    paragraph_offsets: Int64
    """Of documents into their paragraphs; int64[documents + 1]."""
    counted: npt.NDArray[np.bool_]
    """By n-gram: whether it is among those that are looked at."""

    def distinct(self) -> tuple[Int64, Int64, Int64]:
        """(n-grams, their documents, their numbers in these) of the first of equal ones of a unit,
        of those that are looked at; ascending."""
        grams = np.arange(len(self.keys))
        documents = np.repeat(np.arange(len(self.gram_offsets) - 1), np.diff(self.gram_offsets))
        numbers = grams - self.gram_offsets[documents]
        chosen = np.flatnonzero((numbers == self.firsts) & self.counted)
        return chosen, documents[chosen], numbers[chosen]


class NgramFinder:
    """Holds the tables; opened once a worker process."""

    def __init__(self, rules: NgramRules) -> None:
        from winnow.dedup.within import ngram_kernels as kernels
        from winnow.text.characters import CODE_POINTS
        from winnow.text.word_break import unicode_words, word_break_property

        self._rules = rules
        self._kernels, self._pieces = kernels, unicode_words
        self._property = word_break_property()
        self._every = np.full(CODE_POINTS, _ANY_PIECE, np.uint8)

    def find(self, data: npt.NDArray[np.uint8], offsets: Int64, rows: Int64) -> Ngrams:
        """The n-grams of ``rows``, int64[documents], of a :class:`~winnow.text.table.TextColumn`'s
        ``data`` and ``offsets``."""
        rules = self._rules
        starts, ends, _, piece_offsets = self._pieces(
            data, offsets, rows, self._property, self._every
        )
        words, paragraphs, word_offsets, paragraph_counts = self._kernels.hash_words(
            data, starts, ends, piece_offsets
        )
        keys, checks, places, firsts, gram_offsets = self._kernels.find_ngrams(
            words, paragraphs, word_offsets, rules.size, rules.least, rules.across
        )
        counted = np.ones(len(keys), np.bool_)
        if rules.one_in > 1:
            counted = checks % np.uint64(rules.one_in) == 0
        paragraph_offsets = np.concatenate(([0], np.cumsum(paragraph_counts)))
        return Ngrams(keys, checks, places, firsts, gram_offsets, paragraph_offsets, counted)


def pieces_of_rows(offsets: Int64, rows: Int64) -> Iterator[Int64]:
    """``rows``, ascending, in runs of at most ``PIECE_BYTES`` of text, or of one row."""
    start, held = 0, 0
    for place, size in enumerate((offsets[rows + 1] - offsets[rows]).tolist()):
        if place > start and held + size > PIECE_BYTES:
            yield rows[start:place]
            start, held = place, 0
        held += size
    if start < len(rows):
        yield rows[start:]
