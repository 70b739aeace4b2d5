"""Columns that come in pieces of any size, cut anew by number alone.

So the batches of a shard do not tell how much memory its task had, or how its input was cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

Columns = tuple[np.ndarray, ...]
"""Of equal length."""


def regrouped(pieces: Iterable[Columns], rows: int) -> Iterator[Columns]:
    """The same columns in groups of ``rows`` rows, the last one with what is left; none empty.

    Holds a group and, while a group of several pieces is put together, that one again.
    """
    held: list[Columns] = []
    count = 0
    for piece in pieces:
        start, size = 0, len(piece[0])
        while start < size:
            end = min(size, start + rows - count)
            held.append(tuple(column[start:end] for column in piece))
            count += end - start
            start = end
            if count == rows:
                yield _joined(held)
                held, count = [], 0
    if count:
        yield _joined(held)


def _joined(pieces: list[Columns]) -> Columns:
    if len(pieces) == 1:
        return pieces[0]
    return tuple(np.concatenate(columns) for columns in zip(*pieces, strict=True))
