"""Whole blocks that are verified, over stores: verdicts equal a twin in plain Python."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.clustering.node_ids import IN_INDEX
from winnow.dedup.minhash import MinHash
from winnow.dedup.signing.banding import threshold
from winnow.dedup.signing.signatures import Signers
from winnow.dedup.verifying.comparing import VERIFIED
from winnow.dedup.verifying.members import SetReader
from winnow.dedup.verifying.sets import SETS
from winnow.dedup.verifying.union_replay import replay
from winnow.errors import CorruptShard
from winnow.pipeline.step import PlanContext
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.shards import ShardWriter, shard_file

Run = Callable[..., Any]
Row = dict[str, Any]
SHAPE: dict[str, Any] = {"ngram_words": 2, "bands": 4, "rows_per_band": 1}
SIMILARITY = 0.5
LOOSE = MinHash(**SHAPE, verify="no")
CHECKED = MinHash(**SHAPE, verify="jaccard", verify_similarity=SIMILARITY)
DATATROVE = MinHash(**{**SHAPE, "rows_per_band": 2}, keep="datatrove-0.10")


@dataclasses.dataclass(frozen=True)
class Cut:
    """A block whose verifying is cut otherwise: no verdict may change."""

    block: MinHash
    memory_bytes: int | None = None
    partitions: int = 1
    document_partitions: int = 1

    def expand(self, context: PlanContext) -> list[Any]:
        return [self._changed(draft) for draft in self.block.expand(context)]

    def _changed(self, draft: Any) -> Any:
        fields: dict[str, Any] = {}
        kind = draft.name.rpartition("-")[2]
        if kind in ("shingles", "compare"):
            fields["partitions"] = self.partitions
        if kind == "compare":
            fields["document_partitions"] = self.document_partitions
        if kind == "verified":
            fields["partitions"] = self.document_partitions
        if kind in ("compare", "verified"):
            shards = self.partitions if kind == "compare" else self.document_partitions
            draft = dataclasses.replace(draft, shard_count=shards)
            if self.memory_bytes is not None:
                fields["memory_bytes"] = self.memory_bytes
        return dataclasses.replace(draft, work=dataclasses.replace(draft.work, **fields))


def verdict_rows(outcome: Any) -> dict[int, tuple[Any, ...]]:
    names = ("verdict", "cluster_id", "cluster_size", "survivor_id", "similarity")
    return {
        row["doc_id"]: tuple(row.get(name) for name in names)
        for shard in outcome.rows
        for row in shard
    }


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = text.lower().split()
    return frozenset(pairwise(words))


def greedy_twin(
    texts: dict[int, str], clusters: dict[int, list[int]], similarity: float
) -> tuple[dict[int, int], dict[int, float]]:
    """(survivor, similarity to it) of every clustered document; longest first."""
    survivor: dict[int, int] = {}
    alike: dict[int, float] = {}
    for members in clusters.values():
        stay: list[int] = []
        for doc in sorted(members, key=lambda d: (-len(texts[d]), d)):
            x = shingles(texts[doc])
            found = [(doc, 1.0)]
            for other in stay:
                y = shingles(texts[other])
                share = len(x & y) / len(x | y)
                if share >= similarity:
                    found.append((other, share))
            best = max(found[1:], key=lambda pair: pair[1], default=found[0])
            survivor[doc], alike[doc] = best
            if best[0] == doc:
                stay.append(doc)
    return survivor, alike


def expected(loose: Any, texts: dict[int, str]) -> dict[int, tuple[Any, ...]]:
    rows = loose.verdicts()
    clusters: dict[int, list[int]] = {}
    for doc, (verdict, cluster, _, _) in rows.items():
        if verdict is not None:
            clusters.setdefault(cluster, []).append(doc)
    survivor, alike = greedy_twin(texts, clusters, SIMILARITY)
    groups: dict[int, list[int]] = {}
    for doc, stays in survivor.items():
        groups.setdefault(stays, []).append(doc)
    found: dict[int, tuple[Any, ...]] = dict.fromkeys(rows, (None,) * 5)
    for stays, group in groups.items():
        for doc in group:
            verdict = "kept" if doc == stays else "near_duplicate"
            share = float(np.float32(alike[doc]))
            found[doc] = (verdict, min(group), len(group), stays, share)
    return found


WORDS = ["ab", "cd", "ef", "gh", "ij", "kl"]
document = st.fixed_dictionaries(
    {
        "text": st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join),
        "rejected": st.sampled_from([False] * 4 + [True]),
    }
)
corpora = st.lists(st.lists(document, max_size=8), min_size=1, max_size=3)
cuts = st.builds(
    Cut, st.just(CHECKED), st.sampled_from([None, 100, 300]), st.integers(1, 4), st.integers(1, 4)
)


@given(corpora, cuts)
@settings(deadline=None, max_examples=20)
def test_verdicts_equal_the_twin_however_the_work_is_cut(
    run_dedup: Run, corpus: list[list[Row]], cut: Cut
) -> None:
    loose, checked = run_dedup(LOOSE, corpus), run_dedup(cut, corpus)
    texts = {
        n << 32 | i: row["text"] for n, rows in enumerate(corpus) for i, row in enumerate(rows)
    }
    wanted = expected(loose, texts)
    assert verdict_rows(checked) == wanted
    counters, last = checked.counters["dedup-verified"], checked.counters["dedup"]
    sizes = [row[2] for doc, row in wanted.items() if row[3] == doc]
    before, after = (
        sum(r[0] == "kept" for r in v) for v in (loose.verdicts().values(), wanted.values())
    )
    assert counters["clusters"] == sum(size > 1 for size in sizes)
    assert counters["clustered"] == sum(size for size in sizes if size > 1)
    assert counters["largest_cluster"] == max((size for size in sizes if size > 1), default=0)
    assert counters["duplicates"] == last["verdict.near_duplicate"] == sum(sizes) - after
    assert counters["split_off"] == after - before
    assert counters["pairs"] == loose.counters["dedup"]["verdict.near_duplicate"]
    false = sum(
        jaccard(texts[doc], texts[row[3]]) < SIMILARITY
        for doc, row in loose.verdicts().items()
        if row[0]
    )
    assert counters["false_pairs"] == false


def jaccard(left: str, right: str) -> float:
    x, y = shingles(left), shingles(right)
    return len(x & y) / len(x | y) if x | y else 1.0


def corpus_of_many() -> list[list[Row]]:
    """Ninety clusters of twenty documents that are more and less alike."""
    draw = np.random.default_rng(3)
    corpus: list[list[Row]] = [[], [], []]
    for cluster in range(90):
        tag = chr(97 + cluster // 10) + chr(97 + cluster % 10)  # numbers would count as one
        words = [f"{tag}{chr(97 + i)}" for i in range(20)]
        for i in range(20):
            kept = [word for word in words if draw.random() < 0.97 - 0.02 * (i % 9)]
            corpus[int(draw.integers(3))].append({"text": " ".join(kept)})
    return corpus


@pytest.mark.parametrize("block", [CHECKED, DATATROVE], ids=["checked", "datatrove"])
def test_memory_changes_no_byte_and_partitions_none_of_the_verdicts(
    run_dedup: Run, block: MinHash
) -> None:
    corpus = corpus_of_many()
    plain = run_dedup(Cut(block), corpus)
    assert plain.counters["dedup-verified"]["clusters"] > 90
    for memory in (40_000, 5_000):
        assert run_dedup(Cut(block, memory), corpus).shards == plain.shards
    parts = run_dedup(Cut(block, None, 3, 2), corpus)
    assert run_dedup(Cut(block, 10_000, 3, 2), corpus).shards == parts.shards
    assert len(parts.shards["dedup-compare"]) == 3
    assert parts.rows == plain.rows
    # partitions are made only where there is much to do
    assert run_dedup(block, corpus).shards == plain.shards
    large = run_dedup(block, corpus, input_bytes=4_000_000_000_000)
    assert len(large.shards["dedup-compare"]) > 2
    assert large.rows == plain.rows


def test_a_page_a_hundred_thousand_times_has_one_survivor(run_dedup: Run) -> None:
    text = "this one page is served under every address of the site"
    corpus = [[{"text": text}] * 50_000, [{"text": text}] * 50_000]
    outcome = run_dedup(MinHash(verify="jaccard"), corpus)
    verdicts = verdict_rows(outcome)
    assert verdicts.pop(0) == ("kept", 0, 100_000, 0, 1.0)
    assert set(verdicts.values()) == {("near_duplicate", 0, 100_000, 0, 1.0)}


def test_links_of_a_chain_do_not_make_its_ends_alike(run_dedup: Run) -> None:
    texts = [" ".join(f"w{chr(97 + j)}" for j in range(i, i + 12)) for i in range(14)]
    block = MinHash(ngram_words=1, bands=40, rows_per_band=1, verify="no")
    corpus = [[{"text": text} for text in texts[i::3]] for i in range(3)]
    loose = run_dedup(block, corpus).verdicts()
    assert sum(verdict[0] == "kept" for verdict in loose.values()) == 1
    checked = dataclasses.replace(block, verify="jaccard", verify_similarity=0.6)
    for verdict, *_, share in verdict_rows(run_dedup(checked, corpus)).values():
        assert verdict == "kept" or share >= 0.6


def datatrove_twin(corpus: list[list[Row]], block: MinHash) -> dict[int, int]:
    """The root of every document's cluster, by what stages 2 and 3 say: pairs of neighbours in the
    order of (values, file, document), bands in their order; union by size."""
    signers = Signers(block.shape)
    records = []
    for n, rows in enumerate(corpus):
        values, signed = signers.signatures(
            pa.array([row["text"] for row in rows], pa.large_string()), None
        )
        for i, row in enumerate(rows):
            if signed[i] and not row["rejected"]:
                records.append((values[i].tolist(), n << 32 | i))
    union: dict[int, int] = {}
    size: dict[int, int] = {}

    def parent(x: int) -> int:
        while union.setdefault(x, x) != x:
            x = union[x]
        return x

    width = block.rows_per_band
    for band in range(block.bands):
        cut = slice(band * width, (band + 1) * width)
        ordered = sorted((tuple(values[cut]), doc) for values, doc in records)
        for (left, a), (right, b) in pairwise(ordered):
            if left == right:
                a, b = parent(a), parent(b)
                if a != b:
                    if size.get(a, 1) < size.get(b, 1):
                        a, b = b, a
                    union[b] = a
                    size[a] = size.get(a, 1) + size.get(b, 1)
    return {doc: parent(doc) for _, doc in records}


@given(corpora, st.sampled_from([None, 100, 500]), st.integers(1, 3), st.integers(1, 3))
@settings(deadline=None, max_examples=20)
def test_survivors_are_the_roots_of_datatroves_union(
    run_dedup: Run, corpus: list[list[Row]], memory: int | None, parts: int, documents: int
) -> None:
    outcome = run_dedup(Cut(DATATROVE, memory, parts, documents), corpus)
    roots = datatrove_twin(corpus, DATATROVE)
    for doc, (verdict, cluster, _, survivor) in outcome.verdicts().items():
        if verdict is not None:
            root = roots.get(doc, doc)
            assert survivor == root
            assert (verdict == "kept") == (root == doc)
            assert cluster == min(d for d in (doc, *roots) if roots.get(d, d) == root)
    assert "similarity" not in outcome.rows[0][0] if outcome.rows[0] else True


def test_no_survivor_for_documents_without_any(run_dedup: Run) -> None:
    for block in (CHECKED, DATATROVE):
        outcome = run_dedup(block, [[], []])
        assert outcome.rows == [[], []]
        assert outcome.counters["dedup-verified"]["clustered"] == 0


def write_sets(folder: Path, batches: list[pa.RecordBatch]) -> Store:
    store = Folder(folder)
    with ShardWriter(store, shard_file(0, "arrow"), SETS, "arrow") as writer:
        for batch in batches:
            writer.write(batch)
    return write_manifest(
        store, kind="work", name="sets", fingerprint="f", schema=SETS, config={},
        receipts=[writer.receipt("f")],
    )  # fmt: skip


def sets_batch(rows: list[tuple[int, int, int, list[int]]]) -> pa.RecordBatch:
    names = SETS.names
    return pa.RecordBatch.from_pylist([dict(zip(names, row, strict=True)) for row in rows], SETS)


def test_a_document_of_an_index_stays_whatever_the_union_says(tmp_path: Path) -> None:
    shape = DATATROVE.shape
    known = int(IN_INDEX)
    values = [1] * shape.values
    rows = [(7, 7, 0, values), (7, 8, 0, values), (7, 9, known, values), (7, 10, known, values)]
    other = [2] * shape.values
    rows += [(20, 20, 0, other), (20, 21, 0, other)]
    reader = SetReader(write_sets(tmp_path, [sets_batch(rows)]), 0, 1)
    [members] = reader.passes(1)
    kept = replay(members, reader, shape)
    found = dict(zip(members.doc_ids.tolist(), members.doc_ids[kept].tolist(), strict=True))
    assert found == {7: 9, 8: 9, 9: 9, 10: 9, 20: 20, 21: 20}


def test_members_come_by_preference_and_their_sets_with_them(tmp_path: Path) -> None:
    first = [(5, 6, 1, [3, 4]), (9, 9, 0, [1]), (5, 5, 1, [2])]
    second = [(5, 30, 2, [7, 8, 9]), (9, 40, 0, [])]
    store = write_sets(tmp_path, [sets_batch(first), sets_batch(second)])
    reader = SetReader(store, 0, 1)
    assert reader.rows == 5
    orders = []
    for count in (1, 2, 50):
        rows = [
            row
            for members in reader.passes(count)
            for row in zip(members.doc_ids.tolist(), members.starts.tolist(), strict=True)
        ]
        orders.append(rows)
    assert orders[0] == orders[1] == orders[2]
    clusters = ([(30, True), (5, False), (6, False)], [(9, True), (40, False)])
    assert orders[0] in ([*clusters[0], *clusters[1]], [*clusters[1], *clusters[0]])
    [members] = reader.passes(1)
    wanted = {6: [3, 4], 9: [1], 5: [2], 30: [7, 8, 9], 40: []}
    for at_once in (1, 3, 1000):
        found: dict[int, list[int]] = {}
        for place, offsets, hashes in reader.blocks(members.positions, at_once):
            for row in range(len(offsets) - 1):
                doc = int(members.doc_ids[place + row])
                found[doc] = hashes[offsets[row] : offsets[row + 1]].tolist()
        assert found == wanted


def test_a_flipped_byte_of_a_set_is_named(tmp_path: Path) -> None:
    store = write_sets(tmp_path, [sets_batch([(1, 1, 0, [0x1122334455667788] * 50)])])
    path = tmp_path / store.shards[0].file
    data = bytearray(path.read_bytes())
    at = data.index(bytes.fromhex("8877665544332211") * 50) + 100
    data[at] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(CorruptShard, match="00000"):
        SetReader(store, 0, 1)


def test_what_cannot_be_asked_together_is_said() -> None:
    with pytest.raises(ValueError, match="datatrove"):
        MinHash(keep="datatrove-0.10", verify="jaccard")
    assert MinHash().verified and not MinHash(keep="datatrove-0.10").verified


def test_a_pair_at_the_middle_of_the_curve_is_found_half_the_times() -> None:
    for bands, rows in ((14, 8), (20, 13), (1, 1)):
        assert 1 - (1 - threshold(bands, rows) ** rows) ** bands == pytest.approx(0.5)
    assert VERIFIED.names[-1] == "similarity"
