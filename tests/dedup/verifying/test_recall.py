"""What is found and what is wrongly found, by the true similarity of all pairs."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from winnow.dedup.minhash import MinHash
from winnow.dedup.signing.banding import found_prob
from winnow.dedup.signing.signatures import Signers

HERE = Path(__file__).resolve().parent
CRAWL = HERE.parents[3] / "shared" / "data" / "crawl"
SIMILARITY = 0.7
Run = Callable[..., Any]


def own_texts(draw: random.Random) -> list[str]:
    words = [a + b for a in ("ka", "lo", "mi", "nu", "pe", "ra") for b in ("st", "rm", "ll", "nd")]
    words = [a + b for a in words for b in words]
    return [" ".join(draw.choices(words, k=draw.randint(60, 300))) for _ in range(300)]


def crawl_texts(draw: random.Random) -> list[str]:
    if not CRAWL.exists():
        pytest.skip("the shared data is not here")
    from winnow.extract.stage import Extract
    from winnow.pipeline.stage import Tally
    from winnow.sources.warc import WarcSource

    source = WarcSource(paths=(str(CRAWL / "small.warc.gz"),))
    read, extract = source.open(), Extract().open()
    found: list[str] = []
    for split in source.splits():
        for batch in read(split, Tally()):
            found += (text for text in extract(batch).column("text").to_pylist() if text)
    return draw.sample([text for text in found if 60 <= len(text.split()) <= 3000], 300)


def with_copies(texts: list[str], draw: random.Random) -> list[str]:
    """The texts, and two copies of each with another share of words changed."""
    found = list(texts)
    for text in texts:
        for share in draw.sample([0.004, 0.01, 0.02, 0.03, 0.04, 0.05], 2):
            words = text.split(" ")
            marked = [f"x{w}x" if draw.random() < share else w for w in words]
            found.append(" ".join(marked))
    draw.shuffle(found)
    return found


@pytest.fixture(scope="module", params=[own_texts, crawl_texts], ids=["own", "crawl"])
def texts(request: pytest.FixtureRequest) -> list[str]:
    draw = random.Random(11)
    return with_copies(request.param(draw), draw)


@pytest.fixture(scope="module")
def similarities(texts: list[str]) -> np.ndarray:
    """True Jaccard similarity of all pairs, float64[texts, texts]."""
    offsets, hashes = Signers(MinHash().shape).shingle_sets(
        pa.array(texts, pa.large_string()), None
    )
    _, columns = np.unique(hashes, return_inverse=True)
    sets = [set(columns[a:b].tolist()) for a, b in pairwise(offsets)]
    found = np.eye(len(texts))
    for (i, x), (j, y) in combinations(enumerate(sets), 2):
        common = len(x & y)
        if common:
            found[i, j] = found[j, i] = common / (len(x) + len(y) - common)
    return found


def test_recall_is_what_the_curve_says(texts: list[str], similarities: np.ndarray) -> None:
    keys, signed = Signers(MinHash().shape).band_keys(pa.array(texts, pa.large_string()), None)
    assert signed.all()
    left, right = np.triu_indices(len(texts), 1)
    alike = similarities[left, right]
    met = (keys[left] == keys[right]).any(axis=1)
    for low, high in ((0.5, 0.65), (0.65, 0.75), (0.75, 0.85), (0.85, 0.95), (0.95, 1.0)):
        here = (alike >= low) & (alike < high)
        expected = np.array([found_prob(s, 14, 8) for s in alike[here].tolist()])
        bound = 4 * np.sqrt((expected * (1 - expected)).sum()) + 1
        print(f"{low} to {high}: {here.sum()} pairs, {met[here].sum()} found, {expected.sum():.1f}")
        assert here.sum() > 20
        assert abs(met[here].sum() - expected.sum()) <= bound
    assert met[alike < 0.2].sum() == 0


def test_what_is_removed_is_like_what_stays_and_what_stays_is_not_alike(
    run_dedup: Run, texts: list[str], similarities: np.ndarray
) -> None:
    corpus = [[{"text": text} for text in texts]]
    loose = run_dedup(MinHash(verify="no"), corpus).verdicts()
    pairs = [(doc, row[3]) for doc, row in loose.items() if row[0] != "kept"]
    false = sum(similarities[pair] < SIMILARITY for pair in pairs)
    checked = run_dedup(MinHash(verify="jaccard", verify_similarity=SIMILARITY), corpus)
    counters = checked.counters["dedup-verified"]
    print(f"{len(pairs)} pairs, {false} false; {counters}")
    assert (counters["pairs"], counters["false_pairs"]) == (len(pairs), false)
    assert false > 0
    stays: dict[int, list[int]] = {}
    for row in checked.rows[0]:
        doc, survivor = row["doc_id"], row["survivor_id"]
        assert row["similarity"] == np.float32(similarities[doc, survivor])
        assert row["similarity"] >= np.float32(SIMILARITY)  # precision 1
        if doc == survivor:
            stays.setdefault(loose[doc][1], []).append(doc)
    for cluster in stays.values():
        for i, j in combinations(cluster, 2):
            assert similarities[i, j] < SIMILARITY
