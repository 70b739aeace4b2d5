"""Documents seen through verdicts: stores that are aligned row for row, read as one.

The documents are stored once. Measures, verdicts, cluster ids lie in stores of their own whose
shard *i*, row *r* speaks of shard *i*, row *r* of the documents. So "which documents are kept" is
a mask, and changing it moves no text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from winnow.errors import CorruptShard, StoreError
from winnow.schema import KEPT, ROW_BITS
from winnow.store.checksums import REMEDY
from winnow.store.manifest import Store
from winnow.store.shards import ROWS_PER_GROUP, open_shard


@dataclass(frozen=True)
class View:
    """``documents`` seen through the verdicts of ``masks``; all are paths of finished stores.

    ``aligned`` are further stores of the same alignment whose columns may be read by name.
    ``rewrites`` are those of them whose columns ``text`` and ``text_bytes`` replace the documents'
    where they are not null; the last one counts.
    """

    documents: str
    masks: tuple[str, ...] = ()
    aligned: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()

    def open(self) -> OpenView:
        return OpenView(self)


class OpenView:
    """A :class:`View` with its manifests read."""

    def __init__(self, view: View) -> None:
        self.documents = Store.open(view.documents)
        self.masks = [Store.open(path) for path in view.masks]
        aligned = [Store.open(path) for path in view.aligned]
        # where two stores have a column (cluster_id of two deduplications), the later one's counts
        self._stores = [self.documents, *reversed(self.masks), *aligned]
        self._rewrites = [Store.open(path) for path in view.rewrites]

    @property
    def shard_count(self) -> int:
        return len(self.documents.shards)

    def _where(self, columns: list[str]) -> list[tuple[Store, list[str]]]:
        """Which store each column is read from: the first that has it."""
        chosen: dict[int, list[str]] = {}
        schemas = [set(store.manifest["schema"]) for store in self._stores]
        for column in columns:
            holders = [i for i, names in enumerate(schemas) if column in names]
            if not holders:
                raise StoreError(f"none of the stores over {self.documents.path} holds '{column}'")
            chosen.setdefault(holders[0], []).append(column)
        return [(self._stores[i], names) for i, names in chosen.items()]

    def _groups(
        self, shard: int, columns: list[str], only: Collection[int] | None = None
    ) -> Iterator[tuple[pa.RecordBatch, list[pa.Array]]]:
        """Every row group of ``shard`` (of those numbered ``only``): its ``columns``, and the
        verdict column of each mask."""
        sources = [(names, _Shard(store, shard)) for store, names in self._where(columns)]
        masks = [_Shard(store, shard) for store in self.masks]
        rewritten = [name for name in ("text", "text_bytes") if name in columns]
        rewrites = self._rewrites if rewritten else []
        texts = [_Shard(store, shard) for store in rewrites]
        files = [file for _, file in sources] + masks + texts
        rows = {file.group_rows() for file in files}
        if len(rows) != 1:
            raise CorruptShard(
                f"shard {shard} of the stores over {self.documents.path} differ in rows",
                remedy="Delete the smaller store's folder and run again.",
            )
        counts = rows.pop()
        if sum(counts) != self.documents.shards[shard].rows:
            raise CorruptShard(
                f"shard {shard} of {self.documents.path} does not hold the rows of its receipt",
                remedy=REMEDY,
            )
        for group in range(len(counts)):
            if only is not None and group not in only:
                continue
            found: dict[str, pa.Array] = {}
            for names, file in sources:
                table = file.group(group, names)
                found |= {name: _one_chunk(table.column(name)) for name in names}
            for file in texts:
                table = file.group(group, rewritten)
                for name in rewritten:
                    found[name] = pc.coalesce(_one_chunk(table.column(name)), found[name])
            verdicts = []
            for file in masks:
                table = file.group(group, ["verdict"])
                verdicts.append(_one_chunk(table.column("verdict")))
            yield pa.record_batch([found[name] for name in columns], names=columns), verdicts

    def masked(self, shard: int, columns: list[str]) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
        """Every row group of ``shard``: its ``columns``, and which rows are kept (no nulls)."""
        for batch, verdicts in self._groups(shard, columns):
            kept = pa.array([True] * batch.num_rows, pa.bool_())
            for verdict in verdicts:
                kept = pc.and_(kept, pc.fill_null(pc.equal(verdict, KEPT), False))
            yield batch, kept

    def verdicts(self, shard: int, columns: list[str]) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
        """As :meth:`masked`, with the word instead of the mask: "kept", or the reason of the first
        step that rejected the row."""
        for batch, verdicts in self._groups(shard, columns):
            yield batch, _reason(verdicts, batch.num_rows)

    def rows(self, doc_ids: Sequence[int], columns: list[str]) -> pa.RecordBatch:
        """The documents ``doc_ids`` in that order: ``columns``, and ``verdict`` as
        :meth:`verdicts` has it. Reads the row groups that they lie in, no more.

        :class:`StoreError` for an id that no document has.
        """
        shards: dict[int, set[int]] = {}
        for doc_id in doc_ids:
            shard, row = doc_id >> ROW_BITS, doc_id & ((1 << ROW_BITS) - 1)
            if shard >= self.shard_count or row >= self.documents.shards[shard].rows:
                raise StoreError(f"{self.documents.path} has no document {doc_id}")
            shards.setdefault(shard, set()).add(row // ROWS_PER_GROUP)
        found = {}
        names = list(dict.fromkeys(["doc_id", *columns]))
        wanted = pa.array(doc_ids, pa.uint64())
        for shard, groups in shards.items():
            for batch, verdicts in self._groups(shard, names, groups):
                told = batch.append_column("verdict", _reason(verdicts, batch.num_rows))
                told = told.filter(pc.is_in(batch.column("doc_id"), wanted))
                for place, doc_id in enumerate(told.column("doc_id").to_pylist()):
                    found[doc_id] = told.slice(place, 1)
        if not doc_ids:
            kinds = {field.name: field.type for store in self._stores for field in store.schema}
            schema = pa.schema(
                [(name, kinds[name]) for name in columns] + [("verdict", pa.string())]
            )
            return pa.RecordBatch.from_pylist([], schema)
        batch = pa.concat_batches([found[doc_id] for doc_id in doc_ids])
        return batch.select([*columns, "verdict"])

    def kept(self, shard: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """The kept rows of ``shard``, ``columns`` only, a batch a row group (may be empty)."""
        for batch, mask in self.masked(shard, columns):
            yield batch.filter(mask)


def _reason(verdicts: list[pa.Array], rows: int) -> pa.Array:
    reason = pa.array([KEPT] * rows, pa.string())
    for verdict in verdicts:
        open_case = pc.and_(pc.equal(reason, KEPT), pc.is_valid(verdict))
        reason = pc.if_else(open_case, verdict, reason)
    return reason


class _Shard:
    """One shard of a store, open; what cannot be read is named."""

    def __init__(self, store: Store, shard: int) -> None:
        self._path = store.folder.join(store.shards[shard].file)
        self._file: pq.ParquetFile = open_shard(store.folder, store.shards[shard].file)

    def group_rows(self) -> tuple[int, ...]:
        meta = self._file.metadata
        return tuple(meta.row_group(i).num_rows for i in range(self._file.num_row_groups))

    def group(self, group: int, columns: Sequence[str]) -> pa.Table:
        try:
            return self._file.read_row_group(group, columns=list(columns), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise CorruptShard(
                f"{self._path}: row group {group} cannot be read: {error}", remedy=REMEDY
            ) from error


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined
