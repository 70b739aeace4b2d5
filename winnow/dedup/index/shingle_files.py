"""Shingles of an index's documents, so that a match can be told from an accident of its band.

Shard g has the same documents as shard g of the keys. Batch k of it holds those numbered
``g * numbers_per_shard + k * DOCUMENTS_PER_BATCH`` up to the next multiple, by number: so where a
document is follows from its number, and nothing else is read to find it. Numbers whose document
was rejected, or is forgotten, have no row.

Size: 8 bytes a distinct shingle, 5 kB for a page of 600 words; of runs of characters five times as
much. Keys of 14 bands are 240 bytes. A batch of such pages is 77 kB: that much is read for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.work_files import open_file
from winnow.errors import CorruptShard
from winnow.store.checksums import REMEDY, checked_batch
from winnow.store.manifest import Store

DOCUMENTS_PER_BATCH = 1 << 4
_HASHES = pa.list_(pa.field("item", pa.uint64(), nullable=False))

SHINGLES = pa.schema(
    [
        pa.field("number", pa.uint64(), nullable=False),  # of the document in its segment
        pa.field("hashes", _HASHES, nullable=False),  # of its shingles: distinct, ascending
    ]
)

NumberedSets = tuple[np.ndarray, pa.ListArray]
"""(numbers uint64[rows] ascending, the set of each)."""


def set_array(offsets: np.ndarray, hashes: np.ndarray) -> pa.ListArray:
    """Sets as ``Signers.shingle_sets`` gives them, as a column."""
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(hashes), type=_HASHES)


def set_batches(pieces: Iterable[NumberedSets], low: int, high: int) -> Iterator[pa.RecordBatch]:
    """A shard's batches of the documents ``low <= number < high``; ``pieces`` by number."""
    waiting: list[NumberedSets] = []
    for numbers, sets in pieces:
        if not len(numbers):
            continue
        waiting.append((numbers, sets))
        whole = int(numbers[-1]) - (int(numbers[-1]) - low) % DOCUMENTS_PER_BATCH
        if whole > low:
            held = _joined(waiting)
            yield from _cut(held, low, whole)
            rest = int(np.searchsorted(held[0], np.uint64(whole)))
            waiting, low = [(held[0][rest:], held[1][rest:])], whole
    yield from _cut(_joined(waiting), low, high)


def _joined(waiting: list[NumberedSets]) -> NumberedSets:
    if not waiting:
        return np.zeros(0, np.uint64), pa.array([], _HASHES)
    numbers = np.concatenate([numbers for numbers, _ in waiting])
    return numbers, pa.concat_arrays([sets for _, sets in waiting])


def _cut(held: NumberedSets, low: int, high: int) -> Iterator[pa.RecordBatch]:
    if low >= high:
        return
    numbers, sets = held
    firsts = np.arange(low, high, DOCUMENTS_PER_BATCH).astype(np.uint64)
    starts = np.searchsorted(numbers, firsts).tolist()
    ends = [*starts[1:], int(np.searchsorted(numbers, np.uint64(high)))]
    for start, end in zip(starts, ends, strict=True):
        columns = [pa.array(numbers[start:end]), sets[start:end]]
        yield pa.record_batch(columns, schema=SHINGLES)


class SetFiles:
    """The sets of one segment, read a batch at a time; local files are mapped."""

    def __init__(self, store: Store, numbers: int, numbers_per_shard: int) -> None:
        """``numbers``: how many the segment has."""
        self._store = store
        self._numbers, self._per_shard = numbers, numbers_per_shard
        self._open: tuple[int, Any] = (-1, None)

    def batch_of(self, number: int) -> tuple[int, int]:
        """(shard, batch) of a document."""
        shard, place = divmod(number, self._per_shard)
        return shard, place // DOCUMENTS_PER_BATCH

    def read(self, shard: int, batch: int) -> pa.RecordBatch:
        """Rows of SHINGLES; :class:`CorruptShard` where they are not those of this place."""
        found = checked_batch(self._reader(shard), batch, self._path(shard))
        first = shard * self._per_shard + batch * DOCUMENTS_PER_BATCH
        numbers = found.column(0).to_numpy()
        if len(numbers) and not first <= numbers[0] <= numbers[-1] < first + DOCUMENTS_PER_BATCH:
            raise CorruptShard(
                f"{self._path(shard)}: batch {batch} is another batch", remedy=REMEDY
            )
        return found

    def between(self, first: int, last: int) -> Iterator[pa.RecordBatch]:
        """All batches with a document ``first <= number < last``."""
        while first < last:
            shard, batch = self.batch_of(first)
            yield self.read(shard, batch)
            after = shard * self._per_shard + (batch + 1) * DOCUMENTS_PER_BATCH
            first = min(after, (shard + 1) * self._per_shard)

    def missing(self, number: int) -> CorruptShard:
        """The error for a document that is not there."""
        shard, _ = self.batch_of(number)
        return CorruptShard(f"{self._path(shard)} lacks document {number}", remedy=REMEDY)

    def _path(self, shard: int) -> str:
        return self._store.folder.join(self._store.shards[shard].file)

    def _reader(self, shard: int) -> Any:
        if self._open[0] != shard:
            rows = min(self._per_shard, self._numbers - shard * self._per_shard)
            batches = -(-rows // DOCUMENTS_PER_BATCH)
            self._open = shard, open_file(self._store, shard, batches=batches)
        return self._open[1]
