"""Numbers of words and what is said of words, against plain Python over strings."""

from __future__ import annotations

import sys
import unicodedata

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.text.grams import hash_words
from winnow.text.punctuation import PUNCTUATION_SET, SENTENCE_ENDS
from winnow.text.vocabulary import (
    ENDS_SENTENCE,
    HAS_INK,
    HAS_LETTER,
    IS_PUNCTUATION,
    Vocabulary,
    character_classes,
)

WORDS = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.text(alphabet=sorted(PUNCTUATION_SET), max_size=4),
        st.text(alphabet=st.characters(categories=["P", "L", "M", "N", "S", "Cs"]), max_size=3),
        st.sampled_from(["", ".", "...", "!?", "a", "é", "日本", "7", "#", "‼", "\ud800", "\x00"]),
    ),
    max_size=40,
)


def flags_of(word: str) -> int:
    """The slow twin of ``winnow.text.numbering``."""
    letter = any(map(str.isalpha, word))
    ink = letter or not PUNCTUATION_SET.issuperset(word)
    flags = HAS_LETTER * letter + HAS_INK * ink
    if not letter:
        flags += ENDS_SENTENCE * (word in SENTENCE_ENDS)
        flags += IS_PUNCTUATION * all(unicodedata.category(mark)[0] == "P" for mark in word)
    return flags


@given(st.lists(WORDS, max_size=4))
@settings(max_examples=500, deadline=None)
def test_numbers_and_what_they_stand_for(batches: list[list[str]]) -> None:
    vocabulary = Vocabulary()
    numbers: dict[str, int] = {}
    for words in batches:
        expected = [numbers.setdefault(word, len(numbers)) for word in words]
        assert vocabulary.numbers(iter(words)) == expected
        names = list(numbers)
        assert len(vocabulary) == len(names)
        assert vocabulary.chars.tolist() == [len(word) for word in names]
        assert vocabulary.flags.tolist() == [flags_of(word) for word in names]
        encoded = [word.encode("utf-8", "surrogatepass") for word in names]
        ends = np.cumsum([len(word) for word in encoded], dtype=np.int64)
        letters = np.frombuffer(b"".join(encoded), np.uint8)
        assert vocabulary.hashes.tolist() == hash_words(letters, ends).tolist()
        snapshot = vocabulary.snapshot()
        assert snapshot.words() == names
        assert snapshot.ids_of([*names, "never met"]) == [*range(len(names)), -1]


def test_every_character_has_the_flags_of_a_word_that_is_it() -> None:
    # a word of one character each: all code points that Python has, in one vocabulary
    characters = [chr(code) for code in range(sys.maxunicode + 1)]
    vocabulary = Vocabulary()
    assert vocabulary.numbers(characters) == list(range(len(characters)))
    assert vocabulary.flags.tolist() == [flags_of(character) for character in characters]
    assert vocabulary.chars.tolist() == [1] * len(characters)
    assert len(character_classes()) == len(characters)


def test_a_snapshot_outlives_growth_and_clearing() -> None:
    vocabulary = Vocabulary()
    vocabulary.numbers(["a", "b"])
    snapshot = vocabulary.snapshot()
    vocabulary.numbers(["c", *(f"word{number}" for number in range(30_000))])
    assert snapshot.ids_of(["b", "c", "word29999"]) == [1, -1, -1]
    vocabulary.clear()
    assert len(vocabulary) == 0
    assert vocabulary.numbers(["z"]) == [0]
    assert snapshot.words() == ["a", "b"]
    assert snapshot.ids_of(["a", "z"]) == [0, -1]
