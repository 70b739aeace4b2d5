"""What the steps made of fused stages do: documents, measures, ledger.

Three stores and not one, because they change for different reasons. Documents are dear and change
with extraction; measures change with what is measured; the ledger changes with every bound, and
is made from columns alone, without reading any text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.errors import StageError, brief
from winnow.pipeline.bounds import VERDICT_SCHEMA, Bound, judge
from winnow.pipeline.fingerprint import canonical, digest
from winnow.pipeline.stage import BatchFunction, Filter, Source, Split, Stage, Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.schema import KEPT

LEDGER_COLUMNS = ("doc_id", "url", "domain", "extract_problem")  # then measures, then verdict


def run_stage(
    use: str, function: BatchFunction, batch: pa.RecordBatch, where: str
) -> pa.RecordBatch:
    """Apply one stage; an exception becomes a :class:`StageError` that says where."""
    try:
        result = function(batch)
    except StageError:
        raise
    except Exception as error:
        first = batch.column("doc_id")[0].as_py() if batch.num_rows else 0
        raise StageError(
            f"stage '{use}' failed on {where}, {batch.num_rows} documents from doc_id {first}: "
            f"{brief(error)}",
            stage=use,
            where=where,
        ) from error
    if result.num_rows != batch.num_rows:
        raise StageError(
            f"stage '{use}' returned {result.num_rows} rows for {batch.num_rows} ({where})",
            stage=use,
            where=where,
            remedy="A stage keeps every row and its place; rejecting is what bounds do.",
        )
    return result


@dataclass(frozen=True)
class DocumentsWork(PlainWork):
    """One shard a split: records from the source, run through the fused stages."""

    source: Source
    splits: tuple[Split, ...]
    stages: tuple[Stage, ...]
    version: ClassVar[int] = 1
    outside_fingerprint = ("splits",)

    def fingerprint_extra(self) -> dict[str, Any]:
        # not the machine's path, but what the input calls itself, and its size
        listed = [[s.name, s.start, s.end, s.size] for s in self.splits]
        sizes = {s.name: s.size for s in self.splits}
        return {
            "input_files": len(sizes),
            "input_bytes": sum(sizes.values()),
            "splits": len(listed),
            "splits_sha256": digest(listed),
        }

    def open(self, inputs: Inputs) -> TaskFunction:
        read = self.source.open()
        functions = [(stage.use, stage.open()) for stage in self.stages]

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            split = self.splits[index]
            where = f"{split.name}[{split.start}:{split.end}]"
            for name in ("records", "documents"):
                tally.count(name, 0)
            for records in read(split, tally):
                batch = records
                for use, function in functions:
                    batch = run_stage(use, function, batch, where)
                tally.count("documents", batch.num_rows)
                if "extract_problem" in batch.schema.names:
                    _count_labels(batch.column("extract_problem"), "extract_problem", tally)
                yield batch

        return task


@dataclass(frozen=True)
class MeasuresWork(PlainWork):
    """All measures of all documents, aligned with them row for row.

    With ``until_rejected`` a filter sees only the documents that the bounds before it keep, and
    the others' measures stay null: faster, and the ledger can then be tightened but not loosened.
    """

    filters: tuple[Filter, ...]
    reads: tuple[str, ...]
    until_rejected: tuple[tuple[Bound, ...], ...] | None = None
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view = inputs.view.open()
        functions = [(stage.use, stage.open()) for stage in self.filters]
        columns = list(dict.fromkeys(["doc_id", "extract_problem", *self.reads]))
        names = ["doc_id", *(f.name for stage in self.filters for f in stage.measure_fields())]
        fields = [field for stage in self.filters for field in stage.measure_fields()]
        schema = pa.schema([pa.field("doc_id", pa.uint64(), nullable=False), *fields])

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for batch, kept in view.masked(index, columns):
                if self.until_rejected is None:
                    for use, function in functions:
                        batch = run_stage(use, function, batch, f"documents shard {index}")
                else:
                    batch = self._until_rejected(functions, batch, kept, index)
                measures = [batch.column(name) for name in names]
                yield pa.record_batch(measures, schema=schema)

        return task

    def _until_rejected(
        self,
        functions: list[tuple[str, BatchFunction]],
        batch: pa.RecordBatch,
        kept: pa.Array,
        index: int,
    ) -> pa.RecordBatch:
        assert self.until_rejected is not None
        alive = pc.and_(kept, pc.is_null(batch.column("extract_problem")))
        for (use, function), stage, bounds in zip(
            functions, self.filters, self.until_rejected, strict=True
        ):
            seen = run_stage(use, function, batch.filter(alive), f"documents shard {index}")
            rows = np.full(batch.num_rows, -1, np.int64)
            living = alive.to_numpy(zero_copy_only=False)
            rows[living] = np.arange(seen.num_rows)
            places = pa.array(rows, mask=rows < 0)
            for field in stage.measure_fields():
                batch = batch.append_column(field, seen.column(field.name).take(places))
            verdict = judge(batch, bounds)[0]
            alive = pc.and_(alive, pc.equal(verdict, KEPT))
        return batch


@dataclass(frozen=True)
class LedgerWork(PlainWork):
    """Measures and bounds → one row a document: every measure, the verdict and its margin.

    A document that an earlier step had rejected has a null verdict here.
    """

    measure_names: tuple[str, ...]
    bounds: tuple[Bound, ...]
    complete: bool = True
    """Whether every document has every measure; not so where measuring stopped at a rejection."""
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view = inputs.view.open()
        columns = [*LEDGER_COLUMNS, *self.measure_names]

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for reason in (KEPT, *(bound.measure for bound in self.bounds)):
                tally.count(f"verdict.{reason}", 0)
            for batch, considered in view.masked(index, columns):
                verdict, *numbers = judge(batch, self.bounds)
                verdict = pc.if_else(considered, verdict, pa.scalar(None, pa.string()))
                numbers = [
                    pc.if_else(considered, column, pa.scalar(None, pa.float64()))
                    for column in numbers
                ]
                _count_labels(verdict, "verdict", tally)
                yield pa.record_batch(
                    [*batch.columns, verdict, *numbers],
                    schema=pa.schema([*_bare(batch.schema), *VERDICT_SCHEMA]),
                )

        return task


def ledger_schema(columns: pa.Schema, measures: tuple[str, ...]) -> pa.Schema:
    """The ledger's columns, given all columns that the view offers."""
    fields = [columns.field(name) for name in (*LEDGER_COLUMNS, *measures)]
    return pa.schema([*(_nullable(field) for field in fields), *VERDICT_SCHEMA])


def _bare(schema: pa.Schema) -> list[pa.Field]:
    return [_nullable(field) for field in schema]


def _nullable(field: pa.Field) -> pa.Field:
    return pa.field(field.name, field.type)


def _count_labels(column: pa.Array, prefix: str, tally: Tally) -> None:
    for entry in pc.value_counts(column.drop_null()):
        tally.count(f"{prefix}.{entry['values'].as_py()}", entry["counts"].as_py())


def describe_work(work: Any) -> dict[str, Any]:
    """A work's canonical description, as fingerprints and manifests hold it."""
    described: dict[str, Any] = canonical(work, type(work).__name__)
    return described
