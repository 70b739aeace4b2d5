"""What stands around the text on a page: menus, banners, share buttons, footers.

Every piece is written as the web writes it, so that extraction has something to remove.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from dice import Dice
from markup import attribute, escape, links
from sites import Site

READERS = ("Marge", "h.p.", "Old Tom", "Quiet Reader", "Sanjay", "frida77", "Bo", "anonymous")
REMARKS = (
    "Lovely, thank you for this.",
    "First!",
    "I have bookmarked this one.",
    "My mother used to say the very same thing.",
    "Does anybody know where the picture was taken?",
    "I am not sure that I agree, but it made me smile.",
    "Great post, visit my page for more tips.",
    "Found this through a friend. I shall be back.",
)


@dataclass(frozen=True)
class Content:
    """What a layout puts on a page."""

    url: str
    title: str
    body: str
    byline: str = ""
    date: str = "2023-09-14"
    trail: tuple[str, ...] = ()
    related: tuple[tuple[str, str], ...] = ()


def head(site: Site, content: Content, style: str) -> str:
    title = f"{escape(content.title)} | {escape(site.name)}"
    facts = {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": content.title,
        "datePublished": content.date,
        "publisher": {"@type": "Organization", "name": site.name},
    }
    return f"""<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta property="og:title" content="{attribute(content.title)}">
<meta property="og:url" content="{attribute(content.url)}">
<link rel="canonical" href="{attribute(content.url)}">
<link rel="stylesheet" href="/assets/{style}.css?v=37">
<script type="application/ld+json">{json.dumps(facts, ensure_ascii=False)}</script>
<script>window.dataLayer = window.dataLayer || []; function tag() {{ dataLayer.push(arguments); }}
tag('js', new Date()); tag('config', 'X-{hash_of(site.host)}');</script>
</head>"""


def hash_of(text: str) -> int:
    """A number from a text; unlike `hash`, the same in every process."""
    return Dice(text).below(10**9)


def menu(site: Site) -> str:
    items = [
        (f"/{number}/" if number else "/", words) for number, words in enumerate(site.phrases.menu)
    ]
    return f'<nav class="main-menu" role="navigation"><ul>\n{links(items)}\n</ul></nav>'


def search_box(site: Site) -> str:
    words = attribute(site.phrases.search)
    return (
        f'<form class="search" action="/search" role="search"><input type="search" name="q" '
        f'placeholder="{words}" aria-label="{words}"><button>&#128269;</button></form>'
    )


def cookie_banner(site: Site) -> str:
    words = site.phrases
    return f"""<div id="cookie-consent" class="cookie-banner" role="dialog" aria-live="polite">
<p>{escape(words.cookies)} <a href="/privacy">{escape(words.legal[0])}</a></p>
<button class="btn btn-primary" data-consent="all">{escape(words.accept)}</button>
<button class="btn" data-consent="some">{escape(words.legal[2])}</button>
</div>"""


def breadcrumb(site: Site, content: Content) -> str:
    steps = [(f"/{step.lower()}/", step) for step in content.trail]
    home = ("/", site.phrases.menu[0])
    return f'<ol class="breadcrumb" aria-label="breadcrumb">\n{links([home, *steps])}\n</ol>'


def share_buttons(site: Site, content: Content) -> str:
    address = attribute(content.url)
    return f"""<div class="share-buttons"><span>{escape(site.phrases.share)}</span>
<a href="https://social.example/post?u={address}">Chirp</a>
<a href="https://faces.example/sharer?u={address}">Faces</a>
<a href="mailto:?body={address}">E-mail</a> <a href="javascript:window.print()">&#9113;</a></div>"""


def related_links(site: Site, content: Content) -> str:
    if not content.related:
        return ""
    return (
        f'<aside class="related"><h3>{escape(site.phrases.related)}</h3><ul>\n'
        f"{links(content.related)}\n</ul></aside>"
    )


def most_read(site: Site, content: Content) -> str:
    if not content.related:
        return ""
    items = "\n".join(
        f'<li><a href="{attribute(href)}">{escape(words)}</a></li>'
        for href, words in content.related
    )
    return (
        f'<div class="sidebar-box most-read"><h4>{escape(site.phrases.most_read)}</h4>'
        f"<ol>\n{items}\n</ol></div>"
    )


def newsletter(site: Site) -> str:
    words = site.phrases
    return f"""<div class="newsletter-popup modal" style="display:none"><div class="modal-content">
<span class="close">&times;</span><p>{escape(words.newsletter)}</p>
<form action="/subscribe" method="post"><input type="email" name="email" placeholder="e-mail">
<button type="submit">{escape(words.subscribe)}</button></form></div></div>"""


def comments(site: Site, content: Content) -> str:
    """What readers had to say, and a form to say more."""
    dice = Dice(f"comments {content.url}")
    pool = REMARKS if site.language == "en" else ()
    said = "\n".join(
        f'<li class="comment"><b class="fn">{dice.pick(READERS)}</b> <a href="#respond">Reply</a>'
        f"<p>{remark}</p></li>"
        for remark in dice.some(pool, dice.between(0, 4))
    )
    return f"""<ol class="comment-list" id="comments">{said}</ol>
<section id="respond" class="comment-form"><h3>{escape(site.phrases.comments)}</h3>
<form action="/comment" method="post"><input name="author"><textarea name="comment" rows="4">
</textarea><input type="submit" value="OK"></form></section>"""


def footer(site: Site) -> str:
    words = site.phrases
    legal = " | ".join(
        f'<a href="/legal/{n}">{escape(text)}</a>' for n, text in enumerate(words.legal)
    )
    return (
        f'<footer class="site-footer"><p>&copy; 2024 {escape(site.name)}. '
        f"{escape(words.rights)}</p>\n<p>{legal}</p></footer>"
    )


def boilerplate_in(page: str, site: Site) -> tuple[str, ...]:
    """The words of the furniture that are on this page, none of which belong to its text."""
    words = site.phrases
    pieces = (words.cookies, words.newsletter, words.most_read, words.accept, words.rights)
    return tuple(piece for piece in pieces if escape(piece) in page)
