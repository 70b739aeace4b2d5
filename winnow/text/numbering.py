"""Compiled numbers for words: an open-addressed table over their bytes.

The table: ``slots`` int32, a power of two, -1 where empty, else the number of a word; by number,
``keys`` uint64, a hash, and ``ends`` int64, where its bytes end in ``letters`` uint8 (they begin
where those of the word before end).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.compiled import compiled
from winnow.text.utf8 import code_point_at

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)


@compiled
def _key(data: Bytes, start: int, end: int) -> np.uint64:
    key = np.uint64(0)
    for at in range(start, end):
        key = (key ^ np.uint64(data[at])) * _MULTIPLIER
    return key ^ (key >> _SHIFT)


@compiled
def _find(
    data: Bytes,
    start: int,
    end: int,
    key: np.uint64,
    slots: Int32,
    keys: UInt64,
    ends: Int64,
    letters: Bytes,
    known: int,
) -> tuple[np.int64, np.int64]:
    """(number of the word, below ``known``, or -1; slot where it is or would be)."""
    mask = len(slots) - 1
    slot = np.int64(key & np.uint64(mask))
    while True:
        number = np.int64(slots[slot])
        if number < 0:
            return number, slot
        if number < known and keys[number] == key:
            begin = ends[number - 1] if number else 0
            same = ends[number] - begin == end - start
            index = 0
            while same and index < end - start:
                same = letters[begin + index] == data[start + index]
                index += 1
            if same:
                return number, slot
        slot = (slot + 1) & mask


@compiled
def number_words(
    data: Bytes,
    starts: Int64,
    counts: Int32,
    word_ends: Int64,
    slots: Int32,
    keys: UInt64,
    ends: Int64,
    letters: Bytes,
    known: int,
    classes: Bytes,
    chars: Int32,
    flags: Bytes,
    numbers: Int32,
) -> int:
    """The numbers of words, new ones added; returns how many words are then known.

    The words of piece ``i`` stand side by side in ``data`` uint8 from ``starts[i]`` on, there are
    ``counts[i]`` of them, and ``word_ends`` says where each one ends. New words fill ``keys``,
    ``ends``, ``letters``, ``chars`` int32 (code points) and ``flags`` uint8; all must have room.
    ``classes``: see :func:`winnow.text.vocabulary.character_classes`.
    """
    at = 0
    for piece in range(len(starts)):
        start = starts[piece]
        for _ in range(counts[piece]):
            end = word_ends[at]
            key = _key(data, start, end)
            number, slot = _find(data, start, end, key, slots, keys, ends, letters, known)
            if number < 0:
                number = np.int64(known)
                slots[slot] = number
                keys[number] = key
                used = ends[number - 1] if number else 0
                for index in range(end - start):
                    letters[used + index] = data[start + index]
                ends[number] = used + end - start
                chars[number], flags[number] = _described(data, start, end, classes)
                known += 1
            numbers[at] = number
            at += 1
            start = end
    return known


@compiled
def _described(data: Bytes, start: int, end: int, classes: Bytes) -> tuple[int, int]:
    """(code points, flags) of a word; classes are flags of characters, by the same bits."""
    any_flags, all_flags = 0, 0xFF
    chars = 0
    at = start
    while at < end:
        code, width = code_point_at(data, at, end)
        one = int(classes[code])
        any_flags |= one
        all_flags &= one
        chars += 1
        at += max(width, 1)
    flags = any_flags & 3  # HAS_LETTER, HAS_INK
    if not flags & 1:
        flags |= all_flags & 8  # IS_PUNCTUATION
        if chars == 1:
            flags |= all_flags & 4  # ENDS_SENTENCE
    return chars, flags


@compiled
def find_words(
    data: Bytes,
    word_ends: Int64,
    slots: Int32,
    keys: UInt64,
    ends: Int64,
    letters: Bytes,
    known: int,
    numbers: Int64,
) -> None:
    """``numbers`` int64: of the words that stand side by side in ``data``; -1 where none below
    ``known`` is the word's."""
    start = 0
    for at in range(len(word_ends)):
        end = word_ends[at]
        key = _key(data, start, end)
        numbers[at], _ = _find(data, start, end, key, slots, keys, ends, letters, known)
        start = end


@compiled
def place_words(keys: UInt64, known: int, slots: Int32) -> None:
    """Fill ``slots``, all -1, with the words ``0 … known - 1``."""
    mask = len(slots) - 1
    for number in range(known):
        slot = np.int64(keys[number] & np.uint64(mask))
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = number
