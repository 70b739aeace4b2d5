"""Words of a list in texts, against the regular expression that defines the decision."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.errors import PlanError
from winnow.filters.bad_words import ALLOWED, BadWords
from winnow.pipeline.bounds import judge
from winnow.pipeline.fingerprint import canonical
from winnow.pipeline.typed import build
from winnow.schema import KEPT
from winnow.text.characters import ASSIGNED
from winnow.text.phrases import lower_case

# what datatrove 0.10.0 said with these lists: text, kept as English, kept as Japanese
GOLDEN = json.loads(Path(__file__).with_name("golden_bad_words.json").read_text("utf-8"))
LISTS: dict[str, list[str]] = GOLDEN["lists"]

PIECES = [
    *("bad", "very", "BAD", " ", "  ", "\n", "_", "-", "worse", "2", "ugly", "ugly-word", "naïve"),
    *(
        "NAÏVE",
        "c++",
        "C++",
        "@#!",
        "Σας",
        "ΣΑΣ",
        "σας",
        "İx",
        "Capital",
        "capital",
        "b",
        "B",
        "sm",
    ),
    *("日本", "だめ", "女の子", "悪い", "é", "\u212a", ".", "\u0301"),
]
TEXTS = st.one_of(st.text(max_size=20), st.lists(st.sampled_from(PIECES), max_size=9).map("".join))


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[str, str], ...]:
    folder = tmp_path_factory.mktemp("lists")
    for language, entries in LISTS.items():
        (folder / language).write_text("\n".join([*entries, "", ""]), "utf-8")
    return tuple((language, str(folder / language)) for language in LISTS)


def batch_of(texts: list[str], languages: list[str | None] | None = None) -> pa.RecordBatch:
    columns = {
        "doc_id": pa.array(range(7, 7 + len(texts)), pa.uint64()),
        "text": pa.array(texts, pa.large_string()),
    }
    if languages is not None:
        columns["language"] = pa.array(languages, pa.string())
    return pa.record_batch(columns)


def measured(stage: BadWords, batch: pa.RecordBatch) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stage.open()(batch).to_pylist()
    return rows


def test_decisions_are_those_of_datatrove(lists: Any) -> None:
    texts = [text for text, *_ in GOLDEN["cases"]]
    for place, language in ((1, "en"), (2, "ja")):
        stage = BadWords(lists=lists, language=language)
        verdicts = judge(stage.open()(batch_of(texts)), stage.bounds({}))[0].to_pylist()
        expected = [case[place] for case in GOLDEN["cases"]]
        assert [verdict == KEPT for verdict in verdicts] == expected
        assert 50 < expected.count(False) < len(texts) - 50


def plain_count(text: str, language: str) -> int:
    text = text.lower()
    entries = [entry for entry in LISTS[language] if entry not in ALLOWED]

    def open_at(at: int) -> bool:
        return language == "ja" or not 0 <= at < len(text) or not re.match(r"\w", text[at])

    return sum(
        open_at(at - 1)
        and any(text.startswith(entry, at) and open_at(at + len(entry)) for entry in entries)
        for at in range(len(text))
    )


@given(st.lists(TEXTS, max_size=5))
@example(["bad very bad", "BAD_ bad2 xbad", "c++ c+++", "naïve\u0301", "ΣΑΣ bad", "İx.bad"])
@settings(max_examples=500, deadline=None)
def test_counts_are_what_they_say(lists: Any, texts: list[str]) -> None:
    for language in LISTS:
        rows = measured(BadWords(lists=lists, language=language), batch_of(texts))
        counts = [plain_count(text, language) for text in texts]
        assert [row["bad_word_count"] for row in rows] == counts
        assert [row["bad_word_draw"] is None for row in rows] == [not count for count in counts]


def test_each_language_has_its_list_and_others_have_none(lists: Any) -> None:
    texts = ["bad"] * 4 + ["だめ"] * 2
    languages = ["en", None, "de", "ja", "ja", "en"]
    rows = measured(BadWords(lists=lists), batch_of(texts, languages))
    assert [row["bad_word_count"] for row in rows] == [1, 1, None, 0, 1, 0]
    assert [row["bad_word_draw"] is None for row in rows] == [False, False, True, True, False, True]


def test_a_share_is_kept_by_document_and_seed(lists: Any) -> None:
    stage = BadWords(lists=lists)
    batch = batch_of(["bad"] * 4000)
    draws = [row["bad_word_draw"] for row in measured(stage, batch)]
    assert all(0 < draw <= 1 for draw in draws)
    assert draws[1000:] == [row["bad_word_draw"] for row in measured(stage, batch.slice(1000))]
    other = [row["bad_word_draw"] for row in measured(BadWords(lists=lists, seed=1), batch)]
    assert not set(draws) & set(other)
    bounds = stage.bounds({"bad_word_draw": {"max": 0.25}})
    verdicts = judge(stage.open()(batch), bounds)[0].to_pylist()
    assert abs(verdicts.count(KEPT) / 4000 - 0.25) < 0.03
    assert judge(stage.open()(batch), stage.bounds({}))[0].to_pylist() == ["bad_word_draw"] * 4000


def test_lists_are_checked_and_read_beside_the_config(lists: Any, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="no list of words"):
        BadWords().check()
    with pytest.raises(PlanError, match="cannot read the list of 'en'"):
        BadWords(lists=(("en", str(tmp_path / "none")),)).check()
    (tmp_path / "en").write_text("\nsm\n", "utf-8")
    stage = build(BadWords, {"lists": {"en": "en"}}, "bad_words", tmp_path)
    assert stage.lists == (("en", str(tmp_path / "en")),)
    with pytest.raises(PlanError, match="has no entry"):
        stage.check()
    BadWords(lists=lists).check()


def test_fingerprint_is_of_what_is_in_a_list(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).write_text("bad\n", "utf-8")
    one, other = (BadWords(lists=(("en", str(tmp_path / name)),)) for name in ("one", "other"))
    assert canonical(one) == canonical(other)
    before = canonical(one)
    (tmp_path / "one").write_text("bad\nworse\n", "utf-8")
    assert canonical(one) != before


def test_lower_case_is_that_of_python_for_all_but_two() -> None:
    table = lower_case()
    odd = [code for code in range(ASSIGNED) if chr(code).lower() != chr(table[code])]
    assert odd == [0x130]
    assert all(chr(code).lower() == chr(code) for code in range(ASSIGNED, 0x110000))
