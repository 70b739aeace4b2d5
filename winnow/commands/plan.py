"""``winnow plan``."""

from __future__ import annotations

import argparse
import json

from winnow.commands.costs import as_data, cost_line, notes, total_lines
from winnow.pipeline.config import load_config
from winnow.pipeline.plan import Plan, make_plan
from winnow.pipeline.sizes import format_size

_WORDS = {
    "done": "done, reused",
    "changed": "made again",
    "part": "goes on",
    "new": "to do",
}


def main(arguments: argparse.Namespace) -> int:
    plan = make_plan(load_config(arguments.config, arguments.overrides))
    if arguments.json:
        print(json.dumps(as_dict(plan), ensure_ascii=False))
    else:
        print("\n".join(describe(plan, columns=True)))
    return 0


def as_dict(plan: Plan) -> dict[str, object]:
    """The plan as plain data."""
    return {
        "name": plan.config.name,
        "output": plan.output,
        "fingerprint": plan.fingerprint,
        "input_bytes": plan.input_bytes,
        "splits": len(plan.splits),
        "steps": [
            {
                "name": step.name,
                "kind": step.kind,
                "shards": step.shard_count,
                "fingerprint": step.fingerprint,
                "state": plan.state(step),
                "columns": {field.name: str(field.type) for field in step.schema},
                "config": step.config,
                "cost": as_data(step),
            }
            for step in plan.steps
        ],
        "notes": notes(plan),
    }


def describe(plan: Plan, *, columns: bool = False) -> list[str]:
    """The plan as lines; with ``columns``, what each store will hold, what deduplication is
    expected to cost, and what blocks say of themselves."""
    files = len({split.path for split in plan.splits})
    lines = [
        f"{plan.config.name} → {plan.output}",
        f"input  {files} file{'s' * (files != 1)}, {format_size(plan.input_bytes)}, "
        f"{len(plan.splits)} split{'s' * (len(plan.splits) != 1)}; "
        f"plan {plan.fingerprint[:12]}",
        "",
        f"  {'step':<22}{'kind':<11}{'shards':>6}  {'fingerprint':<13} state",
    ]
    for step in plan.steps:
        state = plan.state(step)
        lines.append(
            f"  {step.name:<22}{step.kind:<11}{step.shard_count:>6}  "
            f"{step.fingerprint[:12]:<13} {_WORDS[state]}"
        )
        if state == "changed":
            lines += [f"      because {change}" for change in plan.changes(step)[:4]]
        if columns:
            names = ", ".join(step.schema.names)
            lines.append(f"      {names if len(names) < 200 else names[:199] + '…'}")
            if (cost := cost_line(step)) is not None:
                lines.append(f"      {cost}")
    if columns:
        lines += total_lines(plan)
        for block, said in notes(plan).items():
            lines += ["", *(f"{block}: {line}" for line in said)]
    return lines
