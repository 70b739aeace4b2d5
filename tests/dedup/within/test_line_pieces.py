"""Lines, paragraphs and sentences against plain Python and spaCy; texts without some of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.within import line_kernels as kernels
from winnow.dedup.within.line_pieces import Pieces, Unit, cut
from winnow.text.table import TextColumn

TEXTS = st.text(
    st.sampled_from(list("ab. \n\n\t.!?\"')(A1…。٣é\u00a0\u2028\r\x1c"))
    | st.characters(codec="utf-8"),
    max_size=30,
)


def pieces_of(texts: list[str], unit: Unit, languages: list[str | None] | None = None) -> Pieces:
    column = TextColumn(pa.array(texts, pa.large_string()))
    return cut(column, unit, languages or [None] * len(texts))


def strings(texts: list[str], pieces: Pieces) -> list[list[str]]:
    data = "".join(texts).encode()
    found = [
        data[a:b].decode()
        for a, b in zip(pieces.starts.tolist(), pieces.ends.tolist(), strict=True)
    ]
    offsets = pieces.offsets.tolist()
    return [found[a:b] for a, b in pairwise(offsets)]


@given(st.lists(TEXTS, max_size=5))
@settings(max_examples=200, deadline=None)
def test_lines_are_what_line_feeds_part(texts: list[str]) -> None:
    assert strings(texts, pieces_of(texts, "line")) == [text.split("\n") for text in texts]


def paragraphs(text: str) -> list[str]:
    found: list[list[str]] = [[]]
    for line in text.split("\n"):
        if line.strip():
            found[-1].append(line)
        else:
            found.append([])
    return ["\n".join(lines) for lines in found if lines]


@given(st.lists(TEXTS, max_size=5))
@settings(max_examples=200, deadline=None)
def test_paragraphs_are_runs_of_lines_with_ink(texts: list[str]) -> None:
    assert strings(texts, pieces_of(texts, "paragraph")) == [paragraphs(text) for text in texts]


def spacy_sentences(nlp: Any, text: str) -> list[str]:
    """As datatrove's SentenceDedupFilter cuts: from the end of one sentence to that of the next."""
    ends = [sentence.end_char for sentence in nlp(text).sents]
    return [text[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)] if ends else []


@pytest.fixture(scope="module")
def nlp() -> Any:
    spacy = pytest.importorskip("spacy")
    found = spacy.blank("en")
    found.add_pipe("sentencizer")
    return found


SENTENCES = [
    "", " ", "  ", "\n", "a", " a", "a ", "a  ", "a\n", "One. Two.", "One.  Two.", "One.\nTwo.",
    "One. \nTwo.", "One.\n Two.", "One.Two.", "One...Two", 'He said "One." Then. "Two?" (Three.)',
    "One. ) Two", "One!? Two", "Mr. A. B. went", "e.g. this one. U.S. based.", "One。Two。三。",
    ". . a",
    "...", "...\n\n...", "end.\n", "end. \n", " . \n . b", "3.5 of 4. 5",
    "One.\n\n\n  Two",
    "a.\u00a0b",
    "Hi.\u2028You. \u3000There", "One.) Two.' Three.\" Four.” Five.» Six",
]  # fmt: skip


def test_sentences_are_those_of_spacy(nlp: Any) -> None:
    found = strings(SENTENCES, pieces_of(SENTENCES, "sentence"))
    assert found == [spacy_sentences(nlp, text) for text in SENTENCES]


@given(st.lists(st.lists(st.sampled_from([
    "Hello", "it", "e.g.", "Mr.", ".", "!", "?", "...", "…", "\"", ")", "(", " ", "  ", "\n",
    "\n\n", "\t", "\u00a0", "3.5", "U.S.", "don't", "a.b", "end.Start", "。", "؟", "¿", "»", "'",
    "-", "--",
]), max_size=25).map("".join), min_size=1, max_size=4))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_sentences_of_any_text_are_those_of_spacy(nlp: Any, texts: list[str]) -> None:
    # special cases over a space are spaCy's alone; see winnow.text.english
    assert strings(texts, pieces_of(texts, "sentence")) == [
        spacy_sentences(nlp, text) for text in texts
    ]


