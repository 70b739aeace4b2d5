"""Compiled marks of C4 on lines, as Dolma's taggers set them, and the text without marked lines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.characters import count_words, strip
from winnow.text.chunks import space_bytes
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import copy_bytes, count_byte, eight_bytes, mask_zero, next_byte

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]

MARK_COUNTS = 7
LOREM_IPSUM = np.frombuffer(b"lorem ipsum", np.uint8)
JAVASCRIPT = np.frombuffer(b"javascript", np.uint8)

_EIGHT_TIMES = np.uint64(0x0101010101010101)
_LOWER_CASE = np.uint64(0x2020202020202020)


@compiled
def mark_lines(
    data: Bytes,
    offsets: Int64,
    rows: Int64,
    min_words: int,
    drop_open: bool,
    drop_short: bool,
    lorem_ipsum: Bytes,
    javascript: Bytes,
    result: Int64,
    text: Bytes,
    text_offsets: Int64,
) -> None:
    """``result`` int64[n, 7]: lines (between line feeds); those that do not end in ``. ? ! "``,
    white space apart; those of fewer than ``min_words`` words; ``{``; "lorem ipsum" in any case;
    "javascript" in any case as a whole word of ``str.split()``; anywhere.

    ``text`` (uint8, room for all rows; ends in ``text_offsets[1:]``): the rows without the lines of
    the second kind (``drop_open``), the third (``drop_short``), each with its line feed.
    """
    out = 0
    text_offsets[0] = 0
    for position in range(len(rows)):
        low, high = offsets[rows[position]], offsets[rows[position] + 1]
        lines = unended = short = words_named = 0
        lorem = _count_phrase(data, low, high, lorem_ipsum)
        named = _count_phrase(data, low, high, javascript)
        at = start = low
        while at <= high:
            at = next_byte(data, at, high, 0x0A)
            lines += 1
            first, last = strip(data, start, at)
            mark = data[last - 1] if first < last else np.uint8(0)
            is_open = not (mark == 0x2E or mark == 0x3F or mark == 0x21 or mark == 0x22)
            is_short = count_words(data, first, last, min_words) < min_words
            unended += is_open
            short += is_short
            if named:
                words_named += _count_word(data, first, last, javascript)
            stop = at + 1 if at < high else at
            if not (drop_open and is_open) and not (drop_short and is_short):
                copy_bytes(data, start, stop, text, out)
                out += stop - start
            at += 1
            start = at
        text_offsets[position + 1] = out
        result[position, 0] = lines
        result[position, 1] = unended
        result[position, 2] = short
        result[position, 3] = count_byte(data, low, high, 0x7B)
        result[position, 4] = lorem
        result[position, 5] = words_named
        result[position, 6] = named


@compiled
def _holds(data: Bytes, at: int, end: int, phrase: Bytes) -> bool:
    """``phrase`` (lower case) at ``at``, in any case; no other letter has one of its as lower."""
    if at + len(phrase) > end:
        return False
    for index in range(len(phrase)):
        byte = data[at + index]
        if 0x41 <= byte <= 0x5A:
            byte += 0x20
        if byte != phrase[index]:
            return False
    return True


@compiled
def _count_phrase(data: Bytes, at: int, end: int, phrase: Bytes) -> int:
    """Places of ``data[at:end]`` with ``phrase``, three bytes and more, in any case."""
    first = np.uint64(phrase[0]) * _EIGHT_TIMES
    second, third = np.uint64(phrase[1]) * _EIGHT_TIMES, np.uint64(phrase[2]) * _EIGHT_TIMES
    total = 0
    while at + len(phrase) <= end:
        if at + 10 > len(data):
            total += _holds(data, at, end, phrase)
            at += 1
            continue
        one = (eight_bytes(data, at) | _LOWER_CASE) ^ first
        two = (eight_bytes(data, at + 1) | _LOWER_CASE) ^ second
        three = (eight_bytes(data, at + 2) | _LOWER_CASE) ^ third
        if mask_zero(one | two | three):
            for place in range(at, at + 8):
                total += _holds(data, place, end, phrase)
        at += 8
    return total


@compiled
def _count_word(data: Bytes, at: int, end: int, wanted: Bytes) -> int:
    """Words of ``str.split()`` that are ``wanted``, in any case."""
    found = 0
    while at < end:
        space = space_bytes(data, at, end)
        if space:
            at += space
            continue
        start = at
        while at < end and (0x20 < data[at] < 0x7F or not space_bytes(data, at, end)):
            at += 1
        found += at - start == len(wanted) and _holds(data, start, at, wanted)
    return found
