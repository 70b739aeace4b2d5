"""`corpus.clusters` and `winnow clusters` on a finished run."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

import winnow
from winnow.cli import main
from winnow.errors import StoreError


@pytest.fixture(scope="module")
def corpus(demo_run: Path) -> winnow.Corpus:
    return winnow.open(demo_run)


def _truth(corpus: winnow.Corpus, block: str) -> Counter[int]:
    rows = corpus.store(block).select("cluster_id").arrow().column(0).to_pylist()
    return Counter({k: n for k, n in Counter(rows).items() if k is not None and n > 1})


@pytest.mark.parametrize("block", ["exact", "minhash"])
def test_the_largest_clusters_and_their_sizes(corpus: winnow.Corpus, block: str) -> None:
    truth = _truth(corpus, block)
    found = corpus.clusters(block, most=1000, members=100)
    assert {each.cluster_id: each.size for each in found} == dict(truth)
    assert [each.size for each in found] == sorted(truth.values(), reverse=True)
    assert sum(count for count, _ in found.sizes.values()) == len(truth)
    assert sum(documents for _, documents in found.sizes.values()) == sum(truth.values())
    for each in found:
        assert each.survivor.verdict != f"{'exact' if block == 'exact' else 'near'}_duplicate"
        assert len(each.members) == each.size - 1
        assert all(m.doc_id != each.survivor.doc_id and m.text for m in each.members)


def test_a_few_of_them_and_few_members(corpus: winnow.Corpus) -> None:
    found = corpus.clusters(most=2, members=1)
    assert len(found.largest) == 2
    assert [len(each.members) for each in found] == [1, 1]
    best = max(_truth(corpus, "minhash").values())
    assert found.largest[0].size == best
    assert "equal line" in str(found.largest[0]) or "~" in str(found.largest[0])
    assert "<table" in found._repr_html_()


def test_one_cluster_by_id_or_by_the_address_of_a_member(
    corpus: winnow.Corpus, demo_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = corpus.clusters(most=2, members=1).largest[1]
    assert corpus.clusters(cluster_id=wanted.cluster_id).largest[0].size == wanted.size
    url = wanted.members[0].url
    assert main(["clusters", str(demo_run), "--url", url, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["cluster_id"] for each in told["clusters"]] == [wanted.cluster_id]
    with pytest.raises(StoreError, match="has no cluster 999999"):
        corpus.clusters(cluster_id=999999)


def test_what_there_is_not_is_told(corpus: winnow.Corpus) -> None:
    with pytest.raises(StoreError, match=r"no block 'minhas' .* Did you mean 'minhash'"):
        corpus.clusters("minhas")


def test_a_page_of_clusters(
    demo_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "clusters.html"
    assert main(["clusters", str(demo_run), "--html", str(page)]) == 0
    html = page.read_text()
    assert html.startswith("<!doctype html>") and html.count("<h4>") == 5
    assert main(["clusters", str(demo_run), "-n", "1"]) == 0
    assert "clusters by size" in capsys.readouterr().out
    assert main(["clusters", str(demo_run), "-n", "-1"]) == 2
