"""One function per way of building a web page, from tidy HTML5 to tables within tables."""

from __future__ import annotations

import re
from collections.abc import Callable

import furniture as f
from furniture import Content
from markup import attribute, escape, links
from sites import Site


def render(site: Site, content: Content) -> str:
    return LAYOUTS[site.layout](site, content)


def blog(site: Site, content: Content) -> str:
    """Tidy HTML5 with one column and a comment form."""
    return f"""<!DOCTYPE html>
<html lang="{site.language}">
{f.head(site, content, "blog")}
<body class="single single-post">
<a class="skip-link" href="#content">&darr;</a>
<header class="site-header"><p class="site-title"><a href="/">{escape(site.name)}</a></p>
<p class="site-description">{escape(site.tagline)}</p>
{f.menu(site)}
</header>
<main id="content">
<article class="post">
<header><h1>{escape(content.title)}</h1>{_byline(site, content)}</header>
<div class="entry-content">
{content.body}
</div>
{f.share_buttons(site, content)}
</article>
{f.comments(site, content)}
</main>
<aside class="sidebar">{f.search_box(site)}{f.related_links(site, content)}</aside>
{f.footer(site)}
{f.cookie_banner(site)}
{f.newsletter(site)}
</body>
</html>
"""


def magazine(site: Site, content: Content) -> str:
    """HTML5 with a large picture, a pull-out menu, and links to other stories inside `main`."""
    return f"""<!doctype html>
<html lang="{site.language}" class="no-js">
{f.head(site, content, "magazine")}
<body>
{f.cookie_banner(site)}
<header class="masthead"><a href="/" class="logo"><img src="/logo.svg"
 alt="{attribute(site.name)}"></a>{f.menu(site)}{f.search_box(site)}</header>
<main>
{f.breadcrumb(site, content)}
<article itemscope itemtype="https://schema.org/Article">
<h1 itemprop="headline">{escape(content.title)}</h1>
{_byline(site, content)}
<figure><img src="/img/{f.hash_of(content.url)}.jpg" alt="" loading="lazy" width="1200"></figure>
<div itemprop="articleBody">
{content.body}
</div>
</article>
{f.share_buttons(site, content)}
{f.related_links(site, content)}
</main>
{f.newsletter(site)}
{f.footer(site)}
</body></html>
"""


def newspaper(site: Site, content: Content) -> str:
    """Nested `div`s with long class names, advertisements, and a list of the most read."""
    return f"""<!DOCTYPE html>
<html lang="{site.language}">
{f.head(site, content, "np")}
<body id="top" class="l-page l-page--article">
<div class="ad ad--leaderboard" data-slot="top"><!-- ad slot 728x90 --></div>
<div class="c-header"><div class="c-header__brand"><a href="/">{escape(site.name)}</a>
<span>{escape(site.tagline)}</span></div>{f.menu(site)}</div>
<div class="l-grid"><div class="l-grid__main">
<div class="c-article"><div class="c-article__head">
{f.breadcrumb(site, content)}
<h1 class="c-article__title">{escape(content.title)}</h1>
{_byline(site, content)}</div>
<div class="c-article__body">
{content.body}
</div></div>
{f.share_buttons(site, content)}
<div class="ad ad--inline" data-slot="mid"><script>adsQueue.push('mid');</script></div>
</div>
<div class="l-grid__side">{f.most_read(site, content)}</div></div>
{f.footer(site)}
{f.cookie_banner(site)}
</body></html>
"""


def portal(site: Site, content: Content) -> str:
    """A heavy framework: a mega menu, a modal that covers the page, icons, empty wrappers."""
    icon = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 0L16 8L8 16L0 8Z"/></svg>'
    columns = "".join(
        f'<div class="col-md-3 mega"><h5>{icon} {escape(word)}</h5>{f.menu(site)}</div>'
        for word in site.phrases.menu[2:4]
    )
    return f"""<!DOCTYPE html>
<html lang="{site.language}" data-theme="light">
{f.head(site, content, "bootstrap.min")}
<body class="has-modal">
{f.newsletter(site)}
{f.cookie_banner(site)}
<div class="wrapper"><div class="topbar"><div class="container"><div class="row">{columns}</div>
</div></div>
<div class="container"><div class="row"><div class="col-md-8">
{f.breadcrumb(site, content)}
<div class="card"><div class="card-body">
<h1 class="card-title">{escape(content.title)}</h1>
{_byline(site, content)}
<div class="card-text">
{content.body}
</div></div></div>
{f.share_buttons(site, content)}
</div><div class="col-md-4 sidebar">{f.search_box(site)}
{f.related_links(site, content)}{f.most_read(site, content)}</div></div></div>
{f.footer(site)}</div>
<script src="/js/bundle.8f3a.js" defer></script>
<noscript><img src="https://pixel.example/?e=view" height="1" width="1" alt=""></noscript>
</body></html>
"""


