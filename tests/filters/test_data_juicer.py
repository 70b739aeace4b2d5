"""data-juicer's measures against its own values, and against plain definitions."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.errors import PlanError
from winnow.filters.data_juicer import DataJuicer
from winnow.pipeline.bounds import judge
from winnow.text.special_characters import special_characters

GOLDEN = json.loads(Path(__file__).with_name("golden_data_juicer.json").read_text("utf-8"))

THEIRS = {
    "alphanumeric_filter": "dj_alphanumeric_char_share",
    "average_line_length_filter": "dj_mean_line_chars",
    "character_repetition_filter": "dj_char_repetition_share",
    "flagged_words_filter": "dj_flagged_word_share",
    "maximum_line_length_filter": "dj_max_line_chars",
    "special_characters_filter": "dj_special_char_share",
    "stopwords_filter": "dj_stop_word_share",
    "text_length_filter": "dj_text_chars",
    "words_num_filter": "dj_word_count",
    "word_repetition_filter": "dj_word_repetition_share",
}


def measured(stage: DataJuicer, texts: list[str], languages: Any = None) -> list[dict[str, Any]]:
    columns = {"text": pa.array(texts, pa.large_string())}
    if languages is not None:
        columns["language"] = pa.array(languages, pa.string())
    result = stage.open()(pa.record_batch(columns))
    rows: list[dict[str, Any]] = result.drop_columns(list(columns)).to_pylist()
    return rows


def listed(folder: Path, **options: int) -> DataJuicer:
    for name in ("flagged_words", "stop_words"):
        (folder / f"{name}.json").write_text(json.dumps({"en": GOLDEN[name]}))
    return DataJuicer(
        flagged_words=str(folder / "flagged_words.json"),
        stop_words=str(folder / "stop_words.json"),
        **options,
    )


def test_values_are_those_of_data_juicer(tmp_path: Path) -> None:
    cases = GOLDEN["cases"]
    differing = []
    seen: dict[str, set[Any]] = {name: set() for name in THEIRS}
    for number, row in enumerate(measured(listed(tmp_path), [case["text"] for case in cases])):
        values = cases[number]["values"]
        assert {*values} == {*THEIRS}
        for theirs, ours in THEIRS.items():
            seen[theirs].add(values[theirs])
            if row[ours] != pytest.approx(values[theirs], abs=1e-12):
                differing.append((number, theirs, values[theirs], row[ours]))
    assert not differing
    assert all(len(values) > 2 for values in seen.values())  # the texts do tell


SPECIAL = {chr(code) for code in np.flatnonzero(special_characters())}


def refine(text: str) -> list[str]:
    found = []
    for word in re.split("[ \n\t]", text):
        places = [at for at, letter in enumerate(word.lower()) if letter not in SPECIAL]
        if places:
            found.append(word.lower()[places[0] : places[-1] + 1])
    return found


def plain(
    text: str, flagged: list[str], stop_words: list[str], chars: int, words: int
) -> dict[str, float]:
    def over(part: float, whole: int) -> float:
        return part / whole if whole else 0.0

    lines = text.splitlines()
    grams = Counter(text[at : at + chars] for at in range(len(text) - chars + 1))
    often = sorted(grams.values(), reverse=True)
    most = min(math.isqrt(len(often)), sum(count > 1 for count in often))
    refined = refine(text)
    runs = Counter(
        tuple(refined[at : at + words]) for at in range(len(refined) - words + 1)
    ).values()
    return {
        "dj_alphanumeric_char_share": over(sum(map(str.isalnum, text)), len(text)),
        "dj_mean_line_chars": over(len(text), len(lines)),
        "dj_char_repetition_share": over(sum(often[:most]), sum(often)),
        "dj_flagged_word_share": over(sum(word in flagged for word in refined), len(refined)),
        "dj_max_line_chars": max(map(len, lines), default=0),
        "dj_special_char_share": over(sum(letter in SPECIAL for letter in text), len(text)),
        "dj_stop_word_share": over(sum(word in stop_words for word in refined), len(refined)),
        "dj_text_chars": len(text),
        "dj_word_count": sum(
            not SPECIAL.issuperset(word) for word in re.split("[ \n\t]", text) if word
        ),
        "dj_word_repetition_share": over(sum(run for run in runs if run > 1), sum(runs)),
    }


PIECES = [
    *"Σσς'’.İıГгØøǅé½1_-•…😀”Ⓐ日",
    *"\n\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\xa0\u3000\u200b   \t",
    *("\r\n", "the ", "The", "damn", "café", "one two three four ", "abcabcabc", "👩‍👧"),
]
TEXTS = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=50).map("".join))


@given(st.lists(TEXTS, max_size=4), st.sampled_from([(10, 10), (1, 1), (3, 2), (12, 11)]))
@example([case["text"] for case in GOLDEN["cases"]], (10, 10))
@settings(max_examples=400, deadline=None)
def test_values_are_those_of_the_definitions(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], sizes: tuple[int, int]
) -> None:
    chars, words = sizes
    stage = listed(tmp_path_factory.getbasetemp(), char_gram_chars=chars, word_gram_words=words)
    for text, row in zip(texts, measured(stage, texts), strict=True):
        wanted = plain(text, GOLDEN["flagged_words"], GOLDEN["stop_words"], chars, words)
        assert [*row] == [*wanted]
        for name, value in wanted.items():
            assert row[name] == pytest.approx(value, abs=1e-12), name


def test_a_text_is_measured_alike_in_any_batch(tmp_path: Path) -> None:
    texts = [case["text"] for case in GOLDEN["cases"]]
    together = measured(listed(tmp_path), texts)
    stage = listed(tmp_path).open()
    for text, row in zip(texts, together, strict=True):
        batch = pa.record_batch({"text": pa.array([text], pa.large_string())})
        assert stage(batch).drop_columns(["text"]).to_pylist() == [row]
    assert measured(DataJuicer(), []) == []


def test_without_a_list_nothing_is_said_and_nothing_rejected() -> None:
    text = "Plain words that stand for a page of some length, long enough to be let through here."
    stage = DataJuicer()
    result = stage.open()(pa.record_batch({"text": pa.array([text, ""], pa.large_string())}))
    assert result.column("dj_flagged_word_share").to_pylist() == [None, None]
    assert result.column("dj_stop_word_share").to_pylist() == [None, None]
    assert judge(result, stage.bounds({}))[0].to_pylist() == ["kept", "dj_alphanumeric_char_share"]


@pytest.mark.parametrize(
    ("text", "measure"),
    [
        ("!? " * 40, "dj_alphanumeric_char_share"),
        ("a few\nbits\n" * 9, "dj_mean_line_chars"),
        ("a" * 200, "dj_char_repetition_share"),
        ("a damn line of words that go on and on and never end", "dj_flagged_word_share"),
        ("1 2 3 4 5 word: 60 61 62 63 word, six of them are", "dj_special_char_share"),
        ("some other words entirely, nothing common among such many", "dj_stop_word_share"),
        ("the and of", "dj_word_count"),
    ],
)
def test_the_bounds_are_those_of_data_juicer(tmp_path: Path, text: str, measure: str) -> None:
    stage = listed(tmp_path)
    result = stage.open()(pa.record_batch({"text": pa.array([text], pa.large_string())}))
    assert judge(result, stage.bounds({}))[0].to_pylist() == [measure]


def test_lists_follow_the_language(tmp_path: Path) -> None:
    (tmp_path / "stop.json").write_text(json.dumps({"en": ["the"], "de": ["das", "haus"]}))
    stage = DataJuicer(stop_words=str(tmp_path / "stop.json"))
    rows = measured(stage, ["the (Haus) das, end"] * 4, ["en", "de", "xx", None])
    assert [row["dj_stop_word_share"] for row in rows] == [1 / 4, 2 / 4, None, 1 / 4]


def test_wrong_options_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be 1 or more"):
        DataJuicer(word_gram_words=0)
    with pytest.raises(PlanError, match="stage 'data_juicer': cannot read the list"):
        DataJuicer(flagged_words=str(tmp_path / "none.json")).check()
