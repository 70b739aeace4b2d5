"""Canonical URLs: total, idempotent, and equal to what Scrapy's and aiohttp's libraries say."""

from __future__ import annotations

import gzip
import json
import pickle
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup import urls
from winnow.dedup.urls import TRACKING_PARAMETERS, UrlRules

MANIFEST = Path(__file__).resolve().parents[3] / "shared" / "data" / "crawl" / "manifest.jsonl.gz"
DEFAULT = UrlRules()
SYNTAX = UrlRules((), ignore_scheme=False, ignore_www=False, ignore_trailing_slash=False)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("HTTP://Example.ORG", "http://example.org/"),
        ("http://example.org:80/", "http://example.org/"),
        ("https://example.org:443/", "https://example.org/"),
        ("http://example.org:443/", "http://example.org:443/"),
        ("http://example.org:0080/", "http://example.org/"),
        ("http://example.org:/", "http://example.org/"),
        ("http://example.org:8080", "http://example.org:8080/"),
        ("http://example.org.:8080", "http://example.org:8080/"),
        ("http://example.org:00", "http://example.org:0/"),
        ("http://example.org:x/", "http://example.org:x/"),
        ("http://u:P@example.org/", "http://u:P@example.org/"),
        ("http://@example.org/", "http://example.org/"),
        ("http://[2001:DB8:0:0::1]:80/", "http://[2001:db8::1]/"),
        ("http://[2001:DB8::zz]/", "http://[2001:db8::zz]/"),
        ("http://1:2:3/", "http://1:2:3/"),
        ("http://192.168.0.1/", "http://192.168.0.1/"),
        ("http://Exämple.org/", "http://xn--exmple-cua.org/"),
        ("http://ex%C3%A4mple.org/", "http://xn--exmple-cua.org/"),
        ("http://ex%E4mple.org/", "http://ex%e4mple.org/"),
        ("http://例え。テスト/", "http://xn--r8jz45g.xn--zckzah/"),
        ("http://℀.org/", "http://℀.org/"),  # its Punycode would have a slash
        ("http://e.org/%7Ea%2d%2F%2f%e4", "http://e.org/~a-%2F%2F%E4"),
        ("http://e.org/ä b|", "http://e.org/%C3%A4%20b%7C"),
        ("http://e.org/%", "http://e.org/%25"),
        ("http://e.org/%4", "http://e.org/%254"),
        ("http://e.org/%%34", "http://e.org/%254"),
        ("http://e.org/a/./b/../../c/.", "http://e.org/c/"),
        ("http://e.org/../../x", "http://e.org/x"),
        ("http://e.org/a/%2e%2E/b", "http://e.org/b"),
        ("http://e.org/a..b/...", "http://e.org/a..b/..."),
        ("http://e.org//a//", "http://e.org//a//"),
        ("http://e.org/A", "http://e.org/A"),
        ("http://e.org/?", "http://e.org/"),
        ("http://e.org/?&&", "http://e.org/"),
        ("http://e.org?b=2&a=1&b=1", "http://e.org/?a=1&b=2&b=1"),
        ("http://e.org/?q=a b&r=%20+&[]=é", "http://e.org/?%5B%5D=%C3%A9&q=a+b&r=++"),
        ("http://e.org/?a=%3d%26&b=c=d", "http://e.org/?a=%3D%26&b=c=d"),
        ("http://e.org/?a=/?x", "http://e.org/?a=/?x"),
        ("http://e.org/a#b?c", "http://e.org/a"),
        ("http://e.org/a?b#c?d#e", "http://e.org/a?b"),
        ("  \x00http://e.\norg/\ta \r\n", "http://e.org/a"),
        ("ftp://e.org:21/a", "ftp://e.org/a"),
        ("http://", "http:///"),
        ("http:///x", "http:///x"),
        ("mailto:Some@Body", "mailto:Some@Body"),
        ("/a/../b", "/a/../b"),
        (" e.org/a ", "e.org/a"),
        ("", ""),
        ("http://e.org/\ud800", "http://e.org/%ED%A0%80"),
    ],
)
def test_syntax(url: str, wanted: str) -> None:
    assert SYNTAX.canonical(url) == wanted


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        (
            "https://www.example.org/a/?utm_source=x&UTM_Campaign=y&id=3",
            "http://example.org/a?id=3",
        ),
        ("http://e.org/?%75tm_source=x", "http://e.org/"),
        ("http://e.org/?utm_=1&utm=2&xutm_a=3&gclid", "http://e.org/?utm=2&xutm_a=3"),
        ("http://e.org/a;jsessionid=7F.1;v=2?b=1", "http://e.org/a;v=2?b=1"),
        ("http://e.org/a/..;jsessionid=1/b", "http://e.org/b"),
        ("http://e.org/?PHPSESSID=1&ref=x", "http://e.org/?ref=x"),
        ("https://e.org:80/", "http://e.org/"),
        ("http://e.org:443/", "http://e.org/"),
        ("http://www.www.e.org/", "http://e.org/"),
        ("http://www.com/", "http://www.com/"),
        ("https://www.bob@example.com/a", "http://www.bob@example.com/a"),
        ("http://me@www.example.com/", "http://me@example.com/"),
        ("http://www.@www.x/", "http://www.@www.x/"),
        ("http://www.[::0.0.0.1]/", "http://[::1]/"),
        ("http://www.e.org:81", "http://e.org:81/"),
        ("http://www2.e.org/", "http://www2.e.org/"),
        ("http://e.org//", "http://e.org/"),
        ("http://e.org/a//?b", "http://e.org/a?b"),
        ("wss://www.e.org/", "wss://e.org/"),
    ],
)
def test_what_counts_as_one_page(url: str, wanted: str) -> None:
    assert DEFAULT.canonical(url) == wanted


