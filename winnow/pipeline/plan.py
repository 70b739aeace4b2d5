"""Config → plan: every step, its schema, its fingerprint. Pure, and every check happens here.

``make_plan`` reads no document. What it does look at: sizes of input files (they are part of the
first fingerprint) and the manifests of stores that earlier runs finished.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from winnow.errors import PlanError, StoreError
from winnow.pipeline.bounds import Bound
from winnow.pipeline.checks import check_bounds, check_ledger, check_output, check_packages
from winnow.pipeline.config import RunConfig, StageEntry
from winnow.pipeline.fingerprint import canonical, digest
from winnow.pipeline.measuring import DOCUMENTS_TEXT, Chains, MeasuresWork, measures_schema
from winnow.pipeline.stage import Split, Stage
from winnow.pipeline.step import MASKS, Draft, Inputs, PlanContext, Step
from winnow.pipeline.top_share import cut_drafts
from winnow.pipeline.view import View
from winnow.pipeline.works import (
    DocumentsWork,
    LedgerWork,
    RecipeVerdict,
    describe_work,
)
from winnow.schema import require_columns
from winnow.store.files import Folder
from winnow.store.manifest import Store

NO_TEXT = Bound(measure="extract_problem", allowed=())


@dataclass(frozen=True)
class Plan:
    """All steps of a run, in order, ready for an executor."""

    config: RunConfig
    output: str
    steps: tuple[Step, ...]
    splits: tuple[Split, ...]

    @property
    def fingerprint(self) -> str:
        """Of the last step, and so of everything."""
        return self.steps[-1].fingerprint

    @property
    def input_bytes(self) -> int:
        return sum({split.path: split.size for split in self.splits}.values())

    def state(self, step: Step) -> Literal["done", "changed", "part", "new"]:
        """What lies in the step's folder: a finished store of this fingerprint, one of another,
        some shards without a manifest, or nothing."""
        folder = Folder(step.folder)
        try:
            made = Store.open(folder).fingerprint
        except StoreError:
            return "part" if folder.exists("receipts") else "new"
        return "done" if made == step.fingerprint else "changed"

    def changes(self, step: Step) -> list[str]:
        """What differs between the finished store in the step's folder and this plan."""
        before = Store.open(step.folder).manifest["config"]
        return _differences(before, step.config, "") or ["something before it"]


def make_plan(config: RunConfig) -> Plan:
    """The plan of ``config``; :class:`PlanError` or :class:`ConfigError` for what cannot run."""
    check_packages(config)
    splits = config.source.splits()
    if not splits:
        raise PlanError("the source has no input: its paths match no file")
    check_output(config)
    builder = _Builder(config, splits)
    for run in _fuse(config.stages):
        builder.add(run)
    builder.finish()
    return Plan(config, config.output, tuple(builder.steps), splits)


def _fuse(entries: tuple[StageEntry, ...]) -> list[list[StageEntry]]:
    """Runs of neighbouring entries of one family; a composite is a run of its own."""
    runs: list[list[StageEntry]] = []
    for entry in entries:
        same = runs and runs[-1][0].family == entry.family and entry.family != "composite"
        if same:
            runs[-1].append(entry)
        else:
            runs.append([entry])
    if not runs or runs[0][0].family != "stage":
        first = runs[0][0].name if runs else None
        raise PlanError(
            f"the first stage must make documents, and {first or 'there'} is "
            f"{'no such stage' if first else 'none'}",
            remedy='Begin with [[stage]] use = "extract": filters judge stored documents, so that '
            "a changed bound never extracts again.",
        )
    for run in runs[1:]:
        if run[0].family == "stage":
            raise PlanError(
                f"stage '{run[0].name}' makes documents and stands after '{runs[0][-1].name}' and "
                "others that judge them; put it right after the source"
            )
    return runs


