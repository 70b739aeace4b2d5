"""Rows of a store, or of stores joined: nothing is read until a method asks for it."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from winnow.errors import StoreError, nearest
from winnow.optional import require
from winnow.report import table_html
from winnow.store.manifest import Store

Reader = Callable[[list[str]], Iterator[pa.RecordBatch]]

_PREVIEW_CHARS = 60


class Rows:
    """A lazy table. ``select`` narrows it; ``arrow``, ``pandas``, ``polars``, ``duckdb`` read it;
    ``batches`` streams it in bounded memory."""

    def __init__(
        self,
        name: str,
        schema: pa.Schema,
        read: Reader,
        rows: int | None,
        store: Store | None = None,
    ) -> None:
        self.name = name
        self.schema = schema
        self._read = read
        self._rows = rows
        self._store = store

    @classmethod
    def of_store(cls, store: Store) -> Rows:
        """All rows of one store."""
        name = str(store.manifest["name"])
        return cls(name, store.schema, store.batches, store.rows, store)

    @property
    def columns(self) -> list[str]:
        return list(self.schema.names)

    def select(self, *columns: str) -> Rows:
        """The same rows, these columns only."""
        for column in columns:
            if column not in self.schema.names:
                raise StoreError(
                    f"{self.name} has no column {column!r}.{nearest(column, self.columns)}",
                    remedy=f"columns: {', '.join(self.columns)}",
                )
        schema = pa.schema([self.schema.field(column) for column in columns])
        return Rows(self.name, schema, self._read, self._rows, self._store)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows as Arrow record batches, one row group at a time."""
        yield from self._read(self.columns)

    def reader(self) -> pa.RecordBatchReader:
        """A stream that DuckDB, Polars and others consume without holding it all."""
        bare = pa.schema([pa.field(field.name, field.type) for field in self.schema])
        return pa.RecordBatchReader.from_batches(
            bare, (pa.record_batch(batch.columns, schema=bare) for batch in self.batches())
        )

    def arrow(self) -> pa.Table:
        """All rows as an Arrow table."""
        return self.reader().read_all()

    def pandas(self) -> Any:
        """All rows as a pandas DataFrame."""
        require("pandas", "Rows.pandas()")
        return self.arrow().to_pandas()

    def polars(self) -> Any:
        """A Polars LazyFrame: over the files themselves where one store holds the rows, so that
        Polars reads only the columns and row groups that it needs."""
        polars = require("polars", "Rows.polars()")
        if self._store is not None and not self._store.folder.remote:
            files = self._store.files
            scan = polars.scan_ipc if files[0].endswith(".arrow") else polars.scan_parquet
            return scan(files).select(self.columns)
        return polars.from_arrow(self.arrow()).lazy()

    def duckdb(self, connection: Any = None) -> Any:
        """A DuckDB relation: ``rows.duckdb().filter("verdict = 'kept'").aggregate("count(*)")``.

        ``connection`` defaults to DuckDB's own; a stream of joined stores can be read once.
        """
        duckdb = require("duckdb", "Rows.duckdb()")
        connection = connection or duckdb
        if self._store is not None and self._store.files[0].endswith(".parquet"):
            names = ", ".join(f'"{name}"' for name in self.columns)
            return connection.read_parquet(self._store.files).project(names)
        return connection.from_arrow(self.reader())

    def head(self, number: int = 5) -> list[dict[str, Any]]:
        """The first rows as dictionaries."""
        found: list[dict[str, Any]] = []
        for batch in self.batches():
            found += batch.slice(0, number - len(found)).to_pylist()
            if len(found) >= number:
                break
        return found

    def __len__(self) -> int:
        if self._rows is None:
            first = [self.columns[0]]
            self._rows = sum(batch.num_rows for batch in self._read(first))
        return self._rows

    def __repr__(self) -> str:
        count = "" if self._rows is None else f"{self._rows:,} rows × "
        return f"Rows({self.name}: {count}{', '.join(self.columns)})"

    def _repr_html_(self) -> str:
        rows = self.head(5)
        body = [[_preview(row[name]) for name in self.columns] for row in rows]
        count = "" if self._rows is None else f"{self._rows:,} rows, the first {len(rows)}:"
        return f"<p>{html.escape(self.name)} {count}</p>{table_html(body, self.columns)}"


def _preview(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _PREVIEW_CHARS else text[: _PREVIEW_CHARS - 1] + "…"
