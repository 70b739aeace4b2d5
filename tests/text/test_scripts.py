from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.text.scripts import script_tokens
from winnow.text.words import words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("l'été à Paris", ["l", "'", "été", "à", "Paris"]),
        ("ne\u0301e", ["ne\u0301e"]),
        ("日本語のテキスト。", [*"日本語のテキスト。"]),
        ("漢字abc漢", ["漢", "字", "abc", "漢"]),
        ("ครับวัด", ["ค", "รั", "บ", "วั", "ด"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("한국어 문장입니다.", ["한국어", "문장입니다", "."]),
        ("a_b 2,5", ["a", "_", "b", "2", ",", "5"]),
        ("\u0301\u0301", ["\u0301", "\u0301"]),
    ],
)
def test_examples(text: str, words: list[str]) -> None:
    assert words_of(text, "xx") == words


@given(st.text())
def test_words_join_to_the_text_without_its_white_space(text: str) -> None:
    assert "".join(words_of(text, "de")) == "".join(text.split())


@given(st.text(alphabet=st.characters(categories=["L", "N", "M", "P", "S"]), min_size=1))
def test_a_word_of_more_than_one_character_holds_letters_digits_and_marks_only(text: str) -> None:
    for word in script_tokens(text):
        if len(word) > 1:
            assert word[0].isalnum()
            assert all(c.isalnum() or unicodedata.category(c)[0] == "M" for c in word)


def test_letters_of_scripts_with_spaces_stay_together() -> None:
    for word in ("Straße", "слово", "λέξη", "كلمة", "מילה", "բառ", "சொல்", "ቃል"):
        assert script_tokens(word) == (word,)
