"""Band keys of an index, in files of which a match reads each batch once.

Shard g holds the documents numbered ``g * numbers_per_shard`` up to the next multiple, by the
layout of keys.py with the document's number for its id and its ``doc_id`` for the preference: for
each band and each part of the key range a batch sorted by key and number; then one of (doc_id,
number). A shard has as many parts as make its batches of ``BATCH_ROWS`` rows, so it says itself
how many: bands and parts can be told from the number of its batches.

Size: 16 bytes a document and band, 16 a document more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.keys import KeyLayout, key_range
from winnow.store.checksums import checked_batch
from winnow.store.manifest import Store
from winnow.store.shards import open_shard

NUMBERS_PER_SHARD = 1 << 23
BATCH_ROWS = 1 << 16
MAX_KEY_PARTS = 1 << 8
# keys and numbers as found and joined, their order, both in order: of the rows of one band
BUILD_BYTES = 16 + 16 + 8 + 16 + 17

Rows = tuple[np.ndarray, np.ndarray]
"""(keys or doc_ids, numbers), uint64 both."""

KEYS = KeyLayout(bands=1, parts=1, wide=False).schema


def shard_count(numbers: int, numbers_per_shard: int) -> int:
    return max(1, -(-numbers // numbers_per_shard))


def key_parts(documents: int) -> int:
    """Of a shard's key range: a power of two."""
    parts = 1
    while parts < MAX_KEY_PARTS and documents > parts * BATCH_ROWS:
        parts *= 2
    return parts


def key_batches(documents: Rows, band_rows: Iterable[Iterable[Rows]]) -> Iterator[pa.RecordBatch]:
    """A shard's batches: ``documents`` are its (doc_ids, numbers) by number, ``band_rows`` what is
    found of each band, in any order."""
    parts = key_parts(len(documents[1]))
    for pieces in band_rows:
        keys, numbers = _joined(pieces)
        order = np.lexsort((numbers, keys))
        keys, numbers = keys[order], numbers[order]
        firsts = [key_range(part, parts)[0] for part in range(1, parts)]
        cuts = np.searchsorted(keys, np.array(firsts, np.uint64)).tolist()
        for start, end in zip([0, *cuts], [*cuts, len(keys)], strict=True):
            yield _batch(keys[start:end], numbers[start:end])
    yield _batch(*documents)


def _joined(pieces: Iterable[Rows]) -> Rows:
    found = list(pieces)
    empty = [np.zeros(0, np.uint64)]
    keys = np.concatenate(empty + [keys for keys, _ in found])
    return keys, np.concatenate(empty + [numbers for _, numbers in found])


def _batch(keys: np.ndarray, numbers: np.ndarray) -> pa.RecordBatch:
    return pa.record_batch([pa.array(keys), pa.array(numbers)], schema=KEYS)


@dataclass
class KeyFile:
    """One shard of an index's keys, open."""

    reader: Any
    path: str
    bands: int

    @classmethod
    def open(cls, store: Store, shard: int, bands: int) -> KeyFile:
        file = store.shards[shard].file
        return cls(open_shard(store.folder, file), store.folder.join(file), bands)

    @property
    def parts(self) -> int:
        return int((self.reader.num_record_batches - 1) // self.bands)

    def _rows(self, batch: int) -> Rows:
        found = checked_batch(self.reader, batch, self.path)
        return found.column(0).to_numpy(), found.column(1).to_numpy()

    def documents(self) -> Rows:
        """(doc_ids, numbers) of all documents, by number; mapped."""
        return self._rows(self.bands * self.parts)

    def between(self, band: int, limits: tuple[int, int]) -> Iterator[Rows]:
        """The rows of a band with a key in ``limits`` (inclusive), by key and number; mapped."""
        first = (limits[0] * self.parts) >> 64
        last = (limits[1] * self.parts) >> 64
        for part in range(first, last + 1):
            keys, numbers = self._rows(band * self.parts + part)
            start = np.searchsorted(keys, np.uint64(limits[0]), "left")
            end = np.searchsorted(keys, np.uint64(limits[1]), "right")
            yield keys[start:end], numbers[start:end]

    def band(self, band: int) -> Iterator[Rows]:
        """All rows of a band, by key and number."""
        for part in range(self.parts):
            yield self._rows(band * self.parts + part)
