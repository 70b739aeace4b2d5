"""Cluster size → times, as FineWeb 2 published it, and by pairs of one's own."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.dedup.exact import Exact
from winnow.dedup.minhash import MinHash
from winnow.dedup.rehydration import MAX_TIMES, Rehydration


def test_the_weights_are_those_of_the_readme_of_fineweb_2() -> None:
    wanted = {
        1: 1, 2: 2, 3: 3, 4: 3, 5: 5, 6: 5, 50: 5, 99: 5, 100: 8, 500: 8, 999: 8, 1000: 1,
        1001: 1, 2**32 - 1: 1,
    }  # fmt: skip
    sizes = np.array(list(wanted), np.uint32)
    times = Rehydration.parse("fineweb-2").repeat_counts(sizes)
    assert times.dtype == np.uint32 and dict(zip(wanted, times.tolist(), strict=True)) == wanted


@given(
    st.dictionaries(st.integers(2, 40), st.integers(1, MAX_TIMES), max_size=6),
    st.lists(st.integers(1, 50)),
)
def test_pairs_hold_from_their_size_to_the_next(steps: dict[int, int], sizes: list[int]) -> None:
    pairs = tuple(sorted({**steps, 1: 2}.items()))
    found = Rehydration.parse(pairs).repeat_counts(np.array(sizes, np.uint32)).tolist()
    limits = [size for size, _ in pairs]
    assert found == [pairs[bisect.bisect_right(limits, size) - 1][1] for size in sizes]


@pytest.mark.parametrize("block", [Exact, MinHash])
@pytest.mark.parametrize(
    "pairs",
    [
        (), ((2, 1),), ((1, 0),), ((1, 1), (1, 2)), ((1, 1), (5, 2), (3, 1)), ((1,),), ((1, 2, 3),),
        ((1, MAX_TIMES + 1),), ((1, 1), (1 << 32, 1)),
    ],
)  # fmt: skip
def test_what_are_no_steps_is_refused(block: type[Any], pairs: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="rehydrate"):
        block(rehydrate=pairs)


def test_the_verdicts_say_how_often(run_dedup: Callable[..., Any]) -> None:
    rows = [{"text": "alone"}, *[{"text": "five"}] * 5, *[{"text": "two"}] * 2]
    rows += [{"text": "gone", "rejected": True}]
    outcome = run_dedup(Exact(rehydrate="fineweb-2", keep="first"), [rows])
    assert [row["repeat_count"] for row in outcome.rows[0]] == [1, 5, 0, 0, 0, 0, 2, 0, None]
    assert outcome.counters["dedup"]["repeats"] == 5  # further readings of what is kept
