"""Our English words against spaCy itself: on pieces made to trip the rules, and on real text."""

from __future__ import annotations

import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.text.english import URL_MAX_CHARS, EnglishTokenizer
from winnow.text.words import EnglishWords, splitter, words_of

spacy = pytest.importorskip("spacy")

CRAWL = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "crawl"

OURS = EnglishTokenizer()
THEIRS = spacy.blank("en")
SPECIALS = sorted(chunk for chunk in THEIRS.tokenizer.rules if chunk.split() == [chunk])

# what the rules speak of: quotes, dots, units, currencies, hyphens, URLs, emoticons
PIECES = st.sampled_from(
    [
        *"abcXYZéßжя中ก0123456789.,;:!?'\"’‘“”()[]{}<>-–—_/\\+*^=~#$%&@|…°²…·«»‚„`´€£\u0301\u200d😀♥",
        *("..", "...", "……", "'s", "’S", "n't", "km", "km²", "kg", "m/s", "°C.", "°F", "US$", "C$"),
        *(
            "http://",
            "www.",
            ".com",
            ".co.uk",
            "@",
            "user@",
            ":8080",
            "?q=1",
            "192.168.0.1",
            "8.8.8.8",
        ),
        *("don't", "I'm", "e.g.", "U.S.", "and/or", "w/o", "C++", "a.m.", "o'clock", "Mr.", "NOUN"),
    ]
)
CHUNKS = st.one_of(
    st.lists(PIECES, min_size=1, max_size=12).map("".join),
    st.lists(st.one_of(PIECES, st.sampled_from(SPECIALS)), min_size=1, max_size=5).map("".join),
    st.text(min_size=1, max_size=30).map(lambda text: "".join(text.split()) or "x"),
)


def theirs(text: str) -> list[str]:
    with THEIRS.memory_zone():
        return [word.text.strip() for word in THEIRS.tokenizer(text) if word.text.strip()]


def test_the_rules_are_those_of_the_installed_spacy() -> None:
    maker = runpy.run_path(str(Path(__file__).with_name("make_rules.py")))
    held = tomllib.loads(maker["RULES"].read_text(encoding="utf-8"))
    theirs_now = maker["rules_of_spacy"]()
    assert held.pop("spacy").split(".")[:2] == theirs_now.pop("spacy").split(".")[:2]
    assert held == theirs_now


@given(CHUNKS)
@example("x):')")  # special cases that overlap: the longer wins
@example("[:')x")
@example("a" * 30 + "." * 40)  # a suffix longer than the window that is looked at
@example("x" + "." * 200)
@example(").")  # what a suffix looks back at is not the prefix
@settings(max_examples=1500, deadline=None)
def test_a_chunk_has_the_tokens_of_spacy(chunk: str) -> None:
    assert list(OURS.tokenize(chunk)) == theirs(chunk)


def test_every_special_case_alone_and_beside_punctuation() -> None:
    for special in SPECIALS:
        for chunk in (special, f"({special}", f"{special}).", f'"{special},"', f"x-{special}"):
            assert list(OURS.tokenize(chunk)) == theirs(chunk), chunk


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_words_of_a_text_are_those_of_its_chunks_and_lose_no_ink(text: str) -> None:
    words = words_of(text, "en")
    assert "".join(words) == "".join(text.split())
    assert words == [word for chunk in text.split() for word in OURS.tokenize(chunk)]


def test_a_text_is_split_as_spacy_splits_it() -> None:
    text = "Don't (ever) pay US$50.\n\n “It’s 10km away…” he said — to http://a.org/b?c=d, or:)"
    assert words_of(text) == theirs(text)


def test_white_space_that_spacy_cuts_at_is_that_of_str_split() -> None:
    for code in (*range(0x20), 0x85, 0xA0, 0x1680, 0x180E, *range(0x2000, 0x2030), 0x205F, 0x3000):
        text = f"ab{chr(code)}cd"
        assert words_of(text) == theirs(text), hex(code)


@given(st.lists(st.sampled_from(["a", "don't", "x).", "(hi)", "…"]), max_size=40))
def test_the_memo_never_shows(chunks: list[str]) -> None:
    tiny = EnglishWords(max_chunks=2)
    assert tiny.split(" ".join(chunks)) == [word for c in chunks for word in OURS.tokenize(c)]


def test_long_chunks_take_linear_time_and_lose_nothing() -> None:
    size = 200_000  # quadratic code would need minutes
    for chunk in ("a" * size, "!" * size, "a." * size, "(" * size + ")" * size, "a:b@" * size):
        assert "".join(OURS.tokenize(chunk)) == chunk
    assert len(OURS.tokenize("http://a.org/" + "b" * URL_MAX_CHARS)) > 1


def test_one_splitter_a_process_and_one_for_all_languages_without_their_own() -> None:
    assert splitter() is splitter("en") is splitter(None)
    assert splitter("de") is splitter("xx") is not splitter("en")


@pytest.mark.skipif(not CRAWL.exists(), reason="the shared crawl is not here")
def test_real_pages_are_split_as_spacy_splits_them() -> None:
    texts = list(real_texts(250))
    assert len(texts) == 250
    differing = sum(words_of(text) != theirs(text) for text in texts)
    assert differing <= 1  # special cases over a space; see winnow.text.english


def real_texts(count: int) -> Any:
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from resiliparse.extract.html2text import extract_plain_text

    with open(CRAWL / "small.warc.gz", "rb") as file:
        for record in ArchiveIterator(file, record_types=WarcRecordType.response, parse_http=True):
            text = extract_plain_text(record.reader.read().decode("utf-8", "replace"))
            if text.strip():
                yield text
                count -= 1
            if not count:
                return
