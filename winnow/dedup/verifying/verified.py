"""Checked clusters back in the order of documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.clusters import ROWS_PER_BATCH
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.partitions import Partitions, read_slot
from winnow.dedup.clustering.regrouping import Columns, regrouped
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.manifest import Store

# a row of VERIFIED as read and in one array, the order, a column in order
JOINED_BYTES = 2 * 32 + 8 + 8


@dataclass(frozen=True)
class VerifiedWork(PlainWork):
    """Shard q: every document of partition q that has a duplicate, ascending.

    Memory: ``JOINED_BYTES`` a row, in passes over narrower ranges of documents where
    ``memory_bytes`` would not hold all documents of a partition.
    """

    compared: str
    """Name of the step that compared."""
    keys: str
    layout: KeyLayout
    partitions: int
    """Of the documents."""
    schema: pa.Schema
    memory_bytes: int
    version: ClassVar[int] = 1
    outside_fingerprint = ("memory_bytes", "schema")  # the schema follows from what was compared

    def open(self, inputs: Inputs) -> TaskFunction:
        compared = Store.open(inputs.stores[self.compared])
        keys = Store.open(inputs.stores[self.keys])
        documents = self.layout.documents(keys)
        passes = max(1, -(-documents * JOINED_BYTES // (self.partitions * self.memory_bytes)))
        narrow = Partitions.of(keys, self.layout, self.partitions * passes)

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            _count(compared, index, tally)
            pieces = (
                self._between(compared, index, narrow, number)
                for number in range(index * passes, (index + 1) * passes)
            )
            for columns in regrouped(pieces, ROWS_PER_BATCH):
                yield pa.record_batch([pa.array(c) for c in columns], schema=self.schema)

        return task

    def _between(self, compared: Store, index: int, narrow: Partitions, number: int) -> Columns:
        """Columns of the rows within a narrow range, by doc_id."""
        found = [[np.zeros(0, field.type.to_pandas_dtype())] for field in self.schema]
        for columns in read_slot(compared, index, self.partitions):
            here = narrow.number(columns[0]) == number
            for pieces, column in zip(found, columns, strict=True):
                pieces.append(column[here])
        joined = []
        while found:
            joined.append(np.concatenate(found.pop(0)))
        order = np.argsort(joined[0])
        return tuple(column[order] for column in joined)


def _count(compared: Store, index: int, tally: Tally) -> None:
    """What was counted while comparing. Counters are summed over shards: the first says it all."""
    largest = 0
    if index == 0:
        sizes = (batch.column(0) for batch in compared.batches(["cluster_size"]))
        largest = max((int(column.to_numpy().max(initial=0)) for column in sizes), default=0)
    tally.count("largest_cluster", largest)
    for name, number in compared.counters.items():
        tally.count(name, number if index == 0 else 0)
