"""Bounds and verdicts: inclusive, first broken one wins, margins in units of the bound."""

import math
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given

from winnow.errors import ConfigError
from winnow.pipeline.bounds import Bound, judge, override

numbers = st.one_of(st.none(), st.floats(-1e6, 1e6))


def verdicts(batch: pa.RecordBatch, *bounds: Bound) -> list[str]:
    found: list[str] = judge(batch, bounds)[0].to_pylist()
    return found


def column(*values: float | None) -> pa.RecordBatch:
    return pa.record_batch({"x": pa.array(values, pa.float64())})


def test_bounds_are_inclusive_and_null_passes() -> None:
    bound = Bound(measure="x", min=1, max=2)
    assert verdicts(column(0.999, 1, 2, 2.001, None), bound) == ["x", "kept", "kept", "x", "kept"]


def test_the_first_broken_bound_gives_the_reason() -> None:
    batch = pa.record_batch({"a": [5.0, 0.0, 5.0], "b": [5.0, 5.0, 0.0]})
    bounds = Bound(measure="a", max=1), Bound(measure="b", max=1)
    assert verdicts(batch, *bounds) == ["a", "b", "a"]


def test_a_rejected_row_keeps_value_bound_and_margin() -> None:
    verdict, value, limit, margin, broken = judge(column(30.0, 75.0), (Bound(measure="x", min=50),))
    assert verdict.to_pylist() == ["x", "kept"]
    assert value.to_pylist() == [30.0, None]
    assert limit.to_pylist() == [50.0, None]
    assert margin.to_pylist() == [-0.4, 0.5]  # 20 of 50 short; 25 of 50 to spare
    assert broken.to_pylist() == [1, 0]


def test_the_margin_of_a_kept_row_is_its_tightest() -> None:
    batch = pa.record_batch({"a": [0.9], "b": [0.5]})
    *_, margin, _ = judge(batch, (Bound(measure="a", max=1.0), Bound(measure="b", max=1.0)))
    assert math.isclose(margin[0].as_py(), 0.1)


def test_every_broken_bound_is_named_not_only_the_first() -> None:
    batch = pa.record_batch({"a": [5.0, 0.0, None], "b": [5.0, 5.0, 5.0]})
    bounds = (Bound(measure="a", max=1), Bound(measure="b", max=1))
    assert judge(batch, bounds)[-1].to_pylist() == [3, 2, 2]
    assert judge(batch, bounds * 33)[-1].to_pylist() == [None, None, None]


def test_a_foreign_filter_rejects_by_its_own_reason() -> None:
    batch = pa.record_batch({"c4": ["too_few", None], "b": [5.0, 5.0]})
    bound = Bound(measure="c4", allowed=(), label_is_verdict=True)
    assert verdicts(batch, bound, Bound(measure="b", max=1)) == ["too_few", "b"]


def test_labels() -> None:
    batch = pa.record_batch({"language": ["en", "de", None, "xx"]})
    some = Bound(measure="language", allowed=("en", "de"))
    assert verdicts(batch, some) == ["kept", "kept", "kept", "language"]
    none = Bound(measure="language", allowed=())
    assert verdicts(batch, none) == ["language", "language", "kept", "language"]


def test_a_bound_per_language() -> None:
    batch = pa.record_batch({"language": ["en", "de", "fr", None], "p": [0.6, 0.6, 0.1, 0.1]})
    bound = Bound(measure="p", by_column="language", by=(("en", 0.65, None), ("de", 0.5, None)))
    assert verdicts(batch, bound) == ["p", "kept", "kept", "kept"]


@given(values=st.lists(numbers, max_size=20), low=st.floats(-100, 100), high=st.floats(-100, 100))
def test_verdicts_are_what_comparison_says(
    values: list[float | None], low: float, high: float
) -> None:
    low, high = min(low, high), max(low, high)
    expected = ["kept" if value is None or low <= value <= high else "x" for value in values]
    assert verdicts(column(*values), Bound(measure="x", min=low, max=high)) == expected


def rows_of(columns: list[pa.Array]) -> list[tuple[object, ...]]:
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


@given(values=st.lists(numbers, min_size=1, max_size=20), cut=st.integers(0, 20))
def test_verdicts_do_not_depend_on_batches(values: list[float | None], cut: int) -> None:
    bounds = (Bound(measure="x", min=-5, max=5),)
    whole = column(*values)
    parts = [whole.slice(0, cut), whole.slice(cut)]
    joined = [row for part in parts for row in rows_of(judge(part, bounds))]
    assert joined == rows_of(judge(whole, bounds))


DEFAULTS = Bound(measure="words", min=50, max=100_000), Bound(measure="share", max=0.3)
MEASURES = ("words", "share", "extra")


def test_an_override_keeps_the_other_side_and_the_order() -> None:
    changed = override(DEFAULTS, {"extra": {"max": 1}, "words": {"min": 10}}, "s", MEASURES)
    assert changed == (
        Bound(measure="words", min=10, max=100_000),
        DEFAULTS[1],
        Bound(measure="extra", max=1),
    )


def test_off_takes_a_bound_away() -> None:
    assert override(DEFAULTS, {"words": "off"}, "s", MEASURES) == (DEFAULTS[1],)


