"""``winnow stages``."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import json
import textwrap
from typing import Any, get_type_hints

from winnow import optional
from winnow.documented import field_texts
from winnow.errors import ConfigError, nearest
from winnow.pipeline import registry
from winnow.pipeline.bounds import Bound
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
    if arguments.measures or arguments.markdown:
        return _measures(arguments)
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
        print("one in full: winnow stages NAME; all measures: winnow stages --measures")
    else:
        print(_in_full(stages[0]))
    return 0


def _measures(arguments: argparse.Namespace) -> int:
    if arguments.markdown and arguments.json:
        raise ConfigError("--markdown and --json: choose one")
    found = [
        each for each in all_measures() if arguments.name is None or each["stage"] == arguments.name
    ]
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
    elif arguments.markdown:
        print(markdown(), end="")
    else:
        print(f"{'stage':<18} {'measure':<34} {'type':<7} {'range':<8} {'bound':<18} what it is")
        for each in found:
            print(
                f"{each['stage']:<18} {each['measure']:<34} {each['type']:<7} {each['range']:<8} "
                f"{each['bound']:<18} {each['about']}".rstrip()
            )
    return 0


def all_measures() -> list[dict[str, str]]:
    """Every measure of every filter that comes with winnow, in the order of the registry."""
    found = []
    for use, target in registry.FILTERS.items():
        for measure in registry.load(target).measures:
            bound = measure.bound()
            found.append(
                {
                    "stage": use,
                    "measure": measure.name,
                    "type": {"double": "float64"}.get(str(measure.type), str(measure.type)),
                    "range": _range(measure.range),
                    "bound": "" if bound is None else _bound(bound),
                    "about": measure.about,
                }
            )
    return found


def _range(sides: tuple[float, float] | None) -> str:
    if sides is None:
        return "labels"
    low, high = sides
    return f"≥ {low:g}" if high == float("inf") else f"{low:g} to {high:g}"


def _bound(bound: Bound) -> str:
    if bound.allowed is not None:
        return "one of " + ", ".join(bound.allowed) if bound.allowed else "none allowed"
    sides = [f"{s} {v:g}" for s in ("min", "max") if (v := getattr(bound, s)) is not None]
    return ", ".join(sides)


_HEAD = """\
# Measures

Every column that the filters of winnow can write, one row a document, in the ledger and the
measures store. Bounds are the defaults, inclusive; a config can change each
(`word_count.min = 30`), take it away (`"off"`), or give a language its own
(`word_count.per_language = { de = { min = 40 } }`). A measure without a bound rejects nothing.
`winnow stages NAME` tells a filter in full: its source, and where it differs.

This page is made by `winnow stages --measures --markdown`; a test keeps it up to date.
"""


def markdown() -> str:
    """`docs/measures.md`."""
    lines = [_HEAD]
    rows = all_measures()
    for use, target in registry.FILTERS.items():
        summary = (inspect.getdoc(registry.load(target)) or "").partition("\n")[0]
        own = [each for each in rows if each["stage"] == use]
        lines += [
            f"## {use}",
            "",
            summary,
            "",
            "| column | type | range | default bound | is |",
            "|---|---|---|---|---|",
            *(
                f"| `{each['measure']}` | {each['type']} | {each['range']} | {each['bound']} | "
                f"{each['about'].replace('|', chr(92) + '|')} |"
                for each in own
            ),
            "",
        ]
    return "\n".join(lines[:-1]) + "\n"


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
    hints, texts = get_type_hints(kind), field_texts(kind)
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
                "help": texts.get(field.name, ""),
                "required": required,
                "default": default
                if isinstance(default, int | float | str | None)
                else _listed(default),
            }
        )
    return keys


_UNDER = " " * 25


def _listed(default: Any) -> Any:
    """A tuple as a config writes it: a list."""
    if isinstance(default, tuple):
        return [_listed(item) for item in default]
    return default if isinstance(default, int | float | str) else repr(default)


def _in_full(stage: dict[str, Any]) -> str:
    lines = [f"{stage['use']} ({stage['family']})", "", stage["description"], ""]
    if stage["keys"]:
        lines.append("keys")
        for key in stage["keys"]:
            default = "required" if key["required"] else f"default {key['default']!r}"
            lines.append(f"  {key['key']:<22} {key['type']}; {default}")
            lines += textwrap.wrap(key["help"], 92, initial_indent=_UNDER, subsequent_indent=_UNDER)
    if stage["measures"]:
        lines += ["", "measures, in the order in which their bounds are tested"]
        for measure in stage["measures"]:
            limits = [f"{s} {measure[s]}" for s in ("min", "max") if measure[s] is not None]
            lines.append(f"  {measure['name']:<28} {measure['type']:<8} {', '.join(limits)}")
    if stage.get("missing"):
        lines += ["", f"not installed here: {', '.join(stage['missing'])}"]
    return "\n".join(lines)
