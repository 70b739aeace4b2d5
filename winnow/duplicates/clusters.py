"""The largest clusters of a deduplication, with their documents next to the one that stayed."""

from __future__ import annotations

import heapq
import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winnow.duplicates.blocks import block_store, find_block
from winnow.duplicates.side_by_side import as_html, as_text, pairs
from winnow.errors import StoreError
from winnow.report import table_html
from winnow.store.manifest import Store

if TYPE_CHECKING:
    from winnow.corpus import Corpus


@dataclass(frozen=True)
class Member:
    """A document of a cluster."""

    doc_id: int
    url: str
    verdict: str
    similarity: float | None
    """True Jaccard similarity to the survivor, where the run verified; else None."""
    text: str


@dataclass(frozen=True)
class Cluster:
    """Documents that are near-duplicates (or equal), of which one stayed."""

    cluster_id: int
    size: int
    survivor: Member
    members: list[Member]
    """Some of the others, in the order of the input."""

    def as_text(self, width: int = 120, context: int = 1) -> list[str]:
        """Lines for a terminal: the survivor left, each member shown right."""
        lines = [
            f"cluster {self.cluster_id}: {self.size:,} documents",
            f"  stayed   {self.survivor.url}",
        ]
        for member in self.members:
            lines.append(f"  {_told(member):<8} {member.url}")
            different = as_text(pairs(self.survivor.text, member.text), width - 4, context)
            lines += [f"    {line}" for line in different]
        return lines

    def as_html(self, context: int = 1) -> str:
        """The same for a notebook or a page."""
        parts = [f"<h4>{self.size:,} documents; stayed: {html.escape(self.survivor.url)}</h4>"]
        for member in self.members:
            parts.append(f"<p>{html.escape(_told(member))}: {html.escape(member.url)}</p>")
            parts.append(as_html(pairs(self.survivor.text, member.text), context))
        return "".join(parts)

    def __str__(self) -> str:
        return "\n".join(self.as_text())

    def _repr_html_(self) -> str:
        return self.as_html()

    def as_dict(self, *, text: bool = False) -> dict[str, Any]:
        """As plain data; texts where asked for."""

        def plain(member: Member) -> dict[str, Any]:
            fields = {name: getattr(member, name) for name in ("doc_id", "url", "verdict")}
            fields["similarity"] = member.similarity
            return {**fields, "text": member.text} if text else fields

        return {
            "cluster_id": self.cluster_id,
            "size": self.size,
            "survivor": plain(self.survivor),
            "members": [plain(member) for member in self.members],
        }


def _told(member: Member) -> str:
    return "a copy" if member.similarity is None else f"J {member.similarity:.3f}"


@dataclass(frozen=True)
class Clusters:
    """What a block found: how many clusters of which size, and the largest of them."""

    block: str
    sizes: dict[str, tuple[int, int]]
    """Clusters and their documents, by range of sizes ("2", "3-4", "5-8", …)."""
    largest: list[Cluster]

    def size_lines(self) -> list[str]:
        """The table of sizes as lines."""
        lines = [
            f"{self.block}: clusters by size",
            f"  {'size':<16}{'clusters':>12}{'documents':>14}",
        ]
        if not self.sizes:
            return [f"{self.block} found no two documents that are duplicates"]
        for name, (clusters, documents) in self.sizes.items():
            lines.append(f"  {name:<16}{clusters:>12,}{documents:>14,}")
        return lines

    def __str__(self) -> str:
        return "\n\n".join(["\n".join(self.size_lines()), *map(str, self.largest)])

    def __iter__(self) -> Any:
        return iter(self.largest)

    def _repr_html_(self) -> str:
        rows = [(name, f"{c:,}", f"{d:,}") for name, (c, d) in self.sizes.items()]
        table = table_html(rows, ("cluster size", "clusters", "documents"))
        return table + "".join(each.as_html() for each in self.largest)


