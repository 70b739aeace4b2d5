"""Expressions are what Python makes of the same text, null is missing, and the rest is refused."""

from __future__ import annotations

import ast
import math
import pickle
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.evaluation import numbers
from winnow.dedup.expressions import MAX_CHARS, Expression
from winnow.errors import PlanError

SCHEMA = pa.schema(
    [
        ("a", pa.float64()), ("b", pa.int64()), ("c", pa.bool_()), ("language", pa.string()),
        ("source", pa.dictionary(pa.int32(), pa.string())), ("text", pa.large_string()),
        ("day", pa.timestamp("s", tz="UTC")),
    ]
)  # fmt: skip


def evaluate(text: str, rows: list[dict[str, Any]]) -> list[float | None]:
    expression = Expression.parse(text, SCHEMA, "minhash")
    found = expression.evaluate(pa.RecordBatch.from_pylist(rows, SCHEMA))
    assert found.dtype == np.float64 and found.shape == (len(rows),)
    return [None if math.isnan(value) else value for value in found.tolist()]


# the leaves are small so that nothing overflows
LEAVES = ["a", "b", "c", "0", "1", "2.5", "7", "1e-3"]
OF_STRINGS = ['language == "en"', '"de" != language', 'language in ("en", "fr")',
              "source not in ['web']"]  # fmt: skip
