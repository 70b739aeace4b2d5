"""Keys → clusters over stores on disk, step by step, without plan and runner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from winnow.dedup.clustering.buckets import EDGES, BucketWork
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.merging import MergeWork
from winnow.dedup.steps import cluster_drafts
from winnow.pipeline.step import Draft, Inputs, Step
from winnow.pipeline.task import open_step
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.shards import ShardWriter, shard_file

Document = tuple[int, list[int], int]
"""(doc_id, a key a band, preference)."""


@dataclass
class Flow:
    """``shards`` of documents, their keys in ``layout``; ``files``: after merging, 0 without."""

    folder: Path
    layout: KeyLayout
    shards: list[list[Document]]
    files: int = 0
    partitions: int = 1
    memory_bytes: int = 1_000_000
    bucket_memory_bytes: int = 1_000_000
    stores: dict[str, Store] = field(default_factory=dict)

    def drafts(self) -> list[Draft]:
        """The steps behind signing."""
        keys, found = "dups-sign", []
        if self.files:
            merge = MergeWork(keys, self.layout, self.files)
            keys = "dups-merge"
            found.append(_draft(keys, merge, self.layout.schema, self.files, "dups-sign"))
        bucket = BucketWork(keys, self.layout, self.bucket_memory_bytes)
        tasks = self.layout.bands * self.layout.parts
        found.append(_draft("dups-bucket", bucket, EDGES, tasks, keys))
        return found + cluster_drafts(
            "dups", self.layout, self.memory_bytes, self.partitions, keys=keys
        )

    def sign(self) -> None:
        folder = Folder(self.folder / "dups-sign")
        receipts = []
        for index, documents in enumerate(self.shards):
            keys = np.array([keys for _, keys, _ in documents], np.uint64)
            ids, preferences = (
                np.array([each[n] for each in documents], np.uint64) for n in (0, 2)
            )
            keys = keys.reshape(len(documents), self.layout.bands)
            checks = keys[:, 0] ^ np.uint64(7) if self.layout.wide else None
            file = shard_file(index, "arrow")
            with ShardWriter(folder, file, self.layout.schema, "arrow") as writer:
                for batch in self.layout.batches(keys, checks, ids, preferences):
                    writer.write(batch)
            receipts.append(writer.receipt("f"))
        self.stores["dups-sign"] = write_manifest(
            folder, kind="work", name="dups-sign", fingerprint="f", schema=self.layout.schema,
            config={}, receipts=receipts,
        )  # fmt: skip

    def make(self, draft: Draft) -> Store:
        """All shards of one step."""
        inputs = Inputs(
            None, {name: self.stores[name].path for name in draft.reads}, 0,
            str(self.folder / draft.name),
        )  # fmt: skip
        step = Step(
            name=draft.name, kind=draft.kind, label="", work=draft.work, schema=draft.schema,
            shard_count=draft.shard_count, format=draft.format, inputs=inputs, fingerprint="f",
        )  # fmt: skip
        make = open_step(step)
        receipts = [make(index) for index in range(draft.shard_count)]
        self.stores[draft.name] = write_manifest(
            Folder(step.folder), kind=step.kind, name=step.name, fingerprint="f",
            schema=step.schema, config={}, receipts=receipts,
            extra=step.work.finish(inputs, receipts),
        )  # fmt: skip
        return self.stores[draft.name]

    def run(self) -> dict[int, tuple[int, int, int]]:
        """doc_id → (cluster_id, size, survivor) of the documents with a duplicate."""
        self.sign()
        for draft in self.drafts():
            self.make(draft)
        table = self.stores["dups-cluster"].table()
        columns = [table.column(n).to_pylist() for n in table.schema.names]
        return {row[0]: row[1:4] for row in zip(*columns, strict=True)}


def _draft(name: str, work: Any, schema: Any, shard_count: int, reads: str) -> Draft:
    return Draft(
        name=name, kind="work", work=work, schema=schema, format="arrow",
        shard_count=shard_count, reads=(reads,), uses_view=False,
    )  # fmt: skip


@pytest.fixture(scope="session")
def flow() -> Callable[..., Flow]:
    return Flow
