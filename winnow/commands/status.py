"""``winnow status``."""

from __future__ import annotations

import argparse
import json

from winnow.commands.costs import compare_costs, compared_lines
from winnow.funnel import read_funnel
from winnow.whatif.applied import applied_in


def main(arguments: argparse.Namespace) -> int:
    funnel = read_funnel(arguments.run)
    applied = applied_in(arguments.run)
    costs = compare_costs(arguments.run) if arguments.costs else None
    if arguments.json:
        data = funnel.as_dict() | {"applied": applied}
        if costs is not None:
            data["costs"] = [vars(each) for each in costs]
        print(json.dumps(data, ensure_ascii=False))
        return 0
    print(f"{funnel.name}: {'finished' if funnel.finished else 'not finished'}")
    for state in funnel.states:
        mark = "done" if state.finished else f"{state.shards_done}/{state.shards} shards"
        rows = state.totals.get("rows", 0)
        print(f"  {state.name:<22}{rows:>12,} rows   {mark}")
    if applied:
        print(f"  verdicts applied beside the run's own: {', '.join(applied)}")
    print()
    print("\n".join(funnel.lines()))
    if costs is not None:
        print()
        print("\n".join(compared_lines(costs)))
    return 0
