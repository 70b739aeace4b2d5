"""Found units → texts without the duplicates, and a verdict on what is left of a document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from winnow.dedup.within.line_pieces import Pieces, Unit, cut, languages_of
from winnow.dedup.within.line_units import REPEATED, LineRules
from winnow.dedup.within.occurrences import OccurrenceReader
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.schema import KEPT
from winnow.store.manifest import Store
from winnow.text.by_language import words_by_language
from winnow.text.table import TextColumn

Keep = Literal["first", "none"]


def measure_names(unit: Unit) -> tuple[str, str, str, str]:
    """The measures of a block over such units: removed pieces, share of characters removed, pieces
    left and words left. Two blocks with different units do not overwrite one another."""
    return (
        f"{unit}_dedup_removed_count",
        f"{unit}_dedup_removed_chars_share",
        f"{unit}_dedup_left_count",
        f"{unit}_dedup_left_word_count",
    )


def verdict_schema(unit: Unit) -> pa.Schema:
    """Null in a row: rejected by an earlier step; of ``text`` and ``text_bytes``: unchanged."""
    removed, share, left, words = measure_names(unit)
    return pa.schema(
        [
            pa.field("doc_id", pa.uint64(), nullable=False),
            pa.field("verdict", pa.string()),  # "kept", or the measure whose bound it broke
            pa.field(removed, pa.int64()),
            pa.field(share, pa.float64()),  # code points taken away, over all; 0 to 1
            pa.field(left, pa.int64()),  # pieces with ink in the new text; null: unchanged
            pa.field(words, pa.int64()),  # words of the new text; null: unchanged, or not asked for
            pa.field("text", pa.large_string()),
            pa.field("text_bytes", pa.int64()),
        ]
    )


@dataclass(frozen=True)
class LineVerdictsWork(PlainWork):
    """Texts without the units that occur too often, for the documents of a shard."""

    found: str
    """Name of the step that counted."""
    rules: LineRules
    keep: Keep
    max_count: int
    min_words: int
    min_units: int
    version: ClassVar[int] = 1

    @property
    def schema(self) -> pa.Schema:
        return verdict_schema(self.rules.unit)

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view = inputs.view.open()
        reader = OccurrenceReader(Store.open(inputs.stores[self.found]))
        language = self.rules.language_column
        columns = ["doc_id", "text"] + ([language] if language else [])
        reasons = self._reasons()

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for name in (*_COUNTERS, *(f"verdict.{reason}" for reason in (KEPT, *reasons))):
                tally.count(name, 0)
            for batch, considered in view.masked(index, columns):
                yield self._verdicts(batch, considered, reader, tally)

        return task

    def _reasons(self) -> tuple[str, str]:
        _, _, left, words = measure_names(self.rules.unit)
        return words, left

    def _verdicts(
        self, batch: pa.RecordBatch, considered: pa.Array, reader: OccurrenceReader, tally: Tally
    ) -> pa.RecordBatch:
        alive = considered.to_numpy(zero_copy_only=False)
        ids = batch.column("doc_id").to_numpy(zero_copy_only=False)
        rows, places = self._duplicates(ids, alive, reader, tally)
        changed = np.unique(rows)
        numbers = np.zeros((4, len(ids)), np.int64)  # removed, chars, left, words
        shares = np.zeros(len(ids))
        verdicts = np.full(len(ids), KEPT, object)
        texts = pa.nulls(len(ids), pa.large_string())
        sizes = pa.nulls(len(ids), pa.int64())
        if len(changed):
            rest = self._rest(batch, changed, np.searchsorted(changed, rows), places)
            for number, column in enumerate((rest.removed, rest.left, rest.words)):
                numbers[number, changed] = column
            shares[changed] = rest.removed_chars / np.maximum(1, rest.chars)
            for reason, broken in zip(self._reasons(), self._broken(rest), strict=True):
                fresh = broken & (verdicts[changed] == KEPT)
                verdicts[changed[fresh]] = reason
                tally.count(f"verdict.{reason}", int(fresh.sum()))
            stays = verdicts[changed] == KEPT
            places_in_rest = np.full(len(ids), -1, np.int64)
            places_in_rest[changed[stays]] = np.flatnonzero(stays)
            indices = pa.array(places_in_rest, mask=places_in_rest < 0)
            texts = rest.texts.take(indices)
            sizes = pa.array(rest.sizes).take(indices)
            tally.count("changed_documents", len(changed))
            tally.count("removed_pieces", int(rest.removed.sum()))
            tally.count("removed_bytes", int((rest.old_sizes - rest.sizes).sum()))
        tally.count(f"verdict.{KEPT}", int((alive & (verdicts == KEPT)).sum()))
        unchanged = np.ones(len(ids), bool)
        unchanged[changed] = False
        gone = ~alive
        columns = [
            batch.column("doc_id"),
            pa.array(verdicts, pa.string(), mask=gone),
            pa.array(numbers[0], mask=gone),
            pa.array(shares, mask=gone),
            pa.array(numbers[1], mask=gone | unchanged),
            pa.array(numbers[2], mask=gone | unchanged | (self.min_words == 0)),
            texts,
            sizes,
        ]
        return pa.record_batch(columns, schema=self.schema)

    def _duplicates(
        self, ids: np.ndarray, alive: np.ndarray, reader: OccurrenceReader, tally: Tally
    ) -> tuple[np.ndarray, np.ndarray]:
        """(row, place in its text) of every unit that goes."""
        if not len(ids):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        found = reader.between(int(ids.min()), int(ids.max()))
        within = (found["position"] & REPEATED) != 0
        goes = found["count"] > self.max_count
        if self.keep == "first":
            goes &= found["rank"] > 0
        goes = np.where(within, found["rank"] > 0, goes)
        doc_ids = found["doc_id"][goes]
        rows = np.minimum(np.searchsorted(ids, doc_ids), len(ids) - 1)
        known = (ids[rows] == doc_ids) & alive[rows]
        tally.count("duplicates", int(known.sum()))
        return rows[known], (found["position"][goes] & ~REPEATED).astype(np.int64)[known]

    def _rest(
        self, batch: pa.RecordBatch, changed: np.ndarray, rows: np.ndarray, places: np.ndarray
    ) -> _Rest:
        """What is left of the documents ``changed`` when the units that begin at ``places`` of
        ``changed[rows]`` are gone."""
        from winnow.dedup.within import line_kernels as kernels

        batch = batch.take(pa.array(changed))
        languages = languages_of(batch, self.rules.language_column)
        old = TextColumn(batch.column("text"))
        pieces = cut(old, self.rules.unit, languages)
        removed = _covered(pieces, rows, places, self.rules.span)
        every = np.arange(len(changed))
        letters = np.empty(int(old.offsets[-1] - old.offsets[0]), np.uint8)
        offsets = np.zeros(len(changed) + 1, np.int64)
        kernels.write_rest(
            old.data, old.offsets, every, pieces.starts, pieces.ends, pieces.offsets, removed,
            self.rules.unit == "sentence", letters, offsets,
        )  # fmt: skip
        letters = letters[: offsets[-1]]
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(letters)]
        texts = pa.Array.from_buffers(pa.large_string(), len(changed), buffers)
        new = TextColumn(texts)
        old_chars, new_chars = (
            kernels.text_chars(column.data, column.offsets) for column in (old, new)
        )
        words = np.zeros(len(changed), np.int64)
        if self.min_words:
            for _, found in words_by_language(new, languages):
                words[found.rows] = np.diff(found.offsets)
        return _Rest(
            texts=texts,
            sizes=np.diff(offsets),
            old_sizes=np.diff(old.offsets),
            chars=old_chars,
            removed_chars=old_chars - new_chars,
            removed=np.add.reduceat(np.append(removed, False), pieces.offsets[:-1], dtype=np.int64),
            left=self._left(new, languages),
            words=words,
        )

    def _left(self, text: TextColumn, languages: list[str | None]) -> np.ndarray:
        """Pieces of each text; lines without ink do not count."""
        from winnow.dedup.within import line_kernels as kernels

        pieces = cut(text, self.rules.unit, languages)
        if self.rules.unit != "line":
            return pieces.counts()
        inked = kernels.ink_chars(text.data, pieces.starts, pieces.ends) > 0
        return np.add.reduceat(inked, pieces.offsets[:-1], dtype=np.int64)

    def _broken(self, rest: _Rest) -> tuple[np.ndarray, np.ndarray]:
        """Which documents have too few words, and too few pieces; as :meth:`_reasons`."""
        empty = rest.sizes == 0
        return (rest.words < self.min_words) & ~empty, (rest.left < self.min_units) | empty


@dataclass(frozen=True)
class _Rest:
    """What is left of changed documents; arrays of their number."""

    texts: pa.Array
    sizes: np.ndarray
    old_sizes: np.ndarray
    """Bytes."""
    chars: np.ndarray
    """Code points before."""
    removed_chars: np.ndarray
    removed: np.ndarray
    """Pieces."""
    left: np.ndarray
    words: np.ndarray
    """0 where nobody asked."""


def _covered(pieces: Pieces, rows: np.ndarray, places: np.ndarray, span: int) -> np.ndarray:
    """bool[pieces]: in a run of ``span`` from one of ``places`` on; no run reaches over a text's
    end."""
    starts = pieces.offsets[rows] + places
    edges = np.zeros(len(pieces.starts) + 1, np.int64)
    np.add.at(edges, starts, 1)
    np.add.at(edges, np.minimum(starts + span, len(pieces.starts)), -1)
    covered: np.ndarray = np.cumsum(edges[:-1]) > 0
    return covered


_COUNTERS = ("duplicates", "changed_documents", "removed_pieces", "removed_bytes")
