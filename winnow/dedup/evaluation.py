"""What the values of an expression are: float64 arrays, NaN where missing.

The rules are told in :mod:`winnow.dedup.expressions`, which checks a tree before it comes here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

TEXT_CHARS = "text_chars"
"""The name of what is no column: characters (code points) of ``text``."""

_SECONDS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_LN2_HIGH = 0.6931471804855391  # the first 33 bits of ln 2: times an exponent it is exact
_LN2_LOW = 7.440617110012397e-11
_TERMS = 13  # of atanh's series at most 0.172 from 0: the next is below 2^-64 of the first


def _log(values: np.ndarray) -> np.ndarray:
    """ln by ``2 atanh((m - 1) / (m + 1)) + e ln 2`` with x = m 2^e and m near 1."""
    mantissa, exponent = np.frexp(np.where(values > 0, values, 1.0))
    low = mantissa < 0.7071067811865476
    mantissa = np.where(low, mantissa * 2.0, mantissa)
    power = (exponent - low).astype(np.float64)
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    square = ratio * ratio
    series = np.zeros_like(square)
    for term in reversed(range(1, _TERMS + 1)):
        series = (series + 1.0 / (2 * term + 1)) * square
    twice = ratio * 2.0
    found = power * _LN2_HIGH + (twice + (twice * series + power * _LN2_LOW))
    return np.where(values == np.inf, np.inf, np.where(values > 0, found, np.nan))


def _coalesce(*values: np.ndarray) -> np.ndarray:
    found = values[0]
    for value in values[1:]:
        found = np.where(np.isnan(found), value, found)
    return found


def _least(*values: np.ndarray) -> np.ndarray:
    found = values[0]
    for value in values[1:]:
        found = np.minimum(found, value)  # NaN where either is
    return found


def _greatest(*values: np.ndarray) -> np.ndarray:
    return -_least(*(-value for value in values))


FUNCTIONS: dict[str, tuple[Callable[..., np.ndarray], int]] = {
    "abs": (np.abs, 1),
    "coalesce": (_coalesce, 2),
    "log": (_log, 1),
    "max": (_greatest, 2),
    "min": (_least, 2),
    "sqrt": (np.sqrt, 1),
}
"""Name → (what computes it, how many arguments: exactly 1, or 2 and more)."""

ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: lambda a, b: np.where(b == 0, np.nan, a / np.where(b == 0, 1.0, b)),
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal,
    ast.Eq: np.equal, ast.NotEq: np.not_equal,
}  # fmt: skip


class Evaluation:
    """The value of a checked tree over one batch: float64, an array of rows or a single number."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch

    def number(self, node: ast.expr) -> np.ndarray:
        if isinstance(node, ast.Constant):
            return np.float64(node.value)  # type: ignore[return-value,arg-type]
        if isinstance(node, ast.Name):
            if node.id == TEXT_CHARS and TEXT_CHARS not in self.batch.schema.names:
                return numbers(pc.utf8_length(self.batch.column("text")))
            return numbers(self.batch.column(node.id))
        if isinstance(node, ast.BinOp):
            found = ARITHMETIC[type(node.op)](self.number(node.left), self.number(node.right))
        elif isinstance(node, ast.UnaryOp):
            found = self._unary(node)
        elif isinstance(node, ast.BoolOp):
            values = [self.number(each) for each in node.values]
            found = _all(values) if isinstance(node.op, ast.And) else _not(_all(map(_not, values)))
        elif isinstance(node, ast.Compare):
            found = self._comparison(node)
        elif isinstance(node, ast.IfExp):
            test = self.number(node.test)
            found = np.where(test != 0, self.number(node.body), self.number(node.orelse))
            found = np.where(np.isnan(test), np.nan, found)
        else:
            assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            function = FUNCTIONS[node.func.id][0]
            found = function(*(self.number(each) for each in node.args))
        return np.asarray(found, np.float64)

    def _unary(self, node: ast.UnaryOp) -> np.ndarray:
        value = self.number(node.operand)
        if isinstance(node.op, ast.Not):
            return _not(value)
        return -value if isinstance(node.op, ast.USub) else value

    def _comparison(self, node: ast.Compare) -> np.ndarray:
        strings = string_comparison(node)
        if strings is not None:
            assert isinstance(strings[0], ast.Name)
            return self._among(strings[0].id, strings[1], isinstance(node.ops[0], ast.Eq | ast.In))
        values = [self.number(each) for each in (node.left, *node.comparators)]
        found = []
        for op, left, right in zip(node.ops, values, values[1:], strict=False):
            missing = np.isnan(left) | np.isnan(right)
            found.append(np.where(missing, np.nan, COMPARISONS[type(op)](left, right)))
        return _all(found)

    def _among(self, name: str, strings: tuple[Any, ...], wanted: bool) -> np.ndarray:
        column = self.batch.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        found = pc.is_in(column, pa.array(strings, column.type)).to_numpy(zero_copy_only=False)
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        return np.where(valid, (found == wanted).astype(np.float64), np.nan)


def numbers(column: pa.Array) -> np.ndarray:
    """``float64[rows]`` of a column of numbers, NaN for null; dates as seconds since 1970."""
    kind, scale = column.type, 1.0
    if pa.types.is_timestamp(kind):
        column, scale = column.cast(pa.int64()), _SECONDS[kind.unit]
    elif pa.types.is_date(kind):
        column, scale = column.cast(pa.timestamp("s")).cast(pa.int64()), 1.0
    elif pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    values = column.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64) / scale
    return np.where(valid, values, np.nan)


def _all(values: Any) -> np.ndarray:
    """0 where any is 0, else missing where any is missing, else 1."""
    found: Any = np.float64(1.0)
    for value in values:
        zero = (value == 0) | (found == 0)
        missing = np.isnan(value) | np.isnan(found)
        found = np.where(zero, 0.0, np.where(missing, np.nan, 1.0))
    return np.asarray(found, np.float64)


def _not(value: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(value), np.nan, (value == 0).astype(np.float64))


def string_comparison(node: ast.Compare) -> tuple[ast.expr, tuple[Any, ...]] | None:
    """The column and the strings of ``column == "x"`` or ``column in ("x", "y")``, if it is one."""
    if len(node.ops) != 1:
        return None
    sides = node.left, node.comparators[0]
    if isinstance(node.ops[0], ast.In | ast.NotIn):
        listed = sides[1]
        if not isinstance(listed, ast.Tuple | ast.List):
            return None
        return sides[0], tuple(getattr(each, "value", None) for each in listed.elts)
    for side, other in (sides, sides[::-1]):
        if isinstance(other, ast.Constant) and isinstance(other.value, str):
            return side, (other.value,)
    return None
