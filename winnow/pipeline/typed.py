"""From a TOML table to a frozen dataclass, by its annotations; errors name key, type and remedy."""

from __future__ import annotations

import dataclasses
import os
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from winnow.errors import ConfigError, nearest
from winnow.pipeline.sizes import ByteSize, parse_size


def build(
    kind: type[Any], table: dict[str, Any], where: str, base: Path, also: tuple[str, ...] = ()
) -> Any:
    """An instance of the dataclass ``kind`` from ``table``.

    Fields named in ``kind.path_fields`` are paths and resolve against ``base``, the config's
    folder. ``also`` are further keys that the table may have had: named where one is misspelt.
    Raises :class:`ConfigError` for an unknown key, a wrong type or a missing key.
    """
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}
    hints = get_type_hints(kind)
    for key in table:
        if key not in fields:
            raise ConfigError(
                f"{where}: unknown key {key!r}.{nearest(key, [*fields, *also])}",
                remedy=f"known keys: {', '.join([*fields, *also]) or 'none'}",
            )
    values = {key: _value(hints[key], item, f"{where}: {key}", base) for key, item in table.items()}
    for name in getattr(kind, "path_fields", ()):
        if name in values:
            if _is_table(hints[name]):  # the keys are no paths
                values[name] = tuple((key, _resolve(path, base)) for key, path in values[name])
            else:
                values[name] = _resolve(values[name], base)
    for name, field in fields.items():
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        if required and name not in values:
            raise ConfigError(f"{where}: {name!r} is missing ({describe(hints[name])})")
    try:
        return kind(**values)
    except ValueError as error:  # __post_init__ checks of one field against another
        raise ConfigError(f"{where}: {error}") from error


def _resolve(value: Any, base: Path) -> Any:
    if isinstance(value, tuple):
        return tuple(_resolve(item, base) for item in value)
    if not isinstance(value, str) or "://" in value:
        return value
    if not value or "\0" in value:
        raise ConfigError(f"{value!r} is not a path")
    return os.path.normpath(base / Path(value).expanduser())


def describe(hint: Any) -> str:
    """A type as a user would say it."""
    if hint is ByteSize:
        return "a size such as '64 MB'"
    if hint in (int, float, str, bool):
        return {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}[
            hint
        ]
    origin = get_origin(hint)
    if origin is Literal:
        return "one of " + ", ".join(repr(choice) for choice in get_args(hint))
    if origin is tuple:
        return f"a list, each {describe(get_args(hint)[0])}"
    if origin in (Union, types.UnionType):
        return " or ".join(describe(a) for a in get_args(hint) if a is not type(None))
    return "a table"


def _value(hint: Any, value: Any, where: str, base: Path) -> Any:
    def wrong() -> ConfigError:
        return ConfigError(f"{where} must be {describe(hint)}, got {value!r}")

    if hint is ByteSize:
        try:
            return parse_size(value)
        except ValueError:
            raise wrong() from None
    if hint is bool or hint is str:
        if not isinstance(value, hint):
            raise wrong()
        return value
    if hint is int or hint is float:
        if isinstance(value, bool) or not isinstance(value, int if hint is int else int | float):
            raise wrong()
        return hint(value)
    origin = get_origin(hint)
    if origin is Literal:
        if value not in get_args(hint):
            choices = [str(choice) for choice in get_args(hint)]
            raise ConfigError(
                f"{where} must be {describe(hint)}, got {value!r}.{nearest(str(value), choices)}"
            )
        return value
    if origin in (Union, types.UnionType):
        for choice in get_args(hint):
            if choice is type(None):
                continue
            try:
                return _value(choice, value, where, base)
            except ConfigError:
                if dataclasses.is_dataclass(choice) and isinstance(value, dict):
                    raise
        raise wrong()
    if origin is tuple:
        return _tuple(hint, value, where, base, wrong())
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise wrong()
        return build(hint, value, where, base)
    raise TypeError(f"{where}: no TOML form for {hint!r}")


def _is_table(hint: Any) -> bool:
    """Whether ``hint`` is ``tuple[tuple[str, X], ...]``, which a table of X is written as."""
    return get_origin(hint) is tuple and get_origin(get_args(hint)[0]) is tuple


def _tuple(hint: Any, value: Any, where: str, base: Path, wrong: ConfigError) -> Any:
    """A list; or, for ``tuple[tuple[str, X], ...]``, a table of X."""
    item = get_args(hint)[0]
    if _is_table(hint) and isinstance(value, dict):
        inner = get_args(item)[1]
        return tuple((k, _value(inner, v, f"{where}.{k}", base)) for k, v in value.items())
    if isinstance(value, str) and item is str:
        return (value,)
    if not isinstance(value, list):
        raise wrong
    return tuple(_value(item, each, f"{where}[{i}]", base) for i, each in enumerate(value))
