"""Runs a dedup block over documents given as plain rows, without plan and runner."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from winnow.pipeline.step import Draft, Inputs, PlanContext, Step
from winnow.pipeline.task import open_step
from winnow.pipeline.view import View
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.receipts import write_receipt
from winnow.store.shards import ShardWriter, shard_file

COLUMNS = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("crawl_date", pa.timestamp("s", tz="UTC")),
        pa.field("language", pa.string()),
        pa.field("quality_score", pa.float64()),
    ]
)
LEDGER = pa.schema([pa.field("verdict", pa.string())])


@dataclass
class Outcome:
    rows: list[list[dict[str, Any]]]
    """Verdict rows, by shard."""
    counters: dict[str, dict[str, int]]
    """By step."""
    shards: dict[str, list[str]]
    """sha256 of every shard, by step."""
    shard_rows: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    """Rows of every shard, by step."""

    def verdicts(self) -> dict[int, tuple[Any, ...]]:
        names = ("verdict", "cluster_id", "cluster_size", "survivor_id")
        return {
            row["doc_id"]: tuple(row[name] for name in names)
            for shard in self.rows
            for row in shard
        }


def write_store(path: Path, schema: pa.Schema, shards: list[list[dict[str, Any]]]) -> str:
    folder = Folder(path)
    receipts = []
    for index, rows in enumerate(shards):
        with ShardWriter(folder, shard_file(index, "parquet"), schema) as writer:
            writer.write(pa.RecordBatch.from_pylist(rows, schema))
        receipts.append(writer.receipt("f"))
        write_receipt(folder, index, receipts[-1])
    write_manifest(
        folder, kind="documents", name=path.name, fingerprint="f", schema=schema, config={},
        receipts=receipts,
    )  # fmt: skip
    return folder.path


def run_drafts(drafts: list[Draft], view: View, folder: Path) -> dict[str, Store]:
    stores: dict[str, Store] = {}
    for draft in drafts:
        inputs = Inputs(
            view if draft.uses_view else None,
            {name: stores[name].path for name in draft.reads}, 0, str(folder / draft.name),
        )  # fmt: skip
        step = Step(
            name=draft.name, kind=draft.kind, label="", work=draft.work, schema=draft.schema,
            shard_count=draft.shard_count, format=draft.format, inputs=inputs, fingerprint="f",
        )  # fmt: skip
        make = open_step(step)
        receipts = [make(index) for index in range(draft.shard_count)]
        stores[draft.name] = write_manifest(
            Folder(step.folder), kind=step.kind, name=step.name, fingerprint="f",
            schema=step.schema, config={}, receipts=receipts,
            extra=step.work.finish(inputs, receipts),
        )  # fmt: skip
    return stores


def run(
    composite: Any,
    shards: list[list[dict[str, Any]]],
    *,
    input_bytes: int = 0,
    bucket_memory_bytes: int | None = None,
    columns: pa.Schema = COLUMNS,
) -> Outcome:
    """Verdicts of ``composite`` over documents. Rows may lack any column, and may say
    ``rejected = True`` for a document that an earlier step has rejected."""
    documents, ledger = [], []
    for number, rows in enumerate(shards):
        ids = [{"doc_id": number << 32 | place, "url": "", **row} for place, row in enumerate(rows)]
        ledger.append([{"verdict": "length" if r.pop("rejected", False) else "kept"} for r in ids])
        documents.append(ids)
    context = PlanContext(
        name="dedup", seed=0, document_shards=len(shards), input_bytes=input_bytes,
        columns=columns, sources=("test",),
    )  # fmt: skip
    drafts = composite.expand(context)
    if bucket_memory_bytes is not None:  # smaller than a config may ask for
        work = dataclasses.replace(drafts[1].work, memory_bytes=bucket_memory_bytes)
        drafts[1] = dataclasses.replace(drafts[1], work=work)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        view = View(
            write_store(folder / "documents", columns, documents),
            (write_store(folder / "ledger", LEDGER, ledger),),
        )
        stores = run_drafts(drafts, view, folder)
        last = stores[context.name]
        return Outcome(
            [
                [row for batch in last.batches(shard=index) for row in batch.to_pylist()]
                for index in range(len(shards))
            ],
            {step: store.counters for step, store in stores.items()},
            {step: [shard.sha256 for shard in store.shards] for step, store in stores.items()},
            {step: [shard.rows for shard in store.shards] for step, store in stores.items()},
        )


@pytest.fixture(scope="session")
def run_dedup() -> Callable[..., Outcome]:
    return run
