"""Line and character counts against plain Python."""

from __future__ import annotations

import sys

import numpy as np
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.text.chunks import space_bytes
from winnow.text.lines import count_chars, count_symbols
from winnow.text.table import TextColumn

LINE_ENDS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(
            [*LINE_ENDS, *" \t\x1f\xa0\u3000", "-", "•", "…", "...", ".", "#", "a", "é"]
        ),
        max_size=25,
    ).map("".join),
    st.lists(st.sampled_from(["", "a", "é", "日本", " ", "a b"]), max_size=12).map("\n".join),
)
BATCHES = st.lists(TEXTS, max_size=5)


def column_of(texts: list[str]) -> TextColumn:
    return TextColumn(pa.array(["before", *texts], pa.large_string()).slice(1))


def test_white_space_is_that_of_python() -> None:
    for code in range(sys.maxunicode + 1):
        if 0xD800 <= code < 0xE000:
            continue
        character = chr(code)
        data = np.frombuffer(character.encode() + b"a", np.uint8)
        width = space_bytes(data, 0, len(data))
        assert width == (len(data) - 1 if character.isspace() else 0), hex(code)


@given(BATCHES)
@example(["", "\n", "\r\n-", " • x", "....", "......", "x…\u2028", "x... \x1f\n"])
@settings(max_examples=500, deadline=None)
def test_symbols_and_lines(texts: list[str]) -> None:
    text = column_of(texts)
    counts = np.empty((len(texts), 5), np.int64)
    count_symbols(text.data, text.offsets, np.arange(len(texts)), counts)
    assert counts.tolist() == [
        [
            text.count("#"),
            text.count("...") + text.count("…"),
            len(text.splitlines()),
            sum(line.lstrip().startswith(("•", "-")) for line in text.splitlines()),
            sum(line.rstrip().endswith(("...", "…")) for line in text.splitlines()),
        ]
        for text in texts
    ]


@given(BATCHES)
@settings(max_examples=200, deadline=None)
def test_chars(texts: list[str]) -> None:
    text = column_of(texts)
    chars = np.empty(len(texts), np.int64)
    count_chars(text.data, text.offsets, np.arange(len(texts)), chars)
    assert chars.tolist() == [len(text) for text in texts]


def test_only_the_rows_asked_for() -> None:
    text = column_of(["#", "##", "###"])
    counts = np.empty((2, 5), np.int64)
    count_symbols(text.data, text.offsets, np.array([0, 2]), counts)
    assert counts[:, 0].tolist() == [1, 3]
