"""Keys → verdicts: the steps that exact and near-duplicate removal have in common.

::

    X-sign ─► (X-merge) ─► (X-match ─► X-matched) ─► X-bucket ─► cluster steps ─► X-cluster
                                                 ─► (X-shingles ─► X-compare ─► X-verified) ─► X

What stands in brackets is there only where the block asks for it (or, merging, where there are too
many files). X is the name of the block; the last step gives the verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from winnow.dedup.clustering.buckets import EDGES, ROW_BYTES, BucketWork
from winnow.dedup.clustering.clusters import CLUSTERED_BYTES, CLUSTERS, ClusterWork
from winnow.dedup.clustering.contraction import BUFFERED_EDGE_BYTES, RouteWork
from winnow.dedup.clustering.elimination import NODE_BYTES, EliminateWork
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.labels import JoinWork, LabelWork
from winnow.dedup.clustering.node_ids import MAX_PARTITIONS
from winnow.dedup.verdicts import SelectWork
from winnow.pipeline.sizes import ByteSize
from winnow.pipeline.step import Draft, PlanContext, Work

if TYPE_CHECKING:
    from winnow.dedup.index.option import IndexOption
    from winnow.dedup.rehydration import Rehydration
    from winnow.dedup.verifying.option import Verification

# A page of Common Crawl takes 20 to 30 kB of its WARC; this leaves room for smaller ones. A wrong
# guess costs passes over the keys, never memory.
INPUT_BYTES_PER_DOCUMENT = 8_000
# What has a duplicate is far less: nine pages of ten are rejected before, and half of the others
# are like no other one. This leaves room for three times as many.
INPUT_BYTES_PER_CLUSTERED = 100_000
MAX_PARTS = 1 << 12
MEMORY_BYTES = ByteSize(1_000_000_000)
MIN_MEMORY_BYTES = 1_000_000


@dataclass(frozen=True)
class DedupOptions:
    """What a block asks of the steps behind signing."""

    reason: str
    """The verdict of a document that another one stays for."""
    memory_bytes: int
    cluster_partitions: int
    verification: Verification | None = None
    index: IndexOption | None = None
    rehydration: Rehydration | None = None


def plan_parts(context: PlanContext, memory_bytes: int) -> int:
    """Into how many ranges the keys of a band are cut, so that each fits ``memory_bytes``."""
    documents = context.input_bytes // INPUT_BYTES_PER_DOCUMENT
    return min(MAX_PARTS, max(1, -(-documents * ROW_BYTES // memory_bytes)))


def check_cluster_settings(memory_bytes: int, cluster_partitions: int) -> None:
    """:class:`ValueError` for numbers that no block can have."""
    if memory_bytes < MIN_MEMORY_BYTES:
        raise ValueError(f"memory_bytes must be {MIN_MEMORY_BYTES:,} at least")
    if not 0 <= cluster_partitions <= MAX_PARTITIONS:
        raise ValueError(
            f"cluster_partitions must be 0 (automatic) to {MAX_PARTITIONS}, "
            f"got {cluster_partitions}"
        )


def plan_partitions(context: PlanContext, memory_bytes: int, wanted: int) -> int:
    """Into how many partitions clustering is cut; 1: one task.

    ``wanted`` unless it is 0. One where all documents of the input would fit as nodes; then as many
    as keep those that may be expected to have a duplicate within half of ``memory_bytes``.
    """
    if wanted:
        return wanted
    if context.input_bytes // INPUT_BYTES_PER_DOCUMENT * CLUSTERED_BYTES <= memory_bytes:
        return 1
    clustered = context.input_bytes // INPUT_BYTES_PER_CLUSTERED
    return min(MAX_PARTITIONS, max(2, -(-clustered * NODE_BYTES * 2 // memory_bytes)))


def dedup_drafts(
    context: PlanContext, sign: Work, layout: KeyLayout, options: DedupOptions
) -> list[Draft]:
    """All steps of a block, the last of them called as the block is; ``sign`` writes the keys."""
    name = context.name
    keys, clusters = f"{name}-sign", f"{name}-cluster"
    drafts = [
        Draft(
            name=keys, kind="work", work=sign, schema=layout.schema, format="arrow",
            shard_count=context.document_shards,
        )
    ]  # fmt: skip
    index, matched = options.index, ""
    if index is not None:
        from winnow.dedup.index.matching import match_drafts

        drafts += match_drafts(context, index, keys, layout, options.memory_bytes)
        matched = drafts[-1].name
    if index is not None and index.only:
        clusters = ""
    else:
        partitions = plan_partitions(context, options.memory_bytes, options.cluster_partitions)
        drafts.append(
            Draft(
                name=f"{name}-bucket", kind="work",
                work=BucketWork(keys, layout, options.memory_bytes), schema=EDGES,
                shard_count=layout.bands * layout.parts, reads=(keys,), uses_view=False,
            )
        )  # fmt: skip
        drafts += cluster_drafts(name, layout, options.memory_bytes, partitions, matched)
        if options.verification is not None:
            from winnow.dedup.verifying.steps import verify_drafts

            drafts += verify_drafts(
                context, options.verification, keys, clusters, matched, layout, options.memory_bytes
            )
            clusters = drafts[-1].name
    select = SelectWork(
        clusters, options.reason, matched, options.verification is not None, options.rehydration
    )
    drafts.append(
        Draft(
            name=name, kind="verdicts", work=select, schema=select.schema,
            shard_count=context.document_shards,
            reads=tuple(step for step in (clusters, matched) if step),
        )
    )  # fmt: skip
    return drafts


def cluster_drafts(
    name: str, layout: KeyLayout, memory_bytes: int, count: int, matched: str = ""
) -> list[Draft]:
    """One step, or for ``count`` partitions: route, eliminate from the last partition to the first,
    label back, cluster. ``matched``: the step that found documents of an index, if there is one."""
    keys, edges, clusters = f"{name}-sign", f"{name}-bucket", f"{name}-cluster"
    known = (matched,) if matched else ()
    if count == 1:
        one = ClusterWork(keys, edges, layout, memory_bytes // CLUSTERED_BYTES, name, matched)
        return [_work(clusters, one, CLUSTERS, 1, (keys, edges, *known))]
    route = f"{name}-route"
    eliminated = tuple(f"{name}-eliminate-{p:03d}" for p in range(count))
    labelled = tuple(f"{name}-label-{p:03d}" for p in range(count))
    # half for nodes, half for the edges that are contracted
    edges_at_once = memory_bytes // 2 // BUFFERED_EDGE_BYTES
    most_nodes = memory_bytes // 2 // NODE_BYTES
    tasks = min(count, layout.bands * layout.parts)
    routing = RouteWork(keys, edges, layout, count, tasks, edges_at_once)
    drafts = [_work(route, routing, EDGES, tasks, (keys, edges))]
    for p in reversed(range(count)):
        later = eliminated[p + 1 :]
        eliminate = EliminateWork(
            keys, route, later, layout, p, count, edges_at_once, most_nodes, name, matched
        )
        reads = (keys, route, *later, *known)
        drafts.append(_work(eliminated[p], eliminate, EDGES, 1, reads))
    for p in range(count):
        label = LabelWork(eliminated[p:], labelled[:p], p, count)
        drafts.append(_work(labelled[p], label, CLUSTERS, 1, (*eliminated[p:], *labelled[:p])))
    join = JoinWork(eliminated, labelled)
    return [*drafts, _work(clusters, join, CLUSTERS, count, (*eliminated, *labelled))]


def _work(
    name: str, work: Work, schema: pa.Schema, shard_count: int, reads: tuple[str, ...]
) -> Draft:
    return Draft(
        name=name, kind="work", work=work, schema=schema, format="arrow",
        shard_count=shard_count, reads=reads, uses_view=False,
    )  # fmt: skip
