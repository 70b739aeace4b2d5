"""Compiled passes over the words of documents: hashes of n-grams, and how many are duplicates.

Everywhere: ``offsets`` int64[documents + 1] into words, ``gram_offsets`` int64[documents + 1] into
n-grams. A document's paragraphs are numbered from 0. Import this module inside ``open()`` only:
numba is an optional package.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.chunks import space_bytes
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import hash_bytes

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

_SPACE, _FEED = 0x20, 0x0A
# odd, and 3 modulo 4: of powers of such a number, two that differ leave few zero bits below
_KEY_BASE = np.uint64(0xD6E8FEB86659FD93)
_CHECK_BASE = np.uint64(0xA0761D6478BD642F)
_LENGTH = np.uint64(0x9E3779B97F4A7C15)
_MIX, _OTHER_MIX = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_MIX_SHIFT = np.uint64(33)
_HALF = np.uint64(32)


@compiled
def _white_bytes(data: Bytes, at: int, end: int) -> int:
    """Bytes of the character at ``at`` if it has the property White_Space; else 0."""
    if 0x1C <= data[at] <= 0x1F:
        return 0
    return space_bytes(data, at, end)


@compiled
def _mixed(number: np.uint64) -> np.uint64:
    number = (number ^ (number >> _MIX_SHIFT)) * _MIX
    number = (number ^ (number >> _MIX_SHIFT)) * _OTHER_MIX
    return number ^ (number >> _MIX_SHIFT)


@compiled
def hash_words(
    data: Bytes, starts: Int64, ends: Int64, piece_offsets: Int64
) -> tuple[UInt64, Int32, Int64, Int64]:
    """Those of the pieces between word boundaries that are not white space alone.

    ``data[starts[i]:ends[i]]``, int64[pieces]: all pieces of the documents. Returns hashes uint64
    and paragraphs int32 by word, the documents' offsets into these, and int64[documents]: how many
    paragraphs each has (one more than line feeds).
    """
    hashes = np.empty(len(starts), np.uint64)
    paragraphs = np.empty(len(starts), np.int32)
    offsets = np.zeros(len(piece_offsets), np.int64)
    paragraph_counts = np.empty(len(piece_offsets) - 1, np.int64)
    words = 0
    for document in range(len(piece_offsets) - 1):
        paragraph = 0
        for piece in range(piece_offsets[document], piece_offsets[document + 1]):
            at, end = starts[piece], ends[piece]
            if end - at == 1:
                if data[at] == _SPACE:
                    continue
                if data[at] == _FEED:
                    paragraph += 1
                    continue
            feeds = 0
            while at < end:
                width = _white_bytes(data, at, end)
                if width == 0:
                    break
                feeds += data[at] == _FEED  # a line feed stands alone, or behind its return
                at += width
            paragraph += feeds
            if at == end:
                continue
            hashes[words] = hash_bytes(data, starts[piece], end)
            paragraphs[words] = paragraph
            words += 1
        offsets[document + 1] = words
        paragraph_counts[document] = paragraph + 1
    return hashes[:words], paragraphs[:words], offsets, paragraph_counts


@compiled
def find_ngrams(
    hashes: UInt64, paragraphs: Int32, offsets: Int64, size: int, least: int, across: bool
) -> tuple[UInt64, UInt64, Int32, Int32, Int64]:
    """The n-grams of ``size`` words of every unit; of a unit of fewer words, but ``least``, one.

    A unit is a document (``across``) or a paragraph. Returns by n-gram: keys and checks uint64, the
    paragraph that has all of its words (int32, -1: none) and the number in its document of the
    first equal n-gram of the same unit (int32; its own, if it is that one); and gram_offsets.
    """
    keys = np.empty(len(hashes), np.uint64)
    checks = np.empty(len(hashes), np.uint64)
    places = np.empty(len(hashes), np.int32)
    firsts = np.empty(len(hashes), np.int32)
    gram_offsets = np.zeros(len(offsets), np.int64)
    slots = np.empty(64, np.int64)
    grams = 0
    for document in range(len(offsets) - 1):
        before = grams
        first, last = offsets[document], offsets[document + 1]
        while first < last:
            end = first
            if across:
                end = last
            else:
                while end < last and paragraphs[end] == paragraphs[first]:
                    end += 1
            start = grams
            if end - first >= size:
                _roll(hashes, first, end, size, keys, checks, start)
                for at in range(first, end - size + 1):
                    one = paragraphs[at] == paragraphs[at + size - 1]
                    places[grams] = paragraphs[at] if one else -1
                    grams += 1
            elif end - first >= least:
                _roll(hashes, first, end, end - first, keys, checks, start)
                places[grams] = -1 if across else paragraphs[first]
                grams += 1
            slots = _find_firsts(keys, checks, start, grams, before, firsts, slots)
            first = end
        gram_offsets[document + 1] = grams
    return keys[:grams], checks[:grams], places[:grams], firsts[:grams], gram_offsets


@compiled
def _roll(
    hashes: UInt64, first: int, end: int, size: int, keys: UInt64, checks: UInt64, out: int
) -> None:
    """Keys and checks of all n-grams of ``hashes[first:end]``, to place ``out`` and following: two
    polynomials of the words' hashes modulo 2^64, mixed."""
    key_power, check_power = np.uint64(1), np.uint64(1)  # of the word that falls out
    key, check = np.uint64(0), np.uint64(0)
    length = np.uint64(size) * _LENGTH
    for _ in range(size):
        key_power *= _KEY_BASE
        check_power *= _CHECK_BASE
    for at in range(first, end):
        word = hashes[at]
        key = key * _KEY_BASE + word
        check = check * _CHECK_BASE + (word ^ (word >> _HALF)) * _MIX
        if at - first >= size:
            word = hashes[at - size]
            key -= word * key_power
            check -= (word ^ (word >> _HALF)) * _MIX * check_power
        if at - first >= size - 1:
            keys[out] = _mixed(key + length)
            checks[out] = _mixed(check ^ length)
            out += 1


