"""Which units of the documents occur elsewhere too: counted over the whole input, off memory.

::

    X-units ─► X-find ─► X          one task a shard of documents │ a part of the keys │ a shard

X-units hashes the units of each document (a block's own work) into files cut by key, in the form of
:class:`UnitLayout`; X-find, one task a part of the keys, writes those that occur ``min_count``
times, by document; X (a block's own work, of kind "verdicts") reads them with
:class:`OccurrenceReader` beside the documents.

**Exactly** (``method = "exact"``): a task reads its part of every file once, spreads the rows over
narrower ranges of the key (spools.py), and then counts one range after another in a hash table:
once to count, once more to say who was the how-manieth. Rows stream through the table, so that a
line which is there a billion times costs one slot; what decides is the number of *distinct* units
in a range. What a range gives is in the order of documents already; the ranges are merged.

**By a Bloom filter** (``method = "bloom"``): as before, with bits in place of the table, and rows
only for units that the filter had (``rank`` 1, ``count`` 0). Filters are cut by key and sized by
their units (bloom.py), and documents pass in their order; so the same are taken wrongly whatever
parts, memory and workers.

**Memory** of a task of X-find: half of ``memory_bytes`` for the table, ``SLOT_BYTES`` x 1.5 = 36 a
distinct unit (or the filter, 1.2 bytes a unit at one error in a hundred); a quarter for rows that
wait; a quarter while ranges are merged. **Disk**: 28 bytes for each unit of its part and 20 for
each row that it writes, beside the store, for as long as the task lives.

**Opens**: parts x shards in X-find, and as many in X. There are ``MAX_PARTS`` = 256 parts at most,
since narrower ranges cost no reading. One dump has 90,000 shards: 23 million opens a step, at 0.1
ms some 40 core-minutes on a disk of one's own, at 60 ms (footer and batch) 380 hours of waiting in
an object store, over all workers, and $20 of requests. Line units of a dump (3,000 kept documents a
shard of 20 lines) are 5.4 billion, 150 GB; its n-grams 25 times that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from winnow.dedup.within.occurrence_files import (
    GROUP_UNITS,
    OCCURRENCES,
    OccurrenceReader,
    UnitLayout,
    Units,
    occurrence_batches,
    range_numbers,
)
from winnow.dedup.within.spools import Spool, merged, scratch_folder
from winnow.errors import CorruptShard
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Cost, Draft, Inputs, PlainWork, PlanContext, TaskFunction, Work
from winnow.store.manifest import Store
from winnow.store.receipts import Receipt

__all__ = [
    "OCCURRENCES", "FindWork", "OccurrenceReader", "UnitLayout", "Units", "occurrence_drafts",
    "plan_unit_parts",
]  # fmt: skip

Method = Literal["exact", "bloom"]

MAX_PARTS = 1 << 8
MAX_PASSES = 1 << 9  # as many spools may be open as files
SLOT_BYTES = 8 + 8 + 4 + 4
ROWS_AT_ONCE = 1 << 16
TEXT_OF_INPUT = 20  # bytes of compressed WARC for one of a kept document's text
_ROOM = 1.5  # slots for each distinct unit that is expected
_FULL = 0.8

_UNIT = np.dtype([("key", "<u8"), ("check", "<u8"), ("doc_id", "<u8"), ("position", "<u4")])
_OCCURRENCE = np.dtype([("doc_id", "<u8"), ("position", "<u4"), ("rank", "<u4"), ("count", "<u4")])


def plan_unit_parts(context: PlanContext, memory_bytes: int, input_bytes_per_unit: int) -> int:
    """Into how many parts to cut the keys (a power of two) so that a task's table fits
    ``memory_bytes`` where there are not too many units. A wrong guess costs spooling only."""
    units = context.input_bytes // max(1, input_bytes_per_unit)
    wanted = -(-int(units * SLOT_BYTES * _ROOM) * 2 // memory_bytes)
    return min(MAX_PARTS, 1 << max(0, wanted - 1).bit_length())


def occurrence_drafts(
    context: PlanContext,
    units_work: Work,
    layout: UnitLayout,
    memory_bytes: int,
    *,
    min_count: int = 2,
    method: Method = "exact",
    false_positive_prob: float = 0.01,
    input_bytes_per_unit: int | None = None,
    units_memory_bytes: int = 0,
) -> list[Draft]:
    """X-units by ``units_work`` and X-find; the block adds its own last step, which reads X-find
    (``drafts[-1].name``). ``input_bytes_per_unit``: from what to tell the costs;
    ``units_memory_bytes``: what ``units_work`` holds besides the units of a group."""
    units, find = f"{context.name}-units", f"{context.name}-find"
    work = FindWork(units, layout, memory_bytes, min_count, method, false_positive_prob)
    costs = _costs(context, layout, memory_bytes, input_bytes_per_unit, units_memory_bytes)
    return [
        Draft(
            name=units, kind="work", work=units_work, schema=layout.schema, format="arrow",
            shard_count=context.document_shards, cost=costs[0],
        ),
        Draft(
            name=find, kind="work", work=work, schema=OCCURRENCES, format="arrow",
            shard_count=layout.parts, reads=(units,), uses_view=False, cost=costs[1],
        ),
    ]  # fmt: skip


def _costs(
    context: PlanContext,
    layout: UnitLayout,
    memory_bytes: int,
    input_bytes_per_unit: int | None,
    units_memory_bytes: int,
) -> tuple[Cost | None, Cost | None]:
    """Of X-units and X-find."""
    if input_bytes_per_unit is None:
        return None, None
    units = context.input_bytes // input_bytes_per_unit
    unit_bytes, found_bytes = _UNIT.itemsize, _OCCURRENCE.itemsize
    # a group, its order and the group in order; what is found is written for one unit of three
    group = min(GROUP_UNITS, -(-units // max(1, context.document_shards)))
    hashed = Cost(
        units_memory_bytes + group * (2 * unit_bytes + 8),
        context.input_bytes // TEXT_OF_INPUT,
        units * unit_bytes,
    )
    of_part = int(units * (SLOT_BYTES * _ROOM + unit_bytes)) // layout.parts
    counted = Cost(min(memory_bytes, of_part), units * unit_bytes, units // 3 * found_bytes)
    return hashed, counted


@dataclass(frozen=True)
class FindWork(PlainWork):
    """Shard p: the units of part p that occur ``min_count`` times at least, as OCCURRENCES,
    ascending by (doc_id, position); see the module."""

    units: str
    """Name of the step that wrote them."""
    layout: UnitLayout
    memory_bytes: int
    min_count: int = 2
    """Of "exact" only."""
    method: Method = "exact"
    false_positive_prob: float = 0.01
    """Of "bloom" only."""
    version: ClassVar[int] = 1
    outside_fingerprint = ("memory_bytes",)  # more and narrower ranges: the same rows

    def __post_init__(self) -> None:
        if self.min_count < 1:
            raise ValueError(f"min_count must be 1 at least, got {self.min_count}")
        if self.method == "bloom":
            from winnow.dedup.within.bloom import SEGMENTS

            if self.layout.parts & (self.layout.parts - 1) or self.layout.parts > SEGMENTS:
                raise ValueError(
                    f"a Bloom filter wants a power of two of parts, {SEGMENTS} at most; "
                    f"got {self.layout.parts}"
                )

    def open(self, inputs: Inputs) -> TaskFunction:
        store = Store.open(inputs.stores[self.units])
        folder = scratch_folder(inputs.folder)
        passes = self._passes(store.rows)
        expected = store.rows // (self.layout.parts * passes) + 1
        waiting_bytes = self.memory_bytes // 4 // passes
        merge_rows = max(1, self.memory_bytes // 12 // passes // _OCCURRENCE.itemsize)

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for name in ("units", "occurrences"):
                tally.count(name, 0)
            ranges = [Spool(_UNIT, waiting_bytes, folder) for _ in range(passes)]
            found = [Spool(_OCCURRENCE, waiting_bytes, folder) for _ in range(passes)]
            try:
                for units in _in_order(store, self.layout, index):
                    tally.count("units", len(units[0]))
                    self._spread(units, index, ranges)
                for number, (spool, rows) in enumerate(zip(ranges, found, strict=True)):
                    for columns in self._occurrences(
                        spool, expected, index * passes + number, passes
                    ):
                        tally.count("occurrences", len(columns[0]))
                        rows.write(columns)
                    spool.close()
                everything = found[0].blocks(ROWS_AT_ONCE)
                if passes > 1:
                    everything = merged(found, merge_rows)
                yield from occurrence_batches(everything)
            finally:
                for spool in ranges + found:
                    spool.close()

        return task

    def finish(self, inputs: Inputs, receipts: list[Receipt]) -> dict[str, Any]:
        units = sum(receipt.counters["units"] for receipt in receipts)
        self.layout.check_total(Store.open(inputs.stores[self.units]), units)
        return {}

    def _passes(self, units: int) -> int:
        """Into how many ranges a part is cut."""
        if self.method == "bloom":
            from winnow.dedup.within.bloom import SEGMENTS, BloomSize

            unit_bytes = BloomSize(self.false_positive_prob).bits_per_unit / 8
            most = min(MAX_PASSES, SEGMENTS // self.layout.parts)
        else:
            unit_bytes, most = SLOT_BYTES * _ROOM, MAX_PASSES
        wanted = -(-int(units * unit_bytes) * 2 // (self.layout.parts * self.memory_bytes))
        if self.method == "bloom":  # whole segments
            wanted = 1 << max(0, wanted - 1).bit_length()
        return max(1, min(most, wanted))

    def _spread(self, units: Units, part: int, ranges: list[Spool]) -> None:
        passes = len(ranges)
        if passes == 1:
            ranges[0].write(units)
            return
        first = part * passes
        numbers = range_numbers(units[0], first, first + passes, self.layout.parts * passes)
        order = np.argsort(numbers, kind="stable")
        cuts = np.searchsorted(numbers[order], np.arange(passes + 1)).tolist()
        for number in np.flatnonzero(np.diff(cuts)).tolist():
            rows = order[cuts[number] : cuts[number + 1]]
            ranges[number].write([column[rows] for column in units])

    def _occurrences(
        self, spool: Spool, expected: int, number: int, passes: int
    ) -> Iterator[tuple[np.ndarray, ...]]:
        """What is to be written of range ``number`` of ``parts * passes``, in the order read."""
        if self.method == "bloom":
            yield from self._known_to_filter(spool, number, passes)
        else:
            yield from _counted(spool, expected, self.min_count)

    def _known_to_filter(
        self, spool: Spool, number: int, passes: int
    ) -> Iterator[tuple[np.ndarray, ...]]:
        from winnow.dedup.within.bloom import SEGMENTS, BloomFilter, BloomSize, segment_numbers

        segments = SEGMENTS // (self.layout.parts * passes)
        counts = np.zeros(segments, np.int64)
        for keys, *_ in spool.blocks(ROWS_AT_ONCE):
            counts += np.bincount(segment_numbers(keys) - number * segments, minlength=segments)
        known = BloomFilter(BloomSize(self.false_positive_prob), number * segments, counts)
        for keys, checks, doc_ids, positions in spool.blocks(ROWS_AT_ONCE):
            had = known.add(keys, checks)
            ranks = np.ones(int(had.sum()), np.uint32)
            yield doc_ids[had], positions[had], ranks, np.zeros(len(ranks), np.uint32)


def _in_order(store: Store, layout: UnitLayout, part: int) -> Iterator[Units]:
    """Every shard's units of a part, in the order of documents."""
    last = -1
    for shard in range(len(store.shards)):
        for units in layout.read(store, shard, part):
            doc_ids = units[2]
            if not len(doc_ids):
                continue
            if int(doc_ids[0]) < last:
                raise CorruptShard(
                    f"{store.folder.join(store.shards[shard].file)}: its documents do not come "
                    "after those of the shards before it",
                    remedy="`winnow verify` names damaged shards; delete them and run again.",
                )
            last = int(doc_ids[-1])
            yield units


