"""Words as RedPajama-V2 and data-juicer normalise them, against plain Python."""

from __future__ import annotations

import re
import string
import unicodedata
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.text.code_points import Images, code_points
from winnow.text.normalised import ascii_punctuation, normalise, refine
from winnow.text.special_characters import special_characters

PIECES = [
    *"ΣσςA aİıſßẞ'’.·:\u0345ʰ\u0301\u0323\u0327\u0f71\u0f74가각Å\u212aΐᾳ½²٣一1_-()",
    *"\n\n\t \r\x0b\x0c\x1c\x85\xa0\u1680\u2003\u2028\u3000\u200b\ufeff",
    *"ГгØø™😀•–",
    "e\u0301\u0323",
    "ΑΣ",
]
TEXTS = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
TABLES = code_points()


def run(kernel: Any, images: Images, texts: list[str], *tables: Any) -> tuple[list[Any], Any]:
    """(words of every text, what the kernel says of each besides)."""
    codes = np.array([ord(letter) for text in texts for letter in text], np.int32)
    offsets = np.cumsum([0, *map(len, texts)])
    letters = np.empty(len(codes) * images.longest, np.int32)
    starts, ends = np.empty(len(codes), np.int64), np.empty(len(codes), np.int64)
    word_offsets = np.empty(len(texts) + 1, np.int64)
    more = np.empty(len(texts), np.float64 if kernel is normalise else np.int64)
    kernel(
        codes,
        offsets,
        TABLES.kinds,
        *tables,
        images.codes,
        images.ends,
        images.several,
        letters,
        starts,
        ends,
        word_offsets,
        more,
    )
    words = ["".join(map(chr, letters[starts[w] : ends[w]])) for w in range(word_offsets[-1])]
    if kernel is normalise:  # a text's words stand in `letters` as phrases are looked for
        for first, last in pairwise(word_offsets):
            if last > first:
                joined = "".join(map(chr, letters[starts[first] : ends[last - 1]]))
                assert joined == " ".join(words[first:last])
    return [words[first:last] for first, last in pairwise(word_offsets)], more.tolist()


def plain_normalise(text: str) -> str:
    text = text.translate({ord(mark): None for mark in string.punctuation}).lower()
    return unicodedata.normalize("NFD", re.sub(r"\s+", " ", text.strip()))


def plain_numeric(text: str) -> float:
    lines = [plain_normalise(line) for line in text.split("\n")]
    return sum(sum(map(str.isnumeric, line)) / len(line) for line in lines if line)


@given(st.lists(TEXTS, max_size=4))
@example(["ΑΣ ΑΣ.Α Α'Σ' Σ", "", "\u0323\u0301 \u0301\u0323", "1 ½\n\n٣a\n\r5"])
@example(["a" + "\u0301\u0323" * 300 + " \u0301" * 5, ".\u0301.\u0323", "-\n-\n"])
@settings(max_examples=600, deadline=None)
def test_normalised_words(texts: list[str]) -> None:
    words, numeric = run(normalise, TABLES.lower_nfd, texts, TABLES.combining, ascii_punctuation())
    assert words == [plain_normalise(text).split() for text in texts]
    assert numeric == pytest.approx([plain_numeric(text) for text in texts], abs=1e-12)


SPECIAL = {chr(code) for code in np.flatnonzero(special_characters())}


def plain_refine(text: str) -> list[str]:
    found = []
    for word in re.split("[ \n\t]", text):
        places = [at for at, letter in enumerate(word.lower()) if letter not in SPECIAL]
        if places:
            found.append(word.lower()[places[0] : places[-1] + 1])
    return found


@given(st.lists(TEXTS, max_size=4))
@example(["Г г Ø ø", "“ΑΣ” ΑΣ\xa0Α İ", "", "\xa0\xa0 • -a- \x0b"])
@settings(max_examples=600, deadline=None)
def test_refined_words(texts: list[str]) -> None:
    words, inked = run(refine, TABLES.lower, texts, special_characters())
    assert words == [plain_refine(text) for text in texts]
    assert inked == [
        sum(not SPECIAL.issuperset(word) for word in re.split("[ \n\t]", text) if word)
        for text in texts
    ]


def test_a_run_of_marks_takes_linear_time() -> None:
    marks = "a" + "\u0301\u0323" * 500_000
    words, _ = run(normalise, TABLES.lower_nfd, [marks], TABLES.combining, ascii_punctuation())
    assert words == [["a" + "\u0323" * 500_000 + "\u0301" * 500_000]]


def test_special_characters() -> None:
    for letter in [*string.punctuation, *string.digits, *string.whitespace, *"•…“”–™😀Гø"]:
        assert letter in SPECIAL
    for letter in [*string.ascii_letters, *"éгØ日あ\x1c\x00"]:
        assert letter not in SPECIAL
