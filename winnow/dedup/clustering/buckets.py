"""Documents with an equal key, as edges from the smallest of them to each other one.

Peak memory of a task: ``ROW_BYTES`` for each key that it holds at once. Where a part of the key
range holds more than ``memory_bytes`` allow, it is worked off in several passes over narrower
ranges, with the same result. Only documents that share one single key cannot be parted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.keys import KeyLayout, key_range
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.manifest import Store

# key, check and doc_id as read and once more while they are joined, the order, keys in order
ROW_BYTES = 2 * 24 + 8 + 8

EDGES = pa.schema(
    [
        pa.field("first_id", pa.uint64(), nullable=False),  # smallest doc_id of the bucket
        pa.field("doc_id", pa.uint64(), nullable=False),  # another of the bucket
    ]
)


@dataclass(frozen=True)
class BucketWork(PlainWork):
    """Shard ``band * parts + part``: the edges of one band within one part of the key range."""

    keys: str
    """Name of the step that wrote the keys."""
    layout: KeyLayout
    memory_bytes: int
    version: ClassVar[int] = 1
    outside_fingerprint = ("memory_bytes",)  # more passes over narrower ranges: the same rows

    def open(self, inputs: Inputs) -> TaskFunction:
        store = Store.open(inputs.stores[self.keys])
        layout = self.layout
        documents = store.rows // (layout.bands + 1)
        passes = max(1, -(-documents * ROW_BYTES // (layout.parts * self.memory_bytes)))

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            band, part = divmod(index, layout.parts)
            for name in ("keys", "buckets", "edges"):
                tally.count(name, 0)
            for narrow in range(part * passes, (part + 1) * passes):
                limits = key_range(narrow, layout.parts * passes)
                rows = _rows_between(store, layout, band, part, limits)
                first, other, buckets = edges(rows["key"], rows.get("check"), rows["doc_id"])
                tally.count("keys", len(rows["key"]))
                tally.count("buckets", buckets)
                tally.count("edges", len(other))
                yield pa.record_batch([pa.array(first), pa.array(other)], schema=EDGES)

        return task


def _rows_between(
    store: Store, layout: KeyLayout, band: int, part: int, limits: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Every shard's rows of a band with a key in ``limits`` (inclusive), as columns."""
    found: dict[str, list[np.ndarray]] = {
        name: [np.zeros(0, np.uint64)] for name in layout.schema.names
    }
    for shard in range(len(store.shards)):
        rows = layout.read(store, shard, band, part)
        start = np.searchsorted(rows["key"], np.uint64(limits[0]), "left")
        end = np.searchsorted(rows["key"], np.uint64(limits[1]), "right")
        for name, column in rows.items():
            found[name].append(column[start:end].copy())  # the file behind it is closed again
    return {name: np.concatenate(columns) for name, columns in found.items()}


def edges(
    keys: np.ndarray, checks: np.ndarray | None, doc_ids: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Star edges of all documents with equal (key, check).

    uint64[rows] each, rows in any order, no document twice under one key. Returns (first_ids,
    doc_ids, buckets of two or more), the edges ordered by key, check and doc_id. A bucket of m
    documents has m - 1 edges, so a page that is there a million times costs a million.
    """
    order = np.argsort(keys)
    ordered = keys[order]
    same = ordered[1:] == ordered[:-1]
    shared = np.zeros(len(keys), bool)
    shared[1:] |= same
    shared[:-1] |= same
    rows = order[shared]  # few: from here on the cost is that of the candidates
    checks = np.zeros(len(keys), np.uint64) if checks is None else checks
    rows = rows[np.lexsort((doc_ids[rows], checks[rows], keys[rows]))]
    start = np.ones(len(rows), bool)
    start[1:] = (keys[rows[1:]] != keys[rows[:-1]]) | (checks[rows[1:]] != checks[rows[:-1]])
    starts = np.flatnonzero(start)
    sizes = np.diff(starts, append=len(rows))
    first_ids = np.repeat(doc_ids[rows[starts]], sizes)
    return first_ids[~start], doc_ids[rows][~start], int((sizes > 1).sum())
