"""Deduplication against an index equals what its definition says, however all is cut."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.index import key_files, matching
from winnow.dedup.index.making import add_runs, build_index
from winnow.dedup.minhash import MinHash
from winnow.dedup.signing.signatures import Signers
from winnow.errors import FingerprintMismatch, PlanError

Row = dict[str, Any]
Make = Callable[..., Any]
BLOCK = MinHash(ngram_words=2, bands=3, rows_per_band=2, verify="no")
# few words, so that similar texts, chains of them and equal ones come up often
texts = st.lists(st.sampled_from(["ab", "cd", "ef", "Gh", "ij,", "é", "7"]), max_size=6)
document = st.fixed_dictionaries(
    {"text": texts.map(" ".join), "rejected": st.booleans() | st.just(False)}
)
corpora = st.lists(st.lists(document, max_size=6), min_size=1, max_size=3)


def band_keys(rows: list[list[Row]]) -> dict[int, tuple[int, ...]]:
    """Keys of the documents that have any, by doc_id."""
    signers = Signers(BLOCK.shape)
    found = {}
    for shard, documents in enumerate(rows):
        for place, row in enumerate(documents):
            keys, signed = signers.band_keys(pa.array([row["text"]], pa.large_string()), None)
            if signed[0] and not row.get("rejected"):
                found[shard << 32 | place] = tuple(keys[0].tolist())
    return found


def meet(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return any(a == b for a, b in zip(one, other, strict=True))


@given(corpora, corpora, st.booleans(), st.sampled_from(["run", "folder"]), st.data())
@settings(deadline=None, max_examples=25)
def test_what_an_index_has_goes_with_its_whole_cluster(
    run_of: Make, old: list[list[Row]], new: list[list[Row]], only: bool, kind: str, data: Any
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        a = run_of(folder, "a", old, BLOCK)
        alone = run_of(folder, "alone", new, BLOCK)
        index = a.path
        if kind == "folder":
            index = str(folder / "index")
            build_index(index, [a.path], numbers_per_shard=data.draw(st.sampled_from([2, 5, 100])))
        block = dataclasses.replace(BLOCK, index=(index,), index_only=only)
        b = run_of(folder, "b", new, block)
    stayed = {doc_id: keys for doc_id, keys in band_keys(old).items() if doc_id in a.kept}
    numbers = {doc_id: number for number, doc_id in enumerate(sorted(band_keys(old)))}
    fresh = band_keys(new)
    direct = {
        doc_id: min(numbers[other] for other, theirs in stayed.items() if meet(keys, theirs))
        for doc_id, keys in fresh.items()
        if any(meet(keys, theirs) for theirs in stayed.values())
    }
    before = {row["doc_id"]: row for row in alone.rows}
    for row in b.rows:
        doc_id, was = row["doc_id"], before[row["doc_id"]]
        if was["verdict"] is None:
            assert row["verdict"] is None and row["index_id"] is None
        elif only:
            assert (row["verdict"] == "near_duplicate") == (doc_id in direct)
            assert row["index_id"] == direct.get(doc_id)
        else:
            assert (row["cluster_id"], row["cluster_size"]) == (
                was["cluster_id"], was["cluster_size"],
            )  # fmt: skip
            cluster = [d for d, r in before.items() if r["cluster_id"] == was["cluster_id"]]
            if any(each in direct for each in cluster):
                assert row["verdict"] == "near_duplicate"
                assert row["survivor_id"] is None  # the index's document stays
                near = {direct[each] for each in cluster if each in direct}
                assert row["index_id"] in ({direct[doc_id]} if doc_id in direct else near)
            else:
                assert row == {**was, "index_id": None}
    for doc_id in b.kept & fresh.keys():
        assert not any(meet(fresh[doc_id], keys) for keys in stayed.values())


@given(corpora, corpora, corpora)
@settings(deadline=None, max_examples=6)
def test_several_indexes_are_one_and_number_one_after_another(
    run_of: Make, first: list[list[Row]], second: list[list[Row]], new: list[list[Row]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = [run_of(folder, "a", first, BLOCK), run_of(folder, "b", second, BLOCK)]
        paths = [run.path for run in runs]
        whole = str(folder / "whole")
        build_index(whole, [paths[0]])
        add_runs(whole, [paths[1]])
        made = [
            run_of(folder, f"new{n}", new, dataclasses.replace(BLOCK, index=index))
            for n, index in enumerate([(paths[0], paths[1]), (whole,)])
        ]
    assert made[0].rows == made[1].rows


def test_memory_and_cutting_never_change_a_byte(
    run_of: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(5)
    words = [a + b for a in "abcd" for b in "efgh"]  # a digit would count as any other

    def shards(count: int) -> list[list[Row]]:
        return [
            [{"text": " ".join(random.choice(words, 6))} for _ in range(60)] for _ in range(count)
        ]

    old, new = shards(3), shards(4)
    a = run_of(tmp_path, "a", old, BLOCK)
    block = dataclasses.replace(BLOCK, index=(a.path,))
    plain = run_of(tmp_path, "plain", new, block)
    # batches of a handful of rows, several passes, several partitions
    monkeypatch.setattr(key_files, "BATCH_ROWS", 8)
    monkeypatch.setattr(matching, "MATCH_BYTES", matching.MATCH_BYTES * 20_000)
    small = dataclasses.replace(block, memory_bytes=1_000_000)
    cut = run_of(tmp_path, "cut", new, small)
    assert cut.sha256("minhash") == plain.sha256("minhash")
    assert cut.sha256("minhash-match") == plain.sha256("minhash-match")
    assert cut.sha256("minhash-matched") == plain.sha256("minhash-matched")
    # keys of both runs in parts, of different numbers, and partitions of documents
    apart = run_of(
        tmp_path,
        "apart",
        old,
        dataclasses.replace(BLOCK, memory_bytes=1_000_000, cluster_partitions=2),
        input_bytes=9 * 10**9,
    )
    assert apart.stores["minhash-sign"].manifest["config"]["layout"]["parts"] == 3
    spread = run_of(
        tmp_path,
        "spread",
        new,
        dataclasses.replace(small, index=(apart.path,), cluster_partitions=2),
        input_bytes=5 * 10**9,
    )
    assert spread.stores["minhash-sign"].manifest["config"]["layout"]["parts"] == 2
    assert spread.rows == plain.rows
    assert len(spread.stores["minhash-matched"].shards) > 1
    counters = plain.stores["minhash"].counters
    assert 0 < counters["in_index"] < 240
    assert (
        plain.stores["minhash-matched"].rows == plain.stores["minhash-matched"].counters["matched"]
    )


def test_a_page_that_is_there_ten_thousand_times_costs_as_often_at_most(
    run_of: Make, tmp_path: Path
) -> None:
    page = {"text": "ab cd ef gh ij kl"}
    a = run_of(tmp_path, "a", [[page] * 3000], BLOCK)
    b = run_of(tmp_path, "b", [[page] * 3000], dataclasses.replace(BLOCK, index=(a.path,)))
    assert b.stores["minhash-match"].counters["matches"] == 3000 * BLOCK.shape.bands
    assert b.stores["minhash-index-0"].counters["indexed"] == 1
    assert {row["index_id"] for row in b.rows} == {0}


def test_another_shape_is_told_with_the_number_that_differs(run_of: Make, tmp_path: Path) -> None:
    a = run_of(tmp_path, "a", [[{"text": "ab cd ef"}]], BLOCK)
    build_index(str(tmp_path / "index"), [a.path])
    for path in (a.path, str(tmp_path / "index")):
        other = dataclasses.replace(BLOCK, rows_per_band=3, index=(path,))
        with pytest.raises(PlanError, match="rows_per_band is 2 in the index, 3 here"):
            run_of(tmp_path, "b", [[]], other)


def test_what_is_no_index_is_told(run_of: Make, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, words in (("empty", "holds neither an index nor a run"), ("no", "does not exist")):
        with pytest.raises(PlanError, match=words):
            run_of(tmp_path, "b", [[]], dataclasses.replace(BLOCK, index=(str(tmp_path / name),)))
    a = run_of(tmp_path, "a", [[{"text": "ab cd ef"}]], BLOCK)
    with pytest.raises(PlanError, match="no near-duplicate block 'other'"):
        run_of(tmp_path, "b", [[]], dataclasses.replace(BLOCK, index=(f"{a.path}:other",)))
    named = run_of(tmp_path, "b", [[]], dataclasses.replace(BLOCK, index=(f"{a.path}:minhash",)))
    assert named.rows == []
    Path(a.path, "minhash", "manifest.json").unlink()
    with pytest.raises(PlanError, match="is not finished"):
        run_of(tmp_path, "b", [[]], dataclasses.replace(BLOCK, index=(a.path,)))


def test_an_index_that_changed_since_the_plan_is_refused(run_of: Make, tmp_path: Path) -> None:
    a = run_of(tmp_path, "a", [[{"text": "ab cd ef"}]], BLOCK)
    c = run_of(tmp_path, "c", [[{"text": "ij kl mn"}]], BLOCK)
    index = str(tmp_path / "index")
    build_index(index, [a.path])
    folder = matching.IndexFolder.of(index)
    add_runs(index, [c.path])
    with pytest.raises(FingerprintMismatch, match="has changed since the plan"):
        folder.open()


def test_the_machine_s_paths_are_in_no_fingerprint(run_of: Make, tmp_path: Path) -> None:
    from winnow.pipeline.fingerprint import canonical

    a = run_of(tmp_path, "a", [[{"text": "ab cd ef"}]], BLOCK)
    build_index(str(tmp_path / "index"), [a.path])
    for path in (a.path, str(tmp_path / "index")):
        option = matching.IndexOption.of((path,), BLOCK.shape, False, "minhash")
        assert str(tmp_path) not in str(canonical(option))


def test_batches_of_a_key_file_are_of_about_a_size() -> None:
    assert [key_files.key_parts(n) for n in (0, 65_536, 65_537, 1 << 23)] == [1, 1, 2, 128]
    assert KeyLayout(1, 1, False).schema == key_files.KEYS
