"""Bits per byte: how many bits the model needs for a byte of text it has not seen.

Unlike loss per token it does not depend on the vocabulary, so it can be compared between
tokenizers; on the same documents only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from winnow.tokenize.token_shards import TokenShards
from winnow.train.attention import Backend, document_mask
from winnow.train.data import IGNORED, flat_batch
from winnow.train.loss import label_nats
from winnow.train.model import Decoder
from winnow.train.order import Piece

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Evaluation:
    bits_per_byte: float
    """Of UTF-8 text."""
    loss: float
    """Nats a predicted token."""
    documents: int
    tokens: int
    """Predicted: no document's first, no end-of-text id."""
    text_bytes: int

    def to_values(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class DocumentNats:
    """What the model needs for each of some documents, all arrays [documents]."""

    nats: Float64s
    """Of the predicted tokens of text: neither the first nor the end-of-text id."""
    eos_nats: Float64s
    """Of the end-of-text id."""
    tokens: Int64s
    """Predicted tokens of text."""
    n_bytes: Int64s
    """UTF-8 bytes of the text."""
    vocab_size: int

    def chosen(self, documents: Any) -> DocumentNats:
        """Those of ``documents``: indexes or a mask."""
        return DocumentNats(
            self.nats[documents],
            self.eos_nats[documents],
            self.tokens[documents],
            self.n_bytes[documents],
            self.vocab_size,
        )

    def bits(self) -> Float64s:
        """Of each document's text, its first token (of which nothing is known) included."""
        first = np.where(self.n_bytes > 0, math.log(self.vocab_size), 0.0)
        return (self.nats + first) / math.log(2)

    def bits_per_byte(self) -> float:
        return float(self.bits().sum()) / max(1, int(self.n_bytes.sum()))


@torch.no_grad()
def document_nats(
    model: Decoder,
    shards: TokenShards,
    *,
    backend: Backend,
    max_context: int,
    batch_tokens: int,
    max_tokens: int,
) -> DocumentNats:
    """Measure ``model`` on the first documents of ``shards``, up to ``max_tokens``, at least one.

    Every document is read by itself, in contexts of ``max_context``: the result does not depend
    on ``batch_tokens`` (but for the last bits of a sum).
    """
    device = model.head_weight_VD.device
    documents = documents_within(shards, max_tokens)
    text = np.zeros(documents)
    eos = np.zeros(documents)
    predicted = np.zeros(documents, np.int64)
    for pieces in document_batches(shards, max_tokens, max_context, batch_tokens):
        # on a GPU one shape for all batches, for which the kernels are compiled once
        pad_to = batch_tokens if device.type == "cuda" else None
        batch = flat_batch(shards, pieces, max_context, pad_to).to(device)
        mask = document_mask(batch.doc_start_T, backend)
        hidden_TD = model(batch.tokens_T, batch.positions_T, mask)
        nats_T = label_nats(hidden_TD, model.head_weight_VD, batch.labels_T, model.shape.vocab_size)
        nats = nats_T.double().cpu().numpy()
        labels = batch.labels_T.cpu().numpy()
        places = np.repeat([p.document for p in pieces], [p.stop - p.start for p in pieces])
        nats, labels = nats[: len(places)], labels[: len(places)]  # without padding
        is_eos = labels == shards.eos_id
        is_text = (labels != IGNORED) & ~is_eos
        text += np.bincount(places[is_text], nats[is_text], documents)
        eos += np.bincount(places[is_eos], nats[is_eos], documents)
        predicted += np.bincount(places[is_text], minlength=documents)
    n_bytes = np.array([shards.n_bytes(document) for document in range(documents)], np.int64)
    return DocumentNats(text, eos, predicted, n_bytes, shards.vocab_size)


def evaluate(
    model: Decoder,
    shards: TokenShards,
    *,
    backend: Backend,
    max_context: int,
    batch_tokens: int,
    max_tokens: int,
) -> Evaluation:
    """The sums over :func:`document_nats`.

    Bits are those of a code that could be decoded: a document's first token, which has nothing
    before it, costs log2(vocab_size). The end-of-text id is no text and is not counted.

    bits_per_byte = (sum of nats + documents * ln vocab_size) / (ln 2 * bytes of text)
    """
    found = document_nats(
        model, shards, backend=backend, max_context=max_context, batch_tokens=batch_tokens,
        max_tokens=max_tokens,
    )  # fmt: skip
    predicted = int(found.tokens.sum())
    return Evaluation(
        bits_per_byte=found.bits_per_byte(),
        loss=float(found.nats.sum()) / max(1, predicted),
        documents=len(found.nats),
        tokens=predicted,
        text_bytes=int(found.n_bytes.sum()),
    )


def documents_within(shards: TokenShards, max_tokens: int) -> int:
    """How many documents from the start of the split have ``max_tokens`` together; at least one."""
    return max(1, int(np.searchsorted(np.cumsum(shards.lengths), max_tokens, side="right")))


def document_batches(
    shards: TokenShards, max_tokens: int, max_context: int, batch_tokens: int
) -> Iterator[list[Piece]]:
    """Contexts of the first documents in order, as many a batch as fit ``batch_tokens``."""
    documents = documents_within(shards, max_tokens)
    pieces: list[Piece] = []
    room = batch_tokens
    for document, length in enumerate(shards.lengths[:documents].tolist()):
        for start in range(0, length, max_context):
            piece = Piece(document, start, min(start + max_context, length))
            size = piece.stop - piece.start
            if size > room:
                yield pieces
                pieces, room = [], batch_tokens
            pieces.append(piece)
            room -= size
    yield pieces
