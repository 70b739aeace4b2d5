"""What the steps of a block are expected to hold, read and write: the sums of docs/operations.md.

All follow from four numbers (:class:`Sizes`). A plan guesses them from the bytes of the input; once
a run has counted them, the same sums can be made of the truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pyarrow as pa

from winnow.dedup.clustering.clusters import CLUSTERED_BYTES
from winnow.dedup.clustering.contraction import HELD_NODE_BYTES
from winnow.dedup.clustering.elimination import NODE_BYTES
from winnow.dedup.clustering.key_ranges import ROWS_AT_ONCE, SORTED_ROW_BYTES
from winnow.dedup.clustering.keys import KeyLayout
from winnow.pipeline.step import Cost, PlanContext
from winnow.schema import DOCUMENTS, RECORDS

# Expectations of web crawls. Bytes of a WARC for a page; pages for one that filters keep; documents
# for one that has a duplicate; how many of the bands such a one has in common with its cluster.
INPUT_BYTES_PER_PAGE = 28_000
PAGES_PER_KEPT = 10
DOCUMENTS_PER_CLUSTERED = 3
BANDS_PER_CLUSTERED = 0.5
STORED_TEXT_BYTES = 1_200  # of a document, compressed
VERDICT_BYTES = 10  # of a page, compressed
EDGE_BYTES = 16
CLUSTER_BYTES = 28
_NOT_MEASURES = {*DOCUMENTS.names, *RECORDS.names, "verdict", "verdict_value", "verdict_margin"}


@dataclass(frozen=True)
class Sizes:
    """How much there is."""

    pages: int
    """Rows of the documents' stores, kept or not."""
    documents: int
    """Those with keys."""
    clustered: int
    """Those of them with an edge."""
    edges: int
    """That bucketing finds, over all bands."""

    @classmethod
    def expected(cls, context: PlanContext, bands: int) -> Sizes:
        """A guess: one in ten pages stays where anything was measured before, else all do."""
        pages = context.input_bytes // INPUT_BYTES_PER_PAGE
        measured = any(name not in _NOT_MEASURES for name in context.columns.names)
        documents = pages // PAGES_PER_KEPT if measured else pages
        clustered = documents // DOCUMENTS_PER_CLUSTERED
        edges = clustered if bands == 1 else int(clustered * bands * BANDS_PER_CLUSTERED)
        return cls(pages, documents, clustered, edges)


@dataclass(frozen=True)
class Costs:
    """The sums for one block. ``shards`` of documents, keys in ``files`` after merging."""

    sizes: Sizes
    layout: KeyLayout
    memory_bytes: int
    shards: int
    files: int

    def _keys_bytes(self, files: int) -> int:
        """Of all keys and preferences in ``files``, batches' frames included."""
        frame = 185 + 50 * len(self.layout.schema)
        batches = self.layout.bands * self.layout.parts + 1
        rows = self.sizes.documents * (self.layout.bands + 1)
        return rows * self.layout.key_bytes + files * batches * frame

    def sign(self) -> Cost:
        """Memory: keys as they come, joined and in order; a row group of texts, four times."""
        documents = -(-self.sizes.documents // self.shards)
        memory = documents * self.layout.bands * 8 * 3 + 4 * 1024 * 4_000
        read = self.sizes.documents * STORED_TEXT_BYTES
        return Cost(memory, read, self._keys_bytes(self.shards))

    def merge(self) -> Cost:
        """Memory: one batch of each file, laid end to end and in order; or the preferences."""
        documents = -(-self.sizes.documents // self.files)
        batch = documents // self.layout.parts * (2 * self.layout.key_bytes + 16)
        preferences = documents * (2 * self.layout.key_bytes + 8)
        read, written = self._keys_bytes(self.shards), self._keys_bytes(self.files)
        return Cost(max(batch, preferences), read, written)

    def bucket(self) -> Cost:
        part = -(-self.sizes.documents // self.layout.parts)
        sorting = min(part, 2 * ROWS_AT_ONCE) * SORTED_ROW_BYTES
        memory = min(self.memory_bytes, part * self.layout.key_bytes) + sorting
        read = self.sizes.documents * self.layout.bands * self.layout.key_bytes
        return Cost(memory, read, self.sizes.edges * EDGE_BYTES)

    def one_task(self) -> Cost:
        """Edges stream past twice, preferences once."""
        nodes = self.sizes.clustered
        memory = min(self.memory_bytes, nodes * CLUSTERED_BYTES)
        read = 2 * self.sizes.edges * EDGE_BYTES + self.sizes.documents * self.layout.key_bytes
        return Cost(memory, read, nodes * CLUSTER_BYTES)

    def routed_edges(self, tasks: int) -> int:
        """At most one of each task for a document."""
        return min(self.sizes.edges, self.sizes.clustered * tasks)

    def route(self, tasks: int) -> Cost:
        edges = self.sizes.edges // tasks
        nodes = min(self.sizes.clustered, 2 * edges)
        mapped = edges * EDGE_BYTES // max(1, self.layout.bands * self.layout.parts // tasks)
        held = min(self.memory_bytes // 4, nodes * HELD_NODE_BYTES) + mapped
        read = self.sizes.edges * EDGE_BYTES
        return Cost(held, read, self.routed_edges(tasks) * EDGE_BYTES)

    def eliminate(self, tasks: int, partitions: int) -> Cost:
        """Of one partition. An edge with ends at random moves ln P + 0.6 times in all; a task
        writes the edges that it passes on, a link a document and 48 bytes a component."""
        nodes = self.sizes.clustered // partitions
        edges = self.routed_edges(tasks)
        moves = max(1.0, math.log(partitions) + 0.6)
        came = int(edges * moves / partitions)
        held = min(self.memory_bytes // 2, nodes * HELD_NODE_BYTES)
        memory = min(self.memory_bytes // 2, nodes * NODE_BYTES) + held
        preferences = self.sizes.documents // partitions * self.layout.key_bytes
        written = int(edges * (moves - 1) / partitions) * EDGE_BYTES + nodes * 64
        return Cost(memory, came * EDGE_BYTES + preferences + nodes * 48, written)

    def label(self, partitions: int) -> Cost:
        nodes = self.sizes.clustered // partitions
        return Cost(nodes * 76, nodes * (64 + CLUSTER_BYTES), nodes * 2 * CLUSTER_BYTES)

    def join(self, partitions: int) -> Cost:
        nodes = self.sizes.clustered
        return Cost(nodes // partitions * 64, nodes * 44, nodes * CLUSTER_BYTES)

    def select(self, schema: pa.Schema, partitions: int) -> Cost:
        """Memory: a row group, batches of the clusters, and what it has read of a file of them."""
        clusters = self.sizes.clustered * CLUSTER_BYTES
        read = clusters + self.sizes.pages * 4
        written = self.sizes.pages * VERDICT_BYTES + 2 * self.sizes.pages * (len(schema) - 5)
        return Cost(10_000_000 + clusters // max(1, partitions), read, written)
