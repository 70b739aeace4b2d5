"""Which windows of a text may occur twice: those whose anchor does.

A *window* is n successive units of a document (bytes, or words of white space): what has n units or
more and occurs twice is a union of windows that occur twice. They are found without hashing every
window. Of the w = n - k + 1 runs of k units (*grams*) in a window, the one of least hash is its
*anchor* (winnowing: Schleimer, Wilkerson and Aiken 2003). Neighbouring windows have the same one
mostly, so there are about 2 / (w + 1) anchors a unit; two equal windows have anchors of equal hash.
Hence a window whose anchor's hash is there once (among all anchors of the input) occurs once.

*Runs.* Of grams with equal hashes a window keeps the one that the window before it had (robust
winnowing), so that a text of one letter has 2 anchors for w units and not one for each. Two equal
windows of one document might then have one and the same anchor. If they do, the later one holds
its hash a second time, further on: at a gram that came up while the anchor was chosen. The first
such gram is made an anchor, the *pair*; so the hash is there twice all the same.

*Contexts.* The *context* of an anchor is the text of all windows that chose it. Where a hash is
there as often as its anchor's context (with the anchor at the same place in it), all these anchors
are *closed*: no window elsewhere can equal one of theirs, for it would have an anchor of that hash.
So the windows of a closed anchor are duplicates, in the order in which the contexts are, and need
not be written down. Anchors with a pair have no context: by their pair, their hash is there more
often than its contexts are. That is the only case in which equal windows lie at different places of
their contexts: the gram of one window's anchor is then in the other at two places, as its anchor
and after it.

Only the windows of anchors that are duplicated and not closed are hashed one by one: those near the
border of a duplicate, and those of which only one copy goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.within.occurrences import OccurrenceReader, UnitLayout, Units
from winnow.dedup.within.substring_units import Secrets, UnitTexts, WindowShape
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.manifest import Store

WINDOWS_AT_ONCE = 1 << 17
_COUNT_LIMIT = np.uint32((1 << 32) - 1)  # where counts stop counting


@dataclass(frozen=True)
class AnchorWork(PlainWork):
    """All anchors of the kept documents of a shard, as units."""

    shape: WindowShape
    layout: UnitLayout
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        from winnow.dedup.within.substring_kernels import spread

        assert inputs.view is not None
        view = inputs.view.open()
        secrets = Secrets.of(view.documents)

        def pieces(index: int, tally: Tally) -> Iterator[Units]:
            for batch in view.kept(index, ["doc_id", "text"]):
                doc_ids = batch.column("doc_id").to_numpy(zero_copy_only=False)
                texts = UnitTexts(doc_ids, batch.column("text"), self.shape, secrets)
                rows, places, hashes, *_ = texts.choose_anchors()
                spread(hashes)  # the least of many are small, and files are cut by key
                tally.count("documents", len(doc_ids))
                tally.count(self.shape.unit, len(texts.symbols))
                tally.count("anchors", len(rows))
                yield hashes, np.zeros(len(rows), np.uint64), doc_ids[rows], places

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for name in ("documents", self.shape.unit, "anchors"):
                tally.count(name, 0)
            yield from self.layout.groups(pieces(index, tally))

        return task


@dataclass(frozen=True)
class Duplicated:
    """The documents of a batch that have duplicated anchors, and these anchors; arrays of one
    length, ascending by document and place. Pairs that no window chose are left out."""

    texts: UnitTexts
    rows: np.ndarray
    """int64, the document's number in ``texts``."""
    places: np.ndarray
    """int64, of the anchor in its document."""
    first_windows: np.ndarray
    """int64, start of the first window that chose it."""
    window_counts: np.ndarray
    """int64, windows that chose it."""
    paired: np.ndarray
    counts: np.ndarray
    """uint32, how often the hash is there."""

    def __getitem__(self, mask: np.ndarray) -> Duplicated:
        names = ("rows", "places", "first_windows", "window_counts", "paired", "counts")
        return Duplicated(self.texts, *(getattr(self, name)[mask] for name in names))

    @property
    def doc_ids(self) -> np.ndarray:
        doc_ids: np.ndarray = self.texts.doc_ids[self.rows]
        return doc_ids

    @property
    def context_lengths(self) -> np.ndarray:
        return self.window_counts + (self.texts.shape.length - 1)


def find_duplicated(
    batch: pa.RecordBatch, found: OccurrenceReader, shape: WindowShape, secrets: Secrets
) -> Duplicated | None:
    """Of the documents ``doc_id``, ``text`` of ``batch``; None where no anchor is there twice."""
    doc_ids = batch.column("doc_id").to_numpy(zero_copy_only=False)
    if not len(doc_ids):
        return None
    rows = found.between(int(doc_ids[0]), int(doc_ids[-1]))
    wanted = np.isin(doc_ids, rows["doc_id"])
    if not wanted.any():
        return None
    texts = UnitTexts(
        doc_ids[wanted], batch.column("text").filter(pa.array(wanted)), shape, secrets
    )
    numbers, places, _, firsts, counts, paired = texts.choose_anchors()
    anchors = Duplicated(
        texts, numbers, places.astype(np.int64), firsts.astype(np.int64), counts.astype(np.int64),
        paired, np.zeros(len(numbers), np.uint32),
    )  # fmt: skip
    where, there = look_up(rows, anchors)
    anchors.counts[there] = rows["count"][where[there]]
    return anchors[there & (anchors.window_counts > 0)]


