"""``winnow whatif``."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Collection
from typing import Any

from winnow.corpus import Corpus, open_corpus
from winnow.errors import ConfigError
from winnow.whatif.answer import Shift, WhatIf, answer, ask
from winnow.whatif.applied import apply_verdicts, check_name
from winnow.whatif.changes import config_lines, parse_changes, set_flags
from winnow.whatif.ledger import measures_of
from winnow.whatif.run_stages import run_filters


def main(arguments: argparse.Namespace) -> int:
    corpus = open_corpus(arguments.run)
    ledgers = corpus.ledger_stores or [corpus.ledger_store]
    if arguments.apply is not None:
        check_name(corpus, arguments.apply, ledgers[0])
    known = tuple(dict.fromkeys(name for each in ledgers for name in measures_of(each)))
    changes = parse_changes(arguments.settings, known, run_filters(corpus))
    if arguments.recipe is None and not changes:
        raise ConfigError(
            "nothing to change", remedy="For example: --set word_count.min=30, or --recipe gopher"
        )
    question = ask(corpus, changes, arguments.recipe)
    found = answer(corpus, question)
    applied = None
    if arguments.apply is not None:
        store, made = apply_verdicts(corpus, question, arguments.apply, changes)
        applied = {"name": arguments.apply, "path": store.path, "made": made}
    if arguments.json:
        print(json.dumps(as_dict(found) | {"applied": applied}, ensure_ascii=False))
        return 0
    print("\n".join(_lines(found, changes)))
    if applied is not None:
        print("\n".join(_applied_lines(corpus, arguments, changes, str(applied["path"]))))
    else:
        print(
            "\nDuplicates are not looked for again; `winnow run` with the same --set does that. "
            "--apply NAME keeps these verdicts."
        )
    return 0


def as_dict(found: WhatIf) -> dict[str, Any]:
    """The answer as plain data, tokens estimated."""
    plain = dataclasses.asdict(found)
    for key in ("before", "after"):
        plain["total"][f"tokens_{key}"] = found.tokens.tokens(plain["total"][f"bytes_{key}"])
    plain["recut"] = [bound.measure for bound in found.recut]
    return plain


def _shadowed(found: WhatIf, changed: Collection[str]) -> list[str]:
    """Limits for all that documents of most languages do not go by."""
    lines = []
    for bound in found.bounds:
        if bound.measure in changed and bound.by:
            labels = [label for label, _, _ in bound.by]
            lines.append(
                f"  {bound.measure} has limits of its own for {', '.join(labels)}: "
                f"--set {bound.measure}.per_language.{labels[0]}.min=…"
            )
    return lines


def _lines(found: WhatIf, changed: Collection[str] = ()) -> list[str]:
    total = found.total
    lines = [_line("kept by the filters", total)]
    if found.recipe is not None:
        lines.insert(0, f"after: by the recipe '{found.recipe}'")
    if total.text_bytes:
        before, after = (found.tokens.tokens(n) for n in (total.bytes_before, total.bytes_after))
        lines.append(f"tokens, about {before:,} → {after:,}  ({found.tokens.describe()})")
    for bound in found.recut:
        assert bound.top is not None
        cuts = ", ".join(
            f"{'' if label is None else f'{label}: '}{score:g}"
            for label, score, _ in (bound.top.cuts or ())[:5]
        )
        lines.append(
            f"{bound.measure}: the best {bound.top.share:g} of the documents that are left now, "
            f"from {cuts} up; the cut was found again"
        )
    moved = [(name, counts) for name, counts in found.reasons.items() if counts[0] != counts[1]]
    if not moved:
        lines += ["no verdict changes", *_shadowed(found, changed)]
    if moved:
        lines += ["", f"{'rejected by':<38}{'before':>12}{'after':>12}"]
    for name, (was, now) in moved:
        lines.append(f"  {name:<36}{was:>12,}{now:>12,}  {now - was:+,}")
    if found.languages:
        lines += ["", f"{'kept, by language':<38}{'before':>12}{'after':>12}"]
    for label, shift in found.languages:
        change = shift.after - shift.before
        lines.append(f"  {label:<36}{shift.before:>12,}{shift.after:>12,}  {change:+,}")
    if found.domains:
        lines += ["", f"{'domains that move most':<38}{'now kept':>12}{'rejected':>12}"]
    for name, moved_by in found.domains:
        lines.append(
            f"  {name:<36}{moved_by.now_kept:>12,}{moved_by.now_rejected:>12,}  "
            f"{moved_by.change:+,}"
        )
    for title, documents in (
        ("now kept, for example (was rejected by)", found.now_kept),
        ("now rejected, for example (by)", found.now_rejected),
    ):
        if documents:
            lines += ["", title, *(f"  {each.url}  ({each.reason})" for each in documents)]
    return lines


def _line(label: str, shift: Shift) -> str:
    share = 100 / max(shift.documents, 1)
    return (
        f"{label} {shift.before:,} → {shift.after:,} of {shift.documents:,} documents "
        f"({shift.before * share:.1f} % → {shift.after * share:.1f} %)"
    )


def _applied_lines(
    corpus: Corpus, arguments: argparse.Namespace, changes: dict[str, Any], path: str
) -> list[str]:
    name = arguments.apply
    lines = [
        "",
        f"applied: {path}",
        f"  winnow peek {arguments.run} --verdicts {name}",
        f"  winnow compare {arguments.run} run {name}",
        f'  winnow.open("{arguments.run}").kept("{name}")',
    ]
    filters = run_filters(corpus)
    if arguments.recipe is not None:
        lines.append(
            "These are its verdicts; the text stays as the run's own filters leave it. To have the "
            "recipe's rewriting too, run with it."
        )
        block = ["[[stage]]", f'recipe = "{arguments.recipe}"']
        return [*lines, "to run with it, replace the filters of the config by", *_in(block)]
    flags = " ".join(set_flags(changes, filters))
    return [
        *lines,
        "to run on with them (nothing is extracted or measured again), write into the config",
        *_in(config_lines(changes, filters)),
        f"  or: winnow run CONFIG.toml {flags}",
    ]


def _in(block: list[str]) -> list[str]:
    return [f"    {line}" for line in block]
