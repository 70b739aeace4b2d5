"""``winnow whatif``."""

from __future__ import annotations

import argparse
import dataclasses
import json

from winnow.corpus import open_corpus
from winnow.whatif import Shift, WhatIf, parse_changes, what_if


def main(arguments: argparse.Namespace) -> int:
    corpus = open_corpus(arguments.run)
    known = tuple(corpus.ledger_store.manifest["config"]["measure_names"])
    answer = what_if(corpus, parse_changes(arguments.settings, known))
    if arguments.json:
        print(json.dumps(dataclasses.asdict(answer), ensure_ascii=False))
    else:
        print("\n".join(_lines(answer)))
    return 0


def _lines(answer: WhatIf) -> list[str]:
    lines = [_line("kept by the filters", answer.total)]
    moved = [(name, counts) for name, counts in answer.reasons.items() if counts[0] != counts[1]]
    if moved:
        lines += ["", f"{'rejected by':<34}{'before':>10}{'after':>10}"]
    for name, (before, after) in moved:
        lines.append(f"  {name:<32}{before:>10,}{after:>10,}  {after - before:+,}")
    for group, rows in answer.groups.items():
        if rows:
            lines += ["", f"{'kept, by ' + group:<34}{'before':>10}{'after':>10}"]
        for label, shift in rows:
            change = shift.after - shift.before
            lines.append(f"  {label:<32}{shift.before:>10,}{shift.after:>10,}  {change:+,}")
    if answer.now_kept:
        lines += ["", "now kept, for example", *(f"  {url}" for url in answer.now_kept)]
    if answer.now_rejected:
        lines += ["", "now rejected, for example"]
        lines += [f"  {url}  ({reason})" for url, reason in answer.now_rejected]
    lines += [
        "",
        "Duplicates are not looked for again; `winnow run` with the same --set does that.",
    ]
    return lines


def _line(label: str, shift: Shift) -> str:
    share = 100 / max(shift.documents, 1)
    return (
        f"{label} {shift.before:,} → {shift.after:,} of {shift.documents:,} documents "
        f"({shift.before * share:.1f} % → {shift.after * share:.1f} %)"
    )
