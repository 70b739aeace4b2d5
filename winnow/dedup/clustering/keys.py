"""The files between signing and bucketing: keys of documents, cut so that a task reads its own.

One Arrow file a shard of documents. Batch ``band * parts + part`` holds the documents' keys of one
band within one part of the key range, sorted by key; the last batch holds no keys but every keyed
document's preference (survivors.py), sorted by ``doc_id``. A bucket task then reads exactly one
batch of every file, and nothing is shuffled twice.

Size: 16 bytes a document and band, 24 where keys are wide, and 16 a document more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.work_files import open_file
from winnow.errors import CorruptShard
from winnow.schema import ROW_BITS
from winnow.store.checksums import REMEDY, checked_batch
from winnow.store.manifest import Store

DOCUMENT_SHARDS = "document_shards"
"""In the manifest of merged keys: of how many shards of documents they are."""


@dataclass(frozen=True)
class KeyLayout:
    """How keys lie in the files. ``wide``: 128-bit keys, the low half in column ``check``."""

    bands: int
    parts: int
    wide: bool

    @property
    def key_bytes(self) -> int:
        """Of a document's key of one band with its doc_id; a preference takes as much."""
        return 24 if self.wide else 16

    @property
    def schema(self) -> pa.Schema:
        names = ("key", "check", "doc_id") if self.wide else ("key", "doc_id")
        return pa.schema([pa.field(name, pa.uint64(), nullable=False) for name in names])

    def batches(
        self,
        keys: np.ndarray,
        checks: np.ndarray | None,
        doc_ids: np.ndarray,
        preferences: np.ndarray,
    ) -> Iterator[pa.RecordBatch]:
        """One shard's batches in order.

        keys uint64[documents, bands]; checks uint64[documents] or None; doc_ids, preferences
        uint64[documents]; all may be empty. Rows may come in any order.
        """
        by_id = np.argsort(doc_ids, kind="stable")
        doc_ids, preferences, keys = doc_ids[by_id], preferences[by_id], keys[by_id]
        checks = None if checks is None else checks[by_id]
        for band in range(self.bands):
            order = np.argsort(keys[:, band], kind="stable")
            sorted_keys = keys[order, band]
            firsts = [key_range(part, self.parts)[0] for part in range(1, self.parts)]
            cuts = np.searchsorted(sorted_keys, np.array(firsts, np.uint64))
            for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True):
                rows = order[start:end]
                wide = () if checks is None else (checks[rows],)
                yield self.batch([sorted_keys[start:end], *wide, doc_ids[rows]])
        wide = () if checks is None else (checks * np.uint64(0),)
        yield self.batch([preferences, *wide, doc_ids])

    def batch(self, columns: Sequence[np.ndarray]) -> pa.RecordBatch:
        """One batch of the columns of :attr:`schema`; of no columns, one without rows."""
        columns = columns or [np.zeros(0, np.uint64)] * len(self.schema)
        return pa.record_batch([pa.array(c, pa.uint64()) for c in columns], schema=self.schema)

    def read(self, store: Store, shard: int, band: int, part: int) -> dict[str, np.ndarray]:
        """One file's rows of a band and part, as columns sorted by ``key``; mapped, not copied.

        :class:`CorruptShard` where they are not what was written.
        """
        return self._columns(store, shard, band * self.parts + part)

    def read_preferences(self, store: Store, shard: int) -> tuple[np.ndarray, np.ndarray]:
        """One file's (doc_ids ascending, preferences), uint64 both."""
        columns = self._columns(store, shard, self.bands * self.parts)
        return columns["doc_id"], columns["key"]

    def open(self, store: Store, shard: int) -> Any:
        """The reader of one file, which has the batches of this layout."""
        return open_file(store, shard, batches=self.bands * self.parts + 1)

    def columns(self, reader: Any, index: int, path: str) -> dict[str, np.ndarray]:
        """Batch ``index`` of a file, checked; keys are within its part."""
        batch = checked_batch(reader, index, path)
        found = {name: batch.column(name).to_numpy() for name in batch.schema.names}
        if index < self.bands * self.parts and batch.num_rows:
            first, last = key_range(index % self.parts, self.parts)
            keys = found["key"]
            if not first <= int(keys[0]) <= int(keys[-1]) <= last:
                raise CorruptShard(f"{path}: batch {index} is another batch", remedy=REMEDY)
        return found

    def _columns(self, store: Store, shard: int, index: int) -> dict[str, np.ndarray]:
        path = store.folder.join(store.shards[shard].file)
        return self.columns(self.open(store, shard), index, path)

    def documents(self, store: Store) -> int:
        """How many documents have keys in ``store``."""
        return store.rows // (self.bands + 1)


def likely_firsts(store: Store) -> np.ndarray:
    """uint64[files + 1]: the doc_ids of file f most likely begin at [f] and end before [f + 1].

    A document's shard is ``doc_id >> 32`` in every store that a source makes, and merged files hold
    neighbouring shards.
    """
    files = len(store.shards)
    shards = int(store.manifest.get(DOCUMENT_SHARDS, files))
    first_shards = [file * shards // max(1, files) for file in range(files + 1)]
    return np.array(first_shards, np.uint64) << np.uint64(ROW_BITS)


def key_range(part: int, parts: int) -> tuple[int, int]:
    """The first and the last key of ``part`` when all 2^64 keys are cut into ``parts``."""
    return -(-(part << 64) // parts), -(-((part + 1) << 64) // parts) - 1
