"""The words of a column whose rows are in several languages."""

from __future__ import annotations

from functools import cache

import numpy as np

from winnow.text.nltk_table import NltkTable
from winnow.text.nltk_words import NltkWords
from winnow.text.table import BatchWords, TextColumn, WordTable
from winnow.text.words import DEFAULT_RULES, WordRules, Words, splitter


@cache
def word_table(
    language: str | None = None, rules: WordRules = DEFAULT_RULES
) -> WordTable | NltkTable:
    """The table of this process for ``language`` (None: English), as :func:`splitter` splits."""
    return _table_of(splitter(language, rules))


@cache
def _table_of(words: Words) -> WordTable | NltkTable:
    return NltkTable(words) if isinstance(words, NltkWords) else WordTable(words)


def words_by_language(
    text: TextColumn, languages: list[str | None], rules: WordRules = DEFAULT_RULES
) -> list[tuple[str | None, BatchWords]]:
    """The words of every row, split as its language asks, a language at a time.

    ``languages``: ISO 639-1, one a row; None: English.
    """
    groups: dict[str | None, list[int]] = {}
    for row, language in enumerate(languages):
        groups.setdefault(language, []).append(row)
    return [
        (language, word_table(language, rules).split(text, np.array(rows, np.int64)))
        for language, rows in groups.items()
    ]
