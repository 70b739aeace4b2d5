"""Preferences order documents as the policy says, and every null comes last."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.exact import Exact
from winnow.dedup.minhash import MinHash
from winnow.dedup.survivors import Keep, policy_column, preferences
from winnow.errors import PlanError
from winnow.schema import DOCUMENTS

dates = st.none() | st.integers(-5_000_000_000, 5_000_000_000).map(
    lambda seconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
TEXT, DATE = pa.large_string(), pa.timestamp("s", tz="UTC")


def assert_order(keep: Keep, column: pa.Array, ranks: list[Any]) -> None:
    """``ranks``: greater is preferred, None is least, as the twin sees it."""
    found = preferences(keep, column).tolist()
    pairs = list(zip(found, ranks, strict=True))
    for a, rank_a in pairs:
        assert (a == 0) == (rank_a is None)
        for b, rank_b in pairs:
            if rank_a is not None and rank_b is not None:
                assert (a > b) == (rank_a > rank_b)


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=5), max_size=8))
@settings(deadline=None)
def test_length_counts_characters_not_bytes(texts: list[str]) -> None:
    assert_order("longest", pa.array(texts, TEXT), [len(text) for text in texts])
    assert_order("shortest", pa.array(texts, TEXT), [-len(text) for text in texts])


@given(st.lists(dates, max_size=8))
@settings(deadline=None)
def test_dates_before_1970_sort_before_it_and_null_is_last_either_way(
    values: list[datetime | None],
) -> None:
    column = pa.array(values, DATE)
    assert_order("latest", column, [value and value.timestamp() for value in values])
    earliest = [None if value is None else -value.timestamp() for value in values]
    assert_order("earliest", column, earliest)


@given(st.lists(st.none() | st.floats(), max_size=8))
@settings(deadline=None)
def test_scores_sort_as_numbers_and_nan_is_no_value(values: list[float | None]) -> None:
    column = pa.array(values, pa.float64(), from_pandas=False)
    known = [None if value is None or math.isnan(value) else value for value in values]
    assert_order("highest", column, known)
    assert_order("lowest", column, [None if value is None else -value for value in known])


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        (pa.int64(), -(1 << 63), (1 << 63) - 1),
        (pa.uint64(), 0, (1 << 64) - 1),
        (pa.int8(), -128, 127),
    ],
)
def test_any_whole_number_beats_none_and_sorts_as_a_number(
    kind: pa.DataType, least: int, most: int
) -> None:
    values = [least + 2, None, most - 2, least + 3, (least + most) // 2, most - 3]
    assert_order("highest", pa.array(values, kind), values)
    lowest = [None if value is None else -value for value in values]
    assert_order("lowest", pa.array(values, kind), lowest)
    ends = pa.array([least, most, None], kind)
    for keep in ("highest", "lowest"):
        found = preferences(keep, ends).tolist()
        assert min(found[:2]) > found[2]


def test_last_is_the_greatest_doc_id_and_first_a_tie() -> None:
    ids = pa.array([3, 1 << 63, 5], pa.uint64())
    assert preferences("last", ids).tolist() == [3, 1 << 63, 5]
    assert preferences("first", ids).tolist() == [0, 0, 0]


@pytest.mark.parametrize("kind", [Exact, MinHash])
def test_keep_by_goes_with_highest_and_lowest_only(kind: type[Any]) -> None:
    with pytest.raises(ValueError, match="keep_by"):
        kind(keep="highest")
    with pytest.raises(ValueError, match="keep_by"):
        kind(keep="longest", keep_by="quality_score")


def test_an_absent_or_wordy_column_is_a_plan_error() -> None:
    with pytest.raises(PlanError, match="reads column 'quality_score'"):
        policy_column("highest", "quality_score", DOCUMENTS, "minhash")
    with pytest.raises(PlanError, match="keep_by = 'url' is a column of string"):
        policy_column("highest", "url", DOCUMENTS, "minhash")
