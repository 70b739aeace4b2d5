"""Limits per language reach every kind of filter by the same words in a config."""

from pathlib import Path

from winnow.filters.quality import QualityFilter
from winnow.pipeline.bounds import Bound
from winnow.pipeline.config import RunConfig, parse_config

MY_FILTERS = """
from winnow import measure


@measure.per_document
def vowel_share(text):
    "Share of characters that are vowels."
    return sum(c in "aeiou" for c in text) / max(len(text), 1)
"""


def config(tmp_path: Path, *stages: dict[str, object]) -> RunConfig:
    (tmp_path / "my_filters.py").write_text(MY_FILTERS)
    table = {
        "name": "x",
        "output": "out",
        "source": {"use": "warc", "paths": ["*.warc.gz"]},
        "stage": [{"use": "extract"}, *stages],
    }
    return parse_config(table, base=tmp_path)


def test_a_measure_of_your_own(tmp_path: Path) -> None:
    stage = {"use": "my_filters:vowel_share", "max": 0.6, "per_language": {"de": {"max": 0.5}}}
    (bound,) = config(tmp_path, stage).stages[1].bounds
    assert bound == Bound(
        measure="vowel_share", max=0.6, by_column="language", by=(("de", None, 0.5),)
    )


def test_one_of_several_measures(tmp_path: Path) -> None:
    stage = {"use": "gopher_quality", "word_count": {"per_language": {"ja": {"min": 20}}}}
    bound = config(tmp_path, stage).stages[1].bounds[0]
    assert (bound.measure, bound.min, bound.by) == ("word_count", 50, (("ja", 20, 100_000),))


def test_a_filter_with_one_measure() -> None:
    table = {"model": "m.bin", "min": 0.5, "per_language": {"de": {"min": 0.4}}}
    limits, rest = QualityFilter.parse_bounds(table)
    (sides,) = limits.values()
    assert sides == {"min": 0.5, "per_language": {"de": {"min": 0.4}}} and rest == {
        "model": "m.bin"
    }


def test_a_language_of_which_the_filter_itself_makes_the_column(tmp_path: Path) -> None:
    stage = {
        "use": "language",
        "suffix": "b",
        "languages": ["en", "de"],
        "language_prob": {"per_language": {"de": {"min": 0.3}}},
    }
    bound = config(tmp_path, stage).stages[1].bounds[1]
    assert bound.by_column == "language_b"
    assert bound.by == (("de", 0.3, None), ("en", 0.65, None))
