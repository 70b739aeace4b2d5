from __future__ import annotations

import json
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from winnow.errors import PlanError
from winnow.filters.ensemble import HOW, Ensemble, rank
from winnow.filters.quality import QualityFilter
from winnow.filters.quality_card import card_path
from winnow.pipeline.fingerprint import canonical

scores = st.lists(
    st.tuples(*[st.one_of(st.none(), st.floats(0, 1))] * 3), max_size=20
)  # of three models


def batch_of(rows: list[tuple[float | None, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [[], [], []]
    return pa.record_batch(
        {f"s{n}": pa.array(list(column), pa.float64()) for n, column in enumerate(columns)}
    )


def ensemble(rows: list[tuple[float | None, ...]], stage: Ensemble) -> list[float | None]:
    found: list[float | None] = stage.open()(batch_of(rows)).column("ensemble_score").to_pylist()
    return found


@settings(deadline=None)
@given(scores)
def test_max_and_mean_are_of_the_scores_that_there_are(
    rows: list[tuple[float | None, ...]],
) -> None:
    present = [[score for score in row if score is not None] for row in rows]
    best = [max(some) if some else None for some in present]
    mean = [pytest.approx(sum(some) / len(some)) if some else None for some in present]
    columns = ("s0", "s1", "s2")
    assert ensemble(rows, Ensemble(of=columns, how="max")) == best
    assert ensemble(rows, Ensemble(of=columns)) == mean


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.lists(st.floats(0, 1), max_size=8))
def test_a_rank_is_the_share_of_the_table_that_is_no_better(
    table: list[float], asked: list[float]
) -> None:
    quantiles = np.sort(np.array(table))
    ranks = rank(np.array([*asked, *quantiles]), quantiles)
    assert ((ranks >= 0) & (ranks <= 1)).all()
    for score, found in zip([*asked, *quantiles], ranks, strict=True):
        below = int((quantiles <= score).sum()) - 1  # the last quantile that is no better
        if below < 0:
            assert found == 0
        elif quantiles[below] == score or below == len(quantiles) - 1:
            assert found == pytest.approx(below / (len(quantiles) - 1))
        else:
            assert below / (len(quantiles) - 1) <= found + 1e-12
            assert found <= (quantiles <= quantiles[below + 1]).sum() / (len(quantiles) - 1)
    order = np.argsort([*asked, *quantiles], kind="stable")
    assert (np.diff(ranks[order]) >= 0).all()


def write_card(path: Path, quantiles: list[float]) -> str:
    path.write_text(json.dumps({"held_out": {"score_quantiles": quantiles}}))
    return str(path)


def test_ranks_come_from_the_cards(tmp_path: Path) -> None:
    generous = write_card(tmp_path / "a.card.json", [0.8, 0.9, 1.0])
    strict = write_card(tmp_path / "b.card.json", [0.0, 0.1, 0.5])
    rows: list[tuple[float | None, ...]] = [(0.9, 0.5, None), (0.8, 0.1, 1.0), (None, None, 0.3)]
    stage = Ensemble(of=("s0", "s1"), how="rank", cards=(generous, strict))
    stage.check()
    assert ensemble(rows, stage) == [0.75, 0.25, None]
    best = Ensemble(of=("s0", "s1"), how="rank_max", cards=(generous, strict))
    assert ensemble(rows, best) == [1.0, 0.5, None]
    assert str(tmp_path) not in str(canonical(stage))
    (tmp_path / "b.card.json").write_text('{"held_out": {"score_quantiles": [0, 1]}}')
    changed = Ensemble(of=("s0", "s1"), how="rank", cards=(generous, strict))
    assert canonical(changed)["cards_sha256"][0] != canonical(changed)["cards_sha256"][1]


def test_it_reads_scores_and_no_text() -> None:
    stage = Ensemble(of=("quality_score_a", "quality_score_b"), suffix="both")
    assert stage.reads == ("quality_score_a", "quality_score_b")
    schema = pa.schema({"quality_score_a": pa.float64(), "quality_score_b": pa.float64()})
    assert stage.output_schema(schema).names[-1] == "ensemble_score_both"
    with pytest.raises(PlanError, match="quality_score_b"):
        stage.output_schema(pa.schema({"quality_score_a": pa.float64()}))


def test_what_cannot_be_meant(tmp_path: Path) -> None:
    for options, message in (
        ({"of": ()}, "of must name"),
        ({"of": ("a", "a")}, "each once"),
        ({"of": ("a",), "how": "median"}, f"one of {', '.join(HOW)}"),
        ({"of": ("a", "b"), "how": "rank", "cards": ("c",)}, "takes 2 cards, one for each"),
        ({"of": ("a",), "how": "max", "cards": ("c",)}, "takes 0 cards"),
    ):
        with pytest.raises(ValueError, match=message):
            Ensemble(**options)  # type: ignore[arg-type]
    wrong, unmeasured = tmp_path / "wrong.json", write_card(tmp_path / "none.json", [])
    wrong.write_text("{}")
    for path, message in (
        (str(tmp_path / "no.json"), "cannot read the card"),
        (str(wrong), "is not the card"),
        (unmeasured, "no document was held out"),
    ):
        with pytest.raises(PlanError, match=message):
            Ensemble(of=("a",), how="rank", cards=(path,)).check()


def test_the_card_that_comes_with_winnow_can_be_ranked_by() -> None:
    stage = Ensemble(of=("s0",), how="rank", cards=(card_path(QualityFilter().model_path),))
    low, high = ensemble([(0.0, None, None), (1.0, None, None)], stage)
    assert low == 0.0 and high == 1.0
