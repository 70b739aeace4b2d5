"""Matches of an index are verified: the same as a plain-Python search, however all is cut."""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from winnow.dedup.index import comparing, shingle_files
from winnow.dedup.index.forgetting import Wanted, forget
from winnow.dedup.index.making import add_runs, build_index, compact_index
from winnow.dedup.minhash import MinHash
from winnow.dedup.signing.signatures import Signers
from winnow.errors import CorruptShard, PlanError
from winnow.store.manifest import Store

NO_SHRINKING = (Phase.explicit, Phase.generate)  # an example is three runs
Row = dict[str, Any]
Make = Callable[..., Any]
OLD = MinHash(ngram_words=2, bands=4, rows_per_band=1, verify="no")
"""One row a band: most of what has a band in common is not alike."""
texts = st.lists(st.sampled_from(["ab", "cd", "ef", "Gh", "ij,", "é", "7"]), max_size=7)
document = st.fixed_dictionaries(
    {"text": texts.map(" ".join), "rejected": st.booleans() | st.just(False)}
)
corpora = st.lists(st.lists(document, max_size=6), min_size=1, max_size=3)


def verified(*index: str, similarity: float = 0.5, **fields: Any) -> MinHash:
    return dataclasses.replace(
        OLD, index=index, verify="jaccard", verify_similarity=similarity, **fields
    )


def known(rows: list[list[Row]]) -> dict[int, tuple[list[int], set[int]]]:
    """(band keys, shingle hashes) of the documents that have any, by doc_id."""
    signers = Signers(OLD.shape)
    found = {}
    for shard, documents in enumerate(rows):
        for place, row in enumerate(documents):
            text = pa.array([row.get("rewritten") or row["text"]], pa.large_string())
            keys, signed = signers.band_keys(text, None)
            if signed[0] and not row.get("rejected"):
                shingles = set(signers.shingle_sets(text, None)[1].tolist())
                found[shard << 32 | place] = keys[0].tolist(), shingles
    return found


def jaccard(one: set[int], other: set[int]) -> float:
    return len(one & other) / len(one | other)


def expected(
    new: list[list[Row]], stayed: dict[int, tuple[list[int], set[int]]], similarity: float,
    unverified: frozenset[int] = frozenset(),
) -> tuple[dict[int, tuple[int, float | None]], int, int]:  # fmt: skip
    """(number and similarity of the best match of each document, pairs, false pairs), where the
    index has ``stayed``, by number."""
    best: dict[int, tuple[int, float | None]] = {}
    pairs = false_pairs = 0
    for doc_id, (keys, shingles) in known(new).items():
        candidates = set()
        for band, key in enumerate(keys):
            meeting = [number for number, (theirs, _) in stayed.items() if theirs[band] == key]
            candidates |= {min(meeting)} if meeting else set()
        alike: list[tuple[float, int]] = []
        for number in candidates - unverified:
            value = jaccard(shingles, stayed[number][1])
            pairs += 1
            if value >= similarity:
                alike.append((-value, number))
            else:
                false_pairs += 1
        if alike:
            best[doc_id] = min(alike)[1], float(np.float32(-min(alike)[0]))
        elif candidates & unverified:
            best[doc_id] = min(candidates & unverified), None
    return best, pairs, false_pairs


def matches(run: Any) -> dict[int, tuple[int, float | None]]:
    rows = run.stores["minhash-matched"].table().to_pylist()
    assert [row["doc_id"] for row in rows] == sorted(row["doc_id"] for row in rows)
    return {row["doc_id"]: (row["index_id"], row["similarity"]) for row in rows}


def numbered(rows: list[list[Row]], run: Any, start: int = 0) -> dict[int, Any]:
    """What the run kept, by its number in an index."""
    of_run = known(rows)
    order = {doc_id: start + number for number, doc_id in enumerate(sorted(of_run))}
    return {order[doc_id]: of_run[doc_id] for doc_id in of_run if doc_id in run.kept}


@given(corpora, corpora, st.sampled_from([0.2, 0.5, 1.0]), st.booleans(), st.data())
@settings(deadline=None, max_examples=20, phases=NO_SHRINKING)
def test_the_most_similar_match_stays_and_false_ones_do_not(
    run_of: Make, old: list[list[Row]], new: list[list[Row]], similarity: float, only: bool,
    data: Any,
) -> None:  # fmt: skip
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patched:
        patched.setattr(shingle_files, "DOCUMENTS_PER_BATCH", data.draw(st.sampled_from([1, 3])))
        patched.setattr(comparing, "DOCUMENTS_AT_ONCE", data.draw(st.sampled_from([1, 2, 99])))
        folder = Path(name)
        a = run_of(folder, "a", old, OLD)
        index = str(folder / "index")
        per_shard = data.draw(st.sampled_from([2, 5, 100]))
        build_index(index, [a.path], shingles=True, numbers_per_shard=per_shard)
        block = verified(index, similarity=similarity, index_only=only)
        b = run_of(folder, "b", new, block)
        found = matches(b)
    best, pairs, false_pairs = expected(new, numbered(old, a), similarity)
    assert found == best
    counters = b.stores["minhash-matched"].counters
    assert counters == {
        "matched": len(best), "pairs": pairs, "false_pairs": false_pairs, "unverified_matches": 0
    }  # fmt: skip
    if only:
        assert {r["doc_id"]: r["index_id"] for r in b.rows if r["verdict"] == "near_duplicate"} == {
            doc_id: number for doc_id, (number, _) in best.items()
        }
    for row in b.rows:
        if row["doc_id"] in best:
            assert row["verdict"] == "near_duplicate"
            assert row["index_id"] == best[row["doc_id"]][0]
        elif row["index_id"] is not None:  # it is like a new document that the index has
            assert (
                row["index_id"] == best[row["survivor_id"]][0] and row["similarity"] >= similarity
            )


