"""The order in which clusters are worked off: by a hash of their id, so that ranges are alike."""

from __future__ import annotations

import numpy as np

from winnow.dedup.clustering.keys import key_range

MAX_PARTITIONS = 256


def mixed(cluster_ids: np.ndarray) -> np.ndarray:
    """uint64 → uint64, one to one: splitmix64's finalizer (Steele, Lea and Flood 2014, figure 17).

    Cluster ids are documents' ids, which lie densely in few places of their range.
    """
    x: np.ndarray = cluster_ids ^ (cluster_ids >> np.uint64(30))
    x = x * np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def range_firsts(first_part: int, last_part: int, parts: int) -> np.ndarray:
    """The least mixed id of each part ``first_part … last_part - 1`` of ``parts``, uint64."""
    return np.array([key_range(p, parts)[0] for p in range(first_part, last_part)], np.uint64)
