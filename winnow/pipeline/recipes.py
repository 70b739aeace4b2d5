"""Recipes: named lists of filter stages with their bounds, as data.

A recipe is a TOML file. Those that come with winnow lie in ``winnow/filters/recipes``; your own is
a path. It holds the same ``[[stage]]`` tables as a config, and may start from another recipe::

    about  = "FineWeb of 2024, shorter pages allowed"
    base   = "fineweb-2024"             # its stages come first
    drop   = ["url"]                    # stages of the base that go, by name

    [[stage]]
    use = "gopher_quality"              # a stage that the base has: these keys are changed
    word_count.min = 30

    [[stage]]
    use = "my_filters:digit_share"      # one that it has not: put behind the others,
    before = "c4"                       # or where you say
    max = 0.2

A config names it as a stage, and can change any key once more::

    [[stage]]
    recipe = "fineweb-2024"
    gopher_quality.word_count.min = 40
"""

from __future__ import annotations

import copy
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from winnow.errors import ConfigError, nearest
from winnow.pipeline import registry

SHIPPED = Path(__file__).parent.parent / "filters" / "recipes"
FOLDER = "folder_of_recipe"
"""Key of a stage's table that says where a module of the user's is looked for first."""

_TEXTS = ("about", "source", "differs", "checked")
_KEYS = (*_TEXTS, "base", "drop", "stage")


@dataclass(frozen=True)
class Recipe:
    """A recipe with its bases resolved. ``stages`` are tables as a config writes them, each with
    a ``name``; paths in them are absolute."""

    name: str
    stages: tuple[dict[str, Any], ...]
    about: str = ""
    """One sentence."""
    source: str = ""
    """Paper and code."""
    differs: str = ""
    """What is not as in the source; empty where nothing is known to differ."""
    checked: str = ""
    """Against what its decisions were compared, and with which result."""
    bases: tuple[str, ...] = field(default=())
    """The recipes it started from, the nearest first."""


