"""A Bloom filter over 128-bit hashes, cut into ``SEGMENTS`` by the leading bits of the key.

Bloom (1970). A segment is a filter of its own, of a size that follows from the number of its units
alone; so it is the same whichever task holds it, and together with how many others. With n units
and a wanted probability p it has ``n * ln(1/p) / ln(2)^2`` bits and sets ``log2(1/p)`` of them a
unit: a unit that was never added is taken for one with probability p at most, when all n are in and
no two are equal, and less before.

The bits of a unit are found by enhanced double hashing (Dillinger and Manolios 2004), of the check
and of the mixed key, each brought into range by the high half of a product: any number of bits
will do. datatrove 0.10 instead takes its hashes through a bit mask made of a number of bits that
is no power of two, and reaches but some of them (huggingface/datatrove, ``bloom_filter.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from winnow.errors import StageError
from winnow.text.compiled import compiled

SEGMENT_BITS = 12
SEGMENTS = 1 << SEGMENT_BITS
_MOST_BITS = (1 << 32) - 64


@dataclass(frozen=True)
class BloomSize:
    """How bits are given out for a false-positive probability, above 0 and below 1."""

    false_positive_prob: float

    def __post_init__(self) -> None:
        if not 0 < self.false_positive_prob < 1:
            raise ValueError(
                f"false_positive_prob must be between 0 and 1, got {self.false_positive_prob}"
            )

    @property
    def hash_count(self) -> int:
        """Bits set by a unit."""
        return max(1, round(-math.log2(self.false_positive_prob)))

    @property
    def bits_per_unit(self) -> float:
        """With :attr:`hash_count`, which is whole: the share of units taken wrongly is (1 -
        exp(-hash_count / bits_per_unit)) ^ hash_count."""
        count = self.hash_count
        return -count / math.log1p(-(self.false_positive_prob ** (1 / count)))

    def words(self, unit_counts: np.ndarray) -> np.ndarray:
        """64-bit words of segments with so many units, int64."""
        bits = np.ceil(unit_counts * self.bits_per_unit)
        words: np.ndarray = np.maximum(1, -(-bits // 64)).astype(np.int64)
        if int(words.max(initial=0)) * 64 > _MOST_BITS:
            raise StageError(
                f"a Bloom filter of {int(unit_counts.max()):,} units in one of its {SEGMENTS} "
                f"segments would need more than {_MOST_BITS:,} bits there",
                remedy='Raise false_positive_prob, or count exactly: method = "exact".',
            )
        return words


class BloomFilter:
    """The segments ``first_segment`` and following, as many as ``unit_counts`` has (int64: units
    that each is made for)."""

    def __init__(self, size: BloomSize, first_segment: int, unit_counts: np.ndarray) -> None:
        words = size.words(unit_counts)
        self._first_segment = first_segment
        self._starts = np.concatenate(([0], np.cumsum(words)))
        self._bits = np.zeros(int(self._starts[-1]), np.uint64)
        self._hash_count = size.hash_count

    @property
    def size_bytes(self) -> int:
        return self._bits.nbytes

    def add(self, keys: np.ndarray, checks: np.ndarray) -> np.ndarray:
        """Add units (uint64 both) in order; bool[units], whether each was there before, perhaps
        wrongly True and never wrongly False."""
        had = np.empty(len(keys), np.bool_)
        add_to_filter(
            keys, checks, self._first_segment, self._starts, self._bits, self._hash_count, had
        )
        return had


def segment_numbers(keys: np.ndarray) -> np.ndarray:
    """The segment of each key, int64."""
    return (keys >> np.uint64(64 - SEGMENT_BITS)).astype(np.int64)


_SEGMENT_SHIFT = np.uint64(64 - SEGMENT_BITS)
_HALF = np.uint64(32)
_ONE = np.uint64(1)
_SIX = np.uint64(6)
_LOW_SIX = np.uint64(63)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_MIX_SHIFT = np.uint64(33)


@compiled
def add_to_filter(
    keys: Any, checks: Any, first_segment: Any, starts: Any, bits: Any, hash_count: Any, had: Any
) -> None:
    """See :meth:`BloomFilter.add`. starts int64[segments + 1], in words of ``bits`` (uint64)."""
    for i in range(keys.size):
        segment = np.int64(keys[i] >> _SEGMENT_SHIFT) - first_segment
        start = starts[segment]
        size = np.uint64((starts[segment + 1] - start) * 64)
        # the leading bits of the key are those of its segment: the others must reach the top
        stride = (keys[i] ^ (keys[i] >> _MIX_SHIFT)) * _MIX
        stride ^= stride >> _MIX_SHIFT
        place = checks[i]
        known = True
        for number in range(hash_count):
            bit = ((place >> _HALF) * size) >> _HALF
            word = start + np.int64(bit >> _SIX)
            mask = _ONE << (bit & _LOW_SIX)
            known &= (bits[word] & mask) != 0
            bits[word] |= mask
            stride += np.uint64(number)
            place += stride
        had[i] = known
