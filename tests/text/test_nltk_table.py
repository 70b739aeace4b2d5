"""NLTK's words of whole texts, alone and in batches."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.errors import PlanError
from winnow.text.nltk_table import NltkTable
from winnow.text.nltk_words import NltkWords
from winnow.text.punkt_data import find_punkt, read_punkt
from winnow.text.table import BatchWords, TextColumn

CASES = runpy.run_path(str(Path(__file__).with_name("punkt_cases.py")))
TEXTS = CASES["TEXTS"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written: Path = CASES["write_parameters"](tmp_path_factory.mktemp("punkt") / "english")
    return written


@pytest.fixture(scope="module")
def words(folder: Path) -> NltkWords:
    return NltkWords(folder)


def nltk_words(text: str, punkt: Any) -> list[str]:
    from nltk.tokenize.destructive import NLTKWordTokenizer

    split = NLTKWordTokenizer().tokenize
    return [word for sentence in punkt.tokenize(text) for word in split(sentence)]


def spelled(found: BatchWords) -> list[list[str]]:
    names = found.vocabulary.words()
    return [
        [names[number] for number in found.tokens[start:end].tolist()]
        for start, end in zip(found.offsets[:-1], found.offsets[1:], strict=True)
    ]


@given(TEXTS)
@settings(max_examples=600, deadline=None)
def test_words_are_those_of_nltk(words: NltkWords, text: str) -> None:
    nltk = pytest.importorskip("nltk")
    if not nltk.__version__.startswith("3.8"):
        pytest.skip("the words are those of NLTK 3.8")
    assert words.split(text) == nltk_words(text, CASES["nltk_punkt"](CASES["PARAMETERS"]))


@given(st.lists(TEXTS, max_size=6), st.sampled_from([pa.string(), pa.large_string()]))
@settings(max_examples=200, deadline=None)
def test_a_batch_has_the_words_of_its_texts(
    words: NltkWords, texts: list[str], kind: pa.DataType
) -> None:
    column = TextColumn(pa.array([None, *texts], kind).slice(1))
    expected = [words.split(text) for text in texts]
    for table in (NltkTable(words), NltkTable(words, max_chunks=2)):
        rows = np.arange(len(texts))
        for some in (rows, rows[::2], rows[1:]):
            found = table.split(column, some)
            assert found.rows.tolist() == some.tolist()
            assert spelled(found) == [expected[row] for row in some]


def test_the_same_rows_of_the_same_memory_are_split_once(words: NltkWords) -> None:
    column, rows = pa.array(["One. Two.", "three"]), np.array([0, 1])
    table = NltkTable(words)
    assert table.split(TextColumn(column), rows) is table.split(TextColumn(column), rows)
    assert table.split(TextColumn(column), rows) is not table.split(TextColumn(column), rows[1:])
    assert spelled(table.split(TextColumn(column.slice(1)), rows[:1])) == [["three"]]


def test_the_memo_never_shows(folder: Path, words: NltkWords) -> None:
    text = "Dr. Bach's \"end.\" The end, don't. \U0010ffff0 \U0010ffff' \U0010ffffx."
    tiny = NltkWords(folder, max_chunks=1)
    assert tiny.split(text) == words.split(text) == words.split(text)


@pytest.mark.skipif(not CASES["CRAWL"].exists(), reason="the shared crawl is not here")
def test_real_pages_with_the_real_parameters() -> None:
    pytest.importorskip("nltk")
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
    texts = [*runpy.run_path(str(Path(__file__).with_name("test_english.py")))["real_texts"](150)]
    found = NltkTable(NltkWords(folder)).split(TextColumn(pa.array(texts)), np.arange(len(texts)))
    theirs = [nltk_words(text, real) for text in texts]
    assert sum(ours != other for ours, other in zip(spelled(found), theirs, strict=True)) == 0