class _Builder:
    """Adds one run of stages after the other, keeping what the next one may read."""

    def __init__(self, config: RunConfig, splits: tuple[Split, ...]) -> None:
        self.config = config
        self.splits = splits
        self.steps: list[Step] = []
        self.columns = config.source.output_schema()
        self.documents: str | None = None
        self.masks: list[str] = []
        self.aligned: list[str] = []
        self.rewrites: list[str] = []
        self.compared = False

    def add(self, run: list[StageEntry]) -> None:
        family = run[0].family
        if family == "stage":
            self._documents(run)
        elif family == "filter":
            self._filters(run)
        else:
            self.finish()
            self._composite(run[0])

    def finish(self) -> None:
        """Pages without text must not reach what comes after, filters or not."""
        if not self.masks:
            self._filters([])

    def _documents(self, run: list[StageEntry]) -> None:
        stages: list[Stage] = []
        for entry in run:
            stage: Any = entry.stage
            self.columns = stage.output_schema(self.columns)
            stages.append(stage)
        require_columns(
            self.columns, ("doc_id", "url", "domain", "text", "extract_problem"), "documents"
        )
        work = DocumentsWork(self.config.source, self.splits, tuple(stages))
        self._append(
            Draft(
                name="documents",
                kind="documents",
                work=work,
                schema=self.columns,
                shard_count=len(self.splits),
                uses_view=False,
                label="extract",
            )
        )

    def _filters(self, run: list[StageEntry]) -> None:
        """Measures and ledger of neighbouring filters; none: pages without text are rejected."""
        compare = () if self.compared else self.config.compare
        self.compared = True
        chains = Chains(self.columns)
        available, text = chains.add("the run", _named_filters(run))
        check_bounds(run, available)
        recipes: list[RecipeVerdict] = []
        for recipe in compare:
            columns, _ = chains.add(f"recipe '{recipe.name}'", _named_filters(recipe.stages))
            check_bounds(recipe.stages, columns)
            bounds = tuple(bound for each in recipe.stages for bound in each.bounds)
            recipes.append(RecipeVerdict(recipe.name, (NO_TEXT, *bounds)))
        reads: tuple[str, ...] = ()
        if chains.measurings:
            reads = (self._measures(run, chains, text),)
            self.columns = pa.schema([*self.columns, *chains.fields])
        own = () if self.masks else (NO_TEXT,)
        bounds = (*own, *(bound for entry in run for bound in entry.bounds))
        names = tuple(field.name for field in chains.fields)
        cuts = self._cuts(bounds, recipes, reads)
        work = LedgerWork(names, bounds, self.config.measure == "all", tuple(recipes), tuple(cuts))
        schema = work.schema(self.columns)
        check_ledger(schema)
        self._append(
            Draft(
                name=self._unused("ledger"),
                kind="ledger",
                label="filters",
                work=work,
                schema=schema,
                shard_count=len(self.splits),
                reads=(*reads, *(step for _, step in cuts)),
            )
        )

    def _measures(self, run: list[StageEntry], chains: Chains, text: int) -> str:
        lazy = self.config.measure == "until_rejected"
        bounds = [bound for entry in run for bound in entry.bounds if lazy]
        needed = [c for bound in bounds for c in bound.columns() if c in chains.documents.names]
        name = self._unused("measures")
        work = MeasuresWork(
            tuple(chains.measurings),
            tuple(dict.fromkeys([*chains.reads, *needed])),
            text,
            tuple(entry.bounds for entry in run) if lazy else None,
        )
        self._append(
            Draft(
                name=name,
                kind="measures",
                label="measure",
                shard_count=len(self.splits),
                work=work,
                schema=measures_schema(work.measurings, text),
            )
        )
        if text != DOCUMENTS_TEXT:
            self.rewrites.append(self.steps[-1].folder)
        return name

    def _cuts(
        self, own: tuple[Bound, ...], recipes: list[RecipeVerdict], reads: tuple[str, ...]
    ) -> list[tuple[str, str]]:
        """Steps that find where the best of the run begin; (recipe, name of the last of them)."""
        found = []
        for recipe, bounds in [("", own), *((each.recipe, each.bounds) for each in recipes)]:
            if any(bound.top is not None for bound in bounds):
                name = self._unused("cuts" if not recipe else f"cuts-{recipe}")
                for draft in cut_drafts(name, bounds, len(self.splits), reads):
                    self._append(draft)
                found.append((recipe, self.steps[-1].name))
        return found

    def _composite(self, entry: StageEntry) -> None:
        composite: Any = entry.stage
        context = PlanContext(
            name=entry.name,
            seed=self.config.seed,
            document_shards=len(self.splits),
            input_bytes=sum({s.path: s.size for s in self.splits}.values()),
            columns=self.columns,
            output=self.config.output,
            sources=(getattr(self.config.source, "name", self.config.source.use),),
        )
        block = {"use": composite.use, "version": composite.version}
        for draft in composite.expand(context):
            self._append(draft, block)

    def _unused(self, name: str) -> str:
        taken = {step.name for step in self.steps}
        number = 2
        candidate = name
        while candidate in taken:
            candidate, number = f"{name}-{number}", number + 1
        return candidate

    def _append(self, draft: Draft, block: dict[str, Any] | None = None) -> None:
        by_name = {step.name: step for step in self.steps}
        if draft.name in by_name:
            raise PlanError(f"two steps are named '{draft.name}'; give a stage a name of its own")
        folder = f"{self.config.output.rstrip('/')}/{draft.name}"
        view = None
        upstream = [by_name[name] for name in draft.reads]
        if draft.uses_view:
            assert self.documents is not None
            view = View(
                self.documents, tuple(self.masks), tuple(self.aligned), tuple(self.rewrites)
            )
            through = {self.documents, *self.masks, *self.aligned}
            upstream += [step for step in self.steps if step.folder in through]
        described = describe_work(draft.work)
        fingerprint = digest(
            {
                "step": draft.name,
                "work": described,
                "schema": [[f.name, str(f.type), f.nullable] for f in draft.schema],
                "block": block,
                "seed": self.config.seed if getattr(draft.work, "uses_seed", False) else None,
                "after": sorted({step.fingerprint for step in upstream}),
            }
        )
        step = Step(
            name=draft.name,
            kind=draft.kind,
            label=draft.label or draft.name,
            work=draft.work,
            schema=draft.schema,
            shard_count=draft.shard_count,
            format=draft.format,
            inputs=Inputs(
                view,
                {name: by_name[name].folder for name in draft.reads},
                self.config.seed,
                folder,
            ),
            fingerprint=fingerprint,
            config=canonical(described),
            cost=draft.cost,
        )
        self.steps.append(step)
        if draft.kind == "documents":
            self.documents = folder
        elif draft.kind == "measures":
            self.aligned.append(folder)
        elif draft.kind in MASKS:
            self.masks.append(folder)
            if draft.kind == "verdicts" and "text" in draft.schema.names:
                self.rewrites.append(folder)
            new = [f for f in draft.schema if f.name not in self.columns.names]
            self.columns = pa.schema([*self.columns, *new])


def _named_filters(entries: Sequence[StageEntry]) -> list[tuple[str, Any]]:
    return [(entry.name, entry.stage) for entry in entries]


def _differences(before: Any, after: Any, where: str) -> list[str]:
    """``key: old → new`` for every leaf that differs."""
    if isinstance(before, dict) and isinstance(after, dict):
        found = []
        for key in sorted({*before, *after}):
            found += _differences(before.get(key), after.get(key), f"{where}.{key}".lstrip("."))
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        found = []
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            name = new.get("measure") or new.get("use") if isinstance(new, dict) else None
            found += _differences(old, new, f"{where}[{name or index}]")
        return found
    if before == after:
        return []
    return [f"{where}: {_short(before)} → {_short(after)}"]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "…"
