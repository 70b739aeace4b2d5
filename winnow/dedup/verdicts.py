"""Clusters → one verdict a document, aligned row for row with the documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.clusters import ClusterReader
from winnow.dedup.clustering.node_ids import open_matched
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.schema import KEPT
from winnow.store.manifest import Store

if TYPE_CHECKING:
    from winnow.dedup.index.matched import MatchedReader
    from winnow.dedup.rehydration import Rehydration

DEDUP_VERDICTS = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),
        # "kept", the reason, or null: an earlier step had rejected the document already; then
        # the columns below are null too. A document without a duplicate is a cluster of one.
        pa.field("verdict", pa.string()),
        pa.field("cluster_id", pa.uint64()),  # smallest doc_id of the cluster
        pa.field("cluster_size", pa.uint32()),  # documents
        # doc_id of the member that was kept; null where an index has one that stays instead
        pa.field("survivor_id", pa.uint64()),
    ]
)
SIMILARITY = pa.field("similarity", pa.float32())
"""Where verified: true Jaccard similarity to the survivor, 0 to 1; 1 of a survivor itself; null
where an index has the document."""
INDEX_ID = pa.field("index_id", pa.uint64())
"""Where there is an index: number of the document there that stays for this one's cluster."""
REPEAT_COUNT = pa.field("repeat_count", pa.uint32())
"""Where rehydrated: how often training sees the document; 0 of what is not kept."""


@dataclass(frozen=True)
class SelectWork(PlainWork):
    """The verdict ``reason`` for every kept document whose cluster has another survivor, or whose
    cluster meets an index."""

    clusters: str
    """Name of the step that clustered; "": only the index counts."""
    reason: str
    matched: str = ""
    """Name of the step that found the documents of the index; "": there is no index."""
    verified: bool = False
    """Whether the clusters say how similar a document is to its survivor."""
    rehydration: Rehydration | None = None
    version: ClassVar[int] = 1

    @property
    def schema(self) -> pa.Schema:
        """Columns of the store, which depend on what was asked for."""
        asked = (
            (self.verified, SIMILARITY),
            (bool(self.matched), INDEX_ID),
            (self.rehydration is not None, REPEAT_COUNT),
        )
        return pa.schema([*DEDUP_VERDICTS, *(field for wanted, field in asked if wanted)])

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view = inputs.view.open()
        clusters = self.clusters and ClusterReader(Store.open(inputs.stores[self.clusters]))
        matched = open_matched(inputs, self.matched)

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for verdict in (KEPT, self.reason):
                tally.count(f"verdict.{verdict}", 0)
            for batch, considered in view.masked(index, ["doc_id"]):
                rows = _Rows(batch.column("doc_id"), considered, self.verified)
                if clusters and len(rows.ids):
                    rows.join(clusters)
                if matched is not None and len(rows.ids):
                    rows.meet(matched)
                yield self._verdicts(rows, tally)

        return task

    def _verdicts(self, rows: _Rows, tally: Tally) -> pa.RecordBatch:
        duplicate = rows.alive & ((rows.survivors != rows.ids) | rows.in_index)
        kept = rows.alive & ~duplicate
        verdicts = np.where(duplicate, self.reason, KEPT).astype(object)
        tally.count(f"verdict.{self.reason}", int(duplicate.sum()))
        tally.count(f"verdict.{KEPT}", int(kept.sum()))
        gone = ~rows.alive
        columns = [
            rows.doc_ids,
            pa.array(verdicts, pa.string(), mask=gone),
            pa.array(rows.cluster_ids, pa.uint64(), mask=gone),
            pa.array(rows.sizes, pa.uint32(), mask=gone),
            pa.array(rows.survivors, pa.uint64(), mask=gone | rows.in_index),
        ]
        if self.verified:
            columns.append(pa.array(rows.similarities, pa.float32(), mask=gone | rows.in_index))
        if self.matched:
            tally.count("in_index", int((rows.alive & rows.in_index).sum()))
            columns.append(pa.array(rows.index_ids, pa.uint64(), mask=gone | ~rows.in_index))
        if self.rehydration is not None:
            repeats = np.where(kept, self.rehydration.repeat_counts(rows.sizes), np.uint32(0))
            tally.count("repeats", int(repeats.sum()) - int(kept.sum()))
            columns.append(pa.array(repeats, pa.uint32(), mask=gone))
        return pa.record_batch(columns, schema=self.schema)


class _Rows:
    """What is found out about the documents of a batch; arrays of its length."""

    def __init__(self, doc_ids: pa.Array, considered: pa.Array, verified: bool) -> None:
        self.doc_ids = doc_ids
        self.ids = doc_ids.to_numpy(zero_copy_only=False)
        self.alive = considered.to_numpy(zero_copy_only=False)
        self.cluster_ids, self.survivors = self.ids.copy(), self.ids.copy()
        self.sizes = np.ones(len(self.ids), np.uint32)
        self.similarities = np.ones(len(self.ids), np.float32)
        self.index_ids = np.zeros(len(self.ids), np.uint64)
        self.in_index = np.zeros(len(self.ids), bool)
        self.verified = verified

    def join(self, clusters: ClusterReader) -> None:
        """Fill in the clusters of those that have one."""
        found = clusters.between(int(self.ids.min()), int(self.ids.max()))
        columns = {name: found.column(name).to_numpy() for name in found.column_names}
        places = np.searchsorted(columns["doc_id"], self.ids)
        places[places == found.num_rows] = 0
        clustered = self.alive & (found.num_rows > 0)
        clustered[clustered] = columns["doc_id"][places[clustered]] == self.ids[clustered]
        rows = places[clustered]
        self.cluster_ids[clustered] = columns["cluster_id"][rows]
        self.sizes[clustered] = columns["cluster_size"][rows]
        self.survivors[clustered] = columns["survivor_id"][rows]
        if self.verified:
            self.similarities[clustered] = columns["similarity"][rows]

    def meet(self, matched: MatchedReader) -> None:
        """Mark those that the index has, and those whose survivor it has (a document of the index
        is preferred to all others, so it is the survivor of its cluster)."""
        self._meet(matched, np.flatnonzero(self.alive), self.ids)
        others = self.alive & ~self.in_index & (self.survivors != self.ids)
        self._meet(matched, np.flatnonzero(others), self.survivors)

    def _meet(self, matched: MatchedReader, rows: np.ndarray, ids: np.ndarray) -> None:
        found, index_ids = matched.find(ids[rows])
        self.index_ids[rows[found]] = index_ids[found]
        self.in_index[rows[found]] = True
