"""The pages one crawls the web for: articles, chapters, threads, manuals, and shop pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import articles as texts
import furniture
import markup
from articles import Article, Block, Passage, Product
from capture import DROP, EITHER, KEEP, Capture, Group
from dice import Dice
from furniture import Content
from layouts import render
from sites import SITES, Site

ARTICLE_FILES = (
    "en_garden_and_kitchen.txt", "en_sky_and_wheels.txt", "en_history_and_plants.txt",
    "en_code_and_travel.txt", "en_local_news.txt", "de_artikel.txt", "fr_articles.txt",
    "es_articulos.txt", "pt_artigos.txt", "it_articoli.txt", "pl_artykuly.txt", "ja_kiji.txt",
    "zh_wenzhang.txt", "ru_stati.txt",
)  # fmt: skip
BOOKS = (
    ("austen_pride_and_prejudice.txt", "oldbooks"),
    ("austen_northanger_abbey.txt", "reading-room"),
    ("austen_persuasion.txt", "harbour-library"),
    ("melville_moby_dick.txt", "whale-road"),
    ("shakespeare_much_ado.txt", "stage-door"),
)
PASSAGE_CHARS = 3500  # six hundred words: a web page of ordinary length
DOC_VERSIONS = ("1.0", "1.1", "2.0")
NEW_IN_2 = "New in version 2.0: the names of options may be shortened as long as they are unique."


@dataclass(frozen=True)
class Books:
    """Pages made of passages, and passages put aside as the text of single faults."""

    pages: list[Capture]
    spare: list[Passage]


def article_pages() -> list[Capture]:
    return [page for name in ARTICLE_FILES for page in _linked(texts.load_articles(name))]


def conversation_pages() -> list[Capture]:
    threads = texts.load_articles("en_forum.txt") + texts.load_articles("en_questions.txt")
    # Many short posts with the same buttons under each: some recipes call that repetition.
    return [replace(page_of(thread, kind="thread"), fate=EITHER) for thread in threads]


def book_pages(spare_count: int) -> Books:
    """All the passages; the last ones of Moby-Dick are put aside."""
    pages: list[Capture] = []
    spare: list[Passage] = []
    for name, key in BOOKS:
        passages = texts.load_book(name, PASSAGE_CHARS)
        if key == "whale-road":
            passages, spare = passages[:-spare_count], passages[-spare_count:]
        chapters = list(dict.fromkeys(passage.chapter for passage in passages))
        chapter_pages = [passage_page(passage, SITES[key], chapters) for passage in passages]
        if key == "stage-door":  # a play is all short lines, which some recipes turn away
            chapter_pages = [replace(page, kind="play", fate=EITHER) for page in chapter_pages]
        pages += chapter_pages
    return Books(pages, spare)


def manual_pages() -> list[Capture]:
    """Each page of the manual in three versions: the near duplicates that manuals are full of."""
    topics = texts.load_articles("en_docs.txt")
    contents = tuple(("#", topic.title) for topic in topics)
    return [_manual_page(topic, version, contents) for topic in topics for version in DOC_VERSIONS]


def product_pages() -> list[Capture]:
    """A page for each product, and one more for some of them in another colour."""
    products = texts.load_products()
    pages = []
    for number, product in enumerate(products):
        pages.append(_product_page(product, number, colour=""))
        if number % 3 == 0:
            pages.append(_product_page(product, number, colour="red"))
    return pages


def page_of(
    article: Article,
    kind: str = "article",
    site: Site | None = None,
    url: str | None = None,
    related: Sequence[tuple[str, str]] = (),
    group: Group | None = None,
) -> Capture:
    """An article on its own site, or on another that copies it."""
    site = site or SITES[article.meta["site"]]
    url = url or site.url(article.meta["slug"])
    dice = Dice(url)
    body = markup.blocks(article.blocks)
    if article.posts:
        body += "\n</div></div>\n" + markup.posts(article.posts) + "\n<div><div>"
    content = Content(
        url, article.title, body, article.meta.get("author", ""),
        f"2023-{dice.between(1, 12):02d}-{dice.between(1, 28):02d}",
        (dice.pick(site.phrases.menu[2:]),), tuple(dice.some(related, 5)),
    )  # fmt: skip
    contains = (texts.snippet(article.blocks, 0.2), texts.snippet(article.blocks, 0.8))
    return finish(site, content, kind, contains=contains, group=group)


def passage_page(
    passage: Passage,
    site: Site,
    chapters: Sequence[str],
    kind: str = "book",
    group: Group | None = None,
) -> Capture:
    number = chapters.index(passage.chapter) + 1
    slug = f"chapter-{number}-{passage.part}"
    url = site.url(slug)
    related = [(site.url(f"chapter-{n}-1"), chapter) for n, chapter in enumerate(chapters, 1)]
    title = f"{passage.book}: {passage.chapter}"
    if passage.part > 1:
        title += f" ({passage.part})"
    content = Content(
        url,
        title,
        markup.blocks(passage.blocks),
        passage.author,
        "2021-05-01",
        (passage.book,),
        tuple(Dice(url).some(related, 6)),
    )
    contains = (texts.snippet(passage.blocks, 0.3), texts.snippet(passage.blocks, 0.7))
    return finish(site, content, kind, contains=contains, group=group)


def finish(
    site: Site,
    content: Content,
    kind: str,
    fate: str = KEEP,
    by: str = "",
    contains: tuple[str, ...] = (),
    group: Group | None = None,
) -> Capture:
    """Put the content into the site's layout and note what must come out again."""
    page = render(site, content)
    boilerplate = furniture.boilerplate_in(page, site) if fate != DROP else ()
    return Capture(
        url=content.url, kind=kind, body=page.encode(), fate=fate, by=by,
        language=site.language, headers=(("Server", site.server),), must_contain=contains,
        must_not_contain=boilerplate, group=group,
    )  # fmt: skip


