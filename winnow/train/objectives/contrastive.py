"""Contrastive pairs: of all second crops in a step, which one is of the same text as the first.

A context of a document gives two crops (:mod:`pairs`). The encoder is the decoder's layers with
attention both ways; a crop's vector is the mean of its hidden states, of length one. The loss is
InfoNCE over all pairs of the optimizer step (:mod:`info_nce`), whose gradient GradCache (Gao et al.
2021) takes in the memory of one micro-batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F

from winnow.errors import ConfigError
from winnow.tokenize.token_shards import TokenShards
from winnow.train.attention import Backend, document_mask
from winnow.train.config import TrainConfig
from winnow.train.evaluate import document_batches
from winnow.train.model import Decoder
from winnow.train.objectives.draws import draws
from winnow.train.objectives.info_nce import alignment, info_nce, retrieval_figures, uniformity
from winnow.train.objectives.objective import Sample, StepBatch
from winnow.train.objectives.pairs import (
    DRAWS,
    Pair,
    PairBatch,
    contexts,
    crop_pair,
    pair_batch,
    without_eos,
)
from winnow.train.order import Piece
from winnow.train.shape import ModelShape


class Contrastive:
    """See the module. Figures: how often the first crop of a document finds its second one.

    Raises :class:`ConfigError` where fewer than two documents are long enough for two crops.
    """

    extra_ids = 0

    def __init__(self, config: TrainConfig, shards: TokenShards) -> None:
        self._temperature = config.objective.temperature
        self._min_tokens = config.objective.min_crop_tokens
        self._max_tokens = config.objective.max_crop_tokens
        self._seed = config.data.seed
        self._fingerprint = shards.fingerprint
        self._max_context = config.data.max_context
        self._batch_tokens = config.batch.micro_tokens
        self._evaluation_tokens = config.evaluation.max_tokens
        enough = int((shards.lengths > 2 * self._min_tokens).sum())
        if enough < 2:
            raise ConfigError(
                f"{enough} of {shards.documents:,} documents have the {2 * self._min_tokens} "
                f"tokens that two crops of objective.min_crop_tokens ({self._min_tokens}) take; "
                "there is nothing to tell apart",
                remedy="Lower objective.min_crop_tokens.",
            )

    def make_model(self, shape: ModelShape, dtype: torch.dtype) -> Decoder:
        """Without an output projection, which no vector would go through."""
        return Decoder(replace(shape, tie_embeddings=True), dtype)

    def prepare(self, shards: TokenShards, samples: Sequence[Sample]) -> tuple[PairBatch, int]:
        pairs: list[Pair] = []
        for sample in samples:
            whole = self._contexts(shards, sample.pieces)
            key = ("crops", self._fingerprint, self._seed, sample.number)
            raw = draws(*key, count=DRAWS * len(whole)).reshape(-1, DRAWS)
            pairs += map(self._crop, whole, raw)
        return pair_batch(shards, pairs, self._max_context), len(pairs)

    def _contexts(self, shards: TokenShards, pieces: Sequence[Piece]) -> list[Piece]:
        """The contexts of ``pieces`` that are long enough for two crops."""
        whole = [without_eos(shards, piece) for piece in contexts(pieces, self._max_context)]
        return [piece for piece in whole if piece.stop - piece.start >= 2 * self._min_tokens]

    def _crop(self, context: Piece, raw: Any) -> Pair:
        return crop_pair(context, self._min_tokens, self._max_tokens, raw)

    def accumulate(
        self, model: Decoder, batch: StepBatch, device: torch.device, backend: Backend
    ) -> float:
        """As the protocol says: the gradient is that of one batch of all the step's pairs.

        Every micro-batch is encoded without a graph, the loss is taken of all vectors, and then
        each is encoded anew to hand its vectors' gradient on; no layer draws at random, so both
        times give the same. The last one keeps its graph at once: a step of one micro-batch is
        encoded once. Fewer than two pairs teach nothing: loss 0, and no gradient at all.
        """
        if batch.label_count < 2:
            return 0.0
        micro = [each.to(device) for each in batch.micro if each.pairs]
        with torch.no_grad():
            cached = [encode(model, each, backend) for each in micro[:-1]]
        last = encode(model, micro[-1], backend)
        vectors_N2D = torch.cat([*cached, last.detach()])
        keys_N = torch.cat([each.keys_N for each in micro])
        first_ND, second_ND = vectors_N2D.unbind(1)
        loss, *gradients = info_nce(first_ND, second_ND, keys_N, self._temperature)
        parts = torch.split(torch.stack(gradients, dim=1), [each.pairs for each in micro])
        # the last graph goes first, so that no two are held at a time
        last.backward(parts[-1])  # type: ignore[no-untyped-call]
        for each, part in zip(micro[:-1], parts[:-1], strict=True):
            encode(model, each, backend).backward(part)  # type: ignore[no-untyped-call]
        return float(loss)

    @torch.no_grad()
    def evaluate(self, model: Decoder, shards: TokenShards, backend: Backend) -> dict[str, Any]:
        """``recall_at_1`` and ``recall_at_10`` of finding the second crop by the first among those
        of all validation documents, beside ``guess_recall_at_…`` of a random order; ``alignment``
        and ``uniformity`` of the vectors; ``loss``: nats a pair, all of them in one batch, so it
        depends on how many ``pairs`` there are. A document gives one pair, of its first context,
        keyed on its id."""
        device = model.head_weight_VD.device
        vectors = [torch.zeros(0, 2, model.shape.width, device=device)]
        keys = [torch.zeros(0, dtype=torch.int64, device=device)]
        documents, tokens = 0, 0
        for pieces in document_batches(
            shards, self._evaluation_tokens, self._max_context, self._batch_tokens
        ):
            first = [piece for piece in pieces if piece.start == 0]
            documents += len(first)
            pairs = []
            for context in self._contexts(shards, first):
                raw = draws("crop evaluation", shards.doc_id(context.document), count=DRAWS)
                pairs.append(self._crop(context, raw))
            if not pairs:
                continue
            batch = pair_batch(shards, pairs, self._max_context)
            tokens += len(batch.tokens_T)
            batch = batch.to(device)
            vectors.append(encode(model, batch, backend))
            keys.append(batch.keys_N)
        first_ND, second_ND = torch.cat(vectors).unbind(1)
        found = retrieval_figures(first_ND, second_ND, torch.cat(keys), self._temperature)
        return found | {
            "alignment": alignment(first_ND, second_ND),
            "uniformity": (uniformity(first_ND) + uniformity(second_ND)) / 2,
            "documents": documents,
            "pairs": len(first_ND),
            "tokens": tokens,
        }

    def describe(self, figures: dict[str, Any]) -> str:
        return (
            f"{figures['recall_at_1']:.1%} of crops found first "
            f"({figures['guess_recall_at_1']:.1%} by guessing), "
            f"{figures['recall_at_10']:.1%} in ten, loss {figures['loss']:.4f}"
        )


def encode(model: Decoder, batch: PairBatch, backend: Backend) -> torch.Tensor:
    """The vectors of both crops of every pair, [N, 2, D] float32, of length one."""
    mask = document_mask(batch.doc_start_T, backend, causal=False)
    hidden_TD = model(batch.tokens_T, batch.positions_T, mask).float()
    # sums do for means, since length is taken off; one row more for what fills the stream up
    sums_SD = hidden_TD.new_zeros(2 * batch.pairs + 1, hidden_TD.shape[1])
    sums_SD = sums_SD.index_add(0, batch.segments_T, hidden_TD)[:-1]
    return F.normalize(sums_SD, dim=-1).view(batch.pairs, 2, -1)
