"""Dolma's tags and mix against what its own code says, and against plain definitions."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.filters.dolma_c4 import DolmaC4
from winnow.filters.dolma_quality import DolmaQuality
from winnow.filters.dolma_repetition import DolmaRepetition
from winnow.pipeline.bounds import judge
from winnow.schema import KEPT

GOLDEN = json.loads(gzip.decompress(Path(__file__).with_name("golden_dolma.json.gz").read_bytes()))
CASES: list[dict[str, Any]] = GOLDEN["cases"]
ALL = [case["text"] for case in CASES]

TAGS = {
    "word_count": "word_count",
    "median_word_chars": "median_word_length",
    "symbol_word_share": "symbol_to_word_ratio",
    "alpha_word_share": "fraction_of_words_with_alpha_character",
    "stop_word_count": "required_word_count",
    "bullet_line_share": "fraction_of_lines_starting_with_bullet_point",
    "ellipsis_line_share": "fraction_of_lines_ending_with_ellipsis",
    "dup_line_share": "fraction_of_duplicate_lines",
    "dup_line_chars_share": "fraction_of_characters_in_duplicate_lines",
    **{
        f"top_{n}gram_chars_share": f"fraction_of_characters_in_most_common_{n}grams"
        for n in (2, 3, 4)
    },
    **{
        f"dup_{n}gram_chars_share": f"fraction_of_characters_in_duplicate_{n}grams"
        for n in range(5, 11)
    },
}
TOP_BOUNDS = {
    f"top_{n}gram_chars_share": {"max": most} for n, most in ((2, 0.2), (3, 0.18), (4, 0.16))
}
STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}

PIECES = [
    *(
        "the",
        "The",
        "of",
        "a",
        "bb",
        "é",
        "1",
        " ",
        "  ",
        "\n",
        "\n\n",
        "\xa0",
        "\x1c",
        "#",
        "…",
        "*",
    ),
    *(
        "-",
        "- ",
        ".",
        "!",
        '"',
        "?",
        "{",
        "Lorem ipsum",
        "lorem\nipsum",
        "JavaScript",
        "javascript.",
    ),
    *("İ", "日本", "\u2028", "a b c"),
]
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.lists(st.sampled_from(["a", "bb", "é", "\n"]), max_size=70).map(" ".join),
)
BATCHES = st.lists(TEXTS, max_size=4)


def batch_of(texts: list[str]) -> pa.RecordBatch:
    return pa.record_batch({"text": pa.array(["before", *texts], pa.large_string())}).slice(1)


def measured(stage: Any, texts: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stage.open()(batch_of(texts)).to_pylist()
    return [{name.removesuffix("_dolma"): row[name] for name in row} for row in rows]


def kept(stage: Any, texts: list[str], limits: dict[str, Any]) -> list[bool]:
    verdicts = judge(stage.open()(batch_of(texts)), stage.bounds(limits))[0]
    return [verdict == KEPT for verdict in verdicts.to_pylist()]


@pytest.mark.parametrize("stage", [DolmaQuality(), DolmaRepetition()])
def test_measures_are_the_tags_of_dolma(stage: Any) -> None:
    rows = measured(stage, ALL)
    for measure in stage.measures:
        tag = TAGS[measure.name]
        wrong = [
            (number, case["gopher"].get(tag), row[measure.name])
            for number, (case, row) in enumerate(zip(CASES, rows, strict=True))
            if case["gopher"].get(tag) != row[measure.name]
        ]
        assert not wrong, measure.name
        assert len({row[measure.name] for row in rows}) > 8


@pytest.mark.parametrize(("limits", "key"), [({}, "kept"), (TOP_BOUNDS, "kept_put_right")])
def test_what_is_kept_is_what_the_mixer_keeps(limits: dict[str, Any], key: str) -> None:
    quality, repetition = kept(DolmaQuality(), ALL, {}), kept(DolmaRepetition(), ALL, limits)
    both = [a and b for a, b in zip(quality, repetition, strict=True)]
    assert both == [case[key] for case in CASES]
    assert sum(case["kept"] for case in CASES) > sum(case["kept_put_right"] for case in CASES) > 50


@pytest.mark.parametrize(("short", "key"), [(False, "ended"), (True, "ended_and_long")])
def test_text_is_what_the_mixer_leaves(short: bool, key: str) -> None:
    rows = measured(DolmaC4(drop_short_lines=short), ALL)
    wrong = [
        number
        for number, (case, row) in enumerate(zip(CASES, rows, strict=True))
        if case[key] != row["text"]
    ]
    assert not wrong
    assert all(
        row["text"] == text
        for row, text in zip(measured(DolmaC4(drop_unended_lines=False), ALL), ALL, strict=True)
    )


def test_marks_are_the_tags_of_dolma() -> None:
    for case, row in zip(CASES, measured(DolmaC4(), ALL), strict=True):
        first, second = (Counter(marks) for marks in case["marks"])
        lines = case["text"].count("\n") + 1
        assert row["line_count"] == lines
        assert row["unended_line_share"] == first["lines_with_no_ending_punctuation"] / lines
        assert row["short_line_share"] == first["lines_with_too_few_words"] / lines
        assert (row["curly_brace_count"] > 0) == first["has_curly_brace"]
        assert (row["lorem_ipsum_count"] > 0) == first["has_lorem_ipsum"]
        assert (row["javascript_word_count"] > 0) == first["has_javascript"]
        assert (row["javascript_count"] > 0) == second["has_javascript"]
    assert any("has_javascript" in case["marks"][1] for case in CASES)


@given(BATCHES)
@example(["", " ", "…", "a…\n…\n*\n -", "the THE the. of \0be \0\0of"])
@settings(max_examples=400, deadline=None)
def test_quality_measures_are_what_they_say(texts: list[str]) -> None:
    for text, row in zip(texts, measured(DolmaQuality(), texts), strict=True):
        words, lines = text.split(), text.split("\n")
        count = max(len(words), 1)
        assert row == {
            "text": text,
            "word_count": len(words),
            "median_word_chars": float(median(map(len, words))) if words else 0.0,
            "symbol_word_share": sum("#" in word or "…" in word for word in words) / count,
            "alpha_word_share": sum(any(map(str.isalpha, word)) for word in words) / count,
            "stop_word_count": sum(word in STOP_WORDS for word in words),
            "bullet_line_share": sum(line[:1] in ("*", "-") for line in lines) / len(lines),
            "ellipsis_line_share": sum(line[-1:] == "…" for line in lines) / len(lines),
        }


@given(BATCHES)
@example(["", "\n", "a a a", "a b\na b", "a b c " * 30])
@settings(max_examples=400, deadline=None)
def test_repetition_measures_are_what_they_say(texts: list[str]) -> None:
    for text, row in zip(texts, measured(DolmaRepetition(), texts), strict=True):
        words, lines = text.split(), text.split("\n")
        chars = max(sum(map(len, words)), 1)
        counts: Counter[Any] = Counter(lines)
        again = [line for line in lines if counts[line] > 1]
        expected: dict[str, Any] = {
            "text": text,
            "dup_line_share": len(again) / len(lines),
            "dup_line_chars_share": sum(map(len, again)) / chars,
        }
        for size in range(2, 11):
            grams = [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
            counts = Counter(grams)
            name = f"{'top' if size < 5 else 'dup'}_{size}gram_chars_share"
            expected[name] = None
            if grams and size < 5:
                most = max(grams, key=lambda gram: counts[gram])  # the first of them
                expected[name] = counts[most] * len("".join(most)) / chars
            elif grams:
                several = sum(len("".join(gram)) for gram in grams if counts[gram] > 1)
                expected[name] = several / sum(len("".join(gram)) for gram in grams)
        assert row == expected


@given(BATCHES, st.booleans(), st.booleans())
@example(["a.\n\nb", 'He "\n\xa0', "lorem ipsum{ {javascript JAVASCRIPTS"], True, False)
@settings(max_examples=400, deadline=None)
def test_marks_and_text_are_what_they_say(texts: list[str], unended: bool, short: bool) -> None:
    stage = DolmaC4(drop_unended_lines=unended, drop_short_lines=short)
    for text, row in zip(texts, measured(stage, texts), strict=True):
        lines = text.split("\n")
        endings = [line.strip().endswith((".", "?", "!", '"')) for line in lines]
        long = [len(line.split()) >= 3 for line in lines]
        with_feeds = [*(f"{line}\n" for line in lines[:-1]), lines[-1]]
        words = [word for line in lines for word in line.lower().split()]
        assert row == {
            "text": "".join(
                line
                for line, ending, many in zip(with_feeds, endings, long, strict=True)
                if (ending or not unended) and (many or not short)
            ),
            "line_count": len(lines),
            "unended_line_share": endings.count(False) / len(lines),
            "short_line_share": long.count(False) / len(lines),
            "curly_brace_count": text.count("{"),
            "lorem_ipsum_count": text.lower().count("lorem ipsum"),
            "javascript_word_count": words.count("javascript"),
            "javascript_count": text.lower().count("javascript"),
        }


@pytest.mark.parametrize("stage", [DolmaC4(), DolmaQuality(), DolmaRepetition()])
def test_rows_do_not_depend_on_their_batch(stage: Any) -> None:
    texts = ALL[::7]
    assert measured(stage, texts) == [row for text in texts for row in measured(stage, [text])]
    assert stage.open()(batch_of([])).num_rows == 0
