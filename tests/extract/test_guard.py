"""The cheap checks against what a slow twin counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.extract.guard import _FLAT, Limits, _depth_bound, nesting_depth, problem_of

LIMITS = Limits(max_html_bytes=10**6, max_tags=3000, max_depth=100)


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ("", None),
        ("<div>" * 100, None),
        ("<div>" * 101, "html_too_deep"),
        ("<div>" * 101 + "</div>" * 101, "html_too_deep"),
        ("<div></div>" * 1000, None),
        ("<p>x" * 1000, None),
        ("<br>" * 1000, None),
        ("<ul>" + "<li>x" * 1000, None),
        ("<table>" + "<tr><td>x" * 400, None),
        ("<b>" * 500, "html_too_deep"),
        ("<!-- < < < -->" * 100, None),
        ("a < b " * 1000, None),
        ("<p>" * 3001, "too_many_tags"),
        ("<" * 3001, "too_many_tags"),
    ],
)
def test_verdicts(html: str, problem: str | None) -> None:
    assert problem_of(html, LIMITS) == problem


tags = st.lists(
    st.sampled_from(
        ["<div>", "</div>", "<b>", "</b>", "</x>", "<p>", "text", "<br>", "<A\n>", "</a>"]
    ),
    max_size=300,
)


def slow_depth(parts: list[str]) -> int:
    stack: list[str] = []
    deepest = 0
    for part in parts:
        name = part.strip("</>\n").lower()
        if part == "text" or name in _FLAT:
            continue
        if part.startswith("</"):
            if name in stack:
                stack.remove(name)
        else:
            stack.append(name)
            deepest = max(deepest, len(stack))
    return deepest


@given(tags)
def test_depth_is_what_a_stack_says(parts: list[str]) -> None:
    assert nesting_depth("".join(parts), 10**9) == slow_depth(parts)


@given(st.lists(st.sampled_from(["<div>", "</div>", "text " * 9]), max_size=200))
def test_the_quick_bound_is_never_below_the_depth_of_closed_pages(parts: list[str]) -> None:
    closed: list[str] = []
    depth = 0
    for part in parts:
        if part == "</div>" and depth == 0:
            continue
        depth += {"<div>": 1, "</div>": -1}.get(part, 0)
        closed.append(part)
    html = "".join(closed)
    assert _depth_bound(html) >= nesting_depth(html, 10**9)
