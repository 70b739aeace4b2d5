"""FineWeb's line filter against two datatroves, and against the rules written out."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.filters.fineweb_quality import FineWebQuality
from winnow.pipeline.bounds import Bound, judge
from winnow.schema import KEPT
from winnow.text.punctuation import SENTENCE_ENDS
from winnow.text.words import words_of

MEASURES = {
    "kept": KEPT,
    "empty": "nonblank_line_count",
    "line_punct_ratio": "line_punct_share",
    "short_line_ratio": "short_line_share",
    "char_dup_ratio": "fineweb_dup_chars_share",
    "list_ratio": "newline_word_share",
}


def golden(vintage: str) -> list[dict[str, Any]]:
    path = Path(__file__).with_name(f"golden_fineweb_{vintage}.json.gz")
    cases: list[dict[str, Any]] = json.loads(gzip.decompress(path.read_bytes()))["cases"]
    return cases


def batch_of(texts: list[str]) -> pa.RecordBatch:
    return pa.record_batch({"text": pa.array(texts, pa.large_string())})


def measured(stage: FineWebQuality, texts: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stage.open()(batch_of(texts)).to_pylist()
    return rows


def test_verdict_and_reason_are_those_of_datatrove() -> None:
    cases = golden("0.10")
    stage = FineWebQuality()
    texts = [case["text"] if case["c4_text"] is None else case["c4_text"] for case in cases]
    verdicts = judge(stage.open()(batch_of(texts)), stage.bounds({}))[0].to_pylist()
    assert verdicts == [MEASURES[case["fineweb"]] for case in cases]
    assert set(verdicts) == set(MEASURES.values())


def test_lines_of_2024_are_those_of_the_datatrove_of_2024() -> None:
    """All but the list rule, which needs NLTK's words."""
    cases = golden("2024")
    stage = FineWebQuality(vintage="2024")
    texts = [case["text"] if case["c4_text"] is None else case["c4_text"] for case in cases]
    bounds = stage.bounds({"newline_word_share": "off"})
    verdicts = judge(stage.open()(batch_of(texts)), bounds)[0].to_pylist()
    assert verdicts == [
        KEPT if case["fineweb"] == "list_ratio" else MEASURES[case["fineweb"]] for case in cases
    ]
    assert set(verdicts) == {*MEASURES.values()} - {"nonblank_line_count", "newline_word_share"}


def plain(text: str, stage: FineWebQuality) -> dict[str, Any]:
    lines = text.split("\n")
    inked = [line for line in lines if line.strip()]
    counted, marks = (inked, tuple(SENTENCE_ENDS))
    if stage.vintage == "2024":
        counted, marks = lines, (".", "'", '"', "!", "?")
    again = [line for place, line in enumerate(inked) if line in inked[:place]]

    def per(part: int, whole: int) -> float:
        return part / whole if whole else 0.0

    return {
        "text": text,
        "nonblank_line_count": len(inked),
        "line_punct_share": per(sum(line.endswith(marks) for line in counted), len(counted)),
        "short_line_share": per(
            sum(len(line) <= stage.short_line_chars for line in counted), len(counted)
        ),
        "fineweb_dup_chars_share": per(sum(map(len, again)), len(text.replace("\n", ""))),
        "newline_word_share": per(text.count("\n"), len(words_of(text))),
    }


LINES = [
    "",
    " ",
    "\u3000",
    "a.",
    "a b c",
    "日本。",
    'said "so"',
    "e\u0301!",
    "x\r",
    "don't",
    "a" * 31,
]
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from([*LINES, *"?!.'"]), max_size=15).map("\n".join),
)


@given(
    texts=st.lists(TEXTS, max_size=4),
    vintage=st.sampled_from(["0.10", "2024"]),
    short_line_chars=st.sampled_from([0, 1, 2, 30]),
)
@settings(max_examples=400, deadline=None)
def test_measures_are_what_they_say(texts: list[str], vintage: Any, short_line_chars: int) -> None:
    stage = FineWebQuality(vintage=vintage, short_line_chars=short_line_chars)
    assert measured(stage, texts) == [plain(text, stage) for text in texts]


def test_default_bounds() -> None:
    today = FineWebQuality().bounds({})
    assert [(b.measure, b.min, b.max) for b in today] == [
        ("nonblank_line_count", 1, None),
        ("line_punct_share", 0.12, None),
        ("short_line_share", None, 0.67),
        ("fineweb_dup_chars_share", None, 0.01),
        ("newline_word_share", None, 0.3),
    ]
    then = FineWebQuality(vintage="2024").bounds({"newline_word_share": {"max": 0.5}})
    assert [(b.measure, b.min, b.max) for b in then] == [
        ("line_punct_share", math.nextafter(0.12, 1), None),
        ("short_line_share", None, math.nextafter(0.67, 0)),
        ("fineweb_dup_chars_share", None, math.nextafter(0.01, 0)),
        ("newline_word_share", None, 0.5),
    ]


@pytest.mark.parametrize("share", [0.12, 0.67, 0.01])
def test_a_value_equal_to_a_bound_of_2024_is_rejected_and_its_neighbour_is_not(
    share: float,
) -> None:
    bounds = FineWebQuality(vintage="2024").bounds({})
    (bound,) = [b for b in bounds if share in (_round(b.min), _round(b.max))]
    inside = bound.min if bound.min is not None else bound.max
    assert inside is not None
    batch = pa.record_batch({bound.measure: pa.array([share, inside])})
    assert judge(batch, (bound,))[0].to_pylist() == [bound.measure, KEPT]


def _round(limit: float | None) -> float | None:
    return None if limit is None else round(limit, 9)


def test_a_suffix_and_a_changed_bound_go_together() -> None:
    stage = FineWebQuality(vintage="2024", suffix="old")
    bounds = stage.bounds({"line_punct_share": {"min": 0.2}})
    assert bounds[0] == Bound(measure="line_punct_share_old", min=0.2)
    result = stage.open()(batch_of(["a\nb."]))
    assert result.column("line_punct_share_old").to_pylist() == [0.5]
