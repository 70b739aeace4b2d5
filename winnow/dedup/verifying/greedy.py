"""Within a cluster: the most preferred document stays, and with it all that no survivor is like.

Documents come in the order of preference. Each is compared with all survivors of its cluster so
far by the true Jaccard similarity of their sets. Where the greatest is ``similarity`` or more, it
is a duplicate of that survivor (of equally similar ones, of the more preferred); else it survives
itself. So every document that goes is so similar to the very document that stays for it, which is
also preferred to it: no chains, no accident of a hash.

Memory: the survivors of one cluster that are held to be compared with, ``MOST_VALUES`` hashes of
them at most: 8 bytes for each, 8 for its place in the table and 16 for the table, 32 bytes · 2^22 =
134 MB. Where a cluster has more, the older half goes (but the first): the documents after are not
compared with these (``uncompared``). With ``keep = "longest"`` the older ones are the longer, which
a shorter document is less and less like. Nor is a set of more than a quarter of that held, unless
it is the first of its cluster, which is held whatever its size (n hashes: 32 bytes for each of
n + 3 · 2^20, rounded up to a power of two): of equal documents all but one go, also of huge ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from winnow.dedup.verifying import greedy_kernels as kernels

MOST_VALUES = 1 << 22
MOST_SURVIVORS = 1 << 18
_FIRST_VALUES = 1 << 14
_FIRST_SURVIVORS = 1 << 8


@dataclass(frozen=True)
class Judged:
    """Arrays of a length."""

    survivors: np.ndarray
    """int64: number of the document that stays for it, its own if it stays."""
    similarities: np.ndarray
    """float32: true Jaccard similarity to that one."""


class Greedy:
    """Judges documents, cluster by cluster, in as many calls as one likes."""

    def __init__(
        self,
        similarity: float,
        most_values: int = MOST_VALUES,
        most_survivors: int = MOST_SURVIVORS,
    ) -> None:
        """``most_values`` of 4 or more and a power of two; ``most_survivors`` of 2 or more."""
        self._similarity = similarity
        self._most_values, self._most_survivors = most_values, most_survivors
        self._state = np.zeros(5, np.int64)
        self._values = np.zeros(0, np.uint64)
        self._ends = np.zeros(1, np.int64)
        self._places = np.zeros(0, np.int64)
        self._grow_survivors(min(_FIRST_SURVIVORS, most_survivors))
        self._grow_values(min(_FIRST_VALUES, most_values))

    @property
    def unlike_first(self) -> int:
        """Documents that are not like the most preferred of their cluster."""
        return int(self._state[kernels.UNLIKE_FIRST])

    @property
    def uncompared(self) -> int:
        """Survivors with which not all later documents of their cluster were compared."""
        return int(self._state[kernels.UNCOMPARED])

    def judge(
        self, starts: np.ndarray, offsets: np.ndarray, sets: np.ndarray, first_place: int
    ) -> Judged:
        """The next documents: starts bool[documents], the first of its cluster; offsets
        int64[documents + 1] into sets uint64[…]; ``first_place``: number of the first of them."""
        survivors = np.empty(len(starts), np.int64)
        similarities = np.empty(len(starts), np.float32)
        at = 0
        while True:
            at = kernels.compare(
                at, starts, offsets, sets, self._similarity, first_place, self._most_values // 4,
                self._ends, self._places, self._values, self._heads, self._counts, self._nexts,
                self._owners, self._hits, self._touched, self._state, survivors, similarities,
            )  # fmt: skip
            if at == len(starts):
                return Judged(survivors, similarities)
            self._make_room(int(offsets[at + 1] - offsets[at]))

    def _make_room(self, size: int) -> None:
        count = int(self._state[kernels.SURVIVORS])
        needed = int(self._ends[count]) + size
        most_held = kernels.most_held(int(self._ends[1]), self._most_values // 4)
        if count == len(self._places) < self._most_survivors:
            self._grow_survivors(min(2 * count, self._most_survivors))
        elif len(self._values) < needed and (not count or needed <= most_held):
            wanted = 2 * len(self._values)  # a power of two: so is the table
            while wanted < needed:
                wanted *= 2
            self._grow_values(wanted)
        else:
            most = (self._most_survivors - 1) // 2
            half = self._most_values // 2
            kernels.drop_older(self._ends, self._values, self._places, half, most, self._state)
        if self._state[kernels.SURVIVORS] > kernels.FEW:
            self._state[kernels.SLOTS] = 0
            kernels.index_from(
                0, self._ends, self._values, self._heads, self._counts, self._nexts, self._owners,
                self._state,
            )  # fmt: skip

    def _grow_survivors(self, count: int) -> None:
        self._ends = _grown(self._ends, count + 1)
        self._places = _grown(self._places, count)
        self._hits = np.zeros(count, np.int32)
        self._touched = np.zeros(count, np.int32)

    def _grow_values(self, count: int) -> None:
        self._values = _grown(self._values, count)
        # made anew from the values
        self._nexts = np.empty(count, np.int32)
        self._owners = np.empty(count, np.int32)
        slots = max(kernels.FIRST_SLOTS, 2 * count)
        self._heads = np.empty(slots, np.int32)
        self._counts = np.empty(slots, np.int32)


def _grown(array: np.ndarray, length: int) -> np.ndarray:
    grown = np.zeros(length, array.dtype)
    grown[: len(array)] = array
    return grown
