"""A stage, tried on documents: what the laws look at, and how they find a short text to show."""

from __future__ import annotations

import io
import math
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from winnow.errors import WinnowError
from winnow.pipeline.stage import BatchFunction

_SHORTEN_CHARS = 4_000_000
"""How many characters a stage may read while a text is being shortened."""


@dataclass(frozen=True)
class Violation:
    """What breaks a law, in a sentence, and the text of a document that shows it."""

    what: str
    text: str | None = None


class Trial:
    """``stage`` on ``batch``. Each try gets arrays of its own, so that a stage which writes into
    its input breaks one law and not all."""

    def __init__(self, stage: Any, batch: pa.RecordBatch) -> None:
        self.stage = stage
        self.schema: pa.Schema = batch.schema
        self._batch = batch

    def batch(self, rows: Sequence[int] | None = None) -> pa.RecordBatch:
        """Copies of ``rows`` (all), in their order."""
        chosen = range(self._batch.num_rows) if rows is None else rows
        return self._batch.take(pa.array(chosen, pa.int64()))

    def text(self, row: int) -> str:
        """The text of ``row``; of a record, its payload as far as it is UTF-8."""
        if "text" in self.schema.names:
            return str(self._batch.column("text")[row].as_py())
        return bytes(self._batch.column("payload")[row].as_py()).decode("utf-8", "replace")

    def shortest(self, rows: Sequence[int]) -> int:
        """The row of ``rows`` with the shortest text."""
        return min(rows, key=lambda row: len(self.text(row)))

    @cached_property
    def alone(self) -> list[pa.RecordBatch | Exception]:
        """What the stage makes of each document by itself."""
        function = self.stage.open()
        batch = self.batch()
        return [_attempt(function, batch.slice(row, 1)) for row in range(batch.num_rows)]

    def alone_result(self, row: int) -> pa.RecordBatch:
        """Of one of the :attr:`sound` rows."""
        result = self.alone[row]
        assert not isinstance(result, Exception)
        return result

    @cached_property
    def sound(self) -> list[int]:
        """The rows that the stage can take: other laws are checked on these."""
        return [row for row, found in enumerate(self.alone) if not isinstance(found, Exception)]

    @cached_property
    def whole(self) -> pa.RecordBatch:
        """What a freshly opened stage makes of all :attr:`sound` rows together."""
        return self.stage.open()(self.batch(self.sound))

    def shorten(self, row: int, shows: Callable[[pa.RecordBatch | Exception], bool]) -> str:
        """A short piece of the text of ``row`` for whose result ``shows`` still holds: halves,
        then ever smaller pieces, are cut out as long as it does."""
        text = self.text(row)
        if "text" not in self.schema.names:
            return text
        function = self.stage.open()
        place = self.schema.get_field_index("text")
        field = self.schema.field(place)
        budget = _SHORTEN_CHARS

        def still(candidate: str) -> bool:
            nonlocal budget
            budget -= len(candidate) + 1000
            one = self.batch([row]).set_column(place, field, pa.array([candidate], field.type))
            return shows(_attempt(function, one))

        size = (len(text) + 1) // 2
        while size and budget > 0:
            start = 0
            while start < len(text) and budget > 0:
                candidate = text[:start] + text[start + size :]
                if still(candidate):
                    text = candidate
                else:
                    start += size
            size //= 2
        return text


def _attempt(function: BatchFunction, batch: pa.RecordBatch) -> pa.RecordBatch | Exception:
    try:
        return function(batch)
    except Exception as error:
        return error


def image(batch: pa.RecordBatch) -> bytes:
    """The batch as bytes: equal for equal buffers."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def join(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    """One batch of all rows."""
    joined = pa.Table.from_batches(batches, schema).combine_chunks().to_batches()
    return joined[0] if joined else pa.RecordBatch.from_pylist([], schema)


def differing_rows(first: pa.RecordBatch, second: pa.RecordBatch) -> list[int]:
    """Rows in which two batches of one shape differ; NaN equals NaN here."""
    rows: set[int] = set()
    for left, right in zip(first.columns, second.columns, strict=True):
        if not left.equals(right):
            pairs = zip(left.to_pylist(), right.to_pylist(), strict=True)
            rows |= {row for row, pair in enumerate(pairs) if not same(*pair)}
    return sorted(rows)


def same(left: Any, right: Any) -> bool:
    """Whether two values are one, type and all; NaN is NaN."""
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    return type(left) is type(right) and bool(left == right)


def shown(error: BaseException) -> str:
    """An exception for the eyes of who wrote the stage: its own words, and their line."""
    cause = error.__cause__ if isinstance(error, WinnowError) and error.__cause__ else error
    if isinstance(cause, WinnowError):
        place, colon, what = cause.message.partition(": ")
        return what if colon and place.startswith("stage '") else cause.message
    frames = traceback.extract_tb(cause.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    last = (own or list(frames))[-1] if frames else None
    place = f" at {last.filename.rpartition('/')[2]}:{last.lineno}" if last else ""
    words = str(cause)
    return (
        f"{type(cause).__name__}: {words[:200]}{place}" if words else type(cause).__name__ + place
    )
