"""Sentences of lines, counted as spaCy's sentencizer would over the words of each line, or as
Punkt finds them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.chunks import space_bytes
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import eight_bytes, first_of, mask_equal, mask_unusual, number_of
from winnow.text.punkt import Punkt
from winnow.text.table import BatchWords, TextColumn

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

# in SENTENCE_ENDS, but not among the marks of spaCy 3.8's sentencizer
UNKNOWN_TO_SPACY = (
    "\u061d\u061e\u0837\u0839\u083d\u083e\u17d4\u17d5\u17d6\u17d9\u17da\u1b7d\u1b7e\u2e53\u2e54"
    "\U00010f55\U00010f56\U00010f57\U00010f58\U00010f59\U00010f86\U00010f87\U00010f88\U00010f89"
    "\U00011944\U00011946\U00011ef7\U00011ef8\U00011f43\U00011f44\U00016e98"
)
_NEVER = np.int64(2**62)


def sentences_of(
    text: TextColumn, words: BatchWords, english: bool, open_ends: Int64
) -> npt.NDArray[np.int64]:
    """Sentences of the lines of ``words.rows``, ``int64[n]``, each line (to a line feed) for
    itself and counting at least 1; 0 for the empty text.

    A sentence begins at a line's first word, and at the first word that is no punctuation after
    a word that is a sentence end. White space inside a line that is more than one space, and at
    the end of one, is such a word too (spaCy makes a token of it); where ``open_ends`` int64[n]
    is not 0, as if some stood at the end of the text. ``english``: only what spaCy knows ends a
    sentence, not all of ``SENTENCE_ENDS``.

    Source: spaCy 3.8 ``sentencizer.pyx`` through datatrove 0.10 ``split_into_sentences``.
    """
    unknown = [word for word in words.ids_of(UNKNOWN_TO_SPACY) if word >= 0] if english else []
    result = np.empty(len(words.rows), np.int64)
    _count(
        text.data,
        text.offsets,
        words.rows,
        words.tokens,
        words.offsets,
        words.chars,
        words.flags,
        np.array(unknown, np.int64),
        open_ends,
        result,
    )
    return result


def punkt_sentences_of(text: TextColumn, rows: Int64, punkt: Punkt) -> Int64:
    """Sentences of the lines of ``rows``, ``int64[n]``, as Punkt finds them in each line for
    itself; none in a blank one.

    Source: datatrove 0.2.0 ``C4QualityFilter``, which made FineWeb.
    """
    result = np.empty(len(rows), np.int64)
    for position, row in enumerate(rows.tolist()):
        raw = text.data[text.offsets[row] : text.offsets[row + 1]].tobytes()
        result[position] = punkt.sentence_count(raw.decode("utf-8", "replace").split("\n")).sum()
    return result


@compiled
def _count(
    data: Bytes,
    offsets: Int64,
    rows: Int64,
    tokens: Int32,
    token_offsets: Int64,
    chars: Int32,
    flags: Bytes,
    unknown: Int64,
    open_ends: Int64,
    result: Int64,
) -> None:
    places = np.empty(64, np.int64)
    for position in range(len(rows)):
        start, end = offsets[rows[position]], offsets[rows[position] + 1]
        places, lines = _breaks(data, start, end, places)
        words = tokens[token_offsets[position] : token_offsets[position + 1]]
        total, ended = _begun_inside(words, chars, flags, unknown, places)
        if ended and open_ends[position]:
            total += 1
        result[position] = lines + total


@compiled
def _breaks(data: Bytes, at: int, end: int, places: Int64) -> tuple[Int64, int]:
    """(where the words of a text are parted by more than one space, number of lines).

    Of each such place twice the number of code points of ink before it; and 1 more where it is
    white space within a line, not a line feed. Rising, and a number above all others at the end.
    ``places`` is used where it is long enough.
    """
    count = ink = 0
    lines = 1 if end > at else 0
    before = np.uint8(0x21)
    while at < end:
        if at + 8 <= end:
            eight = eight_bytes(data, at)
            spaces = mask_equal(eight, 0x20)
            behind = spaces << np.uint64(8) | np.uint64(0x80 if before <= 0x20 else 0)
            odds = mask_unusual(eight, 0x20) | (spaces & behind)
            plain = 8 if odds == 0 else first_of(odds)
            if plain:
                ink += plain - number_of(spaces << np.uint64(64 - 8 * plain))
                at += plain
                before = data[at - 1]
                if odds == 0:
                    continue
        byte = data[at]
        odd = (byte < 0x20) | ((byte == 0x20) & (before <= 0x20)) | (byte == 0xC2)
        before = byte
        if not (odd | ((byte >= 0xE1) & (byte <= 0xE3))):
            ink += (byte > 0x20) & ((byte & 0xC0) != 0x80)
            at += 1
            continue
        place = 2 * ink
        if byte == 0x0A:
            lines += 1
            at += 1
        else:
            space = space_bytes(data, at, end)
            if not space:
                ink += 1
                at += 1
                continue
            place += 1
            while space and data[at] != 0x0A:
                at += space
                space = space_bytes(data, at, end) if at < end else 0
        if count + 1 >= len(places):
            longer = np.empty(2 * len(places), np.int64)
            longer[:count] = places[:count]
            places = longer
        places[count] = place
        count += 1
    places[count] = _NEVER
    return places, lines


@compiled
def _begun_inside(
    tokens: Int32, chars: Int32, flags: Bytes, unknown: Int64, places: Int64
) -> tuple[int, bool]:
    """Sentences that begin inside lines, and whether the last one has ended.

    The words of a text join to its ink, so that no look at the text is needed: where they are
    parted is where ``places`` say it.
    """
    total = ink = at = 0
    ended = False  # the sentence, by a mark; what is no punctuation begins the next
    for word in tokens:
        if ended or flags[word] & 12:
            while places[at] <= 2 * ink + 1:
                total += ended and places[at] & 1
                ended = False
                at += 1
            if _is_mark(word, flags, unknown):
                ended = True
            elif ended and not flags[word] & 8:
                total += 1
                ended = False
        ink += chars[word]
    while places[at] <= 2 * ink + 1:
        total += ended and places[at] & 1
        ended = False
        at += 1
    return total, ended


@compiled
def _is_mark(word: int, flags: Bytes, unknown: Int64) -> bool:
    mark = bool(flags[word] & 4)
    for index in range(len(unknown)):
        mark = mark and unknown[index] != word
    return mark
