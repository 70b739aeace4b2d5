"""Connected components of the edges, and the survivor of each.

One task, for inputs of which that is known to fit (elimination.py is for the others, with the same
result). Its memory follows the documents that have an edge, not the corpus: 28 bytes for each
(doc_id, parent, preference, size, survivor), 42 at its peak while the doc_ids are collected; edges
stream past twice. A cluster's id is the smallest ``doc_id`` in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.buckets import read_edges
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.node_ids import (
    collect_ids,
    node_preferences,
    open_matched,
    too_many_nodes,
)
from winnow.dedup.clustering.work_files import open_file
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.checksums import checked_batch
from winnow.store.manifest import Store

ROWS_PER_BATCH = 1 << 16
BATCHES_HELD = 4
# while doc_ids are collected: those known and waiting, both in one array, its marks, the result
CLUSTERED_BYTES = 42

CLUSTERS = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),  # ascending over the whole store
        pa.field("cluster_id", pa.uint64(), nullable=False),  # smallest doc_id of the cluster
        pa.field("cluster_size", pa.uint32(), nullable=False),  # documents
        pa.field("survivor_id", pa.uint64(), nullable=False),
    ]
)


@dataclass(frozen=True)
class ClusterWork(PlainWork):
    """Every document that has a duplicate: its cluster and who survives; one Arrow shard."""

    keys: str
    edges: str
    layout: KeyLayout
    most_nodes: int
    """Documents with an edge that memory has room for; more end the run with advice."""
    block: str
    """What the config calls the block, for messages."""
    matched: str = ""
    """Name of the step that found documents of an index, which are preferred to all others."""
    version: ClassVar[int] = 1
    outside_fingerprint = ("most_nodes", "block")

    def open(self, inputs: Inputs) -> TaskFunction:
        from winnow.dedup.clustering.union_find import elect, flatten, unite

        key_store = Store.open(inputs.stores[self.keys])
        edge_store = Store.open(inputs.stores[self.edges])
        matched = open_matched(inputs, self.matched)

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            pairs = _edges(edge_store)
            nodes = collect_ids((ids for pair in pairs for ids in pair), self.most_nodes)
            if len(nodes) > self.most_nodes:
                # a document of a partition may take three times what it takes here
                documents = self.layout.documents(key_store)
                enough = 1 + 3 * documents // max(1, self.most_nodes)
                raise too_many_nodes(self.block, "the input", self.most_nodes, enough)
            kind = np.int32 if len(nodes) < 1 << 31 else np.int64
            parents = np.arange(len(nodes), dtype=kind)
            for left, right in _edges(edge_store):
                unite(parents, np.searchsorted(nodes, left), np.searchsorted(nodes, right))
            flatten(parents)
            preferences = node_preferences(nodes, key_store, self.layout, matched)
            sizes = np.zeros(len(nodes), np.uint32)
            survivors = np.zeros(len(nodes), kind)
            elect(parents, preferences, sizes, survivors)
            clusters = int(np.count_nonzero(sizes))
            tally.count("clustered", len(nodes))
            tally.count("clusters", clusters)
            tally.count("duplicates", len(nodes) - clusters)
            tally.count("largest_cluster", int(sizes.max(initial=0)))
            for start in range(0, len(nodes), ROWS_PER_BATCH):
                roots = parents[start : start + ROWS_PER_BATCH]
                columns = (
                    nodes[start : start + ROWS_PER_BATCH],
                    nodes[roots],
                    sizes[roots],
                    nodes[survivors[roots]],
                )
                yield pa.record_batch([pa.array(c) for c in columns], schema=CLUSTERS)

        return task


def _edges(store: Store) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for shard in range(len(store.shards)):
        yield from read_edges(store, shard)


class ClusterReader:
    """A finished store of CLUSTERS (perhaps with more columns), searched by doc_id; reads only the
    batches that are asked for, and checks them.

    Fastest where it is asked for ascending doc_ids, as shards of documents have them. It holds one
    file open: what has been read of a mapped file counts as this process's memory.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._schema = store.schema
        readers = (open_file(store, shard, rows=True) for shard in range(len(store.shards)))
        counts = [reader.num_record_batches for reader in readers]
        self._ends = np.cumsum(counts, dtype=np.int64).tolist()
        self._open: tuple[int, Any] = (-1, None)
        self._held: dict[int, pa.RecordBatch] = {}

    def _batch(self, index: int) -> pa.RecordBatch:
        """A checked batch; the last few that were asked for are held (mapped, where local)."""
        batch = self._held.pop(index, None)
        if batch is None:
            shard = bisect_right(self._ends, index)
            place = index - (self._ends[shard - 1] if shard else 0)
            if self._open[0] != shard:
                self._open = (shard, open_file(self._store, shard))
            path = self._store.folder.join(self._store.shards[shard].file)
            batch = checked_batch(self._open[1], place, path)
        self._held[index] = batch
        if len(self._held) > BATCHES_HELD:
            del self._held[next(iter(self._held))]  # the one not asked for for the longest
        return batch

    def _ends_before(self, index: int, doc_id: int) -> bool:
        batch = self._batch(index)
        return batch.num_rows == 0 or bool(batch.column("doc_id")[-1].as_py() < doc_id)

    def _first_batch(self, doc_id: int) -> int:
        """The first batch that does not end before ``doc_id``; looks at those held first."""
        low, high = 0, self._ends[-1]
        for index in sorted(self._held):
            if self._ends_before(index, doc_id):
                low = max(low, index + 1)
            else:
                high = min(high, index)
        if low < high and not self._ends_before(low, doc_id):  # mostly the next one
            return low
        while low < high:
            middle = (low + high) // 2
            if self._ends_before(middle, doc_id):
                low = middle + 1
            else:
                high = middle
        return low

    def between(self, first_id: int, last_id: int) -> pa.Table:
        """The rows with ``first_id <= doc_id <= last_id``, in order."""
        found = []
        for index in range(self._first_batch(first_id), self._ends[-1]):
            batch = self._batch(index)
            if not batch.num_rows:
                continue
            doc_ids = batch.column("doc_id").to_numpy()
            if doc_ids[0] > last_id:
                break
            start = int(np.searchsorted(doc_ids, np.uint64(first_id), "left"))
            end = int(np.searchsorted(doc_ids, np.uint64(last_id), "right"))
            found.append(batch.slice(start, end - start))
        return pa.Table.from_batches(found, self._schema)
