"""Duplicate paragraphs and lines, and the shapes of lines, against plain Python."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.text.duplicates import (
    FEED_RUNS,
    FEEDS,
    LINES,
    PARAGRAPHS,
    count_duplicates,
    count_line_shapes,
)
from winnow.text.punctuation import SENTENCE_ENDS
from winnow.text.table import TextColumn

ENDS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from([*ENDS, *"\n\n\n\n \t\x1f\xa0\u3000", "a", "é", ".", "。", "𑩂", "\u02e8"]),
        max_size=25,
    ).map("".join),
    st.lists(st.sampled_from(["", "a", "é.", "日本。", " ", "a b", "a\r"]), max_size=12).map(
        "\n".join
    ),
)
BATCHES = st.lists(TEXTS, max_size=5)
CUTS = {
    PARAGRAPHS: lambda text: re.split("\n{2,}", text.strip()),
    FEED_RUNS: lambda text: re.split("\n+", text),
    FEEDS: lambda text: text.split("\n"),
    LINES: str.splitlines,
}


def column_of(texts: list[str]) -> TextColumn:
    return TextColumn(pa.array(["before", *texts], pa.large_string()).slice(1))


def duplicates(pieces: list[str]) -> list[int]:
    seen: set[str] = set()
    repeated = chars = 0
    for piece in pieces:
        if piece in seen:
            repeated += 1
            chars += len(piece)
        seen.add(piece)
    return [len(pieces), repeated, chars]


@pytest.mark.parametrize("cut", sorted(CUTS))
@given(texts=BATCHES)
@example(["", "\n", "\na\n", "a\n\na", "\n\n\u3000a\n\n\n\na\x1f", "é\né\né"])
@example(["\n".join(str(n % 700) for n in range(1500)), "\x85" * 70 + "a"])
@settings(max_examples=300, deadline=None)
def test_pieces_and_those_that_repeat(cut: int, texts: list[str]) -> None:
    text = column_of(texts)
    counts = np.empty((len(texts), 3), np.int64)
    count_duplicates(text.data, text.offsets, np.arange(len(texts)), cut, counts)
    assert counts.tolist() == [duplicates(CUTS[cut](text)) for text in texts]


def shapes(text: str, blank: bool, marks: frozenset[str], short_chars: int) -> list[int]:
    lines = text.split("\n")
    inked = [line for line in lines if line.strip()]
    counted = lines if blank else inked
    return [
        len(counted),
        len(inked),
        sum(line.endswith(tuple(marks)) for line in counted),
        sum(len(line) <= short_chars for line in counted),
        duplicates(inked)[2],
        text.count("\n"),
        len(text.replace("\n", "")),
    ]


@pytest.mark.parametrize("blank", [False, True])
@given(
    texts=BATCHES,
    short_chars=st.integers(0, 4),
    marks=st.sampled_from([SENTENCE_ENDS, frozenset("\"'!.?")]),
)
@settings(max_examples=300, deadline=None)
def test_shapes_of_lines(
    blank: bool, texts: list[str], short_chars: int, marks: frozenset[str]
) -> None:
    text = column_of(texts)
    counts = np.empty((len(texts), 7), np.int64)
    codes = np.array(sorted(map(ord, marks)), np.int64)
    rows = np.arange(len(texts))
    count_line_shapes(text.data, text.offsets, rows, blank, codes, short_chars, counts)
    assert counts.tolist() == [shapes(each, blank, marks, short_chars) for each in texts]


def test_every_sentence_end_is_seen_at_the_end_of_a_line() -> None:
    marks = sorted(SENTENCE_ENDS)
    text = column_of([f"a{mark}" for mark in marks] + ["a", "\U0010ffff", "\x00"])
    counts = np.empty((len(marks) + 3, 7), np.int64)
    codes = np.array(list(map(ord, marks)), np.int64)
    rows = np.arange(len(counts))
    count_line_shapes(text.data, text.offsets, rows, False, codes, 9, counts)
    assert counts[:, 2].tolist() == [1] * len(marks) + [0, 0, 0]


def test_only_the_rows_asked_for() -> None:
    text = column_of(["a", "a\na", "a\na\na"])
    counts = np.empty((2, 3), np.int64)
    count_duplicates(text.data, text.offsets, np.array([0, 2]), FEEDS, counts)
    assert counts[:, 1].tolist() == [0, 2]
