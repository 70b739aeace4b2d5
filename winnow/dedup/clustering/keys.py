"""The files between signing and bucketing: keys of documents, cut so that a task reads its own.

One Arrow file a shard of documents. Batch ``band * parts + part`` holds the documents' keys of one
band within one part of the key range, sorted by key; the last batch holds no keys but every keyed
document's preference (survivors.py), sorted by ``doc_id``. A bucket task then reads exactly one
batch of every file, and nothing is shuffled twice.

Size: 16 bytes a document and band, 24 where keys are wide, and 16 a document more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from winnow.store.manifest import Store
from winnow.store.shards import open_shard


@dataclass(frozen=True)
class KeyLayout:
    """How keys lie in the files. ``wide``: 128-bit keys, the low half in column ``check``."""

    bands: int
    parts: int
    wide: bool

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
                yield self._batch(
                    sorted_keys[start:end], None if checks is None else checks[rows], doc_ids[rows]
                )
        yield self._batch(preferences, None if checks is None else checks * 0, doc_ids)

    def _batch(
        self, keys: np.ndarray, checks: np.ndarray | None, doc_ids: np.ndarray
    ) -> pa.RecordBatch:
        columns = [keys, doc_ids] if checks is None else [keys, checks, doc_ids]
        return pa.record_batch([pa.array(c, pa.uint64()) for c in columns], schema=self.schema)

    def read(self, store: Store, shard: int, band: int, part: int) -> dict[str, np.ndarray]:
        """One shard's rows of a band and part, as columns sorted by ``key``; mapped, not copied."""
        return _columns(store, shard, band * self.parts + part)

    def read_preferences(self, store: Store, shard: int) -> tuple[np.ndarray, np.ndarray]:
        """One shard's (doc_ids ascending, preferences), uint64 both."""
        columns = _columns(store, shard, self.bands * self.parts)
        return columns["doc_id"], columns["key"]


def _columns(store: Store, shard: int, batch: int) -> dict[str, np.ndarray]:
    found = open_shard(store.folder, store.shards[shard].file).get_batch(batch)
    return {name: found.column(name).to_numpy() for name in found.schema.names}


def key_range(part: int, parts: int) -> tuple[int, int]:
    """The first and the last key of ``part`` when all 2^64 keys are cut into ``parts``."""
    return -(-(part << 64) // parts), -(-((part + 1) << 64) // parts) - 1
