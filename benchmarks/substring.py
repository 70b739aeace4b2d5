"""Exact substrings that occur twice: MB of text a second and the peak memory of a task, one core.

    python benchmarks/substring.py --json FILE

Input: the texts of all pages of ``crawl/`` (extracted once, duplicates and all), ``--copies`` times
over. In every copy letters and digits are rotated and all other code points moved by a number of
their own, so that what is duplicated within a copy is duplicated there as before, and next to
nothing between copies. The texts lie in a store as a run leaves it, in shards of ``--shard-mb``.
Ours is every step of the block with its files on disk, ``keep = "none"``, under ``--memory-bytes``.
The peer is pydivsufsort (divsufsort and Kasai's algorithm, a suffix array and its common prefixes
of the texts joined by a byte that no text has) in one process, and the same spans from it. Each run
is a process of its own, interleaved, medians; CPU seconds, reading the texts included, imports and
compiling not. Memory is the greatest RssAnon over what the process had before. ``same_output``: the
same spans of bytes in the same documents.

Figures that others published stand beside, as such: deduplicate-text-datasets, C4 (350 GB) in less
than 12 hours on 96 cores with 768 GB of memory (Lee et al. 2022); bsade, 1 TB in about 6 hours on
128 virtual cores with 2 TB (its README).
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from peak import Peak, anonymous_bytes
from rows import SHARED, Row, median, parser, report, run_child

from winnow.dedup.substring import Substring
from winnow.pipeline.sizes import ByteSize
from winnow.pipeline.step import Draft, Inputs, PlanContext, Step
from winnow.pipeline.task import open_step
from winnow.pipeline.view import View
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.shards import ShardWriter, shard_file

SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
    ]
)
PUBLISHED = {
    "deduplicate-text-datasets (published: C4, 96 cores, 768 GB)": 350e3 / (12 * 3600 * 96),
    "bsade (published: 1 TB, 128 virtual cores, 2 TB)": 1e6 / (6 * 3600 * 128),
}


def digest(*columns: np.ndarray) -> str:
    found = hashlib.sha256()
    for column in columns:
        found.update(np.ascontiguousarray(column, np.int64).data)
    return found.hexdigest()


def crawl_texts() -> list[str]:
    """The texts of all pages of the shared crawl."""
    from winnow.extract.stage import Extract
    from winnow.pipeline.stage import Tally
    from winnow.sources.warc import WarcSource

    source, extract = WarcSource(paths=(str(SHARED / "crawl" / "crawl-*.warc.gz"),)), Extract()
    read, work = source.open(), extract.open()
    return [
        text
        for split in source.splits()
        for batch in read(split, Tally())
        for text in work(batch).column("text").to_pylist()
        if text
    ]


def moved(texts: list[str], copy: int) -> list[str]:
    """Every code point replaced by another of as many bytes, one to one."""
    if not copy:
        return texts
    joined = "\ue000".join(texts)  # of no page
    points = np.frombuffer(joined.encode("utf-32-le"), np.uint32).copy()
    border = points == 0xE000
    for first, last in (("a", "z"), ("A", "Z"), ("0", "9")):
        some = (points >= ord(first)) & (points <= ord(last))
        size = ord(last) - ord(first) + 1
        points[some] = ord(first) + (points[some] - ord(first) + copy) % size
    points[points >= 0x80] ^= np.uint32(copy)  # within 32 code points: no surrogates, no longer
    points[border] = 0xE000
    return points.tobytes().decode("utf-32-le").split("\ue000")


def make_input(path: Path, texts: list[str], copies: int, shard_bytes: int) -> int:
    """A store of the documents; how many bytes of text it has."""
    shards: list[list[pa.RecordBatch]] = [[]]
    rows, size, total = 0, 0, 0
    for copy in range(copies):
        for start in range(0, len(texts), 1024):
            some = moved(texts[start : start + 1024], copy)
            ids = np.arange(rows, rows + len(some)) + (len(shards) - 1 << 32)
            batch = pa.record_batch(
                [ids.astype(np.uint64), pa.array(some, pa.large_string())], schema=SCHEMA
            )
            shards[-1].append(batch)
            rows, size = rows + len(some), size + batch.nbytes
            total += sum(len(text.encode()) for text in some)
            if size > shard_bytes:
                shards.append([])
                rows, size = 0, 0
    receipts = []
    for index, batches in enumerate(shard for shard in shards if shard):
        with ShardWriter(Folder(path), shard_file(index, "parquet"), SCHEMA) as writer:
            for batch in batches:
                writer.write(batch)
        receipts.append(writer.receipt("f"))
    write_manifest(
        Folder(path), kind="documents", name=path.name, fingerprint="f", schema=SCHEMA, config={},
        receipts=receipts,
    )  # fmt: skip
    return total


def ours(folder: Path, length: int, memory_bytes: int) -> dict[str, Any]:
    """One run of the block, in this process, into a folder that is taken away again."""
    block = Substring(
        window_bytes=length, keep="none", action="annotate", memory_bytes=ByteSize(memory_bytes)
    )
    documents = Store.open(folder / "documents")
    one_run(folder / "warm", block)
    with tempfile.TemporaryDirectory(dir=folder) as output:
        return one_run(folder / "documents", block, len(documents.shards), output)


def one_run(documents: Path, block: Substring, shards: int = 1, output: str = "") -> dict[str, Any]:
    if not output:
        with tempfile.TemporaryDirectory() as other:
            return one_run(documents, block, shards, other)
    text_size = sum(shard.size_bytes for shard in Store.open(documents).shards)
    context = PlanContext(
        name="same", seed=0, document_shards=shards, input_bytes=text_size, columns=SCHEMA,
        sources=("texts",),
    )  # fmt: skip
    stores: dict[str, str] = {}
    spent: dict[str, float] = {}
    written: dict[str, int] = {}
    peaks: dict[str, int] = {}
    view, base = View(str(documents)), anonymous_bytes()
    for draft in block.expand(context):
        began = time.process_time()
        for name, peak in run(draft, stores, output, view, base):
            peaks[name] = max(peaks.get(name, 0), peak)
        spent[draft.name] = time.process_time() - began
        written[draft.name] = Store.open(stores[draft.name]).manifest["totals"]["bytes"]
    columns: list[list[np.ndarray]] = [[], [], []]
    for batch in Store.open(stores["same"]).batches(["doc_id", "duplicate_spans"]):
        spans = batch.column("duplicate_spans")
        counts = np.diff(spans.offsets.to_numpy())
        columns[0].append(np.repeat(batch.column("doc_id").to_numpy(), counts))
        for number, column in enumerate(spans.flatten().flatten()):
            columns[number + 1].append(column.to_numpy().astype(np.int64))
    doc_ids, starts, ends = (np.concatenate(column) for column in columns)
    return {
        "seconds": sum(spent.values()), "peak_bytes": max(peaks.values()), "peaks": peaks,
        "spent": spent, "written": written, "spans": digest(doc_ids, starts, ends),
        "duplicate_bytes": int((ends - starts).sum()),
    }  # fmt: skip


def run(
    draft: Draft, stores: dict[str, str], output: str, view: View, base: int
) -> list[tuple[str, int]]:  # fmt: skip
    """All tasks of a step; (its name, peak bytes over ``base``) of each."""
    folder = f"{output}/{draft.name}"
    reads = {name: stores[name] for name in draft.reads}
    inputs = Inputs(view if draft.uses_view else None, reads, 0, folder)
    step = Step(
        name=draft.name, kind=draft.kind, label="", work=draft.work, schema=draft.schema,
        shard_count=draft.shard_count, format=draft.format, inputs=inputs, fingerprint="f",
    )  # fmt: skip
    make = open_step(step)
    receipts, peaks = [], []
    for index in range(draft.shard_count):
        with Peak(base) as peak:
            receipts.append(make(index))
        peaks.append((draft.name, peak.bytes))
    write_manifest(
        Folder(folder), kind=step.kind, name=step.name, fingerprint="f", schema=step.schema,
        config={}, receipts=receipts,
    )  # fmt: skip
    stores[draft.name] = folder
    return peaks


def suffix_array(folder: Path, length: int) -> dict[str, Any]:
    from pydivsufsort import divsufsort, kasai

    divsufsort(np.zeros(9, np.uint8))
    kasai(np.zeros(9, np.uint8), divsufsort(np.zeros(9, np.uint8)))
    with Peak() as peak:
        start = time.process_time()
        ids, sizes, pieces = [], [], []
        for batch in Store.open(folder / "documents").batches(["doc_id", "text"]):
            ids.append(batch.column("doc_id").to_numpy())
            for text in batch.column("text").to_pylist():
                pieces.append(text.encode())
                sizes.append(len(pieces[-1]))
        joined = bytearray(b"\xff").join([*pieces, b""])
        data = np.frombuffer(joined, np.uint8)
        del pieces
        order = divsufsort(data)
        common = kasai(data, order)  # with the suffix after it in the order
        long = common >= length
        twice = np.zeros(len(data) + 1, bool)
        twice[order[long]] = True
        twice[order[1:][long[:-1]]] = True
        del order, common
        ends_of = np.cumsum(np.array(sizes) + 1)
        begins = ends_of - np.array(sizes) - 1
        found = np.flatnonzero(twice)
        documents = np.searchsorted(ends_of, found, "right")
        inside = found + length < ends_of[documents]  # no border in it
        found, documents = found[inside], documents[inside]
        new = np.ones(len(found), bool)
        new[1:] = (np.diff(found) > length) | (np.diff(documents) > 0)
        first = np.flatnonzero(new)
        starts, ends = found[first], found[np.append(first[1:], len(found)) - 1] + length
        rows = documents[first]
        for _ in range(3):  # whole code points only
            starts = starts + ((data[starts] & 0xC0) == 0x80) * (starts < ends_of[rows] - 1)
            ends = ends - ((data[ends] & 0xC0) == 0x80) * (ends < ends_of[rows] - 1)
        whole = starts < ends
        rows, starts, ends = rows[whole], starts[whole], ends[whole]
        seconds = time.process_time() - start
    spans = digest(np.concatenate(ids)[rows], starts - begins[rows], ends - begins[rows])
    return {"seconds": seconds, "peak_bytes": peak.bytes, "spans": spans}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--copies", type=int, nargs="*", default=[1, 5])
    arguments.add_argument("--length", type=int, default=200)
    arguments.add_argument("--shard-mb", type=int, default=20)
    arguments.add_argument("--memory-bytes", type=int, default=50_000_000)
    arguments.add_argument("--child", nargs="*", help="(this script calls itself)")
    args = arguments.parse_args()
    if args.child:
        kind, folder, *numbers = args.child
        work = suffix_array if kind == "peer" else ours
        print(json.dumps(work(Path(folder), *map(int, numbers))))
        return
    texts = crawl_texts()
    rows: list[Row] = []
    for copies in args.copies:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make_input(folder / "warm", texts[:50], 1, 1 << 40)
            size = make_input(folder / "documents", texts, copies, args.shard_mb * 1_000_000) / 1e6
            sides = {
                "ours": ["ours", name, str(args.length), str(args.memory_bytes)],
                "peer": ["peer", name, str(args.length)],
            }
            results: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
            for _ in range(args.rounds):
                for side, child in sides.items():
                    command = [sys.executable, str(Path(__file__)), "--child", *child]
                    results[side].append(run_child(command).result)
        rows += compared(size, len(texts) * copies, **results)
    rows += [beside(rows[-2], name) for name in PUBLISHED]
    report(rows, args.json)


def compared(
    size: float, documents: int, ours: list[dict[str, Any]], peer: list[dict[str, Any]]
) -> list[Row]:
    what = f"{size:,.0f} MB of text, {documents:,} pages"
    same = {each["spans"] for each in ours} == {each["spans"] for each in peer}
    speed = [size / median([each["seconds"] for each in runs]) for runs in (ours, peer)]
    peaks = [max(each["peak_bytes"] for each in runs) / 1e6 for runs in (ours, peer)]
    one = ours[0]
    print(f"{what}: {one['duplicate_bytes'] / size / 1e4:.1f} % duplicated")
    for name, written in one["written"].items():
        print(
            f"  {name}: {one['spent'][name]:.1f} s, {written / 1e6:,.1f} MB written, "
            f"peak {one['peaks'][name] / 1e6:,.0f} MB"
        )
    name = f"substring, {size:,.0f} MB"
    return [
        row(name, "MB/s", speed, speed[0] / speed[1], same, what),
        row(f"{name}: peak", "MB", peaks, peaks[1] / peaks[0], same, what),
    ]


def row(
    name: str, unit: str, values: list[float], ratio: float, same: bool, what: str
) -> Row:  # fmt: skip
    return Row(
        name=name, unit=unit, ours=values[0], peer=values[1], peer_name="pydivsufsort",
        ratio=ratio, same_output=same, input=what,
    )  # fmt: skip


def beside(own: Row, name: str) -> Row:
    """Our speed beside a published one: another input, another machine, so not the same output."""
    peer = PUBLISHED[name]
    return Row(
        name=own.name, unit="MB/s", ours=own.ours, peer=peer, peer_name=name,
        ratio=own.ours / peer, same_output=False, input=f"{own.input}; the peer's as published",
    )  # fmt: skip


if __name__ == "__main__":
    main()
