"""Compiled Jaccard similarity of pairs of sets.

Import this module inside ``open()`` only: numba is an optional package. A set is
distinct uint64, ascending.
"""

from __future__ import annotations

from typing import Any

from winnow.dedup.verifying.greedy_kernels import needed, overlap
from winnow.text.compiled import compiled


@compiled
def pair_similarities(
    new_offsets: Any, new_sets: Any, new_rows: Any, old_offsets: Any, old_sets: Any, old_rows: Any,
    similarity: float, found: Any,
) -> None:  # fmt: skip
    """``found[i]``, float64: the similarity of set ``new_rows[i]`` of the new and ``old_rows[i]``
    of the old; 0 where it is less than ``similarity``. Set s is ``sets[offsets[s]:offsets[s+1]]``;
    offsets and rows int64."""
    for i in range(found.size):
        left = new_sets[new_offsets[new_rows[i]] : new_offsets[new_rows[i] + 1]]
        right = old_sets[old_offsets[old_rows[i]] : old_offsets[old_rows[i] + 1]]
        total = left.size + right.size
        common = overlap(left, right, needed(similarity, total))
        found[i] = common / (total - common) if common else 0.0
        if found[i] < similarity:
            found[i] = 0.0
