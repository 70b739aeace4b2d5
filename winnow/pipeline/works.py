"""What the steps made of fused stages do: documents and the ledger (measures: ``measuring``).

Three stores and not one, because they change for different reasons. Documents are dear and change
with extraction; measures change with what is measured; the ledger changes with every bound, and
is made from columns alone, without reading any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from winnow.errors import StageError, brief
from winnow.pipeline.bounds import VERDICT_SCHEMA, Bound, judge
from winnow.pipeline.fingerprint import canonical, digest
from winnow.pipeline.stage import BatchFunction, Source, Split, Stage, Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.pipeline.top_share import read_cuts, resolve
from winnow.schema import KEPT
from winnow.store.manifest import Store
from winnow.store.receipts import Receipt

LEDGER_COLUMNS = ("doc_id", "url", "domain", "text_bytes", "extract_problem")
"""What the ledger repeats of the documents; then come the measures, then the verdict."""


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
class RecipeVerdict:
    """What another recipe says of every document, in a column of the ledger."""

    recipe: str
    bounds: tuple[Bound, ...]

    @property
    def column(self) -> str:
        return verdict_column(self.recipe)


def verdict_column(recipe: str) -> str:
    """Of the ledger: ``verdict_fineweb_2024`` for the recipe ``fineweb-2024``."""
    return "verdict_" + re.sub(r"\W+", "_", recipe)


@dataclass(frozen=True)
class LedgerWork(PlainWork):
    """Measures and bounds → one row a document: every measure, the verdict and its margin.

    A document that an earlier step had rejected has a null verdict here.
    """

    measure_names: tuple[str, ...]
    bounds: tuple[Bound, ...]
    complete: bool = True
    """Whether every document has every measure; not so where measuring stopped at a rejection."""
    recipes: tuple[RecipeVerdict, ...] = ()
    cuts: tuple[tuple[str, str], ...] = ()
    """(recipe, step that found its cuts) for bounds on the best of the run; "" is the run's own."""
    version: ClassVar[int] = 2

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view = inputs.view.open()
        own, recipes = self._resolved(inputs)
        columns = self._columns()

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for reason in (KEPT, *(bound.measure for bound in own if not bound.label_is_verdict)):
                tally.count(f"verdict.{reason}", 0)
            for batch, considered in view.masked(index, columns):
                verdict, *numbers = (_where(considered, column) for column in judge(batch, own))
                _count_labels(verdict, "verdict", tally)
                others = [_where(considered, judge(batch, bounds)[0]) for bounds in recipes]
                yield pa.record_batch(
                    [*batch.columns, verdict, *numbers, *others],
                    schema=pa.schema(
                        [*_bare(batch.schema), *VERDICT_SCHEMA, *_verdict_fields(self.recipes)]
                    ),
                )

        return task

    def _columns(self) -> list[str]:
        """What it repeats: also columns of earlier filters that its bounds depend on."""
        every = (*self.bounds, *(bound for each in self.recipes for bound in each.bounds))
        needed = [column for bound in every for column in bound.columns()]
        return list(dict.fromkeys([*LEDGER_COLUMNS, *self.measure_names, *needed]))

    def schema(self, available: pa.Schema) -> pa.Schema:
        """The ledger's columns, given all that the view offers."""
        fields = [_nullable(available.field(name)) for name in self._columns()]
        return pa.schema([*fields, *VERDICT_SCHEMA, *_verdict_fields(self.recipes)])

    def _resolved(self, inputs: Inputs) -> tuple[tuple[Bound, ...], list[tuple[Bound, ...]]]:
        """The bounds of the run and of its recipes, the cuts of this run filled in."""
        steps = dict(self.cuts)

        def resolved(recipe: str, bounds: tuple[Bound, ...]) -> tuple[Bound, ...]:
            if recipe not in steps:
                return bounds
            return resolve(bounds, read_cuts(Store.open(inputs.stores[steps[recipe]])))

        return resolved("", self.bounds), [
            resolved(each.recipe, each.bounds) for each in self.recipes
        ]

    def finish(self, inputs: Inputs, receipts: list[Receipt]) -> dict[str, Any]:
        """The bounds as they were applied: ``whatif`` and ``explain`` read them here."""
        own, recipes = self._resolved(inputs)
        return {
            "bounds": canonical(own, "bounds"),
            "recipes": {
                each.recipe: {"column": each.column, "bounds": canonical(bounds, "bounds")}
                for each, bounds in zip(self.recipes, recipes, strict=True)
            },
        }


def _verdict_fields(recipes: tuple[RecipeVerdict, ...]) -> list[pa.Field]:
    return [pa.field(each.column, pa.string()) for each in recipes]


def _where(considered: pa.Array, column: pa.Array) -> pa.Array:
    return pc.if_else(considered, column, pa.scalar(None, column.type))


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
