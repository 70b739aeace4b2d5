"""One page, from bytes to a document's text: what runs inside the sandbox, and without it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from winnow.extract.charset import decode
from winnow.extract.engines import open_engine, tidy_text
from winnow.extract.guard import Limits, problem_of
from winnow.optional import require

_HTML_START = re.compile(r"\s*<(?:!doctype html|html|head|body)[\s>]", re.IGNORECASE)


class Extracted(NamedTuple):
    """What extraction says of a page; ``text`` is empty where ``problem`` is not None."""

    title: str | None
    text: str
    charset: str | None
    charset_why: str | None
    problem: str | None


def failed(problem: str) -> Extracted:
    return Extracted(None, "", None, None, problem)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that a page's result depends on, besides its bytes."""

    engine: str
    limits: Limits


PageFunction = Callable[[bytes, str | None], Extracted]


def open_extraction(settings: Settings) -> PageFunction:
    """The function (payload, content type) → :class:`Extracted`. It raises nothing."""
    engine = open_engine(settings.engine)
    limits = settings.limits
    detect_encoding = require("resiliparse.parse.encoding", "stage 'extract'").detect_encoding

    def detect(data: bytes) -> str | None:
        # its mapping to HTML5 names would turn Korean pages (cp949) into UTF-8
        found: str | None = detect_encoding(data, html5_compatible=False)
        return found

    def extract(payload: bytes, content_type: str | None) -> Extracted:
        if len(payload) > limits.max_html_bytes:
            return failed("html_too_large")
        charset: str | None = None
        why: str | None = None
        try:
            html, charset, why = decode(payload, content_type, detect)
            if is_plain(content_type, html):
                title, text = None, html
            else:
                problem = problem_of(html, limits)
                if problem is not None:
                    return Extracted(None, "", charset, why, problem)
                title, text = engine(html)
            text = tidy_text(text)
        except MemoryError:
            return Extracted(None, "", charset, why, "memory_budget")
        except Exception:  # an engine's own error is a verdict on the page, not the end of the run
            return Extracted(None, "", charset, why, "extract_failed")
        return Extracted(title, text, charset, why, None if text else "no_text")

    return extract


def is_plain(content_type: str | None, text: str) -> bool:
    """Whether a page is plain text: served as such, and not HTML by its first characters."""
    if content_type is None:
        return False
    mime = content_type.partition(";")[0].strip().lower()
    return mime == "text/plain" and _HTML_START.match(text) is None