def _counted(spool: Spool, expected: int, min_count: int) -> Iterator[tuple[np.ndarray, ...]]:
    """The rows of units that are there ``min_count`` times; ``expected``: distinct ones."""
    from winnow.dedup.within import occurrence_kernels as kernels

    table = _table(int(min(spool.rows, expected) * _ROOM) + 2)
    used = 0
    for unit_keys, unit_checks, _, _ in spool.blocks(ROWS_AT_ONCE):
        done = 0
        while True:
            most_used = int(len(table[0]) * _FULL)
            done, used = kernels.count_units(unit_keys, unit_checks, done, *table, used, most_used)
            if done == len(unit_keys):
                break
            larger = _table(2 * len(table[0]))  # hashes are spread evenly: this is rare
            kernels.move_units(*table, *larger)
            table = larger
    seen = np.zeros(len(table[0]), np.uint32)
    for unit_keys, unit_checks, doc_ids, positions in spool.blocks(ROWS_AT_ONCE):
        ranks, counts = (np.empty(len(doc_ids), np.uint32) for _ in range(2))
        kernels.rank_units(unit_keys, unit_checks, *table, seen, ranks, counts)
        often = counts >= min_count
        yield doc_ids[often], positions[often], ranks[often], counts[often]


def _table(capacity: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(keys, checks, counts) of an empty table."""
    return (
        np.zeros(capacity, np.uint64),
        np.zeros(capacity, np.uint64),
        np.zeros(capacity, np.uint32),
    )
