"""Words of a text, by language: ``words_of(text, "en")``, and memo tables that make it fast.

White space cuts a text into chunks, and the words of a chunk depend on the chunk alone. Chunks
repeat (19 of 20 in English web text were seen before), so each is split once and remembered.
"""

from __future__ import annotations

from functools import cache

from winnow.text.english import EnglishTokenizer
from winnow.text.scripts import script_tokens

ENGLISH = "en"
MAX_CHUNKS = 1 << 19  # remembered chunks; some 100 MB of Python strings and tuples when full


class Words:
    """Splits texts of any language by script: the fallback, see :mod:`winnow.text.scripts`.

    White space here is what ``str.split()`` cuts at. The memo is emptied when it holds
    ``max_chunks`` entries; no answer depends on it.
    """

    def __init__(self, max_chunks: int = MAX_CHUNKS) -> None:
        self.max_chunks = max_chunks
        self._memo: dict[str, tuple[str, ...]] = {}

    def tokenize(self, chunk: str) -> tuple[str, ...]:
        """The words of a chunk (no white space in it), computed; they join to ``chunk``."""
        return script_tokens(chunk)

    def tokens(self, chunk: str) -> tuple[str, ...]:
        """The words of a chunk (no white space in it), remembered."""
        found = self._memo.get(chunk)
        if found is None:
            found = self.tokenize(chunk)
            if len(self._memo) >= self.max_chunks:
                self._memo.clear()
            self._memo[chunk] = found
        return found

    def split(self, text: str) -> list[str]:
        """The words of ``text`` in order; empty for an empty text and for white space."""
        tokens = self.tokens
        return [word for chunk in text.split() for word in tokens(chunk)]


class EnglishWords(Words):
    """English words exactly as datatrove 0.10 splits them: spaCy's ``blank("en")`` tokenizer,
    tokens stripped, empty ones removed. :mod:`winnow.text.english` says where this differs."""

    def __init__(self, max_chunks: int = MAX_CHUNKS) -> None:
        super().__init__(max_chunks)
        self._english = EnglishTokenizer()

    def tokenize(self, chunk: str) -> tuple[str, ...]:
        return self._english.tokenize(chunk)


@cache
def splitter(language: str | None = ENGLISH) -> Words:
    """The splitter of ``language`` (ISO 639-1; None: English), one a process."""
    if language not in (ENGLISH, None):
        return _by_script()
    return _english()


@cache
def _english() -> Words:
    return EnglishWords()


@cache
def _by_script() -> Words:
    return Words()


def words_of(text: str, language: str | None = ENGLISH) -> list[str]:
    """The words of ``text`` in order, as ``language`` (ISO 639-1; None: English) splits them."""
    return splitter(language).split(text)
