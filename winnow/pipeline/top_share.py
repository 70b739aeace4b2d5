"""Exactly the best share of a run: where the cut lies, found over all shards in bounded memory.

The best 10 % of a run are known only when every document has its score, and a threshold guessed
from a sample keeps some other share. So two steps find the cut before the ledger applies it:

scores   a shard of documents a task: how many documents, and how much of what is counted, lie in
         each bin of the score (256 bins to a factor of two), by measure and label
cuts     one task: adds the bins up, finds the one that the cut falls into, and reads again the
         documents of that bin alone, in the shards that have any

What is ranked. The documents that no limit of the ledger rejects, that no earlier step has
rejected, and whose extraction had no problem. Several top shares of one ledger are each taken of
these same documents. A document without a score (null) is not ranked: it does not count, and it is
kept, as a null measure passes every bound.

In what order. Higher scores first; equal ones by ``keyed_hash(doc_id, 0)``, smaller first: no two
documents are equal, and whether a document is kept depends on neither shards nor workers.

How many. The longest prefix of that order whose documents, or whose sum of the column ``by`` (whole
numbers, 0 or more; null is 0), come to at most ``share`` of the total. Of 1,004 documents
the best 0.1 are therefore 100, and where the next document is longer than what is left, the prefix
ends before it. ``share`` is meant as written: 0.1 is one tenth, not the binary fraction next to it.

Memory of the second step, whatever the number of documents: 48 bytes a bin that is not empty (256
for each factor of two that scores span, times labels: 5 MB for 20 languages, 100 MB for 400 over
a span of a trillion), 50 MB while bins are refined, 150 MB while documents are sorted. A bin with
more than ``COLLECTED_ROWS`` documents (many equal scores) is divided by 2^14 and read again; time
is one pass over the columns concerned for each, about a million documents a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from winnow.errors import StageError
from winnow.hashing import keyed_hash
from winnow.pipeline.bounds import TIE_SEED, Bound, without_top
from winnow.pipeline.cut import Cut, score_keys
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Draft, Inputs, PlainWork, TaskFunction
from winnow.pipeline.view import OpenView
from winnow.store.manifest import Store

COARSE_SHIFT = np.uint64(44)  # of a score's 64 bits: sign, exponent and 8 of the fraction are left
COLLECTED_ROWS = 2_000_000  # documents that are held and sorted at a time
REFINED_GROUPS = 64  # whose bins are held at a time, 2^FINE_BITS each

SCORES = pa.schema(
    [
        pa.field("measure", pa.string(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("bin", pa.uint64(), nullable=False),
        pa.field("documents", pa.int64(), nullable=False),
        pa.field("weight", pa.int64(), nullable=False),  # sum of `by`; the documents without one
        pa.field("best", pa.uint64(), nullable=False),  # least key of the bin, see `score_keys`
        pa.field("worst", pa.uint64(), nullable=False),
    ]
)
CUTS = pa.schema(
    [
        pa.field("measure", pa.string(), nullable=False),
        pa.field("label", pa.string()),  # null: of documents without a label, or of all
        pa.field("score", pa.float64(), nullable=False),  # of the last document kept
        pa.field("tie", pa.uint64(), nullable=False),  # its hash; of equal scores none above stays
        pa.field("documents", pa.int64(), nullable=False),  # kept
        pa.field("weight", pa.int64(), nullable=False),  # theirs
        pa.field("share", pa.float64(), nullable=False),  # of the total weight: what was reached
    ]
)

Cuts = dict[str, tuple[tuple[str | None, float, int], ...]]


def cut_drafts(
    name: str, bounds: tuple[Bound, ...], shard_count: int, reads: tuple[str, ...]
) -> list[Draft]:
    """The two steps that find the cuts of the top shares among ``bounds``, a ledger's bounds in
    order; the second is called ``name``. ``reads`` are the steps that both wait for."""
    scores = f"{name}-scores"
    return [
        Draft(
            name=scores,
            kind="work",
            work=ScoresWork(bounds),
            schema=SCORES,
            shard_count=shard_count,
            reads=reads,
            label=f"{name}: scores",
        ),
        Draft(
            name=name,
            kind="work",
            work=CutsWork(bounds, scores),
            schema=CUTS,
            shard_count=1,
            reads=(*reads, scores),
        ),
    ]


def read_cuts(store: Store) -> Cuts:
    """Measure → (label, score, tie) of every group, from the store of the second step."""
    found: Cuts = {}
    for row in store.table().to_pylist():
        cut = (row["label"], row["score"], row["tie"])
        found[row["measure"]] = (*found.get(row["measure"], ()), cut)
    return found


def resolve(bounds: tuple[Bound, ...], cuts: Cuts) -> tuple[Bound, ...]:
    """``bounds`` with the cuts of their top shares filled in."""
    return tuple(
        bound
        if bound.top is None
        else replace(bound, top=replace(bound.top, cuts=cuts.get(bound.measure, ())))
        for bound in bounds
    )


@dataclass(frozen=True)
class ScoresWork(PlainWork):
    """How a shard's scores are distributed: rows of ``SCORES`` by measure, label and bin."""

    bounds: tuple[Bound, ...]
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view = inputs.view.open()

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            bins = _Bins()
            tally.count("ranked", 0)
            for ranked in ranked_documents(view, index, self.bounds):
                tally.count("ranked", len(ranked.keys))
                bins.add(ranked, ranked.keys >> COARSE_SHIFT, ranked.keys)
            yield from bins.table().to_batches()

        return task


@dataclass(frozen=True)
class CutsWork(PlainWork):
    """Rows of ``CUTS``, by measure in the order of the bounds, then by label."""

    bounds: tuple[Bound, ...]
    scores: str
    """Name of the step that has counted them."""
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view = inputs.view.open()
        scores = Store.open(inputs.stores[self.scores])

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            cuts = _first_cuts(scores, self.bounds)
            tally.count("passes", 0)
            while waiting := [cut for cut in cuts if not cut.closed]:
                tally.count("passes")
                _one_pass(waiting, view, self.bounds)
            yield pa.RecordBatch.from_pylist([cut.row() for cut in cuts], CUTS)

        return task


@dataclass(frozen=True)
class Ranked:
    """Documents of one batch that a top share ranks: arrays of one length."""

    measure: str
    labels: pa.Array
    keys: npt.NDArray[np.uint64]
    ties: npt.NDArray[np.uint64]
    weights: npt.NDArray[np.int64]

    def take(self, rows: npt.NDArray[np.int64]) -> Ranked:
        return Ranked(
            self.measure,
            self.labels.take(pa.array(rows)),
            self.keys[rows],
            self.ties[rows],
            self.weights[rows],
        )


def ranked_documents(view: OpenView, shard: int, bounds: tuple[Bound, ...]) -> Iterator[Ranked]:
    """The ranked documents of a shard, for every top share among ``bounds`` in turn."""
    tops = [bound for bound in bounds if bound.top is not None]
    limits = without_top(bounds)
    columns = dict.fromkeys(name for bound in bounds for name in bound.columns())
    wanted = list(dict.fromkeys(["doc_id", "extract_problem", *columns]))
    for batch, considered in view.masked(shard, wanted):
        alive = pc.and_(considered, pc.is_null(batch.column("extract_problem")))
        kept = alive.to_numpy(zero_copy_only=False).copy()
        for limit in limits:
            kept &= limit.margins(batch)[0] >= 0
        batch = batch.filter(pa.array(kept))
        for bound in tops:
            rows = batch.filter(pc.is_valid(batch.column(bound.measure)))
            if rows.num_rows:
                yield rank(rows, bound, shard)


