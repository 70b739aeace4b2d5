"""Masked tokens: some tokens are hidden, and the model says which they were (BERT).

Devlin et al. 2018, section 3.1, with ModernBERT's share (Warner et al. 2024: 30 %). Of the chosen
tokens 80 % become the mask's id, 10 % any token, 10 % stay. Differs from both: exactly that many
are chosen of every packed sample, so that shapes do not change; no end-of-text id is chosen; and a
document has another mask in every epoch, since masks are keyed on the sample's number in the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from winnow.tokenize.token_shards import TokenShards
from winnow.train.attention import Backend, document_mask
from winnow.train.config import TrainConfig
from winnow.train.data import flat_batch
from winnow.train.evaluate import document_batches
from winnow.train.loss import label_nats, linear_cross_entropy
from winnow.train.model import Decoder
from winnow.train.objectives.draws import draws
from winnow.train.objectives.objective import Sample, StepBatch
from winnow.train.order import Piece
from winnow.train.shape import ModelShape

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class MaskedBatch:
    """Flat tokens with some hidden. K of them are to be told."""

    tokens_T: torch.Tensor  # int64, in [0, vocab_size], the last being the mask
    positions_T: torch.Tensor  # int64, from 0 in every context
    doc_start_T: torch.Tensor  # int64, where the token's context begins
    hidden_K: torch.Tensor  # int64, ascending: places in T
    labels_K: torch.Tensor  # int64, the tokens that stood there

    def to(self, device: torch.device) -> MaskedBatch:
        if device.type == "cpu":
            return self
        tensors = (
            self.tokens_T, self.positions_T, self.doc_start_T, self.hidden_K, self.labels_K
        )  # fmt: skip
        return MaskedBatch(*(t.pin_memory().to(device, non_blocking=True) for t in tensors))


class Masked:
    """See the module. The model is the decoder's layers without the causal mask; figures are how
    often its likeliest token is the one behind a mask."""

    extra_ids = 1

    def __init__(self, config: TrainConfig, shards: TokenShards) -> None:
        self._share = config.objective.mask_share
        self._seed = config.data.seed
        self._fingerprint = shards.fingerprint
        self._mask_id, self._eos_id = shards.vocab_size, shards.eos_id
        self._pack_tokens = config.data.pack_tokens
        self._max_context = config.data.max_context
        self._batch_tokens = config.batch.micro_tokens
        self._max_tokens = config.evaluation.max_tokens

    def make_model(self, shape: ModelShape, dtype: torch.dtype) -> Decoder:
        return Decoder(shape, dtype)

    def prepare(self, shards: TokenShards, samples: Sequence[Sample]) -> tuple[MaskedBatch, int]:
        batch = flat_batch(shards, [p for s in samples for p in s.pieces], self._max_context)
        tokens = batch.tokens_T.numpy().copy()
        hidden: list[Int64s] = []
        for row, sample in enumerate(samples):
            start = row * self._pack_tokens
            view = tokens[start : start + self._pack_tokens]
            raw = draws("mask", self._fingerprint, self._seed, sample.number, count=3 * len(view))
            hidden.append(start + self._hide(view, raw))
        places = np.concatenate(hidden)
        labels_K = batch.tokens_T[torch.from_numpy(places)]
        prepared = MaskedBatch(
            tokens_T=torch.from_numpy(tokens),
            positions_T=batch.positions_T,
            doc_start_T=batch.doc_start_T,
            hidden_K=torch.from_numpy(places),
            labels_K=labels_K,
        )
        return prepared, len(places)

    def _hide(self, tokens: Int64s, raw: npt.NDArray[np.uint64]) -> Int64s:
        """Hide tokens in place; where, ascending. ``raw``: three draws a token."""
        order, kinds, others = np.split(raw, 3)
        eligible = np.flatnonzero(tokens != self._eos_id)
        count = min(len(eligible), max(1, round(self._share * len(tokens))))
        chosen = eligible[np.argsort(order[eligible], kind="stable")[:count]]
        # exactly 80, 10 and 10 %, in an order that knows nothing of the choice
        chosen = chosen[np.argsort(kinds[chosen], kind="stable")]
        masked, replaced = round(0.8 * count), round(0.9 * count)
        tokens[chosen[:masked]] = self._mask_id
        instead = chosen[masked:replaced]
        other = (others[instead] % np.uint64(max(1, self._mask_id - 1))).astype(np.int64)
        tokens[instead] = other + (other >= self._eos_id)  # any token but the end of text
        return np.sort(chosen)

    def accumulate(
        self, model: Decoder, batch: StepBatch, device: torch.device, backend: Backend
    ) -> float:
        total = torch.zeros((), device=device)
        for micro in batch.micro:
            micro = micro.to(device)
            mask = document_mask(micro.doc_start_T, backend, causal=False)
            hidden_TD = model(micro.tokens_T, micro.positions_T, mask)
            loss = linear_cross_entropy(
                hidden_TD[micro.hidden_K], model.head_weight_VD, micro.labels_K,
                model.shape.vocab_size,
            )  # fmt: skip
            (loss / batch.label_count).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return float(total) / batch.label_count

    @torch.no_grad()
    def evaluate(self, model: Decoder, shards: TokenShards, backend: Backend) -> dict[str, Any]:
        """``masked_accuracy``: how often the likeliest token is right where every chosen token is
        behind a mask; ``guess_accuracy``: of always saying the most frequent one; ``loss``: nats a
        masked token. Each document has one mask, keyed on its id."""
        device = model.head_weight_VD.device
        nats, right, told = 0.0, 0, 0
        labels: list[Int64s] = []
        documents = 0
        for pieces in document_batches(
            shards, self._max_tokens, self._max_context, self._batch_tokens
        ):
            batch = flat_batch(shards, pieces, self._max_context).to(device)
            places = self._evaluated(shards, pieces)
            documents += len({piece.document for piece in pieces if piece.start == 0})
            if not len(places):
                continue
            place_K = torch.from_numpy(places).to(device)
            labels_K = batch.tokens_T[place_K]
            tokens_T = batch.tokens_T.index_fill(0, place_K, self._mask_id)
            mask = document_mask(batch.doc_start_T, backend, causal=False)
            hidden_KD = model(tokens_T, batch.positions_T, mask)[place_K]
            nats_K = label_nats(hidden_KD, model.head_weight_VD, labels_K, model.shape.vocab_size)
            nats += float(nats_K.sum(dtype=torch.float64))
            for some_KD, some_K in zip(
                torch.split(hidden_KD, 2_048), torch.split(labels_K, 2_048), strict=True
            ):
                right += int((model.logits(some_KD).argmax(-1) == some_K).sum())
            labels.append(labels_K.cpu().numpy())
            told += len(places)
        counts = np.bincount(np.concatenate(labels)) if labels else np.zeros(1, np.int64)
        return {
            "masked_accuracy": right / max(1, told),
            "guess_accuracy": int(counts.max()) / max(1, told),
            "loss": nats / max(1, told),
            "documents": documents,
            "tokens": told,
        }

    def _evaluated(self, shards: TokenShards, pieces: Sequence[Piece]) -> Int64s:
        found: list[Int64s] = [np.zeros(0, np.int64)]
        offset = 0
        for document, start, stop in pieces:
            ids = shards.document(document)[start:stop]
            raw = draws("mask evaluation", shards.doc_id(document), start, count=len(ids))
            eligible = np.flatnonzero(ids != self._eos_id)
            count = min(len(eligible), round(self._share * len(ids)))
            chosen = eligible[np.argsort(raw[eligible], kind="stable")[:count]]
            found.append(offset + np.sort(chosen))
            offset += stop - start
        return np.concatenate(found)

    def describe(self, figures: dict[str, Any]) -> str:
        return (
            f"{figures['masked_accuracy']:.1%} of masked tokens told "
            f"({figures['guess_accuracy']:.1%} by guessing), loss {figures['loss']:.4f}"
        )
