"""``winnow stages``."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import json
from typing import Any, get_type_hints

from winnow import optional
from winnow.errors import ConfigError, nearest
from winnow.pipeline import registry
from winnow.pipeline.typed import describe

_FAMILIES = {
    "source": registry.SOURCES,
    "stage": registry.STAGES,
    "filter": registry.FILTERS,
    "composite": registry.COMPOSITES,
}


def main(arguments: argparse.Namespace) -> int:
    if arguments.name is not None and arguments.name not in registry.BUILT_IN:
        raise ConfigError(
            f"no stage {arguments.name!r}.{nearest(arguments.name, registry.BUILT_IN)}",
            remedy=f"stages: {', '.join(registry.BUILT_IN)}",
        )
    stages = [
        _stage(use, family, target)
        for family, members in _FAMILIES.items()
        for use, target in members.items()
        if arguments.name in (None, use)
    ]
    if arguments.json:
        print(json.dumps(stages, ensure_ascii=False))
    elif arguments.name is None:
        for stage in stages:
            print(f"{stage['use']:<20}{stage['family']:<11}{stage['summary']}")
        print('\nyour own: use = "my_filters:digit_share" (a function marked @winnow.measure)')
        print("one in full: winnow stages NAME")
    else:
        print(_in_full(stages[0]))
    return 0


def _stage(use: str, family: str, target: str) -> dict[str, Any]:
    kind = registry.load(target)
    document = inspect.getdoc(kind) or ""
    described: dict[str, Any] = {
        "use": use,
        "family": family,
        "summary": document.partition("\n")[0],
        "description": document,
        "keys": _keys(kind),
        "measures": [],
    }
    try:
        default = kind()
    except (TypeError, ValueError):  # a key must be given
        return described
    described["requires"] = list(default.requires)
    described["missing"] = list(optional.missing(tuple(default.requires)))
    if family == "filter":
        bounds = {bound.measure: bound for bound in default.bounds({})}
        for field in default.measure_fields():
            bound = bounds.get(field.name)
            described["measures"].append(
                {
                    "name": field.name,
                    "type": str(field.type),
                    "min": bound.min if bound else None,
                    "max": bound.max if bound else None,
                }
            )
    return described


def _keys(kind: type[Any]) -> list[dict[str, Any]]:
    hints = get_type_hints(kind)
    keys = []
    for field in dataclasses.fields(kind):
        if not field.init or field.name == "base":
            continue
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        default = None if required else field.default
        keys.append(
            {
                "key": field.name,
                "type": describe(hints[field.name]),
                "required": required,
                "default": default
                if isinstance(default, int | float | str | None)
                else repr(default),
            }
        )
    return keys


def _in_full(stage: dict[str, Any]) -> str:
    lines = [f"{stage['use']} ({stage['family']})", "", stage["description"], ""]
    if stage["keys"]:
        lines.append("keys")
        for key in stage["keys"]:
            default = "required" if key["required"] else f"default {key['default']!r}"
            lines.append(f"  {key['key']:<20} {key['type']}; {default}")
    if stage["measures"]:
        lines += ["", "measures, in the order in which their bounds are tested"]
        for measure in stage["measures"]:
            limits = [f"{s} {measure[s]}" for s in ("min", "max") if measure[s] is not None]
            lines.append(f"  {measure['name']:<28} {measure['type']:<8} {', '.join(limits)}")
    if stage.get("missing"):
        lines += ["", f"not installed here: {', '.join(stage['missing'])}"]
    return "\n".join(lines)
