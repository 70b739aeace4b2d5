"""``redpajama``: the quality signals of RedPajama-V2."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from winnow.filters.gopher_quality import stop_words_of
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

TOP_SIZES = (2, 3, 4)
DUP_SIZES = (5, 6, 7, 8, 9, 10)


@dataclass(frozen=True, kw_only=True)
class RedPajama(ListsFilter):
    """What RedPajama-V2 says of a document. None has a bound: it decides nothing.

    Of the *normalised* words: the text without ASCII punctuation, in lower case, cut at white
    space, each word in NFD. Null for a text without a word, unless said otherwise:

    rp_bad_word_count        runs of words that are on the list `bad_words`, 0 without a word; null
                             without a list (rps_doc_ldnoobw_words)
    rp_lorem_ipsum_share     "lorem ipsum" in the words joined by spaces, over the characters of
                             that; 0 without a word (rps_doc_lorem_ipsum)
    rp_word_count            (rps_doc_word_count)
    rp_mean_word_chars       (rps_doc_mean_word_length)
    rp_unique_word_share     different words over words (rps_doc_frac_unique_words)
    rp_unigram_entropy_nats  entropy of the distribution of the words (rps_doc_unigram_entropy)
    rp_top_2gram_chars_share … rp_top_4gram   characters of the most frequent n-gram (the first of
                             several) times its count, over those of all words; 0 if none comes
                             twice; may exceed 1, for n-grams overlap (rps_doc_frac_chars_top_2gram)
    rp_dup_5gram_chars_share … rp_dup_10gram  characters of words in an n-gram that comes more than
                             once, its first time included, over those of all words; 0 without a
                             word (rps_doc_frac_chars_dupe_5grams)

    Of the *raw* words, ``\\w+|[^\\w\\s]+``; null for a text without one:

    rp_stop_word_share       words on the list of stop words, 0 without a normalised word; null
                             without a list (rps_doc_stop_word_fraction)
    rp_symbol_word_share     "#", "..." and "…" over words (rps_doc_symbol_to_word_ratio)
    rp_no_letter_word_share  words without a-z and A-Z (rps_doc_frac_no_alph_words)
    rp_all_caps_word_share   upper-case words (rps_doc_frac_all_caps_words)

    Of the characters: rp_curly_bracket_share, "{" and "}" over characters (rps_doc_curly_bracket);
    rp_sentence_count, runs between any of ". ! ?" with a letter or digit (rps_doc_num_sentences).

    Of the lines, which end with their line feed; null for the empty text:

    rp_line_count            (how many values an rps_lines_* has)
    rp_ellipsis_line_share   lines that end in "..." or "…" (rps_doc_frac_lines_end_with_ellipsis)
    rp_terminal_mark_line_share   lines that end in one of . ! ? ”
                             (rps_lines_ending_with_terminal_punctution_mark)
    rp_bullet_line_share     lines that begin with a bullet (rps_lines_start_with_bulletpoint)
    rp_mean_line_words       normalised words of a line (rps_lines_num_words)
    rp_mean_line_uppercase_share   of a line, upper-case over all characters
                             (rps_lines_uppercase_letter_fraction)
    rp_mean_line_numeric_share     of a line's normalised words joined by spaces, numeric
                             characters over all (rps_lines_numerical_chars_fraction)
    rp_javascript_word_count the word "javascript" in all lines (rps_lines_javascript_counts)

    Source: RedPajama-V2 (Together 2023), its published code (app/src/core); values equal its own,
    which are rounded to 8 decimals. Differs: its rps_lines_* are lists, one value a line; here is
    their mean over the lines, or for "javascript" their sum. Stop words are `stop_words.toml`'s
    unless you give its own (stopwords-json). Left out, for they need models: rps_doc_ml_*,
    rps_doc_*_importance, ccnet_perplexity and its bucket; and rps_doc_ut1_blacklist, which is the
    filter `url` with UT1's lists. As there, entries of `bad_words` are compared as they are with
    words in NFD, so one with a composed letter ("ö") is never found; and only white space cuts
    words, so Chinese and Japanese have few.
    """

    language: str | None = None
    """Of all documents (ISO 639-1); where absent, the column `language` says it of each, and
    English is assumed where that is absent too. Only the lists depend on it."""
    bad_words: str | None = None
    """A list of words and phrases, e.g. LDNOOBW's: one a line, or `.json` by language."""
    stop_words: str | None = None
    """A list of stop words, written as they stand in text; absent: `stop_words.toml`."""

    use: ClassVar[str] = "redpajama"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("numba",)
    path_fields: ClassVar[tuple[str, ...]] = ("bad_words", "stop_words")
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("bad_words", "stop_words")
    measures: ClassVar[tuple[Measure, ...]] = (
        count_measure("rp_bad_word_count", "runs of words on the list; null without a list"),
        share_measure("rp_lorem_ipsum_share", '"lorem ipsum" over characters of normalised words'),
        share_measure("rp_curly_bracket_share", '"{" and "}" over characters'),
        share_measure("rp_stop_word_share", "stop words over raw words; null without a list"),
        count_measure("rp_sentence_count", 'runs between ". ! ?" that have a letter or digit'),
        count_measure("rp_word_count", "normalised words"),
        number_measure("rp_mean_word_chars", "mean length of the normalised words, code points"),
        number_measure("rp_symbol_word_share", '"#", "..." and "…" over raw words'),
        share_measure("rp_ellipsis_line_share", 'lines that end in "..." or "…", over lines'),
        share_measure("rp_no_letter_word_share", "raw words without a-z and A-Z, over raw words"),
        share_measure("rp_unique_word_share", "different normalised words over all of them"),
        number_measure("rp_unigram_entropy_nats", "entropy of the normalised words, in nats"),
        share_measure("rp_all_caps_word_share", "upper-case raw words over raw words"),
        *(
            number_measure(
                f"rp_top_{size}gram_chars_share",
                f"characters of the most frequent {size}-gram times its count, over all words'",
            )
            for size in TOP_SIZES
        ),
        *(
            share_measure(
                f"rp_dup_{size}gram_chars_share",
                f"characters of words in {size}-grams that come more than once, over all words'",
            )
            for size in DUP_SIZES
        ),
        count_measure("rp_javascript_word_count", 'normalised words that are "javascript"'),
        share_measure("rp_terminal_mark_line_share", "lines that end in . ! ? or ”, over lines"),
        number_measure("rp_mean_line_words", "mean normalised words of a line"),
        share_measure(
            "rp_mean_line_uppercase_share", "mean share of upper-case characters of a line"
        ),
        share_measure(
            "rp_mean_line_numeric_share", "mean share of numeric characters of a normalised line"
        ),
        share_measure("rp_bullet_line_share", "lines that begin with a bullet, over lines"),
        count_measure("rp_line_count", "pieces that end with a line feed or with the text"),
    )

    def open(self) -> BatchFunction:
        for module in self.requires:
            require(module, f"stage '{self.use}'")
        from winnow.filters.redpajama_signals import signals_of
        from winnow.text.code_points import blocks
        from winnow.text.listed_words import PhraseSet
        from winnow.text.table import TextColumn

        bad_words, stop_words = read_lists(self.bad_words), read_lists(self.stop_words)

        @cache
        def lists(language: str | None) -> tuple[PhraseSet | None, PhraseSet | None]:
            bad = of_language(bad_words, language)
            stop = of_language(stop_words, language)
            if self.stop_words is None:
                stop = stop_words_of(language) or None
            return (
                None if bad is None else PhraseSet(bad),
                None if stop is None else PhraseSet(single_words(stop)),
            )

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            text = TextColumn(batch.column("text"))
            values = np.empty((len(self.measures), batch.num_rows), np.float64)
            for language, rows in rows_by_language(languages_of(batch, self.language)):
                for some, codes, offsets in blocks(text, rows):
                    values[:, rows[some]] = signals_of(codes, offsets, *lists(language))
            return append_measures(batch, self.measure_fields(), as_columns(self.measures, values))

        return measure
