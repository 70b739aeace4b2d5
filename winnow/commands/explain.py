"""``winnow explain``."""

from __future__ import annotations

import argparse
import json
from typing import Any

from winnow.corpus import Corpus, Document, open_corpus
from winnow.pipeline.bounds import Bound
from winnow.whatif import bounds_of

_RECORD = (
    "url",
    "title",
    "crawl_date",
    "record_id",
    "warc_file",
    "warc_offset",
    "warc_length",
    "charset",
    "extractor",
    "extract_problem",
)


def main(arguments: argparse.Namespace) -> int:
    corpus = open_corpus(arguments.run)
    document = corpus.document(arguments.url)
    bounds = bounds_of(corpus.ledger_store)
    if arguments.json:
        story = {**document.story, "verdict": document.verdict, "bounds": _plain(bounds)}
        print(json.dumps(story, ensure_ascii=False, default=str))
    else:
        print("\n".join(_lines(corpus, document, bounds)))
    return 0


def _plain(bounds: tuple[Bound, ...]) -> list[dict[str, Any]]:
    return [vars(bound) for bound in bounds]


def _lines(corpus: Corpus, document: Document, bounds: tuple[Bound, ...]) -> list[str]:
    lines = [f"{document.verdict}: {document.url}", ""]
    page = document.story["documents"]
    for name in _RECORD:
        if page.get(name) is not None:
            lines.append(f"  {name:<26}{page[name]}")
    lines.append(f"  {'text':<26}{len(page['text']):,} characters")
    ledger = next(row for store, row in document.story.items() if store.startswith("ledger"))
    lines += ["", f"  {'measure':<26}{'value':>12}   bound"]
    by_measure = {bound.measure: bound for bound in bounds}
    for name in corpus.ledger_store.manifest["config"]["measure_names"]:
        bound = by_measure.get(name)
        mark = "✗ " if ledger["verdict"] == name else "  "
        lines.append(f"{mark}{name:<26}{_value(ledger[name]):>12}   {_limits(bound, ledger)}")
    margin = ledger["verdict_margin"]
    if margin is not None:
        side = "outside" if margin < 0 else "inside"
        lines.append(f"\n  {abs(margin):.1%} of the bound {side}, where it is tightest")
    for store, row in document.story.items():
        if "cluster_id" in row and row["verdict"] is not None:
            lines.append(
                f"  {store}: {row['verdict']}, in a cluster of {row['cluster_size']:,} whose "
                f"survivor is document {row['survivor_id']}"
            )
    return lines


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return "–" if value is None else str(value)


def _limits(bound: Bound | None, row: dict[str, Any]) -> str:
    if bound is None:
        return ""
    if bound.allowed is not None:
        return "one of " + ", ".join(bound.allowed) if bound.allowed else "none"
    low, high = bound.min, bound.max
    for label, minimum, maximum in bound.by:
        if row.get(bound.by_column or "") == label:
            low, high = minimum, maximum
    parts = [f"min {low:g}" if low is not None else "", f"max {high:g}" if high is not None else ""]
    return ", ".join(part for part in parts if part)
