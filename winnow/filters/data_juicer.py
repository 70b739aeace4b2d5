"""``data_juicer``: the text measures of data-juicer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from winnow.filters.languages import ListsFilter, languages_of
from winnow.filters.measured import (
    Measure,
    append_measures,
    as_columns,
    count_measure,
    number_measure,
    share_measure,
)
from winnow.optional import require
from winnow.pipeline.stage import BatchFunction
from winnow.text.phrase_lists import (
    of_language,
    read_lists,
    rows_by_language,
    single_words,
)

if TYPE_CHECKING:
    from winnow.text.listed_words import PhraseSet


@dataclass(frozen=True, kw_only=True)
class DataJuicer(ListsFilter):
    """Characters, lines, words and their repetition, as data-juicer measures and bounds them.

    dj_alphanumeric_char_share  letters and digits over characters (alphanumeric_filter)
    dj_mean_line_chars          characters of the text over lines (average_line_length_filter)
    dj_char_repetition_share    of the n-grams of characters, those that are one of the k most
                                frequent: k is the root of the number of different ones, or the
                                number of those that come more than once, if less
                                (character_repetition_filter)
    dj_flagged_word_share       refined words on the list `flagged_words`, over refined words; null
                                without a list (flagged_words_filter)
    dj_max_line_chars           characters of the longest line (maximum_line_length_filter)
    dj_special_char_share       special over all characters (special_characters_filter)
    dj_stop_word_share          refined words on the list `stop_words`, over refined words; null
                                without a list (stopwords_filter)
    dj_text_chars               (text_length_filter)
    dj_word_count               words of which a character is not special (words_num_filter)
    dj_word_repetition_share    n-grams of refined words that come more than once, each time
                                counted, over n-grams (word_repetition_filter)

    All are 0 where there is nothing to divide by. Characters are code points, lines those of
    ``str.splitlines``, words what lies between spaces, tabs and line feeds. Refined words are in
    lower case and stripped of special characters (:mod:`winnow.text.special_characters`); empty
    ones are gone.

    Source: data-juicer 1.6.1, ``ops/filter``, defaults (``tokenization`` off: no sentencepiece);
    values and bounds equal its own, tested in the order of its documentation, by name. Differs: its
    two lists are fetched from its server, ours are yours to name (its `.json` files will do). Left
    out, for they need models: token_num, perplexity and language_id_score.
    """

    language: str | None = None
    """Of all documents (ISO 639-1); where absent, the column `language` says it of each, and
    English is assumed where that is absent too. Only the lists depend on it."""
    flagged_words: str | None = None
    """A list of words: one a line, or `.json` by language."""
    stop_words: str | None = None
    """A list of stop words: one a line, or `.json` by language."""
    char_gram_chars: int = 10
    """Characters of an n-gram of characters."""
    word_gram_words: int = 10
    """Words of an n-gram of words."""

    use: ClassVar[str] = "data_juicer"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("numba",)
    path_fields: ClassVar[tuple[str, ...]] = ("flagged_words", "stop_words")
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("flagged_words", "stop_words")
    measures: ClassVar[tuple[Measure, ...]] = (
        share_measure("dj_alphanumeric_char_share", "letters and digits over characters", min=0.25),
        number_measure("dj_mean_line_chars", "characters of the text over lines", min=10),
        share_measure(
            "dj_char_repetition_share",
            "n-grams of characters that are one of the most frequent, over n-grams",
            max=0.5,
        ),
        share_measure(
            "dj_flagged_word_share",
            "refined words on the list, over refined words; null without a list",
            max=0.045,
        ),
        count_measure("dj_max_line_chars", "characters of the longest line", min=10),
        share_measure("dj_special_char_share", "special over all characters", max=0.25),
        share_measure(
            "dj_stop_word_share",
            "refined words on the list, over refined words; null without a list",
            min=0.3,
        ),
        count_measure("dj_text_chars", "code points", min=10),
        count_measure("dj_word_count", "words of which a character is not special", min=10),
        share_measure(
            "dj_word_repetition_share",
            "n-grams of refined words that come more than once, over n-grams",
            max=0.5,
        ),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.char_gram_chars < 1 or self.word_gram_words < 1:
            raise ValueError("char_gram_chars and word_gram_words must be 1 or more")

    def open(self) -> BatchFunction:
        for module in self.requires:
            require(module, f"stage '{self.use}'")
        from winnow.filters.data_juicer_values import values_of
        from winnow.text.code_points import blocks
        from winnow.text.listed_words import PhraseSet
        from winnow.text.table import TextColumn

        flagged_words, stop_words = read_lists(self.flagged_words), read_lists(self.stop_words)

        @cache
        def lists(language: str | None) -> tuple[PhraseSet | None, PhraseSet | None]:
            flagged = of_language(flagged_words, language)
            stop = of_language(stop_words, language)
            return (
                None if flagged is None else PhraseSet(single_words(flagged)),
                None if stop is None else PhraseSet(single_words(stop)),
            )

        sizes = (self.char_gram_chars, self.word_gram_words)

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            text = TextColumn(batch.column("text"))
            values = np.empty((len(self.measures), batch.num_rows), np.float64)
            for language, rows in rows_by_language(languages_of(batch, self.language)):
                for some, codes, offsets in blocks(text, rows):
                    values[:, rows[some]] = values_of(codes, offsets, *lists(language), *sizes)
            return append_measures(batch, self.measure_fields(), as_columns(self.measures, values))

        return measure