def test_the_list_is_a_setting() -> None:
    rules = UrlRules(("ref", "s*d", "a.c"))
    assert rules.canonical("http://e.org/?ref=1&SESSID=2&sd=3&abc=4&a.c=5&utm_x=6") == (
        "http://e.org/?abc=4&utm_x=6"
    )
    assert UrlRules(("*",)).canonical("http://e.org/?a=1&b") == "http://e.org/"
    assert len(set(TRACKING_PARAMETERS)) == len(TRACKING_PARAMETERS)
    assert all(name == name.lower().strip() and name for name in TRACKING_PARAMETERS)
    used = UrlRules(("x",))
    used.canonical("http://e.org/?x=1")
    assert pickle.loads(pickle.dumps(used)) == used


PIECES = [
    "http", "https", "HTTP", "ftp", "://", ":", "/", "//", "?", "&", "=", ";", "#", "@", ".", "..",
    "www.", "e.org", "E.Org.", "ä", "İ", "ß", "Σ", "。", "℀", "[", "]", "[::1]", "%", "%2", "%2e",
    "%2F", "%e4", "%C3%A4", "%7E", "%20", " ", "+", "\t", "\n", "\0", "\\", "|", "~", "a", "B",
    "80", ":80", ":443", ":0080", ":x", "utm_a", "utm_a=1", "jsessionid=1", "xn--", "\ud800", "%00",
]  # fmt: skip
rubbish = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
host_pieces = ["www.", "www.", "WWW.", "w", "x", ".", "e.org", "[::1]", "[::0.0.0.1]", "%77", "ä"]
host = st.lists(st.sampled_from(host_pieces), max_size=4).map("".join)
authority = st.builds(
    "{}{}{}{}".format, host, st.sampled_from(["", "@", ":p@"]), host,
    st.sampled_from(["", ":", ":80", ":81"]),
)  # fmt: skip
urlish = st.builds(
    "{}://{}/{}?{}".format, st.sampled_from(["http", "https", "ftp"]), rubbish | authority,
    rubbish, rubbish,
)  # fmt: skip
rules = st.builds(
    UrlRules, st.sampled_from([TRACKING_PARAMETERS, (), ("a*",), ("",)]), st.booleans(),
    st.booleans(), st.booleans(),
)  # fmt: skip


@given(st.text(max_size=30) | rubbish | urlish, rules)
@settings(deadline=None, max_examples=500)
def test_any_string_has_a_canonical_form_which_is_its_own(url: str, rules: UrlRules) -> None:
    found = rules.canonical(url)
    assert rules.canonical(found) == found


@given(urlish | authority.map("http://{}/".format))
@settings(deadline=None, max_examples=300)
def test_www_goes_from_hosts_and_nothing_else(url: str) -> None:
    kept = UrlRules((), ignore_scheme=False, ignore_www=False, ignore_trailing_slash=False)
    bare = UrlRules((), ignore_scheme=False, ignore_www=True, ignore_trailing_slash=False)
    before, after = (
        re.split("[/?]", kept.canonical(url), maxsplit=3),
        re.split("[/?]", bare.canonical(url), maxsplit=3),
    )
    assert before[:2] == after[:2] and before[3:] == after[3:]
    if len(before) > 2:
        assert before[2].rpartition("@")[0] == after[2].rpartition("@")[0]
        name = after[2].rpartition("@")[2]
        assert not (name.startswith("www.") and "." in name[4:])


