"""The sums that a plan tells, held against what steps really write and hold."""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from winnow.commands import status
from winnow.commands.costs import Written, compare_costs, compared_lines
from winnow.commands.plan import as_dict, describe
from winnow.dedup import steps
from winnow.dedup.clustering.costs import Costs, Sizes
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.exact import Exact
from winnow.dedup.minhash import MinHash
from winnow.pipeline.config import load_config
from winnow.pipeline.plan import make_plan
from winnow.pipeline.step import PlanContext
from winnow.store.files import Folder

ROOT = Path(__file__).resolve().parents[3]
COLUMNS = pa.schema([pa.field("doc_id", pa.uint64()), pa.field("text", pa.large_string())])


def context(input_bytes: int, shards: int, *more: str) -> PlanContext:
    columns = pa.schema([*COLUMNS, *(pa.field(name, pa.float64()) for name in more)])
    return PlanContext(
        name="dups", seed=0, document_shards=shards, input_bytes=input_bytes, columns=columns,
        sources=("x",),
    )  # fmt: skip


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("partitions", [1, 3])
def test_of_true_counts_the_sums_are_the_bytes_of_the_files(
    tmp_path: Path, flow: Callable[..., Any], wide: bool, partitions: int
) -> None:
    draw = random.Random(1)
    bands, shards, rows, files = (1 if wide else 3), 6, 3000, 2
    kinds = 20_000
    documents = [
        [
            (s << 32 | r, [draw.randrange(kinds) << 49 for _ in range(bands)], r % 5)
            for r in range(rows)
        ]
        for s in range(shards)
    ]
    layout = KeyLayout(bands, 2, wide)
    made = flow(tmp_path, layout, documents, files, partitions, memory_bytes=10_000_000)
    made.run()
    sizes = Sizes(
        shards * rows, shards * rows, made.stores["dups-cluster"].counters["clustered"],
        made.stores["dups-bucket"].counters["edges"],
    )  # fmt: skip
    costs = Costs(sizes, layout, 10_000_000, shards, files)
    stored = {n: s.manifest["totals"]["bytes"] for n, s in made.stores.items()}
    assert stored["dups-sign"] == pytest.approx(costs.sign().written_bytes, rel=0.01)
    assert stored["dups-merge"] == pytest.approx(costs.merge().written_bytes, rel=0.01)
    assert stored["dups-bucket"] == pytest.approx(costs.bucket().written_bytes, rel=0.05)
    last = costs.one_task() if partitions == 1 else costs.join(partitions)
    assert stored["dups-cluster"] == pytest.approx(last.written_bytes, rel=0.05)
    if partitions > 1:  # bounds, not equalities: they depend on the graph
        tasks = min(partitions, bands * 2)
        frames = 1.2
        assert stored["dups-route"] <= frames * costs.route(tasks).written_bytes
        for kind, cost in (
            ("eliminate", costs.eliminate(tasks, partitions)),
            ("label", costs.label(partitions)),
        ):
            written = sum(size for name, size in stored.items() if f"-{kind}-" in name)
            assert written <= frames * partitions * cost.written_bytes


@pytest.mark.parametrize("block", [Exact(), MinHash()], ids=["exact", "minhash"])
@pytest.mark.parametrize("input_bytes", [0, 10**9, 10**14])
@pytest.mark.parametrize("memory", [10**6, 10**9, 4 * 10**9])
def test_every_step_has_a_cost_and_none_holds_more_than_it_may(
    block: Any, input_bytes: int, memory: int
) -> None:
    import dataclasses

    block = dataclasses.replace(block, memory_bytes=memory)
    drafts = block.expand(context(input_bytes, 90_000 if input_bytes > 10**12 else 3, "words"))
    assert all(draft.cost is not None for draft in drafts)
    for draft in drafts:
        assert min(vars(draft.cost).values()) >= 0
    held = {d.name: d.cost.memory_bytes for d in drafts if d.cost is not None}
    assert held["dups-bucket"] <= memory + 50_000_000
    for name, most in held.items():
        if "eliminate" in name:
            assert most <= memory


