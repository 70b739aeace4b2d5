"""Numbers for words, and what measures ask of a word over and over.

A vocabulary gives every distinct word a number and keeps its length, its flags, its hash. Measures
then gather from arrays and touch no string. Numbers depend on what the vocabulary has met before;
nothing that is computed from them may.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from winnow.text import grams, numbering
from winnow.text.punctuation import PUNCTUATION_SET, SENTENCE_ENDS
from winnow.text.utf8 import CODE_POINTS

HAS_LETTER = 1  # at least one character is a letter (``str.isalpha``)
HAS_INK = 2  # at least one character is not in PUNCTUATION_SET
ENDS_SENTENCE = 4  # the whole word is one mark of SENTENCE_ENDS (spaCy's sentencizer)
IS_PUNCTUATION = 8  # every character is of a Unicode category P* (spaCy's ``is_punct``)

_START = 1 << 13
_LAST_PUNCTUATION = 0x20000  # planes from the second on have no punctuation

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]


class Vocabulary:
    """Word → number, and arrays by number; grows as words are met, until it is cleared."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all words; what was handed out before stays as it is."""
        self._count = 0
        self._slots = np.full(4 * _START, -1, np.int32)
        self._keys = np.empty(_START, np.uint64)
        self._ends = np.empty(_START, np.int64)
        self._letters = np.empty(8 * _START, np.uint8)
        self._chars = np.empty(_START, np.int32)
        self._flags = np.empty(_START, np.uint8)
        self._hashes = np.empty((_START, 4), np.uint64)

    def __len__(self) -> int:
        return self._count

    @property
    def chars(self) -> Int32:
        """Code points, ``int32[words]``."""
        return self._chars[: self._count]

    @property
    def flags(self) -> Bytes:
        """``HAS_LETTER`` and the others, ``uint8[words]``."""
        return self._flags[: self._count]

    @property
    def hashes(self) -> UInt64:
        """Of the UTF-8 bytes, ``uint64[words, 4]``; see :func:`winnow.text.grams.hash_words`."""
        return self._hashes[: self._count]

    def numbers(self, words: Iterable[str]) -> list[int]:
        """The numbers of ``words``, new ones added."""
        data, ends = _joined(words)
        starts = np.zeros(min(len(ends), 1), np.int64)
        counts = np.full(len(starts), len(ends), np.int32)
        found: list[int] = self.numbers_in(data, starts, counts, ends).tolist()
        return found

    def numbers_in(self, data: Bytes, starts: Int64, counts: Int32, word_ends: Int64) -> Int32:
        """The numbers (int32) of words that are pieces of ``data``, new ones added.

        ``counts[i]`` words stand side by side from ``data[starts[i]]`` on, UTF-8; each ends at
        its ``word_ends``.
        """
        first = self._count
        self._make_room(first + len(word_ends), len(data))
        found = np.empty(len(word_ends), np.int32)
        self._count = numbering.number_words(
            data, starts, counts, word_ends, self._slots, self._keys, self._ends, self._letters,
            first, character_classes(), self._chars, self._flags, found,
        )  # fmt: skip
        if self._count > first:
            start = int(self._ends[first - 1]) if first else 0
            ends = self._ends[first : self._count]
            hashes = grams.hash_words(self._letters[start : ends[-1]], ends - start)
            self._hashes = extended(self._hashes, first, hashes)
        return found

    def _make_room(self, words: int, new_bytes: int) -> None:
        used = int(self._ends[self._count - 1]) if self._count else 0
        self._keys = grown(self._keys, words)
        self._ends = grown(self._ends, words)
        self._letters = grown(self._letters, used + new_bytes)
        self._chars = grown(self._chars, words)
        self._flags = grown(self._flags, words)
        size = len(self._slots)
        while size < 2 * words:
            size *= 2
        if size > len(self._slots):
            self._slots = np.full(size, -1, np.int32)
            numbering.place_words(self._keys, self._count, self._slots)

    def snapshot(self) -> Snapshot:
        """The words as they are now; later ones, and clearing, do not show in it."""
        return Snapshot(self._count, self._slots, self._keys, self._ends, self._letters)


class Snapshot:
    """The words that a vocabulary held at one moment, without a copy: words are only added to
    the arrays, and arrays that grow or are cleared are others."""

    def __init__(self, count: int, slots: Int32, keys: UInt64, ends: Int64, letters: Bytes) -> None:
        self._table = (slots, keys, ends, letters, count)

    def ids_of(self, words: Iterable[str]) -> list[int]:
        """The numbers of ``words``; -1 where the vocabulary did not hold the word."""
        data, ends = _joined(words)
        found = np.empty(len(ends), np.int64)
        numbering.find_words(data, ends, *self._table, found)
        numbers: list[int] = found.tolist()
        return numbers

    def words(self) -> list[str]:
        """All words, by number: for people and tests, since it makes a string of each."""
        _, _, ends, letters, count = self._table
        bounds = [0, *ends[:count].tolist()]
        raw = letters[: bounds[-1]].tobytes()
        return [raw[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(bounds)]


def _joined(words: Iterable[str]) -> tuple[Bytes, Int64]:
    """(UTF-8 of all words, where each ends), neither read-only: kernels are compiled for one
    kind."""
    encoded = [word.encode("utf-8", "surrogatepass") for word in words]
    data = np.frombuffer(bytearray(b"".join(encoded)), np.uint8)
    return data, np.cumsum([len(word) for word in encoded], dtype=np.int64)


@cache
def character_classes() -> Bytes:
    """``uint8[code points]``: the flags of a word that is this one character, ENDS_SENTENCE and
    IS_PUNCTUATION also where it is a letter."""
    # the ufuncs ask this Python's own Unicode tables; no string is made per character
    characters = np.arange(CODE_POINTS, dtype=np.uint32).view("U1")
    letters = np.strings.isalpha(characters)
    classes = np.full(CODE_POINTS, HAS_INK, np.uint8)
    classes[[ord(mark) for mark in PUNCTUATION_SET]] = 0
    classes[letters] |= HAS_LETTER | HAS_INK
    classes[[ord(mark) for mark in SENTENCE_ENDS]] |= ENDS_SENTENCE
    for code in np.flatnonzero(~letters[:_LAST_PUNCTUATION]).tolist():
        if unicodedata.category(chr(code))[0] == "P":
            classes[code] |= IS_PUNCTUATION
    classes.flags.writeable = False
    return classes


def grown(array: Any, size: int) -> Any:
    """``array`` with room for ``size`` items; its items kept, the rest undefined."""
    if size <= len(array):
        return array
    larger = np.empty((max(size, 2 * len(array)), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


def extended(array: Any, used: int, items: Any) -> Any:
    """``array`` with ``items`` from index ``used`` on."""
    array = grown(array, used + len(items))
    array[used : used + len(items)] = items
    return array
