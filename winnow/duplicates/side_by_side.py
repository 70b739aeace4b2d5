"""Two texts next to each other, line by line, with what differs marked."""

from __future__ import annotations

import html
import textwrap
from difflib import SequenceMatcher
from typing import NamedTuple

MOST_LINES = 2000  # of a text; matching lines is quadratic at worst


class Pair(NamedTuple):
    """A line of each text, or of one of them; ``mark``: " " equal, "~" changed, "<" only in the
    left text, ">" only in the right one."""

    mark: str
    left: str
    right: str


def pairs(left: str, right: str) -> list[Pair]:
    """The lines of both texts (their first :data:`MOST_LINES`, blank ones left out), aligned."""
    a, b = _lines(left), _lines(right)
    found: list[Pair] = []
    for what, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if what == "equal":
            found += [Pair(" ", x, y) for x, y in zip(a[i:j], b[k:m], strict=True)]
            continue
        both = min(j - i, m - k)
        found += [Pair("~", x, y) for x, y in zip(a[i:], b[k : k + both], strict=False)]
        found += [Pair("<", x, "") for x in a[i + both : j]]
        found += [Pair(">", "", y) for y in b[k + both : m]]
    return found


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()][:MOST_LINES]


def as_text(found: list[Pair], width: int, context: int = 1) -> list[str]:
    """Columns of ``width`` characters in all; of equal lines only ``context`` around others."""
    column = max(10, (width - 5) // 2)
    lines: list[str] = []
    hidden = 0
    shown = _near_difference(found, context)
    for pair, show in zip(found, shown, strict=True):
        if not show:
            hidden += 1
            continue
        if hidden:
            lines.append(_equal(hidden))
            hidden = 0
        sides = [textwrap.wrap(_plain(each), column) or [""] for each in (pair.left, pair.right)]
        for row in range(max(map(len, sides))):
            left, right = (side[row] if row < len(side) else "" for side in sides)
            mark = pair.mark if row == 0 else " "
            lines.append(f"{left:<{column}} {mark} {right}".rstrip())
    return [*lines, _equal(hidden)] if hidden else lines


def _equal(count: int) -> str:
    return f"   … {count:,} equal line{'s' * (count != 1)}"


def _plain(line: str) -> str:
    """Without control characters: a page must not steer the reader's terminal."""
    return "".join(c if c.isprintable() else " " for c in line)


def _near_difference(found: list[Pair], context: int) -> list[bool]:
    shown = [False] * len(found)
    for place, pair in enumerate(found):
        if pair.mark != " ":
            first, last = max(0, place - context), min(len(found), place + context + 1)
            shown[first:last] = [True] * (last - first)
    return shown


def as_html(found: list[Pair], context: int = 1) -> str:
    """A table; changed lines on a tinted ground that suits light and dark themes."""
    tint = {" ": "", "~": "rgba(214,158,46,.22)", "<": "rgba(197,48,48,.18)",
            ">": "rgba(56,161,105,.20)"}  # fmt: skip
    cell = "text-align:left;vertical-align:top;width:50%;padding:1px 8px;white-space:pre-wrap;"
    rows: list[str] = []
    hidden = 0

    def flush() -> None:
        if hidden:
            rows.append(
                f'<tr><td colspan="2" style="text-align:center;opacity:.55">'
                f"{html.escape(_equal(hidden).strip())}</td></tr>"
            )

    for pair, show in zip(found, _near_difference(found, context), strict=True):
        if not show:
            hidden += 1
            continue
        flush()
        hidden = 0
        ground = f"background:{tint[pair.mark]};" if tint[pair.mark] else ""
        rows.append(
            "<tr>"
            + "".join(
                f'<td style="{cell}{ground}">{html.escape(each)}</td>'
                for each in (pair.left, pair.right)
            )
            + "</tr>"
        )
    flush()
    return f'<table style="width:100%;table-layout:fixed">{"".join(rows)}</table>'
