from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given, settings

from winnow.errors import ConfigError, PlanError, StageError
from winnow.filters.fasttext_model import load_model
from winnow.filters.language import LanguageFilter, bundled_labels
from winnow.pipeline.bounds import Bound, judge
from winnow.pipeline.fingerprint import canonical
from winnow.schema import KEPT

pytest.importorskip("fasttext")

ENGLISH = "The quick brown fox jumps over the lazy dog, and then it goes home to sleep."
GERMAN = "Der schnelle braune Fuchs springt über den faulen Hund und geht dann nach Hause."
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたか頓と見当がつかぬ。"


def measured(stage: LanguageFilter, *texts: str | None) -> pa.RecordBatch:
    return stage.open()(pa.record_batch({"text": pa.array(texts, pa.large_string())}))


def verdicts(table: dict[str, Any], *texts: str) -> list[str]:
    limits, fields = LanguageFilter.parse_bounds(table)
    stage = LanguageFilter(**fields)
    found: list[str] = judge(measured(stage, *texts), stage.bounds(limits))[0].to_pylist()
    return found


def test_labels_and_probabilities() -> None:
    result = measured(LanguageFilter(), ENGLISH, GERMAN, JAPANESE)
    assert result.column("language").to_pylist() == ["en", "de", "ja"]
    assert all(0.65 < prob <= 1 for prob in result.column("language_prob").to_pylist())


def test_a_text_without_a_letter_is_of_no_language() -> None:
    result = measured(LanguageFilter(), "", " \n", "123 45.6 #!", "\x00", "😀", None)
    assert result.column("language").to_pylist() == ["und"] * 6
    assert result.column("language_prob").to_pylist() == [0.0] * 6
    assert verdicts({"languages": ["en"]}, "") == ["language"]


def test_line_feeds_do_not_matter_and_what_follows_the_first_chars_is_not_read() -> None:
    with_feeds = ENGLISH.replace(" ", "\n")
    one, other = measured(LanguageFilter(), ENGLISH, with_feeds).column("language_prob").to_pylist()
    assert one == other
    text = ENGLISH + " " + GERMAN * 50
    short = LanguageFilter(chars=len(ENGLISH), sure_prob=0.5)
    all_of_it = LanguageFilter(chars=0)
    assert measured(short, text).column("language").to_pylist() == ["en"]
    assert measured(all_of_it, text).column("language").to_pylist() == ["de"]


def test_a_text_whose_beginning_leaves_doubt_is_read_whole() -> None:
    texts = ["12345 " * 20 + GERMAN, "Kapitel III. " + ENGLISH * 3, ENGLISH, "12345 " * 20]
    whole = measured(LanguageFilter(chars=0), *texts)
    assert measured(LanguageFilter(chars=13, sure_prob=1.0), *texts).equals(whole)
    assert whole.column("language").to_pylist() == ["de", "en", "en", "und"]
    never = measured(LanguageFilter(chars=13, sure_prob=0.0), *texts)
    assert never.column("language").to_pylist()[0] == "und"
    with pytest.raises(ValueError, match="sure_prob"):
        LanguageFilter(sure_prob=1.5)


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), max_size=8), st.integers(1, 40))
def test_a_batch_is_labelled_as_its_texts_are_alone(texts: list[str], chars: int) -> None:
    stage = LanguageFilter(chars=chars)
    model = load_model(stage.model_path, "test")
    expected = []
    for text in texts:
        line = text.replace("\n", " ")
        for part in (line[:chars], line):
            label, prob = "und", 0.0
            if any(c.isalnum() and not c.isdecimal() for c in part):
                labels, values = model.predict(part)
                label, prob = labels[0].removeprefix("__label__"), min(1.0, float(values[0]))
            if prob >= stage.sure_prob:
                break
        expected.append((label, prob))
    batch = measured(stage, *texts)
    found = zip(batch.column("language"), batch.column("language_prob"), strict=True)
    assert [(label.as_py(), prob.as_py()) for label, prob in found] == expected


def test_a_bound_for_each_language() -> None:
    table = {"languages": {"en": 0.65, "de": 1.0}}
    assert verdicts(table, ENGLISH, GERMAN, JAPANESE) == [KEPT, "language_prob", "language"]


def test_a_list_of_languages_shares_one_bound() -> None:
    assert LanguageFilter().bounds({"languages": ["en", "de"], "min": 0.5}) == (
        Bound(measure="language", allowed=("en", "de")),
        Bound(
            measure="language_prob",
            by_column="language",
            by=(("en", 0.5, None), ("de", 0.5, None)),
        ),
    )
    assert LanguageFilter().bounds({"languages": ["en"]})[1].by == (("en", 0.65, None),)


def test_without_languages_all_pass_and_min_bounds_all() -> None:
    assert LanguageFilter().bounds({}) == ()
    assert LanguageFilter().bounds({"min": 0.4}) == (Bound(measure="language_prob", min=0.4),)
    assert verdicts({}, ENGLISH, JAPANESE, "") == [KEPT] * 3


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"languages": ["eng"]}, "no language 'eng'.*Did you mean"),
        ({"languages": {"en": 65}}, "languages.en must be a probability"),
        ({"languages": 3}, "must be a list or a table"),
        ({"languages": {"en": 0.5}, "min": 0.5}, "each its own bound"),
        ({"min": "high"}, "min must be a probability"),
    ],
)
def test_what_cannot_be_meant(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LanguageFilter().bounds(table)


def test_the_bundled_model_is_the_published_one_and_its_labels_are_listed() -> None:
    path = LanguageFilter().model_path
    licence = Path(path).with_name("lid.176.licence.txt").read_text("utf-8")
    assert hashlib.sha256(Path(path).read_bytes()).hexdigest() in licence
    import fasttext

    labels = fasttext.load_model(path).get_labels()
    assert sorted(label.removeprefix("__label__") for label in labels) == list(bundled_labels())


def test_the_fingerprint_holds_the_model_and_not_its_path(tmp_path: Path) -> None:
    copy = tmp_path / "copy.ftz"
    copy.write_bytes(Path(LanguageFilter().model_path).read_bytes())
    assert canonical(LanguageFilter(model=str(copy))) == canonical(LanguageFilter())


def test_a_missing_or_broken_model(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="no model file"):
        LanguageFilter(model=str(tmp_path / "no.bin")).check()
    broken = tmp_path / "broken.bin"
    broken.write_bytes(b"not a model")
    with pytest.raises(StageError, match="not a fastText model"):
        LanguageFilter(model=str(broken)).open()
    with pytest.raises(ValueError, match="chars"):
        LanguageFilter(chars=-1)
