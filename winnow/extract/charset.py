"""From a page's bytes to its text, when half of the pages say nothing and some lie.

In order: a byte order mark; the charset of the HTTP header; of a ``<meta>`` element or an XML
declaration; detection. Differs from the WHATWG standard's "determine the character encoding" in
that a declaration is checked and not only obeyed:

- bytes that are strict UTF-8 and not ASCII are UTF-8, whatever is declared (by chance text in
  another charset is not valid UTF-8 for more than a character or two);
- a charset that does not decode the bytes strictly is not believed (an unfinished last character is
  forgiven: crawlers cut pages);
- a Western charset is not believed where runs of non-ASCII letters are longer than Western words
  have them: a server's default header on a Cyrillic or Chinese page;
- UTF-8 with few broken characters is UTF-8 with replacement characters, not Windows-1252.

Nothing is remembered from one page to the next.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from typing import Literal

from winnow.extract.labels import CODECS, charset_of

Why = Literal["bom", "http", "meta", "utf-8", "utf-16", "repaired", "detected", "fallback"]
Detector = Callable[[bytes], str | None]

HEAD_BYTES = 4096
"""How far a declaration is looked for. The standard says 1,024; pages put scripts before it."""
_DETECT_BYTES = 1 << 17
_REPAIR_SHARE = 0.05
"""Share of broken among the non-ASCII characters up to which UTF-8 is still believed."""
_MIN_UTF8_CHARS = 3
"""Multi-byte characters that make UTF-8 more likely than a declared East Asian charset."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16le"), (codecs.BOM_UTF16_BE, "utf-16be")
)  # fmt: skip
_HTTP_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';,]+)", re.IGNORECASE)
_META_CHARSET = re.compile(
    rb"<meta\b[^>]{0,1024}?charset\s*=\s*[\"']?\s*([^\s\"'/>;]{1,64})", re.IGNORECASE
)
_XML_ENCODING = re.compile(rb"\s*<\?xml[^>]{0,256}?encoding\s*=\s*[\"']([^\"'\s>]{1,64})")
_WESTERN = frozenset({"windows-1252", "windows-1254", "iso-8859-15", "macintosh"})
_LONG_RUN = re.compile(rb"[\x80-\xff]{5}")
_STATEFUL = frozenset({"iso-2022-jp", "iso-2022-kr", "hz-gb-2312"})
_ASIAN = frozenset({"gb18030", "big5", "euc-jp", "shift_jis", "euc-kr"})


def decode(
    payload: bytes, content_type: str | None, detect: Detector | None
) -> tuple[str, str, Why]:
    """(text, charset, why): ``payload`` as text without NULs, and how that was decided.

    ``charset`` is the WHATWG name in lower case. ``detect`` guesses the charset of bytes that
    nothing else explains; None where there is no detector (then Windows-1252 it is). Never fails:
    the last resort decodes anything, with replacement characters.
    """
    text, charset, why = _decode(payload, content_type, detect)
    # a NUL among the characters is one among the bytes, which are several times faster to search
    if b"\0" in payload:
        text = text.replace("\0", "")
    return text, charset, why


def _decode(
    payload: bytes, content_type: str | None, detect: Detector | None
) -> tuple[str, str, Why]:
    for bom, charset in _BOMS:
        if payload.startswith(bom):
            text = payload[len(bom) :].decode(CODECS[charset], "replace")
            return text, charset, "bom"
    wide = _wide(payload)
    if wide is not None:
        return payload.decode(CODECS[wide], "replace"), wide, "utf-16"
    utf8 = _strict(payload, "utf-8")
    told = _http_charset(content_type) if content_type else None
    if told == "utf-8" and utf8 is not None and b"\x1b" not in payload:
        return utf8, told, "http"  # most pages; without a search for what else they declare
    declared = list(_declared(payload, content_type))
    if payload.isascii():
        for charset, why in declared:
            if charset in _STATEFUL and (found := _strict(payload, charset)) is not None:
                return found, charset, why
        if b"\x1b$" in payload and (found := _strict(payload, "iso-2022-jp")) is not None:
            return found, "iso-2022-jp", "detected"
        charset, why = declared[0] if declared else ("utf-8", "utf-8")
        if charset in _STATEFUL or charset.startswith("utf-16"):
            charset, why = "utf-8", "utf-8"
        return payload.decode("ascii"), charset, why
    for charset, why in declared:
        if charset == "utf-8":
            if utf8 is not None:
                return utf8, charset, why
        elif utf8 is not None and (charset not in _ASIAN or _is_utf8_for_sure(utf8)):
            return utf8, "utf-8", "utf-8"
        elif charset in _WESTERN and len(_LONG_RUN.findall(payload, 0, _DETECT_BYTES)) > 2:
            continue
        elif (found := _strict(payload, charset)) is not None:
            return found, charset, why
    if utf8 is not None:
        return utf8, "utf-8", "utf-8"
    repaired = payload.decode("utf-8", "replace")
    if _broken_share(payload, repaired) <= _REPAIR_SHARE:
        return repaired, "utf-8", "repaired"
    guess = charset_of(detect(payload[:_DETECT_BYTES]) or "") if detect is not None else None
    if guess is not None and guess != "utf-8":
        text = payload.decode(CODECS[guess], "replace")
        if guess not in _ASIAN or _broken_share(payload, text) <= _REPAIR_SHARE:
            return text, guess, "detected"
    return payload.decode("cp1252", "replace"), "windows-1252", "fallback"


def _declared(payload: bytes, content_type: str | None) -> Iterator[tuple[str, Why]]:
    """The charsets that are declared and known, strongest first."""
    charset = _http_charset(content_type) if content_type else None
    if charset is not None:
        yield charset, "http"
    head = payload[:HEAD_BYTES]
    for pattern in (_META_CHARSET, _XML_ENCODING):
        match = pattern.search(head) if pattern is _META_CHARSET else pattern.match(head)
        charset = charset_of(match.group(1).decode("latin-1")) if match else None
        if charset is not None:
            # a declaration that could be read as ASCII is not in UTF-16 (WHATWG says the same)
            yield ("utf-8" if charset.startswith("utf-16") else charset), "meta"


def _http_charset(content_type: str) -> str | None:
    found = _HTTP_CHARSET.search(content_type)
    return charset_of(found.group(1)) if found else None


def _strict(payload: bytes, charset: str) -> str | None:
    """``payload`` decoded without an error, but for a character cut off at the end; or None."""
    decoder = codecs.getincrementaldecoder(CODECS[charset])("strict")
    try:
        return decoder.decode(payload, False)
    except UnicodeError:
        return None


def _wide(payload: bytes) -> str | None:
    """UTF-16 without a byte order mark: ASCII characters with a NUL on the same side of each."""
    head = payload[:256]
    if b"\0" not in head or len(head) < 8:
        return None
    even, odd = head[0::2], head[1::2]
    if odd.count(0) > 0.8 * len(odd) and even.count(0) == 0:
        return "utf-16le"
    if even.count(0) > 0.8 * len(even) and odd.count(0) == 0:
        return "utf-16be"
    return None


def _is_utf8_for_sure(text: str) -> bool:
    return len(text) - len(text.encode("ascii", "ignore")) >= _MIN_UTF8_CHARS


def _broken_share(payload: bytes, text: str) -> float:
    """Share of replacement characters, but for those in the page, among the non-ASCII ones."""
    wide = len(text) - len(text.encode("ascii", "ignore"))
    written = payload.count("\ufffd".encode())
    return max(0, text.count("\ufffd") - written) / wide if wide else 0.0
