"""Which member of a cluster stays: a number per document, of which the greatest wins.

The number is uint64 whatever it is made from, so that one comparison serves every policy. Ties go
to the smallest ``doc_id``, which makes the choice independent of everything but the documents.

=================  ================================================================================
without `prefer`   64 bits of the policy's number; 0 is "no value", which loses to every value
with `prefer`      the rank of the first entry of ``prefer`` that matches in the top 8 bits (255
                   entries at most, none matches: 0), the policy's number in the other 56
=================  ================================================================================

What 56 bits lose, and only where ``prefer`` is given: fractions are compared by their first 45
significant bits (6e-14 of the value; those that float32 can say lose nothing), whole numbers and
dates saturate at ±2^55, unsigned ones and ``doc_id`` at 2^56 (16 million splits). What is equal so
far is a tie.

Where there is an index, 2^64 - 1 is the number of the documents that it has; what else would have
that number is lowered by one where they meet (clustering/node_ids.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.dedup.expressions import Expression, is_number
from winnow.dedup.preferred import Preferred
from winnow.errors import PlanError
from winnow.schema import require_columns

Keep = Literal[
    "longest",
    "shortest",
    "first",
    "last",
    "earliest",
    "latest",
    "highest",
    "lowest",
    "datatrove-0.10",
]
"""longest, shortest: characters of the text. first, last: ``doc_id``, the order of the input.
earliest, latest: ``crawl_date``. highest, lowest: ``keep_by``, a column or an expression over
columns (:mod:`winnow.dedup.expressions`). A document without date or value loses to every one that
has it. datatrove-0.10: whom datatrove's union-find would keep (near-duplicates only)."""

DATATROVE = "datatrove-0.10"

_SIGN = np.uint64(1 << 63)
_COLUMN = {
    "longest": "text", "shortest": "text", "first": "doc_id", "last": "doc_id",
    "earliest": "crawl_date", "latest": "crawl_date",
}  # fmt: skip
_LEAST_WINS = ("shortest", "earliest", "lowest")
_NUMBER_BITS = 56  # of a preference, where the other eight are for `prefer`
_MOST_SIGNED = (1 << (_NUMBER_BITS - 1)) - 1
_MOST_UNSIGNED = np.uint64((1 << _NUMBER_BITS) - 1)


def check_policy(keep: Keep, keep_by: str | None, prefer: tuple[str, ...] = ()) -> None:
    """Raise :class:`ValueError` unless ``keep_by`` is given exactly where ``keep`` needs it, and
    every entry of ``prefer`` is one."""
    if (keep in ("highest", "lowest")) != (keep_by is not None):
        raise ValueError(
            f"keep = {keep!r} "
            + ("goes with keep_by, what to compare" if keep_by is None else "uses no keep_by")
        )
    if prefer and keep == DATATROVE:
        raise ValueError(f"keep = {DATATROVE!r} leaves nothing to prefer: it is datatrove's choice")
    Preferred.parse(prefer)


