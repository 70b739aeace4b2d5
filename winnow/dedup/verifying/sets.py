"""What is known of every clustered document, in files from which a task reads its clusters.

A file holds rows for partitions of the clusters, as ``partitions.slot_group`` lays them out: the
row of a document is in the slot of its cluster. A partition is a range of the hashed cluster ids.

Bytes: 20 a document and 8 a distinct shingle (5 kB for a page of 600), or 8 a value of the
signature. Memory of a task: ``HASHES_AT_ONCE`` hashes, twice while they are put together and once
more, for one slot, while they are written: 100 MB, besides a row group of documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.clusters import ClusterReader
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.node_ids import node_preferences, open_matched
from winnow.dedup.signing.shape import Shape
from winnow.dedup.verifying.cluster_order import range_firsts
from winnow.hashing import mixed
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.manifest import Store

HASHES_AT_ONCE = 1 << 22
_HASHES = pa.list_(pa.field("item", pa.uint64(), nullable=False))

SETS = pa.schema(
    [
        pa.field("cluster_id", pa.uint64(), nullable=False),
        pa.field("doc_id", pa.uint64(), nullable=False),
        pa.field("preference", pa.uint64(), nullable=False),
        # distinct hashes of the shingles, ascending; or the values of the signature
        pa.field("hashes", _HASHES, nullable=False),
    ]
)


@dataclass(frozen=True)
class SetWork(PlainWork):
    """Shingles (or signatures) of the clustered documents of some document shards."""

    shape: Shape
    language_column: str | None
    signatures: bool
    """Whole signatures instead of shingles."""
    clusters: str
    """Name of the step that clustered."""
    keys: str
    layout: KeyLayout
    matched: str
    """Name of the step that found documents of an index; "": there is none."""
    partitions: int
    """Of the clusters."""
    tasks: int
    """Into which the document shards are divided, in their order."""
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        from winnow.dedup.signing.signatures import Signers

        assert inputs.view is not None
        view = inputs.view.open()
        clusters = ClusterReader(Store.open(inputs.stores[self.clusters]))
        keys = Store.open(inputs.stores[self.keys])
        matched = open_matched(inputs, self.matched)
        signers = Signers(self.shape)
        wanted = ("doc_id", "text", self.language_column)
        columns = [name for name in wanted if name is not None]

        def clustered(index: int) -> Iterator[tuple[np.ndarray, np.ndarray, pa.ListArray]]:
            """(cluster_ids, doc_ids, hashes) by row group."""
            first, end = (n * view.shard_count // self.tasks for n in (index, index + 1))
            for shard in range(first, end):
                for batch in view.kept(shard, columns):
                    found, batch = _with_clusters(batch, clusters)
                    if len(found):
                        ids = batch.column("doc_id").to_numpy()
                        yield found, ids, self._hashes(signers, batch)

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for name in ("documents", "hashes"):
                tally.count(name, 0)
            for cluster_ids, doc_ids, hashes in _gathered(clustered(index)):
                tally.count("documents", len(doc_ids))
                tally.count("hashes", len(hashes.values))
                order = np.argsort(doc_ids)
                preferences = np.empty(len(doc_ids), np.uint64)
                preferences[order] = node_preferences(doc_ids[order], keys, self.layout, matched)
                rows = (cluster_ids, doc_ids, preferences)
                yield from _slots(rows, hashes, self.partitions)

        return task

    def _hashes(self, signers: object, batch: pa.RecordBatch) -> pa.ListArray:
        from winnow.dedup.signing.signatures import Signers

        assert isinstance(signers, Signers)
        texts = batch.column("text")
        languages = batch.column(self.language_column) if self.language_column else None
        if self.signatures:
            found, _ = signers.signatures(texts, languages)
            hashes = found.reshape(-1)
            offsets = np.arange(len(texts) + 1) * self.shape.values
        else:
            offsets, hashes = signers.shingle_sets(texts, languages)
        return pa.ListArray.from_arrays(
            pa.array(offsets, pa.int32()), pa.array(hashes), type=_HASHES
        )


def _with_clusters(
    batch: pa.RecordBatch, clusters: ClusterReader
) -> tuple[np.ndarray, pa.RecordBatch]:
    """The rows that have a cluster, and its id."""
    if not batch.num_rows:
        return np.zeros(0, np.uint64), batch
    ids = batch.column("doc_id").to_numpy()
    found = clusters.between(int(ids.min()), int(ids.max()))
    if not found.num_rows:
        return np.zeros(0, np.uint64), batch.slice(0, 0)
    clustered = found.column("doc_id").to_numpy()
    places = np.minimum(np.searchsorted(clustered, ids), len(clustered) - 1)
    here = clustered[places] == ids
    return found.column("cluster_id").to_numpy()[places[here]], batch.filter(pa.array(here))


Pieces = tuple[np.ndarray, np.ndarray, pa.ListArray]


def _gathered(pieces: Iterator[Pieces]) -> Iterator[Pieces]:
    """The same rows, in pieces of ``HASHES_AT_ONCE`` hashes or a little more."""
    waiting: list[Pieces] = []
    count = 0
    for piece in pieces:
        waiting.append(piece)
        count += len(piece[2].values)
        if count >= HASHES_AT_ONCE:
            yield _joined(waiting)
            waiting, count = [], 0
    if waiting:
        yield _joined(waiting)


def _joined(pieces: list[Pieces]) -> Pieces:
    cluster_ids, doc_ids, hashes = zip(*pieces, strict=True)
    pieces.clear()
    return np.concatenate(cluster_ids), np.concatenate(doc_ids), pa.concat_arrays(hashes)


def _slots(
    rows: tuple[np.ndarray, ...], hashes: pa.ListArray, partitions: int
) -> Iterator[pa.RecordBatch]:
    """One group of slots, one for each partition of the clusters."""
    order = mixed(rows[0])
    numbers = np.searchsorted(range_firsts(1, partitions, partitions), order, "right")
    for number in range(partitions):
        places = np.flatnonzero(numbers == number)
        columns = [pa.array(column[places]) for column in rows]
        yield pa.record_batch([*columns, hashes.take(pa.array(places))], schema=SETS)