def test_an_index_alone_has_no_clustering() -> None:
    drafts = Exact().expand(context(0, 3))
    assert [draft.name for draft in drafts] == ["dups-sign", "dups-bucket", "dups-cluster", "dups"]


def test_what_was_measured_before_lets_fewer_documents_expect() -> None:
    few = Sizes.expected(context(28 * 10**9, 3, "word_count"), 14)
    all_ = Sizes.expected(context(28 * 10**9, 3), 14)
    assert (few.documents, all_.documents) == (100_000, 1_000_000)
    assert few.pages == all_.pages == 1_000_000


def test_many_shards_are_merged_and_few_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [draft.name for draft in MinHash().expand(context(0, 256))]
    assert "dups-merge" not in names
    drafts = {draft.name: draft for draft in MinHash().expand(context(0, 257))}
    assert drafts["dups-merge"].shard_count == 256
    assert drafts["dups-merge"].reads == ("dups-sign",)
    assert drafts["dups-bucket"].reads == ("dups-merge",)
    assert drafts["dups-cluster"].reads == ("dups-merge", "dups-bucket")
    monkeypatch.setattr(steps, "MERGED_FILES", 2)
    drafts = {draft.name: draft for draft in MinHash().expand(context(0, 3))}
    assert drafts["dups-merge"].shard_count == 2


@pytest.mark.parametrize("partitions", [1, 3])
def test_verdicts_of_merged_keys_are_the_same_bytes(
    run_dedup: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, partitions: int
) -> None:
    draw = random.Random(3)
    corpus = [[{"text": " ".join(draw.choices("abc", k=4))} for _ in range(30)] for _ in range(5)]
    block = MinHash(ngram_words=2, bands=3, rows_per_band=2, cluster_partitions=partitions)
    plain = run_dedup(block, corpus)
    monkeypatch.setattr(steps, "MERGED_FILES", 2)
    merged = run_dedup(block, corpus)
    assert "dedup-merge" in merged.shards and "dedup-merge" not in plain.shards
    assert merged.shards["dedup"] == plain.shards["dedup"]
    assert merged.counters["dedup-cluster"] == plain.counters["dedup-cluster"]


def test_a_plan_tells_costs_and_what_blocks_say(tmp_path: Path) -> None:
    plan = make_plan(load_config(ROOT / "configs/demo.toml", [f'output="{tmp_path}/out"']))
    text = "\n".join(describe(plan, columns=True))
    assert text.count("expected: a task holds") == sum(s.cost is not None for s in plan.steps) > 5
    assert "deduplication, expected from the size of the input" in text
    assert "minhash: 14 bands x 8 rows" in text
    assert "expected" not in "\n".join(describe(plan))
    data: Any = json.loads(json.dumps(as_dict(plan)))
    costs = {step["name"]: step["cost"] for step in data["steps"]}
    assert costs["documents"] is None
    assert costs["minhash-sign"].keys() == {"memory_bytes", "read_bytes", "written_bytes"}
    assert data["notes"]["minhash"]


def test_a_finished_run_tells_what_it_wrote(
    demo_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {each.step: each for each in compare_costs(str(demo_run))}
    manifest = json.loads(Folder(str(demo_run)).read("minhash-sign/manifest.json"))
    assert found["minhash-sign"].written_bytes == manifest["totals"]["bytes"]
    assert "documents" not in found
    arguments = argparse.Namespace(run=str(demo_run), json=False, costs=True)
    assert status.main(arguments) == 0
    assert "minhash-sign" in capsys.readouterr().out.split("bytes written")[1]
    assert status.main(argparse.Namespace(run=str(demo_run), json=True, costs=True)) == 0
    assert {each["step"] for each in json.loads(capsys.readouterr().out)["costs"]} == set(found)


def test_a_comparison_names_what_signing_makes_of_the_forecast() -> None:
    lines = compared_lines([Written("near-sign", 200, 100), Written("near-bucket", 0, 0)])
    assert any(line.split() == ["near-sign", "200", "B", "100", "B", "0.50"] for line in lines)
    assert lines[-1].startswith("near: 0.50 times the documents")
    assert compared_lines([]) == ["no finished step of this run had an expected cost"]
