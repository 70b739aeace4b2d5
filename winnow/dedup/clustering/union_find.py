"""Compiled connected components: union-find over nodes 0…n-1, and the choice of survivors.

Import this module inside ``open()`` only: numba is an optional package.
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


@compiled
def lowest(parents: Any, places: Any, outer: Any, minima: Any) -> None:
    """``minima[root of places[i]]`` becomes the least of itself and ``outer[i]``, in place.

    parents int[nodes], flat; places int[rows]; outer uint64[rows]; minima uint64[nodes].
    """
    for i in range(places.size):
        root = parents[places[i]]
        if outer[i] < minima[root]:
            minima[root] = outer[i]


@compiled
def gather(
    parents: Any, places: Any, sizes: Any, preferences: Any, survivors: Any, best: Any,
    set_sizes: Any, set_survivors: Any,
) -> None:  # fmt: skip
    """Add groups of documents to the sets that they belong to, in any order, in place.

    Group i has ``sizes[i]`` documents, of which doc_id ``survivors[i]`` has the greatest
    preference, ``preferences[i]``, and belongs to the set of node ``places[i]``. parents
    int[nodes], flat. best uint64[nodes], set_sizes uint32[nodes] (0: nothing yet) and
    set_survivors uint64[nodes] hold the same of each set, at its root's place. Ties go to the
    smallest doc_id.
    """
    for i in range(places.size):
        root = parents[places[i]]
        if (
            set_sizes[root] == 0
            or preferences[i] > best[root]
            or (preferences[i] == best[root] and survivors[i] < set_survivors[root])
        ):
            best[root] = preferences[i]
            set_survivors[root] = survivors[i]
        set_sizes[root] += sizes[i]
