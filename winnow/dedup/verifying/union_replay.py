"""Whom datatrove 0.10 keeps: the root of its union of pairs, found by doing it again.

Source: datatrove/pipeline/dedup/minhash.py, stages 2 and 3. Bands in their order; within a band
the documents by the band's values, then by file and place in it, which is the order of ``doc_id``
where a split is a file. Two neighbours with equal values are a pair (earlier, later). Pairs are
united by size, the first one's root staying where sizes are equal, with path compression, which no
root depends on. Pairs of other clusters do not matter, so each cluster is done for itself.

A document of an index is ``SENTINEL`` to datatrove, under which all that meets it goes; here the
smallest document of the cluster that an index has stays, and verdicts.py rejects it, too.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from winnow.dedup.clustering.node_ids import IN_INDEX
from winnow.dedup.signing.shape import Shape
from winnow.dedup.verifying.members import Members, SetReader

# beside MEMBER_BYTES: a band's values; clusters, the order, what sorting takes, the pairs, the sets
REPLAY_BYTES_PER_ROW_OF_BAND = 8
REPLAY_BYTES = 2 * 8 + 2 * 8 + 2 * 8 + 2 * 8


def replay(members: Members, reader: SetReader, shape: Shape) -> np.ndarray:
    """int64[documents]: number of the document that stays for each, its own if it stays."""
    from winnow.dedup.verifying.union_kernels import roots, unite_by_size

    count = len(members.starts)
    parents = np.arange(count, dtype=np.int64)
    sizes = np.ones(count, np.int64)
    clusters = np.cumsum(members.starts)
    for first, second in _pairs(members, clusters, reader, shape):
        unite_by_size(parents, sizes, first, second)
    roots(parents)
    found = np.flatnonzero(members.starts & (members.preferences == IN_INDEX))
    known = np.full(count, -1, np.int64)
    known[found] = found
    kept = known[np.flatnonzero(members.starts)[clusters - 1]]  # of a cluster, the first's
    return np.where(kept >= 0, kept, parents)


def _pairs(
    members: Members, clusters: np.ndarray, reader: SetReader, shape: Shape
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Numbers of documents, a band at a time."""
    rows = shape.rows_per_band
    for band in range(shape.bands):
        values = reader.columns(members.positions, band * rows, (band + 1) * rows, shape.values)
        by_values = [values[:, row] for row in reversed(range(rows))]
        order = np.lexsort((members.doc_ids, *by_values, clusters))
        first, second = order[:-1], order[1:]
        same = clusters[first] == clusters[second]
        for row in range(rows):
            same &= values[first, row] == values[second, row]
        yield first[same], second[same]
