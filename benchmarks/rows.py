"""What every benchmark shares: rows of results, and child processes measured from outside."""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"


@dataclass(frozen=True)
class Row:
    """One comparison; ``ratio`` is how many times better ours is."""

    name: str
    unit: str
    ours: float
    peer: float
    peer_name: str
    ratio: float
    same_output: bool
    input: str


def parser(description: str | None) -> argparse.ArgumentParser:
    """The arguments that all benchmarks take."""
    found = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--json", metavar="FILE", help="write the rows here")
    found.add_argument("--rounds", type=int, default=3, help="interleaved runs of each side (3)")
    return found


def report(rows: list[Row], file: str | None) -> None:
    """Print the rows; write them to ``file`` if given."""
    for row in rows:
        print(
            f"{row.name:<44}{row.ours:>12,.2f} {row.unit:<10} {row.peer_name} {row.peer:,.2f}  "
            f"→ {row.ratio:.2f}x{'' if row.same_output else '  (output differs)'}"
        )
    if file is not None:
        Path(file).write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


@dataclass(frozen=True)
class Outcome:
    """One child process: what it printed (its last line as JSON), and what it cost."""

    result: dict[str, Any]
    wall_seconds: float
    cpu_seconds: float


def run_child(command: list[str], cores: str | None = "0") -> Outcome:
    """Run ``command`` on the given cores and wait; its last line of output is JSON."""
    if cores is not None:
        command = ["taskset", "-c", cores, *command]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=_environment())
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Outcome(json.loads(done.stdout.strip().splitlines()[-1]), wall, cpu)


def _environment() -> dict[str, str]:
    return {**os.environ, "TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}


def median(values: list[float]) -> float:
    return statistics.median(values)
