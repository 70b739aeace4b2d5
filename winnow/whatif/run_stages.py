"""Which filter of a run makes which column: from the config that the run keeps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from winnow.corpus import Corpus
from winnow.pipeline import registry
from winnow.pipeline.bounds import Bound


@dataclass(frozen=True)
class RunFilter:
    """A filter of a run's own chain."""

    name: str
    """By which ``--set`` and a recipe's changes know it."""
    use: str
    table: dict[str, Any]
    """Its block in the config, recipes expanded."""
    columns: dict[str, str] = field(default_factory=dict)
    """Column → measure, as the block names it."""


def run_filters(corpus: Corpus) -> list[RunFilter]:
    """The filters of the run's own chain, in order."""
    return filters_of(corpus.config.get("stage", []))


def filters_of(tables: Iterable[dict[str, Any]]) -> list[RunFilter]:
    """The filters among the blocks of a config, or of a recipe."""
    from winnow.pipeline.config import stage_name  # loads what plans a run

    names: list[str] = []
    found: list[RunFilter] = []
    for table in tables:
        names.append(stage_name(table, names))
        if _is_filter(table):
            found.append(_filter(table, names[-1]))
    return found


def _is_filter(table: dict[str, Any]) -> bool:
    use = table.get("use", "")
    return use in registry.FILTERS or ":" in use


def _filter(table: dict[str, Any], name: str) -> RunFilter:
    use = str(table["use"])
    suffix = table.get("suffix", registry.default_suffix(use))
    if use in registry.FILTERS:
        measures = [each.name for each in registry.load(registry.FILTERS[use]).measures]
    elif use.startswith("datatrove:"):
        from winnow.filters.datatrove import measure_name

        measures = [measure_name(use)]
    else:
        measures = [use.rpartition(":")[2].rpartition(".")[2]]
    columns = {f"{each}_{suffix}" if suffix else each: each for each in measures}
    return RunFilter(name, use, table, columns)


def filter_of(column: str, filters: list[RunFilter]) -> RunFilter | None:
    """Which of ``filters`` makes ``column``; None where none does (another recipe's measure)."""
    return next((each for each in filters if column in each.columns), None)


def in_place(
    bounds: tuple[Bound, ...], old: tuple[Bound, ...], filters: list[RunFilter]
) -> tuple[Bound, ...]:
    """``bounds`` (those of ``old``, changed, and added ones at the end) with every added one where
    a run would test it: behind the other bounds of its filter, in the order of its measures."""
    had = {bound.measure for bound in old}
    placed = [bound for bound in bounds if bound.measure in had]
    order = {name: place for place, each in enumerate(filters) for name in each.columns}
    for added in (bound for bound in bounds if bound.measure not in had):
        own = order.get(added.measure, len(filters))
        at = len(placed)
        while at and order.get(placed[at - 1].measure, -1) > own:
            at -= 1
        placed.insert(at, added)
    return tuple(placed)
