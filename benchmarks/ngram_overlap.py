"""N-gram overlap: megabytes of text a second and the peak memory, one core.

    python benchmarks/ngram_overlap.py --peer-python .venv-dolma/bin/python --json FILE

Input: the main text of every page of ``../shared/data/crawl``. Ours is every step of the block
``ngram_overlap`` (13 words, share 0.8) with its stores on disk, by exact counts and by Bloom
filters; ``units`` is the first of the steps alone. The peer is Dolma's deduper, a Rust program with
a Bloom filter over the same n-grams (``benchmarks/peers/dolma_ngrams.py``), at an error of 0.01 as
ours, and once at 1e-9 to compare what is found. It holds the filter of the whole input in memory,
works in one process only in a fixed order, and only marks paragraphs. Each run is a process of its
own, interleaved, medians; CPU seconds of the work, reading included (ours Parquet, Dolma's JSON
lines), imports and compiling not. Memory is the greatest RssAnon of ours over what the process had
before, and the greatest RSS of Dolma's process. ``same_output``: as many paragraphs of every
document are duplicates; how many documents differ is printed. (Dolma counts as a duplicate also
what a paragraph repeats of itself.)

BFF itself (mlfoundations/dclm) has no release that installs and publishes no speed; Dolma's deduper
has its words, its paragraphs and its filter.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
from peak import Peak
from rows import ROOT, SHARED, Row, median, parser, report, run_child

from winnow.dedup.ngram_overlap import NgramOverlap
from winnow.pipeline.step import Inputs, PlanContext, Step
from winnow.pipeline.task import open_step
from winnow.pipeline.view import View
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.receipts import write_receipt
from winnow.store.shards import ShardWriter, shard_file

PEER = ROOT / "benchmarks" / "peers" / "dolma_ngrams.py"
COLUMNS = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
    ]
)
DOCUMENTS_PER_SHARD = 2_000
ERROR = 0.01
NO_ERROR = 1e-9
ABOVE_SHARE = 0.80000007  # the next float32 after 0.8: Dolma takes the threshold itself for enough


def crawl_texts() -> list[str]:
    from winnow.extract.stage import Extract
    from winnow.pipeline.stage import Tally
    from winnow.sources.warc import WarcSource

    source = WarcSource(paths=tuple(map(str, sorted(SHARED.glob("crawl/crawl-*.warc.gz")))))
    read, extract = source.open(), Extract(engine="resiliparse").open()
    texts: list[str] = []
    for split in source.splits():
        for batch in read(split, Tally()):
            texts += extract(batch).column("text").to_pylist()
    return texts


def write_documents(folder: Path, texts: list[str]) -> None:
    """The same documents as a store of ours and as Dolma's JSON lines."""
    store = Folder(folder / "store")
    receipts = []
    (folder / "documents").mkdir()
    for index, start in enumerate(range(0, len(texts), DOCUMENTS_PER_SHARD)):
        piece = texts[start : start + DOCUMENTS_PER_SHARD]
        ids = [index << 32 | row for row in range(len(piece))]
        batch = pa.record_batch([pa.array(ids, pa.uint64()), pa.array(piece)], ["doc_id", "text"])
        with ShardWriter(store, shard_file(index, "parquet"), COLUMNS) as writer:
            writer.write(batch.cast(COLUMNS))
        receipts.append(writer.receipt("f"))
        file = folder / "documents" / f"{index:05d}.jsonl.gz"
        with gzip.open(file, "wt", compresslevel=1, encoding="utf-8") as lines:
            for doc_id, text in zip(ids, piece, strict=True):
                lines.write(json.dumps({"id": str(doc_id), "text": text}) + "\n")
    write_manifest(
        store, kind="documents", name="store", fingerprint="f", schema=COLUMNS, config={},
        receipts=receipts,
    )  # fmt: skip


def ours(folder: str, **fields: Any) -> dict[str, Any]:
    """All steps of a block: CPU seconds and bytes written by step, and what came of it."""
    documents = Store.open(f"{folder}/store")
    shards = len(documents.shards)
    context = PlanContext(
        name="ngrams", seed=0, document_shards=shards, input_bytes=0, columns=COLUMNS,
        sources=("crawl",),
    )  # fmt: skip
    stores: dict[str, str] = {}
    seconds: dict[str, float] = {}
    written: dict[str, int] = {}
    peaks: dict[str, int] = {}
    with tempfile.TemporaryDirectory(dir=folder) as output:
        for draft in NgramOverlap(**fields).expand(context):
            path = f"{output}/{draft.name}"
            view = View(documents.path) if draft.uses_view else None
            inputs = Inputs(view, {name: stores[name] for name in draft.reads}, 0, path)
            step = Step(
                name=draft.name, kind=draft.kind, label="", work=draft.work, schema=draft.schema,
                shard_count=draft.shard_count, format=draft.format, inputs=inputs, fingerprint="f",
            )  # fmt: skip
            make, receipts = open_step(step), []
            start = time.process_time()
            for index in range(draft.shard_count):
                with Peak() as peak:
                    receipts.append(make(index))
                write_receipt(Folder(path), index, receipts[-1])
                peaks[draft.name] = max(peak.bytes, peaks.get(draft.name, 0))
            seconds[draft.name] = time.process_time() - start
            write_manifest(
                Folder(path), kind=step.kind, name=step.name, fingerprint="f", schema=step.schema,
                config={}, receipts=receipts,
            )  # fmt: skip
            stores[draft.name] = path
            written[draft.name] = Store.open(path).manifest["totals"]["bytes"]
        last = Store.open(stores["ngrams"])
        column = "ngram_overlap_paragraph_count"
        counts = last.table([column]).column(0).to_pylist() if column in last.schema.names else []
        return {
            "seconds": seconds, "written": written, "peaks": peaks, "counts": counts,
            "ngrams": last.counters["ngrams"],
        }  # fmt: skip


