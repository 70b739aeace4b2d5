"""Compiled counting of (key, check) pairs in an open-addressing hash table.

A table of ``capacity`` slots is four arrays: keys and checks uint64, counts uint32 (0: the slot is
free) and seen uint32. Its slot is a product's high half, so that any capacity will do; collisions
go to the next slot. Import this module inside ``open()`` only: numba is an optional package.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from winnow.text.compiled import compiled

_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: keys of a range share leading bits
_HALF = np.uint64(32)
_MOST = np.uint32(0xFFFFFFFF)


@compiled
def _slot(key: Any, check: Any, keys: Any, checks: Any, counts: Any) -> Any:
    """The slot that holds the pair, or the free one where it belongs."""
    capacity = np.uint64(keys.size)
    slot = np.int64((((key * _SPREAD) >> _HALF) * capacity) >> _HALF)
    while counts[slot] != 0 and (keys[slot] != key or checks[slot] != check):
        slot += 1
        if slot == keys.size:
            slot = np.int64(0)
    return slot


@compiled
def count_units(
    unit_keys: Any, unit_checks: Any, first: Any, keys: Any, checks: Any, counts: Any,
    used: Any, most_used: Any,
) -> Any:  # fmt: skip
    """Count units from number ``first`` on; ``(units done, slots used)``.

    Stops before a unit that would use more than ``most_used`` slots (less than there are). A count
    stays at 2^32 - 1.
    """
    for i in range(first, unit_keys.size):
        slot = _slot(unit_keys[i], unit_checks[i], keys, checks, counts)
        if counts[slot] == 0:
            if used >= most_used:
                return i, used
            used += 1
            keys[slot] = unit_keys[i]
            checks[slot] = unit_checks[i]
        if counts[slot] != _MOST:
            counts[slot] += np.uint32(1)
    return unit_keys.size, used


@compiled
def move_units(
    keys: Any, checks: Any, counts: Any, new_keys: Any, new_checks: Any, new_counts: Any
) -> None:
    """Fill an empty table with what is in another one."""
    for i in range(keys.size):
        if counts[i] != 0:
            slot = _slot(keys[i], checks[i], new_keys, new_checks, new_counts)
            new_keys[slot] = keys[i]
            new_checks[slot] = checks[i]
            new_counts[slot] = counts[i]


@compiled
def rank_units(
    unit_keys: Any, unit_checks: Any, keys: Any, checks: Any, counts: Any, seen: Any,
    ranks: Any, unit_counts: Any,
) -> None:  # fmt: skip
    """For each unit how often it was ranked before, and how often it was counted in all.

    ranks, unit_counts uint32[units], filled; seen grows by one at each unit. All units have been
    counted.
    """
    for i in range(unit_keys.size):
        slot = _slot(unit_keys[i], unit_checks[i], keys, checks, counts)
        ranks[i] = seen[slot]
        unit_counts[i] = counts[slot]
        if seen[slot] != _MOST:
            seen[slot] += np.uint32(1)
