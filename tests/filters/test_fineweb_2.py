"""FineWeb-2's recipe against four of its published configs, quoted here."""

from pathlib import Path

import pyarrow as pa
import pytest

from winnow.filters.gopher_quality import GopherQuality
from winnow.pipeline.config import RecipeEntry, recipe_entry

# huggingface/fineweb-2, configs/rus_Cyrl.yml, deu_Latn.yml, cmn_Hani.yml, hin_Deva.yml
PUBLISHED = {
    "ru": {
        "dup_line_frac": 0.322,
        "dup_n_grams": [0.168, 0.156, 0.145, 0.133, 0.121, 0.109],
        "language_score": 0.9,
        "line_punct_thr": 0.231,
        "word_length": (3, 11),
        "max_non_alpha_words_ratio": 0.713,
        "new_line_ratio": 0.139,
        "top_n_grams": [0.184, 0.164, 0.146],
        "stopwords": "в и на с года по году из был к не от что за для его как а он также до после",
    },
    "de": {
        "dup_line_frac": 0.263,
        "dup_n_grams": [0.141, 0.134, 0.126, 0.117, 0.108, 0.098],
        "language_score": 0.821,
        "line_punct_thr": 0.0,
        "word_length": (0, 15),
        "max_non_alpha_words_ratio": 0.774,
        "new_line_ratio": 0.152,
        "top_n_grams": [0.169, 0.153, 0.137],
        "stopwords": "der und die in von im den des mit das er dem als wurde für",
    },
    "zh": {
        "dup_line_frac": 0.287,
        "dup_n_grams": [0.198, 0.182, 0.167, 0.154, 0.14, 0.127],
        "language_score": 0.692,
        "line_punct_thr": 0.106,
        "word_length": (1, 5),
        "max_non_alpha_words_ratio": 0.735,
        "new_line_ratio": 0.178,
        "top_n_grams": [0.256, 0.201, 0.171],
        "stopwords": "的 年 在 月 是 和 日 了 於 · 為 有 被 人 中 为 他 與 後 也 而 由",
    },
    "hi": {
        "dup_line_frac": 0.206,
        "dup_n_grams": [0.135, 0.125, 0.116, 0.108, 0.099, 0.09],
        "language_score": 0.692,
        "line_punct_thr": 0.091,
        "word_length": (2, 21),
        "max_non_alpha_words_ratio": 0.837,
        "new_line_ratio": 0.316,
        "top_n_grams": [0.208, 0.198, 0.161],
        "stopwords": "के में है की और से का को एक हैं पर",
    },
}


@pytest.fixture(scope="module")
def recipe() -> RecipeEntry:
    return recipe_entry("fineweb-2", Path(), "test")


@pytest.mark.parametrize("language", PUBLISHED)
def test_bounds_are_the_published_ones(recipe: RecipeEntry, language: str) -> None:
    limits: dict[str, tuple[float | None, float | None]] = {}
    for stage in recipe.stages:
        for bound in stage.bounds:
            name = bound.measure.removesuffix("_fw2")
            limits[name] = (bound.min, bound.max)
            for label, low, high in bound.by:
                if label == language:
                    limits[name] = (low, high)
    config = PUBLISHED[language]
    assert limits["language_prob"][0] == config["language_score"]
    assert limits["dup_line_share"][1] == config["dup_line_frac"]
    repeats = [limits[f"dup_{n}gram_chars_share"][1] for n in range(5, 11)]
    assert repeats == config["dup_n_grams"]
    assert [limits[f"top_{n}gram_chars_share"][1] for n in (2, 3, 4)] == config["top_n_grams"]
    assert limits["line_punct_share"][0] == config["line_punct_thr"]
    assert limits["newline_word_share"][1] == config["new_line_ratio"]
    assert limits["mean_word_chars"] == config["word_length"]
    assert limits["alpha_word_share"][0] == config["max_non_alpha_words_ratio"]
    # fineweb-2-pipeline.py, the same for all languages
    assert limits["fineweb_dup_chars_share"] == (None, 0.1)
    for off in ("dup_paragraph_share", "dup_paragraph_chars_share", "dup_line_chars_share"):
        assert off not in limits
    assert "short_line_share" not in limits and limits["stop_word_count"] == (2, None)


@pytest.mark.parametrize("language", PUBLISHED)
def test_stop_words_are_the_published_ones(recipe: RecipeEntry, language: str) -> None:
    quality = next(s.stage for s in recipe.stages if isinstance(s.stage, GopherQuality))
    assert " ".join(dict(quality.stop_words)[language]) == PUBLISHED[language]["stopwords"]


def test_repetitions_come_before_lines_and_words(recipe: RecipeEntry) -> None:
    names = [stage.name for stage in recipe.stages]
    assert names == ["language", "gopher_repetition", "fineweb_quality", "gopher_quality"]


def test_limits_fall_from_short_runs_to_long_ones(recipe: RecipeEntry) -> None:
    """A digit that was copied wrongly would most likely break an order that all configs keep."""
    by: dict[str, list[float]] = {}
    for stage in recipe.stages:
        for bound in stage.bounds:
            if bound.measure.startswith("dup_") and "gram" in bound.measure:
                for label, _, high in bound.by:
                    by.setdefault(label, []).append(high or 0)
    assert len(by) == 27
    for label, limits in by.items():
        assert limits == sorted(limits, reverse=True) and len(limits) == 6, label
        assert 1.2 < limits[0] / limits[-1] < 2, label


def test_own_stop_words_stand_in_for_the_shipped_ones() -> None:
    texts = pa.array(["der die das", "the and of", "der die"], pa.large_string())
    batch = pa.record_batch({"text": texts, "language": ["de", "en", "de"]})

    def counts(**options: object) -> list[object]:
        measured = GopherQuality(**options).open()(batch)  # type: ignore[arg-type]
        return list(measured.column("stop_word_count").to_pylist())

    assert counts() == [3, 3, 2]
    assert counts(stop_words=(("de", ("die",)),)) == [1, 3, 1]
    assert counts(stop_words=(("en", ()),)) == [3, None, 2]
    assert GopherQuality(stop_words=(("de", ("a",)), ("cs", ("b",)))) == GopherQuality(
        stop_words=(("cs", ("b",)), ("de", ("a",)))
    )
