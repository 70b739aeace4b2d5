"""``bad_words``: pages with words of a list that you give."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from winnow.errors import PlanError
from winnow.filters.languages import LanguagesFilter, languages_of
from winnow.filters.loaded import file_stamp
from winnow.filters.measured import Measure, append_measures, count_measure, share_measure
from winnow.hashing import keyed_hash
from winnow.optional import require
from winnow.pipeline.fingerprint import file_digest
from winnow.pipeline.stage import BatchFunction
from winnow.schema import require_columns

ENGLISH = "en"
UNFLANKED = ("ja", "th", "zh")
# common parts of other words, of which C4 found each to cost a tenth of its language
ALLOWED = ("sm", "グロ", "女の子", "性")

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class BadWords(LanguagesFilter):
    """Words and phrases of a list, one list a language.

    bad_word_count  places in the lower-case text at which an entry of the language's list begins,
                    with no letter, number or "_" before and behind it; in Japanese, Thai and
                    Chinese, wherever it stands. Null where there is no list for the language
    bad_word_draw   for a document with such a place, a number in (0, 1] drawn from its `doc_id`
                    and `seed`; null for all others. Default bound: at most 0, which rejects all.
                    `bad_word_draw.max = 0.001` keeps one in a thousand of them, always the same

    We ship no list. C4's are LDNOOBW's (CC-BY-4.0), a text file a language: one entry a line, in
    lower case (one with a capital matches nothing). Give those that you want::

        lists = { en = "lists/en", de = "lists/de" }

    Source: C4 (Raffel et al. 2020; the released data by TensorFlow Datasets) as datatrove 0.10
    (`C4BadWordsFilter`) has it, with four entries that neither counts (sm, グロ, 女の子, 性): equal
    decisions. Differs: what `keep_fraction` keeps depends on the document and not on the order of
    documents; blank lines of a list are no entry; without a list for a language nothing fails.
    """

    lists: tuple[tuple[str, str], ...] = ()
    """Language (ISO 639-1) → path of its list."""
    seed: int = 0
    language: str | None = None
    """Of all documents (ISO 639-1); where absent, the column `language` says it of each, and
    English is assumed where that is absent too."""

    use: ClassVar[str] = "bad_words"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("numba",)
    path_fields: ClassVar[tuple[str, ...]] = ("lists",)
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("lists",)
    measures: ClassVar[tuple[Measure, ...]] = (
        count_measure("bad_word_count", "places where an entry of the language's list stands"),
        share_measure(
            "bad_word_draw", "a number from the document's id, where there is such a place", max=0
        ),
    )

    @property
    def reads(self) -> tuple[str, ...]:
        return ("doc_id", *super().reads)

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_columns(schema, ("doc_id",), self.use)
        return super().output_schema(schema)

    def fingerprint_extra(self) -> dict[str, Any]:
        return {"lists_sha256": {language: file_digest(path) for language, path in self.lists}}

    def check(self) -> None:
        """Raise :class:`PlanError` for a list that cannot be read or is empty."""
        if not self.lists:
            raise PlanError(
                f"stage '{self.use}': no list of words is given",
                remedy='For example: lists = { en = "ldnoobw/en" }',
            )
        for language, path in self.lists:
            try:
                empty = not _entries(path)
            except (OSError, UnicodeDecodeError) as error:
                raise PlanError(
                    f"stage '{self.use}': cannot read the list of '{language}', {path}: {error}",
                    remedy="lists are UTF-8 text files, an entry a line; paths are relative to the "
                    "config.",
                ) from None
            if empty:
                raise PlanError(
                    f"stage '{self.use}': the list of '{language}', {path}, has no entry",
                    remedy="Take it out, or put an entry a line into it.",
                )

    def open(self) -> BatchFunction:
        for module in self.requires:
            require(module, f"stage '{self.use}'")
        from winnow.text.table import TextColumn

        counters = {
            language: _counter(path, language not in UNFLANKED, file_stamp(path))
            for language, path in self.lists
        }

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            text = TextColumn(batch.column("text"))
            groups: dict[str, list[int]] = {}
            for row, language in enumerate(languages_of(batch, self.language)):
                groups.setdefault(ENGLISH if language is None else language, []).append(row)
            counts = np.zeros(batch.num_rows, np.int64)
            unknown = np.zeros(batch.num_rows, bool)
            for language, members in groups.items():
                rows = np.array(members, np.int64)
                if language in counters:
                    counts[rows] = counters[language](text, rows)
                else:
                    unknown[rows] = True
            ids = batch.column("doc_id").to_numpy()
            draws = ((keyed_hash(ids, self.seed) >> np.uint64(11)) + np.uint64(1)) / 2.0**53
            columns = [pa.array(counts, mask=unknown), pa.array(draws, mask=counts == 0)]
            return append_measures(batch, self.measure_fields(), columns)

        return measure


def _entries(path: str) -> frozenset[str]:
    with open(path, encoding="utf-8") as file:
        return frozenset(line.strip() for line in file) - {"", *ALLOWED}


@lru_cache(maxsize=64)
def _counter(path: str, flanked: bool, stamp: tuple[int, int]) -> Callable[[Any, Int64], Int64]:
    """Counts for rows of a text column, int64[rows]; once a process while the list is the same."""
    from winnow.text.characters import character_flags
    from winnow.text.phrases import UNSURE, count_phrases, lower_case, phrase_tree

    entries = sorted(_entries(path))
    tree, lower, flags = phrase_tree(entries), lower_case(), character_flags()
    choice = "|".join(map(re.escape, entries))
    # a place, not a piece: two entries may share the character between them
    exact = re.compile(rf"(?:^|(?<=\W))(?=(?:{choice})(?:\W|$))" if flanked else f"(?={choice})")

    def count(text: Any, rows: Int64) -> Int64:
        counts = np.zeros(len(rows), np.int64)
        count_phrases(
            text.data,
            text.offsets,
            rows,
            lower,
            flags,
            tree.edges,
            tree.nodes,
            tree.ends,
            flanked,
            counts,
        )
        for position in np.flatnonzero(counts == UNSURE).tolist():
            letters = text.column[int(rows[position])].as_py().lower()
            counts[position] = sum(1 for _ in exact.finditer(letters))
        return counts

    return count
