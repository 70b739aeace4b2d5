"""Deduplication against an index: keys a second, bytes a document, memory, time of half a crawl.

    python benchmarks/index.py --json FILE

Synthetic: an index of ``--documents`` documents of 14 bands, and one of four times as many; half of
``--documents`` new ones, of which every fifth has a band in common with one of the index. Ours is
X-match and X-matched with their stores on disk, all keys of both sides counted; the peer is
numpy.isin, a band at a time with all of its keys in memory, which reads the same files. Memory is
the greatest RssAnon over what the process had before; its rows compare the larger index with the
smaller one. ``same_output``: as many documents are found.

Real: the second half of the shared crawl's files against an index (with shingles) of what the first
half kept, and the whole crawl at once: CPU seconds of the deduplication, extraction not counted.
``same_output``: of pages of the second half that no chain of band keys links to one of the first,
the same are kept.
Bytes a document are of that index; the peer figure is the text that the index can do without.

Each run is a process of its own, interleaved, medians; CPU seconds, imports and compiling not.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from peak import Peak
from rows import SHARED, Row, median, parser, report, run_child

from winnow.cli import main as winnow
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.index.catalog import Index
from winnow.dedup.index.making import build_index, described
from winnow.dedup.index.matching import match_drafts
from winnow.dedup.index.option import IndexFolder, IndexOption
from winnow.pipeline.fingerprint import canonical
from winnow.pipeline.step import Inputs, PlanContext, Step
from winnow.pipeline.task import open_step
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.receipts import canonical_json, write_receipt
from winnow.store.shards import ShardFormat, ShardWriter, shard_file

BANDS = 14
LAYOUT = KeyLayout(BANDS, 1, wide=False)
PER_SHARD = 250_000
TIMES = 4
VERDICTS = pa.schema([("doc_id", pa.uint64()), ("verdict", pa.string())])
DOCUMENTS = pa.schema([("doc_id", pa.uint64()), ("url", pa.string())])
CONFIG = """
name = "NAME"
output = "NAME"
[source]
use = "warc"
paths = PATHS
[executor]
workers = 1
[[stage]]
use = "extract"
"""
BLOCK = '[[stage]]\nuse = "minhash"\nverify = "jaccard"\n'


def write(
    path: Path, schema: pa.Schema, format: ShardFormat, shards: Iterable[Iterable[pa.RecordBatch]],
    config: dict[str, Any],
) -> None:  # fmt: skip
    folder, receipts = Folder(str(path)), []
    for number, batches in enumerate(shards):
        with ShardWriter(folder, shard_file(number, format), schema, format) as writer:
            for batch in batches:
                writer.write(batch)
        receipts.append(writer.receipt("f"))
        write_receipt(folder, number, receipts[-1])
    write_manifest(
        folder, kind="work", name=path.name, fingerprint="f", schema=schema, config=config,
        receipts=receipts,
    )  # fmt: skip


def make_run(folder: Path, documents: int, seed: int, shared: np.ndarray | None = None) -> None:
    """A run as far as an index reads it; every fifth document has a key of ``shared``."""
    draw = np.random.default_rng(seed)
    signed: list[list[pa.RecordBatch]] = []
    doc_ids = []
    for shard in range(-(-documents // PER_SHARD)):
        count = min(PER_SHARD, documents - shard * PER_SHARD)
        ids = (np.arange(count) + (shard << 32)).astype(np.uint64)
        keys = draw.integers(0, 1 << 64, (count, BANDS), np.uint64)
        if shared is not None:
            rows = np.arange(0, count, 5)
            bands = draw.integers(0, BANDS, len(rows))
            keys[rows, bands] = shared[draw.integers(0, len(shared), len(rows)), bands]
        signed.append(list(LAYOUT.batches(keys, None, ids, ids)))
        doc_ids.append(ids)
    config = {
        "use": "MinHashSignWork", "version": 2, "language_column": None,
        "shape": {"bands": BANDS}, "layout": canonical(LAYOUT),
    }  # fmt: skip
    write(folder / "near-sign", LAYOUT.schema, "arrow", signed, config)
    kept = [
        [pa.record_batch([pa.array(ids), ["kept"] * len(ids)], schema=VERDICTS)] for ids in doc_ids
    ]
    write(folder / "near", VERDICTS, "parquet", kept, {})
    pages = [
        [pa.record_batch([pa.array(ids), [f"https://e.org/{i}" for i in ids]], schema=DOCUMENTS)]
        for ids in doc_ids
    ]
    write(folder / "documents", DOCUMENTS, "parquet", pages, {})
    steps = [
        {"name": name, "kind": "work", "label": name, "fingerprint": "f", "shards": len(signed)}
        for name in ("documents", "near-sign", "near")
    ]
    run = {"name": folder.name, "config": {}, "steps": steps}
    Folder(str(folder)).write("run.json", canonical_json(run))


def ours(folder: Path, index: str, output: str) -> dict[str, Any]:
    """X-match and X-matched over the run ``new``."""
    option = IndexOption((IndexFolder.of(str(folder / index)),), only=True)
    context = PlanContext(
        name="near", seed=0, document_shards=1, input_bytes=0, columns=DOCUMENTS, sources=("x",)
    )
    stores = {"near-sign": Store.open(str(folder / "new" / "near-sign"))}
    start = time.process_time()
    with Peak() as peak:
        for draft in match_drafts(context, option, "near-sign", LAYOUT, 64_000_000):
            inputs = Inputs(
                None, {name: stores[name].path for name in draft.reads}, 0, f"{output}/{draft.name}"
            )
            step = Step(
                name=draft.name, kind=draft.kind, label="", work=draft.work, schema=draft.schema,
                shard_count=draft.shard_count, format=draft.format, inputs=inputs, fingerprint="f",
            )  # fmt: skip
            make = open_step(step)
            stores[draft.name] = write_manifest(
                Folder(step.folder), kind=step.kind, name=step.name, fingerprint="f", config={},
                schema=step.schema, receipts=[make(i) for i in range(step.shard_count)],
            )  # fmt: skip
    counters = stores["near-match"].counters
    return {
        "seconds": time.process_time() - start,
        "keys": counters["keys"] + counters["index_keys"],
        "found": stores["near-matched"].rows,
        "peak": peak.bytes,
    }


def numpy_isin(folder: Path, index: str) -> dict[str, Any]:
    opened = Index.open(str(folder / index))
    new = Store.open(str(folder / "new" / "near-sign"))
    from winnow.dedup.index.key_files import KeyFile

    start = time.process_time()
    found = [np.zeros(0, np.uint64)]
    with Peak() as peak:
        for band in range(BANDS):
            old = [
                keys
                for segment in opened.segments
                for shard in range(len(opened.store(segment, "keys").shards))
                for keys, _ in KeyFile.open(opened.store(segment, "keys"), shard, BANDS).band(band)
            ]
            rows = [LAYOUT.read(new, shard, band, 0) for shard in range(len(new.shards))]
            keys = np.concatenate([each["key"] for each in rows])
            ids = np.concatenate([each["doc_id"] for each in rows])
            found.append(ids[np.isin(keys, np.concatenate(old))])
        count = len(np.unique(np.concatenate(found)))
    return {"seconds": time.process_time() - start, "found": count, "peak": peak.bytes}


def dedup(config: str) -> dict[str, Any]:
    """CPU seconds of a run whose documents are there already."""
    from winnow.dedup.index import compare_kernels  # noqa: F401
    from winnow.dedup.signing import minhash_kernels  # noqa: F401
    from winnow.dedup.verifying import greedy_kernels  # noqa: F401

    start = time.process_time()
    if winnow(["run", config, "--workers", "1", "--quiet"]):
        raise SystemExit(f"{config} failed")
    return {"seconds": time.process_time() - start}


def build(folder: Path) -> dict[str, Any]:
    start = time.process_time()
    index = build_index(str(folder / "index"), [str(folder / "first")], shingles=True)
    return {"seconds": time.process_time() - start, "told": described(index)}


def child(*words: str) -> dict[str, Any]:
    return run_child([sys.executable, __file__, "--child", *words]).result


def synthetic_rows(folder: Path, documents: int, rounds: int) -> list[Row]:
    for name, count in (("old", documents), ("many", TIMES * documents)):
        make_run(folder / name, count, seed=1)
        build_index(str(folder / f"{name}-index"), [str(folder / name)])
    first = np.random.default_rng(1).integers(0, 1 << 64, (PER_SHARD, BANDS), np.uint64)
    make_run(folder / "new", documents // 2, seed=2, shared=first[: min(documents, PER_SHARD)])
    results: dict[str, list[dict[str, Any]]] = {}
    for _ in range(rounds):
        for index in ("old-index", "many-index"):
            results.setdefault(index, []).append(child("ours", str(folder), index))
            results.setdefault(f"isin {index}", []).append(child("isin", str(folder), index))
    rows = []
    for index, count in (("old-index", documents), ("many-index", TIMES * documents)):
        mine, peers = results[index], results[f"isin {index}"]
        seconds = median([each["seconds"] for each in mine])
        peer = median([each["seconds"] for each in peers])
        keys = mine[0]["keys"]
        same = {each["found"] for each in mine} == {each["found"] for each in peers}
        told = f"{documents // 2:,} new documents, {count:,} in the index, {BANDS} bands"
        rows.append(
            Row("index match", "keys/s", keys / seconds, keys / peer, "numpy.isin",
                peer / seconds, same, told)
        )  # fmt: skip
        mine_mb, peer_mb = (median([e["peak"] for e in each]) / 1e6 for each in (mine, peers))
        rows.append(
            Row("index match, peak memory", "MB", mine_mb, peer_mb, "numpy.isin",
                peer_mb / mine_mb, same, told)
        )  # fmt: skip
    small, large = rows[1].ours, rows[3].ours
    rows.append(
        Row("peak memory of an index four times the size", "MB", large, small, "the smaller index",
            small / large, True, f"{TIMES * documents:,} and {documents:,} documents")
    )  # fmt: skip
    return rows


def verdicts(run: Path) -> dict[str, dict[str, Any]]:
    """By WARC record."""
    found = {}
    records = Store.open(str(run / "documents")).table(["doc_id", "record_id"]).to_pylist()
    names = {row["doc_id"]: row["record_id"] for row in records}
    for row in Store.open(str(run / "minhash")).table().to_pylist():
        if row["verdict"] is not None:
            found[names[row["doc_id"]]] = row
    return found


def linked_clusters(run: Path) -> dict[str, int]:
    """The cluster that band keys link a WARC record to, before anything is verified."""
    records = Store.open(str(run / "documents")).table(["doc_id", "record_id"]).to_pylist()
    names = {row["doc_id"]: row["record_id"] for row in records}
    rows = Store.open(str(run / "minhash-cluster")).table().to_pylist()
    return {names[row["doc_id"]]: row["cluster_id"] for row in rows}


def real_rows(folder: Path) -> list[Row]:
    files = [str(file) for file in sorted((SHARED / "crawl").glob("crawl-*.warc.gz"))]
    half = len(files) // 2
    runs = {"first": files[:half], "second": files[half:], "whole": files}
    for name, paths in runs.items():
        config = CONFIG.replace("NAME", name).replace("PATHS", json.dumps(paths))
        (folder / f"{name}.toml").write_text(config)
        if winnow(["run", str(folder / f"{name}.toml"), "--workers", "2", "--quiet"]):
            raise SystemExit(f"extraction of {name} failed")
        index = 'index = ["index"]\n' if name == "second" else ""
        (folder / f"{name}.toml").write_text(config + BLOCK + index)
    seconds = {name: child("dedup", str(folder / f"{name}.toml")) for name in ("whole", "first")}
    made = child("build", str(folder))
    seconds["second"] = child("dedup", str(folder / "second.toml"))
    whole, second = verdicts(folder / "whole"), verdicts(folder / "second")
    linked = linked_clusters(folder / "whole")
    met = {cluster for name, cluster in linked.items() if name not in second}
    alone = [name for name in second if linked.get(name) not in met]
    differ = [name for name in alone if whole[name]["verdict"] != second[name]["verdict"]]
    matched = Store.open(str(folder / "second" / "minhash-matched")).counters
    print(
        f"second half: {len(second):,} documents, {len(alone):,} not linked to the first, "
        f"{len(differ):,} of them with another verdict; {matched}"
    )
    kept = [sum(row["verdict"] == "kept" for row in each.values()) for each in (whole, second)]
    first = verdicts(folder / "first")
    both = kept[1] + sum(row["verdict"] == "kept" for row in first.values())
    told = (
        f"crawl, {len(whole):,} documents; kept at once {kept[0]:,}, one after the other {both:,}"
    )
    mine, peer = seconds["second"]["seconds"], seconds["whole"]["seconds"]
    rows = [
        Row("second half against the index", "CPU s", mine, peer, "the whole at once", peer / mine,
            not differ, told),
    ]  # fmt: skip
    mine += made["seconds"]
    rows.append(
        Row("second half and making the index", "CPU s", mine, peer, "the whole at once",
            peer / mine, not differ, told)
    )  # fmt: skip
    index, [segment] = made["told"], made["told"]["segments"]
    documents = index["documents"]
    text = Store.open(str(folder / "first" / "documents"))
    text_bytes = sum(shard.size_bytes for shard in text.shards) / text.rows
    for name, size in (
        ("index bytes a document", segment["bytes"] - segment["shingle_bytes"]),
        ("index bytes a document, with shingles", segment["bytes"]),
    ):
        ours_bytes = size / documents
        rows.append(
            Row(name, "B", ours_bytes, text_bytes, "stored page", text_bytes / ours_bytes, True,
                f"{documents:,} documents")
        )  # fmt: skip
    return rows


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        what, *words = sys.argv[2:]
        if what in ("dedup", "build"):
            result = dedup(words[0]) if what == "dedup" else build(Path(words[0]))
        elif what == "isin":
            result = numpy_isin(Path(words[0]), words[1])
        else:
            with tempfile.TemporaryDirectory(dir=words[0]) as output:
                result = ours(Path(words[0]), words[1], output)
        print(json.dumps(result))
        return
    arguments = parser(__doc__)
    arguments.add_argument("--documents", type=int, default=1_000_000)
    found = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rows = synthetic_rows(Path(name), found.documents, found.rounds)
    with tempfile.TemporaryDirectory() as name:
        rows += real_rows(Path(name))
    report(rows, found.json)


if __name__ == "__main__":
    main()
