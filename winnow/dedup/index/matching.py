"""New documents' band keys against those of indexes: who has been there before.

::

    (X-index-0, X-index-1, …) ─► X-match ─► (X-index-pairs) ─► X-matched

A run that is named as an index is made one first (X-index-i: its keys once more, without what it
rejected; `winnow index build` saves that). A task of X-match is for a band and a part of the key
range, as a bucket task: it holds the new documents' keys and streams past them each batch of the
indexes that overlaps their range, once. Of the documents of a file with a key the first counts, so
there is one match for a new document, a band and an index at most, however often a page was copied.

Where matches are to be verified, and an index holds shingles, X-index-pairs are all of them by
document, and X-matched those that are alike (comparing.py).

Memory: ``MATCH_BYTES`` a new key held at once; in several passes over narrower ranges where a part
holds more. What an index holds costs time, never memory: a batch of it is 1 MB.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.costs import Sizes
from winnow.dedup.clustering.key_ranges import ordered
from winnow.dedup.clustering.keys import KeyLayout, key_range
from winnow.dedup.clustering.node_ids import MAX_PARTITIONS
from winnow.dedup.clustering.partitions import Partitions, slot_group
from winnow.dedup.clustering.regrouping import regrouped
from winnow.dedup.index.comparing import (
    COMPARED_MATCHES,
    DOCUMENTS_AT_ONCE,
    IndexCompareWork,
)
from winnow.dedup.index.costs import GATHER_BYTES, MATCH_BYTES, MatchCosts
from winnow.dedup.index.gathering import KeysWork, among
from winnow.dedup.index.key_files import (
    KEYS,
    NUMBERS_PER_SHARD,
    KeyFile,
    Rows,
    shard_count,
)
from winnow.dedup.index.matched import MATCHES, PARTITION_BYTES, MatchedWork
from winnow.dedup.index.option import INDEX_PATHS, IndexFolder, IndexOption
from winnow.dedup.index.runs import RunSource
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Draft, Inputs, PlainWork, PlanContext, TaskFunction
from winnow.store.manifest import Store
from winnow.store.receipts import Receipt

NONE = np.uint64((1 << 64) - 1)
ROWS_PER_GROUP = 1 << 18
MAX_FILES = 1 << 10
"""Of compared matches."""


def match_drafts(
    context: PlanContext, index: IndexOption, keys: str, layout: KeyLayout, memory_bytes: int
) -> list[Draft]:
    """The steps from the ``keys`` to X-matched: which documents ``index`` has, ascending."""
    from winnow.dedup.steps import INPUT_BYTES_PER_SIGNED

    name = context.name
    # a shard of an index that is made within a run: smaller where memory is small
    per_shard = max(1 << 10, min(NUMBERS_PER_SHARD, memory_bytes // GATHER_BYTES))
    documents = context.input_bytes // INPUT_BYTES_PER_SIGNED
    partitions = min(MAX_PARTITIONS, max(1, -(-documents * PARTITION_BYTES // memory_bytes)))
    costs = MatchCosts(
        Sizes.expected(context, layout.bands), layout, memory_bytes, partitions,
        sum(source.numbers for source in index.sources),
    )  # fmt: skip
    drafts, made = [], []
    for number, source in enumerate(index.sources):
        if isinstance(source, IndexFolder):
            made.append("")
            continue
        made.append(f"{name}-index-{number}")
        drafts.append(
            Draft(
                name=made[-1], kind="work", schema=KEYS, format="arrow", uses_view=False,
                work=KeysWork((source,), layout.bands, per_shard),
                shard_count=shard_count(source.numbers, per_shard),
                cost=costs.gather(source.numbers, per_shard),
            )
        )  # fmt: skip
    verification = index.verification
    index = dataclasses.replace(index, verification=None)  # no part of what bands find
    match = MatchWork(keys, layout, index, tuple(made), partitions, memory_bytes)
    matches = f"{name}-match"
    drafts.append(
        Draft(
            name=matches, kind="work", work=match, schema=MATCHES, format="arrow",
            shard_count=layout.bands * layout.parts, uses_view=False,
            reads=(keys, *(step for step in made if step)), cost=costs.match(),
        )
    )  # fmt: skip
    every = verification is not None and index.shingles
    unverified = verification is not None and not every
    joined = MatchedWork(keys, matches, layout, partitions, memory_bytes, every, unverified)
    drafts.append(
        Draft(
            name=f"{name}-index-pairs" if every else f"{name}-matched", kind="work", work=joined,
            schema=MATCHES, format="arrow", shard_count=partitions, uses_view=False,
            reads=(keys, matches), cost=costs.gathered(every=every),
        )
    )  # fmt: skip
    if verification is not None and every:
        files = min(MAX_FILES, context.document_shards)
        shape = verification.shape
        compare = IndexCompareWork(
            drafts[-1].name, index, shape, verification.language_column, verification.similarity,
            files,
        )  # fmt: skip
        drafts.append(
            Draft(
                name=f"{name}-matched", kind="work", work=compare, schema=COMPARED_MATCHES,
                format="arrow", shard_count=files, reads=(drafts[-1].name,),
                cost=costs.compare(shape, DOCUMENTS_AT_ONCE),
            )
        )  # fmt: skip
    return drafts


@dataclass(frozen=True)
class MatchWork(PlainWork):
    """Shard ``band * parts + part``: new documents with a key of an index, by slots of partitions
    of documents (partitions.py), and within a slot by ``doc_id``."""

    keys: str
    layout: KeyLayout
    index: IndexOption
    made: tuple[str, ...]
    """For each source of the index the step that made it one; "" where it was one."""
    partitions: int
    memory_bytes: int
    version: ClassVar[int] = 1
    outside_fingerprint = ("memory_bytes",)  # narrower ranges at once: the same rows

    def open(self, inputs: Inputs) -> TaskFunction:
        store = Store.open(inputs.stores[self.keys])
        layout = self.layout
        cut = Partitions.of(store, layout, self.partitions)
        documents = layout.documents(store)
        passes = max(1, -(-documents * MATCH_BYTES // (layout.parts * self.memory_bytes)))
        parts = list(_open_parts(self, inputs))

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            band, part = divmod(index, layout.parts)
            for name in ("keys", "index_keys", "matches"):
                tally.count(name, 0)
            pieces = layout.parts * passes

            def matches(narrow: int) -> Rows:
                new = _new_keys(store, layout, band, narrow, pieces)
                tally.count("keys", len(new.doc_ids))
                for source in parts:
                    for file in source.files():
                        for rows in file.between(band, key_range(narrow, pieces)):
                            tally.count("index_keys", len(rows[0]))
                            new.meet(*source.having(rows, new.distinct))
                found = new.matches()
                tally.count("matches", len(found[0]))
                return found

            # cut by number alone, so that memory_bytes cannot show
            every = map(matches, range(part * passes, (part + 1) * passes))
            for doc_ids, numbers in regrouped(every, ROWS_PER_GROUP):
                yield from _group(cut, (doc_ids, numbers))

        return task

    def finish(self, inputs: Inputs, receipts: list[Receipt]) -> dict[str, Any]:
        return {INDEX_PATHS: self.index.paths_from(os.path.dirname(inputs.folder))}


def _new_keys(store: Store, layout: KeyLayout, band: int, narrow: int, pieces: int) -> NewKeys:
    """The documents of a band with a key in piece ``narrow`` of all keys, from every shard."""
    part = narrow * layout.parts // pieces
    limits = key_range(narrow, pieces)
    files = []
    for shard in range(len(store.shards)):
        rows = layout.read(store, shard, band, part)
        start = np.searchsorted(rows["key"], np.uint64(limits[0]), "left")
        end = np.searchsorted(rows["key"], np.uint64(limits[1]), "right")
        # copies: a file that is open no more takes no descriptor
        files.append({name: column[start:end].copy() for name, column in rows.items()})
    found = list(ordered(files, narrow, pieces))
    empty = [np.zeros(0, np.uint64)]
    return NewKeys(
        np.concatenate(empty + [rows.keys for rows in found]),
        np.concatenate(empty + [rows.doc_ids for rows in found]),
    )


class NewKeys:
    """Keys of new documents and, for each distinct one, the first document of the indexes."""

    def __init__(self, keys: np.ndarray, doc_ids: np.ndarray) -> None:
        """uint64[rows] both, by key and doc_id."""
        first = np.ones(len(keys), bool)
        first[1:] = keys[1:] != keys[:-1]
        starts = np.flatnonzero(first)
        self.doc_ids = doc_ids
        self.distinct = keys[starts]
        """uint64[distinct], ascending."""
        self._counts = np.diff(starts, append=len(keys))
        self._best = np.full(len(starts), NONE)

    def meet(self, places: np.ndarray, numbers: np.ndarray) -> None:
        """The documents ``numbers`` have the keys at ``places`` of :attr:`distinct`; no place
        twice."""
        self._best[places] = np.minimum(self._best[places], numbers)

    def matches(self) -> Rows:
        """(doc_ids, numbers), uint64, by key and doc_id: those whose key the index has."""
        met = np.repeat(self._best, self._counts)
        rows = met != NONE
        return self.doc_ids[rows], met[rows]


def _group(cut: Partitions, rows: Rows) -> Iterator[pa.RecordBatch]:
    """A group of slots (partitions.py)."""
    doc_ids, numbers = rows
    order = np.lexsort((numbers, doc_ids))
    doc_ids, numbers = doc_ids[order], numbers[order]
    found = {n: (doc_ids[s], numbers[s]) for n, s in enumerate(cut.within(doc_ids))}
    yield from slot_group(MATCHES, len(cut.firsts), found)


class IndexPart:
    """One segment of an index, or a run made into one: its key files, its numbers put in place."""

    def __init__(
        self, keys: Store, bands: int, start: int, shifts: Rows, forgotten: np.ndarray
    ) -> None:
        self._keys, self._bands, self._start = keys, bands, start
        self._firsts, self._shifts = shifts
        self._forgotten = forgotten

    def files(self) -> Iterator[KeyFile]:
        for shard in range(len(self._keys.shards)):
            yield KeyFile.open(self._keys, shard, self._bands)

    def having(self, rows: Rows, distinct: np.ndarray) -> Rows:
        """(places in ``distinct``, ascending, each once; the smallest number with that key) of
        ``rows``, which are by key and number."""
        keys, numbers = rows
        if not len(keys) or not len(distinct):
            return np.zeros(0, np.int64), np.zeros(0, np.uint64)
        # only where the two overlap: an index's batch spans little of the range
        low, high = np.searchsorted(distinct, [keys[0], keys[-1]]).tolist()
        near = distinct[low : high + 1]
        if not len(near):
            return np.zeros(0, np.int64), np.zeros(0, np.uint64)
        if len(near) < len(keys):  # search for the fewer among the more
            starts = np.searchsorted(keys, near, "left")
            ends = np.searchsorted(keys, near, "right")
            counts = ends - starts
            places = np.repeat(np.arange(len(near)), counts)
            offsets = np.cumsum(counts) - counts
            found = np.arange(len(places)) - np.repeat(offsets - starts, counts)
        else:
            places = np.minimum(np.searchsorted(near, keys), len(near) - 1)
            found = np.flatnonzero(near[places] == keys)
            places = places[found]
        numbers = numbers[found]
        alive = ~among(self._forgotten, numbers)
        places, numbers = places[alive], numbers[alive]
        first = np.ones(len(places), bool)
        first[1:] = places[1:] != places[:-1]
        return places[first] + low, self._in_place(numbers[first])

    def _in_place(self, numbers: np.ndarray) -> np.ndarray:
        inner = numbers.astype(np.int64)
        run = np.searchsorted(self._firsts, inner, "right") - 1
        return (inner + self._shifts[run] + self._start).astype(np.uint64)


def _open_parts(work: MatchWork, inputs: Inputs) -> Iterator[IndexPart]:
    bands = work.layout.bands
    for source, made, start in zip(work.index.sources, work.made, work.index.starts, strict=True):
        if isinstance(source, RunSource):
            keys = Store.open(inputs.stores[made])
            whole = np.zeros(1, np.int64), np.zeros(1, np.int64)
            yield IndexPart(keys, bands, start, whole, np.zeros(0, np.uint64))
            continue
        index = source.open()
        for segment in index.segments:
            yield IndexPart(
                index.store(segment, "keys"), bands, start, index.shifts(segment),
                index.tombstones(segment),
            )  # fmt: skip
