"""FineWeb's four filters in a row, C4's rewriting between them, against two datatroves.

Verdict and first reason of every text must be equal. The texts that lie here are ours; to ask the
same of every page of the shared crawl (minutes), say which Python has the datatrove::

    WINNOW_DATATROVE_PYTHON=/tmp/datatrove/bin/python pytest tests/filters/test_fineweb.py

and ``WINNOW_DATATROVE_2024_PYTHON`` for that of 2024; ``make_golden_fineweb.py`` says what to
install.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from winnow.errors import PlanError
from winnow.filters.c4 import C4
from winnow.filters.fineweb_quality import FineWebQuality
from winnow.filters.gopher_quality import GopherQuality
from winnow.filters.gopher_repetition import GopherRepetition
from winnow.pipeline.bounds import Bound, judge
from winnow.schema import KEPT
from winnow.text.punkt_data import find_punkt

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[2] / "shared" / "data"
PYTHONS = {"0.10": "WINNOW_DATATROVE_PYTHON", "2024": "WINNOW_DATATROVE_2024_PYTHON"}

REASONS = {
    "kept": KEPT,
    "dup_para_frac": "dup_paragraph_share",
    "dup_para_char_frac": "dup_paragraph_chars_share",
    "dup_line_frac": "dup_line_share",
    "dup_line_char_frac": "dup_line_chars_share",
    **{f"top_{n}_gram": f"top_{n}gram_chars_share" for n in (2, 3, 4)},
    **{f"duplicated_{n}_n_grams": f"dup_{n}gram_chars_share" for n in range(5, 11)},
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
    "lorem_ipsum": "lorem_ipsum_line_count",
    "curly_bracket": "curly_bracket_line_count",
    "too_few_sentences": "c4_sentence_count",
    "empty": "nonblank_line_count",
    "line_punct_ratio": "line_punct_share",
    "short_line_ratio": "short_line_share",
    "char_dup_ratio": "fineweb_dup_chars_share",
    "list_ratio": "newline_word_share",
}


def stages_of(vintage: str) -> list[tuple[Any, tuple[Bound, ...]]]:
    """The four filters and their bounds, as the recipe of that datatrove has them."""
    if vintage == "0.10":
        stages = [
            (GopherRepetition(language="en"), {}),
            (GopherQuality(language="en"), {}),
            (C4(language="en", terminal_punctuation=False), {}),
            (FineWebQuality(language="en"), {}),
        ]
    else:
        nltk: dict[str, Any] = {"language": "en", "words": "nltk"}
        occurrences = {"stop_word_count": "off", "stop_word_occurrence_count": {"min": 2}}
        stages = [
            (GopherRepetition(**nltk, vintage="2024"), {}),
            (GopherQuality(**nltk), occurrences),
            (C4(**nltk, terminal_punctuation=False), {}),
            (FineWebQuality(**nltk, vintage="2024"), {}),
        ]
    return [(stage, stage.bounds(table)) for stage, table in stages]


def skip_without_words(vintage: str) -> None:
    if vintage == "2024":
        try:
            find_punkt()
        except PlanError:
            pytest.skip("NLTK's data 'punkt_tab' is not installed")


def reason(vintage: str, theirs: str) -> str:
    if vintage == "2024" and theirs == "gopher_enough_stop_words":
        return "stop_word_occurrence_count"
    return REASONS[theirs]


def verdicts_of(vintage: str, texts: list[str]) -> list[str]:
    batch = pa.record_batch({"text": pa.array(texts, pa.large_string())})
    bounds: tuple[Bound, ...] = ()
    for stage, its_bounds in stages_of(vintage):
        batch = stage.open()(batch)
        bounds += its_bounds
    found: list[str] = judge(batch, bounds)[0].to_pylist()
    return found


def assert_equal(vintage: str, texts: list[str], answers: list[dict[str, Any]]) -> None:
    differing = [
        (number, answer["chain"], verdict)
        for number, (answer, verdict) in enumerate(
            zip(answers, verdicts_of(vintage, texts), strict=True)
        )
        if answer["chain"] != "error" and reason(vintage, answer["chain"]) != verdict
    ]
    assert differing == []


@pytest.mark.parametrize("vintage", sorted(PYTHONS))
def test_first_reason_of_four_filters_is_that_of_datatrove(vintage: str) -> None:
    skip_without_words(vintage)
    path = HERE / f"golden_fineweb_{vintage}.json.gz"
    cases = json.loads(gzip.decompress(path.read_bytes()))["cases"]
    assert len({case["chain"] for case in cases}) > 20
    assert_equal(vintage, [case["text"] for case in cases], cases)


@cache
def shared_texts() -> list[str]:
    """The main text of every page of the shared crawl and pages, all languages."""
    from winnow.extract.stage import Extract
    from winnow.pipeline.stage import Tally
    from winnow.sources.warc import WarcSource

    paths = sorted(SHARED.glob("crawl/*.warc.gz")) + sorted(SHARED.glob("pages/*.warc.gz"))
    source = WarcSource(paths=tuple(map(str, paths)))
    read, extract = source.open(), Extract(engine="resiliparse").open()
    texts: dict[str, None] = {}
    for split in source.splits():
        for batch in read(split, Tally()):
            texts |= dict.fromkeys(extract(batch).column("text").to_pylist())
    return [text for text in texts if text]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("vintage", sorted(PYTHONS))
def test_no_shared_page_is_decided_otherwise(vintage: str, tmp_path: Path) -> None:
    python = os.environ.get(PYTHONS[vintage])
    if not python or not SHARED.is_dir():
        pytest.skip(f"needs ../shared, and {PYTHONS[vintage]}: a Python with that datatrove")
    skip_without_words(vintage)
    texts = shared_texts()
    given, answered = tmp_path / "texts.json", tmp_path / "answers.json"
    given.write_text(json.dumps(texts), "utf-8")
    script = HERE / "make_golden_fineweb.py"
    subprocess.run([python, str(script), str(given), str(answered)], check=True)
    assert len(texts) > 5000
    assert_equal(vintage, texts, json.loads(answered.read_text("utf-8")))
