"""Who is whose duplicate: the compiled comparison equals its twin in plain Python on any sets."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.dedup.verifying import greedy_kernels
from winnow.dedup.verifying.greedy import Greedy

Set = frozenset[int]
Corpus = list[list[Set]]  # sets by cluster, in the order of preference
MOST = 1 << 40


def twin(
    corpus: Corpus, similarity: float, most_values: int = MOST, most_survivors: int = MOST
) -> tuple[list[tuple[int, float]], int, int]:
    """((survivor, similarity) by document, documents unlike the first, survivors let go)."""
    found: list[tuple[int, float]] = []
    unlike, dropped = 0, 0
    for cluster in corpus:
        survivors: list[tuple[int, Set]] = []
        for x in cluster:
            number = len(found)
            alike = [
                (Fraction(len(x & y), len(x | y)), -place, survivor)
                for place, (survivor, y) in enumerate(survivors)
                if len(x & y) / len(x | y) >= similarity
            ]
            if survivors:
                first = survivors[0][1]
                unlike += len(x & first) / len(x | first) < similarity
            if alike:
                share, _, survivor = max(alike)
                found.append((survivor, float(np.float32(share.numerator / share.denominator))))
                continue
            found.append((number, 1.0))
            if survivors and len(x) > most_values // 4:
                dropped += 1
                continue
            held = sum(len(y) for _, y in survivors)
            # the first is held whatever its size, and takes no room from the others
            most = max(most_values, len(survivors[0][1]) + most_values * 3 // 4) if survivors else 0
            if survivors and (len(survivors) == most_survivors or held + len(x) > most):
                kept: list[tuple[int, Set]] = []
                for survivor, y in reversed(survivors[1:]):
                    size = len(y) + sum(len(z) for _, z in kept)
                    if size > most_values // 2 or len(kept) == (most_survivors - 1) // 2:
                        break
                    kept.insert(0, (survivor, y))
                dropped += len(survivors) - 1 - len(kept)
                survivors = [survivors[0], *kept]
            survivors.append((number, x))
    return found, unlike, dropped


HASHES = np.random.default_rng(5).integers(0, 1 << 64, 1 << 14, dtype=np.uint64)


def arrays(corpus: Corpus) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sets = [np.sort(HASHES[list(x)]) for cluster in corpus for x in cluster]
    starts = [i == 0 for cluster in corpus for i in range(len(cluster))]
    offsets = np.cumsum([0, *(len(x) for x in sets)])
    return np.array(starts, bool), offsets, np.concatenate([HASHES[:0], *sets])


def judged(corpus: Corpus, greedy: Greedy, cuts: list[int]) -> list[tuple[int, float]]:
    """What ``greedy`` says, asked in blocks that end at ``cuts``."""
    starts, offsets, sets = arrays(corpus)
    found: list[tuple[int, float]] = []
    ends = [min(cut, len(starts)) for cut in sorted(cuts)]
    for first, last in zip([0, *ends], [*ends, len(starts)], strict=True):
        some = sets[offsets[first] : offsets[last]]
        block = offsets[first : last + 1] - offsets[first]
        answer = greedy.judge(starts[first:last], block, some, first)
        found += zip(answer.survivors.tolist(), answer.similarities.tolist(), strict=True)
    return found


@st.composite
def corpora(draw: Any) -> Corpus:
    """Clusters of sets that are often alike: fresh ones, and copies with elements changed."""
    universe = draw(st.sampled_from([12, 40, 200]))
    element = st.integers(0, universe - 1)
    corpus = []
    for count in draw(st.lists(st.integers(1, 40), min_size=1, max_size=4)):
        cluster: list[Set] = []
        for _ in range(count):
            if cluster and draw(st.booleans()):
                like = draw(st.sampled_from(cluster))
                like = like ^ draw(st.frozensets(element, max_size=3))
                cluster.append(like or frozenset({0}))
            else:
                cluster.append(draw(st.frozensets(element, min_size=1, max_size=12)))
        corpus.append(cluster)
    return corpus


similarities = st.sampled_from([0.05, 0.3, 0.5, 2 / 3, 0.685, 0.75, 0.8, 0.9, 1.0])


@given(corpora(), similarities, st.lists(st.integers(0, 160), max_size=4))
@settings(deadline=None, max_examples=200)
def test_the_comparison_equals_its_twin_however_it_is_cut(
    corpus: Corpus, similarity: float, cuts: list[int]
) -> None:
    wanted, unlike, _ = twin(corpus, similarity)
    greedy = Greedy(similarity)
    assert judged(corpus, greedy, cuts) == wanted
    assert (greedy.unlike_first, greedy.uncompared) == (unlike, 0)


@given(
    corpora(), similarities, st.sampled_from([8, 16, 32, 64]), st.integers(2, 9),
    st.lists(st.integers(0, 160), max_size=2),
)  # fmt: skip
@example([[frozenset({i, i + 1}) for i in range(0, 60, 2)]], 0.5, 8, 2, [])
@example(  # the first is larger than all that is held otherwise, in the first cluster only
    [
        [frozenset(range(30)), *(frozenset({i, i + 1}) for i in range(30, 60, 2))] * 2,
        [frozenset({i, i + 1}) for i in range(0, 60, 2)] * 2,
    ],
    0.5,
    8,
    9,
    [7],
)
@settings(deadline=None, max_examples=100)
def test_what_is_let_go_depends_on_the_sets_alone(
    corpus: Corpus, similarity: float, most_values: int, most_survivors: int, cuts: list[int]
) -> None:
    wanted, unlike, dropped = twin(corpus, similarity, most_values, most_survivors)
    greedy = Greedy(similarity, most_values, most_survivors)
    assert judged(corpus, greedy, cuts) == wanted
    assert (greedy.unlike_first, greedy.uncompared) == (unlike, dropped)


def test_many_unlike_documents_are_told_apart_and_found_again() -> None:
    """More survivors, and more hashes of them, than the arrays first have room for."""
    draw = np.random.default_rng(2)
    boilerplate = set(range(30))
    own = [set(draw.choice(1 << 14, 25, replace=False).tolist()) - boilerplate for _ in range(900)]
    documents = [frozenset(boilerplate | each) for each in own]
    copies = [frozenset(sorted(x)[1:]) for x in documents]
    corpus = [documents + copies]
    wanted, unlike, _ = twin(corpus, 0.8)
    assert [survivor for survivor, _ in wanted] == [*range(900)] * 2
    greedy = Greedy(0.8)
    assert judged(corpus, greedy, []) == wanted
    assert greedy.unlike_first == unlike == 900 - 1 + 899


def test_of_huge_equal_documents_one_stays() -> None:
    huge = frozenset(range(1 << 13))
    wanted = [(0, 1.0), *[(0, 1.0)] * 3, (4, 1.0), (4, 1.0)]
    corpus = [[huge] * 4, [frozenset(range(5, 1 << 13))] * 2]
    greedy = Greedy(0.7, most_values=16)
    assert judged(corpus, greedy, [2]) == wanted
    assert greedy.uncompared == 0


def test_equal_documents_cost_one_comparison_each() -> None:
    count = 200_000
    offsets = np.arange(count + 1) * 5
    sets = np.tile(np.sort(HASHES[:5]), count)
    starts = np.zeros(count, bool)
    starts[0] = True
    greedy = Greedy(0.9)
    answer = greedy.judge(starts, offsets, sets, 0)
    assert not answer.survivors.any()
    assert (answer.similarities == 1).all()
    assert greedy._state[greedy_kernels.SURVIVORS] == 1  # all that anything was compared with


@given(
    st.frozensets(st.integers(0, 60), max_size=40), st.frozensets(st.integers(0, 60), max_size=40),
    st.integers(0, 41),
)  # fmt: skip
@settings(deadline=None)
def test_overlap_counts_or_gives_up(x: Set, y: Set, enough: int) -> None:
    left, right = (np.array(sorted(z), np.uint64) for z in (x, y))
    common = len(x & y)
    assert greedy_kernels.overlap(left, right, enough) == (common if common >= enough else 0)


@given(st.integers(1, 400), st.integers(1, 400), st.floats(1e-6, 1.0))
@settings(deadline=None)
def test_no_pair_that_is_alike_has_less_in_common_than_needed(
    left: int, right: int, similarity: float
) -> None:
    need = greedy_kernels.needed(similarity, left + right)
    least = next(
        (i for i in range(min(left, right) + 1) if i and i / (left + right - i) >= similarity), None
    )
    assert least is None or least - 1 <= need <= least