FORMS = [
    *(f"({{0}} {op} {{1}})" for op in ("+", "-", "*", "/", "and", "or")),
    *(f"({{0}} {one} {{1}} {two} {{2}})" for one in ("<", "==") for two in (">", "<=", "!=")),
    *(f"({{0}} {op} {{1}})" for op in ("<", "<=", ">", ">=", "==", "!=")),
    "(not {0})", "(-{0})", "({0} if {1} else {2})", "min({0}, {1})", "max({0}, {1}, {2})",
    "coalesce({0}, {1})", "abs({0})", "sqrt({0})",
]  # fmt: skip


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    """Texts whose value is a number."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from([*LEAVES, *(f"({text})" for text in OF_STRINGS)]))
    form = draw(st.sampled_from(FORMS))
    return form.format(*(draw(expressions(depth - 1)) for _ in range(form.count("{"))))


number = st.integers(-8, 8).map(float) | st.floats(-1e3, 1e3)
whole = st.fixed_dictionaries(
    {
        "a": number, "b": st.integers(-9, 9), "c": st.booleans(),
        "language": st.sampled_from(["en", "de", "fr", ""]),
        "source": st.sampled_from(["web", "books"]), "text": st.just("x"), "day": st.none(),
    }
)  # fmt: skip


class Truth(ast.NodeTransformer):
    """`a and b` is one of its operands in Python; here it is 1 or 0."""

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        return ast.Call(ast.Name("bool", ast.Load()), [node], [])


@given(expressions(), whole)
@settings(deadline=None, max_examples=400)
def test_equal_to_pythons_own_evaluation_to_the_last_bit(text: str, row: dict[str, Any]) -> None:
    tree = ast.fix_missing_locations(Truth().visit(ast.parse(text, mode="eval")))
    names = {**row, "b": float(row["b"]), "c": float(row["c"])}
    functions = {"min": min, "max": max, "abs": abs, "sqrt": math.sqrt, "bool": bool}
    functions["coalesce"] = lambda x, y: x  # nothing is missing where nothing raises
    try:
        wanted = float(eval(compile(tree, "", "eval"), {"__builtins__": {}, **functions}, names))
    except (ZeroDivisionError, ValueError):
        return  # the slow twin below says what then holds
    assert evaluate(text, [row]) == [wanted]


def slow(node: ast.expr, row: dict[str, Any]) -> float | None:
    """One row, in plain Python; None is missing."""
    match node:
        case ast.Constant():
            return float(node.value)
        case ast.Name():
            value = row[node.id]
            return None if value is None or value != value else float(value)
        case ast.BinOp():
            left, right = slow(node.left, row), slow(node.right, row)
            if left is None or right is None:
                return None
            match node.op:
                case ast.Add():
                    return left + right
                case ast.Sub():
                    return left - right
                case ast.Mult():
                    return left * right
                case _:
                    return left / right if right else None
        case ast.UnaryOp():
            value = slow(node.operand, row)
            if value is None:
                return None
            return float(not value) if isinstance(node.op, ast.Not) else -value
        case ast.BoolOp():
            values = [slow(each, row) for each in node.values]
            decisive = isinstance(node.op, ast.Or)
            if any(value is not None and bool(value) == decisive for value in values):
                return float(decisive)
            return None if None in values else float(not decisive)
        case ast.IfExp():
            test = slow(node.test, row)
            return None if test is None else slow(node.body if test else node.orelse, row)
        case ast.Call():
            given = [slow(each, row) for each in node.args]
            name = node.func.id  # type: ignore[attr-defined]
            if name == "coalesce":
                return next((value for value in given if value is not None), None)
            known = [value for value in given if value is not None]
            if len(known) < len(given) or (name == "sqrt" and known[0] < 0):
                return None
            return float({"min": min, "max": max, "abs": abs, "sqrt": math.sqrt}[name](*known))
    assert isinstance(node, ast.Compare)
    column = [each for each in (node.left, *node.comparators) if isinstance(each, ast.Name)]
    if len(node.ops) == 1 and column and column[0].id in ("language", "source"):
        value = row[column[0].id]
        text = ast.unparse(node)
        return None if value is None else float(eval(text, {column[0].id: value}))
    values = [slow(each, row) for each in (node.left, *node.comparators)]
    found: list[float | None] = []
    for op, left, right in zip(node.ops, values, values[1:], strict=False):
        if left is None or right is None:
            found.append(None)
        else:
            signs = {"Lt": left < right, "LtE": left <= right, "Gt": left > right,
                     "GtE": left >= right, "Eq": left == right, "NotEq": left != right}  # fmt: skip
            found.append(float(signs[type(op).__name__]))
    return 0.0 if 0.0 in found else None if None in found else 1.0


holed = st.fixed_dictionaries(
    {
        "a": st.none() | number | st.just(math.nan), "b": st.none() | st.integers(-2, 2),
        "c": st.none() | st.booleans(), "language": st.none() | st.sampled_from(["en", "de"]),
        "source": st.none() | st.sampled_from(["web", "books"]), "text": st.just("x"),
        "day": st.none(),
    }
)  # fmt: skip


@given(expressions(), st.lists(holed, max_size=6))
@settings(deadline=None, max_examples=400)
def test_equal_to_the_slow_twin_where_something_is_missing(
    text: str, rows: list[dict[str, Any]]
) -> None:
    tree = ast.parse(text, mode="eval").body
    assert evaluate(text, rows) == [slow(tree, row) for row in rows]


@given(st.floats(min_value=5e-324, allow_infinity=False, allow_nan=False))
@settings(max_examples=500)
def test_log_is_near_the_true_one(value: float) -> None:
    row = {"a": value}
    (found,) = evaluate("log(a)", [row])
    assert found == pytest.approx(math.log(value), rel=1e-15, abs=0)


def test_log_of_the_ends() -> None:
    rows = [{"a": value} for value in (1.0, math.inf, 0.0, -1.0, math.nan, None, -0.0)]
    assert evaluate("log(a)", rows) == [0.0, math.inf, None, None, None, None, None]


def test_the_bits_of_a_logarithm_are_these() -> None:
    """Whatever C library and processor: what policies compare must not depend on the machine."""
    rows = [{"a": value} for value in (2.0, 10.0, 0.1, 3.0, 1e300, 1 + 2**-40)]
    found = [value.hex() for value in evaluate("log(a)", rows) if value is not None]
    assert found == [
        "0x1.62e42fefa39efp-1", "0x1.26bb1bbb55516p+1", "-0x1.26bb1bbb55515p+1",
        "0x1.193ea7aad030bp+0", "0x1.5963447f87fb5p+9", "0x1.ffffffffff000p-41",
    ]  # fmt: skip


def test_a_date_is_seconds_and_text_chars_is_no_column() -> None:
    row = {"text": "añ😀", "day": datetime(1970, 1, 2, tzinfo=UTC)}
    assert evaluate("text_chars + day", [row, {"text": "", "day": None}]) == [86403.0, None]
    assert Expression.parse("text_chars", SCHEMA, "x").columns == ("text",)
    with_own = SCHEMA.append(pa.field("text_chars", pa.int32()))
    assert Expression.parse("text_chars", with_own, "x").columns == ("text_chars",)
    days = pa.array([date(1970, 1, 2), None], pa.date32())
    assert numbers(days)[0] == 86400.0 and math.isnan(numbers(days)[1])
    millis = pa.array([1500], pa.timestamp("ms"))
    assert numbers(millis).tolist() == [1.5]
    assert numbers(pa.array([2**64 - 1], pa.uint64())).tolist() == [2.0**64]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("quality_scor", r"reads column 'quality_scor'"),
        ("languag == 'en'", r"Did you mean 'language'\?"),
        ("logg(a)", r"no function 'logg'\. Did you mean 'log'\?"),
        ("a.real", "cannot have: a.real"),
        ("__import__('os').system('x')", "no function"),
        ("[x for x in (1,)]", "cannot have"),
        ("lambda: 1", "cannot have"),
        ("a ** 2", "cannot have"),
        ("~b", "cannot have"),
        ("a if a", "is no expression"),
        ("a; b", "is no expression"),
        ("", "is no expression"),
        ("\0", "is no expression"),
        ("'x'", "where a number must be"),
        ("True", "where a number must be"),
        ("1j", "where a number must be"),
        ("1e999", "float64 cannot hold"),
        ("1" + "0" * 400, "float64 cannot hold"),
        ("language + 1", "reads 'language', a column of string, not of numbers"),
        ("a == 'x'", "reads 'a', a column of double, not of strings"),
        ("language < 'x'", "other than == != in"),
        ("language in (1, 2)", "other than == != in"),
        ("(a + 1) in ('x',)", "no column"),
        ("a in b", "cannot have"),
        ("a is b", "cannot have"),
        ("log(a, b)", r"must give log\(\) one value"),
        ("min(a)", r"must give min\(\) two values or more"),
        ("max(*a)", r"must give max\(\) two"),
        ("max(a, key=b)", r"must give max\(\) two"),
        ("-" * 60 + "a", "nested more than 50 deep"),
        ("(" * 400 + "a" + ")" * 400, "is no expression"),
        ("a+" * MAX_CHARS + "a", "more than 1,000 characters"),
    ],
)
def test_what_is_no_expression_is_a_plan_error(text: str, what: str) -> None:
    with pytest.raises(PlanError, match=what):
        Expression.parse(text, SCHEMA, "minhash")


def test_an_expression_survives_pickling_and_no_rows() -> None:
    expression = Expression.parse("a + b * 2", SCHEMA, "minhash")
    assert expression.columns == ("a", "b")
    copy = pickle.loads(pickle.dumps(expression))
    assert copy == expression and hash(copy) == hash(expression)
    assert copy.evaluate(pa.RecordBatch.from_pylist([], SCHEMA)).tolist() == []
    assert evaluate("3", [{"a": 1.0}, {"a": None}]) == [3.0, 3.0]
