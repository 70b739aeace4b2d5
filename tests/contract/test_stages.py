"""The laws of winnow/pipeline/laws.py, for every registered stage and filter and some of a user's.

A new stage needs an entry in ``EXAMPLES``: the test named ``test_every_registered_stage_has_an_
example`` fails until it has one. ``built("name", key=value)`` makes one; a function from a folder
(for files that the stage reads) to a stage makes any.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from winnow.filters.measure import UserFilter
from winnow.filters.quality_training import train_quality_model
from winnow.pipeline import registry
from winnow.pipeline.awkward import batch_for
from winnow.pipeline.laws import LAWS, Law
from winnow.pipeline.trial import Trial

Example = Callable[[Path], Any]

USER_MODULE = '''
import pyarrow.compute as pc
from winnow import measure


@measure
def digit_share(text, *, scale: float = 1.0):
    """Share of characters that are digits 0-9."""
    digits = pc.multiply(pc.count_substring_regex(text, "[0-9]").cast("double"), scale)
    return pc.divide(digits, pc.max_element_wise(pc.utf8_length(text), 1))


@measure.per_document
def vowels(text, domain):
    return sum(text.count(vowel) for vowel in "aeiou") + len(domain)
'''


def built(use: str, **options: Any) -> Example:
    """A registered stage or filter with these keys."""
    return lambda folder: registry.load(registry.BUILT_IN[use])(**options)


def url(folder: Path) -> Any:
    blocked = folder / "blocked.txt"
    blocked.write_text("host7.org\n")
    return built("url", domains=("host3.org",), lists=(str(blocked),), words=("path5",))(folder)


def quality(folder: Path) -> Any:
    good, bad, model = folder / "good.txt", folder / "bad.txt", folder / "model.bin"
    if not model.exists():
        good.write_text("\n".join(f"it was the best of times {n}" for n in range(30)))
        bad.write_text("\n".join(f"x y z http click {n}" for n in range(30)))
        train_quality_model(positive=[str(good)], negative=[str(bad)], output=str(model), dim=4)
    return built("quality", model=str(model))(folder)


def listed(use: str, *keys: str) -> Example:
    """A filter with a list of words for each of ``keys``."""

    def make(folder: Path) -> Any:
        words = folder / "words.txt"
        words.write_text("times\nthe worst\nnul\n")
        return built(use, **{key: str(words) for key in keys})(folder)

    return make


def bad_words(folder: Path) -> Any:
    words = folder / "bad.txt"
    words.write_text("worst\n日本\n")
    return built("bad_words", lists=(("en", str(words)), ("ja", str(words))))(folder)


def user(name: str, **options: Any) -> Example:
    def make(folder: Path) -> Any:
        module = "filters_of_the_contract"
        (folder / f"{module}.py").write_text(USER_MODULE)
        use = f"{module}:{name}"
        found = registry.find_user_object(use, "contract", folder)
        return UserFilter.from_object(use, found, options)

    return make


EXAMPLES: dict[str, tuple[Example, ...]] = {
    "extract": (built("extract"),),
    "url": (url, built("url")),
    "language": (built("language"), built("language", chars=0)),
    "gopher_quality": (built("gopher_quality"), built("gopher_quality", language="de")),
    "gopher_repetition": (built("gopher_repetition"), built("gopher_repetition", language="ja")),
    "c4": (built("c4"), built("c4", terminal_punctuation=False, language="de")),
    "fineweb_quality": (built("fineweb_quality"), built("fineweb_quality", vintage="2024")),
    "dclm_addresses": (built("dclm_addresses"), built("dclm_addresses", only_after_domain=False)),
    "dclm_quality": (built("dclm_quality"),),
    "dclm_repetition": (built("dclm_repetition"),),
    "refinedweb_lines": (built("refinedweb_lines"),),
    "dolma_c4": (built("dolma_c4"),),
    "dolma_quality": (built("dolma_quality"),),
    "dolma_repetition": (built("dolma_repetition"),),
    "redpajama": (built("redpajama"), listed("redpajama", "bad_words", "stop_words")),
    "data_juicer": (built("data_juicer"), listed("data_juicer", "flagged_words", "stop_words")),
    "bad_words": (bad_words,),
    "quality": (quality, built("quality"), built("quality", suffix="b")),
    "ensemble": (built("ensemble", of=("a_score", "b_score"), how="mean"),),
    "user": (user("digit_share", scale=2.0), user("vowels")),
}
CASES = [(use, number) for use, made in EXAMPLES.items() for number in range(len(made))]


def test_every_registered_stage_has_an_example() -> None:
    assert {*registry.STAGES, *registry.FILTERS, "user"} == EXAMPLES.keys()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("contract")
    yield path
    if str(path) in sys.path:
        sys.path.remove(str(path))


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def trial(request: pytest.FixtureRequest, folder: Path) -> Trial:
    use, number = request.param
    stage = EXAMPLES[use][number](folder)
    return Trial(stage, batch_for(stage))


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_it_keeps_the_law(trial: Trial, law: Law) -> None:
    assert law.violations(trial) == [], f"{law.statement}. {law.remedy}"


def test_nothing_was_left_out(trial: Trial) -> None:
    assert len(trial.sound) == trial.batch().num_rows == trial.whole.num_rows > 0
    assert all(find_spec(module) is not None for module in trial.stage.requires)
