"""Arithmetic over the columns of a batch: what ``keep_by`` of a policy may be.

::

    quality_score + 0.1 * (language == "en")
    log(text_chars) * quality_score if word_count >= 50 else 0
    coalesce(quality_score, 0) - (crawl_date < 1704067200)

Written as Python writes it, and never run as Python: the syntax tree is walked, and what is not
listed here is refused when the plan is made. Numbers; columns by name (numbers, true and false as 1
and 0, dates as seconds since 1970); ``text_chars``, the characters of the text, where no column is
called so; ``+ - * /``, comparisons, ``and or not``, ``a if c else b``; the functions of
:data:`FUNCTIONS`; and of columns of strings ``language == "en"``, ``!=``, ``in ("en", "de")`` and
``not in``.

All is float64, so whole numbers beyond 2^53 are rounded first. Comparisons and ``and or not`` give
1 or 0. **Missing** is what is null or NaN, and whatever Python would not compute (a division by
zero, the logarithm of what is not above zero). It spreads: a sum with a missing term is missing,
and so is a comparison. But ``and``, ``or`` and a choice are as known as what decides them (0 and
missing: 0), and ``coalesce(a, b)`` is the first of its values that is not missing.

Equal to the last bit on every machine: IEEE 754 fixes ``+ - * /`` and the square root, one
operation is one pass of numpy (so none are fused), and the logarithm is made of these (within
1e-15 of the true one, relatively) and not the C library's.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from winnow.dedup.evaluation import (
    ARITHMETIC,
    COMPARISONS,
    FUNCTIONS,
    TEXT_CHARS,
    Evaluation,
    string_comparison,
)
from winnow.errors import PlanError, nearest
from winnow.schema import require_columns

MAX_CHARS, MAX_DEPTH = 1000, 50  # of an expression: so that no tree is too deep to be walked

_OF_STRINGS = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)


def is_number(kind: pa.DataType) -> bool:
    """Whether an expression can compute with a column of ``kind``."""
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
    return any(each(kind) for each in (*numbers, pa.types.is_timestamp, pa.types.is_date))


def is_string(kind: pa.DataType) -> bool:
    """Whether a column of ``kind`` holds strings, by themselves or as a dictionary."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


@dataclass(frozen=True)
class Expression:
    """A checked expression; hashable, picklable, and compiled anew where it is opened."""

    text: str
    columns: tuple[str, ...]
    """What :meth:`evaluate` reads, in order of appearance."""

    @classmethod
    def parse(cls, text: str, schema: pa.Schema, stage: str) -> Expression:
        """:class:`PlanError` where ``text`` is no expression over the columns of ``schema``."""
        where = f"stage '{stage}': keep_by = {text!r}"
        try:
            tree = _tree(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            what = error.msg if isinstance(error, SyntaxError) else str(error)
            raise _refused(where, f"is no expression: {what}") from None
        checker = _Checker(schema, where, stage)
        checker.number(tree, 0)
        return cls(text, tuple(dict.fromkeys(checker.columns)))

    def evaluate(self, batch: pa.RecordBatch) -> np.ndarray:
        """``float64[rows]``, NaN where missing, of a batch that has :attr:`columns`."""
        with np.errstate(all="ignore"):
            found = Evaluation(batch).number(_tree(self.text))
        return np.broadcast_to(found, (batch.num_rows,))


@lru_cache(maxsize=64)
def _tree(text: str) -> ast.expr:
    if len(text) > MAX_CHARS:
        raise ValueError(f"it has more than {MAX_CHARS:,} characters")
    return ast.parse(text.strip(), mode="eval").body


def _refused(where: str, what: str) -> PlanError:
    return PlanError(
        f"{where} {what}",
        remedy='Columns, numbers, + - * /, comparisons, and, or, not, "a if c else b", and '
        f"{', '.join(FUNCTIONS)}; for example: quality_score + 0.1 * (language == 'en')",
    )


class _Checker:
    """Walks a tree before anything is computed; collects the columns."""

    def __init__(self, schema: pa.Schema, where: str, stage: str) -> None:
        self.schema = schema
        self.where = where
        self.stage = stage
        self.columns: list[str] = []

    def number(self, node: ast.expr, depth: int) -> None:
        """Raise unless ``node`` is an expression whose value is a number."""
        if depth > MAX_DEPTH:
            raise _refused(self.where, f"is nested more than {MAX_DEPTH} deep")
        if isinstance(node, ast.Constant):
            self._constant(node)
        elif isinstance(node, ast.Name):
            self._column(node.id, is_number, "numbers")
        elif isinstance(node, ast.Compare) and string_comparison(node) is not None:
            self._strings(node)
        else:
            for operand in self._operands(node):
                self.number(operand, depth + 1)

    def _operands(self, node: ast.expr) -> Iterator[ast.expr]:
        if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
            return iter((node.left, node.right))
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Invert):
            return iter((node.operand,))
        if isinstance(node, ast.BoolOp):
            return iter(node.values)
        if isinstance(node, ast.Compare) and all(type(op) in COMPARISONS for op in node.ops):
            return iter((node.left, *node.comparators))
        if isinstance(node, ast.IfExp):
            return iter((node.test, node.body, node.orelse))
        if isinstance(node, ast.Call):
            return iter(self._arguments(node))
        raise _refused(self.where, f"has a part that it cannot have: {_source(node)}")

    def _arguments(self, node: ast.Call) -> list[ast.expr]:
        name = node.func.id if isinstance(node.func, ast.Name) else _source(node.func)
        if name not in FUNCTIONS:
            raise _refused(self.where, f"has no function {name!r}.{nearest(name, FUNCTIONS)}")
        wanted, given = FUNCTIONS[name][1], len(node.args)
        starred = any(isinstance(each, ast.Starred) for each in node.args)
        if node.keywords or starred or given < wanted or (wanted == 1 and given > 1):
            count = "one value" if wanted == 1 else "two values or more"
            raise _refused(self.where, f"must give {name}() {count}")
        return node.args

    def _constant(self, node: ast.Constant) -> None:
        # not bool: `True` in arithmetic is more often a slip than meant
        if type(node.value) not in (int, float):
            raise _refused(self.where, f"has {_source(node)} where a number must be")
        try:
            number = float(node.value)  # type: ignore[arg-type]
        except OverflowError:
            number = np.inf
        if not np.isfinite(number):
            raise _refused(self.where, "has a number that float64 cannot hold")

    def _column(self, name: str, fits: Callable[[pa.DataType], bool], what: str) -> None:
        if name == TEXT_CHARS and name not in self.schema.names and fits is is_number:
            name = "text"
            require_columns(self.schema, (name,), self.stage)
        else:
            require_columns(self.schema, (name,), self.stage)
            kind = self.schema.field(name).type
            if not fits(kind):
                raise _refused(self.where, f"reads '{name}', a column of {kind}, not of {what}")
        self.columns.append(name)

    def _strings(self, node: ast.Compare) -> None:
        side, strings = string_comparison(node) or (None, ())
        if (
            not isinstance(side, ast.Name)
            or not isinstance(node.ops[0], _OF_STRINGS)
            or not all(isinstance(each, str) for each in strings)
        ):
            raise _refused(
                self.where, "compares a string with what is no column, or by other than == != in"
            )
        self._column(side.id, is_string, "strings")


def _source(node: ast.expr) -> str:
    try:
        return ast.unparse(node)
    except RecursionError:
        return type(node).__name__
