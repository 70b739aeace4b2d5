"""Sentences of lines against spaCy's sentencizer, and against the rule written out."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.text.by_language import word_table
from winnow.text.punctuation import SENTENCE_ENDS
from winnow.text.sentences import UNKNOWN_TO_SPACY, sentences_of
from winnow.text.table import TextColumn
from winnow.text.words import words_of

LINES = st.one_of(
    st.text(max_size=40).map(lambda text: text.replace("\n", " ")),
    st.lists(
        st.sampled_from(
            ["He", "went.", "a.m.", "No!", "?", ".", ")", "]", "“", "'", "...", "…", "e.g.", "1.5."]
            + ["好。", "។", "។a", "\u0964", "don't", "U.S.", "x.y", "(a.)"]
            + [" "] * 20
            + ["  ", "\t", "\u3000", "\xa0 "]
        ),
        max_size=30,
    ).map("".join),
)
TEXTS = st.lists(LINES, max_size=5).map("\n".join).map(str.strip)


def tokens_of(line: str, language: str) -> list[str]:
    """As spaCy cuts it, white space that is more than the one space behind a token included."""
    tokens = []
    for piece in re.findall(r"\s+|\S+", line):
        if piece.isspace():
            gap = piece.removeprefix(" ") if tokens else piece
            tokens += [gap] if gap else []
        else:
            tokens += words_of(piece, language)
    return tokens


def sentences(line: str, language: str) -> int:
    marks = SENTENCE_ENDS - set(UNKNOWN_TO_SPACY) if language == "en" else SENTENCE_ENDS
    count, ended = 1, False
    for token in tokens_of(line, language):
        if token in marks:
            ended = True
        elif ended and not all(unicodedata.category(mark)[0] == "P" for mark in token):
            count, ended = count + 1, False
    return count


def counted(texts: list[str], language: str, open_ends: list[int]) -> list[int]:
    column = TextColumn(pa.array(texts, pa.large_string()))
    words = word_table(language).split(column, np.arange(len(texts)))
    found = sentences_of(column, words, language == "en", np.array(open_ends, np.int64))
    return list(found.tolist())


@pytest.mark.parametrize("language", ["en", "fr", "km"])
@given(texts=st.lists(TEXTS, max_size=4))
@example(["", "a", "a.", "a. b", "a.  )", "a. )", "a.\t", "a.\n\n)", ". . .", "a.\xa0b"])
@settings(max_examples=300, deadline=None)
def test_every_line_counts_its_own_sentences(language: str, texts: list[str]) -> None:
    expected = [
        sum(sentences(line, language) for line in text.split("\n")) if text else 0 for text in texts
    ]
    assert counted(texts, language, [0] * len(texts)) == expected
    ends_open = [
        sum(sentences(line, language) for line in f"{text}\t".split("\n")) if text else 0
        for text in texts
    ]
    assert counted(texts, language, [1] * len(texts)) == ends_open


def test_marks_that_spacy_does_not_know() -> None:
    sentencizer = pytest.importorskip("spacy.pipeline").Sentencizer
    assert set(sentencizer.default_punct_chars) == SENTENCE_ENDS - set(UNKNOWN_TO_SPACY)


@cache
def sentencizer() -> Any:
    nlp = pytest.importorskip("spacy").blank("en")
    nlp.add_pipe("sentencizer")
    return nlp


@given(LINES.filter(lambda line: "IS_" not in line))
@settings(max_examples=500, deadline=None)
def test_english_sentences_are_those_of_spacy(line: str) -> None:
    nlp = sentencizer()
    # without specials that spaCy finds across a space (see winnow.text.english)
    if [token.text for token in nlp(line) if token.text.strip()] != words_of(line):
        return
    spans = max(1, len(list(nlp(line).sents)))
    text = line.strip()
    tail = line[len(line.rstrip()) :].removeprefix(" ")
    assert counted([text], "en", [int(bool(tail))]) == [spans if text else 0]
