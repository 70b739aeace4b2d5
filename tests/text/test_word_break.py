"""Word boundaries against UAX #29's rules, one by one, and against words that uniseg made."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.text.characters import character_flags
from winnow.text.table import TextColumn
from winnow.text.word_break import unicode_words, word_break_property

GOLDEN = Path(__file__).parents[1] / "filters" / "golden_dclm.json.gz"
PROPERTY = word_break_property()
OTHER, CR, LF, NEWLINE, EXTEND, ZWJ, REGIONAL, FORMAT, KATAKANA, HEBREW, LETTER = range(11)
SINGLE_QUOTE, DOUBLE_QUOTE, MID_NUM_LET, MID_LETTER, MID_NUM, NUMERIC = range(11, 17)
EXTEND_NUM_LET, SPACE = 17, 18
LETTERS = {LETTER, HEBREW}
MID_Q = {MID_NUM_LET, SINGLE_QUOTE}

PIECES = st.sampled_from(
    [
        *"aZ9.,:;'\"_ \t\r\n",
        "א",
        "カ",
        "ー",
        "한",
        "ก",
        "文",
        "\u0301",
        "\u200d",
        "\xad",
        "\u202f",
        "🇩",
        "🇫",
        "👩",
        "Ⓜ",
        "’",
        "·",
        "\x0b",
        "\x85",
        "\u2028",
        "\u3000",
        "\xa0",
        "ﾞ",
        "٣",
        "é",
    ]
)
TEXTS = st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=25).map("".join))


def plain_words(text: str) -> list[str]:
    """Every boundary for itself, by looking left and right from it."""
    classes = [int(PROPERTY[ord(c)]) & 31 for c in text]
    pictographs = [bool(PROPERTY[ord(c)] & 32) for c in text]
    counting = [i for i, k in enumerate(classes) if k not in (EXTEND, FORMAT, ZWJ)]

    def breaks(at: int) -> bool:
        before, here = classes[at - 1], classes[at]
        if (before, here) == (CR, LF):
            return False
        if {before, here} & {CR, LF, NEWLINE}:
            return True
        if before == ZWJ and pictographs[at]:
            return False
        if before == here == SPACE:
            return False
        if here in (EXTEND, FORMAT, ZWJ):
            return False
        left = [classes[i] for i in counting if i < at]
        last, last_but_one = (left[-1:] or [-1])[0], (left[-2:-1] or [-1])[0]
        following = next((classes[i] for i in counting if i > at), -1)
        around = (last, here)
        joined = (
            (last in LETTERS and here in LETTERS)
            or (last in LETTERS and here in {MID_LETTER} | MID_Q and following in LETTERS)
            or (last_but_one in LETTERS and last in {MID_LETTER} | MID_Q and here in LETTERS)
            or around == (HEBREW, SINGLE_QUOTE)
            or (around == (HEBREW, DOUBLE_QUOTE) and following == HEBREW)
            or (last_but_one == HEBREW and around == (DOUBLE_QUOTE, HEBREW))
            or (last in LETTERS | {NUMERIC} and here == NUMERIC)
            or (last == NUMERIC and here in LETTERS)
            or (last_but_one == NUMERIC and last in {MID_NUM} | MID_Q and here == NUMERIC)
            or (last == NUMERIC and here in {MID_NUM} | MID_Q and following == NUMERIC)
            or around == (KATAKANA, KATAKANA)
            or (last in LETTERS | {NUMERIC, KATAKANA, EXTEND_NUM_LET} and here == EXTEND_NUM_LET)
            or (last == EXTEND_NUM_LET and here in LETTERS | {NUMERIC, KATAKANA})
        )
        if around == (REGIONAL, REGIONAL):
            run = 0
            while run < len(left) and left[-1 - run] == REGIONAL:
                run += 1
            joined = run % 2 == 1
        return not joined

    starts = [i for i in range(len(text)) if i == 0 or breaks(i)]
    pieces = [text[i:j] for i, j in pairwise([*starts, len(text)])]
    return [piece for piece in pieces if piece[0].isalnum()]


def words(texts: list[str]) -> list[list[str]]:
    column = TextColumn(pa.array(["before", *texts], pa.large_string()).slice(1))
    starts, ends, chars, offsets = unicode_words(
        column.data, column.offsets, np.arange(len(texts)), PROPERTY, character_flags()
    )
    raw = column.data.tobytes()
    found = [raw[a:b].decode() for a, b in zip(starts, ends, strict=True)]
    assert chars.tolist() == [len(word) for word in found]
    return [found[a:b] for a, b in pairwise(offsets)]


@given(st.lists(TEXTS, max_size=4))
@settings(max_examples=600, deadline=None)
def test_words_are_those_of_the_rules(texts: list[str]) -> None:
    assert words(texts) == [plain_words(text) for text in texts]


def test_words_are_those_of_uniseg() -> None:
    cases = json.loads(gzip.decompress(GOLDEN.read_bytes()))["cases"]
    found = words([case["text"] for case in cases])
    wrong = [
        number
        for number, (case, ours) in enumerate(zip(cases, found, strict=True))
        if case["words"] != ours
    ]
    assert not wrong and sum(map(len, found)) > 50_000


def test_many_words_need_more_room() -> None:
    text = "a1 b2! " * 9000
    assert words([text, text]) == [["a1", "b2"] * 9000] * 2
