"""Keys → verdicts: the steps that exact and near-duplicate removal have in common.

::

    X-sign ─► (X-merge) ─► (X-match ─► (X-index-pairs) ─► X-matched)
           ─► X-bucket ─► cluster steps ─► X-cluster
           ─► (X-shingles ─► X-compare ─► X-verified) ─► X

What stands in brackets is there only where the block asks for it (or, merging, where there are too
many files). X is the name of the block; the last step gives the verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from winnow.dedup.clustering.buckets import EDGES, BucketWork
from winnow.dedup.clustering.clusters import CLUSTERED_BYTES, CLUSTERS, ClusterWork
from winnow.dedup.clustering.contraction import HELD_NODE_BYTES, RouteWork
from winnow.dedup.clustering.costs import Costs, Sizes
from winnow.dedup.clustering.elimination import NODE_BYTES, EliminateWork
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.clustering.labels import JoinWork, LabelWork
from winnow.dedup.clustering.merging import MergeWork
from winnow.dedup.clustering.node_ids import MAX_PARTITIONS
from winnow.dedup.verdicts import SelectWork
from winnow.pipeline.sizes import ByteSize
from winnow.pipeline.step import Cost, Draft, PlanContext, Work

if TYPE_CHECKING:
    from winnow.dedup.index.option import IndexOption
    from winnow.dedup.rehydration import Rehydration
    from winnow.dedup.verifying.option import Verification

# A page of Common Crawl takes 20 to 30 kB of its WARC; this leaves room for smaller ones.
INPUT_BYTES_PER_DOCUMENT = 8_000
# Nearly all blocks stand behind filters, which keep one page of ten. A wrong guess never costs
# memory: too few parts cost passes over the keys, too many make batches of few rows.
INPUT_BYTES_PER_SIGNED = 50_000
# What has a duplicate is far less: nine pages of ten are rejected before, and half of the others
# are like no other one. This leaves room for three times as many.
INPUT_BYTES_PER_CLUSTERED = 100_000
MAX_PARTS = 1 << 12
MERGED_FILES = 256
"""Of more shards of documents than these, keys are merged before they are bucketed: a bucket task
opens every file of keys."""
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


def plan_parts(context: PlanContext, memory_bytes: int, *, wide: bool = False) -> int:
    """Into how many ranges the keys of a band are cut, so that each fits ``memory_bytes``."""
    documents = context.input_bytes // INPUT_BYTES_PER_SIGNED
    key_bytes = KeyLayout(1, 1, wide).key_bytes
    return min(MAX_PARTS, max(1, -(-documents * key_bytes // memory_bytes)))


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
    signed, clusters = f"{name}-sign", f"{name}-cluster"
    files = min(MERGED_FILES, context.document_shards)
    sizes = Sizes.expected(context, layout.bands)
    costs = Costs(sizes, layout, options.memory_bytes, context.document_shards, files)
    drafts = [
        Draft(
            name=signed, kind="work", work=sign, schema=layout.schema, format="arrow",
            shard_count=context.document_shards, cost=costs.sign(),
        )
    ]  # fmt: skip
    keys = signed
    if files < context.document_shards:
        keys = f"{name}-merge"
        merge = MergeWork(signed, layout, files)
        drafts.append(_work(keys, merge, layout.schema, files, (signed,), costs.merge()))
    index, matched = options.index, ""
    if index is not None:
        from winnow.dedup.index.matching import match_drafts

        drafts += match_drafts(context, index, keys, layout, options.memory_bytes)
        matched = drafts[-1].name
    partitions = plan_partitions(context, options.memory_bytes, options.cluster_partitions)
    if index is not None and index.only:
        clusters = ""
    else:
        bucket = BucketWork(keys, layout, options.memory_bytes)
        tasks = layout.bands * layout.parts
        drafts.append(_work(f"{name}-bucket", bucket, EDGES, tasks, (keys,), costs.bucket()))
        drafts += cluster_drafts(
            name, layout, options.memory_bytes, partitions, matched, keys, costs
        )
        if options.verification is not None:
            from winnow.dedup.verifying.steps import verify_drafts

            # a shard's own keys: it looks up the preferences of its documents alone
            drafts += verify_drafts(
                context, options.verification, signed, clusters, matched, layout,
                options.memory_bytes,
            )  # fmt: skip
            clusters = drafts[-1].name
    verification = options.verification if clusters else None
    compared = verification is not None and verification.verify == "jaccard"
    select = SelectWork(clusters, options.reason, matched, compared, options.rehydration)
    drafts.append(
        Draft(
            name=name, kind="verdicts", work=select, schema=select.schema,
            shard_count=context.document_shards,
            reads=tuple(step for step in (clusters, matched) if step),
            cost=costs.select(select.schema, partitions),
        )
    )  # fmt: skip
    return drafts


def cluster_drafts(
    name: str, layout: KeyLayout, memory_bytes: int, count: int, matched: str = "",
    keys: str = "", costs: Costs | None = None,
) -> list[Draft]:  # fmt: skip
    """One step, or for ``count`` partitions: route, eliminate from the last partition to the first,
    label back, cluster. ``matched``: the step that found documents of an index, if there is one.
    ``keys``: the step that wrote the keys, ``name-sign`` where empty."""
    keys = keys or f"{name}-sign"
    edges, clusters = f"{name}-bucket", f"{name}-cluster"
    known = (matched,) if matched else ()
    if count == 1:
        one = ClusterWork(keys, edges, layout, memory_bytes // CLUSTERED_BYTES, name, matched)
        cost = costs.one_task() if costs else None
        return [_work(clusters, one, CLUSTERS, 1, (keys, edges, *known), cost)]
    route = f"{name}-route"
    eliminated = tuple(f"{name}-eliminate-{p:03d}" for p in range(count))
    labelled = tuple(f"{name}-label-{p:03d}" for p in range(count))
    # half for its own documents, half for those whose edges are contracted; routing, which runs
    # side by side, takes half of that, with little less to show for it
    nodes_at_once = memory_bytes // 2 // HELD_NODE_BYTES
    most_nodes = memory_bytes // 2 // NODE_BYTES
    tasks = min(count, layout.bands * layout.parts)
    routing = RouteWork(keys, edges, layout, count, tasks, nodes_at_once // 2)
    drafts = [
        _work(route, routing, EDGES, tasks, (keys, edges), costs.route(tasks) if costs else None)
    ]
    cost = costs.eliminate(tasks, count) if costs else None
    for p in reversed(range(count)):
        later = eliminated[p + 1 :]
        eliminate = EliminateWork(
            keys, route, later, layout, p, count, nodes_at_once, most_nodes, name, matched
        )
        reads = (keys, route, *later, *known)
        drafts.append(_work(eliminated[p], eliminate, EDGES, 1, reads, cost))
    cost = costs.label(count) if costs else None
    for p in range(count):
        label = LabelWork(eliminated[p:], labelled[:p], p, count)
        reads = (*eliminated[p:], *labelled[:p])
        drafts.append(_work(labelled[p], label, CLUSTERS, 1, reads, cost))
    join = JoinWork(eliminated, labelled)
    reads = (*eliminated, *labelled)
    return [
        *drafts,
        _work(clusters, join, CLUSTERS, count, reads, costs.join(count) if costs else None),
    ]


def _work(
    name: str, work: Work, schema: pa.Schema, shard_count: int, reads: tuple[str, ...],
    cost: Cost | None = None,
) -> Draft:  # fmt: skip
    return Draft(
        name=name, kind="work", work=work, schema=schema, format="arrow",
        shard_count=shard_count, reads=reads, uses_view=False, cost=cost,
    )  # fmt: skip
