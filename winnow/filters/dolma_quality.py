"""``dolma_quality``: Gopher's quality rules as Dolma counts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.filters.gopher_quality import share
from winnow.filters.measured import (
    Measure,
    MeasuredFilter,
    append_measures,
    count_measure,
    number_measure,
    share_measure,
)
from winnow.optional import require
from winnow.pipeline.stage import BatchFunction


@dataclass(frozen=True, kw_only=True)
class DolmaQuality(MeasuredFilter):
    """Words, symbols, bullets and stop words of running text, as Dolma counts them.

    word_count            words of `str.split()`
    median_word_chars     their median length in code points
    symbol_word_share     share of words with "#" or "…" in them
    alpha_word_share      share of words with a letter
    stop_word_count       words that are "the", "be", "to", "of", "and", "that", "have" or "with"
                          as written here, every occurrence
    bullet_line_share     share of lines whose first character is "*" or "-"
    ellipsis_line_share   share of lines whose last character is "…"

    Lines lie between line feeds; white space around them is part of them, and empty ones count. All
    are 0 for the empty text.

    Source: Dolma (Soldaini et al. 2024), tagger `gopher_v1`; bounds and their order those of the
    Common Crawl mixes of v1.5 and v1.6, on which v1.7 builds: equal values and decisions. Differs
    from `gopher_quality` in every definition: the median where Gopher has the mean, symbols by word
    and under one bound, other bullets and ellipses.
    """

    suffix: str = "dolma"

    use: ClassVar[str] = "dolma_quality"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("numba",)
    measures: ClassVar[tuple[Measure, ...]] = (
        count_measure("word_count", "words between white space", min=50, max=100_000),
        number_measure("median_word_chars", "their median length in code points", min=3, max=10),
        share_measure("symbol_word_share", 'words with "#" or "…" in them, over words', max=0.1),
        share_measure("alpha_word_share", "words with a letter, over words", min=0.8),
        count_measure("stop_word_count", "occurrences of eight English stop words", min=2),
        share_measure(
            "bullet_line_share", 'lines whose first character is "*" or "-", over lines', max=0.9
        ),
        share_measure(
            "ellipsis_line_share", 'lines whose last character is "…", over lines', max=0.3
        ),
    )

    def open(self) -> BatchFunction:
        for module in self.requires:
            require(module, f"stage '{self.use}'")
        from winnow.text.characters import character_flags
        from winnow.text.page_counts import DOLMA_COUNTS, count_dolma
        from winnow.text.table import TextColumn

        flags = character_flags()

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            text = TextColumn(batch.column("text"))
            rows = np.arange(batch.num_rows)
            counts = np.zeros((len(rows), DOLMA_COUNTS), np.int64)
            medians = np.zeros(len(rows), np.float64)
            count_dolma(text.data, text.offsets, rows, flags, counts, medians)
            words, _, lettered, stop_words, marked, lines, bullets, ellipses = counts.T
            columns = [
                words,
                medians,
                share(marked, words),
                share(lettered, words),
                stop_words,
                share(bullets, lines),
                share(ellipses, lines),
            ]
            return append_measures(batch, self.measure_fields(), columns)

        return measure
