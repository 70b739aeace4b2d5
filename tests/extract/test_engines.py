"""Titles, texts, and their tidying."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.errors import ConfigError
from winnow.extract.engines import ENGINES, MAX_TITLE_CHARS, open_engine, tidy_text, tidy_title

PAGE = """<html><head>{head}</head><body><nav><a href=/>Home</a> <a href=/x>About</a></nav>
<article><h1>The heading  of it</h1>
<p>The first paragraph of this page has a good number of words in it, as main text does.</p>
<p>And so has the second, which goes on about the weather, the harvest, and the price of bread.</p>
</article><footer>Imprint</footer></body></html>"""


@pytest.mark.parametrize("name", ENGINES)
def test_title_and_text(name: str) -> None:
    engine = open_engine(name)
    for head, title in [
        ("<title>\n A  title\t&amp; more </title>", "A title & more"),
        ('<title> </title><meta property="og:title" content=" Of the graph ">', "Of the graph"),
        ("", "The heading of it"),
    ]:
        found, text = engine(PAGE.format(head=head))
        assert found == title
        assert "the price of bread" in text
        assert "Imprint" not in text


@pytest.mark.parametrize("name", ENGINES)
def test_nothing_carries_over_between_pages(name: str) -> None:
    pages = [PAGE.format(head=f"<title>{n % 2}</title>") for n in range(6)]
    engine = open_engine(name)
    in_a_row = [engine(page) for page in pages]
    assert in_a_row == [open_engine(name)(page) for page in pages]
    assert in_a_row[0] == in_a_row[2] == in_a_row[4]


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    "html",
    ["", " ", "x", "<", "<html>", "\u0301", "a" * 100_000, "<title>only", "<!-- -->", "&#0;"],
)
def test_total(name: str, html: str) -> None:
    title, text = open_engine(name)(html)
    assert title is None or isinstance(title, str)
    assert isinstance(text, str)


def test_unknown_engine() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'trafilatura'"):
        open_engine("trafiltura")


@given(st.text(alphabet="ab \t\n\r\x0b\xa0\u2003\0", max_size=60))
def test_tidy_text(text: str) -> None:
    tidy = tidy_text(text)
    assert tidy == slow_tidy(text)
    assert tidy_text(tidy) == tidy


def slow_tidy(text: str) -> str:
    text = re.sub("\r\n?", "\n", text.replace("\0", ""))
    lines: list[str] = []
    for line in text.split("\n"):
        line = line.rstrip()
        if line or (lines and lines[-1]):
            lines.append(line)
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines)


@given(st.text(alphabet="ab \t\n\0\xa0", max_size=60))
def test_tidy_title(title: str) -> None:
    tidy = tidy_title(title)
    assert (tidy or "").split() == title.replace("\0", "").split()
    assert tidy is None or tidy == " ".join(tidy.split())
    assert tidy_title("x" * 10**6) == "x" * MAX_TITLE_CHARS
