"""Index folders: built, added to, compacted, with documents forgotten."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from winnow.commands.index import main
from winnow.dedup.index.catalog import Forgotten, Index
from winnow.dedup.index.forgetting import Wanted, forget
from winnow.dedup.index.making import add_runs, build_index, compact_index, described
from winnow.dedup.index.records import find_record
from winnow.dedup.minhash import MinHash
from winnow.errors import CorruptShard, PlanError, RunFailed, StoreError
from winnow.store.manifest import Store

Make = Callable[..., Any]
BLOCK = MinHash(ngram_words=2, bands=3, rows_per_band=2, verify="no")


def texts(seed: str) -> list[list[dict[str, str]]]:
    """Ten texts that have no two words in common."""
    letters = "abcdefghij"
    return [
        [
            {"text": " ".join(seed + letter * n for n in range(1, 5))}
            for letter in letters[s : s + 5]
        ]
        for s in (0, 5)
    ]


@pytest.fixture
def runs(run_of: Make, tmp_path: Path) -> list[str]:
    return [run_of(tmp_path, name, texts(name), BLOCK).path for name in ("one", "two", "three")]


def contents(index: str) -> dict[str, bytes]:
    root = Path(index)
    return {
        str(file.relative_to(root)): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file() and file.name != ".lock"
    }


def everything_in(index: str) -> str:
    """Every byte of every file, and every value of every Parquet file, which is compressed."""
    found = [data.decode("latin-1") for data in contents(index).values()]
    for file in Path(index).rglob("*.parquet"):
        found.append(str(pq.read_table(file).to_pylist()))
        found.append(str(pq.ParquetFile(file).metadata.to_dict()))
    return "\n".join(found)


def test_one_index_whatever_way_its_runs_came_into_it(runs: list[str], tmp_path: Path) -> None:
    whole = str(tmp_path / "whole")
    build_index(whole, runs, numbers_per_shard=4)
    expected = contents(whole)
    assert len(Index.open(whole).segments) == 1
    for number, order in enumerate(itertools.permutations(runs)):
        index = str(tmp_path / f"index{number}")
        build_index(index, order[:1], numbers_per_shard=4)
        for run in order[1:]:
            before = {k: v for k, v in contents(index).items() if k.startswith("segments")}
            add_runs(index, [run])
            assert before.items() <= contents(index).items()  # nothing is written anew
            if number % 2:
                compact_index(index)
        assert Index.open(index).fingerprint == Index.open(whole).fingerprint
        compact_index(index)
        assert contents(index) == expected


def test_forgetting_and_compacting_commute(runs: list[str], tmp_path: Path) -> None:
    wanted = Wanted(domains=("one0.example.org",)), Wanted(record_ids=("<urn:uuid:two-1-3>",))
    found = []
    for number, order in enumerate(itertools.permutations(range(3))):
        index = str(tmp_path / f"index{number}")
        build_index(index, runs, numbers_per_shard=4)
        actions = [
            lambda index=index: forget(index, wanted[0]),
            lambda index=index: forget(index, wanted[1]),
            lambda index=index: compact_index(index),
        ]
        for place in order:
            actions[place]()
        compact_index(index)
        found.append(contents(index))
    assert all(each == found[0] for each in found)


def test_nothing_is_left_of_a_forgotten_document(
    run_of: Make, runs: list[str], tmp_path: Path
) -> None:
    index = str(tmp_path / "index")
    build_index(index, runs[:2])
    add_runs(index, runs[2:])
    gone = ["https://one0.example.org/3", "two1.example.org", "urn:uuid:three-0-2"]
    file = tmp_path / "list.txt"
    file.write_text(f"# takedown of Monday\n{gone[0]}\ndomain:{gone[1]}\nrecord:{gone[2]}\n\n")
    marks = [*gone, "urn:uuid:one-0-3", "urn:uuid:two-1-4", "https://three0.example.org/2"]
    assert all(mark in everything_in(index) for mark in marks)
    keys_before = Index.open(index).store(Index.open(index).segments[0], "keys").table()

    outcome = forget(index, Wanted.of_list(str(file)))
    assert (outcome.matched, outcome.forgotten) == (7, 7)
    again = forget(index, Wanted.of_list(str(file)))
    assert (again.matched, again.forgotten) == (7, 0)
    assert described(Index.open(index))["documents"] == 23

    gone_texts = [texts("one")[0][3], texts("three")[0][2]]
    new = [gone_texts, [texts("one")[0][2], *texts("two")[1]]]
    block = dataclasses.replace(BLOCK, index=(index,), index_only=True)
    with_tombstones = run_of(tmp_path, "new", new, block)
    verdicts = [row["verdict"] for row in with_tombstones.rows]
    assert verdicts == ["kept", "kept", "near_duplicate", *["kept"] * 5]

    compact_index(index)
    left = everything_in(index)
    assert not [mark for mark in marks if mark in left]
    assert "urn:uuid:one-0-2" in left
    keys = Index.open(index).store(Index.open(index).segments[0], "keys").table()
    lost = set(keys_before["key"].to_pylist()) - set(keys["key"].to_pylist())
    assert lost and not any(key.to_bytes(8, "little").decode("latin-1") in left for key in lost)
    assert run_of(tmp_path, "again", new, block).rows == with_tombstones.rows
    assert not list(Path(index, "forgotten").glob("*"))


def test_the_run_may_be_deleted_and_its_records_are_known(
    run_of: Make, runs: list[str], tmp_path: Path
) -> None:
    index = str(tmp_path / "index")
    build_index(index, runs[:1], numbers_per_shard=3)
    add_runs(index, runs[1:])
    block = dataclasses.replace(BLOCK, index=(index,))
    before = run_of(tmp_path, "before", texts("two"), block)
    for run in runs:
        shutil.rmtree(run)
    after = run_of(tmp_path, "after", texts("two"), block)
    assert after.rows == before.rows and not after.kept
    compact_index(index)
    compacted = run_of(tmp_path, "compacted", texts("two"), block)
    assert compacted.rows == before.rows
    for row in compacted.rows:
        page = find_record(Index.open(index), row["index_id"])
        assert page is not None
        assert (page["run"], page["doc_id"]) == ("two", row["doc_id"])
        assert page["url"].startswith("https://two")
    assert find_record(Index.open(index), 30) is None


def test_a_flipped_byte_is_named_at_once_and_by_verify(
    run_of: Make, runs: list[str], tmp_path: Path
) -> None:
    index = str(tmp_path / "index")
    build_index(index, runs)
    assert Store.open(index).verify() == []
    [file] = Path(index).glob("segments/*/keys/*.arrow")
    data = bytearray(file.read_bytes())
    keys = Store.open(file.parent).table()["key"].to_numpy()
    data[data.index(int(keys[0]).to_bytes(8, "little"))] ^= 1
    file.write_bytes(bytes(data))
    assert "00000.arrow does not have the sha256" in Store.open(index).verify()[0]
    with pytest.raises(CorruptShard, match="checksum"):
        run_of(tmp_path, "new", texts("one"), dataclasses.replace(BLOCK, index=(index,)))


def test_what_was_broken_off_is_finished_by_the_same_command(
    runs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from winnow.dedup.index.gathering import RunRows

    whole, index = str(tmp_path / "whole"), str(tmp_path / "index")
    build_index(whole, runs, numbers_per_shard=4)
    with monkeypatch.context() as patched:
        read = RunRows.records

        def fails(self: RunRows, first: int, last: int) -> Any:
            if first:
                raise CorruptShard("torn")
            return read(self, first, last)

        patched.setattr(RunRows, "records", fails)
        with pytest.raises(RunFailed, match="torn"):
            build_index(index, runs, numbers_per_shard=4)
        with pytest.raises(StoreError):
            Index.open(index)
    build_index(index, runs, numbers_per_shard=4)
    assert contents(index) == contents(whole)


def test_workers_change_no_byte(runs: list[str], tmp_path: Path) -> None:
    one, two = str(tmp_path / "index1"), str(tmp_path / "index2")
    build_index(one, runs, numbers_per_shard=4)
    build_index(two, runs, numbers_per_shard=4, workers=2)
    assert contents(one) == contents(two)


def test_what_makes_no_sense_is_told(run_of: Make, runs: list[str], tmp_path: Path) -> None:
    index = str(tmp_path / "index")
    build_index(index, runs[:1])
    with pytest.raises(PlanError, match="holds an index already"):
        build_index(index, runs[1:])
    with pytest.raises(PlanError, match=r"in the index .* already"):
        add_runs(index, runs[:1])
    with pytest.raises(PlanError, match="is named twice"):
        add_runs(index, [runs[1], runs[1]])
    with pytest.raises(PlanError, match="not a place for an index"):
        build_index(runs[0], runs[1:])
    with pytest.raises(StoreError, match="not an index"):
        Index.open(f"{runs[0]}/documents")
    other = dataclasses.replace(BLOCK, seed=7)
    apart = run_of(tmp_path, "apart", texts("apart"), other).path
    with pytest.raises(PlanError, match="seed is 1 in the index, 7 here"):
        add_runs(index, [apart])


def test_the_hash_of_a_set_does_not_know_the_order() -> None:
    one = Forgotten().with_documents("v", [3, 1]).with_documents("v", [2])
    assert one == Forgotten().with_documents("v", [1, 2, 3])
    assert one.documents == 3
    assert one != Forgotten().with_documents("v", [1, 2, 4])
    assert one.hash != Forgotten().with_documents("w", [1, 2, 3]).hash


def test_domains_are_hosts_and_all_below_them() -> None:
    pages = pa.record_batch(
        {
            "url": ["https://a.b.org/x", "https://ab.org/", "https://b.org/", "https://c.org/"],
            "domain": ["a.b.org", "ab.org", "b.org", None],
            "record_id": ["1", "2", "3", None],
        }
    )
    assert Wanted(domains=("B.org",)).among(pages).to_pylist() == [True, False, True, False]
    assert Wanted(urls=("https://c.org/",)).among(pages).to_pylist() == [False] * 3 + [True]
    assert Wanted(record_ids=("<2>",)).among(pages).to_pylist() == [False, True, False, False]
    assert not Wanted()


def test_the_command_line(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import argparse

    from winnow.commands.index_arguments import add_arguments

    parser = argparse.ArgumentParser()
    add_arguments(parser)

    def call(*words: str) -> int:
        return main(parser.parse_args(words))

    index = str(tmp_path / "index")
    assert call("build", index, *runs[:2], "--workers", "1") == 0
    assert call("add", index, runs[2], "--workers", "1") == 0
    assert call("forget", index, "--url", "https://nobody.example.org/") == 1
    assert "no document of the index" in capsys.readouterr().out
    assert call("forget", index, "--url", "https://one0.example.org/1") == 0
    assert "1 documents forgotten" in capsys.readouterr().out
    assert call("show", index, "--json") == 0
    assert '"documents": 29' in capsys.readouterr().out
    assert call("compact", index, "--workers", "1") == 0
    assert "29 documents" in capsys.readouterr().out
    assert call("show", index, "--id", "0") == 0
    assert "https://one0.example.org/0" in capsys.readouterr().out


def test_what_was_forgotten_while_another_waited_stays_forgotten(
    runs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`add` reads the index when it holds the lock, not before."""
    from winnow.dedup.index import locking

    path = str(tmp_path / "index")
    index = build_index(path, runs[:1])
    page = index.store(index.segments[0], "records").table(["url", "number"]).to_pylist()[0]
    real = locking.run_lock

    def late(folder: str) -> Any:
        monkeypatch.setattr(locking, "run_lock", real)
        forget(path, Wanted(urls=(page["url"],), domains=(), record_ids=()))
        return real(folder)

    monkeypatch.setattr(locking, "run_lock", late)
    added = add_runs(path, runs[1:2])
    assert sum(len(added.tombstones(segment)) for segment in added.segments) == 1


def test_no_folder_is_made_where_there_is_no_index(runs: list[str], tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such folder"):
        add_runs(str(tmp_path / "none"), runs[:1])
    assert not (tmp_path / "none").exists()