def look_up(rows: dict[str, np.ndarray], anchors: Duplicated) -> tuple[np.ndarray, np.ndarray]:
    """(int64, the anchor's place in ``rows``; bool, whether it is there) for occurrences ``rows``
    of documents that are all in ``anchors.texts``."""
    documents = np.searchsorted(anchors.texts.doc_ids, rows["doc_id"]).astype(np.uint64)
    known = (documents << np.uint64(32)) | rows["position"]
    asked = (anchors.rows << 32 | anchors.places).astype(np.uint64)
    where = np.searchsorted(known, asked)
    where[where == len(known)] = 0
    there = known[where] == asked if len(known) else np.zeros(len(asked), bool)
    return where, there


@dataclass(frozen=True)
class DuplicatedWork(PlainWork):
    """Units of what stands around the duplicated anchors of a shard."""

    found: str
    """Name of the step that found which anchors are duplicated."""
    shape: WindowShape
    layout: UnitLayout

    def duplicated(self, inputs: Inputs) -> Callable[[int], Iterator[Duplicated]]:
        """A function from a shard to its duplicated anchors, a row group at a time."""
        assert inputs.view is not None
        view = inputs.view.open()
        secrets = Secrets.of(view.documents)
        found = OccurrenceReader(Store.open(inputs.stores[self.found]))

        def of_shard(index: int) -> Iterator[Duplicated]:
            for batch in view.kept(index, ["doc_id", "text"]):
                anchors = find_duplicated(batch, found, self.shape, secrets)
                if anchors is not None:
                    yield anchors

        return of_shard


@dataclass(frozen=True)
class ContextWork(DuplicatedWork):
    """Their contexts, as units with the anchor's position."""

    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        duplicated = self.duplicated(inputs)

        def pieces(index: int, tally: Tally) -> Iterator[Units]:
            for every in duplicated(index):
                tally.count("duplicated_anchors", len(every.rows))
                anchors = every[~every.paired]
                tally.count("contexts", len(anchors.rows))
                tails = anchors.places - anchors.first_windows + 1
                keys, checks = anchors.texts.hash_ranges(
                    anchors.rows, anchors.first_windows, anchors.context_lengths, tails
                )
                yield keys, checks, anchors.doc_ids, anchors.places.astype(np.uint32)

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for name in ("duplicated_anchors", "contexts"):
                tally.count(name, 0)
            yield from self.layout.groups(pieces(index, tally))

        return task


class ClosedAnchors:
    """Tells which anchors are closed, by the store of contexts that are there twice."""

    def __init__(self, repeats: Store) -> None:
        self._reader = OccurrenceReader(repeats)

    def ranks(self, anchors: Duplicated) -> np.ndarray:
        """int64: -1 of an anchor that is not closed, else the number of its context among the
        equal ones, 0 for the first of the input."""
        doc_ids = anchors.texts.doc_ids
        rows = self._reader.between(int(doc_ids[0]), int(doc_ids[-1]))
        where, there = look_up(rows, anchors)
        ranks = np.full(len(there), -1, np.int64)
        where = where[there]
        counts = rows["count"][where]
        closed = (counts == anchors.counts[there]) & (counts < _COUNT_LIMIT)
        ranks[there] = np.where(closed, rows["rank"][where].astype(np.int64), -1)
        return ranks


@dataclass(frozen=True)
class WindowWork(DuplicatedWork):
    """The windows of those that are not closed."""

    repeats: str
    """Name of the step that found which contexts are there twice."""
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        duplicated = self.duplicated(inputs)
        closed = ClosedAnchors(Store.open(inputs.stores[self.repeats]))

        def pieces(index: int, tally: Tally) -> Iterator[Units]:
            for anchors in duplicated(index):
                is_open = closed.ranks(anchors) < 0
                tally.count("closed_anchors", len(is_open) - int(is_open.sum()))
                for units in self._windows(anchors[is_open]):
                    tally.count("windows", len(units[0]))
                    yield units

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for name in ("closed_anchors", "windows"):
                tally.count(name, 0)
            yield from self.layout.groups(pieces(index, tally))

        return task

    def _windows(self, anchors: Duplicated) -> Iterator[Units]:
        """All of their windows, some ``WINDOWS_AT_ONCE`` at a time."""
        ends = np.cumsum(anchors.window_counts)
        start = 0
        while start < len(ends):
            before = int(ends[start - 1]) if start else 0
            end = max(start + 1, int(np.searchsorted(ends, before + WINDOWS_AT_ONCE, "right")))
            some = slice(start, end)
            counts = anchors.window_counts[some]
            rows = np.repeat(anchors.rows[some], counts)
            skipped = np.repeat(ends[some] - counts, counts)
            within = np.arange(before, int(ends[end - 1])) - skipped
            firsts = np.repeat(anchors.first_windows[some], counts) + within
            lengths = np.full(len(rows), self.shape.length)
            keys, checks = anchors.texts.hash_ranges(
                rows, firsts, lengths, np.zeros(len(rows), np.int64)
            )
            yield keys, checks, anchors.texts.doc_ids[rows], firsts.astype(np.uint32)
            start = end
