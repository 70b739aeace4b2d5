"""Which record each document of an index was, so that it can be told without its run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from winnow.dedup.index.catalog import Index, Segment
from winnow.dedup.index.key_files import KeyFile
from winnow.store.shards import ROWS_PER_GROUP, open_shard

RECORDS = pa.schema(
    [
        pa.field("number", pa.uint64(), nullable=False),  # of the document in its segment
        pa.field("run", pa.string(), nullable=False),  # what the run calls itself
        pa.field("doc_id", pa.uint64(), nullable=False),  # in that run
        pa.field("url", pa.string()),
        pa.field("domain", pa.string()),
        pa.field("record_id", pa.string()),
        pa.field("warc_file", pa.string()),
        pa.field("warc_offset", pa.int64()),
        pa.field("crawl_date", pa.timestamp("s", tz="UTC")),
    ]
)
OF_THE_RUN = pa.schema([field for field in RECORDS if field.name not in ("number", "run")])


def numbered(records: pa.RecordBatch, numbers: np.ndarray, run: str) -> pa.RecordBatch:
    """Rows of :data:`RECORDS` from those of :data:`OF_THE_RUN`."""
    columns = [
        pa.array(numbers, pa.uint64()),
        pa.array([run] * records.num_rows, pa.string()),
        *(records.column(field.name) for field in OF_THE_RUN),
    ]
    return pa.record_batch(columns, schema=RECORDS)


def renumbered(records: pa.RecordBatch, numbers: np.ndarray) -> pa.RecordBatch:
    """The same records under other numbers, uint64[rows]."""
    # Parquet has no seconds: it gives milliseconds back
    others = [records.column(field.name).cast(field.type) for field in list(RECORDS)[1:]]
    return pa.record_batch([pa.array(numbers, pa.uint64()), *others], schema=RECORDS)


def find_record(index: Index, number: int) -> dict[str, Any] | None:
    """What the index says of its document ``number``; None where it has no such document (any
    more). Reads one row group."""
    for segment in index.segments:
        firsts, shifts = index.shifts(segment)
        for run, first, shift in zip(segment.runs, firsts, shifts, strict=True):
            inner = number - int(shift)
            if int(first) <= inner < int(first) + run.numbers:
                return _record(index, segment, inner, number)
    return None


def _record(index: Index, segment: Segment, inner: int, number: int) -> dict[str, Any] | None:
    forgotten = index.tombstones(segment)
    if forgotten[np.searchsorted(forgotten, inner) :][:1].tolist() == [inner]:
        return None
    keys, records = index.store(segment, "keys"), index.store(segment, "records")
    shard = inner // int(keys.manifest["config"]["numbers_per_shard"])
    numbers = KeyFile.open(keys, shard, int(keys.manifest["config"]["bands"])).documents()[1]
    row = int(np.searchsorted(numbers, np.uint64(inner)))
    if row == len(numbers) or int(numbers[row]) != inner:
        return None
    file: pq.ParquetFile = open_shard(records.folder, records.shards[shard].file)
    group = file.read_row_group(row // ROWS_PER_GROUP, use_threads=False)
    record: dict[str, Any] = group.slice(row % ROWS_PER_GROUP, 1).to_pylist()[0]
    return record | {"number": number}


def without(records: pa.RecordBatch, forgotten: np.ndarray) -> pa.RecordBatch:
    """The rows whose ``number`` is not in ``forgotten``."""
    if not len(forgotten):
        return records
    return records.filter(pc.invert(pc.is_in(records.column("number"), pa.array(forgotten))))
