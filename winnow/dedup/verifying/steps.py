"""Clusters → checked clusters: the steps between clustering and verdicts.

::

    X-cluster ─► X-shingles ─► X-compare ─► X-verified

The last writes what ``ClusterReader`` reads, with the similarity to the survivor where it was
computed. It holds those documents only that have a duplicate after all.
"""

from __future__ import annotations

from winnow.dedup.clustering.costs import STORED_TEXT_BYTES, Sizes
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.node_ids import MAX_PARTITIONS
from winnow.dedup.steps import INPUT_BYTES_PER_CLUSTERED, INPUT_BYTES_PER_SIGNED
from winnow.dedup.verifying.comparing import CompareWork
from winnow.dedup.verifying.members import MEMBER_BYTES
from winnow.dedup.verifying.option import Verification
from winnow.dedup.verifying.sets import SETS, SetWork
from winnow.dedup.verifying.verified import JOINED_BYTES, VerifiedWork
from winnow.pipeline.step import Cost, Draft, PlanContext

SHINGLE_BYTES = 6_000
"""Of a document: 600 distinct shingles of words on average, of characters five times as many."""
CHARS_PER_WORD = 5
MAX_FILES = 1 << 10
"""Of shingles: each compare task has all of them mapped."""
LEAST_TASKS = 16
ROW_BYTES = 32
"""Of VERIFIED."""
HELD_BYTES = 100_000_000
"""What a task holds of hashes while it writes them (sets.py), at most."""
ROW_GROUP_BYTES = 4 * 1024 * 4_000
"""A row group of texts, four times."""
COMPARED_BYTES = 30_000_000
"""The block that is compared and a usual cluster's survivors; of one large cluster of unlike
documents they are 134 MB more (greedy.py)."""


def verify_drafts(
    context: PlanContext, verification: Verification, keys: str, clusters: str, matched: str,
    layout: KeyLayout, memory_bytes: int,
) -> list[Draft]:  # fmt: skip
    """The three steps; their names begin with the block's. ``matched``: the step that found
    documents of an index, or ""."""
    name = context.name
    shingles, compared = f"{name}-shingles", f"{name}-compare"
    similarity = verification.similarity if verification.verify == "jaccard" else None
    shape = verification.shape
    row_bytes = 8 * shape.values if similarity is None else SHINGLE_BYTES
    if similarity is not None and shape.shingles == "chars":
        row_bytes *= CHARS_PER_WORD
    clustered = context.input_bytes // INPUT_BYTES_PER_CLUSTERED
    # so few that a partition's sets may stay in the page cache, in which memory has no part
    partitions = _partitions(clustered * row_bytes, memory_bytes, context)
    documents = context.input_bytes // INPUT_BYTES_PER_SIGNED
    document_partitions = _partitions(documents * JOINED_BYTES, memory_bytes, context)
    files = min(MAX_FILES, context.document_shards)
    known = (matched,) if matched else ()
    sets = SetWork(
        shape, verification.language_column, similarity is None, clusters, keys, layout, matched,
        partitions, files,
    )  # fmt: skip
    compare = CompareWork(
        shingles, keys, layout, similarity, shape, partitions, document_partitions, memory_bytes
    )
    verified = VerifiedWork(
        compared, keys, layout, document_partitions, compare.schema, memory_bytes
    )
    sizes = Sizes.expected(context, layout.bands)
    sets_bytes, rows_bytes = sizes.clustered * row_bytes, sizes.clustered * ROW_BYTES
    gathered = min(HELD_BYTES, 3 * sets_bytes // files)
    in_order = min(memory_bytes, sizes.clustered * MEMBER_BYTES // partitions)
    joined = min(memory_bytes, sizes.clustered * JOINED_BYTES // document_partitions)
    text_bytes = sizes.documents * STORED_TEXT_BYTES
    return [
        Draft(
            name=shingles, kind="work", work=sets, schema=SETS, format="arrow", shard_count=files,
            reads=(keys, clusters, *known),
            cost=Cost(gathered + ROW_GROUP_BYTES, text_bytes, sets_bytes),
        ),
        Draft(
            name=compared, kind="work", work=compare, schema=compare.schema, format="arrow",
            shard_count=partitions, reads=(shingles, keys), uses_view=False,
            cost=Cost(in_order + COMPARED_BYTES, sets_bytes, rows_bytes),
        ),
        Draft(
            name=f"{name}-verified", kind="work", work=verified, schema=compare.schema,
            format="arrow", shard_count=document_partitions, reads=(compared, keys),
            uses_view=False, cost=Cost(joined, rows_bytes, rows_bytes),
        ),
    ]  # fmt: skip


def _partitions(total_bytes: int, memory_bytes: int, context: PlanContext) -> int:
    """One where little is to be done, else several, so that workers have something to share."""
    wanted = -(-total_bytes // memory_bytes)
    if wanted > 1:
        wanted = max(wanted, min(LEAST_TASKS, context.document_shards))
    return max(1, min(MAX_PARTITIONS, wanted))
