"""Rows for partitions of the documents, in files of which a task reads its own part.

A partition is a range of doc_ids. The ranges are cut so that each holds an equal number of the
documents with keys, which the sign store has counted; so no partition can have more documents with
edges than its share, whatever the edges are.

A file of rows for partitions has batches in groups of ``slots``: batch *i* is for slot
``i % slots``. A writer that cannot hold all of its rows emits several groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.work_files import open_file
from winnow.errors import CorruptShard
from winnow.store.checksums import REMEDY, checked_batch
from winnow.store.manifest import Store

ROWS_AT_ONCE = 1 << 17


@dataclass(frozen=True)
class Partitions:
    """``firsts[p]``: the smallest doc_id of partition p, uint64[partitions], ascending; may repeat,
    then the earlier of the two is empty."""

    firsts: np.ndarray

    @classmethod
    def of(cls, keys: Store, layout: KeyLayout, count: int) -> Partitions:
        """``count`` partitions of the documents of a sign store."""
        documents = [shard.rows // (layout.bands + 1) for shard in keys.shards]
        ends = np.cumsum(documents, dtype=np.int64)
        firsts = np.zeros(count, np.uint64)
        for number in range(1, count):
            rank = number * int(ends[-1]) // count
            shard = int(np.searchsorted(ends, rank, "right"))
            if shard < len(documents):  # else there are no documents
                doc_ids, _ = layout.read_preferences(keys, shard)
                firsts[number] = doc_ids[rank - (int(ends[shard]) - documents[shard])]
        return cls(np.sort(firsts))  # shards' ranges of doc_ids may overlap

    def within(self, ascending: np.ndarray) -> list[slice]:
        """Where each partition's ids lie in an ascending array."""
        cuts = np.searchsorted(ascending, self.firsts[1:], "left").tolist()
        return [slice(a, b) for a, b in zip([0, *cuts], [*cuts, len(ascending)], strict=True)]

    def number(self, doc_ids: np.ndarray) -> np.ndarray:
        """The partition of each id, int64."""
        return np.searchsorted(self.firsts, doc_ids, "right") - 1


def slot_group(
    schema: pa.Schema, slots: int, rows: Mapping[int, tuple[np.ndarray, ...]]
) -> Iterator[pa.RecordBatch]:
    """One group: the columns given for a slot, no rows for the others."""
    kinds = [field.type for field in schema]
    empty = pa.record_batch([pa.array([], kind) for kind in kinds], schema=schema)
    for slot in range(slots):
        if slot not in rows:
            yield empty
            continue
        columns = [pa.array(c, kind) for c, kind in zip(rows[slot], kinds, strict=True)]
        yield pa.record_batch(columns, schema=schema)


def read_slot(
    store: Store, slot: int, slots: int, *, again: bool = False
) -> Iterator[tuple[np.ndarray, ...]]:
    """The rows for a slot in all shards, as columns of at most ``ROWS_AT_ONCE``; mapped.

    :class:`CorruptShard` where they are not what was written. ``again``: this task has read them
    before, so they are not checked.
    """
    for number, shard in enumerate(store.shards):
        file = open_file(store, number, rows=not again)
        if file.num_record_batches % slots:
            what = f"{file.num_record_batches} batches, which are no groups of {slots}"
            raise CorruptShard(f"{store.folder.join(shard.file)} has {what}", remedy=REMEDY)
        for index in range(slot, file.num_record_batches, slots):
            if again:
                batch = file.get_batch(index)
            else:
                batch = checked_batch(file, index, store.folder.join(shard.file))
            for start in range(0, batch.num_rows, ROWS_AT_ONCE):
                piece = batch.slice(start, ROWS_AT_ONCE)
                yield tuple(column.to_numpy() for column in piece.columns)
