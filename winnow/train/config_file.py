"""Reading a training config: TOML, overrides, types, and paths.

Every problem is a :class:`ConfigError` that names the file, the key, and what was expected.
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from winnow.documented import field_texts
from winnow.errors import ConfigError, nearest
from winnow.train.config import TrainConfig


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """The config in the TOML file at ``path``, with ``overrides``: ``section.key=value`` each.

    A value is read as TOML; what is not TOML (a bare word, a path) is taken as text. A relative
    path in the file starts at the file's folder, so a config means one thing wherever it is run
    from; one in an override, typed in a shell, starts at the current folder. Raises
    :class:`ConfigError`.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file",
            remedy="configs/train/demo.toml in the repository is one to start from.",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, IsADirectoryError) as error:
        raise ConfigError(f"{path} is not a TOML file: {error}") from error
    for override in overrides:
        _override(values, override)
    try:
        return parse_config(values, folder=path.resolve().parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.message}", remedy=error.remedy) from error


def parse_config(values: dict[str, Any], folder: Path) -> TrainConfig:
    """``values`` (tables of a TOML file) as a config; relative paths start at ``folder``."""
    config = _section(TrainConfig, values, "", folder)
    assert isinstance(config, TrainConfig)
    return config


def to_values(config: Any) -> dict[str, Any]:
    """``config`` as plain tables without the absent fields: what a checkpoint stores as JSON."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            values[field.name] = to_values(value)
        elif value is not None:
            values[field.name] = str(value) if isinstance(value, Path) else value
    return values


def field_help() -> dict[str, tuple[str, str, str]]:
    """``section.key`` -> (type, default or "required", help), in the order of the classes.

    The help is the text under the field; docs/training.md is checked against it.
    """
    entries: dict[str, tuple[str, str, str]] = {}
    for section, kind in get_type_hints(TrainConfig).items():
        texts = field_texts(kind)
        for field in dataclasses.fields(kind):
            required = field.default is dataclasses.MISSING
            default = "required" if required else "absent" if field.default is None else ""
            entries[f"{section}.{field.name}"] = (
                _spell(get_type_hints(kind)[field.name]),
                default or _toml(field.default),
                texts[field.name],
            )
    return entries


def _section(kind: Any, values: dict[str, Any], prefix: str, folder: Path) -> object:
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    given: dict[str, Any] = {}
    for key, value in values.items():
        name = prefix + key
        if key not in fields:
            what = "key" if prefix else "section"
            raise ConfigError(
                f"unknown {what} '{name}'." + nearest(key, fields),
                remedy=f"{'keys' if prefix else 'sections'} here: {', '.join(fields)}",
            )
        hint = hints[key]
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, dict):
                raise ConfigError(f"'{name}' must be a table, [{name}]; got {_toml(value)}")
            given[key] = _section(hint, value, f"{name}.", folder)
        else:
            given[key] = _value(hint, value, name, folder)
    for name, field in fields.items():
        absent = field.default is dataclasses.MISSING
        if name in given or not absent or field.default_factory is not dataclasses.MISSING:
            continue
        if dataclasses.is_dataclass(hints[name]):
            given[name] = _section(hints[name], {}, f"{prefix}{name}.", folder)
        else:
            raise ConfigError(f"'{prefix}{name}' is missing; it must be {_spell(hints[name])}")
    return kind(**given)


def _value(hint: Any, value: Any, name: str, folder: Path) -> Any:
    for choice in _choices(hint):
        if get_origin(choice) is Literal:
            if isinstance(value, str) and value in get_args(choice):
                return value
        elif choice is Path:
            if isinstance(value, str) and value:
                return (folder / Path(value).expanduser()).resolve()
        elif choice is float:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
        elif type(value) is choice:  # not isinstance: True is no number here
            return value
    words = [word for choice in _choices(hint) for word in get_args(choice)]
    close = nearest(value, words) if isinstance(value, str) else ""
    raise ConfigError(f"'{name}' must be {_spell(hint)}; got {_toml(value)}.{close}")


def _choices(hint: Any) -> list[Any]:
    if get_origin(hint) in (Union, types.UnionType):
        return [choice for choice in get_args(hint) if choice is not type(None)]
    return [hint]


_NAMES = {int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}


def _spell(hint: Any) -> str:
    spelled = []
    for choice in _choices(hint):
        if get_origin(choice) is Literal:
            spelled += [f'"{word}"' for word in get_args(choice)]
        else:
            spelled.append(_NAMES[choice])
    return " or ".join(spelled)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _override(values: dict[str, Any], override: str) -> None:
    name, equals, text = override.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and section and key):
        raise ConfigError(
            f"--set {override!r} is not of the form section.key=value",
            remedy="For example: --set batch.steps=200",
        )
    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    table = values.setdefault(section, {})
    if not isinstance(table, dict):
        raise ConfigError(f"--set {override!r}: '{section}' is not a table in the config")
    section_hint = get_type_hints(TrainConfig).get(section)
    if section_hint and get_type_hints(section_hint).get(key) is Path and isinstance(value, str):
        value = str(Path.cwd() / value)
    table[key] = value
