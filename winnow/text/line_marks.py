"""Compiled marks of C4 on lines, as Dolma's taggers set them, and the text without marked lines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.characters import strip
from winnow.text.chunks import space_bytes
from winnow.text.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]

MARK_COUNTS = 7
LOREM_IPSUM = np.frombuffer(b"lorem ipsum", np.uint8)
JAVASCRIPT = np.frombuffer(b"javascript", np.uint8)


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
        lines = unended = short = braces = lorem = words_named = named = 0
        at = start = low
        while at <= high:
            if at < high and data[at] != 0x0A:
                braces += data[at] == 0x7B
                lorem += _holds(data, at, high, lorem_ipsum)
                named += _holds(data, at, high, javascript)
                at += 1
                continue
            lines += 1
            first, last = strip(data, start, at)
            mark = data[last - 1] if first < last else np.uint8(0)
            is_open = not (mark == 0x2E or mark == 0x3F or mark == 0x21 or mark == 0x22)
            words, exact = _count_words(data, first, last, javascript)
            unended += is_open
            short += words < min_words
            words_named += exact
            stop = at + 1 if at < high else at
            if not (drop_open and is_open) and not (drop_short and words < min_words):
                for place in range(start, stop):
                    text[out] = data[place]
                    out += 1
            at += 1
            start = at
        text_offsets[position + 1] = out
        result[position, 0] = lines
        result[position, 1] = unended
        result[position, 2] = short
        result[position, 3] = braces
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
def _count_words(data: Bytes, at: int, end: int, wanted: Bytes) -> tuple[int, int]:
    words = found = 0
    while at < end:
        space = space_bytes(data, at, end)
        if space:
            at += space
            continue
        start = at
        while at < end and (0x20 < data[at] < 0x7F or not space_bytes(data, at, end)):
            at += 1
        words += 1
        found += at - start == len(wanted) and _holds(data, start, at, wanted)
    return words, found
