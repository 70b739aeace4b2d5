"""All measures of all documents in one pass, aligned with them row for row.

A run judges by one chain of filters, and may measure for the chains of other recipes too. A filter
sees the documents' columns and what the filters before it *in its chain* have found, so nothing
that is measured besides can change an answer; a filter that two chains have in the same place is
run once.

A filter may rewrite the text (C4 drops lines); those after it in its chain read the new text. The
text in which a run's own chain ends is stored beside its measures where it differs.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.errors import PlanError
from winnow.pipeline.bounds import Bound, judge
from winnow.pipeline.stage import BatchFunction, Filter, Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.pipeline.works import run_stage
from winnow.schema import KEPT

DOCUMENTS_TEXT = -1

Functions = list[tuple[str, BatchFunction]]


@dataclass(frozen=True)
class Measuring:
    """A filter in its place: which text it reads, and which columns it may see."""

    filter: Filter
    text: int = DOCUMENTS_TEXT
    """The place, in the list of measurings, of the filter that wrote the text; -1: nobody."""
    columns: tuple[str, ...] = ()
    """Of the documents, or of filters before it."""

    @property
    def rewrites(self) -> bool:
        return bool(getattr(self.filter, "rewrites", False))


class Chains:
    """Collects the measurings of several chains; what they share is there once."""

    def __init__(self, documents: pa.Schema) -> None:
        self.documents = documents
        self.measurings: list[Measuring] = []
        self.fields: list[pa.Field] = []
        self.reads: list[str] = []
        self._makers: dict[str, tuple[str, int]] = {}  # column → (chain, place in measurings)

    def add(
        self, chain: str, filters: Sequence[tuple[str, Filter]], text: int = DOCUMENTS_TEXT
    ) -> tuple[pa.Schema, int]:
        """The columns after the chain's last filter, and whose text it ends in.

        ``filters``: (name, filter). Raises :class:`PlanError` where a column is missing, or is
        there already with another meaning.
        """
        available = self.documents
        places: set[int] = set()
        for name, stage in filters:
            after = stage.output_schema(available)
            seen = tuple(column for column in stage.reads if column in available.names)
            place = self._place(chain, name, Measuring(stage, text, seen))
            if place in places:
                raise PlanError(f"stage '{name}' of {chain} is there twice; leave one out")
            places.add(place)
            self.reads += [column for column in seen if column in self.documents.names]
            if self.measurings[place].rewrites:
                text = place
            available = after
        return available, text

    def _place(self, chain: str, name: str, measuring: Measuring) -> int:
        if measuring in self.measurings:
            return self.measurings.index(measuring)
        for field in measuring.filter.measure_fields():
            if field.name in self.documents.names:
                raise PlanError(
                    f"stage '{name}' measures '{field.name}', a column that is there already"
                )
            if field.name in self._makers:
                other, _ = self._makers[field.name]
                raise PlanError(
                    f"stage '{name}' of {chain} measures '{field.name}', and so does {other}, with "
                    "other settings, on another text, or knowing other columns (language)",
                    remedy='Tell them apart: suffix = "b" makes it '
                    f"'{field.name}_b'; or give both the same settings and place.",
                )
        self.measurings.append(measuring)
        place = len(self.measurings) - 1
        for field in measuring.filter.measure_fields():
            self._makers[field.name] = (chain, place)
            self.fields.append(field)
        return place


@dataclass(frozen=True)
class MeasuresWork(PlainWork):
    """Documents → their measures.

    With ``until_rejected`` (bounds by measuring) a filter sees only the documents that the bounds
    before it keep, and the others' measures stay null: faster, and the ledger can then be
    tightened but not loosened.
    """

    measurings: tuple[Measuring, ...]
    reads: tuple[str, ...]
    text: int = DOCUMENTS_TEXT
    """Whose text is stored: of the last filter of the run's own chain that rewrites."""
    until_rejected: tuple[tuple[Bound, ...], ...] | None = None
    version: ClassVar[int] = 3

    def fingerprint_extra(self) -> dict[str, Any]:
        # what is a letter, a digit, a mark is what Python's Unicode says
        return {"unicode": unicodedata.unidata_version}

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view = inputs.view.open()
        functions = [(each.filter.use, each.filter.open()) for each in self.measurings]
        columns = list(dict.fromkeys(["doc_id", "extract_problem", "text", *self.reads]))
        schema = measures_schema(self.measurings, self.text)

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            where = f"documents shard {index}"
            for batch, kept in view.masked(index, columns):
                found = dict(zip(batch.schema.names, batch.columns, strict=True))
                if self.until_rejected is None:
                    texts = self._all(functions, found, where)
                else:
                    texts = self._until_rejected(functions, found, kept, where)
                if self.text != DOCUMENTS_TEXT:
                    before, after = batch.column("text"), texts[self.text]
                    same = pa.scalar(None, after.type)
                    found["text"] = pc.if_else(pc.equal(before, after), same, after)
                    found["text_bytes"] = pc.binary_length(found["text"])
                yield pa.record_batch([found[name] for name in schema.names], schema=schema)

        return task

    def _all(
        self, functions: Functions, found: dict[str, pa.Array], where: str
    ) -> dict[int, pa.Array]:
        """Adds all measures to ``found``; returns the text after each filter that rewrites."""
        texts = {DOCUMENTS_TEXT: found["text"]}
        for place, (measuring, (use, function)) in enumerate(
            zip(self.measurings, functions, strict=True)
        ):
            batch = _batch(measuring, found, texts[measuring.text])
            result = run_stage(use, function, batch, where)
            for field in measuring.filter.measure_fields():
                found[field.name] = result.column(field.name)
            if measuring.rewrites:
                texts[place] = result.column("text")
        return texts

    def _until_rejected(
        self, functions: Functions, found: dict[str, pa.Array], kept: pa.Array, where: str
    ) -> dict[int, pa.Array]:
        assert self.until_rejected is not None
        texts = {DOCUMENTS_TEXT: found["text"]}
        alive = pc.and_(kept, pc.is_null(found["extract_problem"]))
        for place, (measuring, (use, function), bounds) in enumerate(
            zip(self.measurings, functions, self.until_rejected, strict=True)
        ):
            batch = _batch(measuring, found, texts[measuring.text])
            seen = run_stage(use, function, batch.filter(alive), where)
            living = alive.to_numpy(zero_copy_only=False)
            rows = np.full(batch.num_rows, -1, np.int64)
            rows[living] = np.arange(seen.num_rows)
            places = pa.array(rows, mask=rows < 0)
            for field in measuring.filter.measure_fields():
                found[field.name] = seen.column(field.name).take(places)
            if measuring.rewrites:
                spread = seen.column("text").take(places)
                texts[place] = pc.coalesce(spread, texts[measuring.text])
            judged = pa.record_batch(list(found.values()), names=list(found))
            alive = pc.and_(alive, pc.equal(judge(judged, bounds)[0], KEPT))
        return texts


def _batch(measuring: Measuring, found: dict[str, pa.Array], text: pa.Array) -> pa.RecordBatch:
    """What ``measuring`` may see; always the documents' ids and the text, which rewrites need."""
    names = list(dict.fromkeys(["doc_id", "text", *measuring.columns]))
    return pa.record_batch([text if name == "text" else found[name] for name in names], names=names)


def measures_schema(measurings: Sequence[Measuring], text: int) -> pa.Schema:
    """Of the store: ``doc_id``, all measures, and where one rewrites ``text`` and ``text_bytes``
    (null: unchanged)."""
    fields = [pa.field("doc_id", pa.uint64(), nullable=False)]
    fields += [field for each in measurings for field in each.filter.measure_fields()]
    if text != DOCUMENTS_TEXT:
        fields += [pa.field("text", pa.large_string()), pa.field("text_bytes", pa.int64())]
    return pa.schema(fields)
