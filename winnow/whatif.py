"""What would change if a bound did: the ledger judged again, in memory, touching nothing.

Only columns of numbers and labels are read, so it answers in seconds for millions of documents.
Duplicates are not found again: the answer is about the filters' verdicts, before deduplication.
"""

from __future__ import annotations

from collections import Counter
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
    config = ledger.manifest["config"]
    old = bounds_of(ledger)
    new = override(old, changes, "whatif", tuple(config["measure_names"]))
    if not config["complete"]:
        _refuse_loosening(old, new)
    groups = [name for name in GROUPS if name in ledger.manifest["schema"]]
    needed = sorted({column for bound in (*old, *new) for column in bound.columns()})
    columns = list(dict.fromkeys([*needed, "verdict", "url", *groups]))
    counts = _Counts(groups)
    for shard in range(len(ledger.shards)):
        table = pa.Table.from_batches(ledger.batches(columns, shard), _part(ledger, columns))
        for batch in table.combine_chunks().to_batches():
            batch = batch.filter(pc.is_valid(batch.column("verdict")))
            counts.add(batch, judge(batch, new)[0])
    return counts.answer(new)


def _part(ledger: Store, columns: list[str]) -> pa.Schema:
    schema = ledger.schema
    return pa.schema([schema.field(name) for name in columns])


def _refuse_loosening(old: tuple[Bound, ...], new: tuple[Bound, ...]) -> None:
    """Where measuring stopped at a rejection, nobody knows what the next bound would have said."""
    after = {bound.measure: bound for bound in new}
    for before in old:
        now = after.get(before.measure)
        lower = now is None or _below(now.min, before.min)
        higher = now is None or _below(before.max, now.max)
        if lower or higher:
            raise ConfigError(
                f"this run measured a document until its first rejection, so '{before.measure}' "
                "can be tightened here but not loosened",
                remedy='Run it with measure = "all", the default; extraction is not repeated.',
            )


def _below(left: float | None, right: float | None) -> bool:
    """Whether the limit ``left`` lets more through than ``right`` as a minimum (None: all); with
    the sides changed, as a maximum."""
    if left is None or right is None:
        return (left is None) != (right is None)
    return left < right


class _Counts:
    """Sums over batches: what the answer is made of, in memory that does not grow with them."""

    def __init__(self, groups: list[str]) -> None:
        self.documents = 0
        self.reasons: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self.groups: dict[str, dict[str, list[int]]] = {name: {} for name in groups}
        self.now_kept: list[str] = []
        self.now_rejected: list[tuple[str, str]] = []

    def add(self, batch: pa.RecordBatch, after: pa.Array) -> None:
        before = batch.column("verdict")
        self.documents += batch.num_rows
        for counter, verdicts in zip(self.reasons, (before, after), strict=True):
            for entry in pc.value_counts(verdicts):
                counter[entry["values"].as_py()] += entry["counts"].as_py()
        was, now = pc.equal(before, KEPT), pc.equal(after, KEPT)
        for name, totals in self.groups.items():
            table = pa.table(
                {
                    "label": batch.column(name),
                    "was": was.cast(pa.int64()),
                    "now": now.cast(pa.int64()),
                }
            )
            sums = table.group_by("label").aggregate(
                [("label", "count"), ("was", "sum"), ("now", "sum")]
            )
            for row in sums.to_pylist():
                total = totals.setdefault(str(row["label"]), [0, 0, 0])
                for place, key in enumerate(("label_count", "was_sum", "now_sum")):
                    total[place] += row[key]
        urls = batch.column("url")
        self.now_kept += urls.filter(pc.and_(pc.invert(was), now)).slice(0, SAMPLES).to_pylist()
        lost = pc.and_(was, pc.invert(now))
        self.now_rejected += zip(
            urls.filter(lost).slice(0, SAMPLES).to_pylist(),
            after.filter(lost).slice(0, SAMPLES).to_pylist(),
            strict=True,
        )
        del self.now_kept[SAMPLES:], self.now_rejected[SAMPLES:]

    def answer(self, bounds: tuple[Bound, ...]) -> WhatIf:
        before, after = self.reasons
        names = [name for name in {**before, **after} if name != KEPT]
        both = {name: (before[name], after[name]) for name in names}
        ordered = sorted(both.items(), key=lambda item: (-abs(item[1][1] - item[1][0]), item[0]))
        return WhatIf(
            bounds=bounds,
            total=Shift(self.documents, before[KEPT], after[KEPT]),
            reasons=dict(ordered),
            groups={name: _moved(totals) for name, totals in self.groups.items()},
            now_kept=self.now_kept,
            now_rejected=self.now_rejected,
        )


def _moved(totals: dict[str, list[int]]) -> list[tuple[str, Shift]]:
    rows = [(label, Shift(*counts)) for label, counts in totals.items()]
    moved = [row for row in rows if row[1].before != row[1].after]
    moved.sort(key=lambda row: (-abs(row[1].after - row[1].before), row[0]))
    return moved[:GROUPS_SHOWN]


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
