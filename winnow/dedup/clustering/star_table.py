"""Compiled union-find over documents that are not numbered: a hash table of doc_ids.

Import this module inside ``open()`` only: numba is an optional package.

A slot holds a doc_id, or :data:`EMPTY`, and the slot of its parent. Slots are found by linear
probing from the top bits of ``doc_id * GOLDEN`` (Knuth 1973, section 6.4).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from winnow.text.compiled import compiled

EMPTY = np.uint64((1 << 64) - 1)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@compiled
def unite_ids(
    left: Any, right: Any, start: Any, ids: Any, parents: Any, bits: Any, used: Any, most: Any
) -> Any:  # fmt: skip
    """Union of ``left[i]`` and ``right[i]`` for i from ``start`` on; the smaller doc_id wins.

    uint64[edges]; ids uint64[2^bits] and parents int32[2^bits], in place, of which ``used`` slots
    are taken. Stops where more than ``most`` may be taken. Returns (the edge to go on with, used).
    """
    i = start
    while i < left.size and used + 2 <= most:
        x, added = _slot(left[i], ids, parents, bits)
        used += added
        y, added = _slot(right[i], ids, parents, bits)
        used += added
        while parents[x] != x:
            parents[x] = parents[parents[x]]
            x = parents[x]
        while parents[y] != y:
            parents[y] = parents[parents[y]]
            y = parents[y]
        if ids[x] < ids[y]:
            parents[y] = x
        elif ids[y] < ids[x]:
            parents[x] = y
        i += 1
    return i, used


@compiled
def _slot(doc_id: Any, ids: Any, parents: Any, bits: Any) -> Any:
    """(the slot of ``doc_id``, 1 if it was not there)."""
    mask = ids.size - 1
    slot = np.int64((doc_id * GOLDEN) >> np.uint64(64 - bits))
    while ids[slot] != doc_id:
        if ids[slot] == EMPTY:
            ids[slot] = doc_id
            parents[slot] = slot
            return slot, 1
        slot = (slot + 1) & mask
    return slot, 0


@compiled
def rehash(ids: Any, parents: Any, new_ids: Any, new_parents: Any, new_bits: Any) -> None:
    """The same sets in a larger, empty table: each document under the root that it has."""
    for slot in range(ids.size):
        if ids[slot] != EMPTY:
            root = slot
            while parents[root] != root:
                parents[root] = parents[parents[root]]
                root = parents[root]
            top, _ = _slot(ids[root], new_ids, new_parents, new_bits)
            here, _ = _slot(ids[slot], new_ids, new_parents, new_bits)
            new_parents[here] = top


@compiled
def hanging(ids: Any, parents: Any, roots: Any, others: Any) -> Any:
    """Fills ``others`` with the doc_ids that are no roots, in any order, and ``roots`` with theirs;
    returns how many."""
    count = 0
    for slot in range(ids.size):
        if ids[slot] == EMPTY or parents[slot] == slot:
            continue
        root = slot
        while parents[root] != root:
            parents[root] = parents[parents[root]]
            root = parents[root]
        roots[count] = ids[root]
        others[count] = ids[slot]
        count += 1
    return count
