"""How a run of the real crawl speeds up with workers, and what Ray adds.

    python benchmarks/scaling.py --json FILE

The chain of ``end_to_end.toml`` over crawl-0000{0..3}.warc.gz (8,000 pages): with one worker, which
works in its own process on one core; with two local worker processes; with Ray on two cores. Every
run must give byte-identical stores (``same_output``). Start-up of workers and of Ray is counted,
and weighs much in a run of ten seconds: so the same is measured over the crawl ``--times`` times
over (links under other names, whose pages MinHash then drops). Needs two cores that are idle.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

from rows import ROOT, SHARED, Row, median, parser, report, run_child


def child(output: str, folder: str, executor: str, workers: str) -> None:
    """Run once; print seconds and one hash over all files of all stores."""
    from winnow.pipeline.config import ExecutorConfig, load_config
    from winnow.pipeline.plan import make_plan
    from winnow.pipeline.progress import Lines
    from winnow.pipeline.runner import run

    paths = f'source.paths=["{folder}/*.warc.gz"]'
    config = load_config(
        ROOT / "benchmarks" / "end_to_end.toml",
        [f'output="{output}"', paths, 'source.split_bytes="4 MB"'],
    )
    start = time.perf_counter()
    plan = make_plan(config)
    use: Literal["local", "ray"] = "ray" if executor == "ray" else "local"
    run(plan, executor=ExecutorConfig(use=use, workers=int(workers)), progress=Lines())
    seconds = time.perf_counter() - start
    digest = hashlib.sha256()
    for path in sorted(Path(output).rglob("*")):
        if path.is_file() and path.name != ".lock":
            digest.update(f"{path.relative_to(output)}".encode() + path.read_bytes())
    print(json.dumps({"seconds": seconds, "sha256": digest.hexdigest()}))


def link_crawl(folder: Path, times: int) -> None:
    """The crawl's four files, ``times`` times under different names."""
    folder.mkdir()
    for number in range(times):
        for part in range(4):
            source = SHARED / "crawl" / f"crawl-0000{part}.warc.gz"
            (folder / f"crawl-{number}-{part}.warc.gz").symlink_to(source)


KINDS = {"local 1": ("local", "1"), "local 2": ("local", "2"), "ray 2": ("ray", "2")}


def measure(times: int, rounds: int) -> list[Row]:
    """All kinds over the crawl ``times`` times over."""
    seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    hashes = set()
    with tempfile.TemporaryDirectory() as folder:
        link_crawl(Path(folder) / "crawl", times)
        for number in range(rounds):
            for kind, how in KINDS.items():
                output = f"{folder}/out-{number}-{kind.replace(' ', '-')}"
                command = [sys.executable, __file__, "--child", output, f"{folder}/crawl", *how]
                outcome = run_child(command, cores="0" if kind == "local 1" else "0,1")
                seconds[kind].append(outcome.result["seconds"])
                hashes.add(outcome.result["sha256"])
                shutil.rmtree(output)
    one, two, ray = (median(seconds[kind]) for kind in KINDS)
    same = len(hashes) == 1
    name = f"crawl x {times}, {8_000 * times:,} pages"
    return [
        Row("2 local workers against 1", "s", two, one, "1 worker", one / two, same, name),
        Row("Ray, 2 workers, against 1", "s", ray, one, "1 worker", one / ray, same, name),
        Row("what Ray adds", "s", ray - two, 0.0, "2 local workers", two / ray, same, name),
    ]


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--times", type=int, default=4)
    arguments.add_argument("--child", nargs=4, help="used by the benchmark itself")
    args = arguments.parse_args()
    if args.child:
        child(*args.child)
        return
    rows = measure(1, args.rounds) + measure(args.times, 1)
    report(rows, args.json)


if __name__ == "__main__":
    main()
