"""A config's keys as the arguments of a foreign constructor."""

from __future__ import annotations

import collections.abc
import types
from importlib import import_module
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from winnow.errors import ConfigError, nearest
from winnow.filters.foreign_class import ForeignClass

_REFUSED = {
    "exclusion_writer": "rejected documents stay in the run, with their reason; see `winnow peek`",
    "batch_size": "documents are looked at one at a time, so that batches cannot matter",
}
_DOWNLOADS = ("UnigramLogProbFilter",)  # in its constructor: not at plan time


def check_arguments(
    found: ForeignClass, arguments: dict[str, Any], where: str, also: tuple[str, ...]
) -> None:
    """Raise :class:`ConfigError` where ``arguments`` do not fit the constructor: a name (the
    nearest is told), a missing one, or a value of a wrong kind."""
    hints = _hints(found.kind_class)
    parameters = {name: p for name, p in found.parameters.items() if name not in _REFUSED}
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    names = [
        name for name, p in parameters.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]
    for key, value in arguments.items():
        if key in _REFUSED:
            raise ConfigError(f"{where}: {key} cannot be set: {_REFUSED[key]}")
        if key not in names and not open_ended:
            raise ConfigError(
                f"{where}: {found.name} has no argument {key!r}.{nearest(key, [*names, *also])}",
                remedy=f"keys: {', '.join([*names, *also])}",
            )
        if not _plain(value):
            raise ConfigError(f"{where}: {key} must be numbers, strings or lists, got {value!r}")
        if key in hints and not _fits(hints[key], value):
            raise ConfigError(f"{where}: {key} must be {hints[key]}, got {value!r}")
    for name in names:
        parameter = parameters[name]
        if parameter.default is parameter.empty and name not in arguments:
            if _is_function(hints.get(name)):
                raise ConfigError(
                    f"{where}: {found.name} takes a function ({name}), which no config can write",
                    remedy='Write it as a measure of your own: use = "my_filters:name".',
                )
            raise ConfigError(f"{where}: {found.name} needs the argument {name!r}")


def check_by_making(found: ForeignClass, arguments: dict[str, Any], where: str) -> None:
    """Make an instance and throw it away: what a class of datatrove's refuses (a package, a
    pattern, a language without a word splitter) is told by the plan and not by every worker."""
    if found.name not in _DOWNLOADS:
        construct(found, arguments, where)
    if "language" in found.parameters:
        language = arguments.get("language", found.parameters["language"].default)
        try:
            import_module("datatrove.utils.word_tokenizers").load_word_tokenizer(language)
        except (ImportError, ValueError) as error:
            raise ConfigError(f"{where}: language {language!r}: {error}") from error


def construct(found: ForeignClass, arguments: dict[str, Any], where: str) -> Any:
    """An instance; lists become what the constructor's annotations ask for.

    :class:`ConfigError` with the class's own words where it refuses.
    """
    hints = _hints(found.kind_class)
    values = {key: wanted(hints.get(key), value) for key, value in arguments.items()}
    try:
        return found.kind_class(**values)
    except Exception as error:
        raise ConfigError(
            f"{where}: {found.name} cannot be made: {type(error).__name__}: {error}"
        ) from error


def wanted(hint: Any, value: Any) -> Any:
    """``value`` (lists as tuples) as ``hint`` has it: list, set, tuple; tuples stay where it does
    not say."""
    if not isinstance(value, tuple):
        return value
    choices = [each for each in _choices(hint) if get_origin(each) or isinstance(each, type)]
    for choice in choices:
        kind = get_origin(choice) or choice
        inner = [each for each in get_args(choice) if each is not Ellipsis]
        item = inner[0] if len(set(inner)) == 1 else None
        nested = any(isinstance(each, tuple) for each in value)
        if nested and item is not None and not _fits(item, list(value[0])):
            continue
        if nested and inner and item is None:
            continue  # tuple[str, float] is one pair, not a list of pairs
        if kind is list:
            return [wanted(item, each) for each in value]
        if kind in (set, frozenset):
            return kind(value)
        if kind is tuple:
            return tuple(wanted(item, each) for each in value)
    return value


def _hints(kind_class: type[Any]) -> dict[str, Any]:
    try:
        return get_type_hints(kind_class.__init__)
    except Exception:  # annotations of the user's that do not resolve: unchecked then
        return {}


def _choices(hint: Any) -> list[Any]:
    if get_origin(hint) in (Union, types.UnionType):
        return [each for inner in get_args(hint) for each in _choices(inner)]
    return [hint]


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_plain(item) for item in value)
    return isinstance(value, bool | int | float | str)


def _is_function(hint: Any) -> bool:
    return get_origin(hint) is collections.abc.Callable


def _fits(hint: Any, value: Any) -> bool:
    """Whether the kind of ``value`` can be meant; whole numbers and others are one kind, as
    annotations out there mix them."""
    for choice in _choices(hint):
        origin = get_origin(choice) or choice
        if origin is Literal:
            if value in get_args(choice):
                return True
        elif not isinstance(origin, type) or origin not in (int, float, str, bool, type(None)):
            if isinstance(value, list) or origin not in (list, tuple, set, frozenset):
                return True
        elif origin in (int, float):
            if isinstance(value, int | float) and not isinstance(value, bool):
                return True
        elif isinstance(value, origin):
            return True
    return False
