"""Matches of all bands → which documents an index has, and the look-up of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.partitions import Partitions, read_slot
from winnow.dedup.clustering.regrouping import regrouped
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.checksums import checked_batch
from winnow.store.manifest import Store
from winnow.store.shards import open_shard

MATCHES = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),
        pa.field("index_id", pa.uint64(), nullable=False),  # number of a document of the indexes
    ]
)
UNVERIFIED = "unverified_matches"
# a row of those known and of those waiting, both in one array, their order, both in order
PARTITION_BYTES = 2 * (16 + 16 + 8 + 16)
ROWS_PER_BATCH = 1 << 12
_WAITING = 1 << 18
_HELD_BATCHES = 1 << 8

Rows = tuple[np.ndarray, np.ndarray]
"""(doc_ids, index_ids), uint64 both."""


@dataclass(frozen=True)
class MatchedWork(PlainWork):
    """Shard p: the documents of partition p that an index has, ascending, each once, with the
    smallest of the numbers; or with each of its numbers, ascending."""

    keys: str
    matches: str
    layout: KeyLayout
    partitions: int
    memory_bytes: int
    every: bool = False
    """All pairs, once each."""
    unverified: bool = False
    """Whether they were to be verified, and no index holds shingles."""
    version: ClassVar[int] = 1
    outside_fingerprint = ("memory_bytes",)

    def open(self, inputs: Inputs) -> TaskFunction:
        keys = Store.open(inputs.stores[self.keys])
        matches = Store.open(inputs.stores[self.matches])
        documents = self.layout.documents(keys)
        each = -(-documents // self.partitions)
        if self.every:
            each = min(each * self.layout.bands, matches.rows)
        passes = max(1, -(-each * PARTITION_BYTES // self.memory_bytes))
        ranges = Partitions.of(keys, self.layout, self.partitions * passes)
        ends = [*ranges.firsts[1:].tolist(), 1 << 64]

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            counted = ["pairs"] if self.every else ["matched"]
            counted += [UNVERIFIED] if self.unverified else []
            for name in counted:
                tally.count(name, 0)

            def pieces() -> Iterator[Rows]:
                for narrow in range(index * passes, (index + 1) * passes):
                    first = int(ranges.firsts[narrow])
                    found = _read(matches, index, self.partitions, first, ends[narrow])
                    yield merged(found, every=self.every)

            for rows in regrouped(pieces(), ROWS_PER_BATCH):
                for name in counted:
                    tally.count(name, len(rows[0]))
                yield pa.record_batch([pa.array(column) for column in rows], schema=MATCHES)

        return task


def _read(store: Store, slot: int, slots: int, first: int, end: int) -> Iterator[Rows]:
    """The slot's rows with ``first <= doc_id < end``; each piece is by doc_id."""
    for doc_ids, numbers in read_slot(store, slot, slots):
        start = np.searchsorted(doc_ids, np.uint64(first), "left")
        stop = np.searchsorted(doc_ids, np.uint64(end - 1), "right")
        yield doc_ids[start:stop], numbers[start:stop]


def merged(pieces: Iterator[Rows], *, every: bool = False) -> Rows:
    """Every doc_id of ``pieces`` once, ascending, with the smallest number that it has; or
    ``every`` pair once, by doc_id and number.

    What comes waits until it is as much as is known, so a merge holds the result twice.
    """
    known = np.zeros(0, np.uint64), np.zeros(0, np.uint64)
    waiting: list[Rows] = []
    count = 0
    for doc_ids, numbers in pieces:
        if len(doc_ids):
            waiting.append((doc_ids.copy(), numbers.copy()))
            count += len(doc_ids)
        if count > max(len(known[0]), _WAITING):
            known, waiting, count = _merged([known, *waiting], every), [], 0
    return _merged([known, *waiting], every)


def _merged(rows: list[Rows], every: bool) -> Rows:
    doc_ids = np.concatenate([ids for ids, _ in rows])
    numbers = np.concatenate([numbers for _, numbers in rows])
    order = np.lexsort((numbers, doc_ids))
    doc_ids, numbers = doc_ids[order], numbers[order]
    first = np.ones(len(doc_ids), bool)
    first[1:] = doc_ids[1:] != doc_ids[:-1]
    if every:
        first[1:] |= numbers[1:] != numbers[:-1]
    return doc_ids[first], numbers[first]


class MatchedReader:
    """A finished store of MATCHES (perhaps with more columns), searched by doc_id. Holds at most
    ``_HELD_BATCHES`` batches (16 MB) and the first doc_id of every batch that it has looked at."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open: tuple[int, Any] | None = None  # one file at a time: there may be a thousand
        counts = [self._file(shard).num_record_batches for shard in range(len(store.shards))]
        self._ends = np.cumsum(counts, dtype=np.int64).tolist()
        self._count = int(sum(counts))
        self._firsts: dict[int, int] = {}
        self._held: dict[int, Rows] = {}

    def find(self, doc_ids: np.ndarray) -> Rows:
        """``(bool[n], uint64[n])``: which of ``doc_ids`` (uint64[n], in any order) an index has,
        and the number of a document there (0 where it has none).

        Reads each batch that may hold one of them once.
        """
        found = np.zeros(len(doc_ids), bool)
        numbers = np.zeros(len(doc_ids), np.uint64)
        if not self._count or not len(doc_ids):
            return found, numbers
        order = np.argsort(doc_ids, kind="stable")
        ordered = doc_ids[order]
        at, batch = 0, 0
        while at < len(ordered):
            batch = self._batch_of(int(ordered[at]), batch)
            ids, values = self._batch(batch)
            end = int(np.searchsorted(ordered, ids[-1], "right"))
            if end == at:  # it lies behind this batch and before the next one
                batch += 1
                if batch == self._count:
                    break
                at = int(np.searchsorted(ordered, np.uint64(self._first(batch)), "left"))
                continue
            some = ordered[at:end]
            places = np.minimum(np.searchsorted(ids, some), len(ids) - 1)
            hits = ids[places] == some
            rows = order[at:end][hits]
            found[rows], numbers[rows] = True, values[places[hits]]
            at = end
        return found, numbers

    def _batch_of(self, doc_id: int, low: int) -> int:
        """The last batch from ``low`` on that begins at ``doc_id`` or before; ``low`` if none."""
        step, high = 1, low + 1  # gallop: what is asked for next is mostly near
        while high < self._count and self._first(high) <= doc_id:
            low, step = high, step * 2
            high = low + step
        high = min(high, self._count)
        while high - low > 1:
            middle = (low + high) // 2
            if self._first(middle) <= doc_id:
                low = middle
            else:
                high = middle
        return low

    def _first(self, batch: int) -> int:
        if batch not in self._firsts:
            self._firsts[batch] = int(self._batch(batch)[0][0])
        return self._firsts[batch]

    def _batch(self, batch: int) -> Rows:
        if batch not in self._held:
            shard = bisect_right(self._ends, batch)
            inner = batch - (self._ends[shard - 1] if shard else 0)
            path = self._store.folder.join(self._store.shards[shard].file)
            found = checked_batch(self._file(shard), inner, path)
            if len(self._held) >= _HELD_BATCHES:
                del self._held[next(iter(self._held))]
            self._held[batch] = found.column(0).to_numpy(), found.column(1).to_numpy()
        return self._held[batch]

    def _file(self, shard: int) -> Any:
        if self._open is None or self._open[0] != shard:
            self._open = (shard, open_shard(self._store.folder, self._store.shards[shard].file))
        return self._open[1]
