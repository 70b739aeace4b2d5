"""Compiled connected components: union-find over nodes 0…n-1, and the choice of survivors.

Import this module inside ``open()`` only, as ``kernels``.
"""

from __future__ import annotations

from typing import Any

from winnow.text.compiled import compiled


@compiled
def unite(parents: Any, left: Any, right: Any) -> None:
    """Union of ``left[i]`` and ``right[i]`` for every i, in place; the smaller root wins.

    parents int32 or int64[nodes], ``parents[x] <= x``. Path halving (Tarjan and van Leeuwen
    1984). Because the root of a set is its smallest node, the order of edges cannot show.
    """
    for i in range(left.size):
        x, y = left[i], right[i]
        while parents[x] != x:
            parents[x] = parents[parents[x]]
            x = parents[x]
        while parents[y] != y:
            parents[y] = parents[parents[y]]
            y = parents[y]
        if x < y:
            parents[y] = x
        elif y < x:
            parents[x] = y


@compiled
def flatten(parents: Any) -> None:
    """Make every node point at its root, in place; parents come before children."""
    for x in range(parents.size):
        parents[x] = parents[parents[x]]


@compiled
def elect(roots: Any, preferences: Any, sizes: Any, survivors: Any) -> None:
    """Count every set and choose its survivor: greatest preference, then smallest node.

    roots int[nodes]; preferences uint64[nodes]; fills sizes uint32[nodes] and survivors int[nodes],
    both at the root's place.
    """
    sizes[:] = 0
    for x in range(roots.size):
        root = roots[x]
        if sizes[root] == 0 or preferences[x] > preferences[survivors[root]]:
            survivors[root] = x
        sizes[root] += 1
