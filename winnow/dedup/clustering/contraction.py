"""Edges → fewer edges that connect the same documents, each sent to the partition of its end.

The bands of MinHash find a pair of near-equal documents up to once each. So before anything is
moved, a task unites as many documents as it may hold and keeps a star for each component of them:
at most one edge a document.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.buckets import EDGES, read_edges
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.partitions import Partitions, slot_group
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.manifest import Store

# A table's slots, four for a document at worst, twelve bytes each, and half as many while it grows;
# or, once they are given out, both ends of the star edges, and in order, with the order.
HELD_NODE_BYTES = 4 * 12 + 2 * 16 + 16 + 8

Edges = tuple[np.ndarray, np.ndarray]
"""(smaller doc_ids, larger doc_ids), uint64 both."""


_FIRST_BITS = 10
_MOST_NODES = 1 << 29  # in a table of 2^30 slots, whose numbers are int32


class Contraction:
    """Unites the documents of edges and gives out stars, holding ``most_nodes`` documents at most
    (two at least, or there would be no edge)."""

    def __init__(self, most_nodes: int) -> None:
        self._most = min(max(2, most_nodes), _MOST_NODES)
        self._clear()

    def _clear(self) -> None:
        from winnow.dedup.clustering.star_table import EMPTY

        self._bits, self._used = _FIRST_BITS, 0
        self._ids = np.full(1 << self._bits, EMPTY)
        self._parents = np.zeros(1 << self._bits, np.int32)

    def add(self, left: np.ndarray, right: np.ndarray) -> Iterator[Edges]:
        """uint64[edges] each. Where there is no room for more, what is held comes out first."""
        from winnow.dedup.clustering.star_table import unite_ids

        done = 0
        while True:
            room = min(self._most, len(self._ids) // 2)
            done, self._used = unite_ids(
                left, right, done, self._ids, self._parents, self._bits, self._used, room
            )
            if done == len(left):
                return
            if self._used + 2 > self._most:
                yield from self.rest()
            else:
                self._grow()

    def _grow(self) -> None:
        from winnow.dedup.clustering.star_table import EMPTY, rehash

        bits = self._bits + 1
        ids, parents = np.full(1 << bits, EMPTY), np.zeros(1 << bits, np.int32)
        rehash(self._ids, self._parents, ids, parents, bits)
        self._ids, self._parents, self._bits = ids, parents, bits

    def rest(self) -> Iterator[Edges]:
        """What is held, as stars: from the smallest doc_id of each component to every other, which
        ascend, each once. Nothing is held then."""
        from winnow.dedup.clustering.star_table import hanging

        roots, others = (np.empty(self._used, np.uint64) for _ in range(2))
        count = hanging(self._ids, self._parents, roots, others)
        self._clear()
        if count:
            order = np.argsort(others[:count])
            yield roots[order], others[order]


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
    nodes_at_once: int
    """Documents that it unites before it gives out their edges."""
    version: ClassVar[int] = 2

    def open(self, inputs: Inputs) -> TaskFunction:
        store = Store.open(inputs.stores[self.edges])
        cut = Partitions.of(Store.open(inputs.stores[self.keys]), self.layout, self.partitions)

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            held = Contraction(self.nodes_at_once)
            for name in ("edges", "contracted"):
                tally.count(name, 0)
            for shard in range(index, len(store.shards), self.tasks):
                for pair in read_edges(store, shard):
                    tally.count("edges", len(pair[0]))
                    for edges in held.add(*pair):
                        yield from routed(cut, edges, self.partitions, tally)
            for edges in held.rest():
                yield from routed(cut, edges, self.partitions, tally)

        return task


def routed(cut: Partitions, edges: Edges, slots: int, tally: Tally) -> Iterator[pa.RecordBatch]:
    """Contracted edges as a group of slots, of which the first are the partitions'."""
    left, right = edges
    tally.count("contracted", len(left))
    rows = {p: (left[each], right[each]) for p, each in enumerate(cut.within(right))}
    yield from slot_group(EDGES, slots, {p: pair for p, pair in rows.items() if len(pair[0])})
