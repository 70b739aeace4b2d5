"""Shares of duplicate n-grams → verdicts, and texts without the paragraphs that others have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from winnow.dedup.within.ngram_texts import NgramFinder, NgramRules, Ngrams, pieces_of_rows
from winnow.dedup.within.occurrences import OccurrenceReader
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.schema import KEPT
from winnow.store.manifest import Store

if TYPE_CHECKING:
    from winnow.text.table import TextColumn

REASON = "ngram_overlap_share"

VERDICTS = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),
        # "kept", the reason, or null: an earlier step had rejected the document already; then
        # the columns below are null too
        pa.field("verdict", pa.string()),
        # duplicates over n-grams that were looked at; null where there is none
        pa.field(REASON, pa.float64()),
        pa.field("ngram_overlap_count", pa.int64()),  # the duplicates
    ]
)
REWRITES = (
    # removed, or to be removed if the document were not rejected
    pa.field("ngram_overlap_paragraph_count", pa.int64()),
    pa.field("text", pa.large_string()),  # null: as it was
    pa.field("text_bytes", pa.int64()),
)
# what has the property White_Space: a text of these alone is no text
_WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)

Bools = npt.NDArray[np.bool_]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class NgramVerdictWork(PlainWork):
    """The verdict of every document of a shard, by the n-grams that :class:`FindWork` found."""

    find: str
    """Name of the step that found n-grams that occur before."""
    rules: NgramRules
    overlap_share: float
    version: ClassVar[int] = 1

    @property
    def schema(self) -> pa.Schema:
        """Columns of the store, which depend on the mode."""
        return VERDICTS if self.rules.mode == "document" else pa.schema([*VERDICTS, *REWRITES])

    def open(self, inputs: Inputs) -> TaskFunction:
        from winnow.text.table import TextColumn

        assert inputs.view is not None
        view, finder = inputs.view.open(), NgramFinder(self.rules)
        reader = OccurrenceReader(Store.open(inputs.stores[self.find]))

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for name in (f"verdict.{KEPT}", f"verdict.{REASON}", "ngrams", "duplicates"):
                tally.count(name, 0)
            if self.rules.mode != "document":
                tally.count("removed_paragraphs", 0)
                tally.count("removed_bytes", 0)
            for batch, considered in view.masked(index, ["doc_id", "text"]):
                text = TextColumn(batch.column("text"))
                doc_ids = batch.column("doc_id").to_numpy()
                found = _Found(considered.to_numpy(zero_copy_only=False))
                for rows in pieces_of_rows(text.offsets, np.flatnonzero(found.alive)):
                    grams = finder.find(text.data, text.offsets, rows)
                    marks = _marks(reader, doc_ids[rows], grams)
                    self._decide(found, text, rows, grams, marks)
                yield self._batch(batch.column("doc_id"), found, tally)

        return task

    def _decide(
        self, found: _Found, text: TextColumn, rows: Int64, grams: Ngrams, marks: Bools
    ) -> None:
        from winnow.dedup.within import ngram_kernels as kernels

        totals, duplicates, in_totals, in_duplicates = kernels.count_duplicates(
            grams.places, grams.firsts, grams.gram_offsets, grams.counted, marks,
            grams.paragraph_offsets,
        )  # fmt: skip
        found.totals[rows], found.duplicates[rows] = totals, duplicates
        if self.rules.mode != "paragraph":
            found.rejected[rows] = self._over(duplicates, totals)
        if self.rules.mode == "document":
            return
        removed = self._over(in_duplicates, in_totals)
        found.removed[rows] = np.add.reduceat(removed, grams.paragraph_offsets[:-1], dtype=np.int64)
        for place in np.flatnonzero(found.removed[rows]).tolist():
            row = int(rows[place])
            if found.rejected[row]:
                continue
            start, end = grams.paragraph_offsets[place : place + 2]
            before = text.data[text.offsets[row] : text.offsets[row + 1]].tobytes()
            after = _without(before, removed[start:end].tolist())
            if after.decode().strip(_WHITE_SPACE):
                found.texts[row] = after
                found.removed_bytes += len(before) - len(after)
            else:
                found.rejected[row] = True

    def _over(self, duplicates: Int64, totals: Int64) -> Bools:
        """BFF wants more than the share; in its mode "both" the share itself is enough."""
        with np.errstate(invalid="ignore"):
            shares = duplicates / totals  # of no n-grams: NaN, which is neither
            both: Bools = shares >= self.overlap_share
            others: Bools = shares > self.overlap_share
        return both if self.rules.mode == "both" else others

    def _batch(self, doc_ids: pa.Array, found: _Found, tally: Tally) -> pa.RecordBatch:
        gone, rejected = ~found.alive, found.rejected
        tally.count(f"verdict.{REASON}", int(rejected.sum()))
        tally.count(f"verdict.{KEPT}", int((found.alive & ~rejected).sum()))
        tally.count("ngrams", int(found.totals.sum()))
        tally.count("duplicates", int(found.duplicates.sum()))
        shares = found.duplicates / np.maximum(found.totals, 1)
        verdicts = np.where(rejected, REASON, KEPT).astype(object)
        columns = [
            doc_ids,
            pa.array(verdicts, pa.string(), mask=gone),
            pa.array(shares, pa.float64(), mask=gone | (found.totals == 0)),
            pa.array(found.duplicates, pa.int64(), mask=gone),
        ]
        if self.rules.mode != "document":
            tally.count("removed_paragraphs", int(found.removed[~rejected].sum()))
            tally.count("removed_bytes", found.removed_bytes)
            texts = [found.texts.get(row) for row in range(len(doc_ids))]
            sizes = [None if text is None else len(text) for text in texts]
            columns += [
                pa.array(found.removed, pa.int64(), mask=gone),
                pa.array(texts, pa.large_binary()).cast(pa.large_string()),
                pa.array(sizes, pa.int64()),
            ]
        return pa.record_batch(columns, schema=self.schema)


class _Found:
    """What is found out about the documents of a batch; arrays of its length."""

    def __init__(self, alive: Bools) -> None:
        self.alive = alive
        self.totals, self.duplicates, self.removed = np.zeros((3, len(alive)), np.int64)
        self.rejected = np.zeros(len(alive), np.bool_)
        self.texts: dict[int, bytes] = {}
        self.removed_bytes = 0


def _marks(reader: OccurrenceReader, doc_ids: UInt64, grams: Ngrams) -> Bools:
    """By n-gram: whether an earlier unit has it. ``doc_ids`` uint64[documents], ascending."""
    marks = np.zeros(len(grams.keys), np.bool_)
    found = reader.between(int(doc_ids[0]), int(doc_ids[-1]))
    earlier = found["rank"] > 0
    documents = np.searchsorted(doc_ids, found["doc_id"][earlier])
    marks[grams.gram_offsets[documents] + found["position"][earlier]] = True
    return marks


def _without(text: bytes, removed: list[bool]) -> bytes:
    """``text`` without some of its paragraphs, each with the line feed before it."""
    lines = text.split(b"\n")
    kept = [
        line if number == 0 else b"\n" + line
        for number, line in enumerate(lines)
        if not removed[number]
    ]
    return b"".join(kept)
