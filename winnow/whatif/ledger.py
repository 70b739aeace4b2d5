"""A ledger (or a store aligned with it) read a shard at a time, a few columns, by threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from winnow.errors import ConfigError, CorruptShard
from winnow.pipeline.bounds import MAX_BITS, Bound, read_bounds
from winnow.store.files import _filesystem
from winnow.store.manifest import Store

Result = TypeVar("Result")

MAX_THREADS = 8
NOT_LABELS = {"url", "domain"}
"""Columns of strings of which most are different: read as they are, not as dictionaries."""


def bounds_of(ledger: Store, recipe: str | None = None) -> tuple[Bound, ...]:
    """The bounds that a ledger was judged by, in order, as its manifest says: the run's own, or
    those of a ``recipe`` that it compared."""
    if recipe is not None:
        return read_bounds(ledger.manifest["recipes"][recipe]["bounds"])
    return read_bounds(ledger.manifest["bounds"])


def measures_of(ledger: Store) -> tuple[str, ...]:
    """The measures that a ledger holds, in order."""
    return tuple(ledger.manifest["config"]["measure_names"])


def has_bits(ledger: Store) -> bool:
    """Whether the ledger says of each bound who breaks it."""
    return "broken_bounds" in ledger.manifest["schema"] and len(bounds_of(ledger)) <= MAX_BITS


class OpenShard:
    """One shard's file, its footer read once; :class:`CorruptShard` where it cannot be read."""

    def __init__(self, store: Store, shard: int) -> None:
        self._path = store.folder.join(store.shards[shard].file)
        types = store.manifest["schema"]
        self._labels = {name for name, type in types.items() if type == "string"} - NOT_LABELS
        with read_errors(self._path):
            source: Any = self._path
            if store.folder.remote:
                system, inner = _filesystem(self._path)
                source = system.open_input_file(inner)
            # only labels that are read cost anything
            self._file = pq.ParquetFile(
                source, memory_map=not store.folder.remote, read_dictionary=sorted(self._labels)
            )

    def read(self, columns: Sequence[str]) -> pa.Table:
        """``columns``, each in one chunk; labels as dictionaries."""
        with read_errors(self._path):
            table = self._file.read(list(columns), use_threads=False)
        if self._labels.isdisjoint(columns):
            return table.combine_chunks()
        return table.unify_dictionaries().combine_chunks()

    def row(self, number: int, columns: Sequence[str]) -> dict[str, Any]:
        """``columns`` of one row; only its row group is read."""
        with read_errors(self._path):
            group = 0
            while number >= (rows := self._file.metadata.row_group(group).num_rows):
                number -= rows
                group += 1
            table = self._file.read_row_group(group, columns=list(columns), use_threads=False)
        found: dict[str, Any] = table.slice(number, 1).to_pylist()[0]
        return found


@contextmanager
def read_errors(path: str) -> Iterator[None]:
    """A shard that cannot be read, in our words."""
    try:
        yield
    except FileNotFoundError:
        raise CorruptShard(
            f"{path} is missing, though its store's manifest lists it",
            remedy="Run the same `winnow run` again: missing shards are made anew.",
        ) from None
    except (pa.ArrowInvalid, OSError) as error:
        raise CorruptShard(
            f"{path} cannot be read: {error}",
            remedy="`winnow verify` names all such shards; delete them and run again.",
        ) from error


def read_shard(store: Store, shard: int, columns: Sequence[str]) -> pa.Table:
    """``columns`` of one shard, each in one chunk; labels as dictionaries."""
    return OpenShard(store, shard).read(columns)


def read_rows(
    store: Store, places: Sequence[tuple[int, int]], columns: Sequence[str]
) -> list[dict[str, Any]]:
    """``columns`` of the documents at ``places`` (shard, row), in that order; of each only its
    row group is read."""
    return [OpenShard(store, shard).row(row, columns) for shard, row in places]


def each_shard(
    count: int, work: Callable[[int], Result], threads: int | None = None
) -> Iterator[Result]:
    """``work(shard)`` for every shard, by threads, results in the order of shards; a few ahead."""
    workers = threads or min(os.cpu_count() or 1, MAX_THREADS)
    if workers == 1 or count < 2:
        yield from map(work, range(count))
        return
    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[Future[Result]] = deque()
        for shard in range(count):
            ahead.append(pool.submit(work, shard))
            if len(ahead) > 2 * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def column(table: pa.Table, name: str) -> pa.Array:
    """One column of a table of one chunk a column, as it is."""
    chunked = table.column(name)
    if chunked.num_chunks == 1:
        return chunked.chunk(0)
    return pa.array([], chunked.type) if not len(chunked) else chunked.combine_chunks()


def plain(array: pa.Array) -> pa.Array:
    """Labels as strings, whether they come as a dictionary or not."""
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def codes_of(array: pa.Array) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Of a column of labels: the labels, and every row's place in them, -1 for null."""
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    return array.dictionary.to_pylist(), numbers(array.indices, null=-1)


def numbers(array: pa.Array, null: int = 0) -> npt.NDArray[np.int64]:
    """Whole numbers, ``null`` for those that are not there, ``int64[rows]``."""
    if array.null_count:
        array = array.fill_null(null)
    found: npt.NDArray[np.int64] = array.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    return found


def require_aligned(first: Store, second: Store) -> None:
    """:class:`ConfigError` unless two stores have the same shards, row for row."""
    if [shard.rows for shard in first.shards] != [shard.rows for shard in second.shards]:
        raise ConfigError(f"{second.path} and {first.path} do not speak of the same documents")
