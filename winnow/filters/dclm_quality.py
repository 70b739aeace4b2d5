"""``dclm_quality``: Gopher's quality rules as DCLM counts them."""

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
class DclmQuality(MeasuredFilter):
    """Words, symbols, bullets and stop words of running text, as DCLM counts them.

    word_count            words between fastText's white space (ASCII's, and NUL) that begin with a
                          letter or number
    mean_word_chars       mean length in code points of all words of `str.split()`
    symbol_share          "#", "...", ". . ." and "…" together over all words; may exceed 1
    bullet_line_share     share of lines that begin with "●", "•", "*" or "-"
    ellipsis_line_share   share of lines that end in "...", ". . ." or "…"
    non_alpha_word_share  share of words without a letter
    stop_word_count       occurrences of "the be to of and that have with", in any case

    Lines are stripped, and blank ones do not count. All are 0 for a text without words or lines.

    Source: DCLM (Li et al. 2024), the filters of `dclm_baseline_refinedweb.yaml` from
    `page_length_filter` to `stop_word_filter`: equal decisions in the same order. Differs from
    `gopher_quality` in every definition: the words, hashes and ellipses under one bound, two more
    bullets and one more ellipsis, and stop words that need not be different. Made for English: no
    language is asked for.
    """

    suffix: str = "dclm"

    use: ClassVar[str] = "dclm_quality"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("numba",)
    measures: ClassVar[tuple[Measure, ...]] = (
        count_measure(
            "word_count",
            "words (fastText's) that begin with a letter or number",
            min=50,
            max=100_000,
        ),
        number_measure(
            "mean_word_chars",
            "mean length of words between white space, in code points",
            min=3,
            max=10,
        ),
        number_measure("symbol_share", '"#", "...", ". . ." and "…" over words', max=0.1),
        share_measure(
            "bullet_line_share", 'lines that begin with "●", "•", "*" or "-", over lines', max=0.9
        ),
        share_measure(
            "ellipsis_line_share", 'lines that end in "...", ". . ." or "…", over lines', max=0.3
        ),
        share_measure("non_alpha_word_share", "words without a letter, over words", max=0.2),
        count_measure("stop_word_count", "occurrences of eight English stop words", min=2),
    )

    def open(self) -> BatchFunction:
        for module in self.requires:
            require(module, f"stage '{self.use}'")
        from winnow.text.characters import character_flags
        from winnow.text.page_counts import DCLM_COUNTS, count_dclm, count_fasttext_words
        from winnow.text.table import TextColumn

        flags = character_flags()

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            text = TextColumn(batch.column("text"))
            rows = np.arange(batch.num_rows)
            begun = np.zeros(len(rows), np.int64)
            count_fasttext_words(text.data, text.offsets, rows, flags, begun)
            counts = np.zeros((len(rows), DCLM_COUNTS), np.int64)
            count_dclm(text.data, text.offsets, rows, flags, counts)
            words, chars, unlettered, stop_words, symbols, lines, bullets, ellipses = counts.T
            columns = [
                begun,
                share(chars, words),
                share(symbols, words),
                share(bullets, lines),
                share(ellipses, lines),
                share(unlettered, words),
                stop_words,
            ]
            return append_measures(batch, self.measure_fields(), columns)

        return measure
