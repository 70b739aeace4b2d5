"""Arrow files between the steps of a block, opened only where their frame is whole.

Rows have checksums (store/checksums.py); what says where batches are has none. So it is held
against what the manifest says, which lies elsewhere.
"""

from __future__ import annotations

from typing import Any

from winnow.errors import CorruptShard
from winnow.store.checksums import REMEDY
from winnow.store.manifest import Store
from winnow.store.shards import open_shard


def open_file(store: Store, shard: int, *, batches: int | None = None, rows: bool = False) -> Any:
    """The reader of an Arrow shard; :class:`CorruptShard` unless it has the columns of the store,
    as many ``batches`` (where given) and (with ``rows``) the rows that the manifest lists.

    Counting rows looks at the frame of every batch, and not at the rows.
    """
    entry = store.shards[shard]
    reader = open_shard(store.folder, entry.file)
    path = store.folder.join(entry.file)
    if reader.schema != store.schema:
        raise CorruptShard(f"{path}: its columns are not those of its store", remedy=REMEDY)
    found = reader.num_record_batches
    if batches is not None and found != batches:
        raise CorruptShard(f"{path} has {found:,} batches, not {batches:,}", remedy=REMEDY)
    if rows and (count := _rows(reader, path)) != entry.rows:
        raise CorruptShard(f"{path} has {count:,} rows, not {entry.rows:,}", remedy=REMEDY)
    return reader


def _rows(reader: Any, path: str) -> int:
    import pyarrow as pa

    try:
        return sum(reader.get_batch(i).num_rows for i in range(reader.num_record_batches))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CorruptShard(f"{path}: a batch cannot be read: {error}", remedy=REMEDY) from error
