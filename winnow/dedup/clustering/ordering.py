"""Compiled ordering of keys that are spread evenly, as hashes are: by distribution, not comparison.

Import this module inside ``open()`` only: numba is an optional package.
"""

from __future__ import annotations

from typing import Any

from winnow.text.compiled import compiled

_FEW = 12


@compiled
def sort_rows(
    keys: Any, checks: Any, doc_ids: Any, first: Any, shift: Any, starts: Any,
    sorted_keys: Any, sorted_checks: Any, sorted_ids: Any,
) -> None:  # fmt: skip
    """Rows ordered by (key, check, doc_id), into the last three arrays.

    uint64[rows] each; ``checks`` and ``sorted_checks`` may be uint64[0]: there are none. Row i goes
    into pigeonhole ``(keys[i] - first) >> shift``, below ``len(starts) - 1``; starts int64[holes +
    1] is filled. Then each hole is sorted: by insertion where it has few rows, as keys that are
    spread evenly have with as many holes as rows; else by a heap, so that a million equal keys
    cost n log n.
    """
    starts[:] = 0
    for i in range(keys.size):
        starts[(keys[i] - first) >> shift] += 1
    total = 0
    for hole in range(starts.size):
        count = starts[hole]
        starts[hole] = total
        total += count
    wide = checks.size > 0
    for i in range(keys.size):
        hole = (keys[i] - first) >> shift
        place = starts[hole]
        starts[hole] = place + 1  # ends as the hole's end
        sorted_keys[place] = keys[i]
        sorted_ids[place] = doc_ids[i]
        if wide:
            sorted_checks[place] = checks[i]
    start = 0
    for hole in range(starts.size - 1):
        end = starts[hole]
        if end - start > _FEW:
            _sort_heap(sorted_keys, sorted_checks, sorted_ids, start, end)
        elif end - start > 1:
            _sort_few(sorted_keys, sorted_checks, sorted_ids, start, end)
        start = end


@compiled
def _after(keys: Any, checks: Any, doc_ids: Any, a: Any, b: Any) -> Any:
    """Whether row a comes after row b."""
    if keys[a] != keys[b]:
        return keys[a] > keys[b]
    if checks.size and checks[a] != checks[b]:
        return checks[a] > checks[b]
    return doc_ids[a] > doc_ids[b]


@compiled
def _swap(keys: Any, checks: Any, doc_ids: Any, a: Any, b: Any) -> None:
    keys[a], keys[b] = keys[b], keys[a]
    doc_ids[a], doc_ids[b] = doc_ids[b], doc_ids[a]
    if checks.size:
        checks[a], checks[b] = checks[b], checks[a]


@compiled
def _sort_few(keys: Any, checks: Any, doc_ids: Any, start: Any, end: Any) -> None:
    for i in range(start + 1, end):
        at = i
        while at > start and _after(keys, checks, doc_ids, at - 1, at):
            _swap(keys, checks, doc_ids, at - 1, at)
            at -= 1


@compiled
def _sort_heap(keys: Any, checks: Any, doc_ids: Any, start: Any, end: Any) -> None:
    """Heapsort (Williams 1964) of rows start…end-1, or only a look where they are in order."""
    at = start + 1
    while at < end and not _after(keys, checks, doc_ids, at - 1, at):
        at += 1
    if at == end:
        return
    for root in range(start + (end - start) // 2 - 1, start - 1, -1):
        _sift(keys, checks, doc_ids, start, root, end)
    for last in range(end - 1, start, -1):
        _swap(keys, checks, doc_ids, start, last)
        _sift(keys, checks, doc_ids, start, start, last)


@compiled
def _sift(keys: Any, checks: Any, doc_ids: Any, start: Any, root: Any, end: Any) -> None:
    while True:
        child = start + 2 * (root - start) + 1
        if child >= end:
            return
        if child + 1 < end and _after(keys, checks, doc_ids, child + 1, child):
            child += 1
        if not _after(keys, checks, doc_ids, child, root):
            return
        _swap(keys, checks, doc_ids, root, child)
        root = child


@compiled
def stars(
    keys: Any, checks: Any, doc_ids: Any, first_ids: Any, other_ids: Any
) -> Any:  # fmt: skip
    """Edges of rows ordered by (key, check, doc_id): from the first of equal ones to each other.

    uint64[rows] each; fills the last two; returns (edges, groups of two or more).
    """
    count = groups = 0
    start = 0
    wide = checks.size > 0
    for i in range(1, keys.size):
        if keys[i] != keys[start] or (wide and checks[i] != checks[start]):
            start = i
            continue
        groups += i == start + 1
        first_ids[count] = doc_ids[start]
        other_ids[count] = doc_ids[i]
        count += 1
    return count, groups
