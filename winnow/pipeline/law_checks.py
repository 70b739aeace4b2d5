"""How each law of :mod:`winnow.pipeline.laws` is checked: a function from a trial to violations.

Where one document shows what is wrong it is the one with the shortest text, and where a single
text does, what is left of it after everything that does not matter has been cut out.
"""

from __future__ import annotations

import itertools
import pickle
import random
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pyarrow as pa

from winnow.pipeline.bounds import judge
from winnow.pipeline.fingerprint import canonical, digest
from winnow.pipeline.trial import Trial, Violation, differing_rows, image, join, same, shown

MEASURE_TYPES = (pa.float64(), pa.int64(), pa.bool_(), pa.string())

RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("_share", "_prob"), (0.0, 1.0)),
    **dict.fromkeys(
        ("_count", "_chars", "_bytes", "_words", "_tokens", "_seconds"), (0.0, float("inf"))
    ),
}
"""What the end of a measure's name promises, where its filter declares no range."""


def check_declared(trial: Trial) -> Iterator[Violation]:
    stage = trial.stage
    if not isinstance(stage.version, int) or not isinstance(stage.use, str):
        yield Violation("`use` must be a string and `version` a whole number")
    for module in stage.requires:
        if find_spec(module.partition(".")[0]) is None:
            yield Violation(f"the package '{module}' that it requires is not installed")


def check_copied(trial: Trial) -> Iterator[Violation]:
    stage = trial.stage
    copy = pickle.loads(pickle.dumps(stage))
    if copy != stage or hash(copy) != hash(stage):
        yield Violation("its pickled copy is not equal to it")
        return
    if digest(canonical(copy)) != digest(canonical(stage)):
        yield Violation("its pickled copy has another fingerprint")
    few = trial.sound[:12]
    if image(copy.open()(trial.batch(few))) != image(stage.open()(trial.batch(few))):
        yield Violation("its pickled copy gives other bytes")


def check_total(trial: Trial) -> Iterator[Violation]:
    failures: dict[str, list[int]] = {}
    for row, result in enumerate(trial.alone):
        if isinstance(result, Exception):
            failures.setdefault(shown(result), []).append(row)
    for what, rows in itertools.islice(failures.items(), 3):
        text = trial.shorten(trial.shortest(rows), lambda result: isinstance(result, Exception))
        yield Violation(f"It failed on {_documents(len(rows))}: {what}", text)


def check_schema(trial: Trial) -> Iterator[Violation]:
    declared = trial.stage.output_schema(trial.schema)
    found = trial.whole.schema
    if not found.equals(declared, check_metadata=True):
        yield Violation(f"It declares {_names(declared)} and gives {_names(found)}")
    trial.whole.validate(full=True)


def check_empty(trial: Trial) -> Iterator[Violation]:
    function = trial.stage.open()
    declared = trial.stage.output_schema(trial.schema)
    for empty in (trial.batch().slice(0, 0), pa.RecordBatch.from_pylist([], trial.schema)):
        result = function(empty)
        if result.num_rows or result.schema != declared:
            yield Violation(
                f"A batch of no documents gave {result.num_rows} rows of {_names(result.schema)}"
            )
            return


def check_rows(trial: Trial) -> Iterator[Violation]:
    before, after = trial.batch(trial.sound), trial.whole
    if after.num_rows != before.num_rows:
        yield Violation(f"{before.num_rows} documents went in and {after.num_rows} came out")
        return
    rewrites = getattr(trial.stage, "rewrites", False)
    for name in before.schema.names:
        if name not in after.schema.names or (rewrites and name == "text"):
            continue
        rows = differing_rows(before.select([name]), after.select([name]))
        if rows:
            yield Violation(
                f"It changed the column '{name}' of {_documents(len(rows))}",
                trial.text(trial.sound[rows[0]]),
            )
    if rewrites and after.column("text").null_count:
        yield Violation("It rewrote a text to null; a document without text is an empty string")


def check_input(trial: Trial) -> Iterator[Violation]:
    function = trial.stage.open()
    batch = trial.batch(trial.sound)
    held = image(batch)
    function(batch)
    if image(batch) == held:
        return
    for row in sorted(trial.sound, key=lambda row: len(trial.text(row))):
        one = trial.batch([row])
        held = image(one)
        function(one)
        if image(one) != held:
            yield Violation("It wrote into the arrays that it was given", trial.text(row))
            return
    yield Violation("It wrote into the arrays that it was given")


def check_repeat(trial: Trial) -> Iterator[Violation]:
    function = trial.stage.open()
    first, second = (function(trial.batch(trial.sound)) for _ in range(2))
    yield from _differences(trial, first, second, "called twice on the same documents")
    if differing_rows(first, second) == [] and image(first) != image(second):
        yield Violation("Called twice it gave equal values in other bytes (below nulls, perhaps)")


def check_neighbours(trial: Trial) -> Iterator[Violation]:
    alone = join([trial.alone_result(row) for row in trial.sound], trial.whole.schema)
    yield from _differences(trial, trial.whole, alone, "in one batch, and each alone")
    if differing_rows(trial.whole, alone):
        return
    function = trial.stage.open()
    batch = trial.batch(trial.sound)
    choice = random.Random(5)
    for _ in range(3):
        cuts = sorted(choice.choices(range(batch.num_rows + 1), k=4))
        ends = [0, *cuts, batch.num_rows]
        parts = [function(batch.slice(low, high - low)) for low, high in itertools.pairwise(ends)]
        joined = join(parts, trial.whole.schema)
        yield from _differences(trial, trial.whole, joined, "in one batch, and in smaller ones")


