"""Documents with an equal key, as edges from the smallest of them to each other one.

Peak memory of a task: ``KeyLayout.key_bytes`` (16, or 24 where keys are wide) for each key of its
part, which are pages of mapped files or, where the store is remote, what was fetched. Where a part
of the key range holds more than ``memory_bytes`` allow, it is worked off in several passes over
narrower ranges, with the same result. Besides, ``SORTED_ROW_BYTES`` for each row that is sorted at
once: 2^18 (21 MB), or the documents that share one single key, which cannot be parted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.key_ranges import (
    ROWS_AT_ONCE,
    SORTED_ROW_BYTES,
    KeyColumns,
    Rows,
    ordered,
)
from winnow.dedup.clustering.keys import KeyLayout, key_range
from winnow.dedup.clustering.regrouping import Columns, regrouped
from winnow.dedup.clustering.work_files import open_file
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.checksums import checked_batch
from winnow.store.manifest import Store

EDGES = pa.schema(
    [
        pa.field("first_id", pa.uint64(), nullable=False),  # smallest doc_id of the bucket
        pa.field("doc_id", pa.uint64(), nullable=False),  # another of the bucket
    ]
)
EDGES_PER_BATCH = 1 << 16  # cut by number alone, so that memory_bytes cannot show


@dataclass(frozen=True)
class BucketWork(PlainWork):
    """Shard ``band * parts + part``: the edges of one band within one part of the key range."""

    keys: str
    """Name of the step that wrote the keys."""
    layout: KeyLayout
    memory_bytes: int
    version: ClassVar[int] = 2
    outside_fingerprint = ("memory_bytes",)  # narrower ranges at once: the same rows

    def open(self, inputs: Inputs) -> TaskFunction:
        from winnow.dedup.clustering.ordering import stars

        store = Store.open(inputs.stores[self.keys])
        layout = self.layout
        part_bytes = layout.documents(store) * layout.key_bytes // layout.parts
        passes = max(1, -(-part_bytes // self.memory_bytes))
        rows_at_once = max(1, min(ROWS_AT_ONCE, self.memory_bytes // SORTED_ROW_BYTES))

        def sorted_rows(band: int, part: int) -> Iterator[Rows]:
            if passes == 1:
                files = [layout.read(store, file, band, part) for file in range(len(store.shards))]
                yield from ordered(files, part, layout.parts, rows_at_once)
                return
            for narrow in range(part * passes, (part + 1) * passes):
                limits = key_range(narrow, layout.parts * passes)
                files = [
                    _between(layout.read(store, file, band, part), limits)
                    for file in range(len(store.shards))
                ]
                yield from ordered(files, narrow, layout.parts * passes, rows_at_once)

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            band, part = divmod(index, layout.parts)
            for name in ("keys", "buckets", "edges"):
                tally.count(name, 0)

            def edges(rows: Rows) -> Columns:
                first, other = (np.empty(len(rows.keys), np.uint64) for _ in range(2))
                count, buckets = stars(rows.keys, rows.checks, rows.doc_ids, first, other)
                tally.count("keys", len(rows.keys))
                tally.count("buckets", buckets)
                tally.count("edges", count)
                # copies: few edges must not hold the room for many
                return first[:count].copy(), other[:count].copy()

            for columns in regrouped(map(edges, sorted_rows(band, part)), EDGES_PER_BATCH):
                yield pa.record_batch([pa.array(column) for column in columns], schema=EDGES)

        return task


def _between(rows: KeyColumns, limits: tuple[int, int]) -> KeyColumns:
    """Copies of the rows with a key in ``limits`` (inclusive): the file behind them can go."""
    start = np.searchsorted(rows["key"], np.uint64(limits[0]), "left")
    end = np.searchsorted(rows["key"], np.uint64(limits[1]), "right")
    return {name: column[start:end].copy() for name, column in rows.items()}


def read_edges(store: Store, shard: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(first_ids, doc_ids) of a shard of EDGES, uint64 both, as they come; mapped and checked."""
    reader = open_file(store, shard, rows=True)
    path = store.folder.join(store.shards[shard].file)
    for index in range(reader.num_record_batches):
        batch = checked_batch(reader, index, path)
        yield batch.column(0).to_numpy(), batch.column(1).to_numpy()
