"""The laws of winnow/pipeline/stage.py, for every registered stage and filter and one of a user's.

A new stage needs an entry in ``EXAMPLES``: the test named ``test_every_registered_stage_has_an_
example`` fails until it has one.
"""

from __future__ import annotations

import io
import itertools
import pickle
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from winnow.filters.measure import UserFilter
from winnow.filters.quality_training import train_quality_model
from winnow.pipeline import registry
from winnow.pipeline.bounds import judge
from winnow.pipeline.fingerprint import canonical, digest
from winnow.schema import DOCUMENTS, RECORDS

AWKWARD = [
    "",
    " ",
    " \t\n\u3000 ",
    "a",
    "\n",
    "\r\n",
    "\x00",
    "nul \x00 inside\x00",
    "\u0301",
    "\u0301\u0300\u20dd",
    "e\u0301 e\u0301\u0301\u0301",
    "مرحبا بالعالم \u202eevil\u202c שלום",
    "😀👩‍👩‍👧‍👦🏳️‍🌈 ☺️",
    "\\ud800 \\udfff \ufffd\ufffe\uffff \ud7ff\ue000 \U0010ffff",
    "one\r\ntwo\r\nthree\r",
    "one\u2028two\u2029three\x85four\x0bfive\x0csix\x1cseven",
    "日本語のテキスト。空白なし。" * 20,
    "- a\n• b\n- c…\n#...#\n",
    "the same line\n" * 30,
    "the same paragraph\n\n" * 30,
    "IS_ALPHA NOUN ORTH __label__en __label__hq",
    "It was the best of times, it was the worst of times, it was the age of wisdom. " * 9,
    "Es war einmal ein König, der hatte drei Töchter, und die jüngste war die schönste. " * 7,
    "http://user:pass@example.org:8080/a?b=c#d 10.0.0.1 a@b.c 3.14 -1e9 1,000",
    "x" * 1_000_000,
    "(.…!'\"" * 30_000,
    "a:b@c." * 30_000,
]

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


def extract(folder: Path) -> Any:
    if find_spec("winnow.extract.stage") is None:
        pytest.skip("winnow.extract.stage is not there")
    return registry.load(registry.STAGES["extract"])()


def url(folder: Path) -> Any:
    blocked = folder / "blocked.txt"
    blocked.write_text("host7.org\n")
    return registry.load(registry.FILTERS["url"])(
        domains=("host3.org",), lists=(str(blocked),), words=("path5",)
    )


def quality(folder: Path) -> Any:
    good, bad, model = folder / "good.txt", folder / "bad.txt", folder / "model.bin"
    if not model.exists():
        good.write_text("\n".join(f"it was the best of times {n}" for n in range(30)))
        bad.write_text("\n".join(f"x y z http click {n}" for n in range(30)))
        train_quality_model(positive=[str(good)], negative=[str(bad)], output=str(model), dim=4)
    return registry.load(registry.FILTERS["quality"])(model=str(model))


def user(name: str, **options: Any) -> Callable[[Path], Any]:
    def make(folder: Path) -> Any:
        module = "filters_of_the_contract"
        (folder / f"{module}.py").write_text(USER_MODULE)
        use = f"{module}:{name}"
        found = registry.find_user_object(use, "contract", folder)
        return UserFilter.from_object(use, found, options)

    return make


