"""From packed samples to the flat micro-batches that the model reads.

Shapes: T tokens of a micro-batch (no batch dimension: documents stand one after the other, and
attention is masked to them).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from winnow.errors import CorruptShard
from winnow.tokenize.token_shards import TokenShards
from winnow.train.order import DataOrder, Piece, step_samples

IGNORED = -100  # the label of a position that predicts nothing


@dataclass(frozen=True)
class MicroBatch:
    """Flat tokens of several documents, and what the model must know of them.

    ``positions`` count from 0 in every context; ``doc_start`` is the place in the batch where the
    token's context begins: a token attends from there to itself.
    """

    tokens_T: torch.Tensor  # int64, in [0, vocab_size)
    labels_T: torch.Tensor  # int64, the next token of the same document, or IGNORED
    positions_T: torch.Tensor  # int64, in [0, max_context)
    doc_start_T: torch.Tensor  # int64, in [0, T)

    def to(self, device: torch.device) -> MicroBatch:
        """The same on ``device``; on a GPU the copy overlaps with what is computed there."""
        if device.type == "cpu":
            return self
        tensors = (self.tokens_T, self.labels_T, self.positions_T, self.doc_start_T)
        return MicroBatch(*(t.pin_memory().to(device, non_blocking=True) for t in tensors))


@dataclass(frozen=True)
class StepBatch:
    """All that one optimizer step reads."""

    samples: range
    micro: tuple[MicroBatch, ...]
    label_count: int
    """Positions that predict a token; the loss is divided by it."""


def flat_batch(
    shards: TokenShards, pieces: Sequence[Piece], max_context: int, pad_to: int | None = None
) -> MicroBatch:
    """``pieces`` one after the other.

    The label of a token is the next token of its document, also where that lies in another piece
    or behind a cut at ``max_context``; the last token of a document (its end-of-text id) predicts
    nothing, since what follows is another document. So every token but the first of a document is
    a target once an epoch. Worked example, max_context 3, documents [5 6 7 8 e] and [9 e]::

        tokens     5 6 7 8 e 9 e
        labels     6 7 8 e - e -
        positions  0 1 2 0 1 0 1
        doc_start  0 0 0 3 3 5 5

    ``pad_to``: the length to fill up to, with a context that predicts nothing.
    Raises :class:`CorruptShard` for an id outside the vocabulary.
    """
    parts, labels, lengths = [], [], []
    for document, start, stop in pieces:
        ids = shards.document(document)
        parts.append(ids[start:stop])
        labels.append(ids[start + 1 : stop + 1])
        lengths.append(stop - start)
        if stop == len(ids):
            labels.append(_NOTHING)
    if pad_to is not None and (padding := pad_to - sum(lengths)) > 0:
        parts.append(np.zeros(padding, shards.dtype))
        labels.append(np.full(padding, IGNORED))
        lengths.append(padding)
    tokens = np.concatenate(parts, dtype=np.int64, casting="unsafe")
    if int(tokens.max()) >= shards.vocab_size:
        bad = next(p for p in pieces if int(shards.document(p.document).max()) >= shards.vocab_size)
        raise CorruptShard(
            f"{shards.file(bad.document)}: document {shards.doc_id(bad.document)} holds the id "
            f"{int(shards.document(bad.document).max())}, outside the vocabulary of "
            f"{shards.vocab_size:,}",
            remedy="`winnow verify` says whether the shard changed since it was written.",
        )
    places = np.arange(len(tokens))
    sizes = np.array(lengths)
    within = places - np.repeat(np.cumsum(sizes) - sizes, sizes)
    positions = within % max_context
    return MicroBatch(
        tokens_T=torch.from_numpy(tokens),
        labels_T=torch.from_numpy(np.concatenate(labels, dtype=np.int64, casting="unsafe")),
        positions_T=torch.from_numpy(positions),
        doc_start_T=torch.from_numpy(places - positions),
    )


_NOTHING = np.array([IGNORED])


class StepReader:
    """Reads the steps from ``first_sample`` on, in a thread that stays ahead of the training.

    Use it as a context manager and iterate; ``wait_seconds`` is how long the last step was waited
    for. An error of the thread is raised where the step would have been.
    """

    def __init__(
        self,
        shards: TokenShards,
        order: DataOrder,
        *,
        first_sample: int,
        step_samples: int,
        micro_samples: int,
        steps: int,
        prefetch_steps: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self._shards = shards
        self._order = order
        self._first = first_sample
        self._count = step_samples
        self._micro = micro_samples
        self._steps = steps
        self._rank = rank
        self._world = world
        self._queue: queue.Queue[Any] = queue.Queue(maxsize=prefetch_steps)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._fill, name="winnow-data", daemon=True)
        self.wait_seconds = 0.0

    def __enter__(self) -> StepReader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def __iter__(self) -> Iterator[StepBatch]:
        for _ in range(self._steps):
            began = time.perf_counter()
            item = self._queue.get()
            self.wait_seconds = time.perf_counter() - began
            if isinstance(item, BaseException):
                raise item
            yield item

    def read(self, first_sample: int) -> StepBatch:
        """The step that begins at ``first_sample``, read now."""
        samples = step_samples(first_sample, self._count, self._rank, self._world)
        micro = []
        for at in range(0, len(samples), self._micro):
            pieces = [p for s in samples[at : at + self._micro] for p in self._order.pieces(s)]
            micro.append(flat_batch(self._shards, pieces, self._order.max_context))
        count = sum(int((batch.labels_T != IGNORED).sum()) for batch in micro)
        return StepBatch(samples=samples, micro=tuple(micro), label_count=count)

    def _fill(self) -> None:
        try:
            for step in range(self._steps):
                self._put(self.read(self._first + step * self._count))
                if self._stop.is_set():
                    return
        except BaseException as error:  # handed to the thread that trains
            self._put(error)

    def _put(self, item: object) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return
            except queue.Full:
                continue
