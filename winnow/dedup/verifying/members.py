"""The documents of some clusters in the order of preference, and their sets in mapped files.

Of a document memory holds ``MEMBER_BYTES``; its set stays in the file until it is compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.keys import key_range
from winnow.dedup.clustering.work_files import open_file
from winnow.dedup.verifying.cluster_order import range_firsts
from winnow.errors import CorruptShard
from winnow.hashing import mixed
from winnow.store.checksums import REMEDY, checked_batch
from winnow.store.manifest import Store

# hashed cluster id, doc_id, preference, position; the order, what sorting takes, a column in order.
# Once they are in order: doc_id, position, start, survivor, similarity, smallest, size.
MEMBER_BYTES = 4 * 8 + 8 + 2 * 8 + 8

_ROW_BITS = np.int64(32)


@dataclass(frozen=True)
class Members:
    """Arrays of a length: cluster by cluster, in each by preference, then by doc_id."""

    starts: np.ndarray
    """bool: the first, and most preferred, of its cluster."""
    doc_ids: np.ndarray
    """uint64"""
    preferences: np.ndarray
    """uint64"""
    positions: np.ndarray
    """int64: piece of the partition << 32 | row."""


class SetReader:
    """The rows of one partition of the clusters in a store of SETS."""

    def __init__(self, store: Store, partition: int, partitions: int) -> None:
        self._partition, self._partitions = partition, partitions
        self._pieces: list[pa.RecordBatch] = []
        for number, shard in enumerate(store.shards):
            file = open_file(store, number)
            path = store.folder.join(shard.file)
            if file.num_record_batches % partitions:
                what = f"{file.num_record_batches} batches, which are no groups of {partitions}"
                raise CorruptShard(f"{path} has {what}", remedy=REMEDY)
            for index in range(partition, file.num_record_batches, partitions):
                piece = checked_batch(file, index, path)  # mapped, where it is local
                if piece.num_rows:
                    self._pieces.append(piece)
        self._values = [piece.column("hashes").values.to_numpy() for piece in self._pieces]
        self._offsets = [piece.column("hashes").offsets.to_numpy() for piece in self._pieces]

    @property
    def rows(self) -> int:
        return sum(piece.num_rows for piece in self._pieces)

    def passes(self, count: int) -> Iterator[Members]:
        """All rows, clusters in the order of their hashed ids, in ``count`` ranges of these."""
        first, parts = self._partition * count, self._partitions * count
        inner = range_firsts(first + 1, first + count, parts)
        counts = np.zeros(count, np.int64)
        for piece in self._pieces:
            numbers = np.searchsorted(inner, mixed(piece.column("cluster_id").to_numpy()), "right")
            counts += np.bincount(numbers, minlength=count)
        for number in np.flatnonzero(counts).tolist():
            yield self._between(*key_range(first + number, parts), int(counts[number]))

    def _between(self, low: int, high: int, count: int) -> Members:
        columns = [np.empty(count, kind) for kind in (np.uint64, np.uint64, np.uint64, np.int64)]
        end = 0
        for number, piece in enumerate(self._pieces):
            order = mixed(piece.column("cluster_id").to_numpy())
            rows = np.flatnonzero((order >= np.uint64(low)) & (order <= np.uint64(high)))
            start, end = end, end + len(rows)
            columns[0][start:end] = order[rows]
            columns[1][start:end] = piece.column("doc_id").to_numpy()[rows]
            # turned round, so that the greatest comes first
            columns[2][start:end] = ~piece.column("preference").to_numpy()[rows]
            columns[3][start:end] = np.int64(number) << _ROW_BITS | rows
        by_preference = np.lexsort((columns[1], columns[2], columns[0]))
        for place, column in enumerate(columns):
            columns[place] = column[by_preference]
        clusters, doc_ids, turned, positions = columns
        starts = np.ones(count, bool)
        starts[1:] = clusters[1:] != clusters[:-1]
        return Members(starts, doc_ids, ~turned, positions)

    def sizes(self, positions: np.ndarray) -> np.ndarray:
        """int64: hashes of each row."""
        sizes = np.empty(len(positions), np.int64)
        for number, places, rows in self._by_piece(positions):
            offsets = self._offsets[number]
            sizes[places] = offsets[rows + 1] - offsets[rows]
        return sizes

    def _by_piece(self, positions: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """(piece, places in ``positions``, rows of the piece)."""
        numbers = positions >> _ROW_BITS
        order = np.argsort(numbers, kind="stable")
        found, starts = np.unique(numbers[order], return_index=True)
        for number, places in zip(found.tolist(), np.split(order, starts[1:]), strict=True):
            yield number, places, positions[places] & np.int64((1 << 32) - 1)

    def blocks(
        self, positions: np.ndarray, hashes_at_once: int
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """The sets in the order of ``positions``, of ``hashes_at_once`` hashes or one document.

        Yields (number of the first, offsets int64[rows + 1], hashes uint64[…]).
        """
        at_once = max(1, hashes_at_once // 16)
        for first in range(0, len(positions), at_once):
            some = positions[first : first + at_once]
            ends = np.cumsum(self.sizes(some))
            start = 0
            while start < len(some):
                before = ends[start - 1] if start else 0
                end = int(np.searchsorted(ends, before + hashes_at_once, "right"))
                end = max(end, start + 1)
                offsets = np.concatenate(([0], ends[start:end] - before))
                yield first + start, offsets, self._joined(some[start:end])
                start = end

    def _joined(self, positions: np.ndarray) -> np.ndarray:
        found = []
        for position in positions.tolist():
            number, row = position >> 32, position & 0xFFFFFFFF
            offsets = self._offsets[number]
            found.append(self._values[number][offsets[row] : offsets[row + 1]])
        return np.concatenate(found)

    def columns(self, positions: np.ndarray, first: int, last: int, width: int) -> np.ndarray:
        """Values ``first … last - 1`` of signatures of ``width`` values, uint64[rows, …]."""
        values = np.empty((len(positions), last - first), np.uint64)
        for number, places, rows in self._by_piece(positions):
            values[places] = self._values[number].reshape(-1, width)[rows, first:last]
        return values
