"""Connected components of the edges, and the survivor of each.

One task. Its memory follows the documents that have an edge, not the corpus: 28 bytes for each
(doc_id, parent, preference, size, survivor), 32 at its peak while the doc_ids are collected; edges
stream past twice. A cluster's id is the smallest ``doc_id`` in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.keys import KeyLayout
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.manifest import Store
from winnow.store.shards import open_shard

EDGES_AT_ONCE = 1 << 17
ROWS_PER_BATCH = 1 << 16

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
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        from winnow.dedup.union_find import elect, flatten, unite

        key_store = Store.open(inputs.stores[self.keys])
        edge_store = Store.open(inputs.stores[self.edges])

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            nodes = _documents_with_edges(edge_store)
            kind = np.int32 if len(nodes) < 1 << 31 else np.int64
            parents = np.arange(len(nodes), dtype=kind)
            for left, right in _edges(edge_store):
                unite(parents, np.searchsorted(nodes, left), np.searchsorted(nodes, right))
            flatten(parents)
            preferences = _preferences(nodes, key_store, self.layout)
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


def _documents_with_edges(store: Store) -> np.ndarray:
    """Their doc_ids, ascending, ``uint64[nodes]``.

    New ids wait until they are as many as those known, so that merging costs O(edges log edges)
    in all and a merge holds the result four times at most.
    """
    known = [np.zeros(0, np.uint64)]
    waiting: list[np.ndarray] = []
    count = 0
    for pair in _edges(store):
        waiting.append(_distinct(list(pair)))
        count += len(waiting[-1])
        if count > max(len(known[0]), 1 << 20):
            known = [_distinct(known + waiting)]
            waiting, count = [], 0
    return _distinct(known + waiting)


def _distinct(arrays: list[np.ndarray]) -> np.ndarray:
    """What occurs in any of ``arrays``, ascending; np.unique would sort a further copy."""
    ids = np.concatenate(arrays)
    ids.sort()
    first = np.ones(len(ids), bool)
    first[1:] = ids[1:] != ids[:-1]
    return ids[first]


def _preferences(nodes: np.ndarray, store: Store, layout: KeyLayout) -> np.ndarray:
    """The preference of every node, ``uint64[nodes]``, from the shards that hold them."""
    found = np.zeros(len(nodes), np.uint64)
    for shard in range(len(store.shards)):
        doc_ids, preferences = layout.read_preferences(store, shard)
        if not len(doc_ids):
            continue
        start = np.searchsorted(nodes, doc_ids[0], "left")
        end = np.searchsorted(nodes, doc_ids[-1], "right")
        places = np.searchsorted(doc_ids, nodes[start:end])
        here = doc_ids[places] == nodes[start:end]  # shards' ranges of doc_ids may overlap
        found[start:end][here] = preferences[places[here]]
    return found


class ClusterReader:
    """A finished cluster store, searched by doc_id; reads only the batches that are asked for."""

    def __init__(self, store: Store) -> None:
        self._file = open_shard(store.folder, store.shards[0].file)

    def between(self, first_id: int, last_id: int) -> pa.Table:
        """The rows with ``first_id <= doc_id <= last_id``, in order."""
        low, high = 0, self._file.num_record_batches
        while low < high:  # the first batch that does not end before first_id
            middle = (low + high) // 2
            if self._file.get_batch(middle).column("doc_id")[-1].as_py() < first_id:
                low = middle + 1
            else:
                high = middle
        found = []
        for index in range(low, self._file.num_record_batches):
            batch = self._file.get_batch(index)
            doc_ids = batch.column("doc_id").to_numpy()
            if doc_ids[0] > last_id:
                break
            start = int(np.searchsorted(doc_ids, np.uint64(first_id), "left"))
            end = int(np.searchsorted(doc_ids, np.uint64(last_id), "right"))
            found.append(batch.slice(start, end - start))
        return pa.Table.from_batches(found, CLUSTERS)
