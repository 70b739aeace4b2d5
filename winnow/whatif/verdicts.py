"""Where verdicts come from: a column, or bounds, judged again as far as they must be.

A source says which columns it needs of the ledger, and gives the verdicts of a shard as numbers:
``names[code]`` is the verdict, 0 is "kept", -1 a document that an earlier step had rejected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from winnow.pipeline.bounds import Bound, in_order
from winnow.schema import KEPT
from winnow.store.manifest import Store
from winnow.whatif.ledger import codes_of, column, plain, read_shard

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Verdicts:
    """Of the documents of one shard."""

    names: list[str]
    codes: Codes

    def counts(self) -> dict[str, int]:
        """Documents by verdict; those not considered are left out."""
        found = np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))
        return {name: int(count) for name, count in zip(self.names, found, strict=True) if count}


class VerdictSource(Protocol):
    """Verdicts of every shard."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Of the ledger."""
        ...

    def of(self, shard: int, table: pa.Table) -> Verdicts: ...


def from_labels(array: pa.Array) -> Verdicts:
    """Verdicts of a column that holds them as words."""
    labels, codes = codes_of(array)
    names = [KEPT, *(label for label in labels if label != KEPT)]
    place = {name: number for number, name in enumerate(names)}
    moved = np.array([*(place[label] for label in labels), -1], np.int64)
    return Verdicts(names, moved[codes])


@dataclass(frozen=True)
class ColumnVerdicts:
    """What a column of the ledger says."""

    name: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.name,)

    def of(self, shard: int, table: pa.Table) -> Verdicts:
        return from_labels(column(table, self.name))


@dataclass(frozen=True)
class StoreVerdicts:
    """What another store says, aligned with the ledger."""

    store: Store
    columns: tuple[str, ...] = ()

    def of(self, shard: int, table: pa.Table) -> Verdicts:
        return from_labels(column(read_shard(self.store, shard, ["verdict"]), "verdict"))


class BoundVerdicts:
    """What ``bounds`` say of the measures; where ``known`` (the ledger's own bounds, whose bits it
    holds) has a bound, its bit is used and its measure not read."""

    def __init__(self, bounds: tuple[Bound, ...], known: tuple[Bound, ...] = ()) -> None:
        parts = [part for _, part in in_order(bounds)]
        bits = {bound: bit for bit, bound in enumerate(known) if bound.top is None}
        self._parts = parts
        self._bits = np.uint64(0)
        self._place_of_bit = np.full(65, len(parts), np.int64)
        last = -1
        self._judged: list[tuple[int, Bound]] = []
        for place, part in enumerate(parts):
            bit = bits.pop(part, None)
            if part.top is None and bit is not None and bit > last:
                self._bits |= np.uint64(1) << np.uint64(bit)
                self._place_of_bit[bit] = place
                last = bit
            elif not _is_empty(part):
                self._judged.append((place, part))

    @property
    def columns(self) -> tuple[str, ...]:
        needed = ["verdict"]  # null where an earlier step had rejected the document
        needed += ["broken_bounds"] if self._bits else []
        needed += [name for _, part in self._judged for name in part.columns()]
        needed += [part.measure for part in self._parts if part.label_is_verdict]
        return tuple(dict.fromkeys(needed))

    def first_broken(self, table: pa.Table) -> Codes:
        """The place, in the order in which they are tested, of the first bound that each document
        breaks; as many as there are where it breaks none."""
        first = np.full(table.num_rows, len(self._parts), np.int64)
        if self._bits:
            bits = column(table, "broken_bounds")
            bits = bits.fill_null(0) if bits.null_count else bits
            known = bits.to_numpy(zero_copy_only=False)
            known = known & self._bits
            lowest = known & (~known + np.uint64(1))
            # zeros below the lowest bit; 64 where there is none
            first = self._place_of_bit[np.bitwise_count(lowest - np.uint64(1))]
        if self._judged:
            batch = _batch(table, [name for _, part in self._judged for name in part.columns()])
            for place, part in self._judged:
                first[(part.margins(batch)[0] < 0) & (place < first)] = place
        return first

    def of(self, shard: int, table: pa.Table) -> Verdicts:
        first = self.first_broken(table)
        names = [KEPT]
        codes = np.zeros(len(first), np.int64)
        code_of: dict[str, int] = {KEPT: 0}

        def code(name: str) -> int:
            if name not in code_of:
                code_of[name] = len(names)
                names.append(name)
            return code_of[name]

        reasons = np.zeros(len(self._parts) + 1, np.int64)
        for place in np.unique(first):
            if place < len(self._parts) and not self._parts[place].label_is_verdict:
                reasons[place] = code(self._parts[place].measure)
        codes = reasons[first]
        for place, part in enumerate(self._parts):
            if part.label_is_verdict and (rows := first == place).any():
                labels, label_codes = codes_of(column(table, part.measure))
                own = np.array([*(code(label) for label in labels), 0], np.int64)
                codes[rows] = own[label_codes[rows]]
        considered = pc.is_valid(column(table, "verdict")).to_numpy(zero_copy_only=False)
        codes[~considered] = -1
        return Verdicts(names, codes)


def _is_empty(part: Bound) -> bool:
    """Whether nothing can break it: the limits of a bound that is a top share alone."""
    limits = (part.min, part.max, part.allowed, part.top)
    return all(each is None for each in limits) and not part.by


def _batch(table: pa.Table, names: list[str]) -> pa.RecordBatch:
    columns = {name: plain(column(table, name)) for name in dict.fromkeys(names)}
    return pa.record_batch(list(columns.values()), names=list(columns))
