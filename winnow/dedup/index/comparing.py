"""Pairs of a new document and one of an index → matches whose similarity is true.

Of the documents that an index has with one of a new document's band keys, the first of each band
is compared (matching.py): where that is no duplicate, another one with the same key goes unseen.

A task works off some shards of documents in their order. Memory: a row group of documents, the
shingles of ``DOCUMENTS_AT_ONCE`` of them, and of an index one batch, which is mapped (and so the
page cache's). Read of an index: a batch for each pair at most, however large the index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.clusters import ClusterReader
from winnow.dedup.clustering.regrouping import Columns, regrouped
from winnow.dedup.index.matched import MATCHES, ROWS_PER_BATCH, UNVERIFIED
from winnow.dedup.index.option import IndexOption
from winnow.dedup.index.sets import IndexSets
from winnow.dedup.signing.shape import Shape
from winnow.errors import CorruptShard
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.manifest import Store

if TYPE_CHECKING:
    from winnow.dedup.signing.signatures import Signers

DOCUMENTS_AT_ONCE = 1 << 8

COMPARED_MATCHES = pa.schema(
    [
        *MATCHES,
        # true Jaccard similarity to that document, 0 to 1; null: its index holds no shingles
        pa.field("similarity", pa.float32()),
    ]
)

COUNTED = (
    "matched",  # documents that an index has
    "pairs",  # that were compared
    "false_pairs",  # of these, those that are not alike
    UNVERIFIED,  # documents that an index has, as far as bands can tell
)


@dataclass(frozen=True)
class IndexCompareWork(PlainWork):
    """Shard t: of the t-th part of the document shards, every document that an index has,
    ascending, with the most similar one there, of several the first. Where an index holds no
    shingles its matches stand, and come after those that were verified."""

    pairs: str
    """Name of the step that wrote all pairs, by doc_id."""
    index: IndexOption
    shape: Shape
    language_column: str | None
    similarity: float
    """At least so similar is a duplicate."""
    tasks: int
    """Into which the document shards are divided, in their order."""
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        from winnow.dedup.signing.signatures import Signers

        assert inputs.view is not None
        view = inputs.view.open()
        pairs = ClusterReader(Store.open(inputs.stores[self.pairs]))
        sets = IndexSets(self.index)
        signers = Signers(self.shape)
        wanted = ("doc_id", "text", self.language_column)
        columns = [name for name in wanted if name is not None]

        def matched(index: int, tally: Tally) -> Iterator[Columns]:
            first, end = (n * view.shard_count // self.tasks for n in (index, index + 1))
            for shard in range(first, end):
                for batch in view.kept(shard, columns):
                    if batch.num_rows:
                        yield self._matched(batch, pairs, sets, signers, tally)

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for name in COUNTED:
                tally.count(name, 0)
            for doc_ids, numbers, similarities in regrouped(matched(index, tally), ROWS_PER_BATCH):
                column = pa.array(similarities.astype(np.float32), mask=similarities < 0)
                yield pa.record_batch([doc_ids, numbers, column], schema=COMPARED_MATCHES)

        return task

    def _matched(
        self, batch: pa.RecordBatch, pairs: ClusterReader, sets: IndexSets, signers: Signers,
        tally: Tally,
    ) -> Columns:  # fmt: skip
        """(doc_ids, numbers, similarities; -1 where they are not known) of a row group."""
        ids = batch.column("doc_id").to_numpy()
        found = pairs.between(int(ids[0]), int(ids[-1]))
        doc_ids = found.column("doc_id").to_numpy()
        numbers = found.column("index_id").to_numpy()
        rows = np.searchsorted(ids, doc_ids)
        if not np.array_equal(ids[rows], doc_ids):
            raise CorruptShard(
                "documents have band keys that an earlier step had rejected",
                remedy="`winnow verify` names damaged shards; delete them and run again.",
            )
        stored = sets.stored(numbers) if len(numbers) else np.zeros(0, bool)
        similarities = np.full(len(numbers), -1.0)
        places = np.flatnonzero(stored)
        for some in _by_documents(places, rows):
            similarities[some] = self._compare(batch, rows[some], numbers[some], sets, signers)
        alike = ~stored | (similarities > 0)
        tally.count("pairs", len(places))
        tally.count("false_pairs", int((~alike).sum()))
        columns = doc_ids[alike], numbers[alike], similarities[alike]
        order = np.lexsort((columns[1], -columns[2], columns[0]))
        doc_ids, numbers, similarities = (column[order] for column in columns)
        best = np.ones(len(doc_ids), bool)
        best[1:] = doc_ids[1:] != doc_ids[:-1]
        tally.count("matched", int(best.sum()))
        tally.count(UNVERIFIED, int((similarities[best] < 0).sum()))
        return doc_ids[best], numbers[best], similarities[best]

    def _compare(
        self, batch: pa.RecordBatch, rows: np.ndarray, numbers: np.ndarray, sets: IndexSets,
        signers: Signers,
    ) -> np.ndarray:  # fmt: skip
        """float64[pairs]: the similarity of the document in row ``rows[i]`` to that numbered
        ``numbers[i]``; 0 where it is too little."""
        from winnow.dedup.index.compare_kernels import pair_similarities

        documents, new_rows = np.unique(rows, return_inverse=True)
        chosen = batch.take(pa.array(documents))
        languages = chosen.column(self.language_column) if self.language_column else None
        offsets, hashes = signers.shingle_sets(chosen.column("text"), languages)
        order = np.argsort(numbers, kind="stable")
        new_rows = new_rows.astype(np.int64)[order]
        found = np.zeros(len(numbers))
        in_order = np.zeros(len(numbers))
        for old in sets.batches(numbers[order]):
            pair_similarities(
                offsets, hashes, new_rows[old.asked], old.offsets, old.hashes, old.rows,
                self.similarity, in_order[old.asked],
            )  # fmt: skip
        found[order] = in_order
        return found


def _by_documents(places: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
    """``places`` in pieces of ``DOCUMENTS_AT_ONCE`` of the ascending ``rows`` that they have."""
    documents, starts = np.unique(rows[places], return_index=True)
    cuts = starts[DOCUMENTS_AT_ONCE::DOCUMENTS_AT_ONCE]
    if len(documents):
        yield from np.split(places, cuts)
