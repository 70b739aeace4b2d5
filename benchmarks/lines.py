"""Duplicate lines and sentences: megabytes of text a second and the peak memory, one core.

    python benchmarks/lines.py --peer-python .venv-datatrove/bin/python --json FILE

Input: the main text of every page of ``../shared/data/crawl`` (``--repeat`` times over, each time
with other words in it, so that little is added to what is there twice). Ours is every step of the
block ``lines`` with its stores on disk. Peers: for sentences datatrove's three steps with its
defaults (``benchmarks/peers/datatrove_sentences.py``); for lines CCNet's rule in plain Python
(SHA-1 of the normalised line into sets; lines of two documents go everywhere, blank ones stay).
Each run is a process of its own, interleaved, medians; CPU seconds, imports and compiling not
counted. Memory is the greatest RssAnon over what the process had before. ``same_output``: the same
documents left, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
from peak import Peak
from rows import ROOT, SHARED, Row, median, parser, report, run_child

from winnow.dedup.lines import Lines
from winnow.dedup.within.line_hashes import CCNET_PUNCTUATION
from winnow.pipeline.step import Inputs, PlanContext, Step
from winnow.pipeline.task import open_step
from winnow.pipeline.view import View
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.receipts import write_receipt
from winnow.store.shards import ShardWriter, shard_file

PEER = ROOT / "benchmarks" / "peers" / "datatrove_sentences.py"
COLUMNS = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
    ]
)
BLOCKS = {"lines": Lines(keep="none"), "sentences": Lines(unit="sentence")}
DOCUMENTS_PER_SHARD = 2_000


def crawl_texts() -> list[str]:
    from winnow.extract.stage import Extract
    from winnow.pipeline.stage import Tally
    from winnow.sources.warc import WarcSource

    source = WarcSource(paths=tuple(map(str, sorted(SHARED.glob("crawl/crawl-*.warc.gz")))))
    read, extract = source.open(), Extract(engine="resiliparse").open()
    texts: list[str] = []
    for split in source.splits():
        for batch in read(split, Tally()):
            texts += [text for text in extract(batch).column("text").to_pylist() if text]
    return texts


def repeated(texts: list[str], times: int) -> list[str]:
    """The texts, and copies of which every fifth line has been given a word of its own."""
    found = list(texts)
    for copy in range(1, times):
        for number, text in enumerate(texts):
            lines = text.split("\n")
            for place in range(0, len(lines), 5):
                lines[place] += f" w{copy}x{number}x{place}"
            found.append("\n".join(lines))
    return found


def write_documents(folder: Path, texts: list[str]) -> str:
    target, receipts = Folder(folder), []
    for shard, start in enumerate(range(0, len(texts), DOCUMENTS_PER_SHARD)):
        some = texts[start : start + DOCUMENTS_PER_SHARD]
        ids = [shard << 32 | row for row in range(len(some))]
        with ShardWriter(target, shard_file(shard, "parquet"), COLUMNS) as writer:
            writer.write(
                pa.record_batch(
                    [pa.array(ids, pa.uint64()), pa.array(some, pa.large_string())], schema=COLUMNS
                )
            )
        receipts.append(writer.receipt("f"))
    write_manifest(
        target, kind="documents", name="documents", fingerprint="f", schema=COLUMNS, config={},
        receipts=receipts,
    )  # fmt: skip
    return target.path


def run_block(block: Lines, documents: str, folder: Path) -> Store:
    shards = len(Store.open(documents).shards)
    context = PlanContext(
        name="x", seed=0, document_shards=shards, input_bytes=0, columns=COLUMNS, sources=("s",)
    )
    stores: dict[str, Store] = {}
    for draft in block.expand(context):
        inputs = Inputs(
            View(documents) if draft.uses_view else None,
            {name: stores[name].path for name in draft.reads}, 0, str(folder / draft.name),
        )  # fmt: skip
        step = Step(
            name=draft.name, kind=draft.kind, label="", work=draft.work, schema=draft.schema,
            shard_count=draft.shard_count, format=draft.format, inputs=inputs, fingerprint="f",
        )  # fmt: skip
        make, receipts = open_step(step), []
        for index in range(draft.shard_count):
            receipts.append(make(index))
            write_receipt(Folder(step.folder), index, receipts[-1])
        stores[draft.name] = write_manifest(
            Folder(step.folder), kind=step.kind, name=step.name, fingerprint="f",
            schema=step.schema, config={}, receipts=receipts,
        )  # fmt: skip
    return stores["x"]


def ours(side: str, documents: str, folder: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        work = Path(name)
        line = "A first line. Another sentence! And é one more?"
        small = write_documents(
            work / "small", [f"{line}\n{line} Two.\n{number}" for number in "ab"]
        )
        run_block(BLOCKS[side], small, work / "warm")
        with Peak() as peak:
            start = time.process_time()
            verdicts = run_block(BLOCKS[side], documents, work / "run")
            seconds = time.process_time() - start
        digest = hashlib.sha256()
        texts = Store.open(documents).table(["text"]).column("text").to_pylist()
        rows = verdicts.table(["verdict", "text"]).to_pylist()
        for number, (text, row) in enumerate(zip(texts, rows, strict=True)):
            left = row["text"] if row["text"] is not None else text
            digest.update(f"{number}\0{left if row['verdict'] == 'kept' else ''}\0".encode())
        counters = verdicts.counters
    return {
        "seconds": seconds,
        "peak_bytes": peak.bytes,
        "left": digest.hexdigest(),
        "counters": counters,
    }


def plain_ccnet(file: str) -> dict[str, Any]:
    """CCNet's rule, as its code describes it."""
    texts = json.loads(Path(file).read_text("utf-8"))
    controls = "".join(map(chr, [*range(32), *range(127, 160)]))
    dropped, digits = re.compile(f"[{CCNET_PUNCTUATION}{controls}]"), re.compile(r"\d")

    def hashes(text: str) -> list[bytes | None]:
        lines = (digits.sub("0", line.strip().lower()) for line in text.split("\n"))
        names = (dropped.sub("", line) for line in lines)
        return [hashlib.sha1(n.encode()).digest()[:8] if n else None for n in names]

    with Peak() as peak:
        start = time.process_time()
        once: set[bytes | None] = set()
        twice: set[bytes | None] = set()
        for text in texts:
            here = set(hashes(text))
            twice |= here & once
            once |= here
        twice.discard(None)
        left = []
        for text in texts:
            seen: set[bytes | None] = set()
            kept = []
            for line, name in zip(text.split("\n"), hashes(text), strict=True):
                if name is None or (name not in twice and name not in seen):
                    kept.append(line)
                seen.add(name)
            found = "\n".join(kept)
            left.append(found if found == text or found.strip() else "")
        seconds = time.process_time() - start
    digest = hashlib.sha256()
    for number, text in enumerate(left):
        digest.update(f"{number}\0{text}\0".encode())
    return {"seconds": seconds, "peak_bytes": peak.bytes, "left": digest.hexdigest()}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--peer-python", default=".venv-datatrove/bin/python")
    arguments.add_argument("--repeat", type=int, default=1)
    arguments.add_argument("--only", choices=sorted(BLOCKS), help="one of the blocks")
    arguments.add_argument("--child", nargs="*", help="(this script calls itself)")
    args = arguments.parse_args()
    if args.child:
        kind, *paths = args.child
        print(json.dumps(plain_ccnet(*paths) if kind == "ccnet" else ours(kind, *paths)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = repeated(crawl_texts(), args.repeat)
        file = folder / "texts.json"
        file.write_text(json.dumps(texts), "utf-8")
        documents = write_documents(folder / "documents", texts)
        size = sum(len(text.encode()) for text in texts) / 1e6
        what = f"{len(texts):,} pages of the crawl, {size:,.0f} MB of text"
        this = [sys.executable, str(Path(__file__)), "--child"]
        peers = {
            "lines": ("CCNet's rule in plain Python", [*this, "ccnet", str(file)]),
            "sentences": (
                "datatrove 0.10.0 sentence dedup",
                [args.peer_python, str(PEER), "--texts", str(file)],
            ),
        }
        for side, (peer_name, command) in peers.items():
            if args.only in (None, side):
                runs: tuple[list[dict[str, Any]], ...] = ([], [])
                for _ in range(args.rounds):
                    runs[0].append(run_child([*this, side, documents, name]).result)
                    runs[1].append(run_child(command).result)
                rows += compare(side, size, peer_name, what, *runs)
    report(rows, args.json)


def compare(
    side: str, size: float, peer_name: str, what: str, mine: list[Any], theirs: list[Any]
) -> list[Row]:
    print(side, mine[0]["counters"])
    same = len({each["left"] for each in mine + theirs}) == 1
    seconds = [median([each["seconds"] for each in runs]) for runs in (mine, theirs)]
    peaks = [max(each["peak_bytes"] for each in runs) / 1e6 for runs in (mine, theirs)]
    ratio = seconds[1] / seconds[0]
    return [
        Row(
            name=f"{side}: text", unit="MB/s", ours=size / seconds[0], peer=size / seconds[1],
            peer_name=peer_name, ratio=ratio, same_output=same, input=what,
        ),
        Row(
            name=f"{side}: peak over the start", unit="MB", ours=peaks[0], peer=peaks[1],
            peer_name=peer_name, ratio=peaks[1] / max(1e-9, peaks[0]), same_output=same, input=what,
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
