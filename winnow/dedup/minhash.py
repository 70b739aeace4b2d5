"""Near-duplicates by MinHash and banding, of which one stays."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.steps import (
    MEMORY_BYTES,
    check_cluster_settings,
    dedup_drafts,
    plan_parts,
)
from winnow.dedup.survivors import Keep, check_policy, policy_column, preferences
from winnow.pipeline.sizes import ByteSize
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Draft, Inputs, PlainWork, PlanContext, TaskFunction
from winnow.schema import require_columns


@dataclass(frozen=True, kw_only=True)
class MinHash:
    """Near-duplicates over the whole input; the verdict is ``near_duplicate``.

    The defaults are FineWeb's (Penedo et al. 2024, section 3.4) with the hash of FineWeb-2:
    documents of Jaccard similarity 0.75 over 5-word runs are found with probability 0.77, of 0.85
    with 0.99. Signatures equal datatrove 0.10's. Differs from it: who survives is a policy, not an
    accident of the union's order; and everything but signing is cut into parts of bounded memory.
    """

    use: ClassVar[str] = "minhash"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("numba",)

    ngram_words: int = 5
    """Words of a shingle; a document with fewer has no signature and no duplicate."""
    bands: int = 14
    rows_per_band: int = 8
    seed: int = 1
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
        for name in ("ngram_words", "bands", "rows_per_band"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 at least, got {getattr(self, name)}")
        if not 0 <= self.seed < 1 << 32:
            raise ValueError(f"seed must be 0 to 2^32 - 1, got {self.seed}")
        check_cluster_settings(self.memory_bytes, self.cluster_partitions)

    def expand(self, context: PlanContext) -> list[Draft]:
        require_columns(context.columns, ("text",), context.name)
        policy = policy_column(self.keep, self.keep_by, context.columns, context.name)
        language = "language" if "language" in context.columns.names else None
        parts = plan_parts(context, self.memory_bytes)
        layout = KeyLayout(bands=self.bands, parts=parts, wide=False)
        work = MinHashSignWork(
            self.ngram_words, self.rows_per_band, self.seed, self.keep, policy, language, layout
        )
        return dedup_drafts(
            context, work, layout, self.memory_bytes, self.cluster_partitions, "near_duplicate"
        )


@dataclass(frozen=True)
class MinHashSignWork(PlainWork):
    """Band keys of the kept documents of a shard."""

    ngram_words: int
    rows_per_band: int
    seed: int
    keep: Keep
    policy_column: str
    language_column: str | None
    layout: KeyLayout
    version: ClassVar[int] = 1

    def fingerprint_extra(self) -> dict[str, Any]:
        # what is a letter, a digit, a mark is what Python's Unicode says
        return {"unicode": unicodedata.unidata_version}

    def open(self, inputs: Inputs) -> TaskFunction:
        from winnow.dedup.signing.signatures import Signers

        assert inputs.view is not None
        view = inputs.view.open()
        bands = self.layout.bands
        signers = Signers(self.ngram_words, bands, self.rows_per_band, self.seed)
        wanted = ["doc_id", "text", self.policy_column, self.language_column]
        columns = [name for name in dict.fromkeys(wanted) if name is not None]

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            keys = [np.zeros((0, bands), np.uint64)]
            others = [np.zeros((0, 2), np.uint64)]
            for name in ("documents", "signed", "too_short"):
                tally.count(name, 0)
            for batch in view.kept(index, columns):
                languages = self.language_column and batch.column(self.language_column)
                found, signed = signers.band_keys(batch.column("text"), languages)
                ids = batch.column("doc_id").to_numpy(zero_copy_only=False)
                preferred = preferences(self.keep, batch.column(self.policy_column))
                keys.append(found[signed])
                others.append(np.column_stack([ids, preferred])[signed])
                signed_count = int(signed.sum())
                tally.count("documents", len(ids))
                tally.count("signed", signed_count)
                tally.count("too_short", len(ids) - signed_count)
            rows = np.concatenate(others)
            yield from self.layout.batches(np.concatenate(keys), None, rows[:, 0], rows[:, 1])

        return task
