"""How often training sees a document, by the size of its cluster.

That a page was copied says something of it: Penedo et al. (2025, FineWeb2, section 4.3) upsample
the survivors of small clusters, whose pages pass their filters best, and not those of the largest,
which are boilerplate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

FINEWEB_2 = ((1, 1), (2, 2), (3, 3), (5, 5), (100, 8), (1000, 1))


@dataclass(frozen=True)
class Rehydration:
    """``steps``: (smallest cluster size, times), sizes ascending from 1."""

    steps: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, rehydrate: Literal["fineweb-2"] | tuple[tuple[int, ...], ...]) -> Rehydration:
        """From a config's value; :class:`ValueError` for what is none."""
        if isinstance(rehydrate, str):
            return cls(FINEWEB_2)
        pairs = tuple(pair for pair in rehydrate if len(pair) == 2)
        sizes = [size for size, _ in pairs]
        if len(pairs) != len(rehydrate) or not pairs or sizes != sorted(set(sizes)):
            raise ValueError("rehydrate must be pairs [cluster size, times], sizes ascending")
        if sizes[0] != 1 or min(times for _, times in pairs) < 1:
            raise ValueError("rehydrate must begin with [1, times], and times be 1 at least")
        return cls(pairs)

    def repeat_counts(self, cluster_sizes: np.ndarray) -> np.ndarray:
        """``uint32[n]`` for ``cluster_sizes`` (uint32[n], 1 or more)."""
        sizes = np.array([size for size, _ in self.steps], np.uint32)
        times = np.array([times for _, times in self.steps], np.uint32)
        return times[np.searchsorted(sizes, cluster_sizes, "right") - 1]
