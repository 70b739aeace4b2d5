"""Main-text engines behind one interface: HTML in, title and text out, nothing remembered."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

from winnow.errors import ConfigError, nearest
from winnow.optional import require

Engine = Callable[[str], tuple[str | None, str]]
"""HTML → (title or None, text as the engine gives it). May raise anything."""

ENGINES = ("resiliparse", "trafilatura")

_MANY_LINE_ENDS = re.compile(r"\n{3,}")


def open_engine(name: str) -> Engine:
    """The engine ``name``; a ``module:function`` names a function that makes one."""
    if name == "resiliparse":
        return _open_resiliparse()
    if name == "trafilatura":
        return _open_trafilatura()
    module, colon, function = name.partition(":")
    if not colon:
        raise ConfigError(f"stage 'extract': unknown engine {name!r}.{nearest(name, ENGINES)}")
    engine: Engine = getattr(import_module(module), function)()
    return engine


def _open_resiliparse() -> Engine:
    """Resiliparse: rules on an HTML5 parse tree, after Bevendorff et al. 2023 ("An Empirical
    Comparison of Web Content Extraction Algorithms"); fast and rather inclusive."""
    tree_type = require("resiliparse.parse.html", "engine 'resiliparse'").HTMLTree
    extract = require("resiliparse.extract.html2text", "engine 'resiliparse'").extract_plain_text

    def engine(html: str) -> tuple[str | None, str]:
        tree = tree_type.parse(html)
        return _resiliparse_title(tree), extract(tree, main_content=True)

    return engine


def _resiliparse_title(tree: Any) -> str | None:
    title = tidy_title(tree.title)
    if title is None and tree.head is not None:
        meta = tree.head.query_selector('meta[property="og:title"]')
        title = tidy_title(meta.getattr("content")) if meta is not None else None
    if title is None and tree.body is not None:
        heading = tree.body.query_selector("h1")
        title = tidy_title(heading.text) if heading is not None else None
    return title


def _open_trafilatura() -> Engine:
    """Trafilatura (Barbaresi 2021): rules and fallbacks on an lxml tree; slower, more precise.

    Its defaults, with what could carry over between pages off: ``deduplicate`` stays False, and
    its caches of pure functions are emptied now and then so that they hold no memory.
    """
    trafilatura = require("trafilatura", "engine 'trafilatura'")
    reset_caches = require("trafilatura.meta", "engine 'trafilatura'").reset_caches
    pages = 0

    def engine(html: str) -> tuple[str | None, str]:
        nonlocal pages
        pages += 1
        if pages % 1024 == 0:
            reset_caches()
        tree = trafilatura.load_html(html)
        if tree is None:
            return None, ""
        title = _lxml_title(tree)
        document = trafilatura.bare_extraction(tree, deduplicate=False, with_metadata=False)
        text = document.text if document is not None else None
        return title, text or ""

    return engine


def _lxml_title(tree: Any) -> str | None:
    for path in ("//head//title", '//meta[@property="og:title"]/@content', "//h1"):
        for found in tree.xpath(path)[:1]:
            text = found if isinstance(found, str) else "".join(found.itertext())
            title = tidy_title(text)
            if title is not None:
                return title
    return None


MAX_TITLE_CHARS = 1024


def tidy_title(title: str | None) -> str | None:
    """``title`` with every run of white space as one space and no NULs; None where empty."""
    if not title:
        return None
    words = title.replace("\0", "")[: 4 * MAX_TITLE_CHARS].split()
    return " ".join(words)[:MAX_TITLE_CHARS] or None


def tidy_text(text: str) -> str:
    r"""Text as it is stored: ``\n`` line ends, no NULs, no white space at the end of a line or at
    either end of the text (at its start, whole blank lines only: an indent stays), at most two
    line ends in a row.

    Nothing else is changed: no Unicode normalisation, no folding of spaces within a line.
    """
    if "\0" in text:
        text = text.replace("\0", "")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "\n".join([line.rstrip() for line in text.split("\n")]).strip("\n")
    return _MANY_LINE_ENDS.sub("\n\n", text) if "\n\n\n" in text else text
