"""A bounded memo from white-space chunk to the words it becomes, as flat arrays.

Web text repeats itself: nineteen of twenty chunks have been seen before, so the work in Python is
done once a distinct chunk and everything else runs compiled. A chunk's words depend on the chunk
alone and chunks are compared byte for byte, so what is in the table, and when it is emptied, can
never show in a result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from winnow.dedup.signing.normalise import chunk_pieces, plain_ascii

if TYPE_CHECKING:
    from winnow.text.splits import ChunkSplit

ChunkWords = Callable[[list[str]], list[list[str]]]
"""Distinct white-space chunks → the words of each; words hold no white space."""

CAPACITY = 1 << 20  # distinct chunks, a power of two; with KEY_BYTES about 150 MB when full
KEY_BYTES = 1 << 26
PADDING_BYTES = 8  # behind ``values``, for whoever reads eight at a time
_FIRST_SLOTS = 1 << 14  # slots grow with the entries: a small table stays in the cache


def text_buffers(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The UTF-8 bytes (uint8) and offsets (int64[texts + 1]) of a (large_)string array, no copy.

    Null texts count as empty.
    """
    texts = texts.cast(pa.large_string())
    if texts.null_count:
        texts = texts.fill_null("")
    _, offsets, data = texts.buffers()
    if offsets is None:  # of an array without rows
        return np.frombuffer(b"", np.uint8), np.zeros(len(texts) + 1, np.int64)
    rows = slice(texts.offset, texts.offset + len(texts) + 1)
    return _read_only(data or b"", np.uint8), _read_only(offsets, np.int64)[rows]


def _read_only(buffer: Any, dtype: type[np.generic]) -> np.ndarray:
    # some of Arrow's buffers are writable and some not, and each kind would be compiled for anew
    array = np.frombuffer(buffer, dtype)
    array.flags.writeable = False
    return array


def _spaced(words: list[list[str]], behind: str) -> tuple[np.ndarray, np.ndarray]:
    """(UTF-8 of the words, a space behind each, and ``behind`` behind each list; int64, where each
    list ends)."""
    text = ["".join([f"{word} " for word in found]) + behind for found in words]
    encoded = [each.encode() for each in text]
    ends = np.cumsum(np.array(list(map(len, encoded)), np.int64))
    return np.frombuffer(b"".join(encoded), np.uint8), ends


