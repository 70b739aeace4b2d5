"""Keys → verdicts: the three steps that exact and near-duplicate removal have in common."""

from __future__ import annotations

from winnow.dedup.buckets import EDGES, ROW_BYTES, BucketWork
from winnow.dedup.clusters import CLUSTERS, ClusterWork
from winnow.dedup.keys import KeyLayout
from winnow.dedup.verdicts import DEDUP_VERDICTS, SelectWork
from winnow.pipeline.sizes import ByteSize
from winnow.pipeline.step import Draft, PlanContext, Work

# A page of Common Crawl takes 20 to 30 kB of its WARC; this leaves room for smaller ones. A wrong
# guess costs passes over the keys, never memory.
INPUT_BYTES_PER_DOCUMENT = 8_000
MAX_PARTS = 1 << 12
MEMORY_BYTES = ByteSize(1_000_000_000)
MIN_MEMORY_BYTES = 1_000_000


def plan_parts(context: PlanContext, memory_bytes: int) -> int:
    """Into how many ranges the keys of a band are cut, so that each fits ``memory_bytes``."""
    documents = context.input_bytes // INPUT_BYTES_PER_DOCUMENT
    return min(MAX_PARTS, max(1, -(-documents * ROW_BYTES // memory_bytes)))


def dedup_drafts(
    context: PlanContext, sign: Work, layout: KeyLayout, memory_bytes: int, reason: str
) -> list[Draft]:
    """sign → bucket → cluster → select; the last is called as the block of the config."""
    name = context.name
    keys, edges, clusters = f"{name}-sign", f"{name}-bucket", f"{name}-cluster"
    return [
        Draft(
            name=keys, kind="work", work=sign, schema=layout.schema, format="arrow",
            shard_count=context.document_shards,
        ),
        Draft(
            name=edges, kind="work", work=BucketWork(keys, layout, memory_bytes), schema=EDGES,
            shard_count=layout.bands * layout.parts, reads=(keys,), uses_view=False,
        ),
        Draft(
            name=clusters, kind="work", work=ClusterWork(keys, edges, layout), schema=CLUSTERS,
            format="arrow", shard_count=1, reads=(keys, edges), uses_view=False,
        ),
        Draft(
            name=name, kind="verdicts", work=SelectWork(clusters, reason), schema=DEDUP_VERDICTS,
            shard_count=context.document_shards, reads=(clusters,),
        ),
    ]  # fmt: skip
