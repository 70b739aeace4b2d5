"""What the steps between keys and X-matched are expected to hold, read and write.

How many documents the indexes have is known; how many of the new ones they know is a guess, as all
numbers of clustering/costs.py: as many as have a duplicate within their own input.
"""

from __future__ import annotations

from dataclasses import dataclass

from winnow.dedup.clustering.costs import BANDS_PER_CLUSTERED, STORED_TEXT_BYTES, Sizes
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.index.key_files import BATCH_ROWS, BUILD_BYTES
from winnow.dedup.index.matched import PARTITION_BYTES
from winnow.dedup.index.shingle_files import DOCUMENTS_PER_BATCH
from winnow.dedup.signing.shape import Shape
from winnow.pipeline.step import Cost

# keys and doc_ids as read, in order, and joined; distinct keys, their numbers and their counts
MATCH_BYTES = 16 + 16 + 16 + 8 + 8 + 8
GATHER_BYTES = BUILD_BYTES + 9
"""Of a document of a run that is made an index: a band, and which documents stayed."""
MATCH_ROW_BYTES = 16
SHINGLE_BYTES = 6_000
"""Of a document: 600 distinct shingles of words and their frame; of characters five times that."""
CHARS_PER_WORD = 5
ROW_GROUP_BYTES = 4 * 1024 * 4_000
"""A row group of texts, four times."""


@dataclass(frozen=True)
class MatchCosts:
    """The sums for one block. ``index_documents``: of all its indexes together."""

    sizes: Sizes
    layout: KeyLayout
    memory_bytes: int
    partitions: int
    index_documents: int

    @property
    def _known(self) -> int:
        """New documents that an index has."""
        return min(self.sizes.clustered, self.index_documents)

    @property
    def matches(self) -> int:
        """Over all bands."""
        return int(self._known * max(1.0, self.layout.bands * BANDS_PER_CLUSTERED))

    def gather(self, documents: int, per_shard: int) -> Cost:
        """A run's keys once more."""
        stored = documents * (self.layout.bands + 1) * 16
        return Cost(min(documents, per_shard) * GATHER_BYTES, stored, stored)

    def match(self) -> Cost:
        """Every key of the indexes is read once, and of the new documents once."""
        part = -(-self.sizes.documents // self.layout.parts)
        keys = (self.sizes.documents + self.index_documents) * self.layout.bands * 16
        memory = min(self.memory_bytes, part * MATCH_BYTES) + 16 * BATCH_ROWS
        return Cost(memory, keys, self.matches * MATCH_ROW_BYTES)

    def gathered(self, *, every: bool) -> Cost:
        """Matches of a partition in order, each document (or pair) once."""
        rows = self.matches if every else self._known
        held = min(self.memory_bytes, -(-rows // self.partitions) * PARTITION_BYTES)
        return Cost(held, self.matches * MATCH_ROW_BYTES, rows * MATCH_ROW_BYTES)

    def compare(self, shape: Shape, documents_at_once: int) -> Cost:
        """All texts, and a batch of sets for each document that the indexes know: nearly always
        all of its bands lead to one and the same."""
        row_bytes = SHINGLE_BYTES * (CHARS_PER_WORD if shape.shingles == "chars" else 1)
        sets = self._known * row_bytes * DOCUMENTS_PER_BATCH
        read = self.sizes.documents * STORED_TEXT_BYTES + sets
        memory = ROW_GROUP_BYTES + 3 * documents_at_once * row_bytes
        return Cost(memory, read, self._known * (MATCH_ROW_BYTES + 4))
