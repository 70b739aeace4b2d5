"""Whether a body is a page, by what the server said and, where that says little, by its bytes."""

from __future__ import annotations

import re

HTML = "text/html"
PLAIN = "text/plain"
PAGE_TYPES = frozenset({HTML, "application/xhtml+xml", "application/vnd.wap.xhtml+xml", PLAIN})

# what servers send that know nothing of the file
_UNTOLD = frozenset(
    {
        "", "application/octet-stream", "binary/octet-stream", "unknown/unknown", "content/unknown",
        "application/unknown", "application/x-unknown-content-type", "*/*", "text/*",
    }
)  # fmt: skip
_MIME = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+*-]+")

# first bytes of files that are never a page, whatever their header says
_BINARY = (
    b"%PDF-", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"\x1f\x8b", b"RIFF",
    b"BM\x00", b"\x7fELF", b"MZ\x90", b"OggS", b"ID3", b"\x00\x00\x01\x00", b"wOFF", b"wOF2",
    b"Rar!", b"7z\xbc\xaf", b"\xd0\xcf\x11\xe0", b"\x00asm", b"%!PS",
)  # fmt: skip
_BINARY_FIRST = frozenset(magic[0] for magic in _BINARY)

# the elements by which WHATWG's MIME sniffing standard (section 7.1) knows HTML
_HTML_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,4096}?-->\s*)*<(?:!doctype html|html|head"
    rb"|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|meta|link)[\s>/]",
    re.IGNORECASE | re.DOTALL,
)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_SNIFF_BYTES = 1445  # as in the standard


def mime_type(content_type: str) -> str:
    """``type/subtype``, lower case, no parameters; empty where it is none or says nothing."""
    mime = content_type.partition(";")[0].strip().lower()
    if "," in mime:  # two headers that a proxy has joined: the last one counts
        mime = mime.rpartition(",")[2].strip()
    return mime if mime not in _UNTOLD and _MIME.fullmatch(mime) else ""


def is_binary(body: bytes) -> bool:
    """Whether ``body`` starts as a file of a known binary format does."""
    return bool(body) and body[0] in _BINARY_FIRST and body.startswith(_BINARY)


def sniff(body: bytes) -> str:
    """``text/html``, ``text/plain``, or empty for anything else, from the first bytes alone.

    Source: the WHATWG MIME sniffing standard, cut down to these three answers.
    Differs: white space and comments may stand before the first element, an XML declaration too.
    """
    head = body[:_SNIFF_BYTES]
    if not head or is_binary(body):
        return ""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return PLAIN
    if _HTML_START.match(head):
        return HTML
    return "" if _CONTROL.search(head) else PLAIN
