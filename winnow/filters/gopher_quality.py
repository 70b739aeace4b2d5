"""``gopher_quality``: does it read like running text?"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from winnow.filters.languages import WordsFilter, languages_of
from winnow.filters.measured import (
    Measure,
    append_measures,
    count_measure,
    number_measure,
    share_measure,
)
from winnow.optional import require
from winnow.pipeline.stage import BatchFunction

if TYPE_CHECKING:
    from winnow.text.table import BatchWords

# written without spaces: a word of the fallback splitter is a character there
UNSPACED = ("ja", "km", "lo", "my", "th", "wuu", "yue", "zh")

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class GopherQuality(WordsFilter):
    """Words, symbols, bullets and stop words of running text (Gopher's quality rules).

    word_count            words with a character that is not punctuation (281 characters are:
                          cc_net's, control characters, Unicode's sentence ends)
    mean_word_chars       their mean length in code points; null in languages written without
                          spaces (Chinese, Japanese, Thai, …)
    hash_symbol_share     number of "#" over number of all words; may exceed 1
    ellipsis_symbol_share number of "..." and "…" over number of all words; may exceed 1
    bullet_line_share     share of lines that begin with "•" or "-", white space apart
    ellipsis_line_share   share of lines that end in "..." or "…", white space apart
    alpha_word_share      share of all words with a letter
    stop_word_count       different stop words of the language, case as written; null where
                          `stop_words.toml` has no list for the language
    stop_word_occurrence_count   how often they occur, taken together; bounded by no default

    All are 0 for a text without words or lines. English is split into words as spaCy's
    `blank("en")` does, or as `words` says; other languages by script, or by a segmenter where
    `segmented` names them (see `winnow.text`).

    Source: Rae et al. 2021, appendix A; decisions and their order equal those of datatrove 0.10
    (`GopherQualityFilter`) on English. Differs from the paper as datatrove does: at least 2
    *different* stop words, symbols counted in the text and not in the words. (FineWeb of 2024, by
    datatrove 0.2.0, wanted 2 occurrences: `stop_word_count = "off"` and
    `stop_word_occurrence_count.min = 2`.) Differs from datatrove: other languages get their own
    stop words, and none are required where we have none.
    """

    stop_words: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Lists of your own, by language, instead of those of `stop_words.toml` for these languages:
    `stop_words = { de = ["der", "die", "das"] }`. `[]` asks for none."""

    use: ClassVar[str] = "gopher_quality"
    version: ClassVar[int] = 2
    measures: ClassVar[tuple[Measure, ...]] = (
        count_measure(
            "word_count",
            "words with a character that is not punctuation",
            min=50,
            max=100_000,
        ),
        number_measure(
            "mean_word_chars",
            "their mean length in code points; null in languages without spaces",
            min=3,
            max=10,
        ),
        number_measure("hash_symbol_share", '"#" over all words', max=0.1),
        number_measure("ellipsis_symbol_share", '"..." and "…" over all words', max=0.1),
        share_measure("bullet_line_share", 'lines that begin with "•" or "-", over lines', max=0.9),
        share_measure("ellipsis_line_share", 'lines that end in "..." or "…", over lines', max=0.3),
        share_measure("alpha_word_share", "words with a letter, over all words", min=0.8),
        count_measure(
            "stop_word_count", "different stop words of the language; null without a list", min=2
        ),
        count_measure(
            "stop_word_occurrence_count",
            "stop words of the language, each as often as it occurs; null without a list",
        ),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        # one meaning, one spelling: the order of languages must not measure anything again
        object.__setattr__(self, "stop_words", tuple(sorted(self.stop_words)))

    def open(self) -> BatchFunction:
        for module in self.requires:
            require(module, f"stage '{self.use}'")
        from winnow.text.by_language import words_by_language
        from winnow.text.lines import count_symbols
        from winnow.text.table import TextColumn

        rules = self.rules
        own = dict(self.stop_words)

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            text = TextColumn(batch.column("text"))
            rows = batch.num_rows
            symbols = np.zeros((rows, 5), np.int64)
            count_symbols(text.data, text.offsets, np.arange(rows), symbols)
            words = np.zeros((rows, 6), np.int64)
            no_length = np.zeros(rows, bool)
            no_stop_words = np.zeros(rows, bool)
            languages = languages_of(batch, self.language)
            for language, found in words_by_language(text, languages, rules):
                stop_words = own.get(language or "en", stop_words_of(language))
                words[found.rows] = _count(found, stop_words)
                no_stop_words[found.rows] = not stop_words
                no_length[found.rows] = language in UNSPACED
            return append_measures(
                batch, self.measure_fields(), _columns(symbols, words, no_length, no_stop_words)
            )

        return measure


def _count(found: BatchWords, stop_words: tuple[str, ...]) -> npt.NDArray[np.int64]:
    from winnow.text.grams import count_words

    counts = np.empty((len(found.rows), 6), np.int64)
    wanted = np.array(found.ids_of(stop_words), np.int64)
    count_words(found.tokens, found.offsets, found.chars, found.flags, wanted, counts)
    return counts


def _columns(symbols: Any, words: Any, no_length: Any, no_stop_words: Any) -> list[Any]:
    hashes, ellipses, lines, bullets, ellipsis_ends = symbols.T
    all_words, inked, inked_chars, lettered, stop_words, occurrences = words.T
    return [
        inked,
        pa.array(share(inked_chars, inked), mask=no_length),
        share(hashes, all_words),
        share(ellipses, all_words),
        share(bullets, lines),
        share(ellipsis_ends, lines),
        share(lettered, all_words),
        pa.array(stop_words, mask=no_stop_words),
        pa.array(occurrences, mask=no_stop_words),
    ]


def share(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> Float64:
    """``part / whole`` as Python divides whole numbers; 0 where ``whole`` is 0."""
    return np.divide(part, whole, out=np.zeros(len(part), np.float64), where=whole != 0)


@cache
def _all_stop_words() -> dict[str, tuple[str, ...]]:
    lists = tomllib.loads((Path(__file__).parent / "stop_words.toml").read_text("utf-8"))
    return {language: tuple(words) for language, words in lists.items()}


def stop_words_of(language: str | None) -> tuple[str, ...]:
    """The stop words of ``language`` (None: English); empty where there is no list."""
    return _all_stop_words().get("en" if language is None else language, ())
