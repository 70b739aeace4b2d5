"""Numbers for words, and what measures ask of a word over and over.

A vocabulary gives every distinct word a number and keeps its length, its flags, its hash. Measures
then gather from arrays and touch no string. Numbers depend on what the vocabulary has met before;
nothing that is computed from them may.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from winnow.text import grams
from winnow.text.punctuation import PUNCTUATION_SET, SENTENCE_ENDS

HAS_LETTER = 1  # at least one character is a letter (``str.isalpha``)
HAS_INK = 2  # at least one character is not in PUNCTUATION_SET
ENDS_SENTENCE = 4  # the whole word is one mark of SENTENCE_ENDS (spaCy's sentencizer)
IS_PUNCTUATION = 8  # every character is of a Unicode category P* (spaCy's ``is_punct``)

_START = 1 << 13


class Vocabulary:
    """Word → number, and arrays by number; grows as words are met, until it is cleared."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all words; arrays handed out before stay as they are."""
        self.ids: dict[str, int] = {}
        self._chars = np.empty(_START, np.int32)
        self._flags = np.empty(_START, np.uint8)
        self._hashes = np.empty((_START, 3), np.uint64)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def chars(self) -> npt.NDArray[np.int32]:
        """Code points, ``int32[words]``."""
        return self._chars[: len(self.ids)]

    @property
    def flags(self) -> npt.NDArray[np.uint8]:
        """``HAS_LETTER`` and the others, ``uint8[words]``."""
        return self._flags[: len(self.ids)]

    @property
    def hashes(self) -> npt.NDArray[np.uint64]:
        """Of the UTF-8 bytes, ``uint64[words, 3]``; see :func:`winnow.text.grams.hash_words`."""
        return self._hashes[: len(self.ids)]

    def numbers(self, words: Iterable[str]) -> list[int]:
        """The numbers of ``words``, new ones added."""
        ids = self.ids
        first = len(ids)
        found: list[int] = []
        fresh: list[str] = []
        for word in words:
            number = ids.get(word)
            if number is None:
                number = ids[word] = len(ids)
                fresh.append(word)
            found.append(number)
        self._describe(fresh, first)
        return found

    def _describe(self, words: Sequence[str], first: int) -> None:
        if not words:
            return
        encoded = [word.encode("utf-8", "replace") for word in words]
        ends = np.cumsum([len(word) for word in encoded])
        letters = np.frombuffer(b"".join(encoded), np.uint8)
        self._chars = extended(self._chars, first, [len(word) for word in words])
        self._flags = extended(self._flags, first, [_flags(word) for word in words])
        self._hashes = extended(self._hashes, first, grams.hash_words(letters, ends))


def _flags(word: str) -> int:
    letter = word.isalpha() or any(map(str.isalpha, word))
    ink = letter or not PUNCTUATION_SET.issuperset(word)
    flags = HAS_LETTER * letter + HAS_INK * ink
    if not letter:
        flags += ENDS_SENTENCE * (word in SENTENCE_ENDS)
        flags += IS_PUNCTUATION * all(unicodedata.category(mark)[0] == "P" for mark in word)
    return flags


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
