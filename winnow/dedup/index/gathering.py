"""Runs, or segments of an index, → the shards of one segment.

A task makes a shard of at most ``numbers_per_shard`` documents and reads the sign shards (or the
segments' shards) that hold some of them. Memory: ``BUILD_BYTES`` a document for one band, and 9 for
which documents stayed: 0.7 GB at most for the default, whatever the size of index and run. Shingles
stream past, a row group of texts at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import pyarrow as pa

from winnow.dedup.index.catalog import Index
from winnow.dedup.index.key_files import KeyFile, Rows, key_batches
from winnow.dedup.index.records import OF_THE_RUN, numbered, renumbered, without
from winnow.dedup.index.run_texts import RunSets
from winnow.dedup.index.runs import OpenRun, RunSource
from winnow.dedup.index.shingle_files import NumberedSets, SetFiles, set_batches
from winnow.errors import CorruptShard
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction


class OpenSource(Protocol):
    """Documents by their numbers in the source; every range is ``first <= number < last``."""

    def documents(self, first: int, last: int) -> Rows:
        """(doc_ids, numbers), by number."""
        ...

    def band(self, band: int, first: int, last: int) -> Iterator[Rows]:
        """(keys, numbers) of a band, in any order."""
        ...

    def records(self, first: int, last: int) -> Iterator[pa.RecordBatch]:
        """Rows of RECORDS, by number."""
        ...

    def shingles(self, first: int, last: int) -> Iterator[NumberedSets]:
        """Sets of shingles, by number; where the source has any."""
        ...


@dataclass(frozen=True)
class SegmentSource:
    """One run in a segment of an index, without what is forgotten."""

    path: str
    segment: str
    run: int
    """Its place in the segment."""
    numbers: int
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("path",)

    def open(self) -> OpenSegment:
        return OpenSegment(self)


class OpenSegment:
    """A :class:`SegmentSource`, read."""

    def __init__(self, source: SegmentSource) -> None:
        index = Index.open(source.path)
        segment = next(each for each in index.segments if each.name == source.segment)
        self._start = segment.starts[source.run]
        self._end = self._start + source.numbers
        self._keys, self._records = index.store(segment, "keys"), index.store(segment, "records")
        self._forgotten = index.tombstones(segment)
        self._numbers = segment.starts[-1]
        self._sets = index.store(segment, "shingles") if index.shingles else None
        config = self._keys.manifest["config"]
        self._bands, self._per_shard = int(config["bands"]), int(config["numbers_per_shard"])

    def _shards(self, first: int, last: int) -> range:
        last = min(last + self._start, self._end)
        return range((first + self._start) // self._per_shard, -(-last // self._per_shard))

    def _own(self, rows: Rows, first: int, last: int) -> Rows:
        """The rows of this run that are in the range and not forgotten, in its own numbers."""
        low, high = first + self._start, min(last + self._start, self._end)
        others, numbers = rows
        stays = (numbers >= np.uint64(low)) & (numbers < np.uint64(high))
        stays &= ~among(self._forgotten, numbers)
        return others[stays], numbers[stays] - np.uint64(self._start)

    def documents(self, first: int, last: int) -> Rows:
        found = [
            self._own(KeyFile.open(self._keys, shard, self._bands).documents(), first, last)
            for shard in self._shards(first, last)
        ]
        return join_rows(found)

    def band(self, band: int, first: int, last: int) -> Iterator[Rows]:
        for shard in self._shards(first, last):
            for rows in KeyFile.open(self._keys, shard, self._bands).band(band):
                yield self._own(rows, first, last)

    def records(self, first: int, last: int) -> Iterator[pa.RecordBatch]:
        low, high = first + self._start, min(last + self._start, self._end)
        for shard in self._shards(first, last):
            for batch in self._records.batches(shard=shard):
                numbers = batch.column("number").to_numpy()
                start, end = np.searchsorted(numbers, np.array([low, high], np.uint64)).tolist()
                rows = without(batch.slice(start, end - start), self._forgotten)
                own = rows.column("number").to_numpy() - np.uint64(self._start)
                yield renumbered(rows, own)

    def shingles(self, first: int, last: int) -> Iterator[NumberedSets]:
        assert self._sets is not None
        files = SetFiles(self._sets, self._numbers, self._per_shard)
        low, high = first + self._start, min(last + self._start, self._end)
        for batch in files.between(low, high):
            numbers = batch.column(0).to_numpy()
            stays = (numbers >= np.uint64(low)) & (numbers < np.uint64(high))
            stays &= ~among(self._forgotten, numbers)
            sets = batch.column(1).filter(pa.array(stays))
            yield numbers[stays] - np.uint64(self._start), sets


class RunRows:
    """A :class:`RunSource`, read: the documents that stayed."""

    def __init__(self, source: RunSource) -> None:
        self._run: OpenRun = source.open()
        self._source = source
        self._name = source.name

    def _kept(self, first: int, last: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """(sign shard, its doc_ids, which of them stayed and lie in the range)."""
        for shard in self._run.shards(first, last):
            doc_ids, keep = self._run.kept(shard)
            numbers = np.arange(len(doc_ids)) + int(self._run.starts[shard])
            yield shard, doc_ids, keep & (numbers >= first) & (numbers < last)

    def documents(self, first: int, last: int) -> Rows:
        self._held = (first, last), list(self._kept(first, last))
        return join_rows(
            [
                (ids[keep], np.flatnonzero(keep).astype(np.uint64) + self._start(shard))
                for shard, ids, keep in self._held[1]
            ]
        )

    def _start(self, shard: int) -> np.uint64:
        return np.uint64(self._run.starts[shard])

    def band(self, band: int, first: int, last: int) -> Iterator[Rows]:
        if self._held[0] != (first, last):  # every band asks again: verdicts are read once
            self.documents(first, last)
        for shard, ids, keep in self._held[1]:
            for part in range(self._run.layout.parts):
                rows = self._run.layout.read(self._run.keys, shard, band, part)
                places = np.searchsorted(ids, rows["doc_id"])
                stays = keep[places]
                numbers = places[stays].astype(np.uint64) + self._start(shard)
                yield rows["key"][stays], numbers

    def records(self, first: int, last: int) -> Iterator[pa.RecordBatch]:
        for shard, ids, keep in self._kept(first, last):
            kept, done = ids[keep], 0
            numbers = np.flatnonzero(keep).astype(np.uint64) + self._start(shard)
            for batch in self._run.records(kept, OF_THE_RUN):
                yield numbered(batch, numbers[done : done + batch.num_rows], self._name)
                done += batch.num_rows
            if done != len(kept):
                raise CorruptShard(
                    f"the documents of run '{self._name}' lack {len(kept) - done:,} of those that "
                    f"its shard {shard} has signed",
                    remedy="`winnow verify` names damaged shards; delete them and run again.",
                )

    def shingles(self, first: int, last: int) -> Iterator[NumberedSets]:
        sets = RunSets(self._source)
        for shard, ids, keep in self._kept(first, last):
            yield from sets.of(
                ids[keep], np.flatnonzero(keep).astype(np.uint64) + self._start(shard)
            )


def open_source(source: RunSource | SegmentSource) -> OpenSource:
    return RunRows(source) if isinstance(source, RunSource) else source.open()


def among(ascending: np.ndarray, values: np.ndarray) -> np.ndarray:
    """bool[values]: which of ``values`` occur in ``ascending``; uint64 both."""
    if not len(ascending):
        return np.zeros(len(values), bool)
    places = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    found: np.ndarray = ascending[places] == values
    return found


def join_rows(pieces: list[Rows]) -> Rows:
    empty = [np.zeros(0, np.uint64)]
    first = np.concatenate(empty + [rows[0] for rows in pieces])
    return first, np.concatenate(empty + [rows[1] for rows in pieces])


@dataclass(frozen=True)
class GatherWork(PlainWork):
    """What both works of a segment hold: ``sources`` are numbered one after another."""

    sources: tuple[RunSource | SegmentSource, ...]
    bands: int
    numbers_per_shard: int
    version: ClassVar[int] = 1

    def ranges(self, index: int) -> Iterator[tuple[int, int, int, int]]:
        """(source, its first and last number, what makes its numbers the segment's) of a shard."""
        low, high = index * self.numbers_per_shard, (index + 1) * self.numbers_per_shard
        start = 0
        for place, source in enumerate(self.sources):
            end = start + source.numbers
            if start < high and end > low:
                yield place, max(low, start) - start, min(high, end) - start, start
            start = end


@dataclass(frozen=True)
class KeysWork(GatherWork):
    """Shard g: band keys of documents ``g * numbers_per_shard`` and on (key_files.py)."""

    def open(self, inputs: Inputs) -> TaskFunction:
        opened = [open_source(source) for source in self.sources]

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            ranges = list(self.ranges(index))
            found = [
                _shift(opened[place].documents(first, last), by)
                for place, first, last, by in ranges
            ]
            documents = join_rows(found)
            tally.count("indexed", len(documents[1]))
            bands = (
                (
                    _shift(rows, by)
                    for place, first, last, by in ranges
                    for rows in opened[place].band(band, first, last)
                )
                for band in range(self.bands)
            )
            yield from key_batches(documents, bands)

        return task


def _shift(rows: Rows, by: int) -> Rows:
    return rows[0], rows[1] + np.uint64(by)


@dataclass(frozen=True)
class RecordsWork(GatherWork):
    """Shard g: the records of the same documents as in shard g of the keys."""

    def open(self, inputs: Inputs) -> TaskFunction:
        opened = [open_source(source) for source in self.sources]

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for place, first, last, by in self.ranges(index):
                for batch in opened[place].records(first, last):
                    numbers = batch.column("number").to_numpy() + np.uint64(by)
                    yield renumbered(batch, numbers)

        return task


@dataclass(frozen=True)
class ShinglesWork(GatherWork):
    """Shard g: the shingles of the same documents as in shard g of the keys."""

    def open(self, inputs: Inputs) -> TaskFunction:
        opened = [open_source(source) for source in self.sources]
        numbers = sum(source.numbers for source in self.sources)

        def pieces(index: int) -> Iterator[NumberedSets]:
            for place, first, last, by in self.ranges(index):
                for found, sets in opened[place].shingles(first, last):
                    yield found + np.uint64(by), sets

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            tally.count("shingles", 0)
            low = index * self.numbers_per_shard
            high = min(numbers, low + self.numbers_per_shard)
            for batch in set_batches(pieces(index), low, high):
                tally.count("shingles", len(batch.column(1).flatten()))
                yield batch

        return task
