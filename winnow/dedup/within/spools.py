"""Rows that wait for their turn: in memory while they are few, else in a file without a name.

A file without a name is gone when its process is, however that ends.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from winnow.store.files import is_remote, local_path, write_errors


class Spool:
    """Rows of ``dtype`` (structured, packed), written once from the start, read any number of
    times. Those beyond ``memory_bytes`` go to ``folder``, on whose disk there must be room."""

    def __init__(self, dtype: np.dtype, memory_bytes: int, folder: str | None) -> None:
        self._dtype = dtype
        self._folder = folder or tempfile.gettempdir()
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 (closed by close)
            max_size=max(1, memory_bytes), dir=folder
        )
        self.rows = 0

    def write(self, columns: Sequence[np.ndarray]) -> None:
        """Append the rows of ``columns``, one for each field."""
        rows = np.empty(len(columns[0]), self._dtype)
        for name, column in zip(self._dtype.names or (), columns, strict=True):
            rows[name] = column
        with write_errors(self._folder):
            self._file.write(rows.tobytes())
        self.rows += len(rows)

    def blocks(self, rows_at_once: int) -> Iterator[tuple[np.ndarray, ...]]:
        """All rows in the order written, as columns."""
        for start in range(0, self.rows, rows_at_once):
            with write_errors(self._folder):  # what is still buffered is written first
                self._file.seek(start * self._dtype.itemsize)
                data = self._file.read(rows_at_once * self._dtype.itemsize)
            rows = np.frombuffer(data, self._dtype)
            yield tuple(np.ascontiguousarray(rows[name]) for name in self._dtype.names or ())

    def close(self) -> None:
        self._file.close()


def scratch_folder(store: str) -> str | None:
    """Where a task that writes ``store`` spools: on the same disk; None (the system's folder for
    temporary files) where the store is remote."""
    if is_remote(store):
        return None
    path = local_path(store)
    with write_errors(path):
        Path(path).mkdir(parents=True, exist_ok=True)
    return path


def merged(spools: Sequence[Spool], rows_at_once: int) -> Iterator[tuple[np.ndarray, ...]]:
    """The rows of all ``spools`` in one order. Each is ascending by its first two columns, which
    no two rows share. Holds ``rows_at_once`` rows of each spool, three times at the peak."""
    readers = [spool.blocks(rows_at_once) for spool in spools]
    held = [next(reader, None) for reader in readers]
    while any(block is not None for block in held):
        last = min((int(b[0][-1]), int(b[1][-1])) for b in held if b is not None)
        taken = []
        for number, block in enumerate(held):
            if block is None:
                continue
            end = _rows_up_to(block, *last)
            taken.append(tuple(column[:end] for column in block))
            rest: tuple[np.ndarray, ...] | None = tuple(column[end:] for column in block)
            held[number] = rest if end < len(block[0]) else next(readers[number], None)
        columns = [np.concatenate(pieces) for pieces in zip(*taken, strict=True)]
        order = np.lexsort((columns[1], columns[0]))
        yield tuple(column[order] for column in columns)


def _rows_up_to(block: tuple[np.ndarray, ...], first: int, second: int) -> int:
    """How many rows are (first, second) at most."""
    low = int(np.searchsorted(block[0], np.uint64(first), "left"))
    high = int(np.searchsorted(block[0], np.uint64(first), "right"))
    return low + int(np.searchsorted(block[1][low:high], np.uint32(second), "right"))