@compiled
def _find_firsts(
    keys: UInt64, checks: UInt64, start: int, end: int, before: int, firsts: Int32, slots: Int64
) -> Int64:
    """``firsts`` of the n-grams ``start`` to ``end`` of one unit, counted from ``before``; scratch
    ``slots``, perhaps larger now."""
    room = 4
    while room < 2 * (end - start):
        room *= 2
    if room > len(slots):
        slots = np.empty(room, np.int64)
    slots[:room] = -1
    for gram in range(start, end):
        slot = np.int64(keys[gram] >> _HALF) & (room - 1)
        while True:
            other = slots[slot]
            if other < 0:
                slots[slot] = other = gram
                break
            if keys[other] == keys[gram] and checks[other] == checks[gram]:
                break
            slot = (slot + 1) & (room - 1)
        firsts[gram] = other - before
    return slots


@compiled
def count_duplicates(
    places: Int32,
    firsts: Int32,
    gram_offsets: Int64,
    counted: Bools,
    found: Bools,
    paragraph_offsets: Int64,
) -> tuple[Int64, Int64, Int64, Int64]:
    """``counted``, ``found``, bool by n-gram: whether it counts, and (of the first of equal ones of
    a unit) whether an earlier unit has it.

    Returns (n-grams, duplicates) of every document, and the same of every paragraph; documents'
    offsets into paragraphs are int64[documents + 1]. All int64.
    """
    documents = len(gram_offsets) - 1
    totals, duplicates = np.zeros(documents, np.int64), np.zeros(documents, np.int64)
    paragraphs = paragraph_offsets[-1]
    in_totals, in_duplicates = np.zeros(paragraphs, np.int64), np.zeros(paragraphs, np.int64)
    for document in range(documents):
        start = gram_offsets[document]
        for gram in range(start, gram_offsets[document + 1]):
            if not counted[gram]:
                continue
            duplicate = found[start + firsts[gram]]
            totals[document] += 1
            duplicates[document] += duplicate
            if places[gram] >= 0:
                paragraph = paragraph_offsets[document] + places[gram]
                in_totals[paragraph] += 1
                in_duplicates[paragraph] += duplicate
    return totals, duplicates, in_totals, in_duplicates
