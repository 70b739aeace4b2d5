"""``winnow recipes``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from winnow.pipeline.bounds import Bound
from winnow.pipeline.config import recipe_entry
from winnow.pipeline.recipes import Recipe, load_recipe, recipe_names
from winnow.whatif.changes import toml, toml_key

_TEXTS = ("source", "differs", "checked")


def main(arguments: argparse.Namespace) -> int:
    if arguments.name is None:
        recipes = [load_recipe(name) for name in recipe_names()]
        if arguments.json:
            print(json.dumps([as_dict(each) for each in recipes], ensure_ascii=False))
            return 0
        for each in recipes:
            print(f"{each.name:<20}{each.about}")
        print("\none in full: winnow recipes NAME; your own: a file that says base = NAME")
        return 0
    recipe = load_recipe(arguments.name, Path.cwd(), "NAME")
    if arguments.json:
        print(json.dumps(as_dict(recipe) | {"stages": _stages(arguments.name)}, ensure_ascii=False))
    else:
        print(in_full(recipe, _stages(arguments.name)))
    return 0


def as_dict(recipe: Recipe) -> dict[str, Any]:
    """What a recipe says of itself."""
    texts = {key: getattr(recipe, key) for key in ("about", *_TEXTS)}
    return {"name": recipe.name, "bases": list(recipe.bases), **texts}


def _stages(name: str) -> list[dict[str, Any]]:
    """The recipe's filters with their keys, and their bounds in the order in which they are
    tested."""
    recipe = load_recipe(name, Path.cwd(), "NAME")
    entry = recipe_entry(name, Path.cwd(), "NAME")
    tables = {table["name"]: table for table in recipe.stages}
    found = []
    for stage in entry.stages:
        use = tables[stage.name]["use"]
        keys = {k: v for k, v in tables[stage.name].items() if k not in ("use", "name")}
        names = _measure_names(stage.stage)
        bounds = [_bound(each, names) for each in stage.bounds]
        bounds += [{"measure": name, "off": True} for name in _off(stage)]
        options = _options(stage.stage, keys)
        found.append({"use": use, "name": stage.name, "options": options, "bounds": bounds})
    return found


def _measure_names(stage: Any) -> dict[str, str]:
    """Column → measure, as the filter's block writes it: without the suffix."""
    return {stage.column(each.name): each.name for each in getattr(stage, "measures", ())}


def _off(stage: Any) -> list[str]:
    """Measures whose default bound the recipe takes away."""
    bounded = {bound.measure for bound in stage.bounds}
    measures = getattr(stage.stage, "measures", ())
    return [m.name for m in measures if m.bound() and stage.stage.column(m.name) not in bounded]


def _options(stage: Any, keys: dict[str, Any]) -> dict[str, Any]:
    """The filter's own keys: those of the recipe that are no bounds."""
    limits, options = (
        type(stage).parse_bounds(keys) if hasattr(stage, "parse_bounds") else ({}, keys)
    )
    return {key: value for key, value in options.items() if key not in limits}


def _bound(bound: Bound, names: dict[str, str]) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if bound.top is not None:
        top = {"top_share": bound.top.share, "by": bound.top.by, "per": bound.top.per}
        limits |= {key: value for key, value in top.items() if value is not None}
    for side in ("min", "max"):
        if getattr(bound, side) is not None:
            limits[side] = getattr(bound, side)
    if bound.allowed is not None:
        limits["allowed"] = list(bound.allowed)
    if bound.by:
        limits["per_language"] = {
            label: {s: v for s, v in (("min", low), ("max", high)) if v is not None} or "off"
            for label, low, high in bound.by
        }
    return {"measure": names.get(bound.measure, bound.measure), **limits}


def in_full(recipe: Recipe, stages: list[dict[str, Any]]) -> str:
    """The recipe as TOML, nothing left to a base or a default, every bound in the order tested."""
    lines = [f"# {recipe.name}" + (f", from {', '.join(recipe.bases)}" if recipe.bases else "")]
    for key in ("about", *_TEXTS):
        text = " ".join(getattr(recipe, key).split())
        if text:
            lines.append(f"{key} = {toml(text)}")
    for stage in stages:
        lines += ["", "[[stage]]", f"use = {toml(stage['use'])}"]
        if stage["name"] != stage["use"].rpartition(":")[2]:
            lines.append(f"name = {toml(stage['name'])}")
        lines += [f"{toml_key(key)} = {toml(value)}" for key, value in stage["options"].items()]
        for bound in stage["bounds"]:
            limits = {key: value for key, value in bound.items() if key != "measure"}
            value = '"off"' if "off" in limits else toml(limits)
            lines.append(f"{bound['measure']} = {value}")
    return "\n".join(lines)
