"""Batches of English text as arrays of the numbers of NLTK's words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from winnow.text.nltk_words import NltkWords
from winnow.text.table import BatchWords, Int64, TextColumn, WordTable
from winnow.text.words import MAX_CHUNKS


class NltkTable:
    """The numbers of NLTK's words; the interface of :class:`winnow.text.table.WordTable`."""

    def __init__(self, words: NltkWords, max_chunks: int = MAX_CHUNKS) -> None:
        self._words = words
        self._table = WordTable(words, max_chunks)
        self._last: TextColumn | None = None
        self._last_words: dict[bytes, BatchWords] = {}

    def split(self, text: TextColumn, rows: Int64) -> BatchWords:
        """The words of ``rows`` of ``text``; asked again for the same, the same object."""
        if self._last is None or not self._last.same_memory(text):
            self._last, self._last_words = text, {}
        key = rows.tobytes()
        if key not in self._last_words:
            self._last_words[key] = self._split(text, rows)
        return self._last_words[key]

    def _split(self, text: TextColumn, rows: Int64) -> BatchWords:
        marked = self._words.marked
        bounds = zip(text.offsets[rows].tolist(), text.offsets[rows + 1].tolist(), strict=True)
        texts = [
            marked(text.data[start:end].tobytes().decode("utf-8", "replace"))
            for start, end in bounds
        ]
        column = TextColumn(pa.array(texts, pa.large_string()))
        return replace(self._table.split(column, np.arange(len(texts))), rows=rows)