class ChunkTable:
    """See the module. ``capacity`` (a power of two) and ``key_bytes`` bound the memory.

    ``split``, if given, cuts what ``chunk_words`` returns into words once more (see
    :meth:`winnow.text.splits.ChunkSplit.split_all`).
    """

    def __init__(
        self,
        chunk_words: ChunkWords,
        capacity: int = CAPACITY,
        key_bytes: int = KEY_BYTES,
        split: ChunkSplit | None = None,
    ) -> None:
        self._chunk_words = chunk_words
        self._split = split
        self._capacity = capacity
        self._key_bytes = key_bytes
        self._clear(0)

    def _clear(self, document_bytes: int) -> None:
        """Empty the table, with room for one document of ``document_bytes`` at least."""
        capacity = self._capacity
        while capacity < document_bytes // 2 + 1:
            capacity *= 2
        self.entries = 0
        self._resolved = 0
        self._slots = np.zeros((min(_FIRST_SLOTS, 2 * capacity), 2), np.uint64)
        self._key_starts = np.zeros(capacity + 1, np.int64)
        self._keys = np.empty(max(self._key_bytes, document_bytes), np.uint8)
        self.value_starts = np.zeros(capacity + 1, np.int64)
        self.values = np.empty(1 << 16, np.uint8)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the table has in use; what is reserved and unused is no memory."""
        keys = int(self._key_starts[self.entries])
        values = int(self.value_starts[self._resolved])
        return self._slots.nbytes + 16 * self.entries + keys + values

    def clear(self) -> None:
        """Forget all chunks and give their memory back."""
        self._clear(0)

    def _make_room(self, document_bytes: int) -> None:
        from winnow.dedup.signing import chunk_kernels

        slot_count = len(self._slots)
        keys_fit = document_bytes <= len(self._keys) - self._key_starts[self.entries]
        if keys_fit and slot_count < 2 * (len(self._key_starts) - 1):
            grown = np.zeros((2 * slot_count, 2), np.uint64)
            chunk_kernels.regrow(self._slots, grown)
            self._slots = grown
        else:
            self._clear(document_bytes)

    def chunks(self, texts: pa.Array) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
        """The texts as chunk numbers, a run of neighbouring texts at a time.

        Yields (first text, last text + 1, chunks int32[…], ends int64[texts of the run]): text
        ``first + i`` has the chunks ``chunks[ends[i - 1]:ends[i]]``. Until the next run is asked
        for, ``values[value_starts[c]:value_starts[c + 1]]`` (uint8) are the words of chunk c,
        UTF-8, one space behind each.
        """
        from winnow.dedup.signing import chunk_kernels

        data, offsets = text_buffers(texts)
        first, count = 0, len(texts)
        while first < count:
            found = np.empty(int(offsets[-1] - offsets[first]) // 2 + count - first, np.int32)
            ends = np.empty(count - first, np.int64)
            last, self.entries = chunk_kernels.find_chunks(
                data, offsets, first, self._slots, self._key_starts, self._keys, self.entries,
                found, ends,
            )  # fmt: skip
            if last == first:
                self._make_room(int(offsets[first + 1] - offsets[first]))
                continue
            self._resolve()
            ends = ends[: last - first]
            yield first, last, found[: ends[-1]], ends
            first = last

    def _resolve(self) -> None:
        """Store the words of the chunks that are new in the table."""
        if self._resolved == self.entries:
            return
        starts = self._key_starts[self._resolved : self.entries + 1]
        base = starts[0]
        keys = self._keys[base : starts[-1]]
        text = self._text_of(keys, starts - base)
        values, lengths = self._values(text)
        begin = self.value_starts[self._resolved]
        ends = begin + np.cumsum(lengths)
        if ends[-1] + PADDING_BYTES > self.values.size:
            grown = np.empty(2 * int(ends[-1]) + PADDING_BYTES, np.uint8)
            grown[:begin] = self.values[:begin]
            self.values = grown
        self.values[begin : ends[-1]] = values
        self.value_starts[self._resolved + 1 : self.entries + 1] = ends
        self._resolved = self.entries

    def _text_of(self, keys: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """uint8: the words of chunks, each with a space behind it, a newline behind each chunk; no
        word holds either."""
        if self._chunk_words is not chunk_pieces:
            return _spaced(self._words_of(keys, starts), "\n")[0]
        from winnow.dedup.signing import chunk_kernels

        # what ASCII becomes is compiled as well
        beyond = np.concatenate(([0], np.cumsum(keys >= 0x80)))[starts]
        others = np.flatnonzero(np.diff(beyond))
        pieces, ends = _spaced(self._words_of(keys, starts, others), "")
        # a chunk grows by a space behind its last piece and a newline
        text = np.empty(len(keys) + len(pieces) + 2 * len(starts), np.uint8)
        length = chunk_kernels.normalise_chunks(keys, starts, plain_ascii(), pieces, ends, text)
        return text[:length]

    def _words_of(
        self, keys: np.ndarray, starts: np.ndarray, chunks: np.ndarray | None = None
    ) -> list[list[str]]:
        """The words of some chunks (of all, if None) in Python."""
        raw = keys.tobytes()
        low, high = starts[:-1], starts[1:]
        if chunks is not None:
            low, high = low[chunks], high[chunks]
        pairs = zip(low.tolist(), high.tolist(), strict=True)
        return self._chunk_words([raw[start:end].decode() for start, end in pairs])

    def _values(self, text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(words with a space behind each, uint8; bytes of each chunk's words)."""
        newlines, spaces = text == 0x0A, text == 0x20
        if self._split is None:
            ends = np.flatnonzero(newlines)
            return text[~newlines], np.diff(ends - np.arange(len(ends)), prepend=0)
        letters = text[~(newlines | spaces)]
        piece_ends = np.cumsum(~(newlines | spaces))[spaces]
        counts, word_ends = self._split.split_all(letters, piece_ends)
        pieces = np.cumsum(spaces)[newlines]  # up to the end of each chunk
        value_ends = np.concatenate(([0], piece_ends + np.cumsum(counts)))[pieces]
        return np.insert(letters, word_ends, 0x20), np.diff(value_ends, prepend=0)

    def joined(self, texts: pa.Array) -> Iterator[bytes]:
        """For each text its words, UTF-8, one space behind each; empty where it has none."""
        from winnow.dedup.signing import chunk_kernels

        for first, last, chunks, ends in self.chunks(texts):
            offsets = np.zeros(last - first + 1, np.int64)
            data = chunk_kernels.join_words(
                chunks, ends, self.value_starts, self.values, offsets
            ).tobytes()
            for start, end in pairwise(offsets.tolist()):
                yield data[start:end]
