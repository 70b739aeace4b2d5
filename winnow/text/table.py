"""Batches of text as arrays of word ids, for measures that count words and compare them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from winnow.text import chunks
from winnow.text.vocabulary import Vocabulary, extended, grown
from winnow.text.words import MAX_CHUNKS, Words

_START_CHUNKS = 1 << 13

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class BatchWords:
    """Words of some rows of a column, in order."""

    rows: Int64
    """The rows of the column, ``int64[n]``, rising."""
    offsets: Int64
    """Into ``tokens``, ``int64[n + 1]``."""
    tokens: Int32
    """Word ids, ``int32``: equal words of the batch, and only those, have equal ids."""
    chars: Int32
    """Code points of the word with that id, ``int32[ids]``; so for the next."""
    flags: npt.NDArray[np.uint8]
    """``HAS_LETTER`` and the others of :mod:`winnow.text.vocabulary`."""
    hashes: UInt64
    """Of the word's UTF-8 bytes, ``uint64[ids, 3]``; see :func:`winnow.text.grams.hash_words`."""
    ids: dict[str, int]
    """Word → id, of all words that the table holds, later batches' included."""

    def ids_of(self, words: Iterable[str]) -> list[int]:
        """The ids of those of ``words`` that may occur in the batch; -1 for the others."""
        found = [self.ids.get(word, -1) for word in words]
        return [number if number < len(self.chars) else -1 for number in found]


class TextColumn:
    """An Arrow string column as flat buffers: ``data`` uint8, ``offsets`` int64[rows + 1].

    Null counts as the empty text.
    """

    def __init__(self, column: pa.Array) -> None:
        if column.null_count:
            column = pc.fill_null(column, "")
        self.column = column  # keeps the buffers alive
        wide = pa.types.is_large_string(column.type)
        _, places, letters = column.buffers()
        self.data = np.frombuffer(letters or b"", np.uint8)
        self.offsets = np.zeros(len(column) + 1, np.int64)
        if len(column):
            every = np.frombuffer(places, np.int64 if wide else np.int32)
            self.offsets[:] = every[column.offset : column.offset + len(column) + 1]

    def same_memory(self, other: TextColumn) -> bool:
        """Whether both are the same rows of the same buffers (which Arrow never changes)."""
        return self._place() == other._place()

    def _place(self) -> tuple[Any, ...]:
        addresses = [buffer and buffer.address for buffer in self.column.buffers()]
        return (len(self.column), self.column.offset, self.column.type, *addresses)


class WordTable:
    """The numbers of words, for one way of splitting. Emptied between two batches once it holds
    ``max_chunks`` chunks, so its size is bounded by that and by the largest batch."""

    def __init__(self, words: Words, max_chunks: int = MAX_CHUNKS) -> None:
        self._words = words
        self._max_chunks = max_chunks
        self._last: TextColumn | None = None
        self._last_words: dict[bytes, BatchWords] = {}
        self._clear()

    def _clear(self) -> None:
        self._slots = np.full(4 * _START_CHUNKS, -1, np.int32)
        self._hashes = np.empty(_START_CHUNKS, np.uint64)
        self._chunk_ends = np.empty(_START_CHUNKS, np.int64)
        self._chunk_data = np.empty(16 * _START_CHUNKS, np.uint8)
        self._chunks = 0
        self._token_ends = np.empty(_START_CHUNKS, np.int64)  # by chunk, into the next
        self._chunk_tokens = np.empty(_START_CHUNKS, np.int32)
        self._vocabulary = Vocabulary()

    def split(self, text: TextColumn, rows: Int64) -> BatchWords:
        """The words of ``rows`` of ``text``; asked again for the same, the same object.

        So filters that follow one another share a split, without knowing of one another.
        """
        if self._last is None or not self._last.same_memory(text):
            self._last, self._last_words = text, {}
        key = rows.tobytes()
        if key not in self._last_words:
            self._last_words[key] = self._split(text, rows)
        return self._last_words[key]

    def _split(self, text: TextColumn, rows: Int64) -> BatchWords:
        if self._chunks >= self._max_chunks:
            self._clear()
        lengths = text.offsets[rows + 1] - text.offsets[rows]
        found = np.empty(int(np.sum((lengths + 1) // 2)), np.int32)
        found_offsets = np.zeros(len(rows) + 1, np.int64)
        position = 0
        while True:
            before = self._chunks
            position, self._chunks = chunks.split_chunks(
                text.data,
                text.offsets,
                rows,
                position,
                self._slots,
                self._hashes,
                self._chunk_ends,
                self._chunk_data,
                found,
                found_offsets,
                before,
            )
            self._learn(before)
            if position == len(rows):
                break
            self._make_room(int(lengths[position]))
        tokens, offsets = chunks.expand_chunks(
            found[: found_offsets[-1]], found_offsets, self._token_ends, self._chunk_tokens
        )
        words = self._vocabulary
        return BatchWords(rows, offsets, tokens, words.chars, words.flags, words.hashes, words.ids)

    def _make_room(self, bytes_needed: int) -> None:
        """Room for a document of that many bytes, all of its chunks new."""
        count = self._chunks + (bytes_needed + 1) // 2
        used = int(self._chunk_ends[self._chunks - 1]) if self._chunks else 0
        self._hashes = grown(self._hashes, count)
        self._chunk_ends = grown(self._chunk_ends, count)
        self._chunk_data = grown(self._chunk_data, used + bytes_needed)
        size = len(self._slots)
        while size < 2 * count:
            size *= 2
        if size > len(self._slots):
            self._slots = np.full(size, -1, np.int32)
            chunks.place_chunks(self._hashes, self._chunks, self._slots)

    def _learn(self, first: int) -> None:
        """Split the chunks from ``first`` on, and number the words that are new."""
        if first == self._chunks:
            return
        start = int(self._chunk_ends[first - 1]) if first else 0
        ends = self._chunk_ends[first : self._chunks].tolist()
        raw = self._chunk_data[start : ends[-1]].tobytes()
        tokenize = self._words.tokenize
        words: list[str] = []
        token_ends: list[int] = []
        begin = start
        for end in ends:
            words += tokenize(raw[begin - start : end - start].decode("utf-8", "replace"))
            token_ends.append(len(words))
            begin = end
        used = int(self._token_ends[first - 1]) if first else 0
        self._chunk_tokens = extended(self._chunk_tokens, used, self._vocabulary.numbers(words))
        self._token_ends = extended(self._token_ends, first, np.array(token_ends) + used)
