"""The demo crawl against itself: as an index with shingles, and as the run that it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import winnow
from winnow.cli import main
from winnow.dedup.index.catalog import Index
from winnow.store.manifest import Store

ROOT = Path(__file__).resolve().parents[3]
CONFIG = f"""
name = "NAME"
output = "NAME"
[source]
use = "warc"
paths = ["{ROOT / "demo" / "demo.warc.gz"}"]
split_bytes = "256 kB"
[[stage]]
use = "extract"
[[stage]]
use = "language"
languages = ["en", "de"]
[[stage]]
use = "c4"
terminal_punctuation = false
[[stage]]
use = "minhash"
shingles = "chars"
ngram_chars = 12
index = INDEX
[[stage]]
use = "gopher_quality"
word_count.min = 120
"""


def run(folder: Path, name: str, *index: str) -> str:
    config = CONFIG.replace("NAME", name).replace("INDEX", json.dumps(index))
    (folder / f"{name}.toml").write_text(config)
    assert main(["run", str(folder / f"{name}.toml"), "--workers", "1", "--quiet"]) == 0
    return str(folder / name)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("real")
    old = run(folder, "old")
    index = str(folder / "index")
    assert main(["index", "build", index, old, "--shingles", "--workers", "1"]) == 0
    made = {"folder": run(folder, "folder", "index"), "run": run(folder, "run", "old")}
    return {**made, "old": old, "index": index}


@pytest.mark.parametrize("kind", ["folder", "run"])
def test_what_was_kept_is_found_with_its_page(
    runs: dict[str, str], kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    old = Store.open(f"{runs['old']}/minhash").table().to_pylist()
    kept = {row["doc_id"] for row in old if row["verdict"] == "kept"}
    rows = Store.open(f"{runs[kind]}/minhash").table().to_pylist()
    found = [row for row in rows if row["index_id"] is not None]
    assert len(found) > 10
    documents = Store.open(f"{runs[kind]}/documents").table(["doc_id", "url"]).to_pylist()
    url_of = {row["doc_id"]: row["url"] for row in documents}
    for row in [row for row in found if row["doc_id"] in kept][:2]:
        capsys.readouterr()
        url = url_of[row["doc_id"]]
        assert main(["explain", runs[kind], url, "--json"]) == 0
        [cluster] = json.loads(capsys.readouterr().out)["clusters"]
        page = cluster["index_record"]
        assert (page["run"], page["number"]) == ("old", row["index_id"])
        assert page["doc_id"] in kept and page["url"] == url_of[page["doc_id"]]
        assert page["record_id"] and page["warc_file"] and page["warc_offset"] >= 0
        assert main(["explain", runs[kind], url]) == 0
        told = capsys.readouterr().out
        assert f"run:      old, document {page['doc_id']}" in told
        assert page["url"] in told and page["record_id"] in told
        assert ("Jaccard similarity to it: 1.000" in told) == (kind == "folder")


def test_shingles_are_of_the_text_that_was_signed(runs: dict[str, str]) -> None:
    """After language and C4 have judged and rewritten: each old page is like itself."""
    matched = Store.open(f"{runs['folder']}/minhash-matched").table().to_pylist()
    similar = {row["doc_id"]: row["similarity"] for row in matched}
    old = {row["doc_id"]: row for row in Store.open(f"{runs['old']}/minhash").table().to_pylist()}
    kept = {doc_id for doc_id, row in old.items() if row["verdict"] == "kept"}
    signed = Store.open(f"{runs['old']}/minhash-sign").counters["signed"]
    assert all(similar[doc_id] == 1.0 for doc_id in kept if doc_id in similar)
    assert len(kept & similar.keys()) > 10 and len(similar) <= signed
    rewritten = Store.open(f"{runs['old']}/measures").table().to_pylist()
    assert any(row["text"] is not None and row["doc_id"] in similar for row in rewritten)


def test_a_page_that_left_the_index_is_not_told(
    runs: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from winnow.dedup.index.found_record import index_record

    row: dict[str, Any] = next(
        row
        for row in Store.open(f"{runs['folder']}/minhash").table().to_pylist()
        if row["index_id"] is not None
    )
    other = str(tmp_path / "index")
    shutil.copytree(runs["index"], other)
    ids = row["index_id"], row["doc_id"]
    page = index_record(runs["folder"], "minhash", *ids, [other])
    assert page is not None
    assert main(["index", "forget", other, "--url", page["url"]]) == 0
    assert index_record(runs["folder"], "minhash", *ids, [other]) is None
    assert index_record(runs["folder"], "minhash", *ids, [str(tmp_path / "no")]) is None
    assert Index.open(other).fingerprint != Index.open(runs["index"]).fingerprint


def test_an_index_with_shingles_is_planned_with_its_costs(
    runs: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    config = Path(runs["run"]).with_suffix(".toml")
    assert main(["plan", str(config)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "is a run, without shingles: its matches are not verified" in told
    steps = json.loads(Path(runs["folder"], "run.json").read_text())["steps"]
    costs = {step["name"]: step.get("cost") for step in steps}
    for name in ("minhash-match", "minhash-index-pairs", "minhash-matched"):
        assert costs[name]["memory_bytes"] > 0 and costs[name]["written_bytes"] >= 0


def test_the_funnel_counts_all_that_went_for_the_index(runs: dict[str, str]) -> None:
    import winnow

    verdicts = Store.open(f"{runs['folder']}/minhash").table().to_pylist()
    went = sum(row["index_id"] is not None for row in verdicts)
    assert f"in_index {went:,}" in str(winnow.open(runs["folder"]).funnel())


def test_what_a_later_step_rejected_is_not_in_the_index(runs: dict[str, str]) -> None:
    """In the old run a filter stands behind the deduplication."""
    corpus = winnow.open(runs["old"])
    judged = corpus.documents.select("doc_id", "verdict").arrow().to_pylist()
    dedup = {row["doc_id"]: row["verdict"] for row in corpus.store("minhash").arrow().to_pylist()}
    gone = {
        row["doc_id"]
        for row in judged
        if row["verdict"] != "kept" and dedup[row["doc_id"]] == "kept"
    }
    assert len(gone) > 20
    index = Index.open(runs["index"])
    records = index.store(index.segments[0], "records").table(["doc_id"]).column(0).to_pylist()
    kept = {row["doc_id"] for row in judged if row["verdict"] == "kept"}
    signed = set(records)
    assert signed <= kept and not signed & gone
    assert len(kept) - len(signed) < 5  # too short for a shingle
