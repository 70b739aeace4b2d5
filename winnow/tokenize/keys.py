"""The order of the corpus: every document has a key, and a shard is a range of keys.

The key is a seeded hash of the document's id. So the split and the place of a document depend on
its id, the seed and the validation share, and on nothing that happens while the run goes on.

A document that training is to see n times is n rows. Copy 0 has the document's key; each further
one has a key of its own among the keys of the same split, so that no copy of what is validated on
is trained on.
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


def split_border(validation_share: float) -> int:
    """Keys below it are the validation split's."""
    return int(validation_share * KEYS)


def copy_keys(
    doc_ids: Array, copy: int, seed: int, validation_share: float
) -> npt.NDArray[np.uint64]:
    """Keys of copy number ``copy`` (1 or more) of documents, ``uint64[documents]``.

    Uniform over the keys of the split that the document is in: with [a, b) these and h the hash of
    the document under ``shuffle copy N``, ``a + ⌊h (b - a) / 2⁶⁴⌋``. Unlike keys of documents two
    of them may be equal.
    """
    border = split_border(validation_share)
    hashes = salted_keys(doc_ids, f"shuffle copy {copy}", seed)
    if not border:
        return hashes
    validates = shuffle_keys(doc_ids, seed) < np.uint64(border)
    first = np.where(validates, np.uint64(0), np.uint64(border))
    width = np.where(validates, np.uint64(border), np.uint64(KEYS - border))
    return first + _high_product(hashes, width)


def _high_product(a: npt.NDArray[np.uint64], b: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The upper 64 bits of the products, from those of their halves."""
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    a1, a0, b1, b0 = a >> half, a & low, b >> half, b & low
    middle = a1 * b0 + (a0 * b0 >> half)
    other = a0 * b1 + (middle & low)
    return np.asarray(a1 * b1 + (middle >> half) + (other >> half), np.uint64)


def split_shards(
    validation_share: float, train_count: int, validation_count: int
) -> tuple[SplitShard, ...]:
    """The output shards, train before validation.

    Documents with the lowest ``validation_share`` of all keys are the validation split; each
    split's keys are cut into equal ranges. The ranges meet, so every key lies in exactly one.
    """
    border = split_border(validation_share) if validation_count else 0
    train = _cut("train", border, KEYS, train_count)
    return train + _cut("validation", 0, border, validation_count)


def _cut(split: str, first: int, end: int, count: int) -> tuple[SplitShard, ...]:
    borders = [first + (end - first) * index // count for index in range(count)] + [end]
    return tuple(
        SplitShard(split, index, count, KeyRange(borders[index], borders[index + 1] - 1))
        for index in range(count)
    )
