"""The help of a dataclass: the text that stands under each of its fields."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any


def field_texts(kind: type[Any]) -> dict[str, str]:
    """Field → the string literal under it, white space made single; fields without one are left
    out. A field of a parent class has the parent's text."""
    texts: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if "__dataclass_fields__" not in vars(each):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, text in zip(body.body, body.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
            ):
                texts[field.target.id] = " ".join(str(text.value.value).split())
    return texts
