"""Compiled union by size, as datatrove's stage 3 does it.

Import this module inside ``open()`` only: numba is an optional package.
"""

from __future__ import annotations

from typing import Any

from winnow.text.compiled import compiled


@compiled
def unite_by_size(parents: Any, sizes: Any, first: Any, second: Any) -> None:
    """Unite ``first[i]`` and ``second[i]`` in the order of i, in place.

    parents, sizes int64[nodes]. The root of the larger set stays, of equal ones ``first``'s.
    """
    for i in range(first.size):
        a, b = first[i], second[i]
        while parents[a] != a:
            parents[a] = parents[parents[a]]
            a = parents[a]
        while parents[b] != b:
            parents[b] = parents[parents[b]]
            b = parents[b]
        if a == b:
            continue
        if sizes[a] < sizes[b]:
            a, b = b, a
        parents[b] = a
        sizes[a] += sizes[b]


@compiled
def roots(parents: Any) -> None:
    """Make every node point at its root, in place."""
    for x in range(parents.size):
        root = x
        while parents[root] != root:
            root = parents[root]
        at = x
        while parents[at] != root:
            above = parents[at]
            parents[at] = root
            at = above
