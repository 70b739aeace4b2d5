"""Our sentences against NLTK's Punkt: parameters that reach every rule, trained ones, real ones."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings

from winnow.errors import PlanError
from winnow.text.punkt import Punkt
from winnow.text.punkt_data import FILES, find_punkt, punkt_digest, read_punkt

CASES = runpy.run_path(str(Path(__file__).with_name("punkt_cases.py")))
TEXTS, write_parameters = CASES["TEXTS"], CASES["write_parameters"]


@pytest.fixture(scope="module")
def punkt(tmp_path_factory: pytest.TempPathFactory) -> Punkt:
    return Punkt(read_punkt(write_parameters(tmp_path_factory.mktemp("punkt") / "english")))


@pytest.fixture(scope="module")
def theirs() -> Any:
    nltk = pytest.importorskip("nltk")
    if not nltk.__version__.startswith("3.8"):
        pytest.skip("the sentences are those of NLTK 3.8")
    return CASES["nltk_punkt"](CASES["PARAMETERS"])


@given(TEXTS)
@example("A.\u00a0. . .")  # one token that reaches over the white space
@example(' a." b')
@example("a.) b.)--c")
@settings(max_examples=1000, deadline=None)
def test_sentences_are_those_of_nltk(punkt: Punkt, theirs: Any, text: str) -> None:
    assert punkt.sentences(text) == theirs.tokenize(text)
    assert punkt.spans(text) == list(theirs.span_tokenize(text))
    assert punkt.sentence_count([text]).tolist() == [len(theirs.tokenize(text))]


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_the_memo_never_shows(punkt: Punkt, text: str) -> None:
    forgetful = Punkt(punkt._parameters, max_remembered=1)
    assert forgetful.sentences(text) == punkt.sentences(text)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_sentences_hold_all_ink_in_order(punkt: Punkt, text: str) -> None:
    assert "".join("".join(punkt.sentences(text)).split()) == "".join(text.split())


def test_trained_parameters_split_the_text_they_were_trained_on_as_nltk_does(
    tmp_path: Path, theirs: Any
) -> None:
    from nltk.tokenize.punkt import PunktSentenceTokenizer, PunktTrainer

    text = CASES["training_text"]()
    trainer = PunktTrainer()
    trainer.INCLUDE_ALL_COLLOCS = True
    trainer.train(text)
    learned = trainer.get_params()
    assert {"dr", "p.m"} <= learned.abbrev_types
    folder = write_parameters(
        tmp_path / "english",
        {
            "abbrev_types": learned.abbrev_types,
            "collocations": learned.collocations,
            "sent_starters": learned.sent_starters,
            "ortho_context": learned.ortho_context,
        },
    )
    found = Punkt(read_punkt(folder)).sentences(text)
    assert found == PunktSentenceTokenizer(learned).tokenize(text)
    assert len(found) > 600


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Dr. J. Bach left. The end.", ["Dr. J. Bach left.", "The end."]),
        ('He said "no." Then "(why?)" he asked.', ['He said "no."', 'Then "(why?)"', "he asked."]),
        ("", []),
        (" \n", []),
        ("no end", ["no end"]),
    ],
)
def test_examples(punkt: Punkt, text: str, sentences: list[str]) -> None:
    assert punkt.sentences(text) == sentences


def test_long_texts_take_linear_time(punkt: Punkt) -> None:
    size = 100_000
    for text in (
        "a" * size,
        "!" * size,
        ".)" * size,
        ". " * size,
        "a." + " " * size + "b",
        "-" * size,
    ):
        assert "".join("".join(punkt.sentences(text)).split()) == "".join(text.split())


def test_parameters_are_found_where_nltk_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_parameters(tmp_path / "data" / "tokenizers" / "punkt_tab" / "english")
    monkeypatch.setenv("NLTK_DATA", f"{tmp_path / 'nothing'}:{tmp_path / 'data'}")
    assert find_punkt() == folder
    assert find_punkt(str(folder)) == find_punkt(str(tmp_path / "data")) == folder


def test_absent_parameters_are_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PlanError, match=r"no parameters of Punkt in .*nowhere") as caught:
        find_punkt(str(tmp_path / "nowhere"))
    assert "nltk.downloader punkt_tab" in str(caught.value)
    monkeypatch.setenv("NLTK_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("winnow.text.punkt_data.FILES", ("no such file",))
    with pytest.raises(PlanError, match="no NLTK data folder has them"):
        find_punkt()


def test_damaged_parameters_are_an_error(tmp_path: Path) -> None:
    folder = write_parameters(tmp_path / "english")
    (folder / "ortho_context.tab").write_text("word without a number\n")
    with pytest.raises(PlanError, match=r"ortho_context\.tab"):
        read_punkt(folder)


def test_the_digest_changes_with_every_file(tmp_path: Path) -> None:
    folder = write_parameters(tmp_path / "english")
    seen = {punkt_digest(folder)}
    for name in FILES:
        (folder / name).write_bytes((folder / name).read_bytes() + b"x")
        seen.add(punkt_digest(folder))
    assert len(seen) == 1 + len(FILES)


@pytest.mark.skipif(not CASES["CRAWL"].exists(), reason="the shared crawl is not here")
def test_real_pages_with_the_real_parameters(theirs: Any) -> None:
    try:
        folder = find_punkt()
    except PlanError:
        pytest.skip("NLTK's punkt_tab is not installed")
    ours = read_punkt(folder)
    real = CASES["nltk_punkt"](
        {
            "abbrev_types": ours.abbreviations,
            "collocations": ours.collocations,
            "sent_starters": ours.sentence_starters,
            "ortho_context": ours.contexts,
        }
    )
    texts = [*runpy.run_path(str(Path(__file__).with_name("test_english.py")))["real_texts"](250)]
    punkt = Punkt(ours)
    assert len(texts) == 250
    assert [t for t in texts if punkt.sentences(t) != real.tokenize(t)] == []
