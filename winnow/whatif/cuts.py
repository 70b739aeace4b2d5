"""The cuts of bounds on the best of the run, found anew for the documents that other limits keep.

As :mod:`winnow.pipeline.top_share` finds them (same documents, same order, same rounding), but in
memory: some 40 bytes for each ranked document.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.pipeline.bounds import Bound, without_top
from winnow.pipeline.cut import Cut
from winnow.pipeline.top_share import Cuts, Ranked, rank, resolve
from winnow.store.manifest import Store
from winnow.whatif.ledger import codes_of, column, each_shard, plain, read_shard
from winnow.whatif.verdicts import BoundVerdicts


def recut(
    ledger: Store, bounds: tuple[Bound, ...], known: tuple[Bound, ...] = ()
) -> tuple[Bound, ...]:
    """``bounds`` with the cuts of their top shares found in ``ledger``; as they are without any."""
    tops = [bound for bound in bounds if bound.top is not None]
    if not tops:
        return bounds
    limits = BoundVerdicts(without_top(bounds), known)
    needed = [name for bound in tops for name in bound.columns()]
    columns = list(dict.fromkeys([*limits.columns, *needed, "doc_id", "extract_problem"]))

    def of_shard(shard: int) -> list[Ranked]:
        table = read_shard(ledger, shard, columns)
        kept = limits.of(shard, table).codes == 0
        problem = pc.is_null(column(table, "extract_problem"))
        kept &= problem.to_numpy(zero_copy_only=False)
        arrays = {name: plain(column(table, name)) for name in dict.fromkeys([*needed, "doc_id"])}
        batch = pa.record_batch(list(arrays.values()), names=list(arrays)).filter(pa.array(kept))
        ranked = []
        for bound in tops:
            rows = batch.filter(pc.is_valid(batch.column(bound.measure)))
            if rows.num_rows:
                ranked.append(rank(rows, bound, shard))
        return ranked

    by_measure: dict[str, list[Ranked]] = {}
    for ranked in each_shard(len(ledger.shards), of_shard):
        for part in ranked:
            by_measure.setdefault(part.measure, []).append(part)
    cuts: Cuts = {}
    for bound in tops:
        assert bound.top is not None
        share = Fraction(repr(bound.top.share))
        cuts[bound.measure] = tuple(_cuts(by_measure.get(bound.measure, []), share))
    return resolve(bounds, cuts)


def _cuts(parts: list[Ranked], share: Fraction) -> Iterator[tuple[str | None, float, int]]:
    """(label, score, tie) of the last document kept of each label."""
    if not parts:
        return
    labels, codes = codes_of(pa.chunked_array([part.labels for part in parts]).combine_chunks())
    keys = np.concatenate([part.keys for part in parts])
    ties = np.concatenate([part.ties for part in parts])
    weights = np.concatenate([part.weights for part in parts])
    for code in np.unique(codes):
        rows = codes == code
        total = int(weights[rows].sum())
        label = None if code < 0 else labels[code]
        cut = Cut(parts[0].measure, label, math.floor(share * total), total, int(keys[rows].min()))
        cut.close_with(keys[rows], ties[rows], weights[rows])
        row = cut.row()
        yield label, row["score"], row["tie"]
