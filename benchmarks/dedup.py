"""Whole near-duplicate removal of the shared crawl: documents a second of ours and of datatrove.

    python benchmarks/dedup.py --peer-python .venv-datatrove/bin/python --json FILE

Input: the texts of all pages of the crawl, extracted before, in a file for each of its WARCs. Ours
is every step of ``minhash``, from texts to a verdict a document, with its stores on disk; with
datatrove's survivors; and with ``verify = "jaccard"``. The peer is datatrove's four steps with one
worker and its defaults, which are ours (``peers/datatrove_dedup.py``; ``datatrove_chain.py`` says
how to install it); and, where ``--text-dedup-python`` names one, text-dedup's MinHash with as many
bands and rows, whose shingles and so whose clusters are others. Each run is a process of its own on
one core, interleaved, medians; CPU seconds of the steps, the reading of the texts included,
imports, compiling and extraction not. ``same_output``: the same clusters, as sets of documents;
with datatrove's survivors also the same documents that go; where verified, that each cluster is
within one of datatrove's.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
from rows import ROOT, SHARED, Row, median, parser, report, run_child

from winnow.dedup.minhash import MinHash
from winnow.pipeline.step import Inputs, PlanContext, Step
from winnow.pipeline.task import open_step
from winnow.pipeline.view import View
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.shards import ShardWriter, shard_file

PEERS = ROOT / "benchmarks" / "peers"
SCHEMA = pa.schema([("doc_id", pa.uint64()), ("text", pa.large_string())])
SIDES: dict[str, dict[str, str]] = {
    "whole": {"verify": "no"},
    "datatrove's survivors": {"keep": "datatrove-0.10"},
    "verified": {"verify": "jaccard"},
}


def make_input(folder: Path, pattern: str) -> None:
    """The texts as a store of ours and as JSON lines; those without text are left out of both."""
    from winnow.extract.stage import Extract
    from winnow.pipeline.stage import Tally
    from winnow.sources.warc import WarcSource

    source = WarcSource(paths=tuple(map(str, sorted((SHARED / "crawl").glob(pattern)))))
    read, extract = source.open(), Extract().open()
    (folder / "jsonl").mkdir()
    shards = []
    for number, split in enumerate(source.splits()):
        columns = (extract(batch).column("text").to_pylist() for batch in read(split, Tally()))
        texts = [text for column in columns for text in column if text]
        shards.append(texts)
        lines = [json.dumps({"id": str(i), "text": text}) for i, text in enumerate(texts)]
        (folder / "jsonl" / f"{number:05d}.jsonl").write_text("".join(f"{x}\n" for x in lines))
    write_documents(folder / "documents", shards)
    write_documents(folder / "few", [shards[0][:40]])


def write_documents(path: Path, shards: list[list[str]]) -> None:
    folder = Folder(path)
    receipts = []
    for number, texts in enumerate(shards):
        ids = [number << 32 | i for i in range(len(texts))]
        with ShardWriter(folder, shard_file(number, "parquet"), SCHEMA) as writer:
            writer.write(pa.record_batch([pa.array(ids, pa.uint64()), texts], schema=SCHEMA))
        receipts.append(writer.receipt("f"))
    write_manifest(
        folder, kind="documents", name="documents", fingerprint="f", schema=SCHEMA, config={},
        receipts=receipts,
    )  # fmt: skip


def run(block: MinHash, documents: str, output: str) -> tuple[dict[str, Store], dict[str, float]]:
    """Every step of ``block``: its store and its CPU seconds, by name."""
    count = len(Store.open(documents).shards)
    context = PlanContext(
        name="near", seed=0, document_shards=count, input_bytes=0, columns=SCHEMA, sources=("x",)
    )
    stores: dict[str, Store] = {}
    seconds = {}
    for draft in block.expand(context):
        start = time.process_time()
        inputs = Inputs(
            View(documents) if draft.uses_view else None,
            {name: stores[name].path for name in draft.reads}, 0, f"{output}/{draft.name}",
        )  # fmt: skip
        step = Step(
            name=draft.name, kind=draft.kind, label="", work=draft.work, schema=draft.schema,
            shard_count=draft.shard_count, format=draft.format, inputs=inputs, fingerprint="f",
        )  # fmt: skip
        make = open_step(step)
        stores[draft.name] = write_manifest(
            Folder(step.folder), kind=step.kind, name=step.name, fingerprint="f",
            schema=step.schema, config={}, receipts=[make(i) for i in range(step.shard_count)],
        )  # fmt: skip
        seconds[draft.name] = time.process_time() - start
    return stores, seconds


def ours(folder: str, side: str) -> dict[str, Any]:
    """One measured run; clusters and what goes as [file, ordinal]."""
    block = MinHash(**SIDES[side])  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory(dir=folder) as output:
        run(block, f"{folder}/few", f"{output}/few")  # loads what is compiled
        stores, seconds = run(block, f"{folder}/documents", f"{output}/all")
        rows = stores["near"].table().to_pylist()
        places = {row["doc_id"]: [row["doc_id"] >> 32, row["doc_id"] & 0xFFFFFFFF] for row in rows}
        return {
            "seconds": sum(seconds.values()),
            "steps": seconds,
            "counters": stores["near-verified"].counters if "near-verified" in stores else {},
            "removed": [places[row["doc_id"]] for row in rows if row["verdict"] != "kept"],
            "clusters": [
                [*places[row["doc_id"]], row["cluster_id"]]
                for row in rows
                if row["cluster_size"] > 1
            ],
        }


def clusters(result: dict[str, Any]) -> set[frozenset[tuple[int, int]]]:
    found: dict[int, set[tuple[int, int]]] = {}
    for file, doc, cluster in result["clusters"]:
        found.setdefault(cluster, set()).add((file, doc))
    return {frozenset(each) for each in found.values()}


def same(side: str, mine: dict[str, Any], peer: dict[str, Any]) -> bool:
    if side == "verified":
        of = {place: each for each in clusters(peer) for place in each}
        return all(each <= of[next(iter(each))] for each in clusters(mine))
    gone = side != "datatrove's survivors" or sorted(mine["removed"]) == sorted(peer["removed"])
    return gone and clusters(mine) == clusters(peer)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--peer-python", default=".venv-datatrove/bin/python")
    arguments.add_argument("--text-dedup-python", help="a Python that has text-dedup 0.4.1")
    arguments.add_argument("--input", default="crawl-*.warc.gz", help="files of the shared crawl")
    arguments.add_argument("--child", nargs=2, help="(this script calls itself)")
    args = arguments.parse_args()
    if args.child:
        print(json.dumps(ours(*args.child)))
        return
    peers = {"datatrove": (args.peer_python, "datatrove_dedup.py")}
    if args.text_dedup_python:
        peers["text-dedup"] = (args.text_dedup_python, "text_dedup_minhash.py")
    results: dict[str, list[dict[str, Any]]] = {side: [] for side in (*SIDES, *peers)}
    with tempfile.TemporaryDirectory() as name:
        make_input(Path(name), args.input)
        count = Store.open(f"{name}/documents").rows
        for number in range(args.rounds):
            for side in SIDES:
                command = [sys.executable, str(Path(__file__)), "--child", name, side]
                results[side].append(run_child(command).result)
            for side, (python, script) in peers.items():
                places = ["--input", f"{name}/jsonl", "--work", f"{name}/{side}-{number}"]
                results[side].append(run_child([python, str(PEERS / script), *places]).result)
    peer, other = results.pop("datatrove"), results.pop("text-dedup", [])
    seconds = {side: median([each["seconds"] for each in found]) for side, found in results.items()}
    theirs = median([each["seconds"] for each in peer])
    what = f"{count:,} texts of the shared crawl ({args.input})"
    rows = [
        Row(
            name=f"near-duplicates, {side}", unit="documents/s", ours=count / seconds[side],
            peer=count / theirs, peer_name="datatrove 0.10.0, four steps",
            ratio=theirs / seconds[side], same_output=same(side, found[0], peer[0]), input=what,
        )
        for side, found in results.items()
    ]  # fmt: skip
    for side, found in results.items():
        spent = ", ".join(
            f"{n.removeprefix('near-')} {s:.2f}" for n, s in found[0]["steps"].items()
        )
        print(f"{side}: {seconds[side]:.2f} s ({spent})")
    print("datatrove: " + ", ".join(f"{each:.1f}" for each in peer[0]["steps"]) + " s")
    counted = results["verified"][0]["counters"]
    steps = [each["steps"] for each in results["verified"]]
    verifying = ("near-shingles", "near-compare", "near-verified")
    more = median([sum(each[name] for name in verifying) for each in steps])
    rows.append(
        Row(
            name="near-duplicates: verifying", unit="documents/s", ours=count / seconds["verified"],
            peer=count / seconds["whole"], peer_name="ours, unverified",
            ratio=seconds["whole"] / seconds["verified"], same_output=False, input=what,
        )
    )  # fmt: skip
    if other:
        spent_there = median([each["seconds"] for each in other])
        rows.append(
            Row(
                name="near-duplicates, whole", unit="documents/s", ours=count / seconds["whole"],
                peer=count / spent_there, peer_name="text-dedup 0.4.1, minhash",
                ratio=spent_there / seconds["whole"], same_output=False, input=what,
            )
        )  # fmt: skip
    report(rows, args.json)
    print(
        f"verifying costs {more * 1e6 / count:,.0f} s a million documents of this input; of "
        f"{counted['pairs']:,} documents {counted['false_pairs']:,} are not like the one that "
        f"would stay for them, {counted['split_off']:,} stay"
    )


if __name__ == "__main__":
    main()
