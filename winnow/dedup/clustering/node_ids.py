"""Documents that have an edge, as a sorted array: which they are, and what they prefer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from winnow.dedup.clustering.keys import KeyLayout, likely_firsts
from winnow.errors import CorruptShard, StageError
from winnow.pipeline.step import Inputs
from winnow.store.manifest import Store

if TYPE_CHECKING:
    from winnow.dedup.index.matched import MatchedReader

_WAITING = 1 << 20
MAX_PARTITIONS = 256
IN_INDEX = np.uint64((1 << 64) - 1)
"""The preference of a document that an index has, which no other has where there is an index."""


def collect_ids(arrays: Iterable[np.ndarray], limit: int | None = None) -> np.ndarray:
    """What occurs in any of ``arrays`` (uint64), ascending, ``uint64[nodes]``.

    New ids wait until they are as many as those known, so that merging costs O(ids log ids) in all
    and a merge holds the result four times at most (40 bytes an id). Stops early, with more than
    ``limit`` ids, where there are so many.
    """
    known = np.zeros(0, np.uint64)
    waiting: list[np.ndarray] = []
    count = 0
    most_waiting = _WAITING if limit is None else max(1, min(_WAITING, limit // 2))
    for array in arrays:
        waiting.append(distinct([array]))
        count += len(waiting[-1])
        if count > max(len(known), most_waiting):
            known = distinct([known, *waiting])
            waiting, count = [], 0
            if limit is not None and len(known) > limit:
                return known
    return distinct([known, *waiting])


def distinct(arrays: list[np.ndarray]) -> np.ndarray:
    """What occurs in any of ``arrays``, ascending; np.unique would sort a further copy."""
    ids = np.concatenate(arrays)
    ids.sort()
    first = np.ones(len(ids), bool)
    first[1:] = ids[1:] != ids[:-1]
    return ids[first]


def node_preferences(
    nodes: np.ndarray, store: Store, layout: KeyLayout, matched: MatchedReader | None = None
) -> np.ndarray:
    """The preference of every node, ``uint64[nodes]``, from the files that hold them.

    Nodes that an index has (``matched``) are preferred to all others: :data:`IN_INDEX`.

    Only files that most likely hold a node are opened; where that does not find all, the others
    are.
    """
    found = np.zeros(len(nodes), np.uint64)
    missing = np.ones(len(nodes), bool)
    likely = np.diff(np.searchsorted(nodes, likely_firsts(store))) > 0
    for shard in [*np.flatnonzero(likely).tolist(), *np.flatnonzero(~likely).tolist()]:
        if not likely[shard] and not missing.any():
            break
        doc_ids, preferences = layout.read_preferences(store, shard)
        if not len(doc_ids):
            continue
        start = np.searchsorted(nodes, doc_ids[0], "left")
        end = np.searchsorted(nodes, doc_ids[-1], "right")
        places = np.searchsorted(doc_ids, nodes[start:end])
        here = doc_ids[places] == nodes[start:end]  # shards' ranges of doc_ids may overlap
        found[start:end][here] = preferences[places[here]]
        missing[start:end][here] = False
    if missing.any():
        raise CorruptShard(
            f"{store.path} lacks {int(missing.sum()):,} documents of the buckets made from it",
            remedy="`winnow verify` names damaged shards; delete them and run again.",
        )
    if matched is not None:
        found = np.minimum(found, IN_INDEX - np.uint64(1))
        found[matched.find(nodes)[0]] = IN_INDEX
    return found


def open_matched(inputs: Inputs, step: str) -> MatchedReader | None:
    """The documents that an index has, by the ``step`` that found them; None where it is ""."""
    if not step:
        return None
    from winnow.dedup.index.matched import MatchedReader

    return MatchedReader(Store.open(inputs.stores[step]))


def too_many_nodes(block: str, where: str, most_nodes: int, enough_partitions: int) -> StageError:
    """More documents have an edge than ``memory_bytes`` of the block have room for."""
    remedy = "Raise memory_bytes of the block."
    if enough_partitions <= MAX_PARTITIONS:
        remedy = (
            f"Set cluster_partitions = {enough_partitions}, which is enough whatever has a "
            "duplicate (signatures and buckets are kept), or raise memory_bytes."
        )
    return StageError(
        f"{block}: more than {most_nodes:,} documents of {where} have a duplicate: too many for "
        "memory_bytes",
        stage=block,
        remedy=remedy,
    )
