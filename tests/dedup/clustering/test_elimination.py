"""Components of any graph: partitions and one task give the same rows, equal to a plain twin."""

from __future__ import annotations

import dataclasses
import random
import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.clustering.buckets import EDGES
from winnow.dedup.clustering.clusters import ClusterReader
from winnow.dedup.clustering.contraction import Contraction
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.partitions import Partitions
from winnow.dedup.clustering.union_find import gather, lowest
from winnow.dedup.exact import Exact
from winnow.dedup.minhash import MinHash
from winnow.dedup.steps import cluster_drafts, plan_partitions
from winnow.errors import CorruptShard, StageError
from winnow.pipeline.config import ExecutorConfig
from winnow.pipeline.local_executor import LocalExecutor
from winnow.pipeline.step import Draft, Inputs, PlanContext, Step
from winnow.pipeline.task import open_step
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.receipts import write_receipt
from winnow.store.shards import ShardWriter, shard_file

LAYOUT = KeyLayout(bands=1, parts=1, wide=False)
MEMORY = 1_000_000
Pair = tuple[int, int]
Clusters = dict[int, tuple[int, int, int]]


def twin(edges: Sequence[Pair], preferences: dict[int, int]) -> Clusters:
    """doc_id → (smallest of its component, documents, survivor), for documents with an edge."""
    members: dict[int, set[int]] = {}
    for pair in edges:
        both = members.get(pair[0], {pair[0]}) | members.get(pair[1], {pair[1]})
        members |= dict.fromkeys(both, both)
    return {
        doc: (min(found), len(found), max(found, key=lambda d: (preferences[d], -d)))
        for doc, found in members.items()
    }


class Graph:
    """The stores that clustering reads, made from documents and edges given as numbers."""

    def __init__(
        self, folder: Path, documents: list[dict[int, int]], edges: list[list[Pair]]
    ) -> None:
        """documents: doc_id → preference, by shard of the sign store; edges by bucket shard."""
        self.folder = folder
        signed = [
            list(LAYOUT.batches(ids[:, None], None, ids, preferences))
            for ids, preferences in (_columns(list(shard.items())) for shard in documents)
        ]
        bucketed = [
            [pa.record_batch([pa.array(c) for c in _columns(shard)], schema=EDGES)]
            for shard in edges
        ]
        self.stores = {
            "dups-sign": self._write("dups-sign", LAYOUT.schema, "arrow", signed),
            "dups-bucket": self._write("dups-bucket", EDGES, "arrow", bucketed),
        }

    def _write(self, name: str, schema: pa.Schema, format: Any, shards: Any) -> Store:
        folder = Folder(self.folder / name)
        receipts = []
        for index, batches in enumerate(shards):
            file = shard_file(index, format)
            with ShardWriter(folder, file, schema, format) as writer:
                for batch in batches:
                    writer.write(batch)
            receipts.append(writer.receipt("f"))
            write_receipt(folder, index, receipts[-1])
        return write_manifest(
            folder, kind="work", name=name, fingerprint="f", schema=schema, config={},
            receipts=receipts,
        )  # fmt: skip

    def cluster(
        self, partitions: int, nodes_at_once: int | None = None, memory: int = MEMORY,
        order: random.Random | None = None, twice: bool = False, workers: int = 0,
    ) -> dict[str, Store]:  # fmt: skip
        """All stores of clustering in ``partitions``, shards made in ``order``; ``twice``: each
        task begins, is left half-way, and is done again; by ``workers`` processes, or here."""
        stores = dict(self.stores)
        for draft in cluster_drafts("dups", LAYOUT, memory, partitions):
            stores[draft.name] = self._run(
                draft, stores, nodes_at_once, order, twice, partitions, workers
            )
        return stores

    def _run(
        self, draft: Draft, stores: dict[str, Store], nodes_at_once: int | None,
        order: random.Random | None, twice: bool, partitions: int, workers: int,
    ) -> Store:  # fmt: skip
        work: Any = draft.work
        if nodes_at_once is not None and hasattr(work, "nodes_at_once"):
            work = dataclasses.replace(work, nodes_at_once=nodes_at_once)
        folder = self.folder / f"{partitions}-{nodes_at_once}-{twice}-{workers}" / draft.name
        inputs = Inputs(None, {name: stores[name].path for name in draft.reads}, 0, str(folder))
        step = Step(
            name=draft.name, kind=draft.kind, label="", work=work, schema=draft.schema,
            shard_count=draft.shard_count, format=draft.format, inputs=inputs, fingerprint="f",
        )  # fmt: skip
        indexes = list(range(draft.shard_count))
        if order is not None:
            order.shuffle(indexes)
        receipts: dict[int, Any] = {}
        if workers:
            with LocalExecutor(ExecutorConfig(workers=workers)) as executor:
                receipts = {int(each.file[:5]): each for each in executor.run(step, indexes)}  # type: ignore[union-attr]
            indexes = []
        make = open_step(step)
        for index in indexes:
            if twice:
                next(work.open(inputs)(index, _Tally()), None)
                make(index)
                make = open_step(step)  # as another process would
            receipts[index] = make(index)
        return write_manifest(
            Folder(step.folder), kind=step.kind, name=step.name, fingerprint="f",
            schema=step.schema, config={}, receipts=[receipts[i] for i in sorted(receipts)],
        )  # fmt: skip


