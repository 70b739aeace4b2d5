"""Words of a text, by language: ``words_of(text, "en")``, and memo tables that make it fast.

White space cuts a text into chunks, and the words of a chunk depend on the chunk alone. Chunks
repeat (19 of 20 in English web text were seen before), so each is split once and remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from winnow.errors import PlanError
from winnow.optional import missing, missing_extra
from winnow.text.english import EnglishTokenizer
from winnow.text.punkt_data import find_punkt, punkt_digest, read_punkt
from winnow.text.scripts import script_tokens

if TYPE_CHECKING:
    from winnow.text.segmenters import Segmenter

ENGLISH = "en"
MAX_CHUNKS = 1 << 17  # remembered chunks: a table of words takes some 35 MB when full


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


class SpaceWords(Words):
    """Words are what white space separates: ``str.split()``."""

    def tokenize(self, chunk: str) -> tuple[str, ...]:
        return (chunk,)


@dataclass(frozen=True)
class WordRules:
    """Which words a text has."""

    english: Literal["spacy", "nltk", "space"] = "spacy"
    """English as datatrove 0.10 splits it (spaCy), as FineWeb 2024 did (NLTK 3.8), or, for all
    languages, at white space."""
    segmented: tuple[str, ...] = ()
    """Languages that go through a segmenter (see :mod:`winnow.text.segmenters`); other languages
    than English are split by script."""
    punkt: str | None = None
    """Folder of Punkt's English parameters, or an NLTK data folder; None: NLTK's data folders."""

    outside_fingerprint: ClassVar[tuple[str, ...]] = ("punkt",)

    def requires(self) -> tuple[str, ...]:
        """The modules of optional packages that splitting imports."""
        return tuple(dict.fromkeys(name for each in self._segmenters() for name in each.modules))

    def check(self) -> None:
        """Raise :class:`PlanError` where a text could not be split so."""
        if self.english == "space" and self.segmented:
            raise PlanError(
                "words = 'space' splits every language at white space; 'segmented' contradicts it"
            )
        for module in missing(self.requires()):
            raise missing_extra(module, "'segmented'")
        if self.english == "nltk":
            read_punkt(find_punkt(self.punkt))
        elif self.punkt is not None:
            raise PlanError("'punkt' is read for words = 'nltk' only; leave it out")

    def fingerprint_extra(self) -> dict[str, Any]:
        """Versions of the packages and digest of the parameters that the words depend on."""
        names = {name for each in self._segmenters() for name in each.distributions}
        extra: dict[str, Any] = {}
        if names:
            extra["segmenter_versions"] = {name: version(name) for name in sorted(names)}
        if self.english == "nltk":
            extra["punkt_sha256"] = punkt_digest(find_punkt(self.punkt))
        return extra

    def _segmenters(self) -> list[Segmenter]:
        if not self.segmented:
            return []
        from winnow.text.segmenters import SEGMENTERS

        for code in self.segmented:
            if code not in SEGMENTERS:
                raise PlanError(
                    f"segmented: there is no segmenter for language {code!r}",
                    remedy=f"Languages with one: {', '.join(SEGMENTERS)}. Others need none: their "
                    "words are split by script.",
                )
        return [SEGMENTERS[code] for code in self.segmented]


DEFAULT_RULES = WordRules()


@cache
def splitter(language: str | None = ENGLISH, rules: WordRules = DEFAULT_RULES) -> Words:
    """The splitter of ``language`` (ISO 639-1; None: English), one a process."""
    if rules.english == "space":
        return _by_space()
    if language in (ENGLISH, None):
        return _english() if rules.english == "spacy" else _nltk(find_punkt(rules.punkt))
    if language in rules.segmented:
        from winnow.text.segmenters import SEGMENTERS

        return _segmented(SEGMENTERS[language])
    return _by_script()


@cache
def _english() -> Words:
    return EnglishWords()


@cache
def _nltk(folder: Path) -> Words:
    from winnow.text.nltk_words import NltkWords

    return NltkWords(folder)


@cache
def _segmented(segmenter: Segmenter) -> Words:
    from winnow.text.segmenters import SegmentedWords

    return SegmentedWords(segmenter)


@cache
def _by_script() -> Words:
    return Words()


@cache
def _by_space() -> Words:
    return SpaceWords()


def words_of(
    text: str, language: str | None = ENGLISH, rules: WordRules = DEFAULT_RULES
) -> list[str]:
    """The words of ``text`` in order, as ``language`` (ISO 639-1; None: English) splits them."""
    return splitter(language, rules).split(text)
