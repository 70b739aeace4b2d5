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
from winnow.text.splits import ChunkSplit
from winnow.text.vocabulary import Snapshot, Vocabulary, extended, grown
from winnow.text.words import MAX_CHUNKS, Words

MAX_BYTES = 1 << 25  # of chunks and their lists of words, after which a table starts anew
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
    """Of the word's UTF-8 bytes, ``uint64[ids, 4]``; see :func:`winnow.text.grams.hash_words`."""
    vocabulary: Snapshot
    """The words by id: those of the batch and of batches before it."""

    def ids_of(self, words: Iterable[str]) -> list[int]:
        """The ids of those of ``words`` that may occur in the batch; -1 for the others."""
        return self.vocabulary.ids_of(words)


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
        self.data.flags.writeable = False  # some are, and each kind would be compiled for anew
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
    ``max_chunks`` chunks or ``MAX_BYTES`` of them, so its size is bounded by these and by the
    largest batch: some 35 MB with 131,072 chunks of English.
    """

    def __init__(self, words: Words, max_chunks: int = MAX_CHUNKS) -> None:
        self._split_chunks = ChunkSplit(words)
        self._max_chunks = max_chunks
        self._last: TextColumn | None = None
        self._last_words: dict[bytes, BatchWords] = {}
        self._clear()

    def _clear(self) -> None:
        self._slots = np.zeros((4 * _START_CHUNKS, 2), np.uint64)
        self._chunk_ends = np.empty(_START_CHUNKS, np.int64)
        self._chunk_data = np.empty(16 * _START_CHUNKS, np.uint8)
        self._chunks = 0
        self._chunk_words = np.empty(_START_CHUNKS, np.int32)  # as expand_chunks has it
        self._lists = 0
        self._list_ends = np.empty(_START_CHUNKS, np.int64)
        self._list_words = np.empty(_START_CHUNKS, np.int32)
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
        if self._chunks >= self._max_chunks or self._held_bytes() >= MAX_BYTES:
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
            found[: found_offsets[-1]],
            found_offsets,
            self._chunk_words,
            self._list_ends,
            self._list_words,
        )
        words = self._vocabulary
        return BatchWords(
            rows, offsets, tokens, words.chars, words.flags, words.hashes, words.snapshot()
        )

    def _held_bytes(self) -> int:
        """Of chunks and of the words of each: what long chunks (unspaced scripts) fill."""
        if not self._chunks:
            return 0
        listed = int(self._list_ends[self._lists - 1]) if self._lists else 0
        return int(self._chunk_ends[self._chunks - 1]) + 4 * listed

    def _make_room(self, bytes_needed: int) -> None:
        """Room for a document of that many bytes, all of its chunks new."""
        count = self._chunks + (bytes_needed + 1) // 2
        used = int(self._chunk_ends[self._chunks - 1]) if self._chunks else 0
        self._chunk_ends = grown(self._chunk_ends, count)
        self._chunk_data = grown(self._chunk_data, used + bytes_needed)
        size = len(self._slots)
        while 2 * size < 3 * count:
            size *= 2
        if size > len(self._slots):
            larger = np.zeros((size, 2), np.uint64)
            chunks.place_chunks(self._slots, larger)
            self._slots = larger

    def _learn(self, first: int) -> None:
        """Split the chunks from ``first`` on, and number the words that are new."""
        if first == self._chunks:
            return
        start = int(self._chunk_ends[first - 1]) if first else 0
        ends = self._chunk_ends[first : self._chunks] - start
        data = self._chunk_data[start : start + int(ends[-1])]
        counts, word_ends = self._split_chunks.split(data, ends)
        starts = np.concatenate(([0], ends[:-1]))
        numbers = self._vocabulary.numbers_in(data, starts, counts, word_ends)
        self._chunk_words = grown(self._chunk_words, self._chunks)
        decided = np.flatnonzero(counts)
        self._remember(first + decided, counts[decided], numbers)
        undecided = np.flatnonzero(counts == 0)
        if len(undecided):
            words = self._split_chunks.words_of(data, ends, undecided)
            numbers = np.array(
                self._vocabulary.numbers(word for found in words for word in found), np.int32
            )
            self._remember(first + undecided, np.array(list(map(len, words))), numbers)

    def _remember(self, places: Int64, counts: npt.NDArray[Any], numbers: Int32) -> None:
        """Words ``numbers`` of the chunks ``places``, so many a chunk; one is kept in place."""
        single = counts == 1
        ends = np.cumsum(counts)
        self._chunk_words[places[single]] = numbers[ends[single] - 1]
        sizes = counts[~single]
        if not len(sizes):
            return
        used = int(self._list_ends[self._lists - 1]) if self._lists else 0
        self._chunk_words[places[~single]] = -1 - np.arange(self._lists, self._lists + len(sizes))
        listed = numbers[np.repeat(~single, counts)]
        self._list_words = extended(self._list_words, used, listed)
        self._list_ends = extended(self._list_ends, self._lists, used + np.cumsum(sizes))
        self._lists += len(sizes)
