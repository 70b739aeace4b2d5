"""Figures of a classifier, against their definitions written out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from winnow.filters.quality_figures import (
    auc,
    expected_calibration_error,
    figures,
    precision_at_top,
    quantiles,
    reliability,
)

documents = st.lists(
    st.tuples(
        st.one_of(st.sampled_from([0.0, 0.1, 0.5, 0.95, 1.0]), st.floats(0, 1)), st.booleans()
    ),
    max_size=30,
)


def arrays(pairs: list[tuple[float, bool]]) -> tuple[Any, Any]:
    return (
        np.array([score for score, _ in pairs], np.float64),
        np.array([good for _, good in pairs], bool),
    )


@settings(deadline=None)
@given(documents)
def test_auc_is_the_share_of_pairs_in_order(pairs: list[tuple[float, bool]]) -> None:
    goods = [score for score, good in pairs if good]
    bads = [score for score, good in pairs if not good]
    wins = [(g > b) + 0.5 * (g == b) for g, b in itertools.product(goods, bads)]
    expected = pytest.approx(sum(wins) / len(wins)) if wins else None
    assert auc(*arrays(pairs)) == expected


@settings(deadline=None)
@given(documents, st.sampled_from([0.01, 0.1, 0.34, 0.5, 1.0]))
def test_precision_at_top_is_the_mean_over_all_orders_of_equals(
    pairs: list[tuple[float, bool]], share: float
) -> None:
    if not pairs:
        assert precision_at_top(*arrays(pairs), share) is None
        return
    number = max(1, math.floor(share * len(pairs)))
    # good or bad first among equals; by symmetry the mean lies between, and linearly so
    best = sorted(pairs, key=lambda pair: (-pair[0], not pair[1]))[:number]
    worst = sorted(pairs, key=lambda pair: (-pair[0], pair[1]))[:number]
    found = precision_at_top(*arrays(pairs), share)
    assert found is not None
    low, high = (sum(good for _, good in side) / number for side in (worst, best))
    assert low - 1e-12 <= found <= high + 1e-12
    if low == high:
        assert found == pytest.approx(low)


def test_equal_scores_count_in_part() -> None:
    scores, good = arrays([(0.9, True), (0.5, True), (0.5, False), (0.1, False)])
    assert precision_at_top(scores, good, 0.5) == 0.75


@settings(deadline=None)
@given(documents)
def test_calibration(pairs: list[tuple[float, bool]]) -> None:
    bins: dict[int, list[tuple[float, bool]]] = {}
    for score, good in pairs:
        bins.setdefault(min(9, int(score * 10)), []).append((score, good))
    error = 0.0
    for inside in bins.values():
        mean = sum(score for score, _ in inside) / len(inside)
        error += abs(mean - sum(good for _, good in inside) / len(inside)) * len(inside)
    assert [row["documents"] for row in reliability(*arrays(pairs))] == [
        len(bins[place]) for place in sorted(bins)
    ]
    expected = pytest.approx(error / len(pairs)) if pairs else None
    assert expected_calibration_error(*arrays(pairs)) == expected


def test_quantiles_are_of_the_documents() -> None:
    table = quantiles(np.array([3.0, 1.0, 2.0]))
    assert (table[0], table[500], table[-1], len(table)) == (1.0, 2.0, 3.0, 1001)
    assert quantiles(np.array([])) == []


@pytest.mark.parametrize("good", [[], [True], [False, False]])
def test_what_cannot_be_known_is_none(good: list[bool]) -> None:
    found = figures(np.linspace(0, 1, len(good)), np.array(good, bool))
    assert found["auc"] is None
    assert (found["positive_recall"] is None) == (True not in good)
    assert (found["negative_recall"] is None) == (False not in good)


def walk(value: Any, check: Callable[[Any], bool]) -> bool:
    if isinstance(value, dict):
        return all(walk(each, check) for each in value.values())
    if isinstance(value, list):
        return all(walk(each, check) for each in value)
    return check(value)


@settings(deadline=None)
@given(documents)
def test_figures_are_plain_numbers_in_their_range(pairs: list[tuple[float, bool]]) -> None:
    found = figures(*arrays(pairs))
    assert walk(found, lambda v: v is None or type(v) in (int, float))
    del found["documents"], found["positive_documents"]
    for row in found.pop("reliability"):
        assert 0 <= row["positive_share"] <= 1 and 0 <= row["mean_score"] <= 1
    assert walk(found, lambda v: v is None or 0 <= v <= 1)
