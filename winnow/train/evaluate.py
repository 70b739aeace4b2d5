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
import torch

from winnow.tokenize.token_shards import TokenShards
from winnow.train.attention import Backend, document_mask
from winnow.train.data import IGNORED, flat_batch
from winnow.train.loss import label_nats
from winnow.train.model import Decoder
from winnow.train.order import Piece


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


@torch.no_grad()
def evaluate(
    model: Decoder,
    shards: TokenShards,
    *,
    backend: Backend,
    max_context: int,
    batch_tokens: int,
    max_tokens: int,
) -> Evaluation:
    """Measure ``model`` on the first documents of ``shards``, up to ``max_tokens``, at least one.

    Every document is read by itself, in contexts of ``max_context``: the result does not depend
    on ``batch_tokens``. Bits are those of a code that could be decoded: a document's first token,
    which has nothing before it, costs log2(vocab_size). The end-of-text id is no text and is not
    counted.

    bits_per_byte = (sum of nats + documents * ln vocab_size) / (ln 2 * bytes of text)
    """
    device = model.head_weight_VD.device
    documents = max(1, int(np.searchsorted(np.cumsum(shards.lengths), max_tokens, side="right")))
    nats, predicted = 0.0, 0
    for pieces in _batches(shards, documents, max_context, batch_tokens):
        # on a GPU one shape for all batches, for which the kernels are compiled once
        pad_to = batch_tokens if device.type == "cuda" else None
        batch = flat_batch(shards, pieces, max_context, pad_to).to(device)
        labels_T = batch.labels_T.masked_fill(batch.labels_T == shards.eos_id, IGNORED)
        mask = document_mask(batch.doc_start_T, backend)
        hidden_TD = model(batch.tokens_T, batch.positions_T, mask)
        nats_T = label_nats(hidden_TD, model.head_weight_VD, labels_T, model.shape.vocab_size)
        nats += float(nats_T.sum(dtype=torch.float64))
        predicted += int((labels_T != IGNORED).sum())
    with_text = int((shards.lengths[:documents] > 1).sum())
    text_bytes = sum(shards.n_bytes(document) for document in range(documents))
    bits = (nats + with_text * math.log(shards.vocab_size)) / math.log(2)
    return Evaluation(
        bits_per_byte=bits / max(1, text_bytes),
        loss=nats / max(1, predicted),
        documents=documents,
        tokens=predicted,
        text_bytes=text_bytes,
    )


def _batches(
    shards: TokenShards, documents: int, max_context: int, batch_tokens: int
) -> Iterator[list[Piece]]:
    """Contexts of the documents in order, as many a batch as fit ``batch_tokens``."""
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