def retro(site: Site, content: Content) -> str:
    """1997: no doctype, capital letters, tables for layout, and nothing is ever closed."""
    body = re.sub(r"</(p|li)>", "", content.body)
    body = re.sub(r"<(/?)(\w+)>", lambda m: f"<{m[1]}{m[2].upper()}>", body)
    rows = "\n".join(
        f'<TR><TD><A HREF="{attribute(href)}"><FONT SIZE=2>{escape(words)}</FONT></A>'
        for href, words in content.related
    )
    return f"""<HTML><HEAD><TITLE>{escape(content.title)} - {escape(site.name)}</TITLE>
<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=utf-8"></HEAD>
<BODY BGCOLOR="#FFFFF0" TEXT=black LINK="#0000EE">
<CENTER><FONT FACE="Times" SIZE=6>{escape(site.name)}</FONT><BR><I>{escape(site.tagline)}</I>
</CENTER><HR>
<TABLE WIDTH="100%" BORDER=0 CELLPADDING=8><TR VALIGN=top><TD WIDTH=140 BGCOLOR="#DDDDCC">
<TABLE><TR><TD><A HREF="/">Home</A><TR><TD><A HREF="/guestbook.cgi">Sign my guestbook</A>
{rows}
</TABLE>
<TD>
<H2>{escape(content.title)}</H2>
<P><I>{escape(content.byline)}</I>
{body}
<HR>
<CENTER><A HREF="prev.htm">&lt;&lt; Previous</A> | <A HREF="/">Contents</A> |
<A HREF="next.htm">Next &gt;&gt;</A></CENTER>
</TABLE>
<HR><FONT SIZE=1>You are visitor number {10000 + f.hash_of(content.url) % 90000} since 1 May 1997.
Best viewed at 800x600. Mail the <A HREF="mailto:webmaster@{site.host}">webmaster</A>.</FONT>
</BODY></HTML>
"""


def board(site: Site, content: Content) -> str:
    """A forum or a page of questions; the body is a first post and its replies."""
    return f"""<!DOCTYPE html>
<html lang="{site.language}">
{f.head(site, content, "board")}
<body class="viewtopic">
<div id="page-header"><a href="/">{escape(site.name)}</a> {escape(site.tagline)}
{f.menu(site)}{f.search_box(site)}
<ul class="linklist"><li><a href="/login">Log in</a></li><li><a href="/register">Register</a></li>
<li><a href="/faq">FAQ</a></li></ul></div>
<div id="page-body"><h1 class="topic-title">{escape(content.title)}</h1>
<div class="action-bar"><a class="button" href="#reply">Post reply</a> Page 1 of 1</div>
<div class="post first"><div class="poster"><a href="/u/x">{escape(content.byline)}</a></div>
<div class="post-body">
{content.body}
</div></div>
{f.related_links(site, content)}
<div class="stat-block online-list"><h3>Who is online</h3><p>Users browsing this forum:
no registered users and {3 + f.hash_of(content.url) % 9} guests</p></div></div>
{f.footer(site)}
{f.cookie_banner(site)}
</body></html>
"""


def shop(site: Site, content: Content) -> str:
    return f"""<!DOCTYPE html>
<html lang="{site.language}">
{f.head(site, content, "shop")}
<body class="product-page">
<div class="promo-bar">Free delivery on orders over 50!</div>
<header><a href="/">{escape(site.name)}</a>{f.menu(site)}{f.search_box(site)}
<a href="/basket" class="basket">Basket (0)</a></header>
<main class="product">{f.breadcrumb(site, content)}
<h1>{escape(content.title)}</h1>
{content.body}
<form action="/basket" method="post"><label>Quantity <select name="q"><option>1<option>2<option>3
</select></label><button>Add to basket</button></form>
</main>
{f.related_links(site, content)}
{f.newsletter(site)}
{f.footer(site)}
{f.cookie_banner(site)}
</body></html>
"""


def manual(site: Site, content: Content) -> str:
    """Documentation: a tree of contents on the left, a version switch, previous and next."""
    return f"""<!DOCTYPE html>
<html lang="{site.language}">
{f.head(site, content, "docs")}
<body>
<div class="sphinxsidebar" role="navigation"><h3><a href="/">{escape(site.name)}</a></h3>
<select class="version-switch"><option>1.0<option>1.1<option>2.0</select>
{f.search_box(site)}
<ul class="toctree">{links(content.related)}</ul></div>
<div class="document" role="main"><div class="body">
<h1>{escape(content.title)}<a class="headerlink" href="#top" title="Link">&para;</a></h1>
{content.body}
</div></div>
<div class="prev-next"><a rel="prev" href="#">Previous topic</a>
<a rel="next" href="#">Next topic</a></div>
<div class="footer">&copy; 2024 {escape(site.name)}. Built with the usual tools.</div>
</body></html>
"""


def plain(site: Site, content: Content) -> str:
    """A print view: the text and next to nothing else."""
    return f"""<!DOCTYPE html>
<html lang="{site.language}"><head><meta charset="utf-8">
<title>{escape(content.title)}</title></head>
<body onload="window.print()">
<h1>{escape(content.title)}</h1>
{content.body}
</body></html>
"""


def _byline(site: Site, content: Content) -> str:
    if not content.byline:
        return ""
    return (
        f'<p class="byline">{escape(site.phrases.by)} <a rel="author" href="/authors/">'
        f"{escape(content.byline)}</a> "
        f'<time datetime="{content.date}">{content.date}</time></p>'
    )


LAYOUTS: dict[str, Callable[[Site, Content], str]] = {
    layout.__name__: layout
    for layout in (blog, magazine, newspaper, portal, retro, board, shop, manual, plain)
}
