"""The values of ``redpajama``, some texts at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from winnow.filters.gopher_quality import share
from winnow.filters.redpajama import DUP_SIZES, TOP_SIZES
from winnow.text import signals
from winnow.text.code_points import code_points
from winnow.text.listed_words import PhraseSet, count_phrases
from winnow.text.normalised import ascii_punctuation, normalise
from winnow.text.recurrence import entropies, number_words, recurring_grams

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

_JAVASCRIPT = PhraseSet(["javascript"])


def signals_of(
    codes: Int32, offsets: Int64, bad_words: PhraseSet | None, stop_words: PhraseSet | None
) -> list[Any]:
    """float64 (or whole) arrays in the order of the filter's measures; NaN is null."""
    tables = code_points()
    images = tables.lower_nfd
    texts, chars = len(offsets) - 1, np.diff(offsets)
    counts = np.empty((texts, signals.SIGNALS), np.int64)
    upper, numeric, nats = (np.empty(texts, np.float64) for _ in range(3))

    starts, ends = np.empty(len(codes), np.int64), np.empty(len(codes), np.int64)
    word_offsets = np.empty(texts + 1, np.int64)
    signals.count_signals(codes, offsets, tables.kinds, starts, ends, word_offsets, counts, upper)
    raw_words, lettered, capitals, symbols, brackets, sentences = counts.T[:6]
    lines, ellipses, terminals, bullets = counts.T[6:]
    null = np.full(texts, np.nan)
    stop_words_found = null
    if stop_words is not None:
        stop_words_found = count_phrases(codes, starts, ends, word_offsets, stop_words)

    letters = np.empty(len(codes) * images.longest, np.int32)
    normalise(
        codes,
        offsets,
        tables.kinds,
        tables.combining,
        ascii_punctuation(),
        images.codes,
        images.ends,
        images.several,
        letters,
        starts,
        ends,
        word_offsets,
        numeric,
    )
    words = np.diff(word_offsets)
    total = int(word_offsets[-1])
    inked = np.diff(np.concatenate([[0], np.cumsum((ends - starts)[:total])])[word_offsets])
    lorem = np.empty((texts, 2), np.int64)
    signals.count_lorem_ipsum(letters, starts, ends, word_offsets, lorem)
    numbers, word_counts = np.empty(total, np.int32), np.empty(total, np.int32)
    distinct = np.empty(texts, np.int64)
    number_words(letters, starts, ends, word_offsets, numbers, word_counts, distinct)
    entropies(word_counts, word_offsets, distinct, nats)
    top, covered, recurring = (np.empty((texts, DUP_SIZES[-1] + 1), np.int64) for _ in range(3))
    recurring_grams(numbers, starts, ends, word_offsets, top, covered, recurring)
    phrases = (letters, starts, ends, word_offsets)
    return [
        null if bad_words is None else count_phrases(*phrases, bad_words),
        # words and the spaces between them; their regular expression counts once one is exact
        share(np.where(lorem[:, 0] > 0, lorem[:, 1], 0), np.maximum(inked + words - 1, 0)),
        share(brackets, chars),
        np.where(words > 0, share(stop_words_found, raw_words), 0 * stop_words_found),
        sentences,
        words,
        share_or_null(inked, words),
        share_or_null(symbols, raw_words),
        share_or_null(ellipses, lines),
        share_or_null(raw_words - lettered, raw_words),
        share_or_null(distinct, words),
        np.where(words > 0, nats, np.nan),
        share_or_null(capitals, raw_words),
        *(share(top[:, size], inked) for size in TOP_SIZES),
        *(share(covered[:, size], inked) for size in DUP_SIZES),
        count_phrases(*phrases, _JAVASCRIPT),
        share_or_null(terminals, lines),
        share_or_null(words, lines),
        share_or_null(upper, lines),
        share_or_null(numeric, lines),
        share_or_null(bullets, lines),
        lines,
    ]


def share_or_null(part: Any, whole: Int64) -> Float64:
    """``part / whole``; NaN where ``whole`` is 0."""
    result: Float64 = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole != 0)
    return result
