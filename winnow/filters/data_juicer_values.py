"""The values of ``data_juicer``, some texts at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from winnow.filters.gopher_quality import share
from winnow.text.char_grams import recurring_char_grams
from winnow.text.code_points import code_points
from winnow.text.listed_words import PhraseSet, count_phrases
from winnow.text.normalised import refine
from winnow.text.recurrence import number_words, recurring_grams
from winnow.text.signals import CHARACTER_COUNTS, count_characters
from winnow.text.special_characters import special_characters

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


def values_of(
    codes: Int32,
    offsets: Int64,
    flagged_words: PhraseSet | None,
    stop_words: PhraseSet | None,
    char_gram_chars: int,
    word_gram_words: int,
) -> list[Any]:
    """float64 (or whole) arrays in the order of the filter's measures; NaN is null."""
    tables, special = code_points(), special_characters()
    texts, chars = len(offsets) - 1, np.diff(offsets)
    counts = np.empty((texts, CHARACTER_COUNTS), np.int64)
    count_characters(codes, offsets, tables.kinds, special, counts)
    alphanumeric, marked, lines, longest = counts.T
    char_grams = np.empty((texts, 2), np.int64)
    recurring_char_grams(codes, offsets, char_gram_chars, char_grams)

    letters = np.empty(len(codes) * tables.lower.longest, np.int32)
    starts, ends = np.empty(len(codes), np.int64), np.empty(len(codes), np.int64)
    word_offsets, inked = np.empty(texts + 1, np.int64), np.empty(texts, np.int64)
    refine(
        codes,
        offsets,
        tables.kinds,
        special,
        tables.lower.codes,
        tables.lower.ends,
        tables.lower.several,
        letters,
        starts,
        ends,
        word_offsets,
        inked,
    )
    words, total = np.diff(word_offsets), int(word_offsets[-1])
    numbers, word_counts = np.empty(total, np.int32), np.empty(total, np.int32)
    number_words(
        letters, starts, ends, word_offsets, numbers, word_counts, np.empty(texts, np.int64)
    )
    shape = (texts, word_gram_words + 1)
    top, covered, recurring = (np.empty(shape, np.int64) for _ in range(3))
    recurring_grams(numbers, starts, ends, word_offsets, top, covered, recurring)

    def listed(phrases: PhraseSet | None) -> Any:
        if phrases is None:
            return np.full(texts, np.nan)
        return share(count_phrases(letters, starts, ends, word_offsets, phrases), words)

    return [
        share(alphanumeric, chars),
        share(chars, lines),
        share(char_grams[:, 1], char_grams[:, 0]),
        listed(flagged_words),
        longest,
        share(marked, chars),
        listed(stop_words),
        chars,
        inked,
        share(recurring[:, word_gram_words], np.maximum(words - word_gram_words + 1, 0)),
    ]
