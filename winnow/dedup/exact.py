"""Documents with the same text (or URL), of which one stays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.signing.chunk_table import ChunkTable
from winnow.dedup.signing.normalise import chunk_pieces
from winnow.dedup.steps import (
    MEMORY_BYTES,
    DedupOptions,
    check_cluster_settings,
    dedup_drafts,
    plan_parts,
)
from winnow.dedup.survivors import Keep, Policy, check_policy
from winnow.pipeline.sizes import ByteSize
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Draft, Inputs, PlainWork, PlanContext, TaskFunction
from winnow.schema import require_columns

On = Literal["text", "normalised_text", "url"]


@dataclass(frozen=True, kw_only=True)
class Exact:
    """Exact duplicates over the whole input; the verdict is ``exact_duplicate``.

    ``on`` says what must be equal: the text byte for byte, the text but for case, numbers,
    punctuation, accents and white space (normalise.py), or the URL as recorded. An empty value
    equals nothing. Compared by 128-bit BLAKE2b: no page can be built to be taken for another.
    """

    use: ClassVar[str] = "exact"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("numba",)

    on: On = "text"
    keep: Keep = "longest"
    """Which duplicate stays; see :data:`winnow.dedup.survivors.Keep`."""
    keep_by: str | None = None
    """The column that ``keep = "highest"`` and ``"lowest"`` compare, e.g. a quality score."""
    memory_bytes: ByteSize = MEMORY_BYTES
    """What a bucket or cluster task may hold; smaller means more tasks, never another result."""
    cluster_partitions: int = 0
    """Into how many ranges of documents clustering is cut, which go one after another: 0 decides by
    the size of the input, 1 is one task. Never another result."""

    def __post_init__(self) -> None:
        check_policy(self.keep, self.keep_by)
        check_cluster_settings(self.memory_bytes, self.cluster_partitions)

    def expand(self, context: PlanContext) -> list[Draft]:
        column = "url" if self.on == "url" else "text"
        require_columns(context.columns, (column,), context.name)
        policy = Policy.parse(self.keep, self.keep_by, (), context.columns, context.name)
        layout = KeyLayout(bands=1, parts=plan_parts(context, self.memory_bytes), wide=True)
        work = ExactSignWork(self.on, column, policy, layout)
        options = DedupOptions("exact_duplicate", self.memory_bytes, self.cluster_partitions)
        return dedup_drafts(context, work, layout, options)


@dataclass(frozen=True)
class ExactSignWork(PlainWork):
    """128-bit hashes of the kept documents of a shard."""

    on: On
    column: str
    policy: Policy
    layout: KeyLayout
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view = inputs.view.open()
        table = ChunkTable(chunk_pieces) if self.on == "normalised_text" else None
        columns = list(dict.fromkeys(["doc_id", self.column, *self.policy.columns]))

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            found = [np.zeros((0, 4), np.uint64)]
            for name in ("documents", "signed", "empty"):
                tally.count(name, 0)
            for batch in view.kept(index, columns):
                column = batch.column(self.column)
                values = table.joined(column) if table else column.to_pylist()
                hashes, hashed = hash_values(values, len(column))
                ids = batch.column("doc_id").to_numpy(zero_copy_only=False)
                preferred = self.policy.preferences(batch)
                rows = np.column_stack([hashes, ids, preferred])[hashed]
                found.append(rows)
                tally.count("documents", len(ids))
                tally.count("signed", len(rows))
                tally.count("empty", len(ids) - len(rows))
            rows = np.concatenate(found)
            yield from self.layout.batches(rows[:, :1], rows[:, 1], rows[:, 2], rows[:, 3])

        return task


def hash_values(values: Iterable[str | bytes | None], count: int) -> tuple[np.ndarray, np.ndarray]:
    """``(uint64[count, 2], bool[count])``: BLAKE2b-128 of the UTF-8; False for what is empty."""
    digests = bytearray()
    hashed = np.zeros(count, np.bool_)
    for row, value in enumerate(values):
        data = value if isinstance(value, bytes) else (value or "").encode()
        hashed[row] = bool(data)
        digests += hashlib.blake2b(data, digest_size=16).digest()
    return np.frombuffer(bytes(digests), "<u8").astype(np.uint64).reshape(-1, 2), hashed
