"""What all filters share: measures declared once, with type, meaning, range and default bound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from winnow.errors import ConfigError
from winnow.pipeline.bounds import Bound, override
from winnow.schema import require_columns

SHARE = (0.0, 1.0)
COUNT = (0.0, float("inf"))

Limit = float | None


@dataclass(frozen=True)
class Measure:
    """A column that a filter adds."""

    name: str
    """With its unit: ``_count``, ``_share``, ``_chars``, ``_prob``, …"""
    type: pa.DataType
    about: str = ""
    """What it is, in one sentence without a full stop: what is counted, over what."""
    range: tuple[float, float] | None = None
    """Least and most possible value; None for labels."""
    min: float | None = None
    """Default bounds; a measure without any rejects nothing until a config says so."""
    max: float | None = None
    allowed: tuple[str, ...] | None = None

    def bound(self) -> Bound | None:
        if self.min is None and self.max is None and self.allowed is None:
            return None
        return Bound(measure=self.name, min=self.min, max=self.max, allowed=self.allowed)


def share_measure(
    name: str, about: str, min: float | None = None, max: float | None = None
) -> Measure:
    """A float64 measure in [0, 1]."""
    return Measure(name, pa.float64(), about, SHARE, min, max)


def count_measure(
    name: str, about: str, min: float | None = None, max: float | None = None
) -> Measure:
    """An int64 measure, 0 or more."""
    return Measure(name, pa.int64(), about, COUNT, min, max)


def number_measure(
    name: str, about: str, min: float | None = None, max: float | None = None
) -> Measure:
    """A float64 measure, 0 or more."""
    return Measure(name, pa.float64(), about, COUNT, min, max)


@dataclass(frozen=True, kw_only=True)
class MeasuredFilter:
    """The part of the Filter protocol that follows from ``measures``."""

    suffix: str = ""
    """Put behind the names of its measures, so that two variants of a filter can stand in one run:
    `suffix = "nltk"` makes `word_count_nltk`. A config's bounds are written without it."""

    use: ClassVar[str]
    measures: ClassVar[tuple[Measure, ...]]
    """In the order in which their bounds are tested."""
    text_column: ClassVar[str] = "text"
    rewrites: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.suffix and not f"a_{self.suffix}".isidentifier():
            raise ValueError(f"suffix must be letters, digits and _, got {self.suffix!r}")

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.text_column,)

    def column(self, measure: str) -> str:
        """The column of ``measure``: its name, and the suffix if there is one."""
        return f"{measure}_{self.suffix}" if self.suffix else measure

    def measure_fields(self) -> tuple[pa.Field, ...]:
        return tuple(pa.field(self.column(each.name), each.type) for each in self.measures)

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_columns(schema, self.reads, self.use)
        return pa.schema([*schema, *self.measure_fields()])

    @classmethod
    def parse_bounds(cls, table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """(bounds by measure, the stage's own keys). Where the filter has one measure, its bound
        may stand in the table itself."""
        names = [measure.name for measure in cls.measures]
        limits = {key: value for key, value in table.items() if key in names}
        rest = {key: value for key, value in table.items() if key not in names}
        if len(names) == 1:
            keys = ("min", "max", "per_language", "top_share", "by", "per")
            sides = {key: rest.pop(key) for key in keys if key in rest}
            if sides:
                named = limits.get(names[0], {})
                limits[names[0]] = {**sides, **named} if isinstance(named, dict) else named
        return limits, rest

    def bounds(self, table: dict[str, Any]) -> tuple[Bound, ...]:
        defaults = (measure.bound() for measure in self.measures)
        return self.bounds_from(tuple(bound for bound in defaults if bound), table)

    def bounds_from(self, defaults: tuple[Bound, ...], table: dict[str, Any]) -> tuple[Bound, ...]:
        """``defaults`` overridden by a config's ``table``, as bounds on the columns."""
        names = tuple(measure.name for measure in self.measures)
        found = override(defaults, table, self.use, names)
        ranges = {measure.name: measure.range for measure in self.measures}
        for bound in found:
            _check_range(bound, ranges[bound.measure], self.use)
        own = {name: self.column(name) for name in names}
        return tuple(
            replace(
                bound,
                measure=own[bound.measure],
                by_column=own.get(bound.by_column or "", bound.by_column),
            )
            for bound in found
        )


def _check_range(bound: Bound, possible: tuple[float, float] | None, stage: str) -> None:
    """A limit beyond what the measure can be is a slip: 80 for 0.8."""
    if possible is None:
        return
    least, most = possible
    for low, high in ((bound.min, bound.max), *((low, high) for _, low, high in bound.by)):
        if (low is not None and low > most) or (high is not None and high < least):
            raise ConfigError(
                f"stage '{stage}': no document could pass the bound on '{bound.measure}', which is "
                f"between {least:g} and {most:g}",
                remedy="A share is a number from 0 to 1 and not a percentage."
                if most == 1
                else None,
            )


def append_measures(
    batch: pa.RecordBatch, fields: tuple[pa.Field, ...], columns: list[Any]
) -> pa.RecordBatch:
    """``batch`` with ``columns`` (arrays of Arrow or numpy, or lists) behind its own."""
    arrays = [pa.array(values, field.type) for field, values in zip(fields, columns, strict=True)]
    return pa.record_batch(
        [*batch.columns, *arrays], schema=pa.schema([*batch.schema, *fields], batch.schema.metadata)
    )


def replace_text(batch: pa.RecordBatch, text: pa.Array) -> pa.RecordBatch:
    """``batch`` with another ``text`` (as large as before in rows), for filters that rewrite."""
    place = batch.schema.get_field_index("text")
    return batch.set_column(place, batch.schema.field(place), text.cast(batch.schema.types[place]))


def as_columns(measures: tuple[Measure, ...], values: npt.NDArray[np.float64]) -> list[pa.Array]:
    """``values`` float64[measures, rows] as columns of the measures' types; NaN as null."""
    absent = np.isnan(values)
    return [
        pa.array(np.where(no, 0, row).astype(each.type.to_pandas_dtype()), mask=no)
        for each, row, no in zip(measures, values, absent, strict=True)
    ]