def dolma(python: str, folder: Path, ngram_count: int, prob: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        (Path(name) / "documents").symlink_to(folder / "documents")
        command = [python, str(PEER), name, str(ngram_count), str(prob), str(ABOVE_SHARE)]
        result = run_child(command).result
        files = sorted((Path(name) / "attributes" / "ngrams").glob("*.gz"))
        lines = [line for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]
        result["counts"] = [len(json.loads(each)["attributes"].get("ngrams", [])) for each in lines]
    return result


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--peer-python", default=".venv-dolma/bin/python")
    arguments.add_argument("--child", nargs="+", metavar="ARG", help="(this script calls itself)")
    args = arguments.parse_args()
    if args.child:
        folder, fields = args.child
        ours(f"{folder}/few", **json.loads(fields))  # loads the compiled code
        print(json.dumps(ours(folder, **json.loads(fields))))
        return
    if not SHARED.is_dir():
        raise SystemExit(f"{SHARED} is not here: this benchmark reads the shared crawl")
    texts = crawl_texts()
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    what = f"{len(texts):,} documents, {megabytes:.0f} MB"
    sides: dict[str, dict[str, Any]] = {
        "paragraph, exact": {"mode": "paragraph"},
        "paragraph, bloom": {"mode": "paragraph", "method": "bloom"},
        "old-both, exact": {},
        "document, exact": {"mode": "document"},
        "document, 1 in 8": {"mode": "document", "sample_one_in": 8},
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_documents(folder, texts)
        (folder / "few").mkdir()
        write_documents(folder / "few", [texts[0] + "\n1 2 3 4 5 6 7 8 9 10 11 12 13"] * 2)

        def run(fields: dict[str, Any]) -> dict[str, Any]:
            command = [sys.executable, str(Path(__file__).resolve()), "--child", name]
            return run_child([*command, json.dumps(fields)]).result

        ngrams = run(sides["paragraph, bloom"])["ngrams"]  # and compile, once a machine
        run(sides["paragraph, exact"])
        rounds = []
        for _ in range(args.rounds):
            found = {side: run(fields) for side, fields in sides.items()}
            rounds.append((found, dolma(args.peer_python, folder, ngrams, ERROR)))
        true = dolma(args.peer_python, folder, ngrams, NO_ERROR)
    peer_speed = megabytes / median([peer["seconds"] for _, peer in rounds])
    peer_peak = max(peer["peak_bytes"] for _, peer in rounds) / 1e6
    rows = []
    for side in sides:
        mine = [found[side] for found, _ in rounds]
        counts = mine[0]["counts"]
        theirs = (rounds[0][1] if "bloom" in side else true)["counts"]
        differing = sum(a != b for a, b in zip(counts, theirs, strict=True)) if counts else None
        total = [sum(each["seconds"].values()) for each in mine]
        units = [each["seconds"]["ngrams-units"] for each in mine]
        peak = max(size for each in mine for size in each["peaks"].values()) / 1e6
        peaks = {step: round(size / 1e6) for step, size in mine[0]["peaks"].items()}
        written = {step: round(size / 1e6, 1) for step, size in mine[0]["written"].items()}
        parts = {step: round(part, 2) for step, part in mine[0]["seconds"].items()}
        print(f"{side}: {mine[0]['ngrams']:,} n-grams; seconds {parts}")
        print(f"  MB written {written}; peaks in MB {peaks}")
        if differing is not None:
            print(f"  paragraphs found differ in {differing} documents from Dolma's")
        for label, unit, values in (
            ("", "MB/s", (megabytes / median(total), peer_speed)),
            (": units", "MB/s", (megabytes / median(units), peer_speed)),
            (": peak", "MB", (peak, peer_peak)),
        ):
            ratio = values[1] / values[0] if unit == "MB" else values[0] / values[1]
            rows.append(
                Row(
                    name=f"ngram overlap, {side}{label}", unit=unit, ours=values[0],
                    peer=values[1], peer_name="Dolma 1.2.1 paragraphs by n-gram, 1 process",
                    ratio=ratio, same_output=differing == 0, input=what,
                )
            )  # fmt: skip
    report(rows, args.json)


if __name__ == "__main__":
    main()
