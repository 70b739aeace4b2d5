"""Every law can be broken, and what breaks it is told with a text that shows it."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from winnow.cli import main
from winnow.errors import PlanError
from winnow.filters.measure import UserFilter
from winnow.filters.measured import MeasuredFilter, append_measures, count_measure, replace_text
from winnow.pipeline.awkward import batch_for, documents
from winnow.pipeline.laws import LAW, LAWS, try_all
from winnow.pipeline.registry import find_user_object
from winnow.pipeline.trial import Trial, Violation, differing_rows

MODULE = '''
import random

import numpy as np
import pyarrow.compute as pc
from winnow import measure


@measure
def digit_share(text, *, digits: str = "[0-9]"):
    """Share of characters that are digits, in [0, 1]; 0 for an empty text."""
    found = pc.count_substring_regex(text, digits).cast("double")
    return pc.divide(found, pc.max_element_wise(pc.utf8_length(text), 1))


@measure.per_document
def noise(text):
    return random.random()


calls = 0


@measure.per_document
def counter(text):
    global calls
    calls += 1
    return calls


@measure.per_document
def nothing(text):
    return len(text) if text else None


@measure.per_document
def mean_word_chars(text):
    return len(text) / len(text.split())


@measure
def blanked(text):
    data = np.frombuffer(text.buffers()[2], np.uint8)
    data[:] = 32
    return pc.utf8_length(text)


@measure
def rank(text):
    return np.arange(len(text))


@measure
def longest(text):
    chars = pc.utf8_length(text).cast("double")
    return pc.divide(chars, max(pc.max(chars).as_py() or 1, 1))


@measure.per_document
def vowel_share(text):
    return sum(text.count(vowel) for vowel in "aeiou") / 10


@measure.per_document
def no_nul(text):
    if "\\0" in text:
        raise ValueError("cannot take NUL")
    return 0


@measure.per_document
def broken(text):
    return text.length


@measure
def at_least_one(text):
    return [1.0] * max(1, len(text))


@measure
def long_words(word_count):
    return word_count
'''


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "filters_for_laws.py").write_text(MODULE)
    yield tmp_path
    sys.modules.pop("filters_for_laws", None)
    if str(tmp_path) in sys.path:
        sys.path.remove(str(tmp_path))


def user(name: str, folder: Path) -> UserFilter:
    use = f"filters_for_laws:{name}"
    return UserFilter.from_object(use, find_user_object(use, "test", folder), {})


def broken(stage: Any, batch: pa.RecordBatch | None = None) -> dict[str, list[Violation]]:
    """The laws that it breaks."""
    trial = Trial(stage, batch_for(stage) if batch is None else batch)
    return {o.law.name: list(o.violations) for o in try_all(trial) if o.violations}


def test_a_sound_measure_keeps_all_laws(folder: Path) -> None:
    assert broken(user("digit_share", folder)) == {}


@pytest.mark.parametrize(
    ("name", "law", "what", "text"),
    [
        ("noise", "repeat", r"'noise' was 0\.\d+, then 0\.\d+: called twice", ""),
        ("counter", "repeat", "'counter' was 1, then 28: called twice on the same documents", ""),
        ("nothing", "total", "on 1 document: returned no number", ""),
        ("mean_word_chars", "total", r"ZeroDivisionError.* at filters_for_laws.py:\d+", ""),
        ("blanked", "input", "wrote into the arrays", "a"),
        ("rank", "neighbours", "'rank' was 1, then 0: in one batch, and each alone", " "),
        ("longest", "neighbours", "'longest' was 1e-06, then 1", " "),
        ("vowel_share", "range", "where 0 to 1 is promised", "aaaaaaaaaaa"),
        ("no_nul", "total", "ValueError: cannot take NUL", "\0"),
        ("broken", "total", "AttributeError", ""),
        ("at_least_one", "empty", "It failed: returned 1 numbers for 0 documents", None),
    ],
)
def test_what_beginners_do_is_told(
    folder: Path, name: str, law: str, what: str, text: str | None
) -> None:
    found = broken(user(name, folder))
    assert list(found) == [law]
    (violation,) = found[law]
    assert re.search(what, violation.what), violation.what
    if law == "range":
        assert violation.text is not None and len(violation.text) == 11  # shortened to the least
        assert set(violation.text) <= set("aeiou")
    else:
        assert violation.text == text


@dataclass(frozen=True)
class Toy(MeasuredFilter):
    """A filter whose function is what a test wants it to be."""

    what: str = ""

    use: ClassVar[str] = "toy"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ()
    measures: ClassVar = (count_measure("toy_count", "a toy"),)

    def open(self) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
        return TOYS[self.what](self)


@dataclass(frozen=True)
class RewritingToy(Toy):
    rewrites: ClassVar[bool] = True


def zeros(toy: Toy, batch: pa.RecordBatch) -> pa.RecordBatch:
    return append_measures(batch, toy.measure_fields(), [np.zeros(batch.num_rows, np.int64)])


def remembering(toy: Toy) -> Any:
    """Answers by the first document that it ever saw."""
    seen: list[str] = []

    def run(batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch["text"].to_pylist()
        seen.extend(texts[:1] if not seen else [])
        return append_measures(
            batch, toy.measure_fields(), [[len(seen[0]) if seen else 0] * len(texts)]
        )

    return run


process: list[int] = []


def remembering_in_the_process(toy: Toy) -> Any:
    """Answers by how often it was opened, in tens: twice in a row is not enough to see it."""
    process.append(0)
    opened = len(process) // 3

    def run(batch: pa.RecordBatch) -> pa.RecordBatch:
        return append_measures(batch, toy.measure_fields(), [[opened] * batch.num_rows])

    return run


def by_offset(toy: Toy) -> Any:
    """Reads a buffer and forgets that the batch may be a slice."""

    def run(batch: pa.RecordBatch) -> pa.RecordBatch:
        column = batch["doc_id"]
        ids = np.frombuffer(column.buffers()[1], np.uint64)[: len(column)]
        return append_measures(batch, toy.measure_fields(), [ids.astype(np.int64)])

    return run


def upper(batch: pa.RecordBatch) -> pa.RecordBatch:
    return replace_text(batch, pa.array([text.upper() for text in batch["text"].to_pylist()]))


def nulled(batch: pa.RecordBatch) -> pa.RecordBatch:
    place = batch.schema.get_field_index("text")
    text = pa.nulls(batch.num_rows, pa.large_string())
    return batch.set_column(place, batch.schema.field(place), text)


TOYS: dict[str, Callable[[Toy], Any]] = {
    "sound": lambda toy: lambda batch: zeros(toy, batch),
    "no column": lambda toy: lambda batch: batch,
    "other type": lambda toy: (
        lambda batch: batch.append_column(
            pa.field("toy_count", pa.float64()), pa.array(np.zeros(batch.num_rows))
        )
    ),
    "drops": lambda toy: lambda batch: zeros(toy, batch.slice(0, max(0, batch.num_rows - 1))),
    "upper": lambda toy: lambda batch: zeros(toy, upper(batch)),
    "null text": lambda toy: lambda batch: zeros(toy, nulled(batch)),
    "remembers": remembering,
    "process": remembering_in_the_process,
    "offset": by_offset,
    "url": lambda toy: (
        lambda batch: append_measures(
            batch, toy.measure_fields(), [[len(url) for url in batch["url"].to_pylist()]]
        )
    ),
    "url if there": lambda toy: (
        lambda batch: append_measures(
            batch, toy.measure_fields(), [[int("url" in batch.schema.names)] * batch.num_rows]
        )
    ),
    "negative": lambda toy: (
        lambda batch: append_measures(
            batch, toy.measure_fields(), [[-len(text) for text in batch["text"].to_pylist()]]
        )
    ),
}


@pytest.mark.parametrize(
    ("what", "law"),
    [
        ("no column", "schema"),
        ("other type", "schema"),
        ("drops", "rows"),
        ("upper", "rows"),
        ("process", "history"),
        ("offset", "neighbours"),
        ("url", "reads"),
        ("url if there", "reads"),
        ("negative", "range"),
    ],
)
def test_a_stage_that_breaks_a_law(what: str, law: str) -> None:
    process.clear()
    assert law in broken(Toy(what=what)), broken(Toy(what=what))


def test_sound_toys() -> None:
    assert broken(Toy(what="sound")) == {}
    assert broken(RewritingToy(what="upper")) == {}
    assert "null" in broken(RewritingToy(what="null text"))["rows"][0].what


def test_what_it_saw_first_is_told() -> None:
    found = broken(Toy(what="remembers"))
    assert list(found) == ["history"]


@dataclass(frozen=True)
class Infinite(Toy):
    measures: ClassVar = (count_measure("toy_count", "a toy"),)

    def measure_fields(self) -> tuple[pa.Field, ...]:
        return (pa.field("toy_score", pa.float64()),)

    def open(self) -> Any:
        def run(batch: pa.RecordBatch) -> pa.RecordBatch:
            scores = [math.log(len(t)) if t else -math.inf for t in batch["text"].to_pylist()]
            return append_measures(batch, self.measure_fields(), [scores])

        return run


@dataclass(frozen=True)
class Odd(Toy):
    """Says that it needs a package that nobody has, and pickles to something else."""

    requires: ClassVar[tuple[str, ...]] = ("a_package_that_nobody_has",)
    what: str = "sound"

    def __reduce__(self) -> Any:
        return Toy, (), {}

    def measure_fields(self) -> tuple[pa.Field, ...]:
        return (pa.field("title", pa.int64()),)


def test_not_finite() -> None:
    (violation,) = broken(Infinite())["finite"]
    assert violation == Violation("'toy_score' is not a finite number (in 1 document)", "")


def test_odd_declarations() -> None:
    batch = documents(["a", "b"])
    found = broken(Odd(), batch)
    assert "a_package_that_nobody_has" in found["declared"][0].what
    assert "not equal" in found["copy"][0].what
    assert "name of a column" in found["measures"][0].what


def test_every_law_says_what_it_is() -> None:
    assert len(LAW) == len(LAWS)
    for law in LAWS:
        assert law.statement and law.remedy and set(law.needs) <= LAW.keys()
        assert [*LAW].index(law.name) > max([[*LAW].index(n) for n in law.needs], default=-1)


def test_laws_that_need_a_broken_one_are_not_tried(folder: Path) -> None:
    outcomes = {o.law.name: o for o in try_all(Trial(user("noise", folder), documents(["a"])))}
    assert outcomes["neighbours"].because == "repeat" and not outcomes["neighbours"].violations
    nothing = {o.law.name: o for o in try_all(Trial(user("broken", folder), documents(["a"])))}
    assert {o.because for name, o in nothing.items() if name not in ("declared", "total")} == {
        "total"
    }


def test_rows_that_differ() -> None:
    left = pa.record_batch({"a": [1.0, math.nan, 2.0, None]})
    right = pa.record_batch({"a": [1.0, math.nan, 3.0, 0.0]})
    assert differing_rows(left, right) == [2, 3]


def check(*arguments: str) -> int:
    return main(["check", *arguments])


def test_the_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    assert check("filters_for_laws:digit_share", "--set", 'digits="[1-4]"') == 0
    out = capsys.readouterr().out
    assert "all laws are kept" in out and out.count("\nok ") == len(LAWS)
    assert check("filters_for_laws:no_nul") == 1
    out = capsys.readouterr().out
    assert "BROKEN  total" in out and r"on the text '\x00'" in out and "1 law is broken" in out
    assert check("filters_for_laws:noise") == 1
    assert "-       order" in capsys.readouterr().out
    assert check("filters_for_laws:no_nul", "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert [law["law"] for law in report["laws"] if law["result"] == "broken"] == ["total"]
    assert check("url", "--set", 'words=["casino"]') == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["filters_for_laws:digit_share", "--set", "digit=1"], "Did you mean 'digits'"),
        (["filters_for_laws:digit"], "Did you mean 'digit_share'"),
        (["minhash"], "becomes several steps"),
        (["gopher_qality"], "Did you mean 'gopher_quality'"),
        (["filters_for_laws:long_words"], "reads column 'word_count'"),
        (["filters_for_laws:digit_share", "--input", "none.jsonl"], "cannot be read"),
        (["filters_for_laws:digit_share", "--input", "filters_for_laws.py"], "give a .parquet"),
    ],
)
def test_what_cannot_be_checked(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(folder)
    assert check(*arguments) == 2
    assert message in capsys.readouterr().err


def test_documents_of_ones_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    rows = [{"text": "one two", "word_count": 2}, {"text": "nul \0", "word_count": 1}]
    Path("mine.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    pq.write_table(pa.Table.from_pylist(rows), "mine.parquet")
    Path("mine.txt").write_text("aeiou aeiou aeiou\nb\n")
    for file in ("mine.jsonl", "mine.parquet"):
        assert check("filters_for_laws:long_words", "--input", file) == 0
        assert "tried on 2 documents" in capsys.readouterr().out
        assert check("filters_for_laws:digit_share", "--input", file) == 0
        assert "tried on 29 documents" in capsys.readouterr().out
    assert check("filters_for_laws:vowel_share", "--input", "mine.txt") == 1
    assert re.search("on the text '[aeiou ]{11,17}'\n", capsys.readouterr().out)
    Path("bad.jsonl").write_text('{"txt": 1}\n')
    assert check("filters_for_laws:digit_share", "--input", "bad.jsonl") == 2
    assert "no document with a 'text'" in capsys.readouterr().err


def test_a_missing_column_names_the_remedy(folder: Path) -> None:
    with pytest.raises(PlanError, match="'word_count'"):
        user("long_words", folder).output_schema(documents().schema)
