"""What makes a store what it is, as one hash that is known before any data is read.

The canonical form of a description is JSON: class, version, fields. A value that has no canonical
form is refused, since falling back to ``str()`` would let two runs that mean the same differ, or
two that differ agree. Fields that cannot change a byte (``outside_fingerprint`` of the class) and
paths of files whose content is hashed instead (``fingerprint_extra()``) stay out.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from winnow.errors import PlanError


def canonical(value: Any, where: str = "value") -> Any:
    """``value`` as plain JSON data; :class:`PlanError` naming ``where`` if it has no such form."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        # 0.1 and 1e-1 are one number and repr gives one spelling; JSON has no inf and nan
        return value if value == value and abs(value) != float("inf") else repr(value)
    if isinstance(value, Enum):
        return canonical(value.value, where)
    if isinstance(value, list | tuple):
        return [canonical(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, frozenset | set):
        return sorted((canonical(item, where) for item in value), key=json.dumps)
    if isinstance(value, dict):
        return {str(key): canonical(value[key], f"{where}.{key}") for key in sorted(value)}
    if isinstance(value, date | datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _canonical_dataclass(value, where)
    raise PlanError(
        f"{where} is a {type(value).__name__}, which has no canonical form: "
        "the step's fingerprint cannot be made",
        remedy="Use numbers, strings, lists, tables or dataclasses of these.",
    )


def _canonical_dataclass(value: Any, where: str) -> dict[str, Any]:
    kind = type(value)
    outside = getattr(kind, "outside_fingerprint", ())
    result: dict[str, Any] = {"use": getattr(value, "use", kind.__name__)}
    if hasattr(value, "version"):
        result["version"] = value.version
    for field in dataclasses.fields(value):
        if field.name not in outside:
            result[field.name] = canonical(getattr(value, field.name), f"{where}.{field.name}")
    extra = getattr(value, "fingerprint_extra", None)
    if extra is not None:
        result |= {key: canonical(item, f"{where}.{key}") for key, item in extra().items()}
    return result


def digest(value: Any) -> str:
    """sha256 of the canonical JSON of plain data."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: str | Path) -> str:
    """sha256 of a file's content, for models and lists named by path."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
