"""Duplicated windows → spans of bytes, and the documents without them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from winnow.dedup.within.occurrences import OccurrenceReader
from winnow.dedup.within.substring_anchors import ClosedAnchors, Duplicated, find_duplicated
from winnow.dedup.within.substring_units import Secrets, WindowShape, text_bytes
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.schema import KEPT
from winnow.store.manifest import Store

Action = Literal["remove", "mask", "annotate"]
KeepCopies = Literal["first", "none"]

UNIQUE_BYTES, UNIQUE_WORDS = "unique_bytes", "unique_words"

_SPAN = pa.struct(
    [pa.field("start", pa.int64(), nullable=False), pa.field("end", pa.int64(), nullable=False)]
)
SUBSTRING_VERDICTS = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),
        # "kept", the measure that too little is left by, or null: an earlier step had rejected the
        # document already; then the columns below are null too
        pa.field("verdict", pa.string()),
        # of the text's UTF-8 as it was before this step, ascending, end exclusive
        pa.field("duplicate_spans", pa.list_(pa.field("item", _SPAN, nullable=False))),
        pa.field("duplicate_span_count", pa.int64()),
        pa.field("duplicate_bytes_share", pa.float64()),  # bytes in spans, over bytes; 0 of none
        pa.field(UNIQUE_BYTES, pa.int64()),  # outside spans
    ]
)
_UNIQUE_WORDS = pa.field(UNIQUE_WORDS, pa.int64())  # of white space, spans taken as white space
_REWRITES = (
    pa.field("text", pa.large_string()),  # null: as it was
    pa.field("text_bytes", pa.int64()),  # of it in UTF-8; null: as it was
)


@dataclass(frozen=True)
class Spans:
    """Spans of bytes of some documents, ascending by document and start, none touching; int64."""

    rows: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    def of_rows(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """By document, int64[count + 1] offsets into the spans, and int64[count] each: their
        number, their bytes."""
        numbers = np.bincount(self.rows, minlength=count).astype(np.int64)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(numbers)])
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.ends - self.starts)])
        return offsets, numbers, np.diff(before[offsets])


Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


def united(*spans: Columns) -> Columns:
    """The union of (rows, starts, ends), int64, each ascending by row and start: the same, spans
    that touch as one."""
    few = [_joined(*columns) for columns in spans]
    rows, starts, ends = (np.concatenate(columns) for columns in zip(*few, strict=True))
    order = np.lexsort((starts, rows))
    return _joined(rows[order], starts[order], ends[order])


def _joined(rows: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> Columns:
    if not len(rows):
        return rows, starts, ends
    room = int(ends.max()) + 1  # so that spans of two documents never touch
    reach = np.maximum.accumulate(ends + rows * room)
    new = np.ones(len(rows), bool)
    new[1:] = starts[1:] + rows[1:] * room > reach[:-1]
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(rows)) - 1
    return rows[first], starts[first], reach[last] - rows[first] * room


@dataclass(frozen=True)
class SpanWork(PlainWork):
    """Spans, verdicts and new texts of a shard of documents."""

    found: str
    repeats: str
    matches: str
    """Name of the step that found which windows are there twice."""
    shape: WindowShape
    keep: KeepCopies
    action: Action
    mark: str
    min_bytes: int
    min_words: int
    version: ClassVar[int] = 1

    @property
    def schema(self) -> pa.Schema:
        """Columns of the store, which depend on what was asked for."""
        words = [_UNIQUE_WORDS] if self.min_words else []
        rewrites = [] if self.action == "annotate" else _REWRITES
        return pa.schema([*SUBSTRING_VERDICTS, *words, *rewrites])

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view = inputs.view.open()
        secrets = Secrets.of(view.documents)
        found = OccurrenceReader(Store.open(inputs.stores[self.found]))
        closed = ClosedAnchors(Store.open(inputs.stores[self.repeats]))
        matches = OccurrenceReader(Store.open(inputs.stores[self.matches]))

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            verdicts = [KEPT, UNIQUE_BYTES, *([UNIQUE_WORDS] if self.min_words else [])]
            for name in (*(f"verdict.{v}" for v in verdicts), *_COUNTED):
                tally.count(name, 0)
            for batch, considered in view.masked(index, ["doc_id", "text"]):
                alive = batch.filter(considered)
                anchors = find_duplicated(alive, found, self.shape, secrets)
                spans = _NO_SPANS
                if anchors is not None:
                    spans = self._spans(alive.column("doc_id").to_numpy(), anchors, closed, matches)
                kept = self._judged(alive, spans, tally)
                yield _spread(batch.column("doc_id"), considered, kept, self.schema)

        return task

    def _spans(
        self, doc_ids: np.ndarray, anchors: Duplicated, closed: ClosedAnchors,
        matches: OccurrenceReader,
    ) -> Spans:  # fmt: skip
        """What is not to be kept of the documents ``doc_ids``."""
        least = 1 if self.keep == "first" else 0
        texts, length = anchors.texts, self.shape.length
        contexts = anchors[closed.ranks(anchors) >= least]
        windows = matches.between(int(texts.doc_ids[0]), int(texts.doc_ids[-1]))
        chosen = windows["rank"] >= least
        firsts = windows["position"][chosen].astype(np.int64)
        rows = np.searchsorted(texts.doc_ids, windows["doc_id"][chosen])
        begins = contexts.first_windows
        rows, starts, ends = united(
            (rows, firsts, firsts + length),
            (contexts.rows, begins, begins + contexts.context_lengths),
        )
        rows, starts, ends = texts.byte_spans(rows, starts, ends)
        return Spans(np.searchsorted(doc_ids, texts.doc_ids[rows]), starts, ends)

    def _judged(self, alive: pa.RecordBatch, spans: Spans, tally: Tally) -> dict[str, pa.Array]:
        """The columns behind ``doc_id`` for documents that are all considered."""
        texts = _Texts(alive.column("text"), spans)
        unique = texts.sizes - texts.duplicate_bytes
        broken = (texts.span_counts > 0) & (unique < self.min_bytes)
        verdicts = np.where(broken, UNIQUE_BYTES, KEPT).astype(object)
        columns = {
            "duplicate_spans": texts.span_lists(),
            "duplicate_span_count": pa.array(texts.span_counts),
            "duplicate_bytes_share": pa.array(texts.duplicate_bytes / np.maximum(texts.sizes, 1)),
            UNIQUE_BYTES: pa.array(unique),
        }
        if self.min_words:
            words = texts.unique_words()
            verdicts[~broken & (texts.span_counts > 0) & (words < self.min_words)] = UNIQUE_WORDS
            columns[UNIQUE_WORDS] = pa.array(words)
        kept = verdicts == KEPT
        if self.action != "annotate":
            changed = np.flatnonzero(kept & (texts.span_counts > 0))
            mark = self.mark.encode() if self.action == "mask" else b""
            new: list[bytes | None] = [None] * len(kept)
            for row in changed.tolist():
                new[row] = texts.without(row, mark)
            columns["text"] = pa.array(new, pa.large_binary()).cast(pa.large_string())
            columns["text_bytes"] = pa.array(
                [None if t is None else len(t) for t in new], pa.int64()
            )
            tally.count("removed_bytes", int(texts.duplicate_bytes[changed].sum()))
        for reason, number in zip(*np.unique(verdicts, return_counts=True), strict=True):
            tally.count(f"verdict.{reason}", int(number))
        tally.count("bytes", int(texts.sizes.sum()))
        tally.count("spans", len(spans.rows))
        tally.count("duplicate_bytes", int(texts.duplicate_bytes.sum()))
        return {"verdict": pa.array(verdicts, pa.string()), **columns}


_COUNTED = ("bytes", "spans", "duplicate_bytes", "removed_bytes")
_NO_SPANS = Spans(*(np.zeros(0, np.int64) for _ in range(3)))


class _Texts:
    """Texts with spans in them; arrays of their number."""

    def __init__(self, texts: pa.Array, spans: Spans) -> None:
        self._data, self._offsets = text_bytes(texts)
        self._spans = spans
        self.sizes = np.diff(self._offsets)
        self._firsts, self.span_counts, self.duplicate_bytes = spans.of_rows(len(texts))

    def span_lists(self) -> pa.Array:
        items = pa.StructArray.from_arrays(
            [pa.array(self._spans.starts), pa.array(self._spans.ends)], fields=list(_SPAN)
        )
        kind = SUBSTRING_VERDICTS.field("duplicate_spans").type
        return pa.ListArray.from_arrays(pa.array(self._firsts, pa.int32()), items, type=kind)

    def without(self, row: int, mark: bytes) -> bytes:
        """The text, each span replaced by ``mark``."""
        text = self._data[self._offsets[row] : self._offsets[row + 1]].tobytes()
        some = slice(self._firsts[row], self._firsts[row + 1])
        starts, ends = self._spans.starts[some].tolist(), self._spans.ends[some].tolist()
        return mark.join(
            text[start:end] for start, end in zip([0, *ends], [*starts, len(text)], strict=True)
        )

    def unique_words(self) -> np.ndarray:
        """int64, words outside spans."""
        from winnow.text.spans import space_words

        count = len(self.sizes)
        *_, offsets = space_words(self._data, self._offsets, np.arange(count))
        words = np.diff(offsets)
        for row in np.flatnonzero(self.span_counts).tolist():
            words[row] = len(self.without(row, b" ").decode().split())
        return words


def _spread(
    doc_ids: pa.Array, considered: pa.Array, kept: dict[str, pa.Array], schema: pa.Schema
) -> pa.RecordBatch:
    """The columns of the considered rows, among nulls for the others."""
    alive = considered.to_numpy(zero_copy_only=False)
    places = pa.array(np.cumsum(alive) - 1, pa.int64(), mask=~alive)
    columns = [kept[name].take(places) for name in schema.names[1:]]
    return pa.record_batch([doc_ids, *columns], schema=schema)
