"""``dolma_c4``: C4's marks on lines as Dolma sets them; takes lines without an end mark out."""

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
    replace_text,
    share_measure,
)
from winnow.optional import require
from winnow.pipeline.stage import BatchFunction


@dataclass(frozen=True, kw_only=True)
class DolmaC4(MeasuredFilter):
    """C4's marks on lines and texts; removes the lines that end in no mark.

    line_count              lines of the text as it came, between line feeds, empty ones included
    unended_line_share      share of lines that do not end in `.`, `?`, `!` or `"`; white space
                            apart, so empty ones are among them
    short_line_share        share of lines of fewer than three words (`str.split()`)
    curly_brace_count       "{"
    lorem_ipsum_count       "lorem ipsum", in any case
    javascript_word_count   words that are "javascript", in any case (tagger `c4_v1`)
    javascript_count        "javascript" anywhere, in any case (tagger `c4_v2`)

    No bounds by default: of C4's rules, Dolma's Common Crawl part took only the one on end marks.
    All of them, as Dolma's replication of C4 has it: `drop_short_lines = true`, and a `max = 0` on
    `curly_brace_count`, `lorem_ipsum_count` and `javascript_count`.

    A line goes with its line feed; what is left is not stripped.

    Source: Dolma (Soldaini et al. 2024, "C4 NoPunc"), taggers `c4_v1` and `c4_v2`, whose marks are
    the same but for "javascript"; equal texts and values. Differs: the tag for words of a block
    list is not here (see `bad_words`), and where the lower case of İ makes `c4_v2` cut a place too
    far, this cuts at the line.
    """

    drop_unended_lines: bool = True
    drop_short_lines: bool = False

    use: ClassVar[str] = "dolma_c4"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("numba",)
    rewrites: ClassVar[bool] = True
    measures: ClassVar[tuple[Measure, ...]] = (
        count_measure("line_count", "lines between line feeds, before any is removed"),
        share_measure("unended_line_share", 'lines that do not end in . ? ! or ", over lines'),
        share_measure("short_line_share", "lines of fewer than three words, over lines"),
        count_measure("curly_brace_count", '"{" in the text'),
        count_measure("lorem_ipsum_count", '"lorem ipsum" in the text, in any case'),
        count_measure("javascript_word_count", 'words that are "javascript", in any case'),
        count_measure("javascript_count", '"javascript" anywhere in the text, in any case'),
    )
    min_line_words: ClassVar[int] = 3

    def open(self) -> BatchFunction:
        for module in self.requires:
            require(module, f"stage '{self.use}'")
        from winnow.text import line_marks
        from winnow.text.table import TextColumn
        from winnow.text.written import room_for, written

        def rewrite(batch: pa.RecordBatch) -> pa.RecordBatch:
            text = TextColumn(batch.column("text"))
            counts = np.zeros((batch.num_rows, line_marks.MARK_COUNTS), np.int64)
            data, offsets = room_for(text)
            line_marks.mark_lines(
                text.data,
                text.offsets,
                np.arange(batch.num_rows),
                self.min_line_words,
                self.drop_unended_lines,
                self.drop_short_lines,
                line_marks.LOREM_IPSUM,
                line_marks.JAVASCRIPT,
                counts,
                data,
                offsets,
            )
            lines, unended, short, *others = counts.T
            batch = replace_text(batch, written(data, offsets))
            columns = [lines, share(unended, lines), share(short, lines), *others]
            return append_measures(batch, self.measure_fields(), columns)

        return rewrite
