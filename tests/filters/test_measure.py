"""Filters that a user writes, from the file to the verdict."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from winnow.errors import ConfigError, PlanError, StageError
from winnow.filters.measure import UserFilter
from winnow.pipeline.bounds import Bound
from winnow.pipeline.fingerprint import canonical
from winnow.pipeline.registry import find_user_object

MODULE = '''
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from winnow import measure


@measure
def digit_share(text):
    """Share of characters that are digits 0-9, in [0, 1]; 0 for an empty text.

    More words.
    """
    digits = pc.count_substring_regex(text, "[0-9]").cast("double")
    return pc.divide(digits, pc.max_element_wise(pc.utf8_length(text), 1))


@measure.per_document
def letters(text, *, letter: str = "e", weight: float = 1.0):
    """How often a letter occurs."""
    return text.count(letter) * weight


@measure
def longer(text, url):
    return pc.greater(pc.utf8_length(text), pc.utf8_length(url))


@measure
def too_few(text):
    return np.zeros(1)


@measure
def not_a_number(text):
    return [None] + [1.0] * (len(text) - 1)


@measure.per_document
def quotes_the_text(text):
    raise ValueError("bad text: " + text)


@measure
def words(text):
    return text


@measure
def untyped(text, *, limit=3):
    return pc.utf8_length(text)


@measure
def nothing():
    return 1


def unmarked(text):
    return 1
'''

Make = Callable[..., UserFilter]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    (tmp_path / "my_filters_for_tests.py").write_text(textwrap.dedent(MODULE))
    monkeypatch.syspath_prepend(str(tmp_path))

    def made(name: str, **options: Any) -> UserFilter:
        use = f"my_filters_for_tests:{name}"
        return UserFilter.from_object(use, find_user_object(use, "test", tmp_path), options)

    yield made
    sys.modules.pop("my_filters_for_tests", None)


def batch_of(*texts: str) -> pa.RecordBatch:
    return pa.record_batch(
        {
            "doc_id": pa.array(range(7, 7 + len(texts)), pa.uint64()),
            "text": pa.array(texts, pa.large_string()),
            "url": pa.array(["http://a"] * len(texts)),
        }
    )


def numbers(stage: UserFilter, *texts: str) -> list[float]:
    found: list[float] = stage.open()(batch_of(*texts)).columns[-1].to_pylist()
    return found


def test_over_columns(make: Make) -> None:
    stage = make("digit_share")
    assert stage.reads == ("text",) and stage.name == "digit_share" and not stage.rewrites
    assert numbers(stage, "", "a1b2", "٣") == [0.0, 0.5, 0.0]
    assert numbers(make("longer"), "short", "longer than that") == [0.0, 1.0]
    assert numbers(stage) == []


def test_per_document_with_keys_of_the_config(make: Make) -> None:
    assert numbers(make("letters"), "eel", "") == [2.0, 0.0]
    assert numbers(make("letters", letter="l", weight=0.5), "eel") == [0.5]


def test_the_marked_function_is_still_a_function(make: Make) -> None:
    make("letters")
    module = sys.modules["my_filters_for_tests"]
    assert module.letters("eel", letter="l") == 1
    assert module.digit_share.description.startswith("Share of characters")
    assert pickle.loads(pickle.dumps(module.digit_share)) is module.digit_share


def test_bounds_from_min_and_max(make: Make) -> None:
    limits, options = UserFilter.parse_bounds({"max": 0.2, "letter": "x"})
    assert options == {"letter": "x"}
    stage = make("digit_share")
    assert stage.bounds(limits) == (Bound(measure="digit_share", max=0.2),)
    assert stage.bounds({"digit_share": {"min": 0.1}}) == (Bound(measure="digit_share", min=0.1),)
    assert stage.bounds({}) == ()
    with pytest.raises(ConfigError, match="no measure 'digits'"):
        stage.bounds({"digits": {"min": 0.1}})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("letters", {"leter": "x"}, "unknown key 'leter'. Did you mean 'letter'"),
        ("letters", {"letter": 3}, "letter must be a string"),
        ("untyped", {}, "'limit' has no type"),
        ("nothing", {}, "reads no column"),
        ("unmarked", {}, "not a function marked @winnow.measure"),
    ],
)
def test_what_a_config_can_get_wrong(
    make: Make, name: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make(name, **options)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("too_few", "returned 1 numbers for 2 documents"),
        ("not_a_number", "from doc_id 7: returned no number .* for 1 documents"),
        ("quotes_the_text", r"failed: ValueError at my_filters_for_tests.py:\d+$"),
        ("words", "failed: TypeError"),
    ],
)
def test_a_function_that_fails_is_named_and_no_text_is_quoted(
    make: Make, name: str, message: str
) -> None:
    with pytest.raises(StageError, match=message) as failure:
        numbers(make(name), "a secret", "b")
    assert f"my_filters_for_tests:{name}" in failure.value.message
    assert "secret" not in str(failure.value)
    assert failure.value.stage == f"my_filters_for_tests:{name}"


def test_a_missing_column_is_found_at_plan_time(make: Make) -> None:
    with pytest.raises(PlanError, match="reads column 'url'"):
        make("longer").output_schema(pa.schema({"text": pa.large_string()}))


def test_the_fingerprint_holds_the_module_and_not_its_folder(make: Make, tmp_path: Path) -> None:
    stage = make("letters", letter="x")
    described = canonical(stage)
    assert described["options"] == [["letter", "x"], ["weight", 1.0]]
    assert str(tmp_path) not in str(described)
    copy = pickle.loads(pickle.dumps(stage))
    assert copy == stage and canonical(copy) == described
    path = tmp_path / "my_filters_for_tests.py"
    path.write_text(path.read_text() + "\n# edited\n")
    assert canonical(make("letters", letter="x"))["module_sha256"] != described["module_sha256"]
    with pytest.raises(StageError, match="not the file that the plan was made with"):
        stage.open()


def test_another_process_finds_the_module_by_its_folder(make: Make, tmp_path: Path) -> None:
    pickled = tmp_path / "stage.pickle"
    pickled.write_bytes(pickle.dumps(make("digit_share")))
    program = (
        "import pickle, sys, pyarrow as pa\n"
        "stage = pickle.loads(open(sys.argv[1], 'rb').read())\n"
        "batch = pa.record_batch({'text': pa.array(['a1'])})\n"
        "print(stage.open()(batch).column('digit_share')[0])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(pickled)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert run.stdout.strip() == "0.5"