EXAMPLES: dict[str, tuple[Callable[[Path], Any], ...]] = {
    "extract": (extract,),
    "url": (url, lambda _: registry.load(registry.FILTERS["url"])()),
    "language": (
        lambda _: registry.load(registry.FILTERS["language"])(),
        lambda _: registry.load(registry.FILTERS["language"])(chars=0),
    ),
    "gopher_quality": (
        lambda _: registry.load(registry.FILTERS["gopher_quality"])(),
        lambda _: registry.load(registry.FILTERS["gopher_quality"])(language="de"),
    ),
    "gopher_repetition": (
        lambda _: registry.load(registry.FILTERS["gopher_repetition"])(),
        lambda _: registry.load(registry.FILTERS["gopher_repetition"])(language="ja"),
    ),
    "quality": (quality,),
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


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def stage(request: pytest.FixtureRequest, folder: Path) -> Any:
    use, number = request.param
    return EXAMPLES[use][number](folder)


@pytest.fixture
def batch(stage: Any) -> pa.RecordBatch:
    if "payload" in stage.reads:
        return records()
    measures = stage.measure_fields() if hasattr(stage, "measure_fields") else ()
    return documents(with_language="language" not in [field.name for field in measures])


def row(number: int) -> dict[str, Any]:
    return {
        "doc_id": number,
        "url": f"http://www.host{number}.org/path{number}",
        "domain": f"www.host{number}.org" if number else "",
        "crawl_date": datetime(2024, 5, 1, tzinfo=UTC) if number % 2 else None,
        "source": "test",
        "record_id": f"urn:uuid:{number}",
        "warc_file": "test.warc.gz",
        "warc_offset": number,
        "warc_length": 10,
    }


def documents(with_language: bool) -> pa.RecordBatch:
    rows = [
        {**row(number), "text": text, "extractor": "test"} for number, text in enumerate(AWKWARD)
    ]
    batch = pa.RecordBatch.from_pylist(rows, DOCUMENTS)
    if not with_language:
        return batch
    languages = pa.array([("en", None, "de", "zh", "und")[n % 5] for n in range(len(rows))])
    return batch.append_column(pa.field("language", pa.string()), languages)


def records() -> pa.RecordBatch:
    rows = []
    for number, text in enumerate(AWKWARD):
        page = f"<html><title>{text[:9]}</title><body><p>{text}</p>"
        payload = (page if number % 2 else text).encode("utf-8", "surrogatepass")
        rows.append(
            {
                **row(number),
                "content_type": ("text/html", None, "text/html; charset=latin-1")[number % 3],
                "payload": payload[1:] if number % 5 == 0 else payload,  # may cut a character
            }
        )
    return pa.RecordBatch.from_pylist(rows, RECORDS)


def image(batch: pa.RecordBatch) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def buffers(batch: pa.RecordBatch) -> list[bytes | None]:
    return [
        None if buffer is None else buffer.to_pybytes()
        for column in batch.columns
        for buffer in column.buffers()
    ]


def joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    (whole,) = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return whole


def test_the_schema_is_as_declared(stage: Any, batch: pa.RecordBatch) -> None:
    result = stage.open()(batch)
    assert result.schema.equals(stage.output_schema(batch.schema), check_metadata=True)
    result.validate(full=True)


def test_an_empty_batch_is_legal(stage: Any, batch: pa.RecordBatch) -> None:
    function = stage.open()
    for empty in (batch.slice(3, 0), pa.RecordBatch.from_pylist([], batch.schema)):
        result = function(empty)
        assert result.num_rows == 0
        assert result.schema == stage.output_schema(batch.schema)


def test_rows_and_order_are_kept(stage: Any, batch: pa.RecordBatch) -> None:
    result = stage.open()(batch)
    assert result.num_rows == batch.num_rows
    for name in set(batch.schema.names) & set(result.schema.names):
        assert result.column(name).equals(batch.column(name)), name


def test_the_input_is_not_modified(stage: Any, batch: pa.RecordBatch) -> None:
    before, held = buffers(batch), image(batch)
    stage.open()(batch)
    assert buffers(batch) == before
    assert image(batch) == held


def test_batch_size_cannot_show(stage: Any, batch: pa.RecordBatch) -> None:
    function = stage.open()
    whole = function(batch)
    choice = random.Random(5)
    for _ in range(3):
        cuts = sorted(choice.sample(range(batch.num_rows + 1), 4))
        ends = [0, *cuts, batch.num_rows]
        parts = [function(batch.slice(low, high - low)) for low, high in itertools.pairwise(ends)]
        assert joined(parts).equals(joined([whole]))


def test_the_same_input_gives_the_same_bytes_whatever_came_before(
    stage: Any, batch: pa.RecordBatch
) -> None:
    function = stage.open()
    first = image(function(batch))
    function(batch.slice(5))
    function(pa.RecordBatch.from_pylist(batch.to_pylist()[::-1], batch.schema))
    assert image(function(batch)) == first
    assert image(stage.open()(batch)) == first


def test_the_order_of_rows_does_not_matter_to_any(stage: Any, batch: pa.RecordBatch) -> None:
    function = stage.open()
    order = list(range(batch.num_rows))
    random.Random(3).shuffle(order)
    turned = function(batch.take(pa.array(order)))
    assert joined([turned]).equals(joined([function(batch).take(pa.array(order))]))


def test_a_pickled_copy_is_equal_and_does_the_same(stage: Any, batch: pa.RecordBatch) -> None:
    copy = pickle.loads(pickle.dumps(stage))
    assert copy == stage and hash(copy) == hash(stage)
    assert digest(canonical(copy)) == digest(canonical(stage))
    assert copy.output_schema(batch.schema) == stage.output_schema(batch.schema)
    some = batch.slice(0, 12)
    assert image(copy.open()(some)) == image(stage.open()(some))


def test_numbers_are_finite(stage: Any, batch: pa.RecordBatch) -> None:
    result = stage.open()(batch)
    for column in result.columns:
        if pa.types.is_floating(column.type):
            assert np.isfinite(column.drop_null().to_numpy(zero_copy_only=False)).all()


def test_what_it_reads_and_needs_is_declared(stage: Any, batch: pa.RecordBatch) -> None:
    required = [name for name in stage.reads if name != "language"]
    assert set(required) <= set(batch.schema.names)
    assert all(find_spec(module) is not None for module in stage.requires)
    assert isinstance(stage.version, int) and isinstance(stage.use, str)


def test_only_declared_columns_are_read(stage: Any, batch: pa.RecordBatch) -> None:
    some = batch.slice(0, 12)
    if not hasattr(stage, "measure_fields"):
        pytest.skip("a stage that makes documents passes every column on")
    names = [name for name in batch.schema.names if name in stage.reads]
    narrow = stage.open()(some.select(names))
    wide = stage.open()(some)
    for field in stage.measure_fields():
        assert narrow.column(field.name).equals(wide.column(field.name))


def test_measures_are_numbers_or_labels_and_bounds_can_judge_them(
    stage: Any, batch: pa.RecordBatch
) -> None:
    if not hasattr(stage, "measure_fields"):
        pytest.skip("not a filter")
    result = stage.open()(batch)
    for field in stage.measure_fields():
        kind = result.schema.field(field.name).type
        assert kind in (pa.float64(), pa.int64(), pa.bool_(), pa.string())
        assert field.name not in batch.schema.names
    verdicts = judge(result, stage.bounds({}))[0]
    assert len(verdicts) == batch.num_rows and verdicts.null_count == 0
