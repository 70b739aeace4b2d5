"""How a run of the real crawl speeds up with workers, and what Ray adds.

    python benchmarks/scaling.py --json FILE

The chain of ``end_to_end.toml`` over crawl-0000{0..3}.warc.gz (8,000 pages): with one worker, which
works in its own process on one core; with two local worker processes; with Ray on two cores. Every
run must give byte-identical stores (``same_output``). Start-up of workers and of Ray is counted.
Needs two cores that are otherwise idle.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path

from rows import ROOT, SHARED, Row, median, parser, report, run_child


def child(output: str, executor: str, workers: str) -> None:
    """Run once; print seconds and one hash over all files of all stores."""
    from winnow.pipeline.config import ExecutorConfig, load_config
    from winnow.pipeline.plan import make_plan
    from winnow.pipeline.progress import Lines
    from winnow.pipeline.runner import run

    crawl = [str(SHARED / "crawl" / f"crawl-0000{i}.warc.gz") for i in range(4)]
    config = load_config(
        ROOT / "benchmarks" / "end_to_end.toml",
        [f'output="{output}"', f"source.paths={json.dumps(crawl)}", 'source.split_bytes="4 MB"'],
    )
    start = time.perf_counter()
    plan = make_plan(config)
    use = "ray" if executor == "ray" else "local"
    run(plan, executor=ExecutorConfig(use=use, workers=int(workers)), progress=Lines())
    seconds = time.perf_counter() - start
    digest = hashlib.sha256()
    for path in sorted(Path(output).rglob("*")):
        if path.is_file() and path.name != ".lock":
            digest.update(f"{path.relative_to(output)}".encode() + path.read_bytes())
    print(json.dumps({"seconds": seconds, "sha256": digest.hexdigest()}))


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--child", nargs=3, help="used by the benchmark itself")
    args = arguments.parse_args()
    if args.child:
        child(*args.child)
        return
    kinds = {"local 1": ("local", "1"), "local 2": ("local", "2"), "ray 2": ("ray", "2")}
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    hashes = set()
    for _ in range(args.rounds):
        for kind, (executor, workers) in kinds.items():
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, __file__, "--child", f"{folder}/out", executor, workers]
                outcome = run_child(command, cores="0" if kind == "local 1" else "0,1")
            seconds[kind].append(outcome.result["seconds"])
            hashes.add(outcome.result["sha256"])
    took = {kind: median(values) for kind, values in seconds.items()}
    same = len(hashes) == 1
    name = "crawl, 8,000 pages"
    rows = [
        Row(
            "2 local workers against 1",
            "s",
            took["local 2"],
            took["local 1"],
            "1 worker",
            took["local 1"] / took["local 2"],
            same,
            name,
        ),
        Row(
            "Ray with 2 workers against 1 local",
            "s",
            took["ray 2"],
            took["local 1"],
            "1 local worker",
            took["local 1"] / took["ray 2"],
            same,
            name,
        ),
        Row(
            "what Ray adds to 2 local workers",
            "s",
            took["ray 2"] - took["local 2"],
            0.0,
            "2 local workers",
            took["local 2"] / took["ray 2"],
            same,
            name,
        ),
    ]
    report(rows, args.json)


if __name__ == "__main__":
    main()