@dataclass(frozen=True)
class Policy:
    """A block's choice of survivor, as its sign work holds it."""

    keep: Keep
    keep_by: str | None
    prefer: tuple[str, ...]
    columns: tuple[str, ...]
    """Columns that :meth:`preferences` reads."""

    @classmethod
    def parse(
        cls,
        keep: Keep,
        keep_by: str | None,
        prefer: tuple[str, ...],
        columns: pa.Schema,
        stage: str,
    ) -> Policy:
        """The policy over the ``columns`` that there are; :class:`PlanError` where it cannot be."""
        try:
            check_policy(keep, keep_by, prefer)
        except ValueError as error:
            raise PlanError(f"stage '{stage}': {error}") from None
        preferred = Preferred.parse(prefer)
        preferred.check(columns, stage)
        needed = (*_policy_columns(keep, keep_by, columns, stage), *preferred.columns)
        return cls(keep, keep_by, prefer, tuple(dict.fromkeys(needed)))

    def preferences(self, batch: pa.RecordBatch) -> np.ndarray:
        """``uint64[rows]``, greatest preferred, of a batch that has :attr:`columns`."""
        bits = _NUMBER_BITS if self.prefer else 64
        numbers = self._numbers(batch, bits)
        if not self.prefer:
            return numbers
        ranks = Preferred.parse(self.prefer).ranks(batch)
        both: np.ndarray = (ranks << np.uint64(_NUMBER_BITS)) | numbers
        return both

    def _numbers(self, batch: pa.RecordBatch, bits: int) -> np.ndarray:
        if self.keep in ("first", DATATROVE):  # the tie-break itself; another step's choice
            return np.zeros(batch.num_rows, np.uint64)
        if self.keep == "last":
            ids: np.ndarray = batch.column("doc_id").to_numpy(zero_copy_only=False)
            return ids if bits == 64 else np.asarray(np.minimum(ids, _MOST_UNSIGNED))
        name = _COLUMN.get(self.keep) or self.keep_by or ""
        if name not in self.columns:
            found = Expression(name, self.columns).evaluate(batch)
            column = pa.array(found, pa.float64(), from_pandas=False)
        elif name == "text":
            column = pc.utf8_length(batch.column(name))
        else:
            column = batch.column(name)
        return ordered(column, self.keep in _LEAST_WINS, bits)


def _policy_columns(
    keep: Keep, keep_by: str | None, columns: pa.Schema, stage: str
) -> tuple[str, ...]:
    """What the policy reads; :class:`PlanError` where it is absent or no number."""
    if keep == DATATROVE:
        return ()
    if keep in _COLUMN:
        require_columns(columns, (_COLUMN[keep],), stage)
        return (_COLUMN[keep],)
    assert keep_by is not None
    if keep_by not in columns.names:
        return Expression.parse(keep_by, columns, stage).columns
    kind = columns.field(keep_by).type
    if not is_number(kind):
        raise PlanError(
            f"stage '{stage}': keep_by = '{keep_by}' is a column of {kind}, not of numbers"
        )
    return (keep_by,)


def ordered(column: pa.Array, least_wins: bool, bits: int) -> np.ndarray:
    """``uint64[rows]`` below 2^bits (64 or 56) in the order of ``column``'s numbers, backwards
    where ``least_wins``; 0 for null and NaN, and 1 at least for all others."""
    if pa.types.is_floating(column.type):
        # a NaN compares with nothing: it counts as no value
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        ascending = _float_order(column.cast(pa.float64()))
        wanted = (~ascending if least_wins else ascending) >> np.uint64(64 - bits)
    elif pa.types.is_uint64(column.type):
        unsigned: np.ndarray = column.fill_null(0).to_numpy(zero_copy_only=False)
        most = _MOST_UNSIGNED if bits < 64 else np.uint64((1 << 64) - 1)
        unsigned = np.minimum(unsigned, most)
        wanted = most - unsigned if least_wins else unsigned
    else:
        if pa.types.is_date(column.type):
            column = column.cast(pa.timestamp("s"))
        signed = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        if bits < 64:
            signed = np.clip(signed, -_MOST_SIGNED - 1, _MOST_SIGNED)
            shifted = (signed + (_MOST_SIGNED + 1)).view(np.uint64)
            wanted = _MOST_UNSIGNED - shifted if least_wins else shifted
        else:
            shifted = signed.view(np.uint64) ^ _SIGN
            wanted = ~shifted if least_wins else shifted
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    # 0 is for "no value"; a real value at the very end of the range shares the place above it
    return np.where(valid, np.maximum(wanted, np.uint64(1)), np.uint64(0))


def _float_order(column: pa.Array) -> np.ndarray:
    """float64 → uint64 in the same order: IEEE 754 numbers sort as sign and magnitude."""
    values = column.fill_null(0.0).to_numpy(zero_copy_only=False) + 0.0  # -0.0 becomes 0.0
    bits: np.ndarray = values.view(np.uint64)
    return np.where(bits >> np.uint64(63) == 1, ~bits, bits | _SIGN)
