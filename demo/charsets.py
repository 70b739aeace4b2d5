"""Pages whose bytes do not say, or do not say truly, how they are to be read."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, replace

import articles as texts
from articles import Article
from capture import EITHER, KEEP, Capture
from prose import page_of
from sites import Site

UTF8_META = '<meta charset="utf-8">'


@dataclass(frozen=True)
class Recipe:
    """How one page is encoded and what it says about that."""

    kind: str
    encoding: str  # the codec that wrote the bytes
    header: str | None  # what the HTTP header claims
    meta: str | None = None  # what the page itself claims
    bom: bytes = b""
    fate: str = KEEP


RECIPES = {
    # The header lies and nothing contradicts it: only the bytes can tell.
    "windows_1252_header_utf8": Recipe("lying_charset", "windows-1252", "utf-8"),
    "shift_jis_header_utf8": Recipe("lying_charset", "shift_jis", "utf-8", "shift_jis"),
    "utf8_header_latin1": Recipe("lying_charset", "utf-8", "iso-8859-1", "utf-8"),
    # Browsers read iso-8859-1 as windows-1252, and so must we.
    "windows_1252_header_latin1": Recipe("latin1_is_windows_1252", "windows-1252", "iso-8859-1"),
    # A byte order mark beats everything else.
    "utf8_bom_header_latin1": Recipe("bom", "utf-8", "iso-8859-1", bom=codecs.BOM_UTF8),
    "utf16_le_bom": Recipe("bom", "utf-16-le", None, bom=codecs.BOM_UTF16_LE),
    "utf16_be_bom": Recipe("bom", "utf-16-be", "utf-8", bom=codecs.BOM_UTF16_BE),
    # Declared in one place, and truly.
    "gb2312_meta_only": Recipe("declared_charset", "gb2312", None, "gb2312"),
    "windows_1251_meta": Recipe("declared_charset", "windows-1251", None, "windows-1251"),
    "koi8_r_header": Recipe("declared_charset", "koi8-r", "KOI8-R"),
    "iso_8859_2_header": Recipe("declared_charset", "iso-8859-2", '"ISO-8859-2"'),
    "iso_2022_jp_header": Recipe("declared_charset", "iso-2022-jp", "ISO-2022-JP"),
    # Not declared at all, or by a name that nobody knows.
    "euc_jp_undeclared": Recipe("undeclared_charset", "euc-jp", None),
    "utf8_undeclared": Recipe("undeclared_charset", "utf-8", None),
    "unknown_charset_name": Recipe("unknown_charset", "utf-8", "x-user-defined-9"),
    # Decoded wrongly and saved again by its author; a reader can at best repair it.
    "utf8_double_encoded": Recipe("double_encoded", "utf-8", "utf-8", "utf-8", fate=EITHER),
}


def charset_pages() -> list[Capture]:
    cases = texts.load_articles("charset_cases.txt")
    return [_page(article, RECIPES[article.meta["case"]]) for article in cases]


def _page(article: Article, recipe: Recipe) -> Capture:
    slug = article.meta["case"].replace("_", "-")
    site = Site(
        f"{slug}.example",
        "Notes",
        "",
        "blog",
        f"/{article.language}/{{slug}}",
        language=article.language,
    )
    page = page_of(article, recipe.kind, site, site.url(slug))
    text = page.body.decode()
    text = text.replace(UTF8_META, _meta(recipe.meta), 1)
    if recipe.kind == "double_encoded":
        text = text.encode().decode("windows-1252", errors="replace")
    # A furniture sign that an old charset lacks is written as a number, as authors do.
    body = recipe.bom + text.encode(recipe.encoding, errors="xmlcharrefreplace")
    header = "text/html" + (f"; charset={recipe.header}" if recipe.header else "")
    opening = article.blocks[0].lines[0][:30].rsplit(" ", 1)[0]
    words = (opening, *page.must_contain)
    facts: dict[str, object] = {"case": article.meta["case"], "true_charset": recipe.encoding}
    if recipe.fate == KEEP:
        return replace(page, body=body, content_type=header, must_contain=words, facts=facts)
    return replace(
        page, body=body, content_type=header, must_contain=(), fate=recipe.fate,
        facts={**facts, "repaired": list(words)},
    )  # fmt: skip


def _meta(charset: str | None) -> str:
    if charset is None:
        return ""
    return f'<meta http-equiv="Content-Type" content="text/html; charset={charset}">'
