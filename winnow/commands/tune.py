"""``winnow tune``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from winnow.corpus import Corpus, open_corpus
from winnow.errors import ConfigError
from winnow.pipeline.bounds import Bound
from winnow.pipeline.fingerprint import canonical
from winnow.pipeline.recipes import load_recipe
from winnow.store.files import Folder
from winnow.store.manifest import Store
from winnow.tune.keep_share import for_keep_share
from winnow.tune.labelled import LabelReport, for_labels, read_labels
from winnow.tune.languages import per_language
from winnow.tune.population import Population
from winnow.tune.proposal import changes_of, diff_lines, recipe_toml
from winnow.whatif.answer import Question, WhatIf, answer
from winnow.whatif.ledger import bounds_of
from winnow.whatif.recipe_bounds import recipe_bounds
from winnow.whatif.run_stages import RunFilter, filters_of, run_filters
from winnow.whatif.verdicts import BoundVerdicts


def main(arguments: argparse.Namespace) -> int:
    asked = (arguments.keep_share, arguments.labels, arguments.per_language)
    if sum(each is not None for each in asked) != 1:
        raise ConfigError("say what to tune for: one of --keep-share, --labels, --per-language")
    corpus = open_corpus(arguments.run)
    ledger = corpus.ledger_store
    if not ledger.manifest["config"]["complete"]:
        raise ConfigError(
            "this run measured a document until its first rejection: nobody knows what other "
            "bounds would keep",
            remedy='Run it with measure = "all", the default; extraction is not repeated.',
        )
    old, filters = _start(corpus, ledger, arguments.recipe)
    also = tuple(
        name
        for name in ("url" if arguments.labels else "", "language", "language_prob")
        if name in ledger.manifest["schema"]
    )
    population = Population(ledger, old, also)
    new, report, how = _propose(population, arguments)
    new = tuple(dataclasses.replace(b, top=a.top) for a, b in zip(old, new, strict=True))
    limits = tuple(dataclasses.replace(bound, top=None) for bound in new)
    found = answer(corpus, Question(ledger, limits, BoundVerdicts(limits), arguments.recipe))
    changes = changes_of(old, new)
    about = f"{arguments.recipe or corpus.name}, tuned {how}"
    if arguments.output is not None:
        base = arguments.recipe
        if base is not None and base.endswith(".toml"):
            base = os.path.relpath(base, Path(arguments.output).parent)
        checked = _checked(found, report)
        text = recipe_toml(changes, filters, base, about, checked)
        target = Path(arguments.output)
        Folder(str(target.parent)).write(target.name, text.encode())
    if arguments.json:
        print(json.dumps(_as_dict(old, new, changes, found, report), ensure_ascii=False))
    else:
        print("\n".join(_lines(old, new, filters, found, report, arguments)))
    return 0


def _start(
    corpus: Corpus, ledger: Store, recipe: str | None
) -> tuple[tuple[Bound, ...], list[RunFilter]]:
    if recipe is None:
        return bounds_of(ledger), run_filters(corpus)
    stages = load_recipe(recipe, Path.cwd(), "--recipe").stages
    if recipe in ledger.manifest.get("recipes", {}):
        return bounds_of(ledger, recipe), filters_of(stages)
    return recipe_bounds(corpus, ledger, recipe), filters_of(stages)


def _propose(
    population: Population, arguments: argparse.Namespace
) -> tuple[tuple[Bound, ...], LabelReport | None, str]:
    measures = None
    if arguments.measures is not None:
        measures = tuple(name.strip() for name in arguments.measures.split(",") if name.strip())
    if arguments.keep_share is not None:
        bounds = for_keep_share(population, arguments.keep_share, measures)
        return bounds, None, f"to keep {arguments.keep_share:g} of the documents"
    if arguments.labels is not None:
        labels = read_labels(arguments.labels)
        proposed, report = for_labels(population, labels, measures)
        return proposed, report, f"to {report.pages} labelled pages"
    bounds = per_language(
        population,
        arguments.per_language,
        arguments.reference,
        measures,
        arguments.min_documents,
    )
    return bounds, None, f"per language by {arguments.per_language}"


def _checked(found: WhatIf, report: LabelReport | None) -> str:
    total = found.total
    text = f"keeps {total.after} of {total.documents} documents of the run it was made from"
    if report is not None:
        text += f"; F1 {report.f1_held_out:.3f} on {report.pages} pages, each held out once"
    return text


def _as_dict(
    old: tuple[Bound, ...],
    new: tuple[Bound, ...],
    changes: dict[str, Any],
    found: WhatIf,
    report: LabelReport | None,
) -> dict[str, Any]:
    return {
        "changes": changes,
        "old": canonical(old),
        "new": canonical(new),
        "kept_before": found.total.before,
        "kept_after": found.total.after,
        "documents": found.total.documents,
        "labels": None if report is None else dataclasses.asdict(report),
    }


def _lines(
    old: tuple[Bound, ...],
    new: tuple[Bound, ...],
    filters: list[RunFilter],
    found: WhatIf,
    report: LabelReport | None,
    arguments: argparse.Namespace,
) -> list[str]:
    lines = diff_lines(old, new, filters) or ["nothing to change is proposed"]
    total = found.total
    share = 100 / max(total.documents, 1)
    lines += [
        "",
        f"the run keeps {total.before:,} of {total.documents:,} documents "
        f"({total.before * share:.1f} %); these bounds would keep {total.after:,} "
        f"({total.after * share:.1f} %)",
    ]
    if report is not None:
        lines += [
            f"{report.pages:,} labelled pages ({report.good:,} good), {report.not_found:,} not in "
            "this run or without text",
            f"F1 of 'kept is good': {report.f1_before:.3f} now, {report.f1_after:.3f} on the pages "
            f"it was made from, {report.f1_held_out:.3f} on held-out ones ({report.folds} folds)",
        ]
        if not report.accepted:
            lines.append("held-out pages do not agree with the change, so none is proposed")
    if any(bound.top is not None for bound in old):
        lines.append("bounds on the best of the run are left as they are and not counted here")
    if arguments.output is not None:
        lines += ["", f"written: {arguments.output}", f"  winnow recipes {arguments.output}"]
        lines.append(f"  winnow compare {arguments.run} run {arguments.output}")
        if arguments.recipe is None and any(_has_paths(each) for each in filters):
            lines.append("  paths in it are as in the run's config: keep it beside that")
    return lines


def _has_paths(each: RunFilter) -> bool:
    from winnow.pipeline import registry

    if each.use not in registry.FILTERS:
        return True
    fields = getattr(registry.load(registry.FILTERS[each.use]), "path_fields", ())
    return any(name in each.table for name in fields)
