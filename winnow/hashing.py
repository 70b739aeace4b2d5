"""Seeded hashes of document ids: how winnow samples, shuffles and splits.

Never by position: a document's hash is the same whatever the number of workers or their order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_GOLDEN = 0x9E3779B97F4A7C15


def keyed_hash(doc_ids: npt.NDArray[np.uint64], seed: int) -> npt.NDArray[np.uint64]:
    """Uniform 64-bit hashes of ``doc_ids`` under ``seed``, ``uint64[n]``.

    The finaliser of SplitMix64 (Steele, Lea, Flood 2014) over ``doc_id + hash(seed)``: a bijection,
    so two documents never collide.
    """
    with np.errstate(over="ignore"):
        offset = mixed(np.array([seed % 2**64], np.uint64) + np.uint64(_GOLDEN))
        return mixed(np.asarray(doc_ids, np.uint64) + offset)


def mixed(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """uint64 → uint64, one to one and spread evenly: SplitMix64's finaliser (its figure 17)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
