"""From records to tokens: how many went in, how many came out of each step, and why.

Folded from the manifests of a run (and, for a run that is not finished, from receipts), so it
costs nothing and is there for a run of any size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from winnow.errors import StoreError
from winnow.pipeline.run_folder import read_run
from winnow.pipeline.step import MASKS
from winnow.schema import KEPT
from winnow.store.files import Folder
from winnow.store.manifest import Store
from winnow.store.receipts import finished, sum_counters

TOLD = ("in_index", "unverified_matches", "uncompared", "split_off", "removed_bytes", "repeats")
"""Counters of a block's steps that the funnel tells as text: documents that an index has, clusters'
members that true similarity parted, text that went, copies that training sees."""

_LOST_AT_THE_SOURCE = ("skipped.", "problems.")


@dataclass(frozen=True)
class FunnelRow:
    """One step: documents in, documents out, and the reasons for the difference."""

    step: str
    came: int
    kept: int
    reasons: dict[str, int] = field(default_factory=dict)
    """Rejected or skipped by reason; for verdicts, the most frequent first."""
    notes: dict[str, int] = field(default_factory=dict)
    """Other counters of the step."""

    @property
    def kept_share(self) -> float:
        return self.kept / self.came if self.came else 1.0


@dataclass(frozen=True)
class StepState:
    """How far one step of a run is."""

    name: str
    kind: str
    label: str
    shards: int
    shards_done: int
    finished: bool
    counters: dict[str, int]
    totals: dict[str, int]


@dataclass(frozen=True)
class Funnel:
    """The funnel of a run; ``rows`` in plan order."""

    name: str
    states: tuple[StepState, ...]
    rows: tuple[FunnelRow, ...]
    tokens: dict[str, Any] | None
    """The manifest's section on tokens, once they are there."""

    @property
    def finished(self) -> bool:
        return all(state.finished for state in self.states)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        return {
            "name": self.name,
            "finished": self.finished,
            "steps": [vars(state) for state in self.states],
            "funnel": [vars(row) for row in self.rows],
            "tokens": self.tokens,
        }

    def lines(self) -> list[str]:
        """The funnel as text, a line a step and a line a reason."""
        if not self.rows:
            return ["nothing is finished yet"]
        first = max(self.rows[0].came, 1)
        lines = [f"{'':<30}{'documents':>12}{'of before':>11}{'of all':>9}"]
        for row in self.rows:
            if row.step == "read":
                lines.append(f"{'records in the input':<30}{row.came:>12,}{'':>11}{1:>9.1%}")
            for reason, count in row.reasons.items():
                if count:
                    share = count / max(row.came, 1)
                    lines.append(f"  - {reason:<26}{count:>12,}{share:>11.1%}")
            told = [f"{name} {row.notes[name]:,}" for name in TOLD if row.notes.get(name)]
            if told and row.step != "read":
                lines.append(f"    {', '.join(told)}")
            share = row.kept_share
            lines.append(
                f"{'after ' + row.step:<30}{row.kept:>12,}{share:>11.1%}{row.kept / first:>9.1%}"
            )
        if self.tokens is not None:
            for split, counts in self.tokens["splits"].items():
                lines.append(
                    f"{split + ' tokens':<30}{counts['tokens']:>12,}"
                    f"  in {counts['documents']:,} documents, {counts['shards']} "
                    f"shard{'s' * (counts['shards'] != 1)}"
                )
        return lines

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        from winnow.report import funnel_html

        return funnel_html(self)


def read_funnel(path: str) -> Funnel:
    """The funnel of the run in the folder ``path``; :class:`StoreError` if it holds none."""
    folder = Folder(path)
    run = read_run(folder)
    if run is None:
        raise StoreError(
            f"{folder.path} holds no run of winnow"
            if folder.exists()
            else f"{folder.path} does not exist",
            remedy="Give the output folder of a `winnow run`, e.g. out/demo.",
        )
    states: list[StepState] = []
    rows: list[FunnelRow] = []
    tokens = None
    for step in run["steps"]:
        state, manifest = _state(folder.subfolder(step["name"]), step)
        states.append(state)
        if state.finished and state.kind == "documents":
            rows += _source_rows(state)
        elif state.finished and state.kind in MASKS:
            rows.append(_verdict_row(state, states))
        elif state.finished and state.kind == "tokens" and manifest is not None:
            tokens = manifest.get("tokens")
    return Funnel(run["name"], tuple(states), tuple(rows), tokens)


def _state(folder: Folder, step: dict[str, Any]) -> tuple[StepState, dict[str, Any] | None]:
    """A store counts here only under the fingerprint that ``run.json`` names."""
    try:
        store = Store.open(folder)
    except StoreError:
        store = None
    if store is not None and store.fingerprint == step["fingerprint"]:
        counters, totals = store.counters, store.manifest["totals"]
        done, whole, manifest = step["shards"], True, store.manifest
    else:
        receipts = list(finished(folder, step["shards"], step["fingerprint"]).values())
        counters = sum_counters(receipts)
        totals = {"rows": sum(receipt.rows for receipt in receipts)}
        done, whole, manifest = len(receipts), False, None
    state = StepState(
        step["name"], step["kind"], step["label"], step["shards"], done, whole, counters, totals
    )
    return state, manifest


def _source_rows(state: StepState) -> list[FunnelRow]:
    counters = state.counters
    reasons = {
        name: count for name, count in counters.items() if name.startswith(_LOST_AT_THE_SOURCE)
    }
    notes = {name: count for name, count in counters.items() if name not in reasons}
    came = counters.get("records", 0)
    return [FunnelRow("read", came, counters.get("documents", 0), reasons, notes)]


def _verdict_row(state: StepState, before: list[StepState]) -> FunnelRow:
    verdicts = {
        name.removeprefix("verdict."): count
        for name, count in state.counters.items()
        if name.startswith("verdict.")
    }
    kept = verdicts.pop(KEPT, 0)
    ordered = dict(sorted(verdicts.items(), key=lambda item: -item[1]))
    notes = {k: v for k, v in state.counters.items() if not k.startswith("verdict.")}
    for step in before:  # the steps of its block
        if step.kind == "work" and step.name.startswith(f"{state.name}-"):
            notes |= {k: v for k, v in step.counters.items() if k in TOLD}
    return FunnelRow(state.label, kept + sum(verdicts.values()), kept, ordered, notes)
