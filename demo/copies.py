"""The same text again: mirrors, session ids, print views, syndication, modernised editions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import articles as texts
from articles import Article, Block, Passage
from capture import Capture, Group
from prose import BOOKS, PASSAGE_CHARS, page_of, passage_page
from sites import SITES

EXACT_COUNT = 30
PRINTED = ("en_garden_and_kitchen.txt", "en_history_and_plants.txt")
SYNDICATED = "en_local_news.txt"
MODERNISED_COUNT = 14

# Other addresses at which a server gives the very same bytes.
ALIASES: tuple[Callable[[str], str], ...] = (
    lambda url: url + ("&" if "?" in url else "?") + "sessionid=7f3a9c",
    lambda url: url.replace("://", "://mirror.", 1).replace("mirror.www.", "mirror."),
    lambda url: url + ("&" if "?" in url else "?") + "utm_source=feed&utm_medium=rss",
    lambda url: url.replace("https", "http") if "https" in url else url.replace("http", "https"),
)
OLD_SPELLINGS = {"shew": "show", "chuse": "choose", "surprize": "surprise", "stile": "style"}


def exact_duplicates(originals: list[Capture]) -> list[Capture]:
    """Every few pages, the same bytes under another address."""
    step = len(originals) // EXACT_COUNT
    copies = []
    for number, original in enumerate(originals[::step][:EXACT_COUNT]):
        url = ALIASES[number % len(ALIASES)](original.url)
        group = Group("exact_duplicate", original.url, 1.0)
        copies.append(replace(original, url=url, kind="exact_duplicate", group=group))
    return copies


def print_views() -> list[Capture]:
    """The articles of two files without the furniture."""
    views = []
    for article in (a for name in PRINTED for a in texts.load_articles(name)):
        site = SITES[article.meta["site"]]
        original = site.url(article.meta["slug"])
        bare = replace(site, layout="plain")
        group = Group("print_view", original, 1.0)
        views.append(page_of(article, "print_view", bare, f"{original}?print=1", group=group))
    return views


def syndicated() -> list[Capture]:
    """Local news as two other papers print it: one changes little, the other a good deal."""
    home = SITES["bramford-courier"]
    pages = []
    for article in texts.load_articles(SYNDICATED):
        original = home.url(article.meta["slug"])
        for key, edit in (("county-wire", _with_dateline), ("northvale-echo", _reworded)):
            edited = edit(article)
            alike = texts.jaccard(article.blocks, edited.blocks)
            group = Group("syndicated", original, alike)
            pages.append(page_of(edited, "syndicated", SITES[key], group=group))
    return pages


def modernised() -> list[Capture]:
    """Passages of Austen with the old spellings changed and an editor's line at the end."""
    name, _ = BOOKS[0]
    passages = texts.load_book(name, PASSAGE_CHARS)
    chapters = list(dict.fromkeys(passage.chapter for passage in passages))
    site = SITES["classics-corner"]
    pages = []
    for passage in passages[:MODERNISED_COUNT]:
        slug = f"chapter-{chapters.index(passage.chapter) + 1}-{passage.part}"
        modern = _in_modern_dress(passage)
        alike = texts.jaccard(passage.blocks, modern.blocks)
        group = Group("modernised", SITES["oldbooks"].url(slug), alike)
        pages.append(passage_page(modern, site, chapters, "modernised", group))
    return pages


def _with_dateline(article: Article) -> Article:
    first, *others = article.blocks
    opening = Block("p", (f"BRAMFORD: {first.lines[0]}",))
    return replace(article, blocks=(opening, *others))


def _reworded(article: Article) -> Article:
    """Another word for the first `said` of each paragraph, and a line about where it is from."""
    blocks = [
        Block(block.kind, tuple(line.replace(" said ", " explained ", 1) for line in block.lines))
        for block in article.blocks
    ]
    credit = Block("p", ("This report first appeared in the Bramford Courier.",))
    return replace(article, blocks=(*blocks, credit))


def _in_modern_dress(passage: Passage) -> Passage:
    def modern(line: str) -> str:
        for old, new in OLD_SPELLINGS.items():
            line = re.sub(rf"\b{old}(\w*)", rf"{new}\1", line)
        return line.replace("--", " - ")

    blocks = [Block(b.kind, tuple(map(modern, b.lines))) for b in passage.blocks]
    note = Block("p", ("The spelling of this edition has been brought up to date.",))
    return replace(passage, blocks=(*blocks, note))