@given(st.text(max_size=30) | rubbish | urlish, rules)
@settings(deadline=None, max_examples=300)
def test_the_short_way_of_plain_urls_shows_in_nothing(url: str, rules: UrlRules) -> None:
    found = rules.canonical(url)
    plain = urls._PLAIN
    try:
        urls._PLAIN = re.compile(r"(?!)")
        assert rules.canonical(url) == found
    finally:
        urls._PLAIN = plain


label = st.text("abcxyz019-_~.AB", min_size=1, max_size=5)
# not %3D: yarl and w3lib decode what a path may hold, and RFC 3986 has it for another path
escaped = st.sampled_from(["%41", "%7e", "%2f", "%e4", "%C3%A4", "ä"])
value = st.lists(label | escaped | st.just("%3D"), min_size=1, max_size=3).map("".join)
segment = st.lists(label | escaped, min_size=1, max_size=3).map("".join)
clean = st.builds(
    "{}://{}{}/{}{}".format,
    st.sampled_from(["http", "https", "HTTP"]),
    st.sampled_from(["e.org", "Sub.Example.COM", "www.a.b", "xn--exmple-cua.org"]),
    st.sampled_from(["", ":8080", ":80", ":443"]),
    st.lists(segment | st.sampled_from([".", ".."]), max_size=4).map("/".join),
    st.lists(st.builds("{}={}".format, label, value), max_size=3).map(
        lambda parts: "?" + "&".join(parts) if parts else ""
    ),
)


@given(clean)
@settings(deadline=None, max_examples=200)
def test_equal_to_yarl_but_for_the_order_of_the_query(url: str) -> None:
    """yarl: RFC 3986 for scheme, host, port, dot segments and escapes in the path."""
    yarl = pytest.importorskip("yarl")
    theirs = yarl.URL(url)
    scheme, host, path, _, _ = urlsplit(SYNTAX.canonical(url))
    assert scheme == theirs.scheme
    assert host == theirs.raw_host + ("" if theirs.is_default_port() else f":{theirs.port}")
    assert path == theirs.raw_path


@given(clean)
@settings(deadline=None, max_examples=200)
def test_the_query_says_what_w3lib_says(url: str) -> None:
    """w3lib sorts by value too, so the pairs are compared as they are read, and not the text."""
    w3lib = pytest.importorskip("w3lib.url")
    ours, theirs = SYNTAX.canonical(url), w3lib.canonicalize_url(url)

    def query(text: str) -> list[tuple[str, str]]:
        return sorted(parse_qsl(urlsplit(text).query, True, encoding="latin-1"))

    assert query(ours) == query(theirs)
    names = [name for name, _ in parse_qsl(urlsplit(ours).query, True)]
    assert names == sorted(names)


@given(clean, clean)
@settings(deadline=None, max_examples=200)
def test_what_w3lib_takes_for_one_we_do_too(one: str, other: str) -> None:
    w3lib = pytest.importorskip("w3lib.url")
    for url, same in ((one, w3lib.canonicalize_url(one)), (other, f"{other}#part")):
        named = [name for name, _ in parse_qsl(urlsplit(url).query, True)]
        if len(set(named)) == len(named):  # w3lib sorts values of one name; we keep their order
            assert SYNTAX.canonical(same) == SYNTAX.canonical(url)


@pytest.mark.skipif(not MANIFEST.exists(), reason="needs the crawl of ../shared")
def test_crawled_urls_join_as_w3lib_joins_them() -> None:
    w3lib = pytest.importorskip("w3lib.url")
    with gzip.open(MANIFEST, "rt", encoding="utf-8") as file:
        crawled = [json.loads(line)["url"] for line in file]
    groups: dict[str, Any] = {}
    for url in crawled:
        groups.setdefault(w3lib.canonicalize_url(url), set()).add(SYNTAX.canonical(url))
    assert len(crawled) > 1000
    assert all(len(found) == 1 for found in groups.values())
    assert len({DEFAULT.canonical(url) for url in crawled}) <= len(groups)
