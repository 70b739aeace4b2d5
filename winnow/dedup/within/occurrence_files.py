"""The files of occurrence counting: hashed units on the way in, occurrences on the way out.

A *unit* is a piece of a document that is looked for elsewhere: a line, a span of sentences, an
n-gram. It is known by 128 bits of a hash (``key``, ``check``) and by where it stands (``doc_id``,
``position``: its number in the document, as the block counts). No position of a document has two
units.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.keys import key_range
from winnow.dedup.clustering.regrouping import regrouped
from winnow.dedup.clustering.work_files import open_file
from winnow.errors import CorruptShard
from winnow.store.checksums import REMEDY, checked_batch
from winnow.store.manifest import Store

GROUP_UNITS = 1 << 20  # 28 MB, and as much again while they are put in order
ROWS_PER_BATCH = 1 << 15

Units = tuple[np.ndarray, ...]
"""(keys uint64, checks uint64, doc_ids uint64, positions uint32), of equal length."""

UNITS = pa.schema(
    [
        pa.field("key", pa.uint64(), nullable=False),
        pa.field("check", pa.uint64(), nullable=False),
        pa.field("doc_id", pa.uint64(), nullable=False),
        pa.field("position", pa.uint32(), nullable=False),
    ]
)
OCCURRENCES = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),
        pa.field("position", pa.uint32(), nullable=False),
        # 0: the first one of the input, in the order of documents and positions
        pa.field("rank", pa.uint32(), nullable=False),
        pa.field("count", pa.uint32(), nullable=False),  # in the input; 0: not known
    ]
)


@dataclass(frozen=True)
class UnitLayout:
    """How units lie in the files: one Arrow file a shard of documents, its batches in groups of
    ``parts``, batch *p* of a group with the units whose key is in range p of ``parts``.

    A group has ``GROUP_UNITS`` units (the last one fewer), so that whoever writes it holds no more.
    28 bytes a unit, and some 500 a batch.
    """

    parts: int

    def __post_init__(self) -> None:
        if self.parts < 1:
            raise ValueError(f"parts must be 1 at least, got {self.parts}")

    @property
    def schema(self) -> pa.Schema:
        return UNITS

    def groups(self, pieces: Iterable[Units]) -> Iterator[pa.RecordBatch]:
        """One shard's batches, from pieces of any size; rows ascend by (doc_id, position). There is
        one group at least."""
        some = False
        for units in regrouped(pieces, GROUP_UNITS):
            some = True
            yield from self._group(units)
        if not some:
            empty = np.zeros(0, np.uint64)
            yield from self._group((empty, empty, empty, empty.astype(np.uint32)))

    def _group(self, units: Units) -> Iterator[pa.RecordBatch]:
        numbers = range_numbers(units[0], 0, self.parts, self.parts)
        order = np.argsort(numbers, kind="stable")
        columns = [column[order] for column in units]
        cuts = np.searchsorted(numbers[order], np.arange(self.parts + 1))
        for start, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
            yield pa.record_batch([pa.array(c[start:end]) for c in columns], schema=UNITS)

    def read(self, store: Store, shard: int, part: int) -> Iterator[Units]:
        """One shard's units of a part, ascending by (doc_id, position), a group at a time; mapped,
        not copied.

        :class:`CorruptShard` where they are not what was written. A footer that names a batch
        without rows in the place of another one is not told here, but by :meth:`check_total`.
        """
        entry = store.shards[shard]
        path = store.folder.join(entry.file)
        groups = max(1, -(-entry.rows // GROUP_UNITS))
        file = open_file(store, shard, batches=groups * self.parts)
        first, last = key_range(part, self.parts)
        before = (-1, -1)
        for index in range(part, file.num_record_batches, self.parts):
            columns = checked_batch(file, index, path).columns
            key, check, doc_id, position = (column.to_numpy() for column in columns)
            if len(key):
                begins = int(doc_id[0]), int(position[0])
                inside = first <= int(key.min()) and int(key.max()) <= last
                if not inside or begins <= before:
                    raise CorruptShard(f"{path}: batch {index} is another batch", remedy=REMEDY)
                before = int(doc_id[-1]), int(position[-1])
            yield key, check, doc_id, position

    def check_total(self, store: Store, units: int) -> None:
        """:class:`CorruptShard` unless all parts together had as many ``units`` as ``store``."""
        if units != store.rows:
            raise CorruptShard(
                f"{store.folder.path}: {units:,} units were read of its {store.rows:,}",
                remedy="`winnow verify` names damaged shards; delete them, and the folder of the "
                "step after this one, and run again.",
            )


def range_numbers(keys: np.ndarray, first: int, last: int, parts: int) -> np.ndarray:
    """Which of the ranges ``first`` to ``last - 1`` of ``parts`` each key is in, counted from
    ``first``; uint16[keys]. All keys are in one of them, which are 2^16 at most."""
    firsts = [key_range(number, parts)[0] for number in range(first + 1, last)]
    return np.searchsorted(np.array(firsts, np.uint64), keys, "right").astype(np.uint16)


def occurrence_batches(pieces: Iterable[tuple[np.ndarray, ...]]) -> Iterator[pa.RecordBatch]:
    """The batches of a file of OCCURRENCES, of ``ROWS_PER_BATCH`` rows each but for the last."""
    for columns in regrouped(pieces, ROWS_PER_BATCH):
        yield pa.record_batch([pa.array(column) for column in columns], schema=OCCURRENCES)


class OccurrenceReader:
    """A finished store of OCCURRENCES, read by ``doc_id``.

    Every shard is a part of the keys, so a document's rows may be in any of them. All files stay
    open (``MAX_PARTS`` at most), and of each only the batches with the documents asked for are
    read, and checked: :class:`CorruptShard` where they are not what was written. Ask in ascending
    order: a file is searched only when the question is behind the last one.
    """

    def __init__(self, store: Store) -> None:
        self._cursors = [
            _Cursor(store, shard) for shard, entry in enumerate(store.shards) if entry.rows
        ]

    def between(self, first_id: int, last_id: int) -> dict[str, np.ndarray]:
        """The rows with ``first_id <= doc_id <= last_id`` as the columns of OCCURRENCES, ascending
        by (doc_id, position)."""
        found = [rows for cursor in self._cursors for rows in cursor.between(first_id, last_id)]
        if not found:
            kinds = [field.type.to_pandas_dtype() for field in OCCURRENCES]
            found = [tuple(np.zeros(0, kind) for kind in kinds)]
        columns = [np.concatenate(pieces) for pieces in zip(*found, strict=True)]
        order = np.lexsort((columns[1], columns[0]))
        return {
            field.name: column[order] for field, column in zip(OCCURRENCES, columns, strict=True)
        }


class _Cursor:
    """One file of OCCURRENCES, ascending by doc_id, and the batch at which it was read last."""

    def __init__(self, store: Store, shard: int) -> None:
        entry = store.shards[shard]
        self._path = store.folder.join(entry.file)
        self._rows = entry.rows
        self._count = -(-entry.rows // ROWS_PER_BATCH)
        self._file = open_file(store, shard, batches=self._count)
        self._at = 0
        self._firsts: dict[int, int] = {}  # doc_id, of the batches that were looked at and checked

    def _batch(self, index: int) -> pa.RecordBatch:
        """Checked when it is read for the first time."""
        if index in self._firsts:
            return self._file.get_batch(index)
        batch = checked_batch(self._file, index, self._path)
        wanted = min(ROWS_PER_BATCH, self._rows - index * ROWS_PER_BATCH)
        if batch.num_rows != wanted:
            raise self._another(index)
        self._firsts[index] = batch.column(0)[0].as_py()
        return batch

    def _another(self, index: int) -> CorruptShard:
        return CorruptShard(f"{self._path}: batch {index} is another batch", remedy=REMEDY)

    def _starts_before(self, index: int, first_id: int) -> bool:
        if index not in self._firsts:
            self._batch(index)
        return self._firsts[index] < first_id

    def between(self, first_id: int, last_id: int) -> Iterator[tuple[np.ndarray, ...]]:
        if not self._starts_before(self._at, first_id):
            self._at = 0
        # the last batch that starts before first_id: most often this one or the next
        step, low = 1, self._at
        while low + step < self._count and self._starts_before(low + step, first_id):
            low, step = low + step, 2 * step
        high = min(self._count, low + step)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._starts_before(middle, first_id) else (low, middle)
        self._at = low
        last = -1
        for index in range(low, self._count):
            batch = self._batch(index)
            doc_ids = batch.column(0).to_numpy()
            if int(doc_ids[0]) < last:
                raise self._another(index)
            last = int(doc_ids[-1])
            start = int(np.searchsorted(doc_ids, np.uint64(first_id), "left"))
            end = int(np.searchsorted(doc_ids, np.uint64(last_id), "right"))
            if end > start:
                rows = batch.slice(start, end - start)
                yield tuple(column.to_numpy() for column in rows.columns)
            if end < batch.num_rows:
                break