def check_order(trial: Trial) -> Iterator[Violation]:
    order = list(range(len(trial.sound)))
    random.Random(3).shuffle(order)
    places = np.argsort(order)
    turned = trial.stage.open()(trial.batch([trial.sound[place] for place in order]))
    back = turned.take(pa.array(places))
    yield from _differences(trial, trial.whole, back, "in this order, and in another")


def check_history(trial: Trial) -> Iterator[Violation]:
    first = trial.whole
    busy = trial.stage.open()
    busy(trial.batch(trial.sound[::-1]))
    busy(trial.batch(trial.sound[: len(trial.sound) // 2]))
    after = busy(trial.batch(trial.sound))
    yield from _differences(trial, first, after, "fresh, and after other documents")
    fresh = trial.stage.open()(trial.batch(trial.sound))
    yield from _differences(trial, first, fresh, "at first, and opened anew in a used process")


def check_reads(trial: Trial) -> Iterator[Violation]:
    if not hasattr(trial.stage, "measure_fields"):
        return  # a stage that makes documents passes every column on
    names = [name for name in trial.schema.names if name in trial.stage.reads]
    columns = [field.name for field in trial.stage.measure_fields()]
    if getattr(trial.stage, "rewrites", False):
        columns.append("text")
    narrow = trial.stage.open()(trial.batch(trial.sound).select(names))
    yield from _differences(
        trial,
        trial.whole.select(columns),
        narrow.select(columns),
        f"with every column, and with those that it says it reads ({', '.join(names)})",
    )


def check_finite(trial: Trial) -> Iterator[Violation]:
    for name in _number_columns(trial):

        def wrong(result: pa.RecordBatch, name: str = name) -> np.ndarray:
            values = _float64(result.column(name))
            bad: np.ndarray = ~np.isfinite(values) & result.column(name).is_valid().to_numpy(
                zero_copy_only=False
            )
            return bad

        def says(_: int, name: str = name) -> str:
            return f"'{name}' is not a finite number"

        yield from _wrong_values(trial, wrong, says)


def check_range(trial: Trial) -> Iterator[Violation]:
    ranges = _ranges(trial.stage)
    for name in _number_columns(trial):
        low, high = ranges.get(name, (-np.inf, np.inf))

        def wrong(
            result: pa.RecordBatch, name: str = name, low: float = low, high: float = high
        ) -> np.ndarray:
            values = _float64(result.column(name))
            return (values < low) | (values > high)

        def says(row: int, name: str = name, low: float = low, high: float = high) -> str:
            value = trial.whole.column(name)[row].as_py()
            return f"'{name}' is {value:g} where {low:g} to {high:g} is promised"

        yield from _wrong_values(trial, wrong, says)


def _wrong_values(
    trial: Trial, wrong: Callable[[pa.RecordBatch], np.ndarray], says: Callable[[int], str]
) -> Iterator[Violation]:
    """A violation, with a short text, where ``wrong`` says so of any row."""
    places = np.flatnonzero(wrong(trial.whole))
    if not len(places):
        return
    place = min(places, key=lambda place: len(trial.text(trial.sound[place])))
    text = trial.shorten(
        trial.sound[place],
        lambda result: not isinstance(result, Exception) and bool(wrong(result).any()),
    )
    yield Violation(f"{says(int(place))} (in {_documents(len(places))})", text)


def check_measures(trial: Trial) -> Iterator[Violation]:
    if not hasattr(trial.stage, "measure_fields"):
        return
    fields = trial.stage.measure_fields()
    for field in fields:
        if field.type not in MEASURE_TYPES:
            yield Violation(f"'{field.name}' is {field.type}; a measure is a number or a label")
        if field.name in trial.schema.names:
            yield Violation(f"'{field.name}' is the name of a column that documents have")
    verdicts = judge(trial.whole, trial.stage.bounds({}))[0]
    if len(verdicts) != trial.whole.num_rows or verdicts.null_count:
        yield Violation("its bounds give no verdict for some documents")


def _differences(
    trial: Trial, first: pa.RecordBatch, second: pa.RecordBatch, when: str
) -> Iterator[Violation]:
    """The shortest document on which two results that should be equal differ."""
    if first.num_rows != second.num_rows or first.schema != second.schema:
        yield Violation(f"{when[0].upper()}{when[1:]}: not even the rows and columns are the same")
        return
    rows = differing_rows(first, second)
    if not rows:
        return
    place = min(rows, key=lambda place: len(trial.text(trial.sound[place])))
    for name in first.schema.names:
        left, right = (batch.column(name)[place].as_py() for batch in (first, second))
        if not same(left, right):
            was = "" if name == "text" else f" was {_value(left)}, then {_value(right)}:"
            yield Violation(
                f"'{name}'{was or ' is not the same'} {when} ({_documents(len(rows))} differ)",
                trial.text(trial.sound[place]),
            )
            return


def _number_columns(trial: Trial) -> list[str]:
    """The numbers among the columns that the stage adds."""
    return [
        field.name
        for field in trial.whole.schema
        if field.name not in trial.schema.names
        and (pa.types.is_floating(field.type) or pa.types.is_integer(field.type))
    ]


def _float64(column: pa.Array) -> np.ndarray:
    values: np.ndarray = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def _ranges(stage: Any) -> dict[str, tuple[float, float]]:
    fields = stage.measure_fields() if hasattr(stage, "measure_fields") else ()
    promised = {
        field.name: limits
        for field in fields
        for suffix, limits in RANGES.items()
        if field.name.endswith(suffix)
    }
    declared = {
        stage.column(measure.name): measure.range
        for measure in getattr(stage, "measures", ())
        if measure.range is not None
    }
    return {**promised, **declared}


def _value(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def _documents(number: int) -> str:
    return "1 document" if number == 1 else f"{number} documents"


def _names(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in schema)
