"""A run, as a TOML file says it.

::

    name   = "web-en"
    output = "../out/web-en"        # relative paths resolve against this file
    seed   = 0

    [source]
    use   = "warc"
    paths = ["crawl/*.warc.gz"]

    [[stage]]                       # in the order in which documents meet them
    use = "extract"

    [[stage]]
    use = "gopher_quality"
    word_count.min = 30             # any bound can be overridden; "off" takes it away
    stop_word_count = "off"

    [[stage]]
    recipe = "dclm"                 # several filters at once; see winnow.pipeline.recipes

    [[stage]]
    use = "minhash"

    [executor]                      # never changes a byte of the result
    use     = "local"
    workers = 8
"""

from __future__ import annotations

import copy
import dataclasses
import os
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from winnow.errors import ConfigError, nearest
from winnow.pipeline import recipes, registry
from winnow.pipeline.bounds import Bound
from winnow.pipeline.stage import Composite, Filter, Source, Stage
from winnow.pipeline.typed import build


@dataclass(frozen=True, kw_only=True)
class ExecutorConfig:
    """Where the tasks run. Nothing here can change a byte of a store."""

    use: Literal["local", "ray"] = "local"
    workers: int = 0
    """Tasks at a time; 0: one a core (local), all the cluster's cores (ray)."""
    address: str | None = None
    """Of a running Ray cluster (``"auto"`` or ``"ray://host:10001"``); absent: started here."""
    retries: int = 3
    """How often a shard is tried again after its worker died."""

    def __post_init__(self) -> None:
        for name in ("workers", "retries"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")


@dataclass(frozen=True)
class StageEntry:
    """One ``[[stage]]``: the description, its unique name, and (filters) its bounds."""

    name: str
    stage: Stage | Filter | Composite
    family: Literal["stage", "filter", "composite"]
    bounds: tuple[Bound, ...] = ()


@dataclass(frozen=True)
class RecipeEntry:
    """A recipe whose verdicts the ledger holds too, beside the run's own."""

    name: str
    stages: tuple[StageEntry, ...]


@dataclass(frozen=True)
class RunConfig:
    """A parsed, typed config. ``table`` is the TOML as read, recipes expanded, after ``--set``."""

    name: str
    output: str
    seed: int
    measure: Literal["all", "until_rejected"]
    compare: tuple[RecipeEntry, ...]
    source: Source
    stages: tuple[StageEntry, ...]
    executor: ExecutorConfig
    table: dict[str, Any]
    path: str | None


_TOP = ("name", "output", "seed", "measure", "compare", "source", "stage", "executor")


def load_config(path: str | os.PathLike[str], overrides: list[str] | None = None) -> RunConfig:
    """Read a config file.

    ``overrides`` are ``key=value`` pairs, the value as TOML writes it. A key starts with a
    top-level key or a stage's name: ``seed=1``, ``gopher_quality.word_count.min=30``. Paths in the
    file are relative to it, paths in overrides to the current folder. Raises :class:`ConfigError`.
    """
    file = Path(path)
    try:
        data = file.read_bytes().removeprefix(b"\xef\xbb\xbf")  # what Windows editors put first
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such config file.{_near_file(file)}") from None
    except IsADirectoryError:
        raise ConfigError(f"{file} is a folder; give the TOML file in it") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    try:
        table = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
    return parse_config(table, base=file.parent, path=str(file), overrides=overrides)


def _near_file(file: Path) -> str:
    folder = file.parent if file.parent.is_dir() else Path()
    return nearest(file.name, [entry.name for entry in folder.glob("*.toml")])


def parse_config(
    table: dict[str, Any],
    *,
    base: Path,
    path: str | None = None,
    overrides: list[str] | None = None,
) -> RunConfig:
    """A config from plain data; ``base`` is the folder that relative paths start from."""
    table = copy.deepcopy(table)
    where = path or "config"
    _check_shape(table, where)
    table["stage"] = _expanded(table.get("stage", []), where, base.absolute())
    for override in overrides or []:
        _apply(table, override)
    for key in table:
        if key not in _TOP:
            raise ConfigError(
                f"{where}: unknown key {key!r}.{nearest(key, _TOP)}",
                remedy=f"known keys: {', '.join(_TOP)}",
            )
    top = build(
        _Top,
        {key: table[key] for key in table if key not in ("source", "stage", "executor")},
        where,
        base.absolute(),
    )
    return RunConfig(
        name=top.name,
        output=top.output,
        seed=top.seed,
        measure=top.measure,
        compare=_compare(top, where, base.absolute()),
        source=_source(table.get("source"), where, base.absolute()),
        stages=_stages(table.get("stage", []), where, base.absolute()),
        executor=build(ExecutorConfig, table.get("executor", {}), f"{where}: [executor]", base),
        table=table,
        path=path,
    )


def _check_shape(table: dict[str, Any], where: str) -> None:
    """Tables are tables and the list of stages is one, before anything looks into them."""
    stages = table.get("stage", [])
    if not isinstance(stages, list) or not all(isinstance(entry, dict) for entry in stages):
        raise ConfigError(f"{where}: stages are written [[stage]], with two pairs of brackets")
    for key in ("source", "executor"):
        if not isinstance(table.get(key, {}), dict):
            raise ConfigError(f"{where}: [{key}] is written with one pair of brackets")


@dataclass(frozen=True, kw_only=True)
class _Top:
    name: str
    output: str
    seed: int = 0
    measure: Literal["all", "until_rejected"] = "all"
    compare: tuple[str, ...] = ()
    path_fields = ("output",)


def _expanded(tables: list[dict[str, Any]], where: str, base: Path) -> list[dict[str, Any]]:
    """The stage tables with every recipe replaced by its stages."""
    stages: list[dict[str, Any]] = []
    for number, table in enumerate(tables, start=1):
        if "recipe" not in table:
            stages.append(table)
        elif "use" in table:
            raise ConfigError(f"{where}: stage {number} has both 'use' and 'recipe'; keep one")
        else:
            stages += recipes.expand(table, base, f"{where}: stage {number}")
    return stages


def _compare(top: _Top, where: str, base: Path) -> tuple[RecipeEntry, ...]:
    if top.compare and top.measure != "all":
        raise ConfigError(
            f'{where}: compare needs measure = "all": a recipe is judged on every document'
        )
    found: dict[str, RecipeEntry] = {}
    for name in top.compare:
        entry = recipe_entry(name, base, f"{where}: compare")
        if name.endswith(".toml") and entry.name in recipes.recipe_names():
            raise ConfigError(
                f"{where}: compare: the recipe file {name} is called as one of winnow's is, and "
                "the ledger knows recipes by name",
                remedy="Rename the file.",
            )
        if entry.name in found:
            raise ConfigError(f"{where}: compare names the recipe {entry.name!r} twice")
        found[entry.name] = entry
    return tuple(found.values())


def recipe_entry(name: str, folder: Path, where: str) -> RecipeEntry:
    """The recipe ``name`` (one of winnow's, or a path relative to ``folder``), its filters built.

    Raises :class:`ConfigError`.
    """
    recipe = recipes.load_recipe(name, folder, where)
    place = f"{where}: recipe '{recipe.name}'"
    return RecipeEntry(
        recipe.name, _stages([dict(stage) for stage in recipe.stages], place, folder)
    )


def _source(table: Any, where: str, base: Path) -> Source:
    if not isinstance(table, dict) or "use" not in table:
        raise ConfigError(
            f"{where}: [source] is missing, or has no 'use'",
            remedy='For example: [source]\n  use = "warc"\n  paths = ["crawl/*.warc.gz"]',
        )
    place = f"{where}: [source] ({table['use']})"
    kind = registry.find_class(str(table["use"]), registry.SOURCES, place)
    fields = {key: value for key, value in table.items() if key != "use"}
    if "base" in {field.name for field in dataclasses.fields(kind)}:
        fields["base"] = str(base)
    source: Source = build(kind, fields, place, base)
    return source


def _stages(tables: list[dict[str, Any]], where: str, base: Path) -> tuple[StageEntry, ...]:
    entries: list[StageEntry] = []
    for number, table in enumerate(tables, start=1):
        use = table.get("use")
        place = f"{where}: stage {number} ({use})"
        if not isinstance(use, str):
            raise ConfigError(f"{where}: stage {number} has no 'use'")
        taken = [other.name for other in entries]
        rest = {k: v for k, v in table.items() if k != "use"}
        if "name" not in rest:
            rest["name"] = stage_name(table, taken)
        entry = _stage(use, rest, place, base)
        if entry.name in taken:
            raise ConfigError(
                f"{place}: there is a stage named {entry.name!r} already",
                remedy=f'Give this one a name of its own: name = "{entry.name}-2"; if it comes '
                f'from a recipe, write {entry.name} = "off" in one of them.',
            )
        entries.append(entry)
    return tuple(entries)


def _stage(use: str, table: dict[str, Any], place: str, base: Path) -> StageEntry:
    name = table.pop("name", _short_name(use))
    code = Path(table.pop(recipes.FOLDER, base))  # where a recipe lies, so does its user's code
    if not isinstance(name, str) or not name.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(f"{place}: name must be letters, digits, - and _, got {name!r}")
    if use.startswith("datatrove:"):
        from winnow.filters.datatrove import DatatroveFilter

        foreign, limits = DatatroveFilter.from_config(use, table, place, code)
        return StageEntry(name, foreign, "filter", _bounds(foreign, limits, place))
    if ":" in use:
        from winnow.filters.measure import UserFilter

        limits, options = UserFilter.parse_bounds(table)
        user = UserFilter.from_object(use, registry.find_user_object(use, place, code), options)
        return StageEntry(name, user, "filter", user.bounds(limits))
    family = {**registry.STAGES, **registry.FILTERS, **registry.COMPOSITES}
    kind = registry.find_class(use, family, place)
    if use in registry.FILTERS:
        limits, options = kind.parse_bounds(table)
        measures = tuple(measure.name for measure in kind.measures)
        stage = build(kind, options, place, base, measures)
        return StageEntry(name, stage, "filter", _bounds(stage, limits, place))
    stage = build(kind, table, place, base)
    return StageEntry(name, stage, "composite" if use in registry.COMPOSITES else "stage")


def stage_name(table: dict[str, Any], taken: Collection[str]) -> str:
    """What a stage is called: its ``name``; else the last part of ``use``, and where another is
    called so already, with its suffix behind."""
    use = str(table.get("use", ""))
    short, suffix = _short_name(use), table.get("suffix")
    if "name" in table:
        return str(table["name"])
    return f"{short}_{suffix}" if suffix and short in taken else short


def _short_name(use: str) -> str:
    """The last part of ``use``."""
    return use.rpartition(":")[2].rpartition(".")[2]


def _bounds(stage: Filter, limits: dict[str, Any], place: str) -> tuple[Bound, ...]:
    try:
        return stage.bounds(limits)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error.message}", remedy=error.remedy) from error


