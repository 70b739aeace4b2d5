"""Documents with the same text, or of the same page, of which one stays."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.rehydration import Rehydration
from winnow.dedup.signing.chunk_table import ChunkTable
from winnow.dedup.signing.normalise import chunk_pieces
from winnow.dedup.steps import (
    MEMORY_BYTES,
    DedupOptions,
    check_cluster_settings,
    dedup_drafts,
    plan_parts,
)
from winnow.dedup.survivors import DATATROVE, Keep, Policy, check_policy
from winnow.dedup.urls import TRACKING_PARAMETERS, UrlRules
from winnow.pipeline.sizes import ByteSize
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Draft, Inputs, PlainWork, PlanContext, TaskFunction
from winnow.schema import require_columns

On = Literal["text", "normalised_text", "url", "canonical_url"]


@dataclass(frozen=True, kw_only=True)
class Exact:
    """Exact duplicates over the whole input; the verdict is ``exact_duplicate``.

    ``on`` says what must be equal: the text byte for byte, the text but for case, numbers,
    punctuation, accents and white space (normalise.py), the URL as recorded, or the page that it
    names (urls.py; ``tracking_parameters`` and the ``ignore_`` keys go with it). An empty value
    equals nothing. Compared by 128-bit BLAKE2b: no page can be built to be taken for another.

    Differs from datatrove 0.10's `ExactDedup`: that compares 64-bit hashes, chooses by a priority
    of 1 to 65,535, and knows a URL as recorded only.
    """

    use: ClassVar[str] = "exact"
    version: ClassVar[int] = 2
    requires: ClassVar[tuple[str, ...]] = ("numba",)

    on: On = "text"
    tracking_parameters: tuple[str, ...] = TRACKING_PARAMETERS
    """Names that do not count in a canonical URL; ``*`` is any run of characters. A list replaces
    this one; ``[]``: all count."""
    ignore_scheme: bool = True
    """In a canonical URL http and https are one."""
    ignore_www: bool = True
    """In a canonical URL ``www.`` in front of a host does not count."""
    ignore_trailing_slash: bool = True
    """In a canonical URL ``/a/`` is ``/a``."""
    keep: Keep = "longest"
    """Which duplicate stays; see :data:`winnow.dedup.survivors.Keep`. Not datatrove-0.10."""
    keep_by: str | None = None
    """The column (or expression over columns) that ``keep = "highest"`` and ``"lowest"`` compare,
    e.g. ``quality_score``."""
    prefer: tuple[str, ...] = ()
    """Before ``keep`` decides: ``domain:example.org``, ``source:books``, best first."""
    rehydrate: Literal["no", "fineweb-2"] | tuple[tuple[int, ...], ...] = "no"
    """How often training sees the survivor of a cluster: ``fineweb-2``, or pairs ``[n, times]`` of
    the smallest cluster size and the times."""
    memory_bytes: ByteSize = MEMORY_BYTES
    """What a bucket or cluster task may hold; smaller means more tasks, never another result."""
    cluster_partitions: int = 0
    """Into how many ranges of documents clustering is cut, which go one after another: 0 decides by
    the size of the input, 1 is one task. Never another result."""

    def __post_init__(self) -> None:
        if self.keep == DATATROVE:
            raise ValueError(
                f"keep = {DATATROVE!r} is how datatrove's MinHash chooses; exact duplicates have "
                "no such order. Its ExactDedup keeps what its priority says: choose a policy, "
                'e.g. keep = "longest"'
            )
        check_policy(self.keep, self.keep_by, self.prefer)
        check_cluster_settings(self.memory_bytes, self.cluster_partitions)
        if self.on != "canonical_url" and self._url_rules != UrlRules():
            raise ValueError(
                'tracking_parameters and the ignore_ keys go with on = "canonical_url"'
            )
        if "" in self.tracking_parameters:
            raise ValueError("tracking_parameters has an empty name")
        _ = self._rehydration

    @property
    def _url_rules(self) -> UrlRules:
        return UrlRules(
            tuple(name.lower() for name in self.tracking_parameters),
            self.ignore_scheme,
            self.ignore_www,
            self.ignore_trailing_slash,
        )

    @property
    def _rehydration(self) -> Rehydration | None:
        return None if self.rehydrate == "no" else Rehydration.parse(self.rehydrate)

    def expand(self, context: PlanContext) -> list[Draft]:
        column = "url" if self.on in ("url", "canonical_url") else "text"
        require_columns(context.columns, (column,), context.name)
        policy = Policy.parse(self.keep, self.keep_by, self.prefer, context.columns, context.name)
        layout = KeyLayout(bands=1, parts=plan_parts(context, self.memory_bytes), wide=True)
        rules = self._url_rules if self.on == "canonical_url" else None
        work = ExactSignWork(self.on, column, policy, layout, rules)
        options = DedupOptions(
            "exact_duplicate", self.memory_bytes, self.cluster_partitions,
            rehydration=self._rehydration,
        )  # fmt: skip
        return dedup_drafts(context, work, layout, options)


@dataclass(frozen=True)
class ExactSignWork(PlainWork):
    """128-bit hashes of the kept documents of a shard."""

    on: On
    column: str
    policy: Policy
    layout: KeyLayout
    url_rules: UrlRules | None = None
    version: ClassVar[int] = 2

    def fingerprint_extra(self) -> dict[str, Any]:
        # what is a letter, a digit, a mark is what Python's Unicode says
        text = self.on == "normalised_text"
        return {"unicode": unicodedata.unidata_version} if text else {}

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view = inputs.view.open()
        values = self._values()
        columns = list(dict.fromkeys(["doc_id", self.column, *self.policy.columns]))

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            found = [np.zeros((0, 4), np.uint64)]
            for name in ("documents", "signed", "empty"):
                tally.count(name, 0)
            for batch in view.kept(index, columns):
                column = batch.column(self.column)
                hashes, hashed = hash_values(values(column), len(column))
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

    def _values(self) -> Callable[[pa.Array], Iterable[str | bytes | None]]:
        """A column → what is hashed of each row."""
        if self.on == "normalised_text":
            return ChunkTable(chunk_pieces).joined
        rules = self.url_rules
        if rules is None:
            return lambda column: column.to_pylist()
        return lambda column: (url and rules.canonical(url) for url in column.to_pylist())


def hash_values(values: Iterable[str | bytes | None], count: int) -> tuple[np.ndarray, np.ndarray]:
    """``(uint64[count, 2], bool[count])``: BLAKE2b-128 of the UTF-8; False for what is empty."""
    digests = bytearray()
    hashed = np.zeros(count, np.bool_)
    for row, value in enumerate(values):
        data = value if isinstance(value, bytes) else (value or "").encode()
        hashed[row] = bool(data)
        digests += hashlib.blake2b(data, digest_size=16).digest()
    return np.frombuffer(bytes(digests), "<u8").astype(np.uint64).reshape(-1, 2), hashed
