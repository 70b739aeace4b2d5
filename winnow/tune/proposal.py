"""A proposal as people read it, a diff of the config, and as a recipe to run with."""

from __future__ import annotations

import copy
from typing import Any

from winnow.pipeline.bounds import Bound
from winnow.whatif.changes import toml, toml_key
from winnow.whatif.run_stages import RunFilter, filter_of

Sides = tuple[float | None, float | None]


def changes_of(old: tuple[Bound, ...], new: tuple[Bound, ...]) -> dict[str, Any]:
    """What a config must say to make ``new`` of ``old``, where no side has gone: column → limits,
    as :func:`winnow.pipeline.bounds.override` reads them."""
    changes: dict[str, Any] = {}
    for before, after in zip(old, new, strict=True):
        limits: dict[str, Any] = {
            side: getattr(after, side)
            for side in ("min", "max")
            if getattr(after, side) != getattr(before, side)
        }
        inner = {
            label: {s: v for s, v in (("min", low), ("max", high)) if v is not None}
            for label, low, high in after.by
            if (label, low, high) not in before.by
        }
        if inner:
            limits["per_language"] = inner
        if limits:
            changes[before.measure] = limits
    return changes


def diff_lines(
    old: tuple[Bound, ...], new: tuple[Bound, ...], filters: list[RunFilter]
) -> list[str]:
    """``measure.side  old → new``, under the name of each filter."""
    lines: list[str] = []
    owner_name = None
    for before, after in zip(old, new, strict=True):
        own = _side_lines(before, after)
        if own:
            owner = filter_of(before.measure, filters)
            name = owner.name if owner is not None else "measured for another recipe"
            if name != owner_name:
                lines.append(name)
                owner_name = name
            lines += own
    return lines


def _side_lines(before: Bound, after: Bound) -> list[str]:
    lines = []
    pairs: list[tuple[str, Sides, Sides]] = [("", (before.min, before.max), (after.min, after.max))]
    was = {label: (low, high) for label, low, high in before.by}
    for label, low, high in after.by:
        pairs.append((f" ({label})", was.get(label, (before.min, before.max)), (low, high)))
    for where, old, new in pairs:
        for side, left, right in zip(("min", "max"), old, new, strict=True):
            if left != right:
                name = f"{before.measure}.{side}{where}"
                lines.append(f"  {name:<42}{_told(left):>10} → {_told(right)}")
    return lines


def _told(value: float | None) -> str:
    return "off" if value is None else f"{value:.6g}"


def recipe_toml(
    changes: dict[str, Any], filters: list[RunFilter], base: str | None, about: str, checked: str
) -> str:
    """A recipe file: ``base`` and the changed bounds, or, without one, the run's filters whole."""
    lines = [f"about   = {toml(about)}", f"checked = {toml(checked)}"]
    if base is not None:
        lines.append(f"base    = {toml(base)}")
    for each in filters:
        own = {
            each.columns[column]: changes[column] for column in each.columns if column in changes
        }
        if base is not None and not own:
            continue
        table = {"use": each.use} if base is not None else copy.deepcopy(each.table)
        if each.name != each.use.rpartition(":")[2]:
            table["name"] = each.name
        for measure, limits in own.items():
            table[measure] = _merged(table.get(measure), limits)
        lines += ["", "[[stage]]"]
        lines += [f"{toml_key(key)} = {toml(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _merged(before: Any, limits: Any) -> Any:
    if not isinstance(before, dict) or not isinstance(limits, dict):
        return limits
    merged = copy.deepcopy(before)
    for key, value in limits.items():
        inner = merged.get(key)
        merged[key] = {**inner, **value} if isinstance(inner, dict) else value
    return merged
