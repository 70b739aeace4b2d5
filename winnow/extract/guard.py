"""Checks that cost next to nothing, so that pages made to exhaust a parser never reach one.

They are estimates in one direction: an honest page is never taken for a bomb, and a bomb built to
pass them ends at the sandbox's limits instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BLOCKS = 16
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)")

# elements that hold nothing, and elements whose end tag may be left out: they do not nest by
# being repeated
_FLAT = frozenset(
    {
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param",
        "source", "track", "wbr", "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th",
        "thead", "tbody", "tfoot", "colgroup", "rp", "rt", "body", "html", "head",
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a page may have; beyond it, the verdict's name is the second column of the table.

    ==================  ===================
    ``max_html_bytes``  ``html_too_large``
    ``max_tags``        ``too_many_tags``
    ``max_depth``       ``html_too_deep``
    ==================  ===================
    """

    max_html_bytes: int
    max_tags: int
    max_depth: int


def problem_of(html: str, limits: Limits) -> str | None:
    """The verdict on ``html`` ("too_many_tags", "html_too_deep"), or None. One linear pass."""
    tags = html.count("<")
    if tags <= limits.max_depth:
        return None
    if tags > limits.max_tags:
        return "too_many_tags"
    if _depth_bound(html) <= limits.max_depth:
        return None
    return "html_too_deep" if nesting_depth(html, limits.max_depth) > limits.max_depth else None


def _depth_bound(html: str) -> int:
    """No less than the nesting depth of a page whose end tags all close something: start tags minus
    end tags, block by block, by counting.

    Two counts a block cost a fiftieth of looking at every tag, and settle nearly all pages.
    """
    size = len(html) // _BLOCKS + 1
    open_count = deepest = 0
    for start in range(0, len(html), size):
        stop = start + size
        # an end tag's two characters may lie across the border: look one further
        ends = html.count("</", start, stop + 1)
        starts = html.count("<", start, stop) - ends
        deepest = max(deepest, open_count + starts)
        open_count += starts - ends
    return deepest


def nesting_depth(html: str, stop_at: int) -> int:
    """Estimate of the deepest nesting; counting ends once ``stop_at`` is passed.

    An end tag closes one element of its own name, wherever that is; end tags without one close
    nothing. Void elements and those that close themselves (``p``, ``li``, ``td``, …) do not count.
    """
    depth = deepest = 0
    open_by_name: dict[str, int] = {}
    for found in _TAG.finditer(html):
        name = found.group(2).lower()
        if name in _FLAT:
            continue
        if found.group(1):
            if open_by_name.get(name, 0):
                open_by_name[name] -= 1
                depth -= 1
        else:
            open_by_name[name] = open_by_name.get(name, 0) + 1
            depth += 1
            if depth > deepest:
                deepest = depth
                if deepest > stop_at:
                    break
    return deepest
