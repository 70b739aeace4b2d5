"""Connected components of more documents than a task may hold: one partition after another.

Contraction of the graph by ranges of documents, from the last partition to the first
(:class:`EliminateWork`), then labels the other way round (labels.py).

*Eliminating* partition p: its documents are united by the edges within it. A component that has
edges to earlier partitions is hung onto the smallest document m at their other ends, and each other
such end a gets the edge (m, a): what was connected through p stays connected without it. A
component without such edges is complete. Every edge that comes in is one edge, or none, that goes
out, to an earlier partition; so after the last task nothing is left, in exactly as many rounds as
there are partitions, whatever the graph: there is no convergence to wait for. The smallest document
of a cluster is the root of its last component, so it is the cluster's id.

How many documents a component has and who is preferred goes to the partition of m together with
the component; so the complete ones know their size and survivor. *Labelling* sends these back to
every component that was hung onto another, from the first partition to the last.

Against rounds of hash-to-min or of large-star and small-star (Kiveris et al. 2014), which move all
edges in each of O(log n) to O(log² n) rounds with a number that is not known beforehand: an edge
whose ends lie at random moves H(P) = ln P + 0.6 times for P partitions, P times at worst; the
price is that partitions go one after another (Chiang et al. 1995 eliminate vertices in this way).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.buckets import EDGES
from winnow.dedup.clustering.clusters import ROWS_PER_BATCH
from winnow.dedup.clustering.contraction import Contraction, Edges, routed
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.node_ids import (
    collect_ids,
    node_preferences,
    open_matched,
    too_many_nodes,
)
from winnow.dedup.clustering.partitions import ROWS_AT_ONCE, Partitions, read_slot, slot_group
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.manifest import Store

if TYPE_CHECKING:
    from winnow.dedup.index.matched import MatchedReader

# doc_id, parent, least outer document, preference, best preference, survivor, size
NODE_BYTES = 8 + 4 + 8 + 8 + 8 + 8 + 4

# What a pair of uint64 in an eliminated partition's file is, by slot // partitions. To partition
# q < p go edges; and for each component that hangs onto a document of q, a row of LINK, BEST and
# SIZE each. To p itself go LINK, for each of its documents, and the other two, for each component
# that is complete.
EDGE, LINK, BEST, SIZE = range(4)
"""EDGE: (smaller, larger doc_id). LINK: to others (the document hung onto, the component's root);
to p itself (parent, doc_id), a root being its own parent or hanging onto an earlier partition's.
BEST: (greatest preference, survivor). SIZE: (documents, 0)."""
KINDS = 4

NONE = np.uint64((1 << 64) - 1)


@dataclass(frozen=True)
class EliminateWork(PlainWork):
    """One task: the components of ``partition``, and what becomes of the edges at them."""

    keys: str
    routed: str
    later: tuple[str, ...]
    """Names of the steps that eliminated the partitions after this one, in their order."""
    layout: KeyLayout
    partition: int
    partitions: int
    nodes_at_once: int
    """Documents of the edges that are passed on, united before they are."""
    most_nodes: int
    block: str
    """What the config calls the block, for messages."""
    matched: str = ""
    """Name of the step that found documents of an index, which are preferred to all others."""
    version: ClassVar[int] = 2
    outside_fingerprint = ("most_nodes", "block")

    def open(self, inputs: Inputs) -> TaskFunction:
        keys = Store.open(inputs.stores[self.keys])
        routed_store = Store.open(inputs.stores[self.routed])
        later = [Store.open(inputs.stores[name]) for name in self.later]
        cut = Partitions.of(keys, self.layout, self.partitions)
        matched = open_matched(inputs, self.matched)

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            yield from _Elimination(self, keys, routed_store, later, cut, matched, tally).run()

        return task


class _Elimination:
    """The arrays of one task of :class:`EliminateWork`; ``nodes`` ascend, places are into them."""

    def __init__(
        self, work: EliminateWork, keys: Store, routed_store: Store, later: list[Store],
        cut: Partitions, matched: MatchedReader | None, tally: Tally,
    ) -> None:  # fmt: skip
        self.work, self.keys, self.cut, self.tally = work, keys, cut, tally
        self.matched = matched
        self.routed, self.later = routed_store, later
        self.slots = KINDS * work.partitions
        self.first = cut.firsts[work.partition]

    def run(self) -> Iterator[pa.RecordBatch]:
        from winnow.dedup.clustering.union_find import flatten, lowest, unite

        for name in ("edges", "contracted", "nodes", "components"):
            self.tally.count(name, 0)
        self.nodes = collect_ids(self._ids(), self.work.most_nodes)
        self._check()
        self.tally.count("nodes", len(self.nodes))
        kind = np.int32 if len(self.nodes) < 1 << 31 else np.int64
        self.parents = np.arange(len(self.nodes), dtype=kind)
        for left, right in self._edges(again=True):
            inner = left >= self.first
            unite(self.parents, self._places(left[inner]), self._places(right[inner]))
            self.tally.count("edges", len(left))
        flatten(self.parents)
        self.minima = np.full(len(self.nodes), NONE)
        for left, right in self._outer_edges():
            lowest(self.parents, self._places(right), left, self.minima)
        yield from self._edges_to_earlier()
        yield from self._links()

    def _edges(self, again: bool) -> Iterator[Edges]:
        """Edges whose larger end is here."""
        partition, partitions = self.work.partition, self.work.partitions
        for left, right in read_slot(self.routed, partition, partitions, again=again):
            yield left, right
        for store in self.later:
            for left, right in self._read(store, EDGE, again):
                yield left, right

    def _outer_edges(self) -> Iterator[Edges]:
        for left, right in self._edges(again=True):
            outer = left < self.first
            yield left[outer], right[outer]

    def _read(
        self, store: Store, kind: int, again: bool = False
    ) -> Iterator[tuple[np.ndarray, ...]]:
        slot = kind * self.work.partitions + self.work.partition
        return read_slot(store, slot, self.slots, again=again)

    def _ids(self) -> Iterator[np.ndarray]:
        for left, right in self._edges(again=False):
            yield right
            yield left[left >= self.first]
        for store in self.later:  # a component may hang onto a document without another edge
            for onto, _ in self._read(store, LINK):
                yield onto

    def _check(self) -> None:
        work = self.work
        if len(self.nodes) > work.most_nodes:
            documents = work.layout.documents(self.keys)
            # partitions differ by a document
            enough = 1 + -(-documents // max(1, work.most_nodes - 1))
            where = f"partition {work.partition} of {work.partitions}"
            raise too_many_nodes(work.block, where, work.most_nodes, enough)

    def _places(self, doc_ids: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.nodes, doc_ids)

    def _edges_to_earlier(self) -> Iterator[pa.RecordBatch]:
        held = Contraction(self.work.nodes_at_once)
        for left, right in self._outer_edges():
            onto = self.minima[self.parents[self._places(right)]]
            other = onto != left
            for edges in held.add(onto[other], left[other]):
                yield from routed(self.cut, edges, self.slots, self.tally)
        for edges in held.rest():
            yield from routed(self.cut, edges, self.slots, self.tally)

    def _sums(self) -> None:
        """Size and survivor of every component, with all that hangs onto it."""
        from winnow.dedup.clustering.union_find import gather

        count = len(self.nodes)
        self.best = np.zeros(count, np.uint64)
        self.sizes = np.zeros(count, np.uint32)
        self.survivors = np.zeros(count, np.uint64)
        sums = (self.best, self.sizes, self.survivors)
        preferences = node_preferences(self.nodes, self.keys, self.work.layout, self.matched)
        for start in range(0, count, ROWS_AT_ONCE):
            some = slice(start, start + ROWS_AT_ONCE)
            ids = self.nodes[some]
            places = np.arange(start, start + len(ids))
            ones = np.ones(len(ids), np.uint64)
            gather(self.parents, places, ones, preferences[some], ids, *sums)
        for store in self.later:
            rows = (self._read(store, kind) for kind in (LINK, BEST, SIZE))
            for (onto, _), (preferred, survivors), (sizes, _) in zip(*rows, strict=True):
                gather(self.parents, self._places(onto), sizes, preferred, survivors, *sums)

    def _links(self) -> Iterator[pa.RecordBatch]:
        self._sums()
        partition, partitions = self.work.partition, self.work.partitions
        for start in range(0, len(self.nodes), ROWS_PER_BATCH):
            some = slice(start, start + ROWS_PER_BATCH)
            roots = self.parents[some]
            own = start + np.flatnonzero(roots == np.arange(start, start + len(roots)))
            parents = self.nodes[roots]
            parents[own - start] = np.minimum(self.minima[own], self.nodes[own])
            onto = parents[own - start]
            self.tally.count("components", len(own))
            to = self.cut.number(onto)
            rows: dict[int, tuple[np.ndarray, ...]] = {}
            for q in np.unique(to).tolist():
                which = own[to == q]
                rows[LINK * partitions + q] = (onto[to == q], self.nodes[which])
                rows[BEST * partitions + q] = (self.best[which], self.survivors[which])
                sizes = self.sizes[which].astype(np.uint64)
                rows[SIZE * partitions + q] = (sizes, np.zeros(len(which), np.uint64))
            rows[LINK * partitions + partition] = (parents, self.nodes[some])
            yield from slot_group(EDGES, self.slots, rows)
