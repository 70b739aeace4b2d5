"""Many files of keys → few, of the same layout, so that a bucket task opens a few hundred.

A dump has some 90,000 shards of documents; with bands and parts to match, bucketing them as they
are opens 90,000 files for each of a thousand tasks. Merging reads and writes every key once more.

Peak memory of a task: the keys of its files in one band and part, ``2 * key_bytes`` and 16 bytes
each, or their preferences, 40 bytes each; nothing is held from one band and part to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.key_ranges import ordered
from winnow.dedup.clustering.keys import DOCUMENT_SHARDS, KeyLayout
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.manifest import Store
from winnow.store.receipts import Receipt


@dataclass(frozen=True)
class MergeWork(PlainWork):
    """Shard f: the keys of neighbouring shards, equally many for each of ``files``."""

    keys: str
    """Name of the step that wrote the keys."""
    layout: KeyLayout
    files: int
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        store = Store.open(inputs.stores[self.keys])
        shards = len(store.shards)

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            group = range(index * shards // self.files, (index + 1) * shards // self.files)
            sources = [
                (self.layout.open(store, shard), store.folder.join(store.shards[shard].file))
                for shard in group
            ]
            tally.count("merged", len(sources))
            yield from self._merged(sources)

        return task

    def _merged(self, sources: list[tuple[Any, str]]) -> Iterator[pa.RecordBatch]:
        layout = self.layout
        for index in range(layout.bands * layout.parts):
            part = index % layout.parts
            files = [layout.columns(reader, index, path) for reader, path in sources]
            pieces = [
                (rows.keys, rows.checks, rows.doc_ids) if layout.wide else (rows.keys, rows.doc_ids)
                for rows in ordered(files, part, layout.parts)
            ]
            yield layout.batch([np.concatenate(columns) for columns in zip(*pieces, strict=True)])
        last = layout.bands * layout.parts
        files = [layout.columns(reader, last, path) for reader, path in sources]
        columns = [np.concatenate([file[name] for file in files]) for name in layout.schema.names]
        doc_ids = columns[-1]
        if np.any(doc_ids[1:] < doc_ids[:-1]):  # ranges of shards' doc_ids may overlap
            order = np.argsort(doc_ids, kind="stable")
            columns = [column[order] for column in columns]
        yield layout.batch(columns)

    def finish(self, inputs: Inputs, receipts: list[Receipt]) -> dict[str, Any]:
        return {DOCUMENT_SHARDS: len(Store.open(inputs.stores[self.keys]).shards)}
