"""Writing and reading one shard: Parquet for documents and verdicts, Arrow IPC for tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from winnow.errors import CorruptShard, StoreError
from winnow.store.checksums import KEY, REMEDY, batch_checksum, checked_batch
from winnow.store.files import Folder, HashingFile, _filesystem
from winnow.store.receipts import Receipt

ShardFormat = Literal["parquet", "arrow"]

SHARD_SUFFIXES = (".parquet", ".arrow")

ROWS_PER_GROUP = 1024  # row groups are cut by row number alone, so batch size cannot show


def shard_file(index: int, format: ShardFormat) -> str:
    return f"{index:05d}.{format}"


class ShardWriter:
    """Writes one shard and commits it on :meth:`close`; use it as a context manager.

    Parquet shards are cut into groups of ``ROWS_PER_GROUP`` rows whatever batches arrive. Arrow
    shards keep the record batches as given: the caller must cut them by a rule that depends on
    the data alone. On an exception nothing appears.
    """

    def __init__(
        self, folder: Folder, file: str, schema: pa.Schema, format: ShardFormat = "parquet"
    ) -> None:
        self.folder = folder
        self.file = file
        self.schema = schema
        self.rows = 0
        self._format = format
        self._stack = ExitStack()
        self._held: list[pa.RecordBatch] = []
        self._held_rows = 0
        self._sink: HashingFile
        self._writer: Any

    def __enter__(self) -> ShardWriter:
        self._sink = self._stack.enter_context(self.folder.create(self.file))
        if self._format == "parquet":
            self._writer = pq.ParquetWriter(
                self._sink,
                self.schema,
                compression="zstd",
                compression_level=3,
                write_page_index=False,
                write_page_checksum=True,
                store_schema=True,
            )
        else:
            self._writer = pa.ipc.new_file(self._sink, self.schema)
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None:
            try:
                if self._held_rows:
                    self._flush(self._held_rows)
                self._writer.close()
            except BaseException as failure:
                self._give_up(type(failure), failure, failure.__traceback__)
                raise
            self._stack.__exit__(None, None, None)
        else:
            self._give_up(kind, error, trace)

    def _give_up(self, kind: Any, error: Any, trace: Any) -> None:
        """End Arrow's writer while its sink still takes bytes, then let the file vanish."""
        self._sink.abandon()
        with suppress(Exception):
            self._writer.close()
        self._stack.__exit__(kind, error, trace)

    def write(self, batch: pa.RecordBatch) -> None:
        if batch.schema != self.schema:
            raise StoreError(
                f"{self.folder.join(self.file)}: the batch's columns differ from the declared ones"
                f"\n  declared: {_brief(self.schema)}\n  got:      {_brief(batch.schema)}"
            )
        self.rows += batch.num_rows
        if self._format == "arrow":
            crc = batch_checksum(batch)
            metadata = None if crc is None else {KEY: str(crc).encode()}
            self._writer.write_batch(batch, custom_metadata=metadata)
            return
        if batch.num_rows:
            self._held.append(batch)
            self._held_rows += batch.num_rows
        while self._held_rows >= ROWS_PER_GROUP:
            self._flush(ROWS_PER_GROUP)

    def _flush(self, rows: int) -> None:
        table = pa.Table.from_batches(self._held, self.schema)
        # one chunk a column: the pages of a group must not show where batches met
        self._writer.write_table(table.slice(0, rows).combine_chunks(), row_group_size=rows)
        rest = table.slice(rows)
        self._held = rest.to_batches()
        self._held_rows = rest.num_rows

    def receipt(self, fingerprint: str, **fields: Any) -> Receipt:
        """The receipt of the committed shard; call it after the ``with`` block."""
        return Receipt(
            file=self.file,
            rows=self.rows,
            size_bytes=self._sink.size,
            sha256=self._sink.sha256,
            fingerprint=fingerprint,
            **fields,
        )


def _brief(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in schema)


def open_shard(folder: Folder, file: str) -> Any:
    """A ``pq.ParquetFile`` or ``ipc.RecordBatchFileReader`` over the shard; local files mapped."""
    path = folder.join(file)
    try:
        if folder.remote:
            system, inner = _filesystem(path)
            source = system.open_input_file(inner)
        else:
            source = pa.memory_map(path)
        if file.endswith(".arrow"):
            return pa.ipc.open_file(source)
        return pq.ParquetFile(source, page_checksum_verification=True)
    except FileNotFoundError:
        raise CorruptShard(
            f"{path} is missing, though its store's manifest lists it",
            remedy="Run the same `winnow run` again: missing shards are made anew.",
        ) from None
    except (pa.ArrowException, OSError) as error:
        raise CorruptShard(
            f"{path} cannot be read: {error}",
            remedy=REMEDY,
        ) from error


def read_batches(
    folder: Folder, file: str, columns: list[str] | None = None, batch_rows: int = ROWS_PER_GROUP
) -> Iterator[pa.RecordBatch]:
    """The shard's rows in order, ``columns`` only, in batches of at most ``batch_rows``."""
    shard = open_shard(folder, file)
    try:
        if isinstance(shard, pq.ParquetFile):
            yield from shard.iter_batches(batch_size=batch_rows, columns=columns)
            return
        for index in range(shard.num_record_batches):
            batch = checked_batch(shard, index, folder.join(file))
            yield batch if columns is None else batch.select(columns)
    except (pa.ArrowException, OSError) as error:
        raise CorruptShard(
            f"{folder.join(file)} cannot be read: {error}",
            remedy=REMEDY,
        ) from error
