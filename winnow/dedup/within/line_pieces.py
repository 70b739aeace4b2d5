"""Texts cut into lines, paragraphs or sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from winnow.text.by_language import words_by_language
from winnow.text.sentences import UNKNOWN_TO_SPACY
from winnow.text.table import BatchWords, TextColumn

Unit = Literal["line", "paragraph", "sentence"]

Int64 = npt.NDArray[np.int64]
ENGLISH = "en"


@dataclass(frozen=True)
class Pieces:
    """Piece *p* of a column is ``data[starts[p]:ends[p]]`` of its UTF-8, int64 both; those of row
    *r* are ``offsets[r]`` to ``offsets[r + 1] - 1``."""

    starts: Int64
    ends: Int64
    offsets: Int64

    def counts(self) -> Int64:
        return np.diff(self.offsets)


def cut(text: TextColumn, unit: Unit, languages: list[str | None]) -> Pieces:
    """The pieces of every row of ``text``.

    A line is what line feeds part, so a text has one at least. A paragraph is a run of lines with
    ink, from the start of the first to the end of the last. Sentences are those of spaCy's rule
    sentencizer (as datatrove 0.10 calls it) over the words of the row's language (ISO 639-1, None:
    English): a sentence begins at the first word that is no punctuation behind a word that is a
    sentence end, and white space counts as a word where it is more than the one space behind a
    word. A piece goes from the end of the last word of the sentence before, so that the white space
    between two is with the second; one space at the end of the text is in no piece.
    """
    from winnow.dedup.within import line_kernels as kernels

    if unit == "line":
        return Pieces(*kernels.cut_lines(text.data, text.offsets))
    if unit == "paragraph":
        return Pieces(*kernels.cut_paragraphs(text.data, text.offsets))
    return _sentences(text, languages)


def _sentences(text: TextColumn, languages: list[str | None]) -> Pieces:
    counts = np.zeros(len(languages), np.int64)
    found = []
    for language, words in words_by_language(text, languages):
        starts, ends, counts[words.rows] = _cut_sentences(text, words, language in (None, ENGLISH))
        found.append((words.rows, starts, ends))
    offsets = np.concatenate(([0], np.cumsum(counts)))
    room = int(offsets[-1])
    pieces = Pieces(np.empty(room, np.int64), np.empty(room, np.int64), offsets)
    for rows, starts, ends in found:
        sizes = counts[rows]
        # each sentence's place: its row's first one, and how many of the row are before it
        within = np.arange(len(starts)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        places = np.repeat(offsets[rows], sizes) + within
        pieces.starts[places], pieces.ends[places] = starts, ends
    return pieces


def _cut_sentences(
    text: TextColumn, words: BatchWords, english: bool
) -> tuple[Int64, Int64, Int64]:
    """(starts, ends) of the sentences of ``words.rows``, and how many each row has."""
    from winnow.dedup.within import line_kernels as kernels

    unknown = [word for word in words.ids_of(UNKNOWN_TO_SPACY) if word >= 0] if english else []
    room = len(words.tokens) + 2 * len(words.rows) + 1
    starts, ends = np.empty(room, np.int64), np.empty(room, np.int64)
    counts = np.empty(len(words.rows), np.int64)
    total = kernels.cut_sentences(
        text.data, text.offsets, words.rows, words.tokens, words.offsets, words.chars, words.flags,
        np.array(unknown, np.int64), starts, ends, counts,
    )  # fmt: skip
    return starts[:total], ends[:total], counts


def languages_of(batch: pa.RecordBatch, column: str | None) -> list[str | None]:
    """The language of every row, None where there is no such column."""
    if column is None:
        return [None] * batch.num_rows
    found: list[str | None] = batch.column(column).to_pylist()
    return found