def test_a_bound_on_a_measure_that_nobody_computes() -> None:
    with pytest.raises(ConfigError, match=r"no measure 'word'.*Did you mean 'words'") as caught:
        override(DEFAULTS, {"word": {"min": 1}}, "gopher", MEASURES)
    assert "words, share, extra" in str(caught.value)


@pytest.mark.parametrize("limits", [3, {"least": 3}, {"min": "3"}, {"max": True}, "on"])
def test_what_is_no_bound_is_refused(limits: object) -> None:
    with pytest.raises(ConfigError, match="words"):
        override(DEFAULTS, {"words": limits}, "s", MEASURES)


def test_limits_per_language() -> None:
    table = {"words": {"per_language": {"de": {"min": 20}, "fr": "off"}, "max": 90}}
    changed = override(DEFAULTS, table, "s", MEASURES)[0]
    assert changed == Bound(
        measure="words",
        min=50,
        max=90,
        by_column="language",
        by=(("de", 20.0, 90.0), ("fr", None, None)),
    )
    batch = pa.record_batch(
        {"language": ["de", "de", "fr", "en", "en", None], "words": [20, 91, 0, 49, 50, 49]}
    )
    assert verdicts(batch, changed) == ["kept", "words", "kept", "words", "kept", "words"]


def test_limits_per_language_add_to_those_there_are() -> None:
    old = Bound(measure="p", by_column="language", by=(("en", 0.65, None), ("de", 0.5, None)))
    (changed,) = override((old,), {"p": {"per_language": {"de": {"min": 0.4}}}}, "s", ("p",))
    assert changed.by == (("de", 0.4, None), ("en", 0.65, None))
    plain = override((), {"p": {"per_language": {"de": {"max": 1}}}}, "s", ("p",))
    assert plain == (Bound(measure="p", by_column="language", by=(("de", None, 1.0),)),)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "must be a table by language"),
        ("off", "must be a table by language"),
        ({"de": 3}, r"per_language\.de must be a table with min and/or max"),
        ({"de": {}}, r"per_language\.de must be a table"),
        ({"de": {"least": 3}}, r"per_language\.de must be a table"),
        ({"de": {"min": "3"}}, r"per_language\.de\.min must be a number"),
        ({"de": {"min": 200_000}}, "for 'de', min 200000 is above max 100000"),
    ],
)
def test_what_is_no_limit_of_a_language(table: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        override(DEFAULTS, {"words": {"per_language": table}}, "s", MEASURES)


def test_bounds_come_back_from_a_manifest() -> None:
    from winnow.pipeline.bounds import TopShare, read_bounds
    from winnow.pipeline.fingerprint import canonical

    bounds = (
        *override(DEFAULTS, {"words": {"per_language": {"de": {"min": 20}}}}, "s", MEASURES),
        Bound(measure="language", allowed=("en", "de")),
        Bound(measure="c4", allowed=(), label_is_verdict=True),
        Bound(measure="q", top=TopShare(share=0.1, by="text_bytes", per="language")),
        Bound(measure="q", min=0, top=TopShare(share=0.5, cuts=((None, 0.25, 7), ("en", 1.5, 9)))),
    )
    assert read_bounds(canonical(bounds)) == bounds


SCHEMA = pa.schema(
    [
        ("words", pa.int64()),
        ("language", pa.string()),
        ("share", pa.float64()),
        ("doc_id", "uint64"),
    ]
)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"language": {"min": 1}}, "is a label"),
        ({"language": {"top_share": 0.1}}, "is a label"),
        ({"words": {"allowed": ["a"]}}, "is a number"),
        ({"share": {"top_share": 0.1, "by": "share"}}, "whole numbers"),
        ({"share": {"top_share": 0.1, "per": "words"}}, "labels"),
    ],
)
def test_a_bound_must_fit_the_type_of_its_columns(table: dict[str, Any], says: str) -> None:
    (bound,) = override((), table, "s", ("words", "language", "share"))
    with pytest.raises(ConfigError, match=says):
        bound.check(SCHEMA)


def test_bounds_that_fit_are_let_through() -> None:
    table = {
        "words": {"min": 1, "per_language": {"de": {"max": 3}}},
        "language": {"allowed": ["en"]},
        "share": {"top_share": 0.1, "by": "words", "per": "language"},
    }
    for bound in override((), table, "s", ("words", "language", "share")):
        bound.check(SCHEMA)


def test_a_changed_top_share_keeps_what_is_not_named() -> None:
    first = override((), {"q": {"top_share": 0.5, "by": "words", "per": "language"}}, "s", ("q",))
    (less,) = override(first, {"q": {"top_share": 0.2}}, "s", ("q",))
    assert less.top is not None
    assert (less.top.share, less.top.by, less.top.per) == (0.2, "words", "language")
    (other,) = override(first, {"q": {"by": "documents"}}, "s", ("q",))
    assert other.top is not None
    assert (other.top.share, other.top.by, other.top.per) == (0.5, None, "language")
    with pytest.raises(ConfigError, match="either limits or the best"):
        override((), {"q": {"by": "words"}}, "s", ("q",))


@pytest.mark.parametrize("limit", [math.nan, math.inf, -math.inf])
def test_limits_of_a_language_are_finite_too(limit: float) -> None:
    with pytest.raises(ConfigError, match="finite"):
        override((), {"words": {"per_language": {"de": {"min": limit}}}}, "s", ("words",))
