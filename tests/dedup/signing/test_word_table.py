"""A table whose words are split by compiled code holds what plain Python splits."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.signing.chunk_table import ChunkTable, ChunkWords
from winnow.dedup.signing.normalise import chunk_pieces
from winnow.text.splits import ChunkSplit
from winnow.text.words import splitter

PIECES = st.sampled_from(
    ["don't", "Cant", "10km", "x):", "a.m.", "1.2.3.4", "日本語", "Ünïted", "—", "$5", "a b", "\n",
     "http://a.org/b-c", "ﬁn", "İ", "٣٫٥", "°C", "a/b.c", ":)", "I'm", "\u0301", "0.0.0.0:0"]
)  # fmt: skip
TEXTS = st.lists(
    st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=12).map(" ".join),
              st.lists(PIECES, max_size=6).map("".join)),
    max_size=5,
)  # fmt: skip


@pytest.mark.parametrize("language", ["en", "mul"])
@given(texts=TEXTS)
@settings(max_examples=400, deadline=None)
def test_compiled_words_are_those_of_the_splitter(
    chunk_words: Callable[[str], ChunkWords], language: str, texts: list[str]
) -> None:
    column = pa.array(texts, pa.large_string())
    plain = ChunkTable(chunk_words(language))
    compiled = ChunkTable(chunk_pieces, split=ChunkSplit(splitter(language)))
    assert list(compiled.joined(column)) == list(plain.joined(column))
    words = [
        [word for found in chunk_words(language)(text.split()) for word in found] for text in texts
    ]
    assert list(plain.joined(column)) == ["".join(f"{w} " for w in row).encode() for row in words]
