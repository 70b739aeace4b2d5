"""A changed bound, or another recipe, over ledgers of 1 and 10 million documents.

    pip install duckdb
    python benchmarks/whatif.py --json FILE

The ledger is synthetic: shards of 3,000 documents (what 64 MB of gzipped WARC give), every column
of a run with language, Gopher repetition and Gopher quality, judged by the run's own code; one in
64 shards is drawn, the others are copies. Ours is the whole command, `winnow whatif RUN --json`, in
a process of its own, start included, on two cores: what is kept before and after, bytes of text,
reasons, languages, the domains that move most, and the URLs of a sample. The peer is DuckDB, in a
process of its own too and on two cores: one SQL statement over the same files that judges all
measures again and counts what is kept before and after, by language, and reasons after
(``same_output``: kept documents and reasons are equal); neither domains nor a sample are in it. For
three changed bounds and the recipe the same statement with other bounds. Page cache warm, medians.
``ratio`` above 1 means that ours is faster; peak memory is that of the process.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from rows import ROOT, Row, median, parser, report

SHARD_ROWS = 3_000
DRAWN_SHARDS = 64
LANGUAGES = ("en", "de", "fr", "ru", "es", "ja", "zh", "it")

ONE = {"word_count": {"min": 40.0}}
THREE = {
    "word_count": {"min": 40.0},
    "alpha_word_share": {"min": 0.75},
    "dup_line_share": {"max": 0.2},
}
RECIPE = "gopher-strict"


def draw(folder: Path, documents: int) -> None:
    """A run of one ledger in ``folder``, as `winnow run` would have left it."""
    from winnow.filters.gopher_quality import GopherQuality
    from winnow.filters.gopher_repetition import GopherRepetition
    from winnow.filters.language import LanguageFilter
    from winnow.pipeline.plan import NO_TEXT
    from winnow.pipeline.step import Inputs
    from winnow.pipeline.works import LedgerWork, RecipeVerdict, describe_work
    from winnow.schema import DOCUMENTS
    from winnow.store.files import Folder
    from winnow.store.manifest import write_manifest
    from winnow.store.receipts import Receipt, canonical_json
    from winnow.store.shards import ShardWriter, shard_file

    filters: list[Any] = [LanguageFilter(), GopherRepetition(), GopherQuality()]
    fields = [field for each in filters for field in each.measure_fields()]
    language = LanguageFilter().bounds({"languages": dict.fromkeys(LANGUAGES, 0.5)})
    own = (NO_TEXT, *language, *GopherRepetition().bounds({}), *GopherQuality().bounds({}))
    strict = GopherQuality().bounds({"word_count": {"min": 100}})
    recipe = RecipeVerdict(RECIPE, (NO_TEXT, *language, *strict))
    names = tuple(field.name for field in fields)
    work = LedgerWork(names, own, True, (recipe,))
    schema = work.schema(pa.schema([*DOCUMENTS, *fields]))
    store = Folder(str(folder / "ledger"))
    receipts: list[Receipt] = []
    for shard in range(-(-documents // SHARD_ROWS)):
        rows = min(SHARD_ROWS, documents - shard * SHARD_ROWS)
        source = shard % DRAWN_SHARDS
        if shard < DRAWN_SHARDS or rows < SHARD_ROWS:
            batch = judged(shard, rows, fields, work, schema)
            with ShardWriter(store, shard_file(shard, "parquet"), schema) as writer:
                writer.write(batch)
            receipts.append(writer.receipt("benchmark"))
        else:
            file = shard_file(shard, "parquet")
            shutil.copyfile(store.join(receipts[source].file), store.join(file))
            fields_of = {**vars(receipts[source]), "file": file}
            receipts.append(Receipt(**fields_of))
    write_manifest(
        store,
        kind="ledger",
        name="ledger",
        fingerprint="benchmark",
        schema=schema,
        config=describe_work(work),
        receipts=receipts,
        extra=work.finish(Inputs(None, {}, 0, ""), []),
    )
    step = {"name": "ledger", "kind": "ledger", "label": "filters", "fingerprint": "benchmark"}
    run = {
        "name": "benchmark",
        "config": {"stage": [{"use": each.use} for each in filters]},
        "steps": [{**step, "shards": len(receipts)}],
    }
    (folder / "run.json").write_bytes(canonical_json(run))


def judged(shard: int, rows: int, fields: list[pa.Field], work: Any, schema: pa.Schema) -> Any:
    """One shard's rows: measures spread around their bounds, a fifth beyond one."""
    from winnow.pipeline.bounds import judge

    random = np.random.default_rng(shard)
    hosts = np.minimum(random.zipf(1.3, rows), 500_000)
    columns: dict[str, Any] = {
        "doc_id": (np.uint64(shard) << np.uint64(32)) + np.arange(rows, dtype=np.uint64),
        "url": [f"https://host{host}.example/page/{shard}/{row}" for row, host in enumerate(hosts)],
        "domain": [f"host{host}.example" for host in hosts],
        "text_bytes": random.lognormal(7.5, 1.2, rows).astype(np.int64),
        "extract_problem": pa.array(
            ["empty" if draw < 0.05 else None for draw in random.random(rows)]
        ),
        "language": random.choice(np.array(LANGUAGES), rows, p=np.arange(8, 0, -1) / 36),
    }
    for field in fields:
        if field.name == "language_prob":
            columns[field.name] = random.beta(6, 1, rows)
        elif field.name == "word_count":
            columns[field.name] = random.lognormal(5.5, 1.2, rows).astype(np.int64)
        elif field.name == "mean_word_chars":
            columns[field.name] = random.normal(5, 1, rows)
        elif field.name == "alpha_word_share":
            columns[field.name] = random.beta(12, 1.2, rows)
        elif field.name.startswith("stop_word"):
            columns[field.name] = random.poisson(6, rows)
        elif field.name not in columns:
            columns[field.name] = random.beta(1, 30, rows)
    names = [name for name in schema.names if name in columns]
    batch = pa.record_batch(
        [pa.array(columns[name], schema.field(name).type) for name in names], names=names
    )
    verdicts = [*judge(batch, work.bounds), *(judge(batch, r.bounds)[0] for r in work.recipes)]
    return pa.record_batch([*batch.columns, *verdicts], schema=schema)


