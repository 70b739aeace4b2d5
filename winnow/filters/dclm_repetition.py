"""``dclm_repetition``: Gopher's repetition rules as DCLM counts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from winnow.filters.gopher_quality import share
from winnow.filters.gopher_repetition import DUP_SIZES, TOP_SIZES
from winnow.filters.measured import (
    Measure,
    MeasuredFilter,
    append_measures,
    number_measure,
    share_measure,
)
from winnow.optional import require
from winnow.pipeline.stage import BatchFunction

TOP_MAXIMA = (0.2, 0.18, 0.16)
DUP_MAXIMA = (0.15, 0.14, 0.13, 0.12, 0.11, 0.1)


@dataclass(frozen=True, kw_only=True)
class DclmRepetition(MeasuredFilter):
    """Lines, paragraphs and n-grams of words that occur more than once, every copy counted.

    dup_line_share, dup_paragraph_share     those that occur twice or more, over all
    dup_line_chars_share, dup_paragraph_…   code points in those, over code points of all
    top_2gram_chars_share … top_4gram       code points of the words of the longest of the most
                               frequent n-grams times its count, over code points of all words; 0
                               where none occurs twice; may exceed 1, since n-grams overlap
    dup_5gram_chars_share … dup_10gram      code points of words in an n-gram that occurs twice or
                               more, over code points of all words

    Lines lie between line feeds, paragraphs between two; both are stripped, and blank ones do not
    count; shares are 0 where there is but one. Words lie between the word boundaries of Unicode
    (UAX #29, version 16.0) and begin with a letter or number. A text without lines, which DCLM
    drops, has a `dup_line_share` of 1.

    Source: DCLM (Li et al. 2024), `massive_web_repetition_filters`: equal decisions in the same
    order, with words as its splitter uniseg 0.10 makes them (DCLM names no version; uniseg 0.7 has
    Unicode 6.2). Differs from `gopher_repetition`: the first copy counts as well, n-grams overlap,
    and shares are of what was compared, not of the whole text.
    """

    suffix: str = "dclm"

    use: ClassVar[str] = "dclm_repetition"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("numba",)
    measures: ClassVar[tuple[Measure, ...]] = (
        share_measure("dup_line_share", "lines that occur twice or more, over lines", max=0.3),
        share_measure(
            "dup_paragraph_share", "paragraphs that occur twice or more, over paragraphs", max=0.3
        ),
        share_measure(
            "dup_line_chars_share",
            "code points in lines that occur twice or more, over those of all lines",
            max=0.2,
        ),
        share_measure(
            "dup_paragraph_chars_share",
            "code points in paragraphs that occur twice or more, over those of all paragraphs",
            max=0.2,
        ),
        *(
            number_measure(
                f"top_{size}gram_chars_share",
                f"code points of the longest most frequent {size}-gram times its count, over words",
                max=limit,
            )
            for size, limit in zip(TOP_SIZES, TOP_MAXIMA, strict=True)
        ),
        *(
            share_measure(
                f"dup_{size}gram_chars_share",
                f"code points of words in a {size}-gram that occurs twice or more, over words",
                max=limit,
            )
            for size, limit in zip(DUP_SIZES, DUP_MAXIMA, strict=True)
        ),
    )

    def open(self) -> BatchFunction:
        for module in self.requires:
            require(module, f"stage '{self.use}'")
        from winnow.text import repeats
        from winnow.text.characters import character_flags
        from winnow.text.spans import number_words
        from winnow.text.table import TextColumn
        from winnow.text.word_break import unicode_words, word_break_property

        flags = character_flags()
        property = word_break_property()
        most = max(DUP_SIZES)

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            text = TextColumn(batch.column("text"))
            rows = np.arange(batch.num_rows)
            shares = []
            for feeds in (1, 2):
                counts = np.empty((len(rows), repeats.LINE_COUNTS), np.int64)
                repeats.count_lines(text.data, text.offsets, rows, feeds, True, counts)
                pieces, chars, repeated, repeated_chars = counts.T
                shares.append((share(repeated, pieces), share(repeated_chars, chars)))
                if feeds == 1:
                    shares[0][0][pieces == 0] = 1.0
            columns: list[Any] = [shares[feeds][kind] for kind in (0, 1) for feeds in (0, 1)]
            starts, ends, word_chars, offsets = unicode_words(
                text.data, text.offsets, rows, property, flags
            )
            numbers = number_words(text.data, starts, ends, offsets)
            grams = np.empty((len(rows), most - 1, repeats.GRAM_COUNTS), np.int64)
            repeats.count_grams(numbers, offsets, word_chars, most, grams)
            every = np.concatenate(([0], np.cumsum(word_chars, dtype=np.int64)))
            all_chars = every[offsets[1:]] - every[offsets[:-1]]
            for size in TOP_SIZES:
                top = grams[:, size - 2, repeats.TOP]
                longest = grams[:, size - 2, repeats.TOP_LONGEST]
                columns.append(share(np.where(top > 1, top * longest, 0), all_chars))
            for size in DUP_SIZES:
                columns.append(share(grams[:, size - 2, repeats.COVERED], all_chars))
            return append_measures(batch, self.measure_fields(), columns)

        return measure
