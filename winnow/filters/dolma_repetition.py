"""``dolma_repetition``: Gopher's repetition rules as Dolma counts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from winnow.filters.dclm_repetition import DUP_MAXIMA
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


@dataclass(frozen=True, kw_only=True)
class DolmaRepetition(MeasuredFilter):
    """Lines and n-grams of words that occur more than once, every copy counted.

    dup_line_share         lines that occur twice or more, over lines
    dup_line_chars_share   code points in those, over code points of all words; may exceed 1, since
                           lines have spaces in them
    top_2gram_chars_share … top_4gram   code points of the words of the most frequent n-gram (the
                           first seen of several) times its count, over code points of all words;
                           may exceed 1, since n-grams overlap
    dup_5gram_chars_share … dup_10gram  code points of the words of all n-grams that occur twice or
                           more, over those of all n-grams: a word counts once for every n-gram it
                           is in

    Words are `str.split()`'s; lines lie between line feeds, and empty ones count and are equal to
    one another. Measures of n-grams are null for a text of fewer than n words.

    **The `top_…` have no bound by default.** The mixes of v1.5 and v1.6 name measures that the
    tagger never wrote (`…_most_common_2gram` for `…_2grams`), behind a test of whether they exist:
    so these rules, meant as 0.2, 0.18 and 0.16, never dropped a page of Dolma. To have them::

        top_2gram_chars_share.max = 0.2
        top_3gram_chars_share.max = 0.18
        top_4gram_chars_share.max = 0.16

    Source: Dolma (Soldaini et al. 2024), tagger `gopher_v1`; bounds and their order those of the
    Common Crawl mixes of v1.5 and v1.6, on which v1.7 builds: equal values and decisions.
    """

    suffix: str = "dolma"

    use: ClassVar[str] = "dolma_repetition"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("numba",)
    measures: ClassVar[tuple[Measure, ...]] = (
        share_measure("dup_line_share", "lines that occur twice or more, over lines", max=0.3),
        number_measure(
            "dup_line_chars_share",
            "code points in lines that occur twice or more, over those of words",
            max=0.3,
        ),
        *(
            number_measure(
                f"top_{size}gram_chars_share",
                f"code points of the most frequent {size}-gram times its count, over words",
            )
            for size in TOP_SIZES
        ),
        *(
            share_measure(
                f"dup_{size}gram_chars_share",
                f"code points in {size}-grams that occur twice or more, over all {size}-grams",
                max=limit,
            )
            for size, limit in zip(DUP_SIZES, DUP_MAXIMA, strict=True)
        ),
    )

    def open(self) -> BatchFunction:
        for module in self.requires:
            require(module, f"stage '{self.use}'")
        from winnow.text import repeats
        from winnow.text.spans import number_words, space_words
        from winnow.text.table import TextColumn

        most = max(DUP_SIZES)

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            text = TextColumn(batch.column("text"))
            rows = np.arange(batch.num_rows)
            counts = np.empty((len(rows), repeats.LINE_COUNTS), np.int64)
            repeats.count_lines(text.data, text.offsets, rows, 1, False, counts)
            lines, _, repeated, repeated_chars = counts.T
            starts, ends, chars, offsets = space_words(text.data, text.offsets, rows)
            numbers = number_words(text.data, starts, ends, offsets)
            grams = np.empty((len(rows), most - 1, repeats.GRAM_COUNTS), np.int64)
            repeats.count_grams(numbers, offsets, chars, most, grams)
            every = np.concatenate(([0], np.cumsum(chars, dtype=np.int64)))
            all_chars = np.maximum(every[offsets[1:]] - every[offsets[:-1]], 1)
            empty = np.diff(text.offsets) == 0
            columns: list[Any] = [
                share(np.where(empty, 0, repeated), lines),
                share(np.where(empty, 0, repeated_chars), all_chars),
            ]
            words = np.diff(offsets)
            for size in TOP_SIZES:
                top, first = (grams[:, size - 2, kind] for kind in (0, repeats.TOP_FIRST))
                columns.append(pa.array(share(top * first, all_chars), mask=words < size))
            for size in DUP_SIZES:
                repeated, total = (
                    grams[:, size - 2, kind] for kind in (repeats.REPEATED, repeats.ALL)
                )
                columns.append(pa.array(share(repeated, total), mask=words < size))
            return append_measures(batch, self.measure_fields(), columns)

        return measure
