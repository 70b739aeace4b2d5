"""WARC → token shards: pages a second of our whole run against datatrove's, one core each.

    python benchmarks/end_to_end.py --peer-python .venv-datatrove/bin/python --json FILE

``benchmarks/peers/datatrove_chain.py`` says how to install the peer. Both sides do the same steps:
read, extract, English by fastText lid.176, Gopher repetition and quality, MinHash 14 x 8 over
5-grams, GPT-2 tokens shuffled. They differ in the extractor (resiliparse here, trafilatura there),
so texts and counts differ; the funnels are printed side by side. Imports are not counted on either
side (compiled kernels come from numba's cache; the round that fills it is not counted).

Rows: pages a second by wall clock; the same by CPU time, which a busy machine moves less; and ours
once more measuring every document with every filter (the ledger in full), which the peer cannot.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from rows import ROOT, SHARED, Outcome, Row, median, parser, report, run_child

INPUT = SHARED / "crawl" / "small.warc.gz"
LID = ROOT / "winnow" / "filters" / "models" / "lid.176.ftz"
# what the run would import on its way, directly or through numba and pyarrow
IMPORTED = (
    "fastwarc",
    "resiliparse",
    "fasttext",
    "tokenizers",
    "fastokens",
    "numba.np.arraymath",
    "scipy.linalg",
    "pandas",
    "winnow.text.table",
    "winnow.dedup.signing.signatures",
    "winnow.filters.gopher_repetition",
)


def ours(warc: str, output: str, measure: str) -> None:
    """The child: run the chain once in this process and print what it took."""
    from winnow.funnel import read_funnel
    from winnow.pipeline.config import ExecutorConfig, load_config
    from winnow.pipeline.plan import make_plan
    from winnow.pipeline.progress import Lines
    from winnow.pipeline.runner import run

    config = load_config(
        ROOT / "benchmarks" / "end_to_end.toml",
        [f'output="{output}"', f'source.paths=["{warc}"]', f"measure={measure}"],
    )
    for module in IMPORTED:
        with contextlib.suppress(ModuleNotFoundError):  # some come along only if installed
            importlib.import_module(module)
    start = time.perf_counter()
    run(make_plan(config), executor=ExecutorConfig(workers=1), progress=Lines())
    seconds = time.perf_counter() - start
    funnel = read_funnel(output)
    outcome = {
        "seconds": seconds,
        "funnel": [vars(row) for row in funnel.rows],
        "tokens": funnel.tokens,
    }
    print(json.dumps(outcome))


def one_round(peer_python: str, warc: Path) -> dict[str, Outcome]:
    """Ours, the peer, ours in full: one after the other on the same core."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, measure in (("ours", "until_rejected"), ("peer", ""), ("full", "all")):
            work = Path(folder) / name
            if name == "peer":
                work.mkdir()
                command = [peer_python, str(ROOT / "benchmarks/peers/datatrove_chain.py")]
                command += ["--warc", str(warc), "--lid", str(LID), "--work", str(work)]
            else:
                command = [sys.executable, __file__, "--child", str(warc), str(work), measure]
            found[name] = run_child(command)
            shutil.rmtree(work)
    return found


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--peer-python", default=".venv-datatrove/bin/python")
    arguments.add_argument("--input", default=str(INPUT), help="a WARC file (small)")
    arguments.add_argument("--child", nargs=3, help="used by the benchmark itself")
    args = arguments.parse_args()
    if args.child:
        ours(*args.child)
        return
    warc = Path(args.input)
    with tempfile.TemporaryDirectory() as folder:  # compiles the kernels into numba's cache
        run_child([sys.executable, __file__, "--child", str(warc), f"{folder}/x", "until_rejected"])
    rounds = [one_round(args.peer_python, warc) for _ in range(args.rounds)]
    wall = {name: median([r[name].result["seconds"] for r in rounds]) for name in rounds[0]}
    cpu = {name: median([r[name].cpu_seconds for r in rounds]) for name in rounds[0]}
    pages = next(row for row in rounds[0]["ours"].result["funnel"] if row["step"] == "read")["kept"]
    name = f"{warc.name}, {pages:,} pages"
    rows = [
        Row(
            "end to end, same steps",
            "pages/s",
            pages / wall["ours"],
            pages / wall["peer"],
            "datatrove 0.10.0",
            wall["peer"] / wall["ours"],
            False,
            name,
        ),
        Row(
            "end to end, same steps, by CPU time with imports",
            "pages/cpu-s",
            pages / cpu["ours"],
            pages / cpu["peer"],
            "datatrove 0.10.0",
            cpu["peer"] / cpu["ours"],
            False,
            name,
        ),
        Row(
            "end to end, every measure of every document",
            "pages/s",
            pages / wall["full"],
            pages / wall["peer"],
            "datatrove 0.10.0",
            wall["peer"] / wall["full"],
            False,
            name,
        ),
    ]
    report(rows, args.json)
    last = rounds[-1]
    print("\nours:")
    for row in last["ours"].result["funnel"]:
        print(f"  {row['step']:<12} {row['came']:>6} → {row['kept']:<6} {row['reasons']}")
    print(f"  tokens       {last['ours'].result['tokens']['splits']}")
    print("datatrove:")
    for block, counts in last["peer"].result["funnel"].items():
        print(f"  {block:<24} {counts}")
    print(f"  after MinHash {last['peer'].result['kept']}, tokens {last['peer'].result['tokens']}")


if __name__ == "__main__":
    main()
