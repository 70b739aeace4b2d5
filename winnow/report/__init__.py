"""What notebooks show: small HTML without scripts, readable in light and dark themes."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from winnow.funnel import Funnel

_BAR = (
    "display:inline-block;height:.7em;background:#4c9a6a;border-radius:2px;vertical-align:middle;"
)
_CELL = "text-align:left;padding:2px 10px 2px 0;"
_NUMBER = "text-align:right;padding:2px 10px 2px 0;font-variant-numeric:tabular-nums;"


def table_html(rows: Sequence[Sequence[Any]], header: Sequence[str] = ()) -> str:
    """A plain table; every cell is escaped."""
    head = "".join(f'<th style="{_CELL}">{html.escape(name)}</th>' for name in header)
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{_CELL}">{html.escape(str(cell))}</td>' for cell in row)
        + "</tr>"
        for row in rows
    )
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


def funnel_html(funnel: Funnel) -> str:
    """The funnel with a bar a step and the reasons below it."""
    if not funnel.rows:
        return "<p>nothing is finished yet</p>"
    first = max(funnel.rows[0].came, 1)
    lines = []
    for row in funnel.rows:
        if row.step == "read":
            lines.append(_funnel_line("records in the input", row.came, 1.0, strong=True))
        for reason, count in row.reasons.items():
            if count:
                lines.append(_funnel_line(f"− {reason}", count, count / first, strong=False))
        lines.append(_funnel_line(f"after {row.step}", row.kept, row.kept / first, strong=True))
    tokens = ""
    if funnel.tokens is not None:
        parts = [
            f"{counts['tokens']:,} tokens in {counts['documents']:,} {split} documents"
            for split, counts in funnel.tokens["splits"].items()
        ]
        tokens = f"<p>{html.escape(' · '.join(parts))}</p>"
    return f"<table>{''.join(lines)}</table>{tokens}"


def _funnel_line(label: str, count: int, share: float, *, strong: bool) -> str:
    name = f"<b>{html.escape(label)}</b>" if strong else html.escape(label)
    colour = "" if strong else "opacity:.45;"
    bar = f'<span style="{_BAR}{colour}width:{max(share, 0.002) * 16:.2f}em"></span>'
    return (
        f'<tr><td style="{_CELL}">{name}</td><td style="{_NUMBER}">{count:,}</td>'
        f'<td style="{_NUMBER}">{share:.1%}</td><td style="{_CELL}">{bar}</td></tr>'
    )
