"""The few protocols that everything in a plan satisfies.

============  =====================================================================
Source        paths → splits; a split → batches of records
Stage         batch → batch: the same rows in the same order, with columns added
Filter        a Stage whose new columns are measures, and the bounds they come with
Composite     one block of a config that expands into several steps at plan time
============  =====================================================================

Each is a frozen dataclass that *describes*: hashable, picklable, compared by value. ``open()``
runs once a worker process and returns the function that works. Nothing in a description holds
a file, a model or a connection.

A stage never drops a row. It says what it found in columns, and a bound turns that into a verdict;
so every store stays aligned, row for row, with the documents that it speaks of. Laws that
``tests/contract`` checks for every registered stage: output schema as declared; an empty batch is
legal; order and rows kept; input not modified; ``f(a ++ b) == f(a) ++ f(b)``; same input, same
bytes; the pickled copy has the same fingerprint; finite and total on any text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from winnow.store.receipts import PROBLEM_LIMIT

if TYPE_CHECKING:
    from winnow.pipeline.bounds import Bound
    from winnow.pipeline.step import Draft, PlanContext

BatchFunction = Callable[[pa.RecordBatch], pa.RecordBatch]


@dataclass
class Tally:
    """What a task counts while it works; it ends in the shard's receipt."""

    counters: dict[str, int] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)

    def count(self, name: str, number: int = 1) -> None:
        """Add ``number`` to the counter ``name``; zero makes the counter appear."""
        self.counters[name] = self.counters.get(name, 0) + number

    def problem(self, kind: str, where: str, what: str) -> None:
        """Count and name a piece of input that was skipped: never the text of a document."""
        self.count(f"problems.{kind}")
        if len(self.problems) < PROBLEM_LIMIT:
            self.problems.append({"kind": kind, "where": where, "what": what})


@dataclass(frozen=True)
class Split:
    """A byte range of one input file: the unit of work at the source, and one shard.

    Records whose first byte lies in ``start <= position < end`` belong to the split; the last of
    them may be read past ``end``.
    """

    index: int
    path: str
    """Where to open it."""
    start: int
    end: int
    size: int
    """Bytes of the whole file, as found when the plan was made."""
    name: str = ""
    """What `warc_file` and the fingerprint call the file: as the config writes it, so that no
    path of one machine gets into a store. The path where empty."""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.path)


class Source(Protocol):
    """Where documents come from. The only family in which one input becomes many rows."""

    @property
    def use(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def requires(self) -> tuple[str, ...]: ...

    def splits(self) -> tuple[Split, ...]:
        """The splits, in an order that depends on the config alone.

        :class:`PlanError` where a path does not exist (naming the nearest that does).
        """
        ...

    def output_schema(self) -> pa.Schema: ...

    def open(self) -> Callable[[Split, Tally], Iterator[pa.RecordBatch]]: ...


class Stage(Protocol):
    """Batch to batch: the same rows in the same order, with columns added (or taken away)."""

    @property
    def use(self) -> str:
        """The name in a config."""
        ...

    @property
    def version(self) -> int:
        """Part of the fingerprint: raise it when the same input gives another output."""
        ...

    @property
    def requires(self) -> tuple[str, ...]:
        """Modules of optional packages that ``open()`` will import."""
        ...

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns it needs."""
        ...

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        """The columns after it; :class:`PlanError` if one that it reads is absent. No data."""
        ...

    def open(self) -> BatchFunction: ...


class Filter(Stage, Protocol):
    """A stage whose columns are measures. Its own config never holds a bound: those are parsed
    apart, so that changing one does not change what was measured."""

    def measure_fields(self) -> tuple[pa.Field, ...]:
        """The measure columns it adds, in order. Numbers (float64, int64, bool) or labels
        (string). Null means that the measure says nothing of this document; it passes."""
        ...

    @classmethod
    def parse_bounds(cls, table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Split a config table into (what concerns bounds, the stage's own fields)."""
        ...

    def bounds(self, table: dict[str, Any]) -> tuple[Bound, ...]:
        """The bounds in the order in which they are tested, defaults overridden by ``table``."""
        ...


class Composite(Protocol):
    """One block of a config that becomes several steps, so that a number is written once."""

    @property
    def use(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def requires(self) -> tuple[str, ...]: ...

    def expand(self, context: PlanContext) -> list[Draft]: ...
