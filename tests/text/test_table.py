"""Word ids against the words themselves."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.text.by_language import words_by_language
from winnow.text.punctuation import PUNCTUATION_SET, SENTENCE_ENDS
from winnow.text.table import BatchWords, TextColumn, WordTable
from winnow.text.vocabulary import HAS_INK, HAS_LETTER
from winnow.text.words import Words, splitter

TEXTS = st.lists(
    st.one_of(
        st.text(max_size=60),
        st.lists(st.sampled_from(["the", "don't", "a", "#", "…", "10km", "日本"]), max_size=30).map(
            " ".join
        ),
    ),
    max_size=8,
)


def table_words(found: BatchWords) -> list[list[str]]:
    names = found.vocabulary.words()
    return [
        [names[int(i)] for i in found.tokens[found.offsets[row] : found.offsets[row + 1]]]
        for row in range(len(found.rows))
    ]


@given(TEXTS, st.sampled_from([pa.string(), pa.large_string()]), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_ids_stand_for_the_words_of_every_row(
    texts: list[str], kind: pa.DataType, skip: int
) -> None:
    column = pa.array(texts, kind).slice(skip)
    for words in (splitter("en"), splitter("xx")):
        table = WordTable(words, max_chunks=5)
        for rows in ([*range(len(column))], [*range(0, len(column), 2)]):
            found = table.split(TextColumn(column), np.array(rows, np.int64))
            expected = [words.split(column[row].as_py()) for row in rows]
            assert table_words(found) == expected
            for number, word in enumerate(found.vocabulary.words()):
                assert found.chars[number] == len(word)
                assert bool(found.flags[number] & HAS_LETTER) == any(c.isalpha() for c in word)
                assert bool(found.flags[number] & HAS_INK) == (not set(word) <= PUNCTUATION_SET)


def test_a_cleared_table_leaves_earlier_batches_as_they_were() -> None:
    table = WordTable(Words(), max_chunks=1)
    first = table.split(TextColumn(pa.array(["a b c"])), np.array([0]))
    table.split(TextColumn(pa.array(["x y z a"])), np.array([0]))
    assert first.vocabulary.words() == ["a", "b", "c"] and first.tokens.tolist() == [0, 1, 2]
    assert first.ids_of(["x", "c", "a"]) == [-1, 2, 0]


def test_the_same_rows_of_the_same_memory_are_split_once() -> None:
    column = pa.array(["one two", "three"])
    table = WordTable(Words())
    rows = np.array([0, 1])
    assert table.split(TextColumn(column), rows) is table.split(TextColumn(column.slice(0)), rows)
    assert table.split(TextColumn(column), rows) is not table.split(TextColumn(column), rows[:1])
    assert table.split(TextColumn(column.slice(1)), rows[:1]).tokens.tolist() == [2]


def test_null_is_the_empty_text() -> None:
    found = WordTable(Words()).split(TextColumn(pa.array([None, "a", None])), np.arange(3))
    assert found.offsets.tolist() == [0, 0, 1, 1]


def test_more_chunks_than_the_table_starts_with() -> None:
    texts = [" ".join(str(n) for n in range(start, start + 9_000)) for start in (0, 4_000, 50_000)]
    found = WordTable(Words()).split(TextColumn(pa.array(texts)), np.arange(3))
    assert len(found.chars) == 22_000
    assert table_words(found) == [text.split() for text in texts]


def test_rows_by_language() -> None:
    text = TextColumn(pa.array(["don't", "l'eau", "don't", "x"]))
    found = words_by_language(text, ["en", "fr", None, "fr"])
    assert [(language, words.rows.tolist()) for language, words in found] == [
        ("en", [0]),
        ("fr", [1, 3]),
        (None, [2]),
    ]
    assert [len(words.tokens) for _, words in found] == [2, 4, 2]


def test_ids_of_names_only_words_that_the_batch_can_hold() -> None:
    table = WordTable(Words())
    found = table.split(TextColumn(pa.array(["a b"])), np.array([0]))
    more = " ".join(f"w{number}" for number in range(20_000))  # every array has grown since
    table.split(TextColumn(pa.array(["c", more])), np.array([0, 1]))
    assert found.ids_of(["b", "c", "never", "w19999", ""]) == [1, -1, -1, -1, -1]
    assert found.ids_of([]) == []


class Shouting(Words):
    """A splitter without a compiled form, whose words do not join to the chunk."""

    def tokenize(self, chunk: str) -> tuple[str, ...]:
        return (
            (*(piece.upper() for piece in chunk.split("-") if piece), "¶") if chunk != "-" else ()
        )


def test_a_splitter_without_a_compiled_form_is_asked_itself() -> None:
    texts = ["a-b c", "- -", "a-b-- é"]
    found = WordTable(Shouting()).split(TextColumn(pa.array(texts)), np.arange(3))
    assert table_words(found) == [["A", "B", "¶", "C", "¶"], [], ["A", "B", "¶", "É", "¶"]]


def damaged(pieces: list[bytes]) -> pa.Array:
    """A string column of bytes that are not UTF-8, as a stranger's file may hold."""
    offsets = np.cumsum([0, *map(len, pieces)], dtype=np.int32)
    return pa.Array.from_buffers(
        pa.string(), len(pieces), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(pieces))]
    )


@given(st.lists(st.lists(st.sampled_from(
    [b"a", b"(b", b" ", b"\xff", b"\xc3", b"\xc3\xa9", b"\xed\xa0\x80", b"\xe2\x80", b"x):"]
), max_size=8).map(b"".join), max_size=4))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_damaged_text_is_split_as_its_repair(pieces: list[bytes]) -> None:
    for words in (splitter("en"), splitter("xx")):
        found = WordTable(words).split(TextColumn(damaged(pieces)), np.arange(len(pieces)))
        expected = [
            [word for chunk in piece.split(b" ") if chunk
             for word in words.tokenize(chunk.decode("utf-8", "replace"))]
            for piece in pieces
        ]  # fmt: skip
        assert table_words(found) == expected


@pytest.mark.parametrize("character", "!.?。؟‼")
def test_sentence_ends_are_punctuation(character: str) -> None:
    assert character in SENTENCE_ENDS <= PUNCTUATION_SET


def test_the_punctuation_is_as_large_as_the_reference() -> None:
    assert len(SENTENCE_ENDS) == 159  # Unicode's Sentence_Terminal as datatrove has it
    assert len(PUNCTUATION_SET) == 281


def test_long_chunks_do_not_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts without spaces are one chunk each, so their number says nothing of their bytes."""
    monkeypatch.setattr("winnow.text.table.MAX_BYTES", 100_000)
    table = WordTable(Words())
    most = 0
    for number in range(50):
        text = chr(0x4E00 + number) * 3_000
        found = table.split(TextColumn(pa.array([text])), np.arange(1))
        assert np.diff(found.offsets).tolist() == [3_000]
        assert len(found.ids_of([chr(0x4E00 + number)])) == 1
        most = max(most, table._held_bytes())
    assert most < 100_000 + 21_000  # and the batch that went over
