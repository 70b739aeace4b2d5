"""Against datatrove 0.10's index mode, on texts of ours (make_golden.py), and on the crawl."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from winnow.dedup.index.making import build_index
from winnow.dedup.minhash import MinHash
from winnow.dedup.signing.signatures import Signers

GOLDEN = json.loads(Path(__file__).with_name("golden_datatrove.json").read_text())
BLOCK = MinHash(verify="no")


def rows(shards: list[list[str]]) -> list[list[dict[str, str]]]:
    return [[{"text": text} for text in texts] for texts in shards]


def ids(places: list[list[int]]) -> set[int]:
    return {shard << 32 | place for shard, place in places}


@pytest.fixture(params=["run", "folder"])
def index(request: pytest.FixtureRequest, run_of: Callable[..., Any], tmp_path: Path) -> str:
    old = run_of(tmp_path, "old", rows(GOLDEN["old"]), BLOCK)
    if request.param == "run":
        return str(old.path)
    build_index(str(tmp_path / "index"), [old.path])
    return str(tmp_path / "index")


def test_the_same_documents_go_and_the_same_clusters_are_found(
    index: str, run_of: Callable[..., Any], tmp_path: Path
) -> None:
    new = run_of(tmp_path, "new", rows(GOLDEN["new"]), dataclasses.replace(BLOCK, index=(index,)))
    golden = GOLDEN["both"]
    clusters: dict[int, set[int]] = {}
    for row in new.rows:
        in_index = row["index_id"] is not None
        # theirs has all that an index has in one cluster
        clusters.setdefault(-1 if in_index else row["cluster_id"], set()).add(row["doc_id"])
    found = sorted(sorted(each) for key, each in clusters.items() if len(each) > 1 or key == -1)
    assert found == sorted(sorted(ids(each)) for each in golden["clusters"])
    # who stays of the others is a policy, but one of each does
    assert len(new.rows) - len(new.kept) == len(golden["removed"])
    assert clusters[-1] == {d for d in ids(golden["removed"]) if d in clusters[-1]}


def test_only_in_index_misses_nothing_that_datatrove_finds_nor_copies_that_it_misses(
    index: str, run_of: Callable[..., Any], tmp_path: Path
) -> None:
    block = dataclasses.replace(BLOCK, index=(index,), index_only=True)
    new = run_of(tmp_path, "new", rows(GOLDEN["new"]), block)
    gone = {row["doc_id"] for row in new.rows} - new.kept
    old = {key for keys in keys_of(GOLDEN["old"]).values() for key in enumerate(keys)}
    # datatrove compares a document with the one before it in the order of signatures: of several
    # new ones with a signature of the index it marks the first, and keeps the others
    firsts: dict[tuple[int, int], int] = {}
    direct = set()
    for doc_id, keys in sorted(keys_of(GOLDEN["new"]).items()):
        for key in enumerate(keys):
            if key in old:
                direct.add(doc_id)
                firsts.setdefault(key, doc_id)
    assert set(firsts.values()) == ids(GOLDEN["only"]["removed"])
    assert gone == direct
    assert len(gone) > len(GOLDEN["only"]["removed"])


def keys_of(shards: list[list[str]]) -> dict[int, list[int]]:
    signers = Signers(BLOCK.shape)
    found = {}
    for number, texts in enumerate(shards):
        keys, signed = signers.band_keys(pa.array(texts, pa.large_string()), None)
        for place in range(len(texts)):
            if signed[place]:
                found[number << 32 | place] = keys[place].tolist()
    return found
