"""From blocks of text to HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from articles import Block, Post


def escape(text: str) -> str:
    return html.escape(text, quote=False)


def attribute(text: str) -> str:
    return html.escape(text, quote=True)


def inline(text: str) -> str:
    """Escape, then turn `code` and _emphasis_ into elements."""
    text = escape(text)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return re.sub(r"(?<!\w)_([^_]+)_(?!\w)", r"<em>\1</em>", text)


def blocks(content: Iterable[Block]) -> str:
    return "\n".join(map(_block, content))


def posts(content: Iterable[Post]) -> str:
    """Replies in a forum, each with the clutter that forums put around it."""
    return "\n".join(
        f'<div class="post"><div class="poster"><a href="/u/{attribute(post.user)}">'
        f'{escape(post.user)}</a> <span class="when">{post.date}</span></div>\n'
        f'<div class="post-body">{blocks(post.blocks)}</div>\n'
        '<div class="post-tools"><a href="#">Quote</a> <a href="#">Report</a> '
        '<a href="#">Like</a></div></div>'
        for post in content
    )


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table>\n<thead><tr>{header}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def links(items: Iterable[tuple[str, str]]) -> str:
    """List items, each with a link: (address, words)."""
    return "\n".join(
        f'<li><a href="{attribute(href)}">{escape(words)}</a></li>' for href, words in items
    )


def _block(block: Block) -> str:
    if block.kind == "pre":
        return f"<pre><code>{escape(chr(10).join(block.lines))}</code></pre>"
    if block.kind in ("ul", "ol"):
        items = "\n".join(f"<li>{inline(line)}</li>" for line in block.lines)
        return f"<{block.kind}>\n{items}\n</{block.kind}>"
    return f"<{block.kind}>{inline(block.lines[0])}</{block.kind}>"
