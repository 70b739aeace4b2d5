"""The next token: each token predicts the one behind it in its document (GPT)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from winnow.tokenize.token_shards import TokenShards
from winnow.train.attention import Backend, document_mask
from winnow.train.config import TrainConfig
from winnow.train.data import IGNORED, MicroBatch, flat_batch
from winnow.train.evaluate import evaluate
from winnow.train.loss import linear_cross_entropy
from winnow.train.model import Decoder
from winnow.train.objectives.objective import Sample, StepBatch
from winnow.train.shape import ModelShape


class Causal:
    """See the module; figures are bits per byte."""

    extra_ids = 0

    def __init__(self, config: TrainConfig, shards: TokenShards) -> None:
        self._max_context = config.data.max_context
        self._batch_tokens = config.batch.micro_tokens
        self._max_tokens = config.evaluation.max_tokens

    def make_model(self, shape: ModelShape, dtype: torch.dtype) -> Decoder:
        return Decoder(shape, dtype)

    def prepare(self, shards: TokenShards, samples: Sequence[Sample]) -> tuple[MicroBatch, int]:
        pieces = [piece for sample in samples for piece in sample.pieces]
        batch = flat_batch(shards, pieces, self._max_context)
        return batch, int((batch.labels_T != IGNORED).sum())

    def accumulate(
        self, model: Decoder, batch: StepBatch, device: torch.device, backend: Backend
    ) -> float:
        total = torch.zeros((), device=device)
        for micro in batch.micro:
            micro = micro.to(device)
            mask = document_mask(micro.doc_start_T, backend)
            hidden_TD = model(micro.tokens_T, micro.positions_T, mask)
            loss = linear_cross_entropy(
                hidden_TD, model.head_weight_VD, micro.labels_T, model.shape.vocab_size
            )
            # a sum over the labels of the whole step: how it is cut into micro-batches cannot show
            (loss / batch.label_count).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return float(total) / batch.label_count

    def evaluate(self, model: Decoder, shards: TokenShards, backend: Backend) -> dict[str, Any]:
        found = evaluate(
            model,
            shards,
            backend=backend,
            max_context=self._max_context,
            batch_tokens=self._batch_tokens,
            max_tokens=self._max_tokens,
        )
        return found.to_values()

    def describe(self, figures: dict[str, Any]) -> str:
        return f"{figures['bits_per_byte']:.4f} bits per byte, loss {figures['loss']:.4f}"
