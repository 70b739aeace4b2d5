"""Eliminated partitions → clusters: labels go back the way components came (elimination.py)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.clusters import CLUSTERS
from winnow.dedup.clustering.elimination import BEST, KINDS, LINK, SIZE
from winnow.dedup.clustering.partitions import ROWS_AT_ONCE, read_slot, slot_group
from winnow.errors import CorruptShard
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.manifest import Store


@dataclass(frozen=True)
class LabelWork(PlainWork):
    """One task: the cluster of every component of ``partition``, and of what hangs onto them.

    Slot p holds a row for each component's root, ascending; slot q > p one for each component of q
    that hangs onto a document of p.
    """

    eliminated: tuple[str, ...]
    """Names of the steps that eliminated this partition and those after it, in order."""
    earlier: tuple[str, ...]
    """Names of the steps that labelled the partitions before it."""
    partition: int
    partitions: int
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        own, *later = (Store.open(inputs.stores[name]) for name in self.eliminated)
        earlier = [Store.open(inputs.stores[name]) for name in self.earlier]

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            yield from self._label(own, later, earlier, tally)

        return task

    def _label(
        self, own: Store, later: list[Store], earlier: list[Store], tally: Tally
    ) -> Iterator[pa.RecordBatch]:
        at = self.partition
        links = _links(own, at, self.partitions)
        parents, nodes = _joined(links, 2)
        is_root = _is_root(parents, nodes)
        roots = nodes[is_root]
        complete = parents[is_root] == roots
        clusters = np.where(complete, roots, np.uint64(0))
        sizes, survivors = np.zeros(len(roots), np.uint32), np.zeros(len(roots), np.uint64)
        slots = KINDS * self.partitions
        best = _joined(read_slot(own, BEST * self.partitions + at, slots), 2)
        survivors[complete] = best[1]
        del best
        sizes[complete] = _joined(read_slot(own, SIZE * self.partitions + at, slots), 2)[0]
        tally.count("clusters", int(complete.sum()))
        tally.count("largest_cluster", int(sizes.max(initial=0)))
        for store in earlier:
            for ids, found, size, survivor in read_slot(store, at, self.partitions):
                places = np.searchsorted(roots, ids)
                clusters[places], sizes[places], survivors[places] = found, size, survivor
        if not sizes.all():
            raise CorruptShard(
                f"{own.path}: {int((sizes == 0).sum()):,} components have no cluster: a shard of a "
                "step before it is not what was written",
                remedy="`winnow verify` names it; delete the file and run again.",
            )
        for start in range(0, len(roots), ROWS_AT_ONCE):
            some = slice(start, start + ROWS_AT_ONCE)
            rows = (roots[some], clusters[some], sizes[some], survivors[some])
            yield from slot_group(CLUSTERS, self.partitions, {at: rows})
        for number, store in enumerate(later, start=at + 1):
            for onto, root in read_slot(store, LINK * self.partitions + at, slots):
                places = _root_places(onto, parents, nodes, roots)
                rows = (root, clusters[places], sizes[places], survivors[places])
                yield from slot_group(CLUSTERS, self.partitions, {number: rows})


def _root_places(
    doc_ids: np.ndarray, parents: np.ndarray, nodes: np.ndarray, roots: np.ndarray
) -> np.ndarray:
    """Places in ``roots`` of the roots of ``doc_ids``, which are among ``nodes``."""
    parent = parents[np.searchsorted(nodes, doc_ids)]
    return np.searchsorted(roots, np.where(parent < nodes[0], doc_ids, parent))


def _is_root(parents: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """bool[nodes]: its own parent, or hanging onto a document before all of these."""
    if not len(nodes):
        return np.zeros(0, bool)
    found: np.ndarray = (parents == nodes) | (parents < nodes[0])
    return found


def _links(store: Store, partition: int, partitions: int) -> Iterator[tuple[np.ndarray, ...]]:
    return read_slot(store, LINK * partitions + partition, KINDS * partitions)


def _joined(pieces: Iterator[tuple[np.ndarray, ...]], width: int) -> list[np.ndarray]:
    found = [tuple(column.copy() for column in piece) for piece in pieces]
    empty = [np.zeros(0, np.uint64)]
    return [np.concatenate(empty + [piece[i] for piece in found]) for i in range(width)]


@dataclass(frozen=True)
class JoinWork(PlainWork):
    """Shard p: every document of partition p that has a duplicate, with its cluster, ascending."""

    eliminated: tuple[str, ...]
    labelled: tuple[str, ...]
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        eliminated = [Store.open(inputs.stores[name]) for name in self.eliminated]
        labelled = [Store.open(inputs.stores[name]) for name in self.labelled]
        partitions = len(labelled)
        largest = [0, *(store.counters["largest_cluster"] for store in labelled)]

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            columns = _labels(labelled[index], index, partitions)
            clusters = labelled[index].counters["clusters"]
            tally.count("clusters", clusters)
            tally.count("duplicates", -clusters)
            tally.count("clustered", 0)
            # counters are summed over shards: each adds what it has over those before it
            most = max(largest[: index + 1])
            tally.count("largest_cluster", max(0, largest[index + 1] - most))
            first = None
            for parents, nodes in _links(eliminated[index], index, partitions):
                first = nodes[0] if first is None else first
                places = np.searchsorted(columns[0], np.where(parents < first, nodes, parents))
                tally.count("clustered", len(nodes))
                tally.count("duplicates", len(nodes))
                rows = (nodes, *(column[places] for column in columns[1:]))
                yield pa.record_batch([pa.array(c) for c in rows], schema=CLUSTERS)

        return task


def _labels(store: Store, partition: int, partitions: int) -> list[np.ndarray]:
    """(roots, cluster_ids, sizes, survivors) of a partition's components, by root."""
    columns = _joined(read_slot(store, partition, partitions), 4)
    columns[2] = columns[2].astype(np.uint32)
    return columns
