"""Clusters → clusters that were checked, or that have datatrove's survivors.

One task a partition of the clusters. Memory: ``MEMBER_BYTES`` a document (and what the replay of
datatrove's union takes); where a partition has more than ``memory_bytes`` hold, its clusters are
worked off in several passes over narrower ranges of their hashed ids, with the same result. Only
the documents of one single cluster cannot be parted. Besides: sets of the block that is compared,
16 bytes · ``HASHES_AT_ONCE``, and those of one cluster's survivors (greedy.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.clusters import CLUSTERS
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.partitions import Partitions, slot_group
from winnow.dedup.clustering.regrouping import Columns, regrouped
from winnow.dedup.signing.shape import Shape
from winnow.dedup.verifying.members import MEMBER_BYTES, Members, SetReader
from winnow.dedup.verifying.union_replay import (
    REPLAY_BYTES,
    REPLAY_BYTES_PER_ROW_OF_BAND,
    replay,
)
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.manifest import Store

HASHES_AT_ONCE = 1 << 20
ROWS_AT_ONCE = 1 << 18

VERIFIED = pa.schema(
    [
        *CLUSTERS,
        # true Jaccard similarity to the survivor, 0 to 1; 1 of a survivor itself
        pa.field("similarity", pa.float32(), nullable=False),
    ]
)

COUNTED = (
    "pairs",  # documents that would go unchecked, each with the one that would stay for it
    "split_off",  # documents that stay, because nothing that stays is like them
    "clustered",
    "clusters",
    "duplicates",
    "false_pairs",  # of the pairs, those that are not alike
    "uncompared",  # see greedy.py
)


@dataclass(frozen=True)
class CompareWork(PlainWork):
    """Shard p: the documents of partition p's clusters that have a duplicate after all, in a slot
    for each partition of the documents; columns of VERIFIED, or of CLUSTERS where nothing is
    compared."""

    sets: str
    """Name of the step that wrote the shingles, or signatures."""
    keys: str
    layout: KeyLayout
    similarity: float | None
    """At least so similar is a duplicate; None: datatrove's survivors."""
    shape: Shape
    partitions: int
    """Of the clusters."""
    document_partitions: int
    memory_bytes: int
    version: ClassVar[int] = 1
    outside_fingerprint = ("memory_bytes",)  # more passes over narrower ranges: the same rows

    @property
    def schema(self) -> pa.Schema:
        return CLUSTERS if self.similarity is None else VERIFIED

    def open(self, inputs: Inputs) -> TaskFunction:
        from winnow.dedup.verifying import greedy_kernels, union_kernels  # noqa: F401  (numba)

        sets = Store.open(inputs.stores[self.sets])
        cut = Partitions.of(
            Store.open(inputs.stores[self.keys]), self.layout, self.document_partitions
        )
        row_bytes = MEMBER_BYTES
        if self.similarity is None:
            row_bytes += REPLAY_BYTES + REPLAY_BYTES_PER_ROW_OF_BAND * self.shape.rows_per_band

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            reader = SetReader(sets, index, self.partitions)
            passes = max(1, -(-reader.rows * row_bytes // self.memory_bytes))
            found = self._found(reader, passes, tally)
            for some in regrouped(found, ROWS_AT_ONCE):
                numbers = cut.number(some[0])
                rows = {
                    slot: tuple(column[numbers == slot] for column in some)
                    for slot in np.unique(numbers).tolist()
                }
                yield from slot_group(self.schema, self.document_partitions, rows)

        return task

    def _found(self, reader: SetReader, passes: int, tally: Tally) -> Iterator[Columns]:
        for name in COUNTED if self.similarity is not None else COUNTED[:5]:
            tally.count(name, 0)
        for members in reader.passes(passes):
            if self.similarity is None:
                yield from _clusters(members, (replay(members, reader, self.shape),), tally)
            else:
                found = _greedy(members, reader, self.similarity, tally)
                yield from _clusters(members, found, tally)


def _greedy(
    members: Members, reader: SetReader, similarity: float, tally: Tally
) -> tuple[np.ndarray, np.ndarray]:
    """(survivors int64, similarities float32) of all documents of a pass."""
    from winnow.dedup.verifying.greedy import Greedy

    greedy = Greedy(similarity)
    survivors = np.empty(len(members.starts), np.int64)
    similarities = np.empty(len(members.starts), np.float32)
    for first, offsets, sets in reader.blocks(members.positions, HASHES_AT_ONCE):
        some = slice(first, first + len(offsets) - 1)
        judged = greedy.judge(members.starts[some], offsets, sets, first)
        survivors[some], similarities[some] = judged.survivors, judged.similarities
    tally.count("false_pairs", greedy.unlike_first)
    tally.count("uncompared", greedy.uncompared)
    return survivors, similarities


def _clusters(members: Members, found: Columns, tally: Tally) -> Iterator[Columns]:
    """The columns of CLUSTERS, and the further ones of ``found``; documents without a duplicate
    are left out."""
    from winnow.dedup.verifying.greedy_kernels import gather_clusters

    survivors, *others = found
    count = len(survivors)
    smallest, sizes = np.zeros(count, np.uint64), np.zeros(count, np.uint32)
    gather_clusters(survivors, members.doc_ids, smallest, sizes)
    alone = int((sizes == 1).sum())
    clusters = int((sizes > 0).sum()) - alone
    before = int(members.starts.sum())
    tally.count("pairs", count - before)
    tally.count("split_off", clusters + alone - before)
    tally.count("clustered", count - alone)
    tally.count("clusters", clusters)
    tally.count("duplicates", count - alone - clusters)
    for start in range(0, count, ROWS_AT_ONCE):
        some = slice(start, start + ROWS_AT_ONCE)
        stay = survivors[some]
        shared = sizes[stay] > 1
        stay = stay[shared]
        yield (
            members.doc_ids[some][shared],
            smallest[stay],
            sizes[stay],
            members.doc_ids[stay],
            *(column[some][shared] for column in others),
        )