def find_clusters(
    corpus: Corpus,
    *,
    block: str | None = None,
    most: int = 5,
    members: int = 3,
    cluster_id: int | None = None,
) -> Clusters:
    """The ``most`` largest clusters of a deduplication of ``corpus`` (or the one ``cluster_id``),
    each with up to ``members`` of its documents besides the survivor.

    Memory: one batch of the cluster store, and what is returned. Raises :class:`StoreError`.
    """
    name = find_block(corpus, block).name
    store = block_store(corpus, f"{name}-verified", f"{name}-cluster")
    sizes, chosen = _sizes(store, most)
    if cluster_id is not None:
        chosen = [cluster_id]
    rows = _rows_of(store, chosen, members)
    if cluster_id is not None and not rows[cluster_id]:
        raise StoreError(
            f"{name} of the run in {corpus.path} has no cluster {cluster_id}",
            remedy="A cluster is called by the smallest doc_id in it; `winnow explain` tells it.",
        )
    wanted = [row["doc_id"] for each in chosen for row in rows[each]]
    wanted += [rows[each][0]["survivor_id"] for each in chosen]
    ids = list(dict.fromkeys(wanted))
    texts = corpus.view_before(f"{name}-sign").rows(ids, ["text"])  # as they were compared
    rows_told = corpus.view.rows(ids, ["doc_id", "url"]).append_column("text", texts.column("text"))
    found = {row["doc_id"]: row for row in rows_told.to_pylist()}

    def member(doc_id: int, similarity: float | None) -> Member:
        row = found[doc_id]
        return Member(doc_id, row["url"], row["verdict"], similarity, row["text"] or "")

    clusters = []
    for each in chosen:
        survivor = rows[each][0]["survivor_id"]
        others = [row for row in rows[each] if row["doc_id"] != survivor][:members]
        clusters.append(
            Cluster(
                each,
                rows[each][0]["cluster_size"],
                member(survivor, None),
                [member(row["doc_id"], row.get("similarity")) for row in others],
            )
        )
    return Clusters(name, sizes, clusters)


def _sizes(store: Store, most: int) -> tuple[dict[str, tuple[int, int]], list[int]]:
    """Clusters by range of sizes, and the ids of the largest."""
    counts: dict[int, list[int]] = {}
    largest: list[tuple[int, int]] = []
    for batch in store.batches(["doc_id", "cluster_id", "cluster_size"]):
        ids, clusters, sizes = (column.to_numpy() for column in batch.columns)
        heads = (ids == clusters) & (sizes > 1)  # verifying may leave clusters of one
        for size in sizes[heads].tolist():
            power = (size - 1).bit_length()
            entry = counts.setdefault(power, [0, 0])
            entry[0] += 1
            entry[1] += size
        order = np.argsort(-sizes[heads].astype(np.int64), kind="stable")[:most]
        best = zip(sizes[heads][order].tolist(), ids[heads][order].tolist(), strict=True)
        largest = heapq.nlargest(most, [*largest, *((size, -head) for size, head in best)])
    ranges = {}
    for power in sorted(counts):
        first, last = (1 << power - 1) + 1, 1 << power
        ranges[f"{first:,}" if first == last else f"{first:,}-{last:,}"] = tuple(counts[power])
    return ranges, [-head for _, head in largest]  # type: ignore[return-value]


def _rows_of(store: Store, clusters: list[int], members: int) -> dict[int, list[dict[str, Any]]]:
    """Of each cluster its first rows: one more than ``members``, in case the survivor is one."""
    found: dict[int, list[dict[str, Any]]] = {each: [] for each in clusters}
    wanted = np.array(clusters, np.uint64)
    for batch in store.batches():
        ids = batch.column("cluster_id").to_numpy()
        for row in batch.take(np.flatnonzero(np.isin(ids, wanted))).to_pylist():
            rows = found[row["cluster_id"]]
            if len(rows) <= members:
                rows.append(row)
    return found
