"""Answers that break a careless reader: transfers, types, monsters, and damaged records.

Each takes a passage of its own out of a book, so that no two of them are duplicates.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import replace

import articles as texts
import gzip_bytes
import markup
from articles import Passage
from capture import DROP, EITHER, HTML, KEEP, Capture, Quirks
from furniture import Content
from layouts import render
from prose import finish
from sites import SITES, Site

SPARE_PASSAGES = 25
MISC = SITES["misc"]
GIF = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
DEEP = 10_000
BOMB_TAGS = 200_000


def fault_pages(passages: list[Passage]) -> list[Capture]:
    spare = iter(passages)
    return [
        *_transfers(spare), *_types(spare), *_not_pages(), *_monsters(spare),
        *_odd_urls(spare), *_personal_data(), *_damaged_records(spare),
    ]  # fmt: skip


def _transfers(spare: Iterator[Passage]) -> list[Capture]:
    """Bodies as they went over the wire. Common Crawl decodes them; other crawlers do not."""
    gzipped, chunked, both, zlibbed, raw, lying, wrongly = (
        _story(spare, name, "transfer") for name in (
            "gzip-body", "chunked-body", "chunked-gzip-body", "deflate-zlib-body",
            "deflate-raw-body", "says-gzip-but-is-plain", "says-chunked-but-is-plain")
    )  # fmt: skip
    gzip_header = ("Content-Encoding", "gzip")
    chunk_header = ("Transfer-Encoding", "chunked")
    return [
        replace(gzipped, body=gzip_bytes.member(gzipped.body), headers=(gzip_header,)),
        replace(chunked, body=_chunked(chunked.body), headers=(chunk_header,)),
        replace(
            both, body=_chunked(gzip_bytes.member(both.body)), headers=(chunk_header, gzip_header)
        ),
        replace(
            zlibbed, body=zlib.compress(zlibbed.body, 9), headers=(("Content-Encoding", "deflate"),)
        ),
        replace(raw, body=gzip_bytes.deflate(raw.body), headers=(("Content-Encoding", "deflate"),)),
        replace(lying, headers=(gzip_header,)),
        replace(wrongly, headers=(chunk_header,)),
    ]


def _types(spare: Iterator[Passage]) -> list[Capture]:
    untyped, mistyped, xhtml, bare_lf = (
        _story(spare, name, "content_type") for name in (
            "no-content-type", "html-as-text-plain", "xhtml", "bare-line-feeds")
    )  # fmt: skip
    passage = next(spare)
    text = "\n\n".join(block.lines[0] for block in passage.blocks)
    # Fates are open where a reader may rightly go by the header alone.
    return [
        replace(untyped, content_type=None),
        replace(mistyped, content_type="text/plain; charset=utf-8", fate=EITHER),
        replace(
            xhtml,
            content_type="application/xhtml+xml",
            body=b'<?xml version="1.0" encoding="UTF-8"?>\n' + xhtml.body,
        ),
        replace(bare_lf, line_end="\n"),
        Capture(
            MISC.url("plain-text.txt"),
            "text_plain",
            text.encode(),
            EITHER,
            language="en",
            content_type="text/plain; charset=utf-8",
            must_contain=(texts.snippet(passage.blocks),),
        ),
    ]


def _not_pages() -> list[Capture]:
    """Answers that hold no page at all."""
    feed = '<?xml version="1.0"?><rss version="2.0"><channel><title>Odds</title></channel></rss>'
    stub = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj << /Type /Catalog >> endobj\ntrailer\n%%EOF\n"
    moved = _notice("moved", "It has moved elsewhere.")
    gone = _notice("gone", "There is nothing at this address.")

    def answer(
        slug: str, kind: str, body: bytes, content_type: str, status: str = "200 OK", **headers: str
    ) -> Capture:
        return Capture(
            MISC.url(slug),
            kind,
            body,
            DROP,
            "source",
            content_type=content_type,
            status=status,
            headers=tuple(headers.items()),
        )

    return [
        answer(
            "moved", "redirect", moved, HTML, "301 Moved Permanently", Location=MISC.url("there")
        ),
        answer("gone", "not_found", gone, HTML, "404 Not Found"),
        answer("broken", "server_error", b"<h1>500</h1>", HTML, "500 Internal Server Error"),
        answer("pixel.gif", "image", GIF, "image/gif"),
        answer("image-called-html", "image", GIF, HTML),
        answer(
            "api/items.json", "json", json.dumps({"items": [1, 2, 3]}).encode(), "application/json"
        ),
        answer("feed.xml", "feed", feed.encode(), "application/rss+xml"),
        answer("paper.pdf", "pdf", stub, "application/pdf"),
        answer("empty", "empty_body", b"", HTML),
    ]


def _monsters(spare: Iterator[Passage]) -> list[Capture]:
    """Pages that cost a careless parser its stack, its memory or its patience."""
    deep = _story(spare, "ten-thousand-divs", "deep_nesting")
    bomb = _story(spare, "many-tags", "html_bomb")
    nul = _story(spare, "nul-bytes", "nul_bytes")
    nested = b"<div>" * DEEP + b"<p>At the bottom.</p>" + b"</div>" * DEEP
    tags = b'<b class="x">x</b><i></i>' * (BOMB_TAGS // 2)
    return [
        # Whether the story above the nest is found is up to the parser; that it returns is not.
        replace(deep, body=_before_end(deep.body, nested), fate=EITHER, must_contain=()),
        replace(bomb, body=_before_end(bomb.body, tags), fate=EITHER, must_contain=()),
        replace(
            nul,
            body=nul.body.replace(b" the ", b" the\x00 ").replace(b"<p>", b"\x00<p>"),
            must_contain=(),
        ),
        Capture(
            MISC.url("one-long-word"),
            "long_token",
            b"<html><body><p>" + b"a" * 1_000_000,
            DROP,
            "filter",
        ),
    ]


def _odd_urls(spare: Iterator[Passage]) -> list[Capture]:
    spaced = _story(spare, "a page with spaces.html", "url_with_space")
    other = _story(spare, "stra\u00dfe/\u6f22\u5b57", "url_not_ascii")
    very = _story(spare, "long/" + "segment/" * 240, "url_very_long")
    return [spaced, other, very]


def _personal_data() -> list[Capture]:
    """Addresses that must not reach a model as they are. All lie in reserved ranges."""
    notice = (
        "The museum of small engines is open on the first Sunday of every month from ten until "
        "four. Visitors who would like to bring an engine of their own are welcome to do so, as "
        "long as it can be carried by two people. To book a place for a group, please write to "
        "anna.keller@museum.example or to the workshop at tools@museum.example before the end of "
        "the month. Our catalogue is kept on an old computer at 203.0.113.77, which is switched on "
        "while we are there. Children come in free, and dogs are allowed in the yard. There is tea "
        "in the afternoon, and on dry days the steam crane is lit at two."
    )
    site = Site("museum.example", "Museum of Small Engines", "They run", "blog", "/{slug}/")
    page = finish(
        site,
        Content(site.url("visit"), "Your visit", f"<p>{notice}</p>"),
        "personal_data",
        contains=("the steam crane is lit at two",),
    )
    private = ["anna.keller@museum.example", "tools@museum.example", "203.0.113.77"]
    return [replace(page, facts={"private": private})]


def _damaged_records(spare: Iterator[Passage]) -> list[Capture]:
    first, second = (_story(spare, f"same-id-{n}", "duplicate_record_id") for n in (1, 2))
    undated = _story(spare, "without-date", "missing_warc_date")
    # Field names are case-insensitive, but fastwarc 2 takes this for an invalid header and stops.
    lower = _story(spare, "lower-case-headers", "lower_case_warc_headers")
    digest = _story(spare, "wrong-digest", "wrong_digest")
    partial = _story(spare, "crawler-gave-up", "warc_truncated")
    cut = _story(spare, "cut-gzip-member", "cut_gzip_member")
    middle = partial.body.find(b"</p>", len(partial.body) // 2) + 200
    return [
        first,
        replace(second, quirks=Quirks(record_id_of=first.url)),
        replace(undated, quirks=Quirks(without_date=True)),
        replace(lower, fate=EITHER, quirks=Quirks(lower_case_headers=True)),
        replace(digest, quirks=Quirks(wrong_digest=True)),
        replace(
            partial,
            body=partial.body[:middle],
            must_contain=(),
            fate=EITHER,
            quirks=Quirks(truncated_reason="length"),
        ),
        replace(
            cut,
            fate=DROP,
            by="source",
            must_contain=(),
            must_not_contain=cut.must_contain,
            quirks=Quirks(cut_gzip=True),
        ),
        Capture(
            MISC.url("seen-before"),
            "revisit",
            b"",
            DROP,
            "source",
            quirks=Quirks(revisit_of=first.url),
        ),
    ]


def _story(spare: Iterator[Passage], slug: str, kind: str) -> Capture:
    passage = next(spare)
    title = f"{passage.book}: {passage.chapter} ({passage.part})"
    content = Content(MISC.url(slug), title, markup.blocks(passage.blocks))
    contains = (texts.snippet(passage.blocks, 0.3), texts.snippet(passage.blocks, 0.9))
    page = finish(MISC, content, kind, KEEP, contains=contains)
    return replace(page, facts={"case": slug.split("/")[0]})


def _notice(slug: str, words: str) -> bytes:
    return render(MISC, Content(MISC.url(slug), slug.title(), f"<p>{words}</p>")).encode()


def _chunked(body: bytes, size: int = 1000) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def _before_end(page: bytes, extra: bytes) -> bytes:
    return page.replace(b"</body>", extra + b"</body>")
