"""The order in which clusters are worked off: by a hash of their id, so that ranges are alike.

Ids of clusters are documents' ids, which lie densely in few places of their range.
"""

from __future__ import annotations

import numpy as np

from winnow.dedup.clustering.keys import key_range


def range_firsts(first_part: int, last_part: int, parts: int) -> np.ndarray:
    """The least mixed id of each part ``first_part … last_part - 1`` of ``parts``, uint64."""
    return np.array([key_range(p, parts)[0] for p in range(first_part, last_part)], np.uint64)
