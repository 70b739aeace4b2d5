"""Runs on disk, as `winnow run` leaves them, over documents given as plain rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from winnow.dedup.minhash import MinHash
from winnow.pipeline.fingerprint import canonical, digest
from winnow.pipeline.step import Inputs, PlanContext, Step
from winnow.pipeline.task import open_step
from winnow.pipeline.view import View
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.receipts import canonical_json, write_receipt
from winnow.store.shards import ShardWriter, shard_file

Row = dict[str, Any]
COLUMNS = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("domain", pa.string(), nullable=False),
        pa.field("crawl_date", pa.timestamp("s", tz="UTC")),
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("warc_file", pa.string(), nullable=False),
        pa.field("warc_offset", pa.int64(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
    ]
)
MEASURES = pa.schema([pa.field("doc_id", pa.uint64()), pa.field("text", pa.large_string())])
LEDGER = pa.schema([pa.field("verdict", pa.string())])
DATE = datetime(2024, 11, 2, tzinfo=UTC)


@dataclass
class MadeRun:
    path: str
    rows: list[Row]
    """Of the block's verdicts."""
    stores: dict[str, Store]

    @property
    def kept(self) -> set[int]:
        return {row["doc_id"] for row in self.rows if row["verdict"] == "kept"}

    def sha256(self, step: str) -> list[str]:
        return [shard.sha256 for shard in self.stores[step].shards]


def page(name: str, shard: int, place: int) -> Row:
    """What the run `name` says of a document besides its text."""
    host = f"{name}{shard}.example.org"
    return {
        "url": f"https://{host}/{place}",
        "domain": host,
        "crawl_date": DATE,
        "record_id": f"urn:uuid:{name}-{shard}-{place}",
        "warc_file": f"{name}.warc.gz",
        "warc_offset": 1000 * place,
    }


def make_run(
    folder: Path, name: str, shards: list[list[Row]], block: MinHash, *, input_bytes: int = 0
) -> MadeRun:
    """A finished run of ``block`` in ``folder/name``; rows have ``text``, perhaps ``rejected``
    and ``rewritten`` (the text as a filter left it)."""
    out = folder / name
    documents = [
        [
            {"doc_id": s << 32 | place, **page(name, s, place), **row}
            for place, row in enumerate(rows)
        ]
        for s, rows in enumerate(shards)
    ]
    ledger = [
        [{"verdict": "length" if row.pop("rejected", False) else "kept"} for row in rows]
        for rows in documents
    ]
    rewritten = [
        [{"doc_id": row["doc_id"], "text": row.pop("rewritten", None)} for row in rows]
        for rows in documents
    ]
    read = digest([[[row["text"] for row in rows] for rows in documents], rewritten, ledger])
    paths = [_write(out / "documents", COLUMNS, documents, "documents")]
    kinds = ["documents"]
    if any("rewritten" in row for rows in shards for row in rows):
        paths.append(_write(out / "measures", MEASURES, rewritten, "measures"))
        kinds.append("measures")
    paths.append(_write(out / "ledger", LEDGER, ledger, "ledger"))
    kinds.append("ledger")
    view = View(paths[0], (paths[-1],), tuple(paths[1:-1]), tuple(paths[1:-1]))
    context = PlanContext(
        name="minhash", seed=0, document_shards=len(shards), input_bytes=input_bytes,
        columns=COLUMNS, sources=("test",),
    )  # fmt: skip
    stores: dict[str, Store] = {}
    for draft in block.expand(context):
        config = canonical(draft.work)
        inputs = Inputs(
            view if draft.uses_view else None,
            {step: stores[step].path for step in draft.reads}, 0, str(out / draft.name),
        )  # fmt: skip
        step = Step(
            name=draft.name, kind=draft.kind, label="", work=draft.work, schema=draft.schema,
            shard_count=draft.shard_count, format=draft.format, inputs=inputs,
            fingerprint=digest([read, draft.name, config]),
        )  # fmt: skip
        make = open_step(step)
        receipts = [make(index) for index in range(draft.shard_count)]
        stores[draft.name] = write_manifest(
            Folder(step.folder), kind=step.kind, name=step.name, fingerprint=step.fingerprint,
            schema=step.schema, config=config, receipts=receipts,
            extra=step.work.finish(inputs, receipts),
        )  # fmt: skip
    steps = [
        {"name": kind, "kind": kind, "label": kind, "fingerprint": "f", "shards": len(shards)}
        for kind in kinds
    ]
    steps += [
        {"name": step, "kind": store.kind, "label": step, "fingerprint": store.fingerprint,
         "shards": len(store.shards)}
        for step, store in stores.items()
    ]  # fmt: skip
    run = {"name": name, "config": {}, "steps": steps}
    Folder(out).write("run.json", canonical_json(run))
    verdicts = stores["minhash"].table().to_pylist()
    return MadeRun(str(out), verdicts, stores)


def _write(path: Path, schema: pa.Schema, shards: list[list[Row]], kind: str) -> str:
    folder = Folder(path)
    receipts = []
    for index, rows in enumerate(shards):
        with ShardWriter(folder, shard_file(index, "parquet"), schema) as writer:
            writer.write(pa.RecordBatch.from_pylist(rows, schema))
        receipts.append(writer.receipt("f"))
        write_receipt(folder, index, receipts[-1])
    write_manifest(
        folder, kind=kind, name=path.name, fingerprint="f", schema=schema, config={},
        receipts=receipts,
    )  # fmt: skip
    return folder.path


@pytest.fixture(scope="session")
def run_of() -> Callable[..., MadeRun]:
    return make_run
