"""Bands from a wanted similarity, as datasketch solves them; what a cut finds."""

from __future__ import annotations

import random

import pytest

from winnow.dedup.minhash import MinHash
from winnow.dedup.signing.banding import CURVE, collision_curve, found_prob, solve_bands, threshold


@pytest.mark.parametrize(
    ("similarity", "permutations", "solved"),
    [(0.8, 128, (9, 13)), (0.7, 128, (14, 9)), (0.9, 128, (5, 25)), (1.0, 128, (1, 128)),
     (0.8, 1, (1, 1))],
)  # fmt: skip
def test_solved_bands_are_those_known(
    similarity: float, permutations: int, solved: tuple[int, int]
) -> None:
    # the first four: RedPajama-V2, table of its deduplication
    assert solve_bands(similarity, permutations) == solved


@pytest.mark.filterwarnings("ignore")  # of the peer's integrals
@pytest.mark.parametrize("permutations", [7, 64, 112])
def test_solved_bands_are_those_of_datasketch(permutations: int) -> None:
    lsh = pytest.importorskip("datasketch.lsh")
    for percent in (5, 33, 50, 62, 70, 75, 80, 86, 90, 97, 100):
        wanted = lsh._optimal_param(percent / 100, permutations, 0.5, 0.5)
        assert solve_bands(percent / 100, permutations) == wanted


def test_found_prob_is_how_often_pairs_are_found() -> None:
    draw = random.Random(5)
    bands, rows, similarity, trials = 4, 3, 0.7, 4000
    found = sum(
        any(all(draw.random() < similarity for _ in range(rows)) for _ in range(bands))
        for _ in range(trials)
    )
    assert abs(found / trials - found_prob(similarity, bands, rows)) < 0.04


def test_the_curve_of_fineweb() -> None:
    curve = dict(collision_curve(14, 8))
    assert tuple(curve) == CURVE == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
    known = {0.5: 0.053, 0.6: 0.211, 0.7: 0.565, 0.75: 0.772, 0.8: 0.924, 0.85: 0.988, 1.0: 1.0}
    assert {s: round(curve[s], 3) for s in known} == known
    assert found_prob(threshold(14, 8), 14, 8) == pytest.approx(0.5)


def test_the_plan_shows_the_curve_and_what_was_solved() -> None:
    first, second = MinHash().plan_notes()
    assert first.startswith("14 bands x 8 rows: Jaccard 0.50 found with probability 0.05, 0.55 ")
    assert "0.75 0.77" in first and first.endswith("1.00 1.00")
    assert second == "every second pair is found at Jaccard 0.685"
    first, second = MinHash(similarity=0.8).plan_notes()
    assert first.startswith("9 bands x 13 rows: ")
    assert second.endswith("; solved from similarity 0.8 and 128 values")
