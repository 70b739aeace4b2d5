"""What would change if a bound did: the ledger judged again, in memory, touching nothing.

Only columns of numbers and labels are read, so it answers in seconds for millions of documents.
Duplicates are not found again: the answer is about the filters' verdicts, before deduplication.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from winnow.corpus import Corpus
from winnow.errors import ConfigError, StoreError, nearest
from winnow.pipeline.bounds import Bound, judge, override
from winnow.schema import KEPT
from winnow.store.manifest import Store

GROUPS = ("language", "domain")
GROUPS_SHOWN = 8
SAMPLES = 5


@dataclass(frozen=True)
class Shift:
    """Documents kept before and after, of all or of one group."""

    documents: int
    before: int
    after: int


@dataclass(frozen=True)
class WhatIf:
    """The answer. ``reasons`` maps a measure to the documents that it rejects, before and after."""

    bounds: tuple[Bound, ...]
    total: Shift
    reasons: dict[str, tuple[int, int]]
    groups: dict[str, list[tuple[str, Shift]]] = field(default_factory=dict)
    """For each of ``GROUPS`` that the ledger has: its values that change most."""
    now_kept: list[str] = field(default_factory=list)
    """URLs, at most ``SAMPLES``: rejected before, kept after."""
    now_rejected: list[tuple[str, str]] = field(default_factory=list)
    """(URL, reason), at most ``SAMPLES``: kept before, rejected after."""


def bounds_of(ledger: Store) -> tuple[Bound, ...]:
    """The bounds that a ledger was judged by, as its manifest says, in order."""
    return tuple(
        Bound(
            measure=each["measure"],
            min=each["min"],
            max=each["max"],
            allowed=None if each["allowed"] is None else tuple(each["allowed"]),
            by_column=each["by_column"],
            by=tuple((label, low, high) for label, low, high in each["by"]),
        )
        for each in ledger.manifest["config"]["bounds"]
    )


def what_if(corpus: Corpus, changes: dict[str, Any]) -> WhatIf:
    """Judge the run's ledger with ``changes``: measure → ``{"min": …, "max": …}`` or ``"off"``.

    Raises :class:`ConfigError` for a measure that the ledger does not hold.
    """
    ledger = corpus.ledger_store
    old = bounds_of(ledger)
    measures = tuple(name for name in ledger.manifest["config"]["measure_names"])
    new = override(old, changes, "whatif", measures)
    needed = {column for bound in (*old, *new) for column in bound.columns()}
    groups = [name for name in GROUPS if name in ledger.manifest["schema"]]
    table = ledger.table(list(dict.fromkeys([*sorted(needed), "verdict", "url", *groups])))
    batch = table.combine_chunks().to_batches()[0] if table.num_rows else None
    if batch is None:
        return WhatIf(new, Shift(0, 0, 0), {})
    considered = pc.is_valid(batch.column("verdict"))
    batch = batch.filter(considered)
    before = batch.column("verdict")
    after = judge(batch, new)[0]
    return WhatIf(
        bounds=new,
        total=_shift(before, after),
        reasons=_reasons(before, after),
        groups={name: _groups(batch.column(name), before, after) for name in groups},
        now_kept=_urls(batch, pc.and_(pc.not_equal(before, KEPT), pc.equal(after, KEPT))),
        now_rejected=_rejected(batch, before, after),
    )


def _kept(verdicts: pa.Array) -> int:
    return int(pc.sum(pc.equal(verdicts, KEPT)).as_py() or 0)


def _shift(before: pa.Array, after: pa.Array) -> Shift:
    return Shift(len(before), _kept(before), _kept(after))


def _reasons(before: pa.Array, after: pa.Array) -> dict[str, tuple[int, int]]:
    counts: list[dict[str, int]] = []
    for verdicts in (before, after):
        found = pc.value_counts(verdicts)
        counts.append({e["values"].as_py(): e["counts"].as_py() for e in found})
    names = [name for name in {**counts[0], **counts[1]} if name != KEPT]
    both = {name: (counts[0].get(name, 0), counts[1].get(name, 0)) for name in names}
    return dict(sorted(both.items(), key=lambda item: (-abs(item[1][1] - item[1][0]), item[0])))


def _groups(labels: pa.Array, before: pa.Array, after: pa.Array) -> list[tuple[str, Shift]]:
    table = pa.table(
        {
            "label": labels,
            "before": pc.equal(before, KEPT).cast(pa.int64()),
            "after": pc.equal(after, KEPT).cast(pa.int64()),
        }
    )
    sums = table.group_by("label").aggregate(
        [("before", "sum"), ("after", "sum"), ("label", "count")]
    )
    rows = [
        (str(row["label"]), Shift(row["label_count"], row["before_sum"], row["after_sum"]))
        for row in sums.to_pylist()
    ]
    moved = [row for row in rows if row[1].before != row[1].after]
    moved.sort(key=lambda row: (-abs(row[1].after - row[1].before), row[0]))
    return moved[:GROUPS_SHOWN]


def _urls(batch: pa.RecordBatch, mask: pa.Array) -> list[str]:
    urls: list[str] = batch.column("url").filter(mask).slice(0, SAMPLES).to_pylist()
    return urls


def _rejected(batch: pa.RecordBatch, before: pa.Array, after: pa.Array) -> list[tuple[str, str]]:
    mask = pc.and_(pc.equal(before, KEPT), pc.not_equal(after, KEPT))
    reasons = after.filter(mask).slice(0, SAMPLES).to_pylist()
    return list(zip(_urls(batch, mask), reasons, strict=True))


def parse_changes(settings: list[str], known: tuple[str, ...]) -> dict[str, Any]:
    """``["word_count.min=30", "stop_word_count=off"]`` as :func:`what_if` takes them."""
    changes: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        measure, dot, side = key.strip().partition(".")
        if not equals or measure not in known:
            raise ConfigError(
                f"--set {setting!r}: no measure {measure!r} in this ledger."
                f"{nearest(measure, known)}",
                remedy=f"Write MEASURE.min=…, MEASURE.max=… or MEASURE=off; measures: "
                f"{', '.join(known)}",
            )
        if not dot and text.strip() == "off":
            changes[measure] = "off"
            continue
        try:
            number = float(text)
        except ValueError:
            raise ConfigError(f"--set {setting!r}: {text!r} is not a number") from None
        if side not in ("min", "max"):
            raise ConfigError(f"--set {setting!r}: write {measure}.min=… or {measure}.max=…")
        limits = changes.setdefault(measure, {})
        if isinstance(limits, dict):
            limits[side] = number
    if not changes:
        raise StoreError("nothing to change", remedy="For example: --set word_count.min=30")
    return changes
