"""The same clusters as datatrove 0.10.0, as sets, and on demand the very documents that it keeps.

On texts of ours the answers are stored (``verifying/datatrove_corpus.py`` makes them). On all pages
of the shared crawl datatrove is asked, where there is one::

    WINNOW_DATATROVE_PYTHON=/tmp/datatrove/bin/python pytest tests/dedup/test_datatrove.py
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from winnow.dedup.minhash import MinHash

HERE = Path(__file__).resolve().parent
CRAWL = HERE.parents[2] / "shared" / "data" / "crawl"
PYTHON = "WINNOW_DATATROVE_PYTHON"
Run = Callable[..., Any]
Place = tuple[int, int]


def beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, HERE / "verifying" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PEER = beside("datatrove_corpus")


def places(doc_id: int) -> Place:
    return doc_id >> 32, doc_id & 0xFFFFFFFF


def compare(run_dedup: Run, files: list[list[str]], answer: dict[str, Any]) -> dict[str, int]:
    """Both blocks over ``files`` against datatrove's answer; how many documents and clusters."""
    shards = [[{"text": text} for text in texts] for texts in files]
    theirs: dict[int, set[Place]] = {}
    for file, doc, cluster in answer["clusters"]:
        theirs.setdefault(cluster, set()).add((file, doc))
    gone = {(file, doc) for file, doc in answer["removed"]}
    plain = run_dedup(MinHash(verify="no"), shards).verdicts()
    ours: dict[int, set[Place]] = {}
    for doc_id, (_, cluster, size, _) in plain.items():
        if size > 1:
            ours.setdefault(cluster, set()).add(places(doc_id))
    assert {frozenset(each) for each in ours.values()} == {frozenset(c) for c in theirs.values()}
    verdicts = run_dedup(MinHash(keep="datatrove-0.10"), shards).verdicts()
    rejected = {places(doc) for doc, row in verdicts.items() if row[0] == "near_duplicate"}
    assert rejected == gone
    cluster_of = {place: number for number, each in theirs.items() for place in each}
    stays = {cluster_of[place]: place for place in cluster_of if place not in gone}
    for doc_id, (_, _, size, survivor) in verdicts.items():
        if size > 1:
            assert places(survivor) == stays[cluster_of[places(doc_id)]]
    longest = {places(doc) for doc, row in plain.items() if row[0] == "near_duplicate"}
    return {"clusters": len(theirs), "gone": len(gone), "otherwise": len(gone ^ longest)}


def test_clusters_and_survivors_are_datatroves_on_texts_of_ours(run_dedup: Run) -> None:
    answer = json.loads(PEER.GOLDEN.read_text())
    found = compare(run_dedup, PEER.corpus(), answer)
    assert found["clusters"] > 40
    assert found["otherwise"] > 40  # its survivors are not those of our own rule


def pages() -> Iterator[list[str]]:
    """The texts of all pages of the crawl, by file."""
    from winnow.extract.stage import Extract
    from winnow.pipeline.stage import Tally
    from winnow.sources.warc import WarcSource

    source = WarcSource(paths=tuple(map(str, sorted(CRAWL.glob("crawl-*.warc.gz")))))
    read, extract = source.open(), Extract().open()
    for split in source.splits():
        batches = (extract(batch) for batch in read(split, Tally()))
        texts = (text for batch in batches for text in batch.column("text").to_pylist())
        yield [text for text in texts if text]  # datatrove's reader yields no empty ones


@pytest.mark.timeout(1800)
@pytest.mark.skipif(PYTHON not in os.environ, reason=f"{PYTHON} is not set")
@pytest.mark.skipif(not CRAWL.exists(), reason="the shared data is not here")
def test_clusters_and_survivors_are_datatroves_on_the_crawl(run_dedup: Run) -> None:
    files = list(pages())
    found = compare(run_dedup, files, PEER.ask(os.environ[PYTHON], files))
    print(found)
    assert found["clusters"] > 300