def rank(batch: pa.RecordBatch, bound: Bound, shard: int) -> Ranked:
    top = bound.top
    assert top is not None
    scores = batch.column(bound.measure).cast(pa.float64()).to_numpy(zero_copy_only=False)
    ties = keyed_hash(batch.column("doc_id").to_numpy(zero_copy_only=False), TIE_SEED)
    labels = pa.nulls(batch.num_rows, pa.string())
    if top.per is not None:
        labels = batch.column(top.per).cast(pa.string())
    weights = np.ones(batch.num_rows, np.int64)
    if top.by is not None:
        column = batch.column(top.by)
        if not pa.types.is_integer(column.type):
            raise StageError(
                f"top share of '{bound.measure}': by = '{top.by}' is of type {column.type}",
                stage=bound.measure,
                remedy="Count a column of whole numbers, e.g. text_bytes, or leave `by` out.",
            )
        weights = pc.fill_null(column.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
        if weights.min() < 0:
            raise StageError(
                f"top share of '{bound.measure}': '{top.by}' is below 0 in shard {shard}",
                stage=bound.measure,
                where=f"shard {shard}",
                remedy="Only what cannot be negative can be shared out.",
            )
    return Ranked(bound.measure, labels, score_keys(scores), ties, weights)


class _Bins:
    """Sums over (measure, label, bin), added to batch by batch."""

    HELD_ROWS = 1 << 17

    def __init__(self) -> None:
        self._parts: list[pa.Table] = []
        self._rows = 0

    def add(
        self, ranked: Ranked, bins: npt.NDArray[np.uint64], values: npt.NDArray[np.uint64]
    ) -> None:
        """One bin a document; ``values`` are what the bins divide."""
        rows = len(bins)
        arrays = [
            pa.array([ranked.measure], pa.string()).take(pa.array(np.zeros(rows, np.int64))),
            ranked.labels,
            bins,
            np.ones(rows, np.int64),
            ranked.weights,
            values,
            values,
        ]
        self.add_table(pa.table(arrays, schema=SCORES))

    def add_table(self, table: pa.Table) -> None:
        self._parts.append(table)
        self._rows += table.num_rows
        if self._rows > self.HELD_ROWS:
            self._parts = [self._summed()]
            self._rows = max(0, self._parts[0].num_rows // 2)  # sum again when they have doubled

    def _summed(self) -> pa.Table:
        if not self._parts:
            return SCORES.empty_table()
        sums = [("documents", "sum"), ("weight", "sum"), ("best", "min"), ("worst", "max")]
        summed = (
            pa.concat_tables(self._parts)
            .group_by(["measure", "label", "bin"], use_threads=False)
            .aggregate(sums)
        )
        names = ["measure", "label", "bin", *(f"{name}_{how}" for name, how in sums)]
        return pa.table([summed.column(name) for name in names], schema=SCORES)

    def table(self) -> pa.Table:
        """A row a bin that has documents, by measure, label (null last) and bin."""
        order = [("measure", "ascending"), ("label", "ascending"), ("bin", "ascending")]
        return self._summed().sort_by(order)


def _first_cuts(scores: Store, bounds: tuple[Bound, ...]) -> list[Cut]:
    """A cut for each measure and label, narrowed down to a bin, and the shards with any of it."""
    bins = _Bins()
    for batch in scores.batches():
        bins.add_table(pa.Table.from_batches([batch], SCORES))
    merged = bins.table()
    shares = {b.measure: Fraction(repr(b.top.share)) for b in bounds if b.top is not None}
    cuts = [
        Cut.first(measure, label, shares[measure], of_label)
        for measure in shares
        for label, of_label in _by_label(merged.filter(pc.equal(merged["measure"], measure)))
    ]
    waiting = {(cut.measure, cut.label): cut for cut in cuts if not cut.closed}
    bin_of = {name: cut.key >> int(COARSE_SHIFT) for name, cut in waiting.items()}
    coarse = pa.array(sorted(set(bin_of.values())), pa.uint64())
    for shard in range(len(scores.shards)):
        for batch in scores.batches(["measure", "label", "bin"], shard):
            for row in batch.filter(pc.is_in(batch.column("bin"), coarse)).to_pylist():
                name = (row["measure"], row["label"])
                if bin_of.get(name) == row["bin"]:
                    waiting[name].shards.add(shard)
    return cuts


def _by_label(table: pa.Table) -> Iterator[tuple[str | None, pa.Table]]:
    """The runs of equal labels of a table that is sorted by them."""
    labels = table["label"].combine_chunks()
    start = 0
    for run in pc.run_end_encode(labels).run_ends.to_pylist() if len(labels) else ():
        yield labels[start].as_py(), table.slice(start, run - start)
        start = run


def _one_pass(waiting: list[Cut], view: OpenView, bounds: tuple[Bound, ...]) -> None:
    """Read the documents of the waiting cuts' intervals once, and narrow or close every cut that
    there is room for: small intervals are sorted, large ones divided into bins."""
    collected, refined = _choose(waiting)
    by_measure: dict[str, list[Cut]] = {}
    for cut in (*collected, *refined):
        by_measure.setdefault(cut.measure, []).append(cut)
    bins = _Bins()
    held: dict[int, list[Ranked]] = {id(cut): [] for cut in collected}
    for shard in sorted(set().union(*(cut.shards for cut in (*collected, *refined)))):
        for ranked in ranked_documents(view, shard, bounds):
            cuts = by_measure.get(ranked.measure)
            if cuts is None:
                continue
            own = pa.array([cut.label for cut in cuts], pa.string())
            codes = pc.fill_null(pc.index_in(ranked.labels, own), -1).to_numpy()
            low, high, shift, in_ties, score = (
                np.array(values)[codes]
                for values in zip(*(cut.interval() for cut in cuts), strict=True)
            )
            values = np.where(in_ties, ranked.ties, ranked.keys)
            inside = (codes >= 0) & (values >= low) & (values <= high)
            inside &= ~in_ties | (ranked.keys == score)
            for code in np.unique(codes[inside]):
                cut = cuts[code]
                rows = np.flatnonzero(inside & (codes == code))
                some = ranked.take(rows)
                if id(cut) in held:
                    held[id(cut)].append(some)
                else:
                    found = values[rows]
                    bins.add(some, (found - low[rows]) >> shift[rows], found)
    table = bins.table()
    for cut in refined:
        of_measure = table.filter(pc.equal(table["measure"], cut.measure))
        cut.narrow(next(t for label, t in _by_label(of_measure) if label == cut.label))
    for cut in collected:
        parts = held[id(cut)]
        cut.close_with(
            np.concatenate([part.keys for part in parts]),
            np.concatenate([part.ties for part in parts]),
            np.concatenate([part.weights for part in parts]),
        )


def _choose(waiting: list[Cut]) -> tuple[list[Cut], list[Cut]]:
    """The cuts whose documents fit together, smallest first; then the smallest of the others."""
    collected: list[Cut] = []
    refined: list[Cut] = []
    room = COLLECTED_ROWS
    for cut in sorted(waiting, key=lambda cut: cut.count):
        if cut.count <= room:
            collected.append(cut)
            room -= cut.count
        elif cut.count > COLLECTED_ROWS and len(refined) < REFINED_GROUPS:
            refined.append(cut)
    return collected, refined
