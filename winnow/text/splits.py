"""Which splits into words have a compiled form, and the one way to call it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from winnow.text.words import EnglishWords, Words

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

Kernel = Callable[[Bytes, Int64, Int32, Int64], int]
"""(data, ends, counts, word_ends) as :func:`winnow.text.english_kernels.split_english` has them."""


class ChunkSplit:
    """Splits many chunks at once exactly as ``words.tokenize`` splits each of them."""

    def __init__(self, words: Words) -> None:
        self._tokenize = words.tokenize
        # the kernels are those of these two functions: whoever overrides one loses its kernel
        tokenize = type(words).tokenize
        self._kernel: Kernel | None = None
        if tokenize is EnglishWords.tokenize:
            self._kernel = _english()
        elif tokenize is Words.tokenize:
            self._kernel = _by_script()

    def split(self, data: Bytes, ends: Int64) -> tuple[Int32, Int64]:
        """(words of each chunk, int32[chunks], 0: undecided; where in ``data`` each ends, int64).

        The chunks stand side by side in ``data``, UTF-8, and ``ends`` says where each one ends.
        The words of a decided chunk join to it. Those of an undecided one are left to
        :meth:`words_of`.
        """
        counts = np.zeros(len(ends), np.int32)
        if self._kernel is None or not len(ends):
            return counts, np.empty(0, np.int64)
        word_ends = np.empty(int(ends[-1]), np.int64)
        total = self._kernel(data, ends, counts, word_ends)
        return counts, word_ends[:total]

    def split_all(self, data: Bytes, ends: Int64) -> tuple[Int64, Int64]:
        """As :meth:`split`, and all chunks are decided; for valid UTF-8, and ``words`` whose words
        join to the chunk. Counts are int64."""
        counts, word_ends = self.split(data, ends)
        undecided = np.flatnonzero(counts == 0)
        words = self.words_of(data, ends, undecided)
        lengths = [len(word.encode()) for found in words for word in found]
        sizes = np.array(list(map(len, words)), np.int64)
        starts = ends[undecided] - np.diff(ends, prepend=0)[undecided]
        before = np.cumsum(lengths, dtype=np.int64)  # among the undecided chunks
        chunk_starts = np.cumsum(ends[undecided] - starts) - (ends[undecided] - starts)
        places = np.repeat(np.cumsum(counts)[undecided], sizes)
        added = before + np.repeat(starts - chunk_starts, sizes)
        every = counts.astype(np.int64)
        every[undecided] = sizes
        return every, np.insert(word_ends, places, added)

    def words_of(self, data: Bytes, ends: Int64, chunks: Int64) -> list[tuple[str, ...]]:
        """The words of some ``chunks`` (their places, int64), by ``tokenize``; any damaged byte
        becomes U+FFFD."""
        if not len(chunks):
            return []
        starts = np.where(chunks > 0, ends[chunks - 1], 0)
        raw = data.tobytes()
        return [
            tuple(self._tokenize(raw[start:end].decode("utf-8", "replace")))
            for start, end in zip(starts.tolist(), ends[chunks].tolist(), strict=True)
        ]


@cache
def _english() -> Kernel:
    from winnow.text.english_kernels import split_english
    from winnow.text.english_tables import english_tables

    classes, lexicon = english_tables()
    return lambda data, ends, counts, word_ends: split_english(
        data, ends, classes, lexicon, counts, word_ends
    )


@cache
def _by_script() -> Kernel:
    from winnow.text.script_kernels import split_by_script
    from winnow.text.scripts import script_classes

    classes = script_classes()
    return lambda data, ends, counts, word_ends: split_by_script(
        data, ends, classes, counts, word_ends
    )
