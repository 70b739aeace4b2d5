"""``winnow run``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import resource
import sys
import time

from winnow.commands.plan import describe
from winnow.errors import ConfigError
from winnow.funnel import read_funnel
from winnow.pipeline.config import load_config
from winnow.pipeline.plan import Plan, make_plan
from winnow.pipeline.progress import Lines, Silent
from winnow.pipeline.runner import run
from winnow.pipeline.sizes import format_size

_PROCESSES = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


def main(arguments: argparse.Namespace) -> int:
    config = load_config(arguments.config, arguments.overrides)
    executor = config.executor
    if arguments.executor is not None:
        executor = dataclasses.replace(executor, use=arguments.executor)
    if arguments.workers is not None:
        if arguments.workers < 1:
            raise ConfigError(f"--workers must be 1 or more, got {arguments.workers}")
        executor = dataclasses.replace(executor, workers=arguments.workers)
    plan = make_plan(config)
    quiet = arguments.quiet or arguments.json
    if not quiet:
        print("\n".join(describe(plan)), file=sys.stderr)
        print(file=sys.stderr)
    began = time.monotonic()
    result = run(plan, executor=executor, progress=Silent() if quiet else Lines())
    funnel = read_funnel(plan.output)
    if arguments.json:
        outcome = {"output": plan.output, "made": result.made, "reused": result.reused}
        print(json.dumps(outcome | funnel.as_dict(), ensure_ascii=False))
    elif not quiet:
        print(f"\ndone in {time.monotonic() - began:.1f} s{_memory(plan)}\n", file=sys.stderr)
        print("\n".join(funnel.lines()))
        if not funnel.rows[-1].kept:
            print(
                f"\nnothing was kept: see the reasons above, and `problems` in "
                f"{plan.output}/documents/manifest.json for input that could not be read",
                file=sys.stderr,
            )
        print("\n".join(_next(plan.output, funnel.tokens is not None)), file=sys.stderr)
    return 0


def _memory(plan: Plan) -> str:
    """What the largest process took, here, beside what the plan expected of a task."""
    if plan.config.executor.use != "local":
        return ""
    peaks = [resource.getrusage(who).ru_maxrss for who in _PROCESSES]
    told = f"; the largest process took {format_size(max(peaks) * _RSS_UNIT)}"
    held = [step.cost.memory_bytes for step in plan.steps if step.cost is not None]
    if held:
        told += f" (a task was expected to hold {format_size(max(held))}, besides some 300 MB)"
    return told


def _next(output: str, tokens: bool) -> list[str]:
    """Where everything lies, and what to try."""
    here = output if "://" in output else os.path.relpath(output)
    output = output if here.startswith("..") else here
    lines = [
        "",
        "where it lies",
        f"  {output}/documents   every page's text, Parquet",
        f"  {output}/ledger      every measure and verdict, row for row beside it",
    ]
    if tokens:
        lines.append(f"  {output}/tokens      token shards, Arrow IPC")
    return [
        *lines,
        "try next",
        f"  winnow peek {output} --rejected       what was dropped, and why",
        f"  winnow explain {output} URL           one page's whole story",
        f"  winnow whatif {output} --set word_count.min=30",
        f"  winnow tune {output} --keep-share 0.3      bounds for a wanted yield",
        f'  python -c "import winnow; print(winnow.open({output!r}).funnel())"',
    ]
