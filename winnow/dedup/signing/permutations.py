"""The random permutations of a signature, drawn as the library draws them that we equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from winnow.dedup.signing.shape import Family

PRIME = (1 << 61) - 1


def permutations(count: int, seed: int, family: Family = "datatrove") -> tuple[np.ndarray, ...]:
    """``(a, b)`` of ``count`` permutations ``h → a * h + b``, from one MT19937 stream.

    datatrove 0.10: uint64, all a (1 to 2^61 - 2), then all b (0 to 2^61 - 2). datasketch 2
    ("affine32"): uint32, all a (odd), then all b. datasketch 1 ("legacy"): as datatrove, but an a
    and its b by turns.
    """
    stream = np.random.RandomState(seed)
    if family == "datasketch":
        odd = stream.randint(0, 1 << 31, count, np.uint32) * np.uint32(2) + np.uint32(1)
        return odd, stream.randint(0, 1 << 32, count, np.uint32)
    if family == "datasketch-1":
        pairs = np.array(
            [
                (
                    stream.randint(1, PRIME, dtype=np.uint64),
                    stream.randint(0, PRIME, dtype=np.uint64),
                )
                for _ in range(count)
            ],
            np.uint64,
        )
        return pairs[:, 0].copy(), pairs[:, 1].copy()
    a = stream.randint(1, PRIME, size=count, dtype=np.uint64)
    return a, stream.randint(0, PRIME, size=count, dtype=np.uint64)