def ours(folder: Path, changes: dict[str, Any] | None) -> tuple[dict[str, Any], float, float]:
    """(counts, seconds, peak MB) of the command."""
    command = [sys.executable, "-m", "winnow", "whatif", str(folder), "--json"]
    if changes is None:
        command += ["--recipe", RECIPE]
    for measure, sides in (changes or {}).items():
        for side, value in sides.items():
            command += ["--set", f"{measure}.{side}={value}"]
    printed, seconds, peak = run_measured(command)
    found = json.loads(printed)
    counts = {
        "before": found["total"]["before"],
        "after": found["total"]["after"],
        "reasons": {name: after for name, (_, after) in found["reasons"].items() if after},
    }
    return counts, seconds, peak


def run_measured(command: list[str]) -> tuple[str, float, float]:
    """What it printed, seconds, and the peak of its memory in MB (/usr/bin/time is not needed)."""
    wrapper = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], capture_output=True, text=True)\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "sys.stdout.write(f'{peak}\\n{done.stdout}'); sys.stderr.write(done.stderr)\n"
        "sys.exit(done.returncode)"
    )
    began = time.perf_counter()
    done = subprocess.run(
        ["taskset", "-c", "0,1", sys.executable, "-c", wrapper, *command],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    peak, _, printed = done.stdout.partition("\n")
    return printed, seconds, int(peak) / 1024


def duckdb_sql(folder: Path, changes: dict[str, Any] | None) -> str:
    """One statement that judges every document by the changed bounds and counts."""
    from winnow.pipeline.bounds import in_order, override
    from winnow.store.manifest import Store
    from winnow.whatif.ledger import bounds_of, measures_of

    ledger = Store.open(str(folder / "ledger"))
    bounds = bounds_of(ledger, None if changes is not None else RECIPE)
    if changes is not None:
        bounds = override(bounds, changes, "benchmark", measures_of(ledger))
    cases = []
    for _, bound in in_order(bounds):
        broken = []
        if bound.allowed is not None:
            inside = ", ".join(f"'{label}'" for label in bound.allowed)
            broken.append(f"{bound.measure} NOT IN ({inside})" if inside else
                          f"{bound.measure} IS NOT NULL")  # fmt: skip
        broken += [f"{bound.measure} < {bound.min!r}"] if bound.min is not None else []
        broken += [f"{bound.measure} > {bound.max!r}"] if bound.max is not None else []
        for label, low, high in bound.by:
            where = f"{bound.by_column} = '{label}' AND {bound.measure}"
            broken += [f"({where} < {low!r})"] if low is not None else []
            broken += [f"({where} > {high!r})"] if high is not None else []
        cases.append(f"WHEN {' OR '.join(broken)} THEN '{bound.measure}'")
    judged = " ".join(cases)
    return (
        f"SELECT CASE {judged} ELSE 'kept' END AS after, language, verdict = 'kept' AS was, "
        f"count(*), sum(text_bytes) FROM read_parquet('{folder}/ledger/*.parquet') "
        "WHERE verdict IS NOT NULL GROUP BY ALL"
    )


def duckdb(folder: Path, changes: dict[str, Any] | None) -> tuple[dict[str, Any], float, float]:
    code = (
        "import duckdb, json, sys\n"
        "duckdb.execute('SET threads = 2; SET enable_progress_bar = false')\n"
        "print(json.dumps(duckdb.execute(sys.argv[1]).fetchall(), default=str))"
    )
    command = [sys.executable, "-c", code, duckdb_sql(folder, changes)]
    printed, seconds, peak = run_measured(command)
    counts: dict[str, Any] = {"before": 0, "after": 0, "reasons": {}}
    for reason, _, was, documents, _ in json.loads(printed):
        counts["before"] += documents if was else 0
        if reason == "kept":
            counts["after"] += documents
        else:
            counts["reasons"][reason] = counts["reasons"].get(reason, 0) + documents
    return counts, seconds, peak


def measure(folder: Path, documents: int, rounds: int) -> list[Row]:
    rows = []
    millions = f"{documents / 1e6:g} M documents"
    cases = (("one changed bound", ONE), ("three", THREE), ("another recipe", None))
    for name, changes in cases:
        found: dict[str, list[tuple[dict[str, Any], float, float]]] = {"ours": [], "duckdb": []}
        for _ in range(rounds + 1):
            found["ours"].append(ours(folder, changes))
            found["duckdb"].append(duckdb(folder, changes))
        seconds = {side: median([run[1] for run in runs[1:]]) for side, runs in found.items()}
        peaks = {side: median([run[2] for run in runs[1:]]) for side, runs in found.items()}
        same = all(a[0] == b[0] for a, b in zip(found["ours"], found["duckdb"], strict=True))
        for unit, values in (("s", seconds), ("MB peak", peaks)):
            rows.append(
                Row(
                    name=f"what-if: {name}, {millions}",
                    unit=unit,
                    ours=values["ours"],
                    peer=values["duckdb"],
                    peer_name="DuckDB, SQL by hand",
                    ratio=values["duckdb"] / values["ours"],
                    same_output=same,
                    input=f"synthetic ledger, {-(-documents // SHARD_ROWS)} shards",
                )
            )
    return rows


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--documents", type=int, nargs="+", default=[1_000_000, 10_000_000])
    arguments.add_argument("--folder", help="where ledgers are drawn and kept; default: nowhere")
    args = arguments.parse_args()
    rows = []
    for documents in args.documents:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(args.folder or scratch) / f"run-{documents}"
            if not (folder / "run.json").exists():
                folder.mkdir(parents=True)
                draw(folder, documents)
            rows += measure(folder, documents, args.rounds)
    report(rows, args.json)


if __name__ == "__main__":
    main()
