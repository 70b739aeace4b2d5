"""How often training sees a document, by the size of its cluster.

That a page was copied says something of it: what few or very many copies there are of is removed by
FineWeb-2's filters more often than what lies between. ``fineweb-2`` has the weights that the
FineWeb 2 repository published with the data set (github.com/huggingface/fineweb-2, README,
"Deduplication": no duplicates 1, N = 2 or 3 N times, 4 three times, 5 to 99 five
times, 100 to 999 eight times, 1,000 and more once). Its authors say there that they had not tried
many others; later they published weights by language, made from the removal rates by cluster size
(the same repository, "Deduplication informed upsampling"). Those are pairs ``[n, times]`` too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

MAX_TIMES = 1000  # each is a row of the token shards
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
        if sizes[0] != 1 or sizes[-1] >= 1 << 32:
            raise ValueError("rehydrate must begin with [1, times], and sizes be below 2^32")
        if not all(1 <= times <= MAX_TIMES for _, times in pairs):
            raise ValueError(f"rehydrate: times must be 1 to {MAX_TIMES:,}")
        return cls(pairs)

    def repeat_counts(self, cluster_sizes: np.ndarray) -> np.ndarray:
        """``uint32[n]`` for ``cluster_sizes`` (uint32[n], 1 or more)."""
        sizes = np.array([size for size, _ in self.steps], np.uint32)
        times = np.array([times for _, times in self.steps], np.uint32)
        return times[np.searchsorted(sizes, cluster_sizes, "right") - 1]
