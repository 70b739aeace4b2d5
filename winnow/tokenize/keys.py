"""The order of the corpus: every document has a key, and a shard is a range of keys.

The key is a seeded hash of the document's id. So the split and the place of a document depend on
its id, the seed and the validation share, and on nothing that happens while the run goes on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from winnow.hashing import keyed_hash

KEYS = 2**64

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class KeyRange:
    """Keys in [first, last]; empty where last < first. The upper end is inclusive because
    ``KEYS`` itself does not fit a uint64."""

    first: int
    last: int

    def rows(self, keys: npt.NDArray[np.uint64]) -> slice:
        """Where the range lies in ``keys``, which rise."""
        if self.last < self.first:
            return slice(0, 0)
        low = np.searchsorted(keys, np.uint64(self.first), side="left")
        return slice(int(low), int(np.searchsorted(keys, np.uint64(self.last), side="right")))


ALL_KEYS = KeyRange(0, KEYS - 1)


@dataclass(frozen=True)
class SplitShard:
    """One output shard: number ``index`` of the ``count`` of its split, and its keys."""

    split: str
    index: int
    count: int
    keys: KeyRange


def salted_keys(doc_ids: Array, purpose: str, seed: int) -> npt.NDArray[np.uint64]:
    """Uniform keys of ``doc_ids`` for ``purpose``, ``uint64[documents]``, unequal for unequal ids.

    Each purpose has hashes of its own: were they shared, documents sampled by small hashes would
    all lie in the same corner of the shuffle.
    """
    salt = hashlib.sha256(f"winnow {purpose} {seed}".encode()).digest()[:8]
    return keyed_hash(doc_ids, int.from_bytes(salt, "little"))


def shuffle_keys(doc_ids: Array, seed: int) -> npt.NDArray[np.uint64]:
    """The keys that the corpus is sorted by."""
    return salted_keys(doc_ids, "shuffle", seed)


def split_shards(
    validation_share: float, train_count: int, validation_count: int
) -> tuple[SplitShard, ...]:
    """The output shards, train before validation.

    Documents with the lowest ``validation_share`` of all keys are the validation split; each
    split's keys are cut into equal ranges. The ranges meet, so every key lies in exactly one.
    """
    border = int(validation_share * KEYS) if validation_count else 0
    train = _cut("train", border, KEYS, train_count)
    return train + _cut("validation", 0, border, validation_count)


def _cut(split: str, first: int, end: int, count: int) -> tuple[SplitShard, ...]:
    borders = [first + (end - first) * index // count for index in range(count)] + [end]
    return tuple(
        SplitShard(split, index, count, KeyRange(borders[index], borders[index + 1] - 1))
        for index in range(count)
    )
