"""The two Gopher filters against datatrove's verdicts, and against plain definitions."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.errors import ConfigError, PlanError
from winnow.filters.gopher_quality import GopherQuality, stop_words_of
from winnow.filters.gopher_repetition import GopherRepetition
from winnow.pipeline.bounds import Bound, judge
from winnow.schema import KEPT
from winnow.text.punctuation import PUNCTUATION_SET
from winnow.text.words import words_of

GOLDEN = json.loads(gzip.decompress(Path(__file__).with_name("golden_gopher.json.gz").read_bytes()))
CASES: list[dict[str, str]] = GOLDEN["cases"]

# datatrove's reasons, and the measures that say the same
MEASURES = {
    "kept": KEPT,
    "gopher_short_doc": "word_count",
    "gopher_long_doc": "word_count",
    "gopher_below_avg_threshold": "mean_word_chars",
    "gopher_above_avg_threshold": "mean_word_chars",
    "gopher_too_many_hashes": "hash_symbol_share",
    "gopher_too_many_ellipsis": "ellipsis_symbol_share",
    "gopher_too_many_bullets": "bullet_line_share",
    "gopher_too_many_end_ellipsis": "ellipsis_line_share",
    "gopher_below_alpha_threshold": "alpha_word_share",
    "gopher_enough_stop_words": "stop_word_count",
    "dup_para_frac": "dup_paragraph_share",
    "dup_para_char_frac": "dup_paragraph_chars_share",
    "dup_line_frac": "dup_line_share",
    "dup_line_char_frac": "dup_line_chars_share",
    **{f"top_{n}_gram": f"top_{n}gram_chars_share" for n in (2, 3, 4)},
    **{f"duplicated_{n}_n_grams": f"dup_{n}gram_chars_share" for n in range(5, 11)},
}

STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}
QUALITY = GopherQuality()
REPETITION = GopherRepetition()


def batch_of(texts: list[str], languages: list[str | None] | None = None) -> pa.RecordBatch:
    columns = {"text": pa.array(texts, pa.large_string())}
    if languages is not None:
        columns["language"] = pa.array(languages, pa.string())
    return pa.record_batch(columns)


def measured(stage: Any, texts: list[str], languages: Any = None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stage.open()(batch_of(texts, languages)).to_pylist()
    return rows


@pytest.mark.parametrize(("stage", "key"), [(QUALITY, "quality"), (REPETITION, "repetition")])
def test_verdict_and_reason_are_those_of_datatrove(stage: Any, key: str) -> None:
    result = stage.open()(batch_of([case["text"] for case in CASES]))
    verdicts = judge(result, stage.bounds({}))[0].to_pylist()
    wrong = [
        (number, case[key], verdict)
        for number, (case, verdict) in enumerate(zip(CASES, verdicts, strict=True))
        if case[key] != "error" and MEASURES[case[key]] != verdict
    ]
    assert not wrong
    assert {MEASURES[case[key]] for case in CASES if case[key] != "error"} >= (
        {KEPT, "word_count", "alpha_word_share", "stop_word_count", "bullet_line_share"}
        if key == "quality"
        else {KEPT, *(measure.name for measure in stage.measures)}
    )


def test_default_bounds_are_those_of_the_paper() -> None:
    quality = {m.name: (m.min, m.max) for m in QUALITY.measures}
    assert quality == {
        "word_count": (50, 100_000),
        "mean_word_chars": (3, 10),
        "hash_symbol_share": (None, 0.1),
        "ellipsis_symbol_share": (None, 0.1),
        "bullet_line_share": (None, 0.9),
        "ellipsis_line_share": (None, 0.3),
        "alpha_word_share": (0.8, None),
        "stop_word_count": (2, None),
        "stop_word_occurrence_count": (None, None),
    }
    # Rae et al. 2021, table A1, in datatrove's order
    maxima = [0.3, 0.2, 0.3, 0.2, 0.2, 0.18, 0.16, 0.15, 0.14, 0.13, 0.12, 0.11, 0.1]
    assert [bound.max for bound in REPETITION.bounds({})] == maxima


TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["the", "of", "a", "1", "#", "…", "-", "x.", "\n", "\n\n", "don't", "日本"]
        ),
        max_size=60,
    ).map(" ".join),
    st.lists(st.sampled_from(["a b c", "- x…", "", "Of the"]), max_size=12).map("\n".join),
)


def plain_quality(text: str) -> dict[str, Any]:
    words = words_of(text)
    inked = [word for word in words if not set(word) <= PUNCTUATION_SET]
    lines = text.splitlines()

    def per(part: int, whole: int) -> float:
        return part / whole if whole else 0.0

    return {
        "word_count": len(inked),
        "mean_word_chars": float(np.mean([len(w) for w in inked])) if inked else 0.0,
        "hash_symbol_share": per(text.count("#"), len(words)),
        "ellipsis_symbol_share": per(text.count("...") + text.count("…"), len(words)),
        "bullet_line_share": per(sum(x.lstrip().startswith(("•", "-")) for x in lines), len(lines)),
        "ellipsis_line_share": per(
            sum(x.rstrip().endswith(("...", "…")) for x in lines), len(lines)
        ),
        "alpha_word_share": per(sum(any(map(str.isalpha, w)) for w in words), len(words)),
        "stop_word_count": len(set(words) & STOP_WORDS),
        "stop_word_occurrence_count": sum(word in STOP_WORDS for word in words),
    }


@given(st.lists(TEXTS, max_size=4))
@settings(max_examples=300, deadline=None)
def test_quality_measures_are_what_they_say(texts: list[str]) -> None:
    expected = [{"text": text, **plain_quality(text)} for text in texts]
    assert measured(QUALITY, texts) == expected


@given(st.lists(TEXTS, max_size=4), st.sampled_from(["0.10", "2024"]))
@settings(max_examples=200, deadline=None)
def test_line_measures_are_what_they_say(texts: list[str], vintage: Any) -> None:
    rows = measured(GopherRepetition(vintage=vintage), texts)
    for text, row in zip(texts, rows, strict=True):
        pieces = {
            "paragraph": re.split("\n{2,}", text.strip()),
            "line": re.split("\n+", text) if vintage == "0.10" else text.splitlines(),
        }
        for name, parts in pieces.items():
            again = [part for n, part in enumerate(parts) if part in parts[:n]]
            assert row[f"dup_{name}_share"] == (len(again) / len(parts) if parts else 0.0)
            chars = sum(map(len, again)) / len(text) if text else 0.0
            assert row[f"dup_{name}_chars_share"] == chars


@pytest.mark.parametrize("stage", [QUALITY, REPETITION])
def test_nothing_is_measured_in_an_empty_text(stage: Any) -> None:
    (row,) = measured(stage, [""])
    assert {value for name, value in row.items() if name != "text"} == {0}


def test_bounds_are_inclusive() -> None:
    at = [2 * word for word in ("the", "and")]
    exact = " ".join([*at, *(chr(97 + n) * 6 for n in range(26)), *("ab" * 3 for _ in range(20))])
    text = exact + " the and"
    (row,) = measured(QUALITY, [text])
    assert row["word_count"] == 50 and row["stop_word_count"] == 2
    result = QUALITY.open()(batch_of([text, " ".join(text.split()[1:])]))
    assert judge(result, QUALITY.bounds({}))[0].to_pylist() == [KEPT, "word_count"]


def test_stop_words_of_other_languages() -> None:
    german = "Der Hund und die Katze sind nicht im Garten"
    rows = measured(QUALITY, [german, german, german], ["de", "en", "fi"])
    assert [row["stop_word_count"] for row in rows] == [4 - 1, 0, None]  # "Der" is not "der"
    assert measured(GopherQuality(language="de"), [german])[0]["stop_word_count"] == 3
    assert measured(GopherQuality(language="de"), [german], ["en"])[0]["stop_word_count"] == 3
    assert (
        rows[0]["stop_word_occurrence_count"] == 3 and rows[2]["stop_word_occurrence_count"] is None
    )


def test_no_mean_length_where_words_are_characters() -> None:
    rows = measured(QUALITY, ["这是文字", "слово это"], ["zh", "ru"])
    assert [row["mean_word_chars"] for row in rows] == [None, 4.0]
    assert [row["word_count"] for row in rows] == [4, 2]


def test_every_language_of_the_list_has_a_dozen_short_words() -> None:
    for language in ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "sv", "tr", "cs", "id"):
        words = stop_words_of(language)
        assert 8 <= len(words) <= 12 and len(set(words)) == len(words)
        assert all(words_of(word, language) == [word] for word in words)
    assert stop_words_of(None) == stop_words_of("en") and stop_words_of("xx") == ()


def test_both_filters_in_either_order_add_the_same_columns() -> None:
    texts = [case["text"] for case in CASES[:60]]
    batch = batch_of(texts, (["en", "de", None] * 20)[: len(texts)])
    quality, repetition = QUALITY.open(), REPETITION.open()
    one, other = repetition(quality(batch)), quality(repetition(batch))
    for name in one.schema.names:
        assert one.column(name).equals(other.column(name))


def test_bounds_can_be_changed_and_taken_away() -> None:
    limits, rest = GopherQuality.parse_bounds(
        {"word_count": {"min": 30}, "stop_word_count": "off", "language": "en"}
    )
    assert rest == {"language": "en"}
    bounds = QUALITY.bounds(limits)
    assert bounds[0] == Bound(measure="word_count", min=30, max=100_000)
    assert "stop_word_count" not in [bound.measure for bound in bounds]
    with pytest.raises(ConfigError, match="Did you mean 'word_count'"):
        QUALITY.bounds({"word_counts": {"min": 1}})


def test_text_must_be_there_and_language_need_not() -> None:
    with pytest.raises(PlanError, match="reads column 'text'"):
        QUALITY.output_schema(pa.schema({"url": pa.string()}))
    schema = QUALITY.output_schema(pa.schema({"text": pa.large_string()}))
    assert schema.names[1:] == [measure.name for measure in QUALITY.measures]
