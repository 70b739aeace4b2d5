"""The documents that bounds are tuned on, and the limits that may move."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from winnow.errors import ConfigError, nearest
from winnow.pipeline.bounds import Bound
from winnow.store.manifest import Store
from winnow.whatif.ledger import column, each_shard, plain, read_shard

Side = Literal["min", "max"]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Limit:
    """One side of one bound; of one label where the bound goes by a label."""

    bound: int
    """Its place in the list of bounds."""
    measure: str
    side: Side
    value: float
    label: str | None = None

    @property
    def name(self) -> str:
        """As a config writes it."""
        inner = f".per_language.{self.label}" if self.label is not None else ""
        return f"{self.measure}{inner}.{self.side}"


class Population:
    """Documents of a ledger that no earlier step has rejected; numbers of each, row for row."""

    def __init__(
        self, ledger: Store, bounds: tuple[Bound, ...], also: tuple[str, ...] = ()
    ) -> None:
        self.bounds = tuple(replace(bound, top=None) for bound in bounds)
        needed = dict.fromkeys([*also, *(c for b in self.bounds for c in b.columns())])
        columns = list(dict.fromkeys(["verdict", "extract_problem", *needed]))
        schema = ledger.manifest["schema"]

        def of_shard(shard: int) -> tuple[int, pa.Table]:
            table = read_shard(ledger, shard, [c for c in columns if c in schema])
            considered = pc.is_valid(column(table, "verdict"))
            text = pc.and_(considered, pc.is_null(column(table, "extract_problem")))
            arrays = {c: plain(column(table, c)) for c in columns if c in schema}
            count = int(pc.sum(considered).as_py() or 0)
            return count, pa.table(arrays).filter(text)

        parts = list(each_shard(len(ledger.shards), of_shard))
        self.documents = sum(count for count, _ in parts)
        """Considered ones, with a text or without: what shares are of."""
        self.table = pa.concat_tables([table for _, table in parts]).combine_chunks()

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def numbers(self, measure: str) -> Floats:
        """``float64[documents with a text]``, NaN for null."""
        values: Floats = (
            column(self.table, measure).cast(pa.float64()).to_numpy(zero_copy_only=False)
        )
        return values

    def is_label(self, name: str, label: str) -> Mask:
        found = pc.fill_null(pc.equal(column(self.table, name), label), False)
        mask: Mask = found.to_numpy(zero_copy_only=False)
        return mask

    def rows_of(self, limit: Limit) -> Mask:
        """Which documents a limit speaks of: those of its label, or of no listed label."""
        bound = self.bounds[limit.bound]
        if bound.by_column is None:
            return np.ones(len(self), bool)
        if limit.label is not None:
            return self.is_label(bound.by_column, limit.label)
        rows = np.ones(len(self), bool)
        for label, _, _ in bound.by:
            rows &= ~self.is_label(bound.by_column, label)
        return rows

    def kept_by(self, bounds: list[Bound]) -> Mask:
        """Documents that break none of ``bounds``."""
        kept = np.ones(len(self), bool)
        for bound in bounds:
            names = list(dict.fromkeys(bound.columns()))
            arrays = [column(self.table, name) for name in names]
            kept &= bound.margins(pa.record_batch(arrays, names=names))[0] >= 0
        return kept


def limits_of(bounds: tuple[Bound, ...], measures: tuple[str, ...] | None) -> list[Limit]:
    """The limits that may move: those on numbers, on ``measures`` only where given.

    Raises :class:`ConfigError` for one of ``measures`` that has no such limit.
    """
    found: list[Limit] = []
    for place, bound in enumerate(bounds):
        if bound.allowed is not None:
            continue
        for label, low, high in ((None, bound.min, bound.max), *bound.by):
            sides: tuple[tuple[Side, float | None], ...] = (("min", low), ("max", high))
            found += [
                Limit(place, bound.measure, side, value, label)
                for side, value in sides
                if value is not None
            ]
    if not found:
        raise ConfigError("these bounds have no limit on a number: there is nothing to tune")
    have = dict.fromkeys(limit.measure for limit in found)
    for measure in measures or ():
        if measure not in have:
            raise ConfigError(
                f"--measures: there is no bound on numbers of '{measure}' to tune."
                f"{nearest(measure, have)}",
                remedy=f"bounds: {', '.join(have)}",
            )
    return [limit for limit in found if measures is None or limit.measure in measures]


def moved(bounds: tuple[Bound, ...], limits: dict[Limit, float]) -> tuple[Bound, ...]:
    """``bounds`` with each of ``limits`` at its new value."""
    changed = list(bounds)
    for limit, value in limits.items():
        bound = changed[limit.bound]
        if limit.label is None:
            low = value if limit.side == "min" else bound.min
            high = value if limit.side == "max" else bound.max
            changed[limit.bound] = replace(bound, min=low, max=high)
            continue
        by = {label: {"min": low, "max": high} for label, low, high in bound.by}
        by[limit.label][limit.side] = value
        sides = tuple((label, each["min"], each["max"]) for label, each in by.items())
        changed[limit.bound] = replace(bound, by=sides)
    return tuple(changed)


def shortest(low: float, high: float, side: Side) -> float:
    """The shortest decimal that is no other decision: for a minimum in (low, high], for a maximum
    in [low, high)."""
    keep = high if side == "min" else low
    for digits in range(1, 17):
        for candidate in (float(f"{keep:.{digits}g}"), float(f"{(low + high) / 2:.{digits}g}")):
            inside = low < candidate <= high if side == "min" else low <= candidate < high
            if inside:
                return candidate
    return keep