def _apply(table: dict[str, Any], override: str) -> None:
    """Set ``a.b.c=value`` in ``table``."""
    key, equals, text = override.partition("=")
    steps = key.strip().split(".")
    if not equals or not all(steps):
        raise ConfigError(
            f"--set {override!r}: write key=value, e.g. --set gopher_quality.word_count.min=30"
        )
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a bare word is a string: --set name=web needs no quotes
    place: Any = table
    if steps[0] not in _TOP:
        owner = _stage_that_measures(table, steps[0])
        if owner is not None:  # `word_count.min=30`, as `winnow whatif` takes it
            place, measure = owner
            steps = [measure, *steps[1:]]
        else:
            place = _named_stage(table, steps[0], override)
            steps = steps[1:]
    if not steps:
        raise ConfigError(f"--set {override!r}: name a key of the stage")
    for step in steps[:-1]:
        place = place.setdefault(step, {}) if isinstance(place, dict) else None
        if not isinstance(place, dict):
            raise ConfigError(f"--set {override!r}: {step!r} is not a table")
    is_path = (place is table and steps[-1] == "output") or steps[-1] in _path_fields(place)
    place[steps[-1]] = _from_here(value) if is_path else value


def _path_fields(table: dict[str, Any]) -> tuple[str, ...]:
    """Which keys of a source's or stage's table are paths."""
    use = table.get("use")
    if use not in registry.BUILT_IN:
        return ()
    return getattr(registry.load(registry.BUILT_IN[use]), "path_fields", ())


