"""A source and stages small enough to reason about, importable by worker processes.

``crash_doc_id`` lets a test kill its own worker in the middle of a chosen shard: once, where a flag
file can say that it has happened; again and again without one.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from winnow.errors import StageError
from winnow.pipeline.bounds import Bound, override
from winnow.pipeline.config import ExecutorConfig, RecipeEntry, RunConfig, StageEntry
from winnow.pipeline.stage import BatchFunction, Split, Tally
from winnow.schema import DOCUMENTS, RECORDS, ROW_BITS, TEXT_FIELDS


@dataclass(frozen=True, kw_only=True)
class ToySource:
    """``rows`` records in each of ``shards`` splits."""

    shards: int = 5
    rows: int = 300
    batch_rows: int = 64
    use: ClassVar[str] = "toy"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ()
    outside_fingerprint = ("batch_rows",)

    def splits(self) -> tuple[Split, ...]:
        return tuple(Split(i, f"toy-{i}.warc", 0, 100, 100) for i in range(self.shards))

    def output_schema(self) -> pa.Schema:
        return RECORDS

    def open(self) -> Callable[[Split, Tally], Iterator[pa.RecordBatch]]:
        def read(split: Split, tally: Tally) -> Iterator[pa.RecordBatch]:
            for start in range(0, self.rows, self.batch_rows):
                numbers = range(start, min(start + self.batch_rows, self.rows))
                tally.count("records", len(numbers))
                yield pa.RecordBatch.from_pylist(
                    [_record(split.index, row) for row in numbers], RECORDS
                )

        return read


def _record(shard: int, row: int) -> dict[str, Any]:
    return {
        "doc_id": shard << ROW_BITS | row,
        "url": f"https://site-{row % 7}.example/{shard}/{row}",
        "domain": f"site-{row % 7}.example",
        "crawl_date": None,
        "source": "toy",
        "record_id": f"{shard}-{row}",
        "warc_file": f"toy-{shard}.warc",
        "warc_offset": row,
        "warc_length": 1,
        "content_type": "text/html",
        "payload": f"page {row} " * (row % 11),
    }


@dataclass(frozen=True, kw_only=True)
class ToyExtract:
    """The payload as text; rows with an empty one have a problem."""

    crash_doc_id: int = -1
    crash_flag: str = ""
    fail_doc_id: int = -1
    seconds_per_batch: float = 0.0
    use: ClassVar[str] = "toy_extract"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ("payload",)
    # what goes wrong while it runs does not change what it makes
    outside_fingerprint = ("crash_doc_id", "crash_flag", "fail_doc_id", "seconds_per_batch")

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        return DOCUMENTS

    def open(self) -> BatchFunction:
        def extract(batch: pa.RecordBatch) -> pa.RecordBatch:
            ids = batch.column("doc_id").to_pylist()
            if self.crash_doc_id in ids and not (
                self.crash_flag and Path(self.crash_flag).exists()
            ):
                if self.crash_flag:
                    Path(self.crash_flag).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if self.fail_doc_id in ids:
                raise StageError("this page cannot be read", stage=self.use)
            time.sleep(self.seconds_per_batch)
            texts = [payload.decode() for payload in batch.column("payload").to_pylist()]
            columns = {
                "title": pa.nulls(len(texts), pa.string()),
                "text": pa.array(texts, pa.large_string()),
                "text_bytes": pa.array([len(text.encode()) for text in texts], pa.int64()),
                "charset": pa.array(["utf-8"] * len(texts)),
                "charset_why": pa.array(["http"] * len(texts)),
                "extractor": pa.array(["toy"] * len(texts)),
                "extract_problem": pa.array([None if t else "no_text" for t in texts], pa.string()),
            }
            kept = batch.drop_columns(["content_type", "payload"])
            added = [columns[field.name] for field in TEXT_FIELDS]
            return pa.record_batch([*kept.columns, *added], schema=DOCUMENTS)

        return extract


@dataclass(frozen=True, kw_only=True)
class ToyLength:
    """One measure: characters of the text."""

    measure: str = "text_chars"
    use: ClassVar[str] = "toy_length"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ("text",)

    def measure_fields(self) -> tuple[pa.Field, ...]:
        return (pa.field(self.measure, pa.float64()),)

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        return schema.append(self.measure_fields()[0])

    @classmethod
    def parse_bounds(cls, table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        return table, {}

    def bounds(self, table: dict[str, Any]) -> tuple[Bound, ...]:
        return override((Bound(measure=self.measure, min=20),), table, self.use, (self.measure,))

    def open(self) -> BatchFunction:
        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            chars = [float(len(text)) for text in batch.column("text").to_pylist()]
            return batch.append_column(self.measure_fields()[0], pa.array(chars, pa.float64()))

        return measure


@dataclass(frozen=True, kw_only=True)
class ToyCut:
    """Rewrites: texts of more than ``chars`` characters lose what is beyond. Measures the rest."""

    chars: int = 30
    use: ClassVar[str] = "toy_cut"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ("text",)
    rewrites: ClassVar[bool] = True

    def measure_fields(self) -> tuple[pa.Field, ...]:
        return (pa.field(f"beyond_{self.chars}_chars", pa.int64()),)

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        return schema.append(self.measure_fields()[0])

    @classmethod
    def parse_bounds(cls, table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        return table, {}

    def bounds(self, table: dict[str, Any]) -> tuple[Bound, ...]:
        return override((), table, self.use, (self.measure_fields()[0].name,))

    def open(self) -> BatchFunction:
        def cut(batch: pa.RecordBatch) -> pa.RecordBatch:
            texts = batch.column("text").to_pylist()
            beyond = [max(0, len(text) - self.chars) for text in texts]
            place = batch.schema.get_field_index("text")
            short = pa.array([text[: self.chars] for text in texts], pa.large_string())
            batch = batch.set_column(place, batch.schema.field(place), short)
            return batch.append_column(self.measure_fields()[0], pa.array(beyond, pa.int64()))

        return cut


def filter_entry(name: str, stage: Any, bound: dict[str, Any] | None = None) -> StageEntry:
    """``stage`` in a config, with ``bound`` on its measure."""
    limits = {} if bound is None else {stage.measure_fields()[0].name: bound}
    return StageEntry(name, stage, "filter", stage.bounds(limits))


def toy_config(
    output: Path,
    *,
    source: ToySource | None = None,
    extract: ToyExtract | None = None,
    bound: dict[str, Any] | None = None,
    measure: Any = "all",
    name: str = "toy",
    executor: ExecutorConfig | None = None,
    filters: tuple[StageEntry, ...] | None = None,
    compare: tuple[RecipeEntry, ...] = (),
) -> RunConfig:
    """source → extract → length, as a config file would give it."""
    if filters is None:
        filters = (filter_entry("length", ToyLength(), bound),)
    return RunConfig(
        name=name,
        output=str(output),
        seed=0,
        measure=measure,
        compare=compare,
        source=source or ToySource(),
        stages=(StageEntry("extract", extract or ToyExtract(), "stage"), *filters),
        executor=executor or ExecutorConfig(workers=1),
        table={"name": name, "bound": bound},
        path=None,
    )


def tree(output: Path) -> dict[str, str]:
    """sha256 of every file that a run leaves, by name."""
    return {
        str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }
