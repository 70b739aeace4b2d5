"""The rows that we read from a model are those that fastText adds up."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from winnow.filters.quality_ngrams import _row, ngrams_of, telling_ngrams, words_of

fasttext = pytest.importorskip("fasttext")

WORDS = ["über", "naïve", "the", "of", "語", "xxxxxxxxx", "a,b", "€", "😀"]
BUCKET = 5000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    choice = random.Random(1)
    path = tmp_path_factory.mktemp("ngrams") / "train.txt"
    with path.open("w", encoding="utf-8") as file:
        for n in range(200):
            some = WORDS[:5] if n % 2 else WORDS[4:]
            text = " ".join(choice.choices(some, k=8))
            file.write(f"__label__{'hq' if n % 2 else 'lq'} {text}\n")
    return fasttext.train_supervised(
        str(path), dim=6, wordNgrams=3, bucket=BUCKET, minCount=1, thread=1, verbose=0, epoch=10
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from([*WORDS, "unseen", "ñu", "\t", "\v", "\xa0"]), max_size=12))
def test_the_sum_of_the_rows_gives_the_models_own_probability(model: Any, words: list[str]) -> None:
    line = " ".join(words)
    rows = [
        _row(model, gram, len(model.get_words()), BUCKET) for gram in ngrams_of(words_of(line), 3)
    ]
    hidden = np.mean([model.get_input_vector(row) for row in rows if row is not None], axis=0)
    odds = model.get_output_matrix() @ hidden
    expected = np.exp(odds - odds.max())
    expected /= expected.sum()
    labels, probs = model.predict(line, k=-1)
    found = dict(zip(labels, probs, strict=True))
    assert [found[label] for label in model.get_labels()] == pytest.approx(expected, abs=1e-4)


def test_ngrams_of_each_side(model: Any, tmp_path: Path) -> None:
    lines = [("the über", True)] * 4 + [("€ a,b xxxxxxxxx", False)] * 3 + [("of of", True)] * 2
    found = telling_ngrams(model, lines, "__label__hq", "__label__lq", 2, BUCKET)
    good = {row["ngram"]: row for row in found["positive"]}
    bad = {row["ngram"]: row for row in found["negative"]}
    assert "the" in good and "€" in bad and "of" not in good  # in too few documents
    assert good["the"]["positive_documents"] == 4 and good["the"]["negative_documents"] == 0
    assert bad["€"]["weight"] < 0 < good["the"]["weight"]
    weights = [row["weight"] for row in found["positive"]]
    assert weights == sorted(weights, reverse=True)
