"""Clusters from edges: edges a second and the peak memory of a task, one core.

    python benchmarks/cluster.py --json FILE

Input: ``--edges`` random edges among as many documents, half of the edges there three times (as
bands find the same pair), one chain and one star of ``--shape`` documents each, in random order, in
the stores that a run leaves before clustering. Ours is every step of clustering with its stores on
disk, survivors by preference included: in partitions under ``--memory-bytes``, and in one task.
The peer is scipy.sparse.csgraph.connected_components in one process, which reads the same edges,
numbers the documents and labels them. Each run is a process of its own, interleaved, medians;
CPU seconds, reading the edges included, imports and compiling not. Memory is the greatest RssAnon
over what the process had before. ``same_output``: the same documents in the same clusters.
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
from rows import Row, median, parser, report, run_child

from winnow.dedup.clustering.buckets import EDGES
from winnow.dedup.clustering.contraction import Contraction
from winnow.dedup.clustering.elimination import NODE_BYTES
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.node_ids import collect_ids, distinct
from winnow.dedup.steps import cluster_drafts
from winnow.pipeline.step import Draft, Inputs, Step
from winnow.pipeline.task import open_step
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.receipts import write_receipt
from winnow.store.shards import ShardFormat, ShardWriter, shard_file

BUCKET_SHARDS = 14
LAYOUT = KeyLayout(bands=1, parts=BUCKET_SHARDS, wide=False)
DOCUMENTS_PER_SHARD = 100_000
ONE_TASK_BYTES = 8_000_000_000


def make_input(folder: Path, edge_count: int, shape: int) -> None:
    draw = np.random.default_rng(0)
    documents = edge_count + 2 * shape
    pairs = draw.integers(0, edge_count, (edge_count // 2, 2))
    order = edge_count + draw.permutation(shape)
    star = np.full(shape - 1, edge_count + shape)
    edges = np.concatenate(
        [
            np.repeat(pairs[: len(pairs) // 2], 3, axis=0),
            pairs[len(pairs) // 2 :],
            np.column_stack([order[1:], order[:-1]]),
            np.column_stack([star, edge_count + shape + np.arange(1, shape)]),
        ]
    )
    edges = np.sort(edges[edges[:, 0] != edges[:, 1]], axis=1)
    edges = draw.permutation(edges)
    # which shard a document is in has nothing to do with whom it is like
    ids = draw.permutation(documents)
    ids = (ids // DOCUMENTS_PER_SHARD << 32 | ids % DOCUMENTS_PER_SHARD).astype(np.uint64)
    edges = np.sort(ids[edges], axis=1)
    signed = []
    for shard in range(-(-documents // DOCUMENTS_PER_SHARD)):
        rows = min(DOCUMENTS_PER_SHARD, documents - shard * DOCUMENTS_PER_SHARD)
        found = (np.arange(rows) + (shard << 32)).astype(np.uint64)
        preferences = draw.integers(0, 1000, rows).astype(np.uint64)
        keys = found[:, None]  # which clustering does not read
        signed.append(LAYOUT.batches(keys, None, found, preferences))
    write(folder / "dups-sign", LAYOUT.schema, "arrow", signed)
    pieces = np.array_split(edges, BUCKET_SHARDS)
    bucketed = [[pa.record_batch(list(piece.T.copy()), schema=EDGES)] for piece in pieces]
    write(folder / "dups-bucket", EDGES, "arrow", bucketed)


def write(
    path: Path, schema: pa.Schema, format: ShardFormat, shards: Iterable[Iterable[pa.RecordBatch]]
) -> None:
    folder = Folder(path)
    receipts = []
    for index, batches in enumerate(shards):
        with ShardWriter(folder, shard_file(index, format), schema, format) as writer:
            for batch in batches:
                writer.write(batch)
        receipts.append(writer.receipt("f"))
    write_manifest(
        folder, kind="work", name=path.name, fingerprint="f", schema=schema, config={},
        receipts=receipts,
    )  # fmt: skip


def ours(folder: Path, partitions: int, memory_bytes: int) -> dict[str, Any]:
    """One run of clustering, in this process, into a folder that is taken away again."""
    from winnow.dedup.clustering.union_find import elect, gather, lowest

    one, ids = np.zeros(1, np.int64), np.zeros(1, np.uint64)
    for width in (np.int32, np.int64):
        parents = np.zeros(1, width)
        lowest(parents, one, ids, ids.copy())
        gather(parents, one, ids, ids, ids, ids.copy(), np.zeros(1, np.uint32), ids.copy())
    elect(np.zeros(1, np.int32), ids, np.zeros(1, np.uint32), np.zeros(1, np.int32))
    held = Contraction(2000)
    list(held.add(np.arange(1999, dtype=np.uint64), np.arange(1, 2000, dtype=np.uint64)))
    list(held.rest())
    stores = {name: str(folder / name) for name in ("dups-sign", "dups-bucket")}
    tasks = []
    spent: dict[str, float] = {}
    written: dict[str, int] = {}
    with tempfile.TemporaryDirectory(dir=folder) as output:
        start = time.process_time()
        for draft in cluster_drafts("dups", LAYOUT, memory_bytes, partitions):
            kind, began = draft.name.split("-")[1], time.process_time()
            tasks += run(draft, stores, output)
            spent[kind] = spent.get(kind, 0) + time.process_time() - began
            made = Store.open(stores[draft.name]).manifest["totals"]["bytes"]
            written[kind] = written.get(kind, 0) + made
        seconds = time.process_time() - start
        table = Store.open(stores["dups-cluster"]).table(["doc_id", "cluster_id"])
        result = {
            "seconds": seconds,
            "peak_bytes": max(peak for _, peak in tasks),
            "worst": max(tasks, key=lambda task: task[1])[0],
            "spent": spent,
            "written": written,
            "clusters": digest(*(column.to_numpy() for column in table.columns)),
        }
    return result


def run(draft: Draft, stores: dict[str, str], output: str) -> list[tuple[str, int]]:
    folder = f"{output}/{draft.name}"
    inputs = Inputs(None, {name: stores[name] for name in draft.reads}, 0, folder)
    step = Step(
        name=draft.name, kind=draft.kind, label="", work=draft.work, schema=draft.schema,
        shard_count=draft.shard_count, format=draft.format, inputs=inputs, fingerprint="f",
    )  # fmt: skip
    make = open_step(step)
    receipts, peaks = [], []
    for index in range(draft.shard_count):
        with Peak() as peak:
            receipts.append(make(index))
        write_receipt(Folder(folder), index, receipts[-1])
        peaks.append((draft.name, peak.bytes))
    write_manifest(
        Folder(folder), kind=step.kind, name=step.name, fingerprint="f", schema=step.schema,
        config={}, receipts=receipts,
    )  # fmt: skip
    stores[draft.name] = folder
    return peaks


def scipy(folder: Path) -> dict[str, Any]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    with Peak() as peak:
        start = time.process_time()
        store = Store.open(folder / "dups-bucket")
        batches = store.batches(["first_id", "doc_id"], batch_rows=1 << 17)
        pairs = [(b.column(0).to_numpy(), b.column(1).to_numpy()) for b in batches]
        left, right = (np.concatenate([pair[i] for pair in pairs]) for i in range(2))
        nodes = distinct([left, right])
        ends = np.searchsorted(nodes, left), np.searchsorted(nodes, right)
        graph = coo_array((np.ones(len(left), bool), ends), shape=(len(nodes), len(nodes)))
        count, labels = connected_components(graph, directed=False)
        smallest = np.full(count, np.iinfo(np.uint64).max, np.uint64)
        np.minimum.at(smallest, labels, nodes)
        seconds = time.process_time() - start
    clusters = digest(nodes, smallest[labels])
    return {"seconds": seconds, "peak_bytes": peak.bytes, "clusters": clusters}


def digest(*columns: np.ndarray) -> str:
    import hashlib

    found = hashlib.sha256()
    for column in columns:
        found.update(np.ascontiguousarray(column).data)
    return found.hexdigest()


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--edges", type=int, default=10_000_000)
    arguments.add_argument("--shape", type=int, default=1_000_000)
    arguments.add_argument("--memory-bytes", type=int, default=200_000_000)
    arguments.add_argument("--child", nargs="*", help="(this script calls itself)")
    args = arguments.parse_args()
    if args.child:
        kind, folder, *numbers = args.child
        found = scipy(Path(folder)) if kind == "scipy" else ours(Path(folder), *map(int, numbers))
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_input(folder, args.edges, args.shape)
        store = Store.open(folder / "dups-bucket")
        nodes = len(collect_ids(c.to_numpy() for b in store.batches() for c in b.columns))
        documents = args.edges + 2 * args.shape
        partitions = max(2, -(-documents * NODE_BYTES * 2 // args.memory_bytes))
        sides: dict[str, list[str]] = {
            f"partitions ({partitions})": ["ours", name, str(partitions), str(args.memory_bytes)],
            "one task": ["ours", name, "1", str(ONE_TASK_BYTES)],
            "scipy": ["scipy", name],
        }
        results: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
        for _ in range(args.rounds):
            for side, child in sides.items():
                command = [sys.executable, str(Path(__file__)), "--child", *child]
                results[side].append(run_child(command).result)
        what = f"{store.rows:,} edges, {nodes:,} documents"
    peer = results.pop("scipy")
    rows: list[Row] = []
    for side, mine in results.items():
        same = {each["clusters"] for each in mine} == {peer[0]["clusters"]}
        both = (mine, peer)
        seconds = [median([each["seconds"] for each in runs]) for runs in both]
        peaks = [max(each["peak_bytes"] for each in runs) / 1e6 for runs in both]
        print(f"{side}: {seconds[0]:.1f} s, peak {peaks[0]:,.0f} MB ({mine[0]['worst']})")
        for kind, written in mine[0]["written"].items():
            print(f"  {kind}: {mine[0]['spent'][kind]:.1f} s, {written / 1e6:,.0f} MB written")
        if side != "one task" and peaks[0] * 1e6 > args.memory_bytes:
            raise SystemExit(f"a task took more than memory_bytes = {args.memory_bytes:,}")
        speed = [store.rows / each for each in seconds]
        rows.append(row(f"cluster, {side}", "edges/s", speed, speed[0] / speed[1], same, what))
        rows.append(row(f"cluster, {side}: peak", "MB", peaks, peaks[1] / peaks[0], same, what))
    report(rows, args.json)


def row(
    name: str, unit: str, values: list[float], ratio: float, same: bool, what: str
) -> Row:  # fmt: skip
    return Row(
        name=name, unit=unit, ours=values[0], peer=values[1],
        peer_name="scipy connected_components", ratio=ratio, same_output=same, input=what,
    )  # fmt: skip


if __name__ == "__main__":
    main()
