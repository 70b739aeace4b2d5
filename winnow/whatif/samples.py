"""A few documents of many, the same ones whatever the number of threads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from winnow.hashing import keyed_hash
from winnow.whatif.verdicts import Verdicts

SEED = 0


@dataclass(frozen=True, order=True)
class Sample:
    """A document's place, ordered by its hash, and what is said of it."""

    key: int
    shard: int
    row: int
    reason: str


class Samples:
    """The ``limit`` documents whose places have the smallest hashes, of all that were added."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.chosen: list[Sample] = []

    def add(self, shard: int, rows: npt.NDArray[np.int64], verdicts: Verdicts) -> None:
        """``rows`` of a shard; their reason is what ``verdicts`` say."""
        keys = keyed_hash(rows.astype(np.uint64) | np.uint64(shard << 32), SEED)
        best = np.argsort(keys, kind="stable")[: self.limit]
        self._take(
            Sample(int(keys[i]), shard, int(rows[i]), verdicts.names[verdicts.codes[rows[i]]])
            for i in best
        )

    def merge(self, other: Samples) -> None:
        self._take(other.chosen)

    def _take(self, more: Iterable[Sample]) -> None:
        self.chosen = sorted([*self.chosen, *more])[: self.limit]
