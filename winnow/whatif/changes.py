"""Changed bounds: from the command line, and back into the lines of a config."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from winnow.errors import ConfigError, nearest
from winnow.pipeline.bounds import Bound
from winnow.store.manifest import Store
from winnow.whatif.run_stages import RunFilter, filter_of


def parse_changes(
    settings: list[str], known: tuple[str, ...], filters: list[RunFilter] | None = None
) -> dict[str, Any]:
    """``["word_count.min=30", "stop_word_count=off"]`` as :func:`what_if` takes them.

    Values are written as TOML writes them; ``known`` are the ledger's measures. With the run's
    ``filters``, a stage's name may stand in front, as ``winnow run --set`` has it. Raises
    :class:`ConfigError`.
    """
    changes: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        steps = key.strip().split(".")
        steps = _without_stage(steps, filters or [])
        measure = steps[0]
        if not equals or measure not in known:
            raise ConfigError(
                f"--set {setting!r}: no measure {measure!r} in this ledger."
                f"{nearest(measure, known)}",
                remedy="Write MEASURE.min=…, MEASURE.max=… or MEASURE=off, or put the name of a "
                "stage of the run in front; `winnow explain` shows the measures.",
            )
        value = _value(text.strip())
        if len(steps) == 1 and value != "off":
            raise ConfigError(f"--set {setting!r}: write {measure}.min=…, .max=… or {measure}=off")
        if steps[-1] in ("min", "max") and not _is_number(value):
            raise ConfigError(f"--set {setting!r}: {text.strip()!r} is not a number")
        place: Any = changes
        for step in steps[:-1]:
            inner = place.get(step)
            if not isinstance(inner, dict):
                inner = place[step] = {}
            place = inner
        place[steps[-1]] = value
        if len(steps) > 1 and steps[1] not in _SIDES:
            raise ConfigError(
                f"--set {setting!r}: write {measure}.min=… or {measure}.max=…"
                f"{nearest(steps[1], _SIDES)}"
            )
    return changes


def _without_stage(steps: list[str], filters: list[RunFilter]) -> list[str]:
    """``stage.measure.side`` → ``column.side``; ``stage.side`` too where it has one measure."""
    owner = next((each for each in filters if each.name == steps[0]), None)
    if owner is None or len(steps) < 2:
        return steps
    columns = {measure: column for column, measure in owner.columns.items()}
    if steps[1] in columns:
        return [columns[steps[1]], *steps[2:]]
    if len(columns) == 1 and steps[1] in _SIDES:
        return [*columns.values(), *steps[1:]]
    return steps


_SIDES = ("min", "max", "allowed", "per_language", "top_share", "by", "per")


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def refuse_loosening(old: tuple[Bound, ...], new: tuple[Bound, ...]) -> None:
    """Where measuring stopped at a rejection, nobody knows what the next bound would have said."""
    after = {bound.measure: bound for bound in new}
    for before in old:
        now = after.get(before.measure)
        if now is not None and now == before:
            continue
        if now is None or _looser(before, now):
            raise ConfigError(
                f"this run measured a document until its first rejection, so '{before.measure}' "
                "can be tightened here but not loosened",
                remedy='Run it with measure = "all", the default; extraction is not repeated.',
            )


def require_complete(ledger: Store, recipe: str) -> None:
    """:class:`ConfigError` where the measures that ``recipe`` asks for were not taken of all."""
    if not ledger.manifest["config"]["complete"]:
        raise ConfigError(
            f"this run measured a document until its first rejection, so what '{recipe}' would "
            "say of the others is not known",
            remedy='Run it with measure = "all", the default; extraction is not repeated.',
        )


def _looser(before: Bound, now: Bound) -> bool:
    if before.allowed is not None:
        return now.allowed is None or not set(now.allowed) <= set(before.allowed)
    if (before.top is None) != (now.top is None) or before.by_column != now.by_column:
        return True
    sides = {label: (low, high) for label, low, high in before.by}
    later = {label: (low, high) for label, low, high in now.by}
    pairs = [((before.min, before.max), (now.min, now.max))]
    for label in {*sides, *later}:
        own = (before.min, before.max), (now.min, now.max)
        pairs.append((sides.get(label, own[0]), later.get(label, own[1])))
    return any(_lets_more(new[0], old[0]) or _lets_more(old[1], new[1]) for old, new in pairs)


def _lets_more(left: float | None, right: float | None) -> bool:
    """Whether the limit ``left`` lets more through than ``right`` as a minimum (None: all); with
    the sides changed, as a maximum."""
    if left is None or right is None:
        return left is None and right is not None
    return left < right


def config_lines(changes: dict[str, Any], filters: list[RunFilter]) -> list[str]:
    """``changes`` as the lines of the config's blocks, so that a run goes on with them."""
    lines: list[str] = []
    for each in filters:
        own = {column: changes[column] for column in each.columns if column in changes}
        if own:
            named = f'  # name = "{each.name}"' if each.name != each.use else ""
            lines.append(f'[[stage]]  # use = "{each.use}"{named}')
            for column, limits in own.items():
                lines += _lines(each.columns[column], limits)
    for column in changes:
        if filter_of(column, filters) is None:
            lines.append(f"# {column}: measured for another recipe; add its filter to use it")
    return lines


def _lines(key: str, value: Any) -> list[str]:
    if isinstance(value, dict):
        return [line for name in value for line in _lines(f"{key}.{name}", value[name])]
    return [f"{key} = {toml(value)}"]


def set_flags(changes: dict[str, Any], filters: list[RunFilter]) -> list[str]:
    """``changes`` as ``--set`` flags of ``winnow run``."""
    flags = []
    for column, limits in changes.items():
        owner = filter_of(column, filters)
        key = column if owner is None else f"{owner.name}.{owner.columns[column]}"
        flags += [f"--set '{line.replace(' = ', '=', 1)}'" for line in _lines(key, limits)]
    return flags


def toml(value: Any) -> str:
    """A number, string, list or table as TOML writes it, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(item) for item in value)}]"
    if isinstance(value, dict):
        inner = ", ".join(f"{toml_key(key)} = {toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}"
    return json.dumps(value, ensure_ascii=False)


def toml_key(key: str) -> str:
    """A key of a TOML table, in quotes where it must be."""
    bare = key.replace("-", "").replace("_", "")
    return key if bare.isascii() and bare.isalnum() else json.dumps(key, ensure_ascii=False)
