"""Choices that are the same on every machine and in every Python."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Seeded choices, built on `random()` alone.

    Python promises that a seeded `random()` never changes; it makes no such promise for `choice`,
    `shuffle` or `sample`. Every page has dice of its own, keyed by its URL, so that adding a page
    does not change any other.
    """

    def __init__(self, key: str) -> None:
        self._random = random.Random(f"winnow demo crawl: {key}")

    def below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def chance(self, share: float) -> bool:
        return self._random.random() < share

    def pick(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different items (fewer if there are fewer), in random order."""
        pool = list(items)
        return [pool.pop(self.below(len(pool))) for _ in range(min(count, len(pool)))]
