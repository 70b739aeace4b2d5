"""Sizes in a config: ``"64 MB"``, ``"1.5 GiB"`` or a plain number of bytes."""

from __future__ import annotations

import re
from typing import NewType

ByteSize = NewType("ByteSize", int)
"""An ``int`` of bytes; the config loader also takes a string with a unit for such a field."""

_UNITS = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgt", start=1):
    _UNITS[f"{_letter}b"] = 1000**_power
    _UNITS[f"{_letter}ib"] = 1024**_power

_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*")


def parse_size(value: int | str) -> ByteSize:
    """Bytes; :class:`ValueError` for what is no size. ``MB`` is 1000², ``MiB`` 1024²."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return ByteSize(value)
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError(f"{value!r} is not a size: write e.g. 64000000, '64 MB' or '1.5 GiB'")
    return ByteSize(int(float(match[1]) * _UNITS[match[2].lower()]))


def format_size(size_bytes: int) -> str:
    """``'1.5 GB'``: for people."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable")
