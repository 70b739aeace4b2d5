"""Words and phrases of a list: found in texts, and read from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.errors import PlanError
from winnow.text.listed_words import PhraseSet, count_phrases
from winnow.text.phrase_lists import (
    check_list,
    of_language,
    read_lists,
    rows_by_language,
    single_words,
)

WORD = st.one_of(
    st.sampled_from(["a", "b", "ab", "é", "x" * 70, "x" * 71]), st.text("ab", min_size=1)
)
ENTRY = st.one_of(st.lists(WORD, max_size=3).map(" ".join), st.text("ab ", max_size=6))


@given(st.lists(st.lists(WORD, max_size=20), max_size=4), st.lists(ENTRY, max_size=12))
@example([["a", "b", "a"], [], ["a"]], ["a", "a b", "b a", "a b a", "", " a", "a  b", "b"])
@settings(max_examples=600, deadline=None)
def test_phrases_are_counted(texts: list[list[str]], entries: list[str]) -> None:
    joined = "".join(" ".join(text) for text in texts)
    lengths = [len(word) for text in texts for word in text]
    gaps = [int(at > 0) for text in texts for at in range(len(text))]  # no space before a text
    ends = np.cumsum(np.array(lengths, np.int64) + np.array(gaps, np.int64))
    letters = np.array([ord(letter) for letter in joined], np.int32)
    starts = ends - np.array(lengths, np.int64)
    offsets = np.cumsum([0, *map(len, texts)])
    found = count_phrases(letters, starts, ends, offsets, PhraseSet(entries))
    listed = set(entries)
    assert found.tolist() == [
        sum(
            " ".join(text[at : at + size]) in listed
            for size in range(1, 1 + max((entry.count(" ") for entry in entries), default=0) + 1)
            for at in range(len(text) - size + 1)
        )
        for text in texts
    ]


def test_a_text_file_is_for_every_language(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("one \r\n\n two words\u2028\nthree\x0bfour".encode())
    lists = read_lists(str(path))
    assert lists == {None: ("one", "", "two words", "three\x0bfour")}
    assert of_language(lists, "de") == of_language(lists, None) == lists[None]
    assert single_words(lists[None]) == ["one", "", "three\x0bfour"]


def test_a_json_file_is_by_language(tmp_path: Path) -> None:
    path = tmp_path / "words.json"
    path.write_text('{"en": ["one"], "de": ["eins", "zwei"]}')
    lists = read_lists(str(path))
    assert of_language(lists, None) == of_language(lists, "en") == ("one",)
    assert of_language(lists, "de") == ("eins", "zwei")
    assert of_language(lists, "fr") is None
    assert of_language(read_lists(None), "en") is None


@pytest.mark.parametrize("content", [b"[1]", b'{"en": "a"}', b'{"en": [1]}', b"{", b"\xff"])
def test_a_list_of_no_known_form_is_a_plan_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "words.json"
    path.write_bytes(content)
    with pytest.raises(PlanError, match=r"stage 'x': cannot read the list .*words\.json"):
        check_list(str(path), "x")


def test_a_missing_list_is_a_plan_error(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot read the list"):
        check_list(str(tmp_path / "none.txt"), "x")


def test_rows_are_grouped_by_language() -> None:
    groups = rows_by_language(["en", None, "de", "en"])
    assert [(language, rows.tolist()) for language, rows in groups] == [
        ("en", [0, 3]),
        (None, [1]),
        ("de", [2]),
    ]
    assert rows_by_language([]) == []
