"""Compiled: pieces of texts (lines, paragraphs, sentences), and texts without some of them.

Everywhere: ``data`` uint8, UTF-8; ``offsets`` int64[texts + 1] into it. Piece *p* is
``data[starts[p]:ends[p]]``, those of text *t* are ``piece_offsets[t]`` to ``piece_offsets[t + 1] -
1``; they do not overlap. Import this module inside ``open()`` only: numba is an optional package.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.chunks import space_bytes
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import copy_bytes, count_byte, count_code_points, next_byte

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

_SPACE, _FEED = 0x20, 0x0A
_ENDS_SENTENCE, _IS_PUNCTUATION = 4, 8  # flags of winnow.text.vocabulary


@compiled
def strip(data: Bytes, start: int, end: int) -> tuple[int, int]:
    """``data[start:end]`` without white space at either end."""
    width = space_bytes(data, start, end) if start < end else 0
    while width:
        start += width
        width = space_bytes(data, start, end) if start < end else 0
    stop = end
    while stop > start:
        before = stop - 1
        while before > start and data[before] & 0xC0 == 0x80:
            before -= 1
        if before + space_bytes(data, before, stop) != stop:
            break
        stop = before
    return start, stop


@compiled
def cut_lines(data: Bytes, offsets: Int64) -> tuple[Int64, Int64, Int64]:
    """(starts, ends, piece_offsets) of what line feeds part, which are in no piece."""
    texts = len(offsets) - 1
    total = count_byte(data, offsets[0], offsets[texts], _FEED) + texts
    starts, ends = np.empty(total, np.int64), np.empty(total, np.int64)
    piece_offsets = np.zeros(texts + 1, np.int64)
    piece = 0
    for text in range(texts):
        at, end = offsets[text], offsets[text + 1]
        while True:
            feed = next_byte(data, at, end, _FEED)
            starts[piece], ends[piece] = at, feed
            piece += 1
            if feed == end:
                break
            at = feed + 1
        piece_offsets[text + 1] = piece
    return starts, ends, piece_offsets


@compiled
def cut_paragraphs(data: Bytes, offsets: Int64) -> tuple[Int64, Int64, Int64]:
    """(starts, ends, piece_offsets) of runs of lines with ink."""
    line_starts, line_ends, line_offsets = cut_lines(data, offsets)
    starts, ends = np.empty_like(line_starts), np.empty_like(line_ends)
    piece_offsets = np.zeros_like(line_offsets)
    piece = 0
    for text in range(len(offsets) - 1):
        inside = False
        for line in range(line_offsets[text], line_offsets[text + 1]):
            first, last = strip(data, line_starts[line], line_ends[line])
            if first == last:
                inside = False
                continue
            if not inside:
                starts[piece] = line_starts[line]
                piece += 1
            inside = True
            ends[piece - 1] = line_ends[line]
        piece_offsets[text + 1] = piece
    return starts[:piece].copy(), ends[:piece].copy(), piece_offsets


@compiled
def cut_sentences(
    data: Bytes, offsets: Int64, rows: Int64, tokens: Int32, token_offsets: Int64, chars: Int32,
    flags: Bytes, unknown: Int64, starts: Int64, ends: Int64, counts: Int64,
) -> int:  # fmt: skip
    """Sentences of the texts ``rows``, one after another; how many in all.

    ``tokens`` are words, those of ``rows[i]`` from ``token_offsets[i]`` on, with ``chars`` code
    points and ``flags`` by word; ``unknown``: words that end no sentence though their flags say so.
    counts int64[rows]: sentences of each. ``starts`` and ``ends`` have room for one a word and one
    more a text. See :func:`winnow.dedup.within.line_pieces.cut` for the rule.
    """
    piece = 0
    for position in range(len(rows)):
        first, end = offsets[rows[position]], offsets[rows[position] + 1]
        before = piece
        at = start = token_end = first
        ended = False
        for index in range(token_offsets[position], token_offsets[position + 1] + 1):
            space = at
            width = space_bytes(data, at, end) if at < end else 0
            while width:
                at += width
                width = space_bytes(data, at, end) if at < end else 0
            # one space behind a word is the word's; more, or another, is a word of its own
            if at > space and (space == first or data[space] != _SPACE or at > space + 1):
                if ended:
                    starts[piece], ends[piece] = start, token_end
                    piece += 1
                    start = token_end
                    ended = False
                token_end = at
            if index == token_offsets[position + 1]:
                break
            word = tokens[index]
            mark = flags[word] & _ENDS_SENTENCE != 0
            for number in range(len(unknown)):
                mark = mark and unknown[number] != word
            if mark:
                ended = True
            elif ended and not flags[word] & _IS_PUNCTUATION:
                starts[piece], ends[piece] = start, token_end
                piece += 1
                start = token_end
                ended = False
            for _ in range(chars[word]):
                at += 1
                while at < end and data[at] & 0xC0 == 0x80:
                    at += 1
            token_end = at
        if token_end > first:
            starts[piece], ends[piece] = start, token_end
            piece += 1
        counts[position] = piece - before
    return piece


@compiled
def ink_chars(data: Bytes, starts: Int64, ends: Int64) -> Int64:
    """Code points of each piece, white space at its ends aside."""
    chars = np.empty(len(starts), np.int64)
    for piece in range(len(starts)):
        first, last = strip(data, starts[piece], ends[piece])
        chars[piece] = count_code_points(data, first, last)
    return chars


@compiled
def text_chars(data: Bytes, offsets: Int64) -> Int64:
    """Code points of each text."""
    chars = np.empty(len(offsets) - 1, np.int64)
    for text in range(len(offsets) - 1):
        chars[text] = count_code_points(data, offsets[text], offsets[text + 1])
    return chars


@compiled
def write_rest(
    data: Bytes, offsets: Int64, rows: Int64, starts: Int64, ends: Int64, piece_offsets: Int64,
    removed: Bools, bare: bool, letters: Bytes, letter_offsets: Int64,
) -> None:  # fmt: skip
    """The texts ``rows`` without the ``removed`` pieces, to ``letters``; int64[rows + 1] to
    ``letter_offsets``.

    What stands before the first piece, between two and behind the last one goes with the piece
    before it (the first: with the first); what would then be left behind the last goes too. If
    ``bare``, nothing is copied but pieces, and white space at the front is left out.
    """
    out = 0
    letter_offsets[0] = 0
    for position in range(len(rows)):
        row = rows[position]
        first, last = piece_offsets[row], piece_offsets[row + 1] - 1
        begin = out
        kept = np.int64(-1)
        for piece in range(first, last + 1):
            if removed[piece]:
                continue
            at = starts[piece]
            if bare:
                width = space_bytes(data, at, ends[piece]) if out == begin else 0
                while width:
                    at += width
                    width = space_bytes(data, at, ends[piece]) if at < ends[piece] else 0
            else:
                gap, gap_end = offsets[row], at
                if kept >= 0:
                    gap, gap_end = ends[kept], starts[kept + 1]
                if kept >= 0 or piece == first:
                    copy_bytes(data, gap, gap_end, letters, out)
                    out += gap_end - gap
            copy_bytes(data, at, ends[piece], letters, out)
            out += ends[piece] - at
            kept = np.int64(piece)
        if kept >= 0 and kept == last and not bare:
            copy_bytes(data, ends[last], offsets[row + 1], letters, out)
            out += offsets[row + 1] - ends[last]
        letter_offsets[position + 1] = out
