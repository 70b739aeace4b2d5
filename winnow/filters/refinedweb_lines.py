"""``refinedweb_lines``: takes lines that are no prose out of the text."""

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

_RULES = (
    ("uppercase_line_count", "lines removed for their upper case"),
    ("numeric_line_count", "lines removed for their digits"),
    ("counter_line_count", 'lines removed as counters ("3 likes")'),
    ("short_line_count", "lines removed for being of one word"),
    ("cart_line_count", 'lines that lost "items in cart", or went with it'),
    ("read_more_line_count", 'lines that lost "read more..." at their end, or went with it'),
    ("sign_in_line_count", 'lines that lost "sign-in" at their start, or went with it'),
)


@dataclass(frozen=True, kw_only=True)
class RefinedWebLines(MeasuredFilter):
    """Removes lines, and phrases in short lines, that come from a page's frame and not its text.

    removed_word_share    words that are gone, over those there were, [0, 1]; 1 for a text without
                          words, or with nothing left
    removed_line_count    lines removed or shortened, by all rules together
    uppercase_line_count … sign_in_line_count   the same by each rule, in the order of the rules

    The rules, each on what the one before has left, the text stripped in between: lines with more
    than half of their characters in upper case; of digits only; counters (a number, perhaps with k,
    m or b, and "likes", "shares", "comments", "retweets", "reposts", "quotes", "bookmarks",
    "upvotes", "downvotes", "downloads", "views" or "followers"); of one word, blank ones with
    spaces included. Then from lines of at most ten words "items in cart" anywhere, "read more" and
    three characters of any kind at the end, "sign-in" at the start; a line of which nothing is left
    goes. Empty lines stay.

    Words are counted as fastText splits them, those that begin with a letter or number.

    Source: RefinedWeb (Penedo et al. 2023, appendix G.2) as DCLM (Li et al. 2024) wrote it down in
    `dclm_baseline_refinedweb.yaml`: equal texts and decisions. As there, the dots of "Read
    more..." are any characters. Differs from RefinedWeb's own, which was never published.
    """

    max_uppercase_share: float = 0.5
    """Of a line's code points; lines above it go."""
    max_digit_share: float = 0.999999
    """The same for digits."""
    min_line_words: int = 2
    """Lines of fewer go, but empty ones."""
    max_phrase_line_words: int = 10
    """Phrases are looked for in lines of at most so many."""

    use: ClassVar[str] = "refinedweb_lines"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("numba",)
    rewrites: ClassVar[bool] = True
    measures: ClassVar[tuple[Measure, ...]] = (
        share_measure("removed_word_share", "words removed, over words there were", max=0.05),
        count_measure("removed_line_count", "lines removed or shortened"),
        *(count_measure(name, about) for name, about in _RULES),
    )

    def open(self) -> BatchFunction:
        for module in self.requires:
            require(module, f"stage '{self.use}'")
        from winnow.text import line_rules
        from winnow.text.characters import character_flags
        from winnow.text.page_counts import count_fasttext_words
        from winnow.text.table import TextColumn
        from winnow.text.written import room_for, written

        flags = character_flags()

        def rewrite(batch: pa.RecordBatch) -> pa.RecordBatch:
            text = TextColumn(batch.column("text"))
            rows = np.arange(batch.num_rows)
            removed = np.zeros((len(rows), line_rules.RULES), np.int64)
            data, offsets = room_for(text)
            line_rules.rewrite_lines(
                text.data,
                text.offsets,
                rows,
                flags,
                self.max_uppercase_share,
                self.max_digit_share,
                self.min_line_words,
                self.max_phrase_line_words,
                line_rules.COUNTER_NAMES,
                line_rules.ITEMS_IN_CART,
                line_rules.READ_MORE_PHRASE,
                line_rules.SIGN_IN_PHRASE,
                data,
                offsets,
                removed,
            )
            before = np.zeros(len(rows), np.int64)
            count_fasttext_words(text.data, text.offsets, rows, flags, before)
            after = np.zeros(len(rows), np.int64)
            count_fasttext_words(data, offsets, rows, flags, after)
            # a no-break space taken off the start can make one word more
            gone = share(np.maximum(before - after, 0), before)
            gone[(before == 0) | (np.diff(offsets) == 0)] = 1.0
            batch = replace_text(batch, written(data, offsets))
            columns = [gone, removed.sum(axis=1), *removed.T]
            return append_measures(batch, self.measure_fields(), columns)

        return rewrite
