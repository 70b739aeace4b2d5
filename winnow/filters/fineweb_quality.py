"""``fineweb_quality``: is it a list, a menu, a page of fragments?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from winnow.filters.gopher_quality import share
from winnow.filters.languages import WordsFilter, languages_of
from winnow.filters.measured import (
    Measure,
    append_measures,
    count_measure,
    number_measure,
    share_measure,
)
from winnow.optional import require
from winnow.pipeline.bounds import Bound
from winnow.pipeline.stage import BatchFunction

STOP_CHARS_2024 = "\"'!.?"


@dataclass(frozen=True, kw_only=True)
class FineWebQuality(WordsFilter):
    """Lines that are none of running text (the three rules of FineWeb, and its list rule).

    nonblank_line_count      lines that are not white space alone; lines end at line feeds
    line_punct_share         lines whose last character ends a sentence in some script, over lines
    short_line_share         lines of at most `short_line_chars` code points, over lines
    fineweb_dup_chars_share  code points in lines that equal an earlier one, over all but line feeds
    newline_word_share       line feeds over words; may exceed 1

    Blank lines are left out. All are 0 for the empty text, and for white space. It is made to
    stand behind `c4`, which leaves one line feed between lines of at least three words.

    `vintage = "2024"` measures as FineWeb's first release did: a sentence ends in one of
    `. ' " ! ?`, and blank lines count in `line_punct_share` and `short_line_share` (one where the
    text is empty). The default bounds of that vintage: no `nonblank_line_count`, and a value that
    is equal to the bound of one of the three rules is rejected too, so they lie one float64 aside.

    Source: Penedo et al. 2024, section 3.6; decisions and their order equal those of datatrove 0.10
    (`FineWebQualityFilter`) on English, with `vintage = "2024"` and `words = "nltk"` those of
    datatrove 0.2.0. Its
    `line_punct_exclude_zero` has no counterpart.
    """

    vintage: Literal["0.10", "2024"] = "0.10"
    """Of which datatrove: 0.10, or the one (0.2.0) that made FineWeb in 2024."""
    short_line_chars: int = 30

    use: ClassVar[str] = "fineweb_quality"
    version: ClassVar[int] = 1
    measures: ClassVar[tuple[Measure, ...]] = (
        count_measure("nonblank_line_count", "lines that are not white space alone", min=1),
        share_measure(
            "line_punct_share", "lines whose last character ends a sentence, over lines", min=0.12
        ),
        share_measure("short_line_share", "lines of few characters, over lines", max=0.67),
        share_measure(
            "fineweb_dup_chars_share",
            "code points in lines that equal an earlier one, over all but line feeds",
            max=0.01,
        ),
        number_measure("newline_word_share", "line feeds over words", max=0.3),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.short_line_chars < 0:
            raise ValueError(f"short_line_chars must be 0 or more, got {self.short_line_chars}")

    def bounds(self, table: dict[str, Any]) -> tuple[Bound, ...]:
        if self.vintage != "2024":
            return super().bounds(table)
        defaults = [bound for measure in self.measures if (bound := measure.bound())]
        _, punct, *at_most, lists = defaults
        exclusive = [replace(bound, max=math.nextafter(bound.max or 0, 0)) for bound in at_most]
        punct = replace(punct, min=math.nextafter(punct.min or 0, 1))
        return self.bounds_from((punct, *exclusive, lists), table)

    def open(self) -> BatchFunction:
        for module in self.requires:
            require(module, f"stage '{self.use}'")
        from winnow.text.by_language import words_by_language
        from winnow.text.duplicates import count_line_shapes
        from winnow.text.punctuation import SENTENCE_ENDS
        from winnow.text.table import TextColumn

        rules, old = self.rules, self.vintage == "2024"
        marks = np.array(sorted(map(ord, STOP_CHARS_2024 if old else SENTENCE_ENDS)), np.int64)

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            text = TextColumn(batch.column("text"))
            rows = np.arange(batch.num_rows)
            counts = np.empty((len(rows), 7), np.int64)
            count_line_shapes(
                text.data, text.offsets, rows, old, marks, self.short_line_chars, counts
            )
            lines, inked, marked, short, repeated_chars, feeds, chars = counts.T
            words = np.zeros(len(rows), np.int64)
            languages = languages_of(batch, self.language)
            for _, found in words_by_language(text, languages, rules):
                words[found.rows] = np.diff(found.offsets)
            columns = [
                inked,
                share(marked, lines),
                share(short, lines),
                share(repeated_chars, chars),
                share(feeds, words),
            ]
            return append_measures(batch, self.measure_fields(), columns)

        return measure
