"""What all filters share: measures declared once, with type, meaning and default bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from winnow.pipeline.bounds import Bound, override
from winnow.schema import require_columns


@dataclass(frozen=True)
class Measure:
    """A column that a filter adds."""

    name: str
    type: pa.DataType
    min: float | None = None
    """Default bounds; a measure without any rejects nothing until a config says so."""
    max: float | None = None
    allowed: tuple[str, ...] | None = None

    def field(self) -> pa.Field:
        return pa.field(self.name, self.type)

    def bound(self) -> Bound | None:
        if self.min is None and self.max is None and self.allowed is None:
            return None
        return Bound(measure=self.name, min=self.min, max=self.max, allowed=self.allowed)


class MeasuredFilter:
    """The part of the Filter protocol that follows from ``measures``."""

    use: ClassVar[str]
    measures: ClassVar[tuple[Measure, ...]]
    """In the order in which their bounds are tested."""
    text_column: ClassVar[str] = "text"

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.text_column,)

    def measure_fields(self) -> tuple[pa.Field, ...]:
        return tuple(measure.field() for measure in self.measures)

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_columns(schema, self.reads, self.use)
        return pa.schema([*schema, *self.measure_fields()])

    @classmethod
    def parse_bounds(cls, table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """(bounds by measure, the stage's own keys). Where the filter has one measure, ``min`` and
        ``max`` may stand in the table itself."""
        names = [measure.name for measure in cls.measures]
        limits = {key: value for key, value in table.items() if key in names}
        rest = {key: value for key, value in table.items() if key not in names}
        if len(names) == 1:
            sides = {key: rest.pop(key) for key in ("min", "max") if key in rest}
            if sides:
                named = limits.get(names[0], {})
                limits[names[0]] = {**sides, **named} if isinstance(named, dict) else named
        return limits, rest

    def bounds(self, table: dict[str, Any]) -> tuple[Bound, ...]:
        defaults = (measure.bound() for measure in self.measures)
        names = tuple(measure.name for measure in self.measures)
        return override(tuple(bound for bound in defaults if bound), table, self.use, names)


def append_measures(
    batch: pa.RecordBatch, fields: tuple[pa.Field, ...], columns: list[Any]
) -> pa.RecordBatch:
    """``batch`` with ``columns`` (arrays of Arrow or numpy, or lists) behind its own."""
    arrays = [pa.array(values, field.type) for field, values in zip(fields, columns, strict=True)]
    return pa.record_batch(
        [*batch.columns, *arrays], schema=pa.schema([*batch.schema, *fields], batch.schema.metadata)
    )
