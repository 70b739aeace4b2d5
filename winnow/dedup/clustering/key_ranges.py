"""Rows of many key files, merged by ranges of keys narrow enough to be sorted in a cache.

Each file's rows are sorted by key, so a range of keys is a slice of every file; a hundred slices
laid end to end and sorted cost less than a merge that looks at a hundred heads for each row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from winnow.dedup.clustering.keys import key_range

ROWS_AT_ONCE = 1 << 18
# key, check and doc_id laid end to end and again in order; pigeonholes; the edges made of them
SORTED_ROW_BYTES = 2 * 24 + 16 + 16

KeyColumns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Rows:
    """Rows in order of (key, check, doc_id); uint64[rows] each, ``checks`` uint64[0] where keys are
    narrow."""

    keys: np.ndarray
    checks: np.ndarray
    doc_ids: np.ndarray


def ordered(
    files: Sequence[KeyColumns], part: int, parts: int, rows_at_once: int = ROWS_AT_ONCE
) -> Iterator[Rows]:
    """All rows of ``files``, whose keys lie within ``part`` of ``parts``, ascending, in pieces that
    end between two keys.

    ``files``: columns ``key`` (ascending), ``check`` perhaps, and ``doc_id``. A piece has about
    ``rows_at_once`` rows at most, or else all of them have one key.
    """
    count = sum(len(file["key"]) for file in files)
    if not count:
        return
    pieces = -(-count // rows_at_once)
    limits = [key_range(n, parts * pieces) for n in range(part * pieces, (part + 1) * pieces)]
    firsts = np.array([first for first, _ in limits[1:]], np.uint64)
    cuts = [[0, *np.searchsorted(file["key"], firsts).tolist(), len(file["key"])] for file in files]
    for n, (first, last) in enumerate(limits):
        slices = [(file, cut[n], cut[n + 1]) for file, cut in zip(files, cuts, strict=True)]
        yield from _within(
            [each for each in slices if each[1] < each[2]], first, last, rows_at_once
        )


def _within(
    slices: list[tuple[KeyColumns, int, int]], first: int, last: int, rows_at_once: int
) -> Iterator[Rows]:
    """Rows of the slices, all of whose keys are first…last; halved where there are too many."""
    count = sum(end - start for _, start, end in slices)
    if not count:
        return
    if count > 2 * rows_at_once and first < last:
        middle = (first + last + 1) // 2
        low, high = [], []
        for file, start, end in slices:
            cut = start + int(np.searchsorted(file["key"][start:end], np.uint64(middle)))
            low.append((file, start, cut))
            high.append((file, cut, end))
        yield from _within([s for s in low if s[1] < s[2]], first, middle - 1, rows_at_once)
        yield from _within([s for s in high if s[1] < s[2]], middle, last, rows_at_once)
        return
    keys, checks, doc_ids = (_laid_end_to_end(slices, name) for name in ("key", "check", "doc_id"))
    yield sort(keys, checks, doc_ids, first, last)


def _laid_end_to_end(slices: list[tuple[KeyColumns, int, int]], name: str) -> np.ndarray:
    pieces = [file[name][start:end] for file, start, end in slices if name in file]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.uint64)


def sort(
    keys: np.ndarray, checks: np.ndarray, doc_ids: np.ndarray, first: int = 0,
    last: int = (1 << 64) - 1,
) -> Rows:  # fmt: skip
    """``keys``, ``checks`` (or none) and ``doc_ids`` in order; keys are within first…last."""
    from winnow.dedup.clustering.ordering import sort_rows

    # about as many pigeonholes as rows, each for 2^shift keys
    shift = max(0, (last - first).bit_length() - max(1, len(keys)).bit_length())
    starts = np.empty(((last - first) >> shift) + 2, np.int64)
    found = tuple(np.empty_like(column) for column in (keys, checks, doc_ids))
    sort_rows(keys, checks, doc_ids, np.uint64(first), np.uint64(shift), starts, *found)
    return Rows(*found)
