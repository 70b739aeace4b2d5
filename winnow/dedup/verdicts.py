"""Clusters → one verdict a document, aligned row for row with the documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.clusters import ClusterReader
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.schema import KEPT
from winnow.store.manifest import Store

DEDUP_VERDICTS = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),
        # "kept", the reason, or null: an earlier step had rejected the document already; then
        # the columns below are null too. A document without a duplicate is a cluster of one.
        pa.field("verdict", pa.string()),
        pa.field("cluster_id", pa.uint64()),  # smallest doc_id of the cluster
        pa.field("cluster_size", pa.uint32()),  # documents
        pa.field("survivor_id", pa.uint64()),  # doc_id of the member that was kept
    ]
)


@dataclass(frozen=True)
class SelectWork(PlainWork):
    """The verdict ``reason`` for every kept document whose cluster has another survivor."""

    clusters: str
    """Name of the step that clustered."""
    reason: str
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view = inputs.view.open()
        clusters = ClusterReader(Store.open(inputs.stores[self.clusters]))

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for verdict in (KEPT, self.reason):
                tally.count(f"verdict.{verdict}", 0)
            for batch, considered in view.masked(index, ["doc_id"]):
                yield self._verdicts(batch.column("doc_id"), considered, clusters, tally)

        return task

    def _verdicts(
        self, doc_ids: pa.Array, considered: pa.Array, clusters: ClusterReader, tally: Tally
    ) -> pa.RecordBatch:
        ids = doc_ids.to_numpy(zero_copy_only=False)
        alive = considered.to_numpy(zero_copy_only=False)
        cluster_ids, survivors = ids.copy(), ids.copy()
        sizes = np.ones(len(ids), np.uint32)
        if len(ids):
            found = clusters.between(int(ids.min()), int(ids.max()))
            columns = {name: found.column(name).to_numpy() for name in found.column_names}
            places = np.searchsorted(columns["doc_id"], ids)
            places[places == found.num_rows] = 0
            clustered = alive & (found.num_rows > 0)
            clustered[clustered] = columns["doc_id"][places[clustered]] == ids[clustered]
            rows = places[clustered]
            cluster_ids[clustered] = columns["cluster_id"][rows]
            sizes[clustered] = columns["cluster_size"][rows]
            survivors[clustered] = columns["survivor_id"][rows]
        duplicate = alive & (survivors != ids)
        verdicts = np.where(duplicate, self.reason, KEPT).astype(object)
        tally.count(f"verdict.{self.reason}", int(duplicate.sum()))
        tally.count(f"verdict.{KEPT}", int((alive & ~duplicate).sum()))
        return pa.record_batch(
            [
                doc_ids,
                pa.array(verdicts, pa.string(), mask=~alive),
                pa.array(cluster_ids, pa.uint64(), mask=~alive),
                pa.array(sizes, pa.uint32(), mask=~alive),
                pa.array(survivors, pa.uint64(), mask=~alive),
            ],
            schema=DEDUP_VERDICTS,
        )
