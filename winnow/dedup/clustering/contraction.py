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
_PASSED_AT_ONCE = 1 << 20
_MOST_NODES = 1 << 29  # in a table of 2^30 slots, whose numbers are int32


class Contraction:
    """Unites the documents of edges and gives out stars, holding ``most_nodes`` documents at most
    (two at least, or there would be no edge)."""

    def __init__(self, most_nodes: int) -> None:
        self._most = min(max(2, most_nodes), _MOST_NODES)
        self.worth_it = True
        """Whether what came out last were half as many edges as had come in, or fewer."""
        self._clear()

    def _clear(self) -> None:
        from winnow.dedup.clustering.star_table import EMPTY

        self._bits, self._used, self._came = _FIRST_BITS, 0, 0
        self._ids = np.full(1 << self._bits, EMPTY)
        self._parents = np.zeros(1 << self._bits, np.int32)

    def add(self, left: np.ndarray, right: np.ndarray) -> Iterator[Edges]:
        """uint64[edges] each. Where there is no room for more, what is held comes out first."""
        from winnow.dedup.clustering.star_table import unite_ids

        done = 0
        while True:
            room, start = min(self._most, len(self._ids) // 2), done
            done, self._used = unite_ids(
                left, right, start, self._ids, self._parents, self._bits, self._used, room
            )
            self._came += done - start
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
        self.worth_it = 2 * count <= self._came
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
            for name in ("edges", "contracted"):
                tally.count(name, 0)
            shards = range(index, len(store.shards), self.tasks)
            pairs = (pair for shard in shards for pair in read_edges(store, shard))
            for edges in self._contracted(pairs, tally):
                yield from routed(cut, edges, self.partitions, tally)

        return task

    def _contracted(self, pairs: Iterator[Edges], tally: Tally) -> Iterator[Edges]:
        """Larger ends ascend. Once a full load of documents had little in common, as where a task
        has few of a document's bands, the other edges pass as they are."""
        held = Contraction(self.nodes_at_once)
        for pair in pairs:
            tally.count("edges", len(pair[0]))
            yield from held.add(*pair)
            if not held.worth_it:
                break
        yield from held.rest()
        waiting: list[Edges] = []
        count = 0
        for pair in pairs:
            tally.count("edges", len(pair[0]))
            waiting.append((pair[0].copy(), pair[1].copy()))
            count += len(pair[0])
            if count >= _PASSED_AT_ONCE:
                yield _by_larger_end(waiting)
                waiting, count = [], 0
        if waiting:
            yield _by_larger_end(waiting)


def _by_larger_end(waiting: list[Edges]) -> Edges:
    left, right = (np.concatenate([pair[side] for pair in waiting]) for side in range(2))
    order = np.argsort(right, kind="stable")  # the same on every machine
    return left[order], right[order]


def routed(cut: Partitions, edges: Edges, slots: int, tally: Tally) -> Iterator[pa.RecordBatch]:
    """Contracted edges as a group of slots, of which the first are the partitions'."""
    left, right = edges
    tally.count("contracted", len(left))
    rows = {p: (left[each], right[each]) for p, each in enumerate(cut.within(right))}
    yield from slot_group(EDGES, slots, {p: pair for p, pair in rows.items() if len(pair[0])})