def recipe_names() -> tuple[str, ...]:
    """The recipes that come with winnow, in the order of the alphabet."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def load_recipe(name: str, folder: Path | None = None, where: str = "recipe") -> Recipe:
    """The recipe ``name``: one that comes with winnow, or a file (``….toml``, relative to
    ``folder``). Raises :class:`ConfigError`."""
    return _load(name, folder or Path.cwd(), where, ())


def _load(name: str, folder: Path, where: str, seen: tuple[str, ...]) -> Recipe:
    path = _find(name, folder, where)
    if str(path) in seen:
        raise ConfigError(f"{where}: the recipe {name!r} has itself as its base")
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{where}: the recipe {path} cannot be read: {error}") from error
    place = f"recipe {path}" if name.endswith(".toml") else f"recipe '{name}'"
    _check(table, place)
    stages: list[dict[str, Any]] = []
    bases: tuple[str, ...] = ()
    if "base" in table:
        base = _load(table["base"], path.parent, place, (*seen, str(path)))
        stages = [copy.deepcopy(stage) for stage in base.stages]
        bases = (base.name, *base.bases)
    for gone in table.get("drop", []):
        stages.remove(_named(stages, gone, place))
    for stage in table.get("stage", []):
        _merge(stages, stage, path.parent, place)
    texts = {key: str(table[key]).strip() for key in _TEXTS if key in table}
    short = path.stem if name.endswith(".toml") else name
    return Recipe(short, tuple(stages), bases=bases, **texts)


def _find(name: Any, folder: Path, where: str) -> Path:
    if not isinstance(name, str):
        raise ConfigError(f"{where}: a recipe is named by a string, got {name!r}")
    if name.endswith(".toml"):
        path = Path(os.path.normpath(folder / Path(name).expanduser()))
        if not path.is_file():
            raise ConfigError(f"{where}: no recipe file {path}")
        return path
    if name not in recipe_names():
        raise ConfigError(
            f"{where}: unknown recipe {name!r}.{nearest(name, recipe_names())}",
            remedy=f"recipes: {', '.join(recipe_names())}; your own: a path that ends in .toml",
        )
    return SHIPPED / f"{name}.toml"


def _check(table: dict[str, Any], place: str) -> None:
    for key in table:
        if key not in _KEYS:
            raise ConfigError(
                f"{place}: unknown key {key!r}.{nearest(key, _KEYS)}",
                remedy=f"known keys: {', '.join(_KEYS)}",
            )
    stages = table.get("stage", [])
    if not isinstance(stages, list) or not all(isinstance(stage, dict) for stage in stages):
        raise ConfigError(f"{place}: stages are written [[stage]], with two pairs of brackets")
    if not isinstance(table.get("drop", []), list):
        raise ConfigError(f"{place}: drop must be a list of names")
    if not stages and "base" not in table:
        raise ConfigError(f"{place} has no [[stage]] and no base")


def _merge(stages: list[dict[str, Any]], change: dict[str, Any], folder: Path, place: str) -> None:
    """Change the stage of that name in ``stages``, or add one."""
    change = copy.deepcopy(change)
    before = change.pop("before", None)
    use = change.get("use")
    name = change.setdefault("name", _short_name(use))
    if not isinstance(name, str):
        raise ConfigError(f"{place}: a stage has no 'use'")
    present = [stage for stage in stages if stage["name"] == name]
    if present:
        use = change.get("use", present[0]["use"])
        _deep_update(present[0], _absolute(change, use, folder))
        if before is not None:
            stages.remove(present[0])
            stages.insert(stages.index(_named(stages, before, place)), present[0])
        return
    if use is None:
        _named(stages, name, place)  # raises: it names no stage and is none
    if not isinstance(use, str) or (use not in registry.FILTERS and ":" not in use):
        raise ConfigError(
            f"{place}: {use!r} is no filter.{nearest(str(use), registry.FILTERS)}",
            remedy=f"A recipe holds filters: {', '.join(registry.FILTERS)}, or your own.",
        )
    at = len(stages) if before is None else stages.index(_named(stages, before, place))
    if ":" in use:
        change[FOLDER] = str(folder)
    stages.insert(at, _absolute(change, use, folder))


def _short_name(use: Any) -> str | None:
    return use.rpartition(":")[2].rpartition(".")[2] if isinstance(use, str) else None


def _named(stages: list[dict[str, Any]], name: Any, place: str) -> dict[str, Any]:
    for stage in stages:
        if stage["name"] == name:
            return stage
    names = [stage["name"] for stage in stages]
    raise ConfigError(
        f"{place}: no stage named {name!r}.{nearest(str(name), names)}",
        remedy=f"stages here: {', '.join(names)}",
    )


def _absolute(stage: dict[str, Any], use: Any, folder: Path) -> dict[str, Any]:
    """``stage`` (of the filter ``use``), its paths made to start at ``folder``, the recipe's."""
    if use in registry.FILTERS:
        for key in getattr(registry.load(registry.FILTERS[use]), "path_fields", ()):
            if key in stage:
                stage[key] = _from(stage[key], folder)
    return stage


def _from(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_from(item, folder) for item in value]
    if isinstance(value, dict):
        return {key: _from(item, folder) for key, item in value.items()}
    if not isinstance(value, str) or "://" in value:
        return value
    return os.path.normpath(folder / Path(value).expanduser())


def _deep_update(table: dict[str, Any], change: dict[str, Any]) -> None:
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(table.get(key), dict):
            _deep_update(table[key], value)
        else:
            table[key] = value


def expand(table: dict[str, Any], folder: Path, where: str) -> list[dict[str, Any]]:
    """The stage tables of a config's ``[[stage]] recipe = …``, its changes applied.

    Keys beside ``recipe`` are names of the recipe's stages, with tables of what to change.
    """
    recipe = load_recipe(table["recipe"], folder, where)
    stages = [copy.deepcopy(stage) for stage in recipe.stages]
    for name, change in table.items():
        if name == "recipe":
            continue
        stage = _named(stages, name, f"{where}: recipe '{recipe.name}'")
        if change == "off":
            stages.remove(stage)
            continue
        if not isinstance(change, dict):
            raise ConfigError(
                f'{where}: {name} must be a table of keys to change, or "off"; got {change!r}',
                remedy=f"For example: {name}.MEASURE.min = 0.1",
            )
        _deep_update(stage, change)
    return stages
