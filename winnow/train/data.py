"""From packed samples to the flat micro-batches that the model reads.

Shapes: T tokens of a micro-batch (no batch dimension: documents stand one after the other, and
attention is masked to them).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from winnow.errors import CorruptShard
from winnow.tokenize.token_shards import TokenShards
from winnow.train.order import Piece

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