@given(st.lists(TEXTS, min_size=1, max_size=6), st.data())
@settings(max_examples=100, deadline=None)
def test_rows_of_many_languages_keep_their_places(texts: list[str], data: st.DataObject) -> None:
    kinds: st.SearchStrategy[str | None] = st.sampled_from([None, "en", "de", "zh"])
    languages = data.draw(st.lists(kinds, min_size=len(texts), max_size=len(texts)))
    together = strings(texts, pieces_of(texts, "sentence", languages))
    for text, language, found in zip(texts, languages, together, strict=True):
        assert found == strings([text], pieces_of([text], "sentence", [language]))[0]
        assert text.startswith("".join(found)) and text[len("".join(found)) :] in ("", " ")


def test_a_mark_that_spacy_does_not_know_ends_a_sentence_of_other_languages() -> None:
    text = ["ក។ ខ"]
    assert len(strings(text, pieces_of(text, "sentence", ["km"]))[0]) == 2
    mark = ["a \u17d4 b"]
    assert len(strings(mark, pieces_of(mark, "sentence", ["en"]))[0]) == 1
    assert len(strings(mark, pieces_of(mark, "sentence", ["km"]))[0]) == 2


def rest(text: str, unit: Unit, removed: list[bool]) -> str:
    """The rule, on strings: a piece goes with what stands behind it."""
    pieces = strings([text], pieces_of([text], unit))[0]
    if unit == "sentence":
        kept = [p for p, gone in zip(pieces, removed, strict=True) if not gone]
        return "".join(kept).lstrip()
    if unit == "line":
        return "\n".join(p for p, gone in zip(pieces, removed, strict=True) if not gone)
    gaps, at = [], 0
    for piece in pieces:
        start = text.index(piece, at)
        gaps.append(text[at:start])
        at = start + len(piece)
    gaps.append(text[at:])
    kept_places = [place for place, gone in enumerate(removed) if not gone]
    if not kept_places:
        return ""
    found = gaps[0] if kept_places[0] == 0 else ""
    for number, place in enumerate(kept_places):
        last = number == len(kept_places) - 1
        found += pieces[place]
        if not last or place == len(pieces) - 1:
            found += gaps[place + 1]
    return found


@given(
    st.lists(TEXTS, min_size=1, max_size=4),
    st.sampled_from(["line", "paragraph", "sentence"]),
    st.data(),
)
@settings(max_examples=300, deadline=None)
def test_the_rest_of_a_text(texts: list[str], unit: Unit, data: st.DataObject) -> None:
    pieces = pieces_of(texts, unit)
    removed = [
        data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
        for count in pieces.counts().tolist()
    ]
    flags = np.array([gone for each in removed for gone in each], np.bool_)
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, len(texts) - 1)))), np.int64)
    column = TextColumn(pa.array(texts, pa.large_string()))
    letters = np.empty(len("".join(texts).encode()), np.uint8)
    offsets = np.zeros(len(rows) + 1, np.int64)
    kernels.write_rest(
        column.data, column.offsets, rows, pieces.starts, pieces.ends, pieces.offsets, flags,
        unit == "sentence", letters, offsets,
    )  # fmt: skip
    found = [letters[a:b].tobytes().decode() for a, b in pairwise(offsets)]
    assert found == [rest(texts[row], unit, removed[row]) for row in rows.tolist()]
    for row, left in zip(rows.tolist(), found, strict=True):
        if unit == "line" and not any(removed[row]):
            assert left == texts[row]


def test_an_example_of_every_joining_rule() -> None:
    assert rest("a\nb\nc", "line", [False, False, True]) == "a\nb"
    assert rest("a\nb\n", "line", [True, False, False]) == "b\n"
    assert rest("\n\na\nb\n\n\nc\n\nd\n", "paragraph", [True, False, False]) == "c\n\nd\n"
    assert rest("\na\n\n\nc\n\nd\n", "paragraph", [False, True, True]) == "\na"
    assert rest("One. Two. Three. ", "sentence", [True, False, False]) == "Two. Three."


@given(st.lists(TEXTS, max_size=6))
@settings(max_examples=100, deadline=None)
def test_characters_are_counted_without_white_space_at_the_ends(texts: list[str]) -> None:
    pieces = pieces_of(texts, "line")
    column = TextColumn(pa.array(texts, pa.large_string()))
    chars = kernels.ink_chars(column.data, pieces.starts, pieces.ends)
    assert chars.tolist() == [len(line.strip()) for text in texts for line in text.split("\n")]
    assert kernels.text_chars(column.data, column.offsets).tolist() == [len(t) for t in texts]
