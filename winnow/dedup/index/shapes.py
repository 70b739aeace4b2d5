"""Whether signatures of two runs can be compared, and if not, which number differs."""

from __future__ import annotations

import dataclasses
from typing import Any

from winnow.dedup.signing.shape import Shape
from winnow.errors import PlanError
from winnow.pipeline.fingerprint import canonical
from winnow.text.words import WordRules


def described_shape(sign_config: dict[str, Any]) -> dict[str, Any]:
    """What signatures depend on, from the config of a sign step's manifest."""
    return {
        "version": sign_config["version"],
        "language_column": sign_config.get("language_column"),
        "shape": sign_config["shape"],
    }


def of_shape(shape: Shape, version: int, language_column: str | None) -> dict[str, Any]:
    """As :func:`described_shape`, of a step that has not run."""
    return {
        "version": version,
        "language_column": language_column,
        "shape": canonical(shape, "shape"),
    }


def rebuilt_shape(described: dict[str, Any], where: str) -> Shape:
    """The :class:`Shape` whose canonical form is ``described``; :class:`PlanError` where there is
    none here any more, because a package or Python's Unicode is another one."""
    words = _fields(WordRules, described["words"])
    shape = Shape(**{**_fields(Shape, described), "words": WordRules(**words)})
    differences = _differences(described, canonical(shape), "")
    if differences:
        raise PlanError(
            f"texts cannot be shingled here as {where} was signed: "
            + "; ".join(differences).replace("in the index", "there"),
            remedy="Use the Python and the packages that signed it, or sign it anew.",
        )
    return shape


def _fields(kind: type[Any], described: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in described.items()
        if name in names
    }


def shape_differences(index: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """``rows_per_band is 8 in the index, 9 here`` for all that differs."""
    found = []
    for key in sorted({*index, *here} - {"shape"}):
        if index.get(key) != here.get(key):
            name = "version of signing" if key == "version" else key
            found.append(_told(name, index.get(key), here.get(key)))
    return found + _differences(index.get("shape", {}), here.get("shape", {}), "")


def _differences(index: Any, here: Any, name: str) -> list[str]:
    if isinstance(index, dict) and isinstance(here, dict):
        found = []
        for key in sorted({*index, *here}):
            inner = f"{name}.{key}" if name else key
            found += _differences(index.get(key), here.get(key), inner)
        return found
    return [] if index == here else [_told(name, index, here)]


def _told(name: str, index: Any, here: Any) -> str:
    return f"{name} is {index!r} in the index, {here!r} here"
