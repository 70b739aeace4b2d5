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
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.node_ids import collect_ids, node_preferences, too_many_nodes
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.manifest import Store
from winnow.store.shards import open_shard

EDGES_AT_ONCE = 1 << 17
ROWS_PER_BATCH = 1 << 16
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
        matched = Store.open(inputs.stores[self.matched]) if self.matched else None

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            pairs = _edges(edge_store)
            nodes = collect_ids((ids for pair in pairs for ids in pair), self.most_nodes)
            if len(nodes) > self.most_nodes:
                # a document of a partition may take three times what it takes here
                documents = key_store.rows // (self.layout.bands + 1)
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
    for batch in store.batches(["first_id", "doc_id"], batch_rows=EDGES_AT_ONCE):
        yield batch.column(0).to_numpy(), batch.column(1).to_numpy()


class ClusterReader:
    """A finished store of CLUSTERS (perhaps with more columns), searched by doc_id; reads only the
    batches that are asked for."""

    def __init__(self, store: Store) -> None:
        self._schema = store.schema
        self._files = [open_shard(store.folder, shard.file) for shard in store.shards]
        counts = [file.num_record_batches for file in self._files]
        self._ends = np.cumsum(counts, dtype=np.int64).tolist()

    def _batch(self, index: int) -> pa.RecordBatch:
        shard = bisect_right(self._ends, index)
        return self._files[shard].get_batch(index - (self._ends[shard - 1] if shard else 0))

    def between(self, first_id: int, last_id: int) -> pa.Table:
        """The rows with ``first_id <= doc_id <= last_id``, in order."""
        low, high = 0, self._ends[-1]
        while low < high:  # the first batch that does not end before first_id
            middle = (low + high) // 2
            if self._batch(middle).column("doc_id")[-1].as_py() < first_id:
                low = middle + 1
            else:
                high = middle
        found = []
        for index in range(low, self._ends[-1]):
            batch = self._batch(index)
            doc_ids = batch.column("doc_id").to_numpy()
            if doc_ids[0] > last_id:
                break
            start = int(np.searchsorted(doc_ids, np.uint64(first_id), "left"))
            end = int(np.searchsorted(doc_ids, np.uint64(last_id), "right"))
            found.append(batch.slice(start, end - start))
        return pa.Table.from_batches(found, self._schema)