def _from_here(value: Any) -> Any:
    """A path given on the command line starts at the current folder, not at the config's."""
    if isinstance(value, list):
        return [_from_here(item) for item in value]
    return value if not isinstance(value, str) or "://" in value else os.path.abspath(value)


def _stage_that_measures(table: dict[str, Any], column: str) -> tuple[dict[str, Any], str] | None:
    """The one stage of the config that writes this column and is not called so itself, and the
    measure's name in its table."""
    found: list[tuple[dict[str, Any], str]] = []
    for entry in table.get("stage", []):
        use = entry.get("use", "")
        suffix = entry.get("suffix", registry.default_suffix(use))
        if use in registry.FILTERS and use != column:
            for measure in registry.load(registry.FILTERS[use]).measures:
                if column == (f"{measure.name}_{suffix}" if suffix else measure.name):
                    found.append((entry, measure.name))
    return found[0] if len(found) == 1 else None


def _named_stage(table: dict[str, Any], name: str, override: str) -> dict[str, Any]:
    names: dict[str, dict[str, Any]] = {}
    for entry in table.get("stage", []):
        names[stage_name(entry, names)] = entry
    if name not in names:
        raise ConfigError(
            f"--set {override!r}: no stage named {name!r} in this config."
            f"{nearest(name, [*names, *_TOP])}",
            remedy=f"stages: {', '.join(names)}; other keys: {', '.join(_TOP)}",
        )
    found: dict[str, Any] = names[name]
    return found
