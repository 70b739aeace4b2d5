"""Which language each document of a batch is in, as the filters before have found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pyarrow as pa

from winnow.filters.measured import MeasuredFilter
from winnow.pipeline.fingerprint import file_digest
from winnow.schema import require_columns
from winnow.text.phrase_lists import check_list
from winnow.text.words import WordRules


@dataclass(frozen=True, kw_only=True)
class LanguagesFilter(MeasuredFilter):
    """A filter that asks for the language of a document where that is known."""

    language: str | None = None
    """Of all documents (ISO 639-1); where absent, the column `language` says it of each, and
    English is assumed where that is absent too."""

    @property
    def reads(self) -> tuple[str, ...]:
        return ("text", "language") if self.language is None else ("text",)

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_columns(schema, ("text",), self.use)  # `language` is read if it is there
        return pa.schema([*schema, *self.measure_fields()])


@dataclass(frozen=True, kw_only=True)
class WordsFilter(LanguagesFilter):
    """A filter that splits text into words, each language as :attr:`rules` say."""

    words: Literal["spacy", "nltk", "space"] = "spacy"
    """English words as datatrove 0.10 splits them (spaCy) or as FineWeb 2024 did (NLTK 3.8); or
    `space`: in every language what white space separates."""
    segmented: tuple[str, ...] = ()
    """Languages whose words are found by a segmenter: any of bo, dz, ja, km, lo, my, th, wuu, yue,
    zh. All others but English are split by script."""
    punkt: str | None = None
    """Folder with Punkt's English parameters, for `words = "nltk"`; where absent, NLTK's data
    folders are searched."""

    path_fields: ClassVar[tuple[str, ...]] = ("punkt",)
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("punkt",)

    @property
    def rules(self) -> WordRules:
        return WordRules(self.words, self.segmented, self.punkt)

    @property
    def requires(self) -> tuple[str, ...]:
        return ("numba", *self.rules.requires())

    def check(self) -> None:
        """Raise :class:`PlanError` where words could not be found as asked."""
        self.rules.check()

    def fingerprint_extra(self) -> dict[str, Any]:
        return self.rules.fingerprint_extra()


class ListsFilter(LanguagesFilter):
    """A filter whose ``path_fields`` are files of words or phrases, each absent or one of yours."""

    path_fields: ClassVar[tuple[str, ...]] = ()

    def fingerprint_extra(self) -> dict[str, Any]:
        """The lists' content, in place of their paths."""
        paths = {name: getattr(self, name) for name in self.path_fields}
        return {f"{name}_sha256": path and file_digest(path) for name, path in paths.items()}

    def check(self) -> None:
        """Raise :class:`PlanError` for a list that cannot be read."""
        for name in self.path_fields:
            path = getattr(self, name)
            if path is not None:
                check_list(path, self.use)


def languages_of(batch: pa.RecordBatch, fixed: str | None) -> list[str | None]:
    """ISO 639-1 of every row: ``fixed``, else what the column ``language`` says, else None.

    None is read as English by what splits words, for lack of a better guess.
    """
    if fixed is not None or "language" not in batch.schema.names:
        return [fixed] * batch.num_rows
    languages: list[str | None] = batch.column("language").to_pylist()
    return languages
