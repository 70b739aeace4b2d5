"""Edges → fewer edges that connect the same documents, each sent to the partition of its end.

The bands of MinHash find a pair of near-equal documents up to once each. So before anything is
moved, a task unites as many edges as it may hold and keeps a star for each component of them: at
most one edge a document.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.buckets import EDGES
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.partitions import Partitions, slot_group
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.manifest import Store

# the pair, twice; both ends as a column, their order, the column in order, their numbers; parents,
# marks and the star edges
BUFFERED_EDGE_BYTES = 2 * 16 + 4 * 16 + 16 + 4 + 16
_ROWS_READ = 1 << 14

Edges = tuple[np.ndarray, np.ndarray]
"""(smaller doc_ids, larger doc_ids), uint64 both."""


def contract(left: np.ndarray, right: np.ndarray) -> Edges:
    """Stars that connect what the edges connect, from the smallest doc_id of each component.

    uint64[edges] each. Every document of ``left`` and ``right`` with an edge to another one is in
    the result, as an end; the larger ends ascend, each once.
    """
    from winnow.dedup.clustering.union_find import flatten, unite

    ids = np.concatenate([left, right])
    order = np.argsort(ids)
    ids = ids[order]
    first = np.ones(len(ids), bool)
    first[1:] = ids[1:] != ids[:-1]
    places = np.empty(len(ids), np.int64)
    places[order] = np.cumsum(first) - 1
    del order
    nodes = ids[first]
    parents = np.arange(len(nodes))
    unite(parents, places[: len(left)], places[len(left) :])
    flatten(parents)
    hanging = np.flatnonzero(parents != np.arange(len(nodes)))
    return nodes[parents[hanging]], nodes[hanging]


class EdgeBuffer:
    """Gathers edges and gives out contracted ones, holding ``edges_at_once`` at most."""

    def __init__(self, edges_at_once: int) -> None:
        self._limit = edges_at_once
        self._held: list[Edges] = []
        self._count = 0

    def add(self, left: np.ndarray, right: np.ndarray) -> Iterator[Edges]:
        for start in range(0, len(left), max(1, self._limit // 4)):
            piece = slice(start, start + max(1, self._limit // 4))
            if self._count + len(left[piece]) > self._limit:
                self._contract()
                if self._count > self._limit // 2:  # little in common: go on with none
                    yield from self.rest()
            # copies: what lies behind a mapped file goes when its reader does
            self._held.append((left[piece].copy(), right[piece].copy()))
            self._count += len(left[piece])

    def rest(self) -> Iterator[Edges]:
        """What is held, contracted; the buffer is empty then."""
        self._contract()
        held, self._held, self._count = self._held, [], 0
        yield from held

    def _contract(self) -> None:
        if len(self._held) > 0:
            left = np.concatenate([pair[0] for pair in self._held])
            right = np.concatenate([pair[1] for pair in self._held])
            self._held = []
            self._held = [contract(left, right)]
            self._count = len(self._held[0][0])


@dataclass(frozen=True)
class RouteWork(PlainWork):
    """Edges of every ``tasks``-th shard, contracted, in the slot of their larger end's partition.

    A bucket's edges start at its smallest document, so a million equal pages are a million edges
    from the outset.
    """

    keys: str
    edges: str
    layout: KeyLayout
    partitions: int
    tasks: int
    edges_at_once: int
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        store = Store.open(inputs.stores[self.edges])
        cut = Partitions.of(Store.open(inputs.stores[self.keys]), self.layout, self.partitions)

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            buffer = EdgeBuffer(self.edges_at_once)
            for name in ("edges", "contracted"):
                tally.count(name, 0)
            for shard in range(index, len(store.shards), self.tasks):
                for batch in store.batches(["first_id", "doc_id"], shard, _ROWS_READ):
                    tally.count("edges", batch.num_rows)
                    pair = batch.column(0).to_numpy(), batch.column(1).to_numpy()
                    for edges in buffer.add(*pair):
                        yield from routed(cut, edges, self.partitions, tally)
            for edges in buffer.rest():
                yield from routed(cut, edges, self.partitions, tally)

        return task


def routed(cut: Partitions, edges: Edges, slots: int, tally: Tally) -> Iterator[pa.RecordBatch]:
    """Contracted edges as a group of slots, of which the first are the partitions'."""
    left, right = edges
    tally.count("contracted", len(left))
    rows = {p: (left[each], right[each]) for p, each in enumerate(cut.within(right))}
    yield from slot_group(EDGES, slots, {p: pair for p, pair in rows.items() if len(pair[0])})