def _linked(batch: list[Article]) -> list[Capture]:
    """Pages for the articles of one file, each with links to others of its own site."""
    titles: dict[str, list[tuple[str, str]]] = {}
    for article in batch:
        key = article.meta["site"]
        link = (SITES[key].url(article.meta["slug"]), article.title)
        titles.setdefault(key, []).append(link)
    return [page_of(article, related=titles[article.meta["site"]]) for article in batch]


def _manual_page(topic: Article, version: str, contents: tuple[tuple[str, str], ...]) -> Capture:
    site = SITES["pebble-docs"]
    slug = topic.meta["slug"]
    blocks = _in_version(topic, version)
    alike = texts.jaccard(_in_version(topic, DOC_VERSIONS[0]), blocks)
    group = Group("versioned_manual", site.root(f"/{DOC_VERSIONS[0]}/{slug}.html"), alike)
    url = site.root(f"/{version}/{slug}.html")
    content = Content(url, topic.title, markup.blocks(blocks), related=contents)
    contains = (texts.snippet(topic.blocks[1:]),)
    # Pages with listings in them are not what every recipe takes for prose.
    return finish(site, content, "manual", EITHER, contains=contains, group=group)


def _in_version(topic: Article, version: str) -> tuple[Block, ...]:
    blocks = [
        Block(block.kind, tuple(line.replace("{version}", version) for line in block.lines))
        for block in topic.blocks
    ]
    if version == DOC_VERSIONS[-1]:
        blocks.append(Block("p", (NEW_IN_2,)))
    return tuple(blocks)


def _product_page(product: Product, number: int, colour: str) -> Capture:
    site = SITES["kettle-and-crow"]
    slug = product.name.lower().replace(" ", "-")
    first = site.url(slug)
    url = first + (f"?colour={colour}" if colour else "")
    dice = Dice(first)
    facts = [
        ("Article number", f"KC-{1000 + number}"),
        ("Weight", f"{dice.between(1, 30) * 50} g"),
        ("Delivery", f"{dice.between(1, 4)} working days"),
        ("Colour", colour or "natural"),
    ]
    body = (
        f'<img src="/img/{slug}.jpg" alt="{product.name}"><p class="price">{product.price}</p>\n'
        f"<p>{markup.escape(product.description)}</p>\n"
        + markup.table(("Detail", "Value"), facts)
        + f'<p class="stars">{dice.between(3, 5)} of 5 stars ({dice.between(2, 90)} reviews)</p>'
    )
    content = Content(url, product.name, body, trail=(product.category,))
    return finish(
        site,
        content,
        "product",
        EITHER,
        contains=(product.description[:50].rsplit(" ", 1)[0],),
        group=Group("product_variant", first) if colour else None,
    )
