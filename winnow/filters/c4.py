"""``c4``: the line rules of C4. Rewrites the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from winnow.filters.gopher_quality import share
from winnow.filters.languages import WordsFilter, languages_of
from winnow.filters.measured import (
    Measure,
    append_measures,
    count_measure,
    replace_text,
    share_measure,
)
from winnow.optional import require
from winnow.pipeline.stage import BatchFunction

if TYPE_CHECKING:
    from winnow.text.table import TextColumn

Int64 = npt.NDArray[np.int64]

DROPPED = ("long_word", "unpunctuated", "short", "javascript", "policy")


@dataclass(frozen=True, kw_only=True)
class C4(WordsFilter):
    """Drops lines that are no sentences of a text, and counts what tells of a bad page (C4).

    A line (`str.splitlines`) is stripped, and then, in this order:

    1. dropped if a word (`str.split`) has more than `max_word_chars` code points;
    2. freed of `[1]`, `[]`, `[edit]` and `[citation needed]` (`citations`);
    3. dropped if it does not end in one of `. ? ! " '`, or ends in `...`
       (`terminal_punctuation`);
    4. dropped if it had fewer than `min_line_words` words before step 2;
    5. counted if it says "lorem ipsum" in any case (`lorem_ipsum`); after a line that counts in
       step 7 none does any more;
    6. dropped if it says "javascript" in any case (`javascript`);
    7. counted if it has a `{` (`curly_bracket`);
    8. dropped if it speaks of terms of use, privacy policies or cookies (`policy`).

    The kept lines, joined by line feeds and stripped, are the text that the filters after this
    one measure, and the text of the document from here on. Measures:

    lorem_ipsum_line_count, curly_bracket_line_count   lines that count in steps 5 and 7; null
                             where the rule is off
    c4_sentence_count        sentences of the kept lines, each line for itself
    c4_kept_line_share       kept lines over lines; 0 for the empty text
    c4_kept_chars_share      code points of the new text over those of the old; 0 for the empty text
    c4_long_word_line_count, c4_unpunctuated_line_count, c4_short_line_count,
    c4_javascript_line_count, c4_policy_line_count     lines dropped in steps 1, 3, 4, 6, 8

    Sentences are those of spaCy's rule sentencizer over the words of the document's language, with
    `words = "nltk"` those of Punkt where it is English. By default a page is rejected for one line
    with "lorem ipsum" or `{`, or for fewer than 5 sentences.

    Source: Raffel et al. 2020, section 2.2, and `c4_utils.py` of TensorFlow Datasets; decisions,
    their order and the text equal those of datatrove 0.10 (`C4QualityFilter`) on English, and with
    `words = "nltk"` those of datatrove 0.2.0. Its `filter_no_terminal_punct` is
    `terminal_punctuation`. Differs from the paper as datatrove does: `'` ends a sentence, bad words
    and duplicate spans are left to other stages. Differs from datatrove: a page that a step
    rejects is measured to its end all the same.
    """

    terminal_punctuation: bool = True
    """Drop lines that do not end as a sentence does; FineWeb keeps them."""
    citations: bool = True
    """Take citation marks out of the lines."""
    lorem_ipsum: bool = True
    javascript: bool = True
    curly_bracket: bool = True
    policy: bool = True
    max_word_chars: int = 1000
    min_line_words: int = 3

    use: ClassVar[str] = "c4"
    version: ClassVar[int] = 1
    rewrites: ClassVar[bool] = True
    measures: ClassVar[tuple[Measure, ...]] = (
        count_measure(
            "lorem_ipsum_line_count",
            'lines with "lorem ipsum" before the first with "{"; null where not asked for',
            max=0,
        ),
        count_measure(
            "curly_bracket_line_count", 'lines with "{"; null where not asked for', max=0
        ),
        count_measure("c4_sentence_count", "sentences of the kept lines", min=5),
        share_measure("c4_kept_line_share", "kept lines, over lines"),
        share_measure("c4_kept_chars_share", "code points of the new text, over the old one's"),
        count_measure("c4_long_word_line_count", "lines dropped for a word of excessive length"),
        count_measure("c4_unpunctuated_line_count", "lines dropped for their last character"),
        count_measure("c4_short_line_count", "lines dropped for having too few words"),
        count_measure("c4_javascript_line_count", 'lines dropped for saying "javascript"'),
        count_measure("c4_policy_line_count", "lines dropped for speaking of terms or cookies"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.words == "space":
            raise ValueError("words = 'space' leaves marks on words, so no sentence would end")
        if self.max_word_chars < 1:
            raise ValueError(f"max_word_chars must be 1 or more, got {self.max_word_chars}")
        if self.min_line_words < 0:
            raise ValueError(f"min_line_words must be 0 or more, got {self.min_line_words}")

    def open(self) -> BatchFunction:
        for module in self.requires:
            require(module, f"stage '{self.use}'")
        from winnow.text.c4_lines import COUNTS, keep_lines
        from winnow.text.lines import count_chars
        from winnow.text.table import TextColumn

        rules = self._rules()

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            rows = batch.num_rows
            old = TextColumn(batch.column("text"))
            letters = np.empty(int(old.offsets[-1] - old.offsets[0]), np.uint8)
            ends = np.empty(rows + 1, np.int64)
            counts = np.empty((rows, len(COUNTS)), np.int64)
            limits = (self.max_word_chars, self.min_line_words)
            keep_lines(old.data, old.offsets, rules, *limits, letters, ends, counts)
            buffers = [None, pa.py_buffer(ends), pa.py_buffer(letters[: ends[-1]])]
            column = pa.Array.from_buffers(pa.large_string(), rows, buffers)
            new = TextColumn(column)
            chars = np.empty((2, rows), np.int64)
            for text, into in zip((old, new), chars, strict=True):
                count_chars(text.data, text.offsets, np.arange(rows), into)
            found = dict(zip(COUNTS, counts.T, strict=True))
            sentences = self._sentences(batch, new, found)
            columns = [
                pa.array(found["lorem_ipsum"], mask=np.full(rows, not self.lorem_ipsum)),
                pa.array(found["curly_bracket"], mask=np.full(rows, not self.curly_bracket)),
                sentences,
                share(found["kept"], found["lines"]),
                share(chars[1], chars[0]),
                *(found[kind] for kind in DROPPED),
            ]
            return append_measures(replace_text(batch, column), self.measure_fields(), columns)

        return measure

    def _rules(self) -> int:
        from winnow.text import c4_lines

        rules = {
            c4_lines.CITATIONS: self.citations,
            c4_lines.TERMINAL_PUNCTUATION: self.terminal_punctuation,
            c4_lines.LOREM_IPSUM: self.lorem_ipsum,
            c4_lines.JAVASCRIPT: self.javascript,
            c4_lines.CURLY_BRACKET: self.curly_bracket,
            c4_lines.POLICY: self.policy,
        }
        return sum(rule for rule, wanted in rules.items() if wanted)

    def _sentences(
        self, batch: pa.RecordBatch, text: TextColumn, counts: dict[str, Int64]
    ) -> Int64:
        from winnow.text.by_language import words_by_language
        from winnow.text.nltk_words import NltkWords
        from winnow.text.sentences import punkt_sentences_of, sentences_of
        from winnow.text.words import splitter

        sentences = np.zeros(batch.num_rows, np.int64)
        languages = languages_of(batch, self.language)
        # where NLTK splits, its words are of no use here, but the filter after finds them split
        for language, found in words_by_language(text, languages, self.rules):
            rows, words = found.rows, splitter(language, self.rules)
            if isinstance(words, NltkWords):
                sentences[rows] = punkt_sentences_of(text, rows, words.punkt)
            else:
                english = language in (None, "en")
                sentences[rows] = sentences_of(text, found, english, counts["open_end"][rows])
                sentences[rows] += counts["blank"][rows]
        return sentences
