"""The compiled splits against the splits themselves: on made and on real chunks, all equal."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.text import english_kernels as kernels
from winnow.text.english import URL_MAX_CHARS, EnglishTokenizer, english_rules
from winnow.text.english_tables import english_tables, ranges_of
from winnow.text.scripts import script_tokens
from winnow.text.splits import ChunkSplit
from winnow.text.words import splitter

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"

ENGLISH = EnglishTokenizer()
RULES = english_rules()
SPECIALS = sorted(RULES["specials"])
UNITS = re.findall(
    r"[^|()?:]+", next(p for p in RULES["suffixes"] if "km" in p)[len("(?<=[0-9])") :]
)
CURRENCIES = ["$", "US$", "C$", "A$", "£", "₿"]

# what the rules speak of, and what lies just beside it
PIECES = st.one_of(
    st.sampled_from(
        [*"abcXYZéßÀжяЖ中กあª0123456789٣.,;:!?'\"’‘“”()[]{}<>-–—~_/\\+*^=#$%&@|…°²·«»£♥😀"]
    ),
    st.sampled_from(SPECIALS),
    st.sampled_from(UNITS),
    st.sampled_from(CURRENCIES),
    st.sampled_from(
        ["..", "...", "……", "--", "---", "——", "'s", "’S", "n't", "°C.", "AB.", "Ab.", "ab.", "1."]
    ),
    st.sampled_from(
        [
            "http://",
            "a+b://",
            "://",
            "www.",
            ".com",
            ".co.uk",
            "@",
            "u@",
            ":8080",
            ":1",
            "?q=1",
            "#x",
        ]
    ),
    st.sampled_from(
        ["192.168.0.1", "8.8.8.8", "1.2.3", ".٣", "a.b", "x_y.com", "-a.com", "日本.jp"]
    ),
    st.sampled_from(
        ["a" * 63, "a" * 64, "\u0301", "\u200d", "\ufeff", "\u3002", "\U00020000", "\x00"]
    ),
)
CHUNKS = st.one_of(
    st.lists(PIECES, min_size=1, max_size=8).map("".join),
    st.text(min_size=1, max_size=30),
    st.text(alphabet=st.characters(categories=["P", "S", "L", "N", "M"]), min_size=1, max_size=8),
).map(lambda text: "".join(text.split()) or "x")


def compiled(chunks: list[str], language: str) -> list[tuple[str, ...] | None]:
    """The words of each chunk by the kernel; None where it does not decide."""
    encoded = [chunk.encode() for chunk in chunks]
    data = np.frombuffer(bytearray(b"".join(encoded)), np.uint8)
    ends = np.cumsum([len(chunk) for chunk in encoded], dtype=np.int64)
    counts, word_ends = ChunkSplit(splitter(language)).split(data, ends)
    raw, word_end = data.tobytes(), iter(word_ends.tolist())
    found: list[tuple[str, ...] | None] = []
    start = 0
    for count, chunk_end in zip(counts.tolist(), ends.tolist(), strict=True):
        words = []
        for _ in range(count):
            end = next(word_end)
            words.append(raw[start:end].decode())
            start = end
        assert not count or start == chunk_end
        start = chunk_end
        found.append(tuple(words) if count else None)
    assert next(word_end, None) is None
    return found


@given(st.lists(CHUNKS, min_size=1, max_size=5))
@example(["http://" + "a" * 64 + ".com/x-y", "http://" + "a" * 65 + ".com/x-y"])
@example(
    ["a.b" + "c" * 63 + "/d-e", "a.b" + "c" * 64 + "/d-e", "a.b/c-d", "a.bc:1/d-e", "a.bc:12/d-e"]
)
@example(["@a.bc/d-e", "u@a.bc/d-e", "u@v@a.bc/d-e", "x://a.bc/d-e", "xy://a.bc/d-e", "u:p@a.bc"])
@example(["a_b.com/x-y", "_a.com/x-y", "a-.com/x-y", ".com/x-y", "a..com/x-y", "a.com:123456/x-y"])
@example(["1.2.3.4/x-y", "1.٢.3.4/x-y", "1.2.3/x-y"])
@example(
    ["x):')", "[:')x", "(can't)", "cannot.", "-cant", "10km/h.", "5°C.", "+1", "+a", "a+b", "1+2"]
)
@example(
    ["a" * 30 + "." * 40, "x" + "." * 200, ").", "a--b", "a---b", "a----b", "a——b", "1-2", "1--2"]
)
@settings(max_examples=3000, deadline=None)
def test_english_chunks_are_split_as_the_tokenizer_splits_them(chunks: list[str]) -> None:
    for chunk, words in zip(chunks, compiled(chunks, "en"), strict=True):
        assert words is None or words == ENGLISH.tokenize(chunk)


@given(st.lists(CHUNKS, min_size=1, max_size=5))
@settings(max_examples=1000, deadline=None)
def test_chunks_are_split_by_script_as_the_expression_splits_them(chunks: list[str]) -> None:
    assert compiled(chunks, "xx") == [script_tokens(chunk) for chunk in chunks]


def test_what_is_common_is_decided() -> None:
    text = (
        "word word, (word) “Word.” don't can’t. 10km 5°C. U.S. a.m. 1,000 $5.50 3-4 well-known x_y "
        "and/or http://a.org/b?c=d, me@a.co.uk a...b (e.g., it's, --- 日本語。 été! 100% 2+2=4 C++ "
        "word.Word [1] 1.2.3 ♥ 😀 'em No.5 US$50 10:30pm She’s. A&B"
    )
    chunks = text.split()
    assert compiled(chunks, "en") == [ENGLISH.tokenize(chunk) for chunk in chunks]


def test_special_cases_and_units_in_every_company() -> None:
    chunks = [
        before + core + after
        for core in (*SPECIALS, *(f"1{unit}" for unit in (*UNITS, *CURRENCIES)), *UNITS)
        for before in ("", "(", "x", "x-", "'", "US$")
        for after in ("", ".", ")", ",”", "'s", "x", "..")
    ]
    undecided = 0
    for chunk, words in zip(chunks, compiled(chunks, "en"), strict=True):
        assert words is None or words == ENGLISH.tokenize(chunk), chunk
        undecided += words is None
    assert undecided < len(chunks) / 10  # those with an emoticon between other characters


def test_every_character_alone_and_between_letters_digits_and_dots() -> None:
    # all that Unicode has named, and one of a hundred of the rest
    characters = [
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if (category := unicodedata.category(character)) != "Cs"
        and (category not in ("Cn", "Co", "Lo") or ord(character) % 97 == 0)
        and not character.isspace()
    ]
    assert len(characters) > 20_000
    for pattern in ("{}", "a{}b", "A{}.", "7{}", "{0}{0}.", "a.{0}{0}/x-y", "a.{}"):
        chunks = [pattern.format(character) for character in characters]
        for chunk, words in zip(chunks, compiled(chunks, "en"), strict=True):
            assert words is None or words == ENGLISH.tokenize(chunk), ascii(chunk)
        assert compiled(chunks, "xx") == [script_tokens(chunk) for chunk in chunks]


def test_the_classes_of_characters_are_those_of_the_expressions() -> None:
    every = "".join(map(chr, chain(range(0xD800), range(0xE000, sys.maxunicode + 1))))
    contents = {
        content
        for piece in chain(RULES["prefixes"], RULES["suffixes"], RULES["infixes"])
        for content in re.findall(r"\[((?:\\.|[^\]\\])*)\]", piece)
    }
    assert len(contents) > 5
    for content in contents:
        held = {code for low, high in ranges_of(content) for code in range(low, high + 1)}
        assert held == set(map(ord, re.findall(f"[{content}]", every)))


def test_a_rule_of_an_unknown_form_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from winnow.text import english_tables as module

    for name, piece in (("prefixes", "a|b"), ("suffixes", "(?<=x)y"), ("infixes", "(?<=[a])b")):
        changed = {**RULES, name: [*RULES[name], piece]}
        monkeypatch.setattr(module, "english_rules", lambda changed=changed: changed)
        with pytest.raises(ValueError, match="must learn it first"):
            module.english_tables.__wrapped__()
    changed = {**RULES, "url": RULES["url"].replace("{0,62}", "{0,61}")}
    monkeypatch.setattr(module, "english_rules", lambda: changed)
    with pytest.raises(ValueError, match="URL"):
        module.english_tables.__wrapped__()


def test_literals_of_the_kernels_are_those_of_the_module_they_compile() -> None:
    assert kernels.URL_MAX_CHARS == URL_MAX_CHARS
    assert max(map(len, SPECIALS)) <= kernels.MAX_CHARS
    assert max(map(len, RULES["specials"].values())) <= kernels.CODES - kernels.TOKENS
    assert len(english_tables().classes) == sys.maxunicode + 1


def test_long_chunks_take_linear_time() -> None:
    size = 200_000  # quadratic code would need minutes
    chunks = ["a" * size, "!" * size, "a." * size, "(" * size + ")" * size, "a:b@" * size]
    chunks += ["a.b@" * size, "1." * size, "." * size, "a-" * size, "é" * size, "日本" * size]
    for language in ("en", "xx"):
        for chunk, words in zip(chunks, compiled(chunks, language), strict=True):
            assert words is None or "".join(words) == chunk


def real_chunks(pattern: str) -> Iterator[str]:
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from resiliparse.extract.html2text import extract_plain_text

    for path in sorted(SHARED.glob(pattern)):
        with open(path, "rb") as file:
            kind = WarcRecordType.response
            for record in ArchiveIterator(file, record_types=kind, parse_http=True):
                yield from extract_plain_text(
                    record.reader.read().decode("utf-8", "replace")
                ).split()


@pytest.mark.skipif(not (SHARED / "crawl").exists(), reason="the shared crawl is not here")
def test_every_chunk_of_the_shared_crawl() -> None:
    chunks = sorted(set(real_chunks("crawl/small.warc.gz")))
    assert len(chunks) > 100_000
    found = compiled(chunks, "en")
    decided = [(chunk, words) for chunk, words in zip(chunks, found, strict=True) if words]
    assert len(decided) > 0.99 * len(chunks)
    assert sum(words != ENGLISH.tokenize(chunk) for chunk, words in decided) == 0
    assert compiled(chunks, "xx") == [script_tokens(chunk) for chunk in chunks]
