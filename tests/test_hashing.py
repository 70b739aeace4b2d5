import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from winnow.hashing import keyed_hash

MASK = 2**64 - 1


def slow(doc_id: int, seed: int) -> int:
    """SplitMix64's finaliser in Python integers."""

    def mix(z: int) -> int:
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    return mix((doc_id + mix((seed + 0x9E3779B97F4A7C15) & MASK)) & MASK)


@given(ids=st.lists(st.integers(0, MASK), max_size=20), seed=st.integers(0, 2**63))
def test_it_is_what_the_slow_twin_says(ids: list[int], seed: int) -> None:
    assert keyed_hash(np.array(ids, np.uint64), seed).tolist() == [slow(i, seed) for i in ids]


def test_it_is_uniform_enough_to_sample_by() -> None:
    keys = keyed_hash(np.arange(100_000, dtype=np.uint64), 0)
    counts = np.bincount((keys >> np.uint64(60)).astype(np.int64), minlength=16)
    assert counts.min() > 5_900 and counts.max() < 6_600  # 6,250 expected, sd 77
