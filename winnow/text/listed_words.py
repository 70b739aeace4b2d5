"""Compiled: how often the words of a text are on a list, words and texts being code points."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from winnow.text.compiled import compiled

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class PhraseSet:
    """Entries as arrays, for :func:`count_phrases`: each some words with one space between two.

    Compared as they are, case and all. An entry with another number of spaces matches nothing.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        by_first: dict[str, list[str]] = {}
        for entry in sorted(set(entries)):
            words = entry.split(" ")
            if all(words):
                by_first.setdefault(words[0], []).append(entry)
        phrases = [entry for entries in by_first.values() for entry in entries]
        self.firsts, self.first_ends = _code_points(by_first)
        """First words, and where the letters of each end."""
        self.ranges = np.cumsum([0, *map(len, by_first.values())])
        """Which phrases begin with first word ``f``: ``ranges[f] … ranges[f + 1] - 1``."""
        self.letters, self.ends = _code_points(phrases)
        self.words = np.array([1 + entry.count(" ") for entry in phrases], np.int64)
        """Words of each phrase."""
        size = 16
        while size < 4 * len(by_first):
            size *= 2
        self.slots = np.full(size, -1, np.int32)
        place_words(self.firsts, self.first_ends, self.slots)


def _code_points(words: Iterable[str]) -> tuple[Int32, Int64]:
    """Code points of all, one after the other, and where each ends."""
    words = list(words)
    letters = np.array([ord(letter) for word in words for letter in word], np.int32)
    return letters, np.cumsum([len(word) for word in words], dtype=np.int64)


def count_phrases(
    letters: Int32, starts: Int64, ends: Int64, word_offsets: Int64, phrases: PhraseSet
) -> Int64:
    """How many runs of words of each text are one of ``phrases``, ``int64[texts]``.

    Word ``w`` is ``letters[starts[w]:ends[w]]``, the words of text ``t`` are ``word_offsets[t] …
    word_offsets[t + 1] - 1``; phrases of several words are found where ``letters`` holds the words
    with one space between two.
    """
    counts = np.empty(len(word_offsets) - 1, np.int64)
    count_matches(
        letters,
        starts,
        ends,
        word_offsets,
        phrases.slots,
        phrases.firsts,
        phrases.first_ends,
        phrases.ranges,
        phrases.letters,
        phrases.ends,
        phrases.words,
        counts,
    )
    return counts


@compiled
def place_words(letters: Int32, ends: Int64, slots: Int32) -> None:
    """Open addressing: fill ``slots``, a power of two and all -1, with the numbers of words."""
    start = 0
    for word in range(len(ends)):
        slot = _key(letters, start, ends[word]) & (len(slots) - 1)
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = word
        start = ends[word]


@compiled
def _key(letters: Int32, start: int, end: int) -> int:
    key = np.uint64(end - start)
    for at in range(start, end):
        key = (key ^ np.uint64(letters[at])) * _MULTIPLIER
    return int(key >> np.uint64(32))


@compiled
def count_matches(
    letters: Int32,
    starts: Int64,
    ends: Int64,
    word_offsets: Int64,
    slots: Int32,
    firsts: Int32,
    first_ends: Int64,
    ranges: Int64,
    phrase_letters: Int32,
    phrase_ends: Int64,
    phrase_words: Int64,
    counts: Int64,
) -> None:
    """:func:`count_phrases`, over the arrays of a :class:`PhraseSet`."""
    lengths = np.int64(0)  # bit n: a first word has n characters; 63: or more
    for word in range(len(first_ends)):
        length = first_ends[word] - (first_ends[word - 1] if word else 0)
        lengths |= np.int64(1) << min(length, 63)
    for text in range(len(word_offsets) - 1):
        found = 0
        last = word_offsets[text + 1]
        for word in range(word_offsets[text], last):
            length = ends[word] - starts[word]
            if not lengths >> min(length, 63) & 1:
                continue
            slot = _key(letters, starts[word], ends[word]) & (len(slots) - 1)
            first = slots[slot]
            while first >= 0:
                begin = first_ends[first - 1] if first else 0
                same = first_ends[first] - begin == length
                index = 0
                while same and index < length:
                    same = firsts[begin + index] == letters[starts[word] + index]
                    index += 1
                if same:
                    break
                slot = (slot + 1) & (len(slots) - 1)
                first = slots[slot]
            if first < 0:
                continue
            for phrase in range(ranges[first], ranges[first + 1]):
                last_word = word + phrase_words[phrase] - 1
                begin = phrase_ends[phrase - 1] if phrase else 0
                length = phrase_ends[phrase] - begin
                same = last_word < last and ends[last_word] - starts[word] == length
                index = 0
                while same and index < length:
                    same = phrase_letters[begin + index] == letters[starts[word] + index]
                    index += 1
                found += same
        counts[text] = found
