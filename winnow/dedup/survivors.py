"""Which member of a cluster stays: a number per document, of which the greatest wins.

The number is uint64 whatever it is made from, so that one comparison serves every policy. Ties go
to the smallest ``doc_id``, which makes the choice independent of everything but the documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
earliest, latest: ``crawl_date``. highest, lowest: the column that ``keep_by`` names. A document
without date or value loses to every one that has it."""

_SIGN = np.uint64(1 << 63)
_COLUMN = {
    "longest": "text", "shortest": "text", "first": "doc_id", "last": "doc_id",
    "earliest": "crawl_date", "latest": "crawl_date",
}  # fmt: skip


def check_policy(keep: Keep, keep_by: str | None) -> None:
    """Raise :class:`ValueError` unless ``keep_by`` is given exactly where ``keep`` needs it."""
    if (keep in ("highest", "lowest")) != (keep_by is not None):
        raise ValueError(
            f"keep = {keep!r} "
            + ("goes with keep_by, the column to compare" if keep_by is None else "uses no keep_by")
        )


def policy_column(keep: Keep, keep_by: str | None, columns: pa.Schema, stage: str) -> str:
    """The column that the policy reads; :class:`PlanError` where it is absent or no number."""
    column = _COLUMN.get(keep) or keep_by or ""
    require_columns(columns, (column,), stage)
    if keep in ("highest", "lowest"):
        kind = columns.field(column).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise PlanError(
                f"stage '{stage}': keep_by = '{column}' is a column of {kind}, not of numbers"
            )
    return column


def preferences(keep: Keep, column: pa.Array) -> np.ndarray:
    """``uint64[rows]``, greatest preferred, of the policy's column."""
    if keep in ("longest", "shortest"):
        numbers = pc.utf8_length(column).cast(pa.int64())
    elif keep in ("first", "last"):
        # unsigned already; "first" is the tie-break itself
        ids: np.ndarray = column.to_numpy(zero_copy_only=False)
        return ids if keep == "last" else np.zeros(len(ids), np.uint64)
    elif pa.types.is_floating(column.type):
        # a NaN compares with nothing: it counts as no value
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        return _ranked(column, _float_order(column.cast(pa.float64())), keep)
    elif pa.types.is_uint64(column.type):
        unsigned: np.ndarray = column.fill_null(0).to_numpy(zero_copy_only=False)
        return _ranked(column, unsigned, keep)
    else:
        numbers = column.cast(pa.int64())
    signed = numbers.fill_null(0).to_numpy(zero_copy_only=False)
    return _ranked(numbers, signed.view(np.uint64) ^ _SIGN, keep)


def _float_order(column: pa.Array) -> np.ndarray:
    """float64 → uint64 in the same order: IEEE 754 numbers sort as sign and magnitude."""
    values = column.fill_null(0.0).to_numpy(zero_copy_only=False) + 0.0  # -0.0 becomes 0.0
    bits: np.ndarray = values.view(np.uint64)
    return np.where(bits >> np.uint64(63) == 1, ~bits, bits | _SIGN)


def _ranked(column: pa.Array, ascending: np.ndarray, keep: Keep) -> np.ndarray:
    wanted = ~ascending if keep in ("shortest", "earliest", "lowest") else ascending
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    # 0 is for "no value"; a real value at the very end of the range shares the place above it
    return np.where(valid, np.maximum(wanted, np.uint64(1)), np.uint64(0))


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
        return cls(keep, keep_by, prefer, (policy_column(keep, keep_by, columns, stage),))

    def preferences(self, batch: pa.RecordBatch) -> np.ndarray:
        """``uint64[rows]``, greatest preferred, of a batch that has :attr:`columns`."""
        return preferences(self.keep, batch.column(self.columns[0]))
