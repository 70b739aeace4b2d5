"""``gopher_repetition``: does it say the same again and again?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from winnow.filters.gopher_quality import share
from winnow.filters.languages import WordsFilter, languages_of
from winnow.filters.measured import Measure, append_measures, number_measure, share_measure
from winnow.optional import require
from winnow.pipeline.stage import BatchFunction

TOP_SIZES = (2, 3, 4)
DUP_SIZES = (5, 6, 7, 8, 9, 10)


@dataclass(frozen=True, kw_only=True)
class GopherRepetition(WordsFilter):
    """Repeated lines, paragraphs and n-grams of words (Gopher's repetition rules).

    dup_paragraph_share        paragraphs that equal an earlier one, over all paragraphs
    dup_paragraph_chars_share  code points in those, over code points of the text
    dup_line_share, dup_line_chars_share    the same for lines
    top_2gram_chars_share … top_4gram       code points of the most frequent n-gram (its words
                               joined by spaces, the first seen of several) times its count, over
                               code points of the text; may exceed 1, since n-grams overlap
    dup_5gram_chars_share … dup_10gram      code points in n-grams seen before, none counted
                               twice, over code points of the text

    Paragraphs are separated by two or more line feeds (of the stripped text), lines by one or
    more; with `vintage = "2024"` lines are those of `str.splitlines`, empty ones included. A most
    frequent n-gram counts even if it occurs once, so a text of a few long words has a high
    `top_2gram_chars_share`. N-grams of 5 and more are compared as their words written together,
    by a 61-bit hash. All are 0 for the empty text.

    Source: Rae et al. 2021, table A1; decisions and their order equal those of datatrove 0.10
    (`GopherRepetitionFilter`) on English, with `vintage = "2024"` and `words = "nltk"` those of
    datatrove 0.2.0, which made FineWeb. Other languages are split as `winnow.text` says, and the
    bounds are Gopher's, made for English.
    """

    vintage: Literal["0.10", "2024"] = "0.10"
    """Of which datatrove: 0.10, or the one (0.2.0) that made FineWeb in 2024."""

    use: ClassVar[str] = "gopher_repetition"
    version: ClassVar[int] = 1
    measures: ClassVar[tuple[Measure, ...]] = (
        share_measure(
            "dup_paragraph_share", "paragraphs that equal an earlier one, over paragraphs", max=0.3
        ),
        share_measure(
            "dup_paragraph_chars_share",
            "code points in paragraphs that equal an earlier one, over all",
            max=0.2,
        ),
        share_measure("dup_line_share", "lines that equal an earlier one, over lines", max=0.3),
        share_measure(
            "dup_line_chars_share",
            "code points in lines that equal an earlier one, over all",
            max=0.2,
        ),
        number_measure(
            "top_2gram_chars_share",
            "code points of the most frequent 2-gram times its count, over all",
            max=0.2,
        ),
        number_measure(
            "top_3gram_chars_share",
            "code points of the most frequent 3-gram times its count, over all",
            max=0.18,
        ),
        number_measure(
            "top_4gram_chars_share",
            "code points of the most frequent 4-gram times its count, over all",
            max=0.16,
        ),
        share_measure(
            "dup_5gram_chars_share", "code points in 5-grams seen before, over all", max=0.15
        ),
        share_measure(
            "dup_6gram_chars_share", "code points in 6-grams seen before, over all", max=0.14
        ),
        share_measure(
            "dup_7gram_chars_share", "code points in 7-grams seen before, over all", max=0.13
        ),
        share_measure(
            "dup_8gram_chars_share", "code points in 8-grams seen before, over all", max=0.12
        ),
        share_measure(
            "dup_9gram_chars_share", "code points in 9-grams seen before, over all", max=0.11
        ),
        share_measure(
            "dup_10gram_chars_share", "code points in 10-grams seen before, over all", max=0.1
        ),
    )

    def open(self) -> BatchFunction:
        for module in self.requires:
            require(module, f"stage '{self.use}'")
        from winnow.text.by_language import words_by_language
        from winnow.text.duplicates import FEED_RUNS, LINES, PARAGRAPHS, count_duplicates
        from winnow.text.grams import repeated_gram_chars, top_gram_chars
        from winnow.text.lines import count_chars
        from winnow.text.table import TextColumn

        top_sizes = np.array(TOP_SIZES, np.int64)
        dup_sizes = np.array(DUP_SIZES, np.int64)

        rules = self.rules

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            text = TextColumn(batch.column("text"))
            rows = np.arange(batch.num_rows)
            chars = np.empty(len(rows), np.int64)
            count_chars(text.data, text.offsets, rows, chars)
            columns: list[Any] = []
            for cut in (PARAGRAPHS, LINES if self.vintage == "2024" else FEED_RUNS):
                counts = np.empty((len(rows), 3), np.int64)
                count_duplicates(text.data, text.offsets, rows, cut, counts)
                columns += [share(counts[:, 1], counts[:, 0]), share(counts[:, 2], chars)]
            top = np.zeros((len(rows), len(TOP_SIZES)), np.int64)
            dup = np.zeros((len(rows), len(DUP_SIZES)), np.int64)
            languages = languages_of(batch, self.language)
            for _, words in words_by_language(text, languages, rules):
                some_top = np.empty((len(words.rows), len(TOP_SIZES)), np.int64)
                top_gram_chars(words.tokens, words.offsets, words.chars, top_sizes, some_top)
                top[words.rows] = some_top
                some_dup = np.empty((len(words.rows), len(DUP_SIZES)), np.int64)
                repeated_gram_chars(
                    words.tokens, words.offsets, words.chars, words.hashes, dup_sizes, some_dup
                )
                dup[words.rows] = some_dup
            columns += [share(counts, chars) for counts in (*top.T, *dup.T)]
            return append_measures(batch, self.measure_fields(), columns)

        return measure