class _Tally:
    def count(self, name: str, number: int = 1) -> None: ...


def _columns(pairs: list[Pair]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(pairs, np.uint64).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


def rows(stores: dict[str, Store]) -> pa.Table:
    return stores["dups-cluster"].table()


def as_dict(table: pa.Table) -> Clusters:
    return {
        row["doc_id"]: (row["cluster_id"], row["cluster_size"], row["survivor_id"])
        for row in table.to_pylist()
    }


@st.composite
def graphs(draw: Any) -> tuple[list[dict[int, int]], list[list[Pair]]]:
    """Documents in shards, some of whose ranges overlap, and random edges, chains and stars."""
    shards = draw(st.lists(st.integers(0, 14), min_size=1, max_size=4))
    apart = draw(st.booleans())
    ids = [
        (number << 32 | i) if apart else (number + len(shards) * i)
        for number, count in enumerate(shards)
        for i in range(count)
    ]
    preferences = draw(st.lists(st.integers(0, 3), min_size=len(ids), max_size=len(ids)))
    documents: list[dict[int, int]] = []
    for count in shards:
        start = sum(len(shard) for shard in documents)
        documents.append(dict(zip(ids[start:][:count], preferences[start:][:count], strict=True)))
    pairs: list[Pair] = []
    if len(ids) > 1:
        one = st.sampled_from(ids)
        pairs = draw(st.lists(st.tuples(one, one), max_size=25))
        for shape in draw(st.lists(st.sampled_from(["chain", "star"]), max_size=2)):
            path = draw(st.permutations(ids))[: draw(st.integers(2, len(ids)))]
            pairs += pairwise(path) if shape == "chain" else [(path[0], end) for end in path[1:]]
        pairs = [(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]]
        pairs = draw(st.permutations(pairs))
    cuts = sorted(draw(st.lists(st.integers(0, len(pairs)), max_size=3)))
    edges = [pairs[a:b] for a, b in zip([0, *cuts], [*cuts, len(pairs)], strict=True)]
    return documents, edges


@given(graphs(), st.integers(2, 7), st.sampled_from([1, 2, 5, None]), st.booleans(), st.randoms())
@settings(deadline=None, max_examples=20)
def test_partitions_and_one_task_equal_the_twin(
    graph: Any, partitions: int, nodes_at_once: int | None, twice: bool, order: random.Random
) -> None:
    documents, edges = graph
    preferences = {doc: value for shard in documents for doc, value in shard.items()}
    wanted = twin([pair for shard in edges for pair in shard], preferences)
    with tempfile.TemporaryDirectory() as name:
        stores = Graph(Path(name), documents, edges)
        one = stores.cluster(1)
        assert as_dict(rows(one)) == wanted
        many = stores.cluster(partitions, nodes_at_once, order=order, twice=twice)
        assert rows(many).equals(rows(one))
        counters = many["dups-cluster"].counters
        assert counters == one["dups-cluster"].counters
        assert counters["largest_cluster"] == max((v[1] for v in wanted.values()), default=0)
        apart = all(max(a) < min(b) for a, b in pairwise(filter(None, documents)))
        _check_bounds(many, partitions, apart)
        reader, plain = ClusterReader(many["dups-cluster"]), ClusterReader(one["dups-cluster"])
        for low in (0, *sorted(preferences)[::3]):
            for high in (low, low + 5, 1 << 63):
                assert reader.between(low, high).equals(plain.between(low, high))


def _check_bounds(stores: dict[str, Store], partitions: int, apart: bool) -> None:
    """No partition has more documents than its share, no edge becomes two, none is left."""
    documents = stores["dups-sign"].rows // 2
    eliminated = [stores[f"dups-eliminate-{p:03d}"].counters for p in range(partitions)]
    share = -(-documents // partitions)
    if apart:  # where shards' ranges overlap, shares are not equal
        assert all(each["nodes"] <= share for each in eliminated)
    assert all(each["contracted"] <= each["edges"] for each in eliminated)
    assert eliminated[0]["contracted"] == 0
    routed = stores["dups-route"].counters
    assert routed["contracted"] <= routed["edges"]


edge = st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda pair: pair[0] != pair[1])


@given(st.lists(edge, max_size=40), st.integers(1, 12), st.integers(1, 7))
@settings(deadline=None)
def test_contracted_edges_connect_the_same_documents(
    pairs: list[Pair], limit: int, batch: int
) -> None:
    held = Contraction(limit)
    found: list[Pair] = []
    for start in range(0, len(pairs), batch):
        for edges in held.add(*_columns(pairs[start : start + batch])):
            found += zip(*(side.tolist() for side in edges), strict=True)
    for edges in held.rest():
        found += zip(*(side.tolist() for side in edges), strict=True)
    assert len(found) <= len(pairs)
    assert all(low < high for low, high in found)
    plain = dict.fromkeys(range(13), 0)
    assert twin(found, plain) == twin(pairs, plain)
    held = Contraction(100)
    assert not list(held.add(*_columns(pairs)))
    low, high = next(held.rest(), _columns([]))
    assert np.all(high[1:] > high[:-1])
    assert low.tolist() == [twin(pairs, plain)[each][0] for each in high.tolist()]


group = st.tuples(*(st.integers(0, n) for n in (5, 9, 3, 8)))


@given(st.lists(st.integers(0, 5), min_size=6, max_size=6), st.lists(group, max_size=20))
@settings(deadline=None)
def test_sums_and_minima_of_sets_equal_the_twin(
    roots: list[int], groups: list[tuple[int, ...]]
) -> None:
    parents = np.array([min(root, place) for place, root in enumerate(roots)], np.int32)
    places, sizes, preferences, ids = np.array(groups, np.uint64).reshape(-1, 4).T.copy()
    best, survivors = np.zeros((2, 6), np.uint64)
    totals, minima = np.zeros(6, np.uint32), np.full(6, 99, np.uint64)
    sizes += np.uint64(1)
    at = places.astype(np.int64)
    gather(parents, at, sizes, preferences, ids, best, totals, survivors)
    lowest(parents, at, ids, minima)
    for root in range(6):
        own = [each for each in groups if parents[each[0]] == root]
        assert totals[root] == sum(each[1] + 1 for each in own)
        assert minima[root] == min((each[3] for each in own), default=99)
        if own:
            first = min(own, key=lambda each: (-each[2], each[3]))
            assert (best[root], survivors[root]) == (first[2], first[3])


@given(st.lists(st.integers(0, 20), min_size=1, max_size=5), st.integers(1, 12))
@settings(deadline=None)
def test_partitions_hold_equal_shares_of_the_documents(shards: list[int], count: int) -> None:
    documents = [{s << 32 | i: 0 for i in range(n)} for s, n in enumerate(shards)]
    ids = np.array([doc for shard in documents for doc in shard], np.uint64)
    with tempfile.TemporaryDirectory() as name:
        store = Graph(Path(name), documents, [[]]).stores["dups-sign"]
        cut = Partitions.of(store, LAYOUT, count)
    sizes = [len(ids[each]) for each in cut.within(ids)]
    assert sum(sizes) == len(ids)
    assert max(sizes) <= -(-len(ids) // count)
    assert cut.number(ids).tolist() == [p for p, size in enumerate(sizes) for _ in range(size)]


@pytest.mark.parametrize("shape", ["chain", "shuffled chain", "star", "late star", "two combs"])
def test_giant_clusters_cost_an_edge_a_document(tmp_path: Path, shape: str) -> None:
    count = 20_000
    ids = list(range(count))
    if shape == "shuffled chain":
        random.Random(1).shuffle(ids)
    pairs = {
        "star": [(0, i) for i in ids[1:]],
        "late star": [(i, count - 1) for i in ids[:-1]],
        "two combs": [(i, i + 2) for i in ids[:-2]] + [(count - 2, count - 1)],
    }.get(shape) or list(pairwise(ids))
    pairs = [(min(pair), max(pair)) for pair in pairs]
    random.Random(2).shuffle(pairs)
    graph = Graph(tmp_path, [{i: i % 7 for i in range(count)}], [pairs[::2], pairs[1::2]])
    stores = graph.cluster(7, nodes_at_once=1000)
    found = as_dict(rows(stores))
    assert found == dict.fromkeys(range(count), (0, count, 6))
    moved = [stores[f"dups-eliminate-{p:03d}"].counters["edges"] for p in range(7)]
    assert sum(moved) <= 4 * count
    assert stores["dups-cluster"].counters["largest_cluster"] == count


@pytest.mark.parametrize("partitions", [1, 3])
def test_too_many_documents_end_with_the_number_that_is_enough(
    tmp_path: Path, partitions: int
) -> None:
    pairs = [(0, i) for i in range(1, 3000)]
    graph = Graph(tmp_path, [dict.fromkeys(range(3000), 0)], [pairs])
    with pytest.raises(StageError, match=r"dups: more than .* have a duplicate") as caught:
        graph.cluster(partitions, memory=40_000)
    assert caught.value.remedy is not None
    enough = int(caught.value.remedy.split("cluster_partitions = ")[1].split(",")[0])
    found = rows(graph.cluster(enough, memory=40_000))
    assert as_dict(found) == dict.fromkeys(range(3000), (0, 3000, 0))


@pytest.mark.parametrize("workers", [1, 2])
def test_worker_processes_change_no_byte(tmp_path: Path, workers: int) -> None:
    draw = random.Random(4)
    pairs = [tuple(sorted(draw.sample(range(900), 2))) for _ in range(700)]
    documents = [{s << 32 | i: draw.randrange(5) for i in range(300)} for s in range(3)]
    ids = [doc for shard in documents for doc in shard]
    edges = [[(ids[a], ids[b]) for a, b in pairs[n::3]] for n in range(3)]
    graph = Graph(tmp_path, documents, edges)
    here = graph.cluster(4, nodes_at_once=50)
    there = graph.cluster(4, nodes_at_once=50, workers=workers)
    for name, store in here.items():
        shards = [shard.sha256 for shard in store.shards]
        assert [shard.sha256 for shard in there[name].shards] == shards, name


def test_a_bucket_of_a_document_that_was_never_signed_is_told(tmp_path: Path) -> None:
    graph = Graph(tmp_path, [{1: 0, 2: 0}], [[(1, 2), (2, 3)]])
    for partitions in (1, 2):
        with pytest.raises(CorruptShard, match="lacks 1 documents"):
            graph.cluster(partitions)


BLOCKS: list[Any] = [Exact(), MinHash(ngram_words=2, bands=3, rows_per_band=2, verify="no")]


@pytest.mark.parametrize("block", BLOCKS, ids=["exact", "minhash"])
def test_verdicts_are_the_same_bytes_in_any_number_of_partitions(
    run_dedup: Callable[..., Any], block: Any
) -> None:
    draw = random.Random(3)
    corpus = [[{"text": " ".join(draw.choices("abc", k=4))} for _ in range(60)] for _ in range(3)]
    one = run_dedup(dataclasses.replace(block, cluster_partitions=1), corpus)
    assert one.counters["dedup-cluster"]["clusters"] >= 1
    for partitions in (2, 20):
        many = run_dedup(dataclasses.replace(block, cluster_partitions=partitions), corpus)
        assert many.shards["dedup"] == one.shards["dedup"]
        assert many.counters["dedup-cluster"] == one.counters["dedup-cluster"]


def plan(input_bytes: int) -> PlanContext:
    return PlanContext(
        name="dups", seed=0, document_shards=3, input_bytes=input_bytes,
        columns=pa.schema([]), sources=("x",),
    )  # fmt: skip


def test_partitions_follow_the_input_and_the_memory() -> None:
    gigabyte = 10**9
    assert plan_partitions(plan(0), gigabyte, 0) == 1
    assert plan_partitions(plan(100 * gigabyte), gigabyte, 0) == 1
    assert plan_partitions(plan(1000 * gigabyte), gigabyte, 0) == 2
    assert plan_partitions(plan(80_000 * gigabyte), 4 * gigabyte, 0) == 20
    assert plan_partitions(plan(80_000 * gigabyte), 4 * gigabyte, 7) == 7


@pytest.mark.parametrize("kind", [Exact, MinHash])
@pytest.mark.parametrize("partitions", [-1, 257])
def test_an_impossible_number_of_partitions_is_refused(kind: Any, partitions: int) -> None:
    with pytest.raises(ValueError, match="cluster_partitions must be"):
        kind(cluster_partitions=partitions)
