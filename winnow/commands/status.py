"""``winnow status``."""

from __future__ import annotations

import argparse
import json

from winnow.funnel import read_funnel
from winnow.whatif.applied import applied_in


def main(arguments: argparse.Namespace) -> int:
    funnel = read_funnel(arguments.run)
    applied = applied_in(arguments.run)
    if arguments.json:
        print(json.dumps(funnel.as_dict() | {"applied": applied}, ensure_ascii=False))
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
    return 0