@given(corpora, corpora, corpora, st.booleans())
@settings(deadline=None, max_examples=4, phases=NO_SHRINKING)
def test_matches_of_an_index_without_shingles_stand_and_are_counted(
    run_of: Make, first: list[list[Row]], second: list[list[Row]], new: list[list[Row]], run: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        a, b = run_of(folder, "a", first, OLD), run_of(folder, "b", second, OLD)
        build_index(str(folder / "with"), [b.path], shingles=True)
        build_index(str(folder / "without"), [a.path])
        other = a.path if run else str(folder / "without")
        c = run_of(folder, "c", new, verified(other, str(folder / "with")))
        bare = run_of(folder, "bare", new, verified(other))
        plain = run_of(folder, "plain", new, dataclasses.replace(OLD, index=(other,)))
        found = matches(c)
    unverified = numbered(first, a)
    stayed = unverified | numbered(second, b, start=len(known(first)))
    best, pairs, false_pairs = expected(new, stayed, 0.5, frozenset(unverified))
    assert found == best
    assert c.stores["minhash-matched"].counters == {
        "matched": len(best), "pairs": pairs, "false_pairs": false_pairs,
        "unverified_matches": sum(similarity is None for _, similarity in best.values()),
    }  # fmt: skip
    counters = bare.stores["minhash-matched"].counters
    assert counters["unverified_matches"] == counters["matched"]
    assert bare.sha256("minhash-matched") == plain.sha256("minhash-matched")


def test_what_cannot_be_verified_is_said_in_the_plan(run_of: Make, tmp_path: Path) -> None:
    a = run_of(tmp_path, "a", [[{"text": "ab cd ef"}]], OLD)
    bare, whole = str(tmp_path / "bare"), str(tmp_path / "whole")
    build_index(bare, [a.path])
    build_index(whole, [a.path], shingles=True)
    *_, one, two = verified(bare, whole, a.path).plan_notes()
    assert "bare holds no shingles: its matches are not verified" in one
    assert "a is a run, without shingles" in two
    assert all("index" not in note for note in verified(whole).plan_notes())
    unverified = dataclasses.replace(OLD, index=(bare,)).plan_notes()
    assert all("index" not in note for note in unverified)


def corpus(random: Any, shards: int, rewritten: bool = False) -> list[list[Row]]:
    words = [a + b for a in "abcd" for b in "efgh"]
    rows: list[list[Row]] = []
    for _ in range(shards):
        rows.append([{"text": " ".join(random.choice(words, 7))} for _ in range(60)])
        if rewritten:
            rows[-1] = [
                {"text": row["text"] + " ef gh", "rewritten": row["text"], "rejected": n % 7 == 0}
                for n, row in enumerate(rows[-1])
            ]
    return rows


def test_memory_and_cutting_never_change_a_byte(
    run_of: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(5)
    old, new = corpus(random, 3), corpus(random, 4)
    for shard, rows in enumerate(old):  # each other one is like an old one but for a word
        new[shard][::2] = [{"text": row["text"].rpartition(" ")[0]} for row in rows[::2]]
    a = run_of(tmp_path, "a", old, OLD)
    index = str(tmp_path / "index")
    build_index(index, [a.path], shingles=True)
    plain = run_of(tmp_path, "plain", new, verified(index, similarity=0.4))
    counters = plain.stores["minhash-matched"].counters
    assert 0 < counters["matched"] < counters["pairs"] and counters["false_pairs"]
    small = verified(index, similarity=0.4, memory_bytes=1_000_000)
    monkeypatch.setattr(comparing, "DOCUMENTS_AT_ONCE", 3)
    monkeypatch.setattr("winnow.dedup.index.matched.PARTITION_BYTES", 5_000_000 // 60)
    small_run = run_of(tmp_path, "cut", new, small)
    spread = run_of(tmp_path, "spread", new, small, input_bytes=5 * 10**9)
    assert len(spread.stores["minhash-index-pairs"].shards) > 1
    for made in (small_run, spread):
        assert made.sha256("minhash-matched") == plain.sha256("minhash-matched")
        assert made.sha256("minhash") == plain.sha256("minhash")


def contents(index: str) -> dict[str, bytes]:
    root = Path(index)
    return {
        str(file.relative_to(root)): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file() and file.name != ".lock"
    }


def test_shingles_are_one_store_whatever_way_they_came_into_it(
    run_of: Make, tmp_path: Path
) -> None:
    random = np.random.default_rng(1)
    rows = {name: corpus(random, 2, rewritten=True) for name in ("one", "two", "three")}
    runs = {name: run_of(tmp_path, name, rows[name], OLD) for name in rows}
    paths = [run.path for run in runs.values()]
    whole = str(tmp_path / "whole")
    made = build_index(whole, paths, shingles=True, numbers_per_shard=50)
    [segment] = made.segments
    store = made.store(segment, "shingles")
    sets = {row["number"]: row["hashes"] for row in store.table().to_pylist()}
    numbers, wanted = 0, {}
    for name in sorted(rows):
        wanted |= numbered(rows[name], runs[name], numbers)
        numbers += len(known(rows[name]))
    assert sets == {number: sorted(shingles) for number, (_, shingles) in wanted.items()}
    assert store.counters["shingles"] == sum(map(len, sets.values()))

    gone = Wanted(domains=("two0.example.org",))
    forget(whole, gone)
    compact_index(whole, workers=2)
    pieces = str(tmp_path / "pieces")
    build_index(pieces, paths[2:], shingles=True, numbers_per_shard=50)
    add_runs(pieces, paths[1:2])
    forget(pieces, gone)
    compact_index(pieces)
    add_runs(pieces, paths[:1], shingles=True)
    compact_index(pieces)
    assert contents(pieces) == contents(whole)
    left = Store.open(next(Path(whole).glob("segments/*/shingles"))).table().to_pylist()
    assert len(left) < len(sets) and all(sets[row["number"]] == row["hashes"] for row in left)
    start = sorted(rows).index("two") * len(known(rows["two"]))
    assert not any(start <= row["number"] < start + 40 for row in left)


def test_a_flipped_byte_of_a_set_is_named_when_it_is_compared(run_of: Make, tmp_path: Path) -> None:
    rows = corpus(np.random.default_rng(2), 1)
    a = run_of(tmp_path, "a", rows, OLD)
    index = str(tmp_path / "index")
    build_index(index, [a.path], shingles=True)
    [file] = Path(index).glob("segments/*/shingles/*.arrow")
    data = bytearray(file.read_bytes())
    first = Store.open(file.parent).table()["hashes"][0][0].as_py()
    data[data.index(first.to_bytes(8, "little"))] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(CorruptShard, match=r"shingles/00000\.arrow: batch 0"):
        run_of(tmp_path, "new", rows, verified(index))
    assert "shingles/00000.arrow does not have the sha256" in Store.open(index).verify()[0]


def test_a_segment_has_shingles_where_the_others_have(run_of: Make, tmp_path: Path) -> None:
    rows = corpus(np.random.default_rng(3), 1)
    a, b = run_of(tmp_path, "a", rows, OLD), run_of(tmp_path, "b", rows, OLD)
    index, other = str(tmp_path / "index"), str(tmp_path / "other")
    bare = build_index(index, [a.path])
    with pytest.raises(PlanError, match="holds no shingles, and a segment cannot have any"):
        add_runs(index, [b.path], shingles=True)
    whole = build_index(other, [a.path], shingles=True)
    assert bare.fingerprint != whole.fingerprint
    added = add_runs(other, [b.path])
    assert all(added.store(segment, "shingles").rows for segment in added.segments)


def test_texts_of_another_shape_of_words_are_not_taken_for_the_same(
    run_of: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = run_of(tmp_path, "a", [[{"text": "ab cd ef"}]], OLD)
    monkeypatch.setattr("winnow.dedup.signing.shape.unicodedata.unidata_version", "1.0")
    with pytest.raises(Exception, match=r"unicode is .* there, '1\.0' here"):
        build_index(str(tmp_path / "index"), [a.path], shingles=True)


@given(
    st.lists(st.integers(0, 40), unique=True).map(sorted),
    st.lists(st.integers(0, 40)).map(sorted),
    st.integers(1, 6),
)
def test_batches_of_sets_follow_from_the_numbers_alone(
    numbers: list[int], cuts: list[int], at_once: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shingle_files, "DOCUMENTS_PER_BATCH", at_once)
        pieces = []
        for low, high in itertools.pairwise([0, *cuts, 41]):
            some = [number for number in numbers if low <= number < high]
            hashes = [number * 10 + n for number in some for n in range(number % 3)]
            offsets = np.cumsum([0, *(number % 3 for number in some)])
            sets = shingle_files.set_array(offsets, np.array(hashes, np.uint64))
            pieces.append((np.array(some, np.uint64), sets))
        batches = list(shingle_files.set_batches(pieces, 0, 41))
    assert len(batches) == -(-41 // at_once)
    for place, batch in enumerate(batches):
        inside = [number for number in numbers if number // at_once == place]
        assert batch.to_pydict() == {
            "number": inside,
            "hashes": [[number * 10 + n for n in range(number % 3)] for number in inside],
        }
