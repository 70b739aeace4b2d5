"""A step: one store to be made, shard by shard, by tasks that know nothing of one another.

Stages are fused into steps, and a composite expands into several. For the executor all steps
are alike: ``shard_count`` tasks, each of which writes and commits one shard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import pyarrow as pa

from winnow.pipeline.stage import Tally
from winnow.pipeline.view import View
from winnow.store.receipts import Receipt
from winnow.store.shards import ShardFormat

StepKind = Literal["documents", "measures", "ledger", "verdicts", "work", "tokens"]
"""What the store is to its readers; ``ledger`` and ``verdicts`` are masks over the documents,
``work`` is of use only to the steps after it."""

MASKS = ("ledger", "verdicts")
"""Kinds whose column ``verdict`` says which documents stay."""

TaskFunction = Callable[[int, Tally], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Inputs:
    """What a step's tasks may read: the documents as they stand, and the steps it names."""

    view: View | None
    stores: dict[str, str]
    """Step name → path of its finished store."""
    seed: int
    folder: str
    """Path of the store that the step writes."""


class Work(Protocol):
    """The frozen description of what a step does; all of it is in the fingerprint."""

    version: ClassVar[int]
    # a work that reads `Inputs.seed` says `uses_seed = True`: the seed is then in its fingerprint

    def open(self, inputs: Inputs) -> TaskFunction:
        """Once a worker process; the function yields the batches of shard ``index`` in order."""
        ...

    def shard_file(self, index: int) -> str | None:
        """The shard's file name; None for the usual ``00017.parquet``."""
        ...

    def receipt_extra(self, index: int, tally: Tally) -> dict[str, Any]:
        """What the manifest says of this shard besides rows, bytes and hash."""
        ...

    def finish(self, inputs: Inputs, receipts: list[Receipt]) -> dict[str, Any]:
        """Once, when every shard is committed: further keys of the manifest.

        A work that writes a file beside the shards lists it under ``files`` with ``file``,
        ``size_bytes`` and ``sha256``, so that it is verified like them.
        """
        ...


class PlainWork:
    """What most works answer to the questions that few ask."""

    def shard_file(self, index: int) -> str | None:
        return None

    def receipt_extra(self, index: int, tally: Tally) -> dict[str, Any]:
        return {}

    def finish(self, inputs: Inputs, receipts: list[Receipt]) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class Cost:
    """What a step is expected to take, from the sizes that a plan knows: an estimate, told by
    `winnow plan` and compared with what came of it by `winnow status --costs`."""

    memory_bytes: int
    """Peak of one task, besides what a worker takes that does nothing (some 300 MB)."""
    read_bytes: int
    written_bytes: int
    """By all of its tasks."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A step as a stage or composite proposes it; the plan adds paths and fingerprint."""

    name: str
    """Name of the store's folder; unique in a plan."""
    kind: StepKind
    work: Work
    schema: pa.Schema
    shard_count: int
    reads: tuple[str, ...] = ()
    """Names of earlier steps whose stores it opens through ``Inputs.stores``."""
    uses_view: bool = True
    """Whether it reads the documents as they stand at this point of the plan."""
    format: ShardFormat = "parquet"
    label: str = ""
    """What the progress line and the funnel call it; the name where empty."""
    cost: Cost | None = None


@dataclass(frozen=True, kw_only=True)
class PlanContext:
    """What a composite may know when it expands."""

    name: str
    """Of the block: its ``use``, made unique. Steps are called ``name`` or ``name-something``."""
    seed: int
    document_shards: int
    input_bytes: int
    output: str = ""
    """Folder of the run."""
    columns: pa.Schema
    """All columns that the view can give here: documents, measures, cluster ids."""
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """A draft in its place: everything a worker needs, picklable, and the plan's unit."""

    name: str
    kind: StepKind
    label: str
    work: Work
    schema: pa.Schema
    shard_count: int
    format: ShardFormat
    inputs: Inputs
    fingerprint: str
    config: dict[str, Any] = field(hash=False, default_factory=dict)
    """Canonical description of the work, as the manifest keeps it."""
    cost: Cost | None = field(hash=False, default=None)

    @property
    def folder(self) -> str:
        return self.inputs.folder
