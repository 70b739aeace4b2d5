"""Span corruption: runs of tokens are cut out, and the decoder writes what was cut (T5).

Raffel et al. 2020, section 3.1.4: 15 % of the tokens, in spans of 3 on average. Each span leaves a
sentinel in the encoder's text, and the decoder writes the sentinels with their spans behind them,
then the end of text::

    document  w0 w1 w2 w3 w4 w5 w6 e     (w2, w3 and w6 cut out)
    encoder   w0 w1 <0> w4 w5 <1> e
    decoder   e   <0> w2 w3 <1> w6       reads, shifted by one,
    labels    <0> w2  w3 <1> w6 e        to write

Spans stay within a context, which is a segment of its own in both streams, and sentinels count from
0 in each. Lengths of spans are a random composition (as in T5: uniform over all of them), keyed on
the sample's number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from winnow.tokenize.token_shards import TokenShards
from winnow.train.attention import Backend, cross_mask, document_mask
from winnow.train.config import TrainConfig
from winnow.train.data import IGNORED
from winnow.train.encoder_decoder import EncoderDecoder
from winnow.train.evaluate import document_batches
from winnow.train.loss import label_nats, linear_cross_entropy
from winnow.train.objectives.draws import draws
from winnow.train.objectives.objective import Sample, StepBatch
from winnow.train.order import Piece
from winnow.train.shape import ModelShape

Int64s = npt.NDArray[np.int64]

SENTINELS = 128  # T5 has 100; a context of 2,048 at 15 % in threes takes 102
MULTIPLE = 128  # streams are filled up to a multiple, so that few shapes are compiled
MIN_TOKENS = 4  # of a context: one to cut, one on either side of it, the end of text


@dataclass(frozen=True)
class SpanBatch:
    """Two flat streams: E tokens of the encoder, T of the decoder."""

    tokens_E: torch.Tensor  # int64
    positions_E: torch.Tensor  # int64, from 0 in every segment
    segments_E: torch.Tensor  # int64, ascending from 0
    tokens_T: torch.Tensor  # int64, the labels shifted by one, the end of text first
    positions_T: torch.Tensor
    segments_T: torch.Tensor
    labels_T: torch.Tensor  # int64, or IGNORED where the stream is filled up

    def to(self, device: torch.device) -> SpanBatch:
        if device.type == "cpu":
            return self
        return SpanBatch(
            *(t.pin_memory().to(device, non_blocking=True) for t in vars(self).values())
        )


class Spans:
    """See the module. Figures: how many spans would be written without a mistake."""

    extra_ids = SENTINELS

    def __init__(self, config: TrainConfig, shards: TokenShards) -> None:
        self._share = config.objective.span_share
        self._mean_tokens = config.objective.mean_span_tokens
        self._seed = config.data.seed
        self._fingerprint = shards.fingerprint
        self._first_sentinel, self._eos_id = shards.vocab_size, shards.eos_id
        self._max_context = config.data.max_context
        self._batch_tokens = config.batch.micro_tokens
        self._max_tokens = config.evaluation.max_tokens

    def make_model(self, shape: ModelShape, dtype: torch.dtype) -> EncoderDecoder:
        return EncoderDecoder(shape, dtype)

    def prepare(self, shards: TokenShards, samples: Sequence[Sample]) -> tuple[SpanBatch, int]:
        corrupted = []
        for sample in samples:
            for row, (ids, _) in enumerate(self._contexts(shards, sample.pieces)):
                raw = draws(
                    "spans", self._fingerprint, self._seed, sample.number, row, count=2 * len(ids)
                )
                corrupted.append(self.corrupt(ids, raw))
        batch = self._flat(corrupted)
        return batch, int((batch.labels_T != IGNORED).sum())

    def _contexts(
        self, shards: TokenShards, pieces: Sequence[Piece]
    ) -> list[tuple[Int64s, tuple[int, int]]]:
        """Tokens of each context, and (document, where it starts)."""
        found = []
        for document, start, stop in pieces:
            for first in range(start, stop, self._max_context):
                ids = shards.document(document)[first : min(first + self._max_context, stop)]
                if len(ids) >= MIN_TOKENS:
                    found.append((ids.astype(np.int64), (document, first)))
        return found

    def corrupt(self, ids: Int64s, raw: npt.NDArray[np.uint64]) -> tuple[Int64s, Int64s]:
        """(what the encoder reads, what the decoder writes); ``raw``: two draws a token."""
        ended = int(ids[-1] == self._eos_id)  # the end of text is never cut out
        ids, end = ids[: len(ids) - ended], ids[len(ids) - ended :]
        tokens = len(ids)
        cut = min(max(1, round(self._share * tokens)), tokens - 2)
        spans = min(max(1, round(cut / self._mean_tokens)), cut, tokens - cut, SENTINELS)
        noise = _composition(cut, spans, raw[:cut])
        plain = _composition(tokens - cut, spans, raw[tokens : 2 * tokens - cut])
        source: list[Int64s] = []
        target: list[Int64s] = []
        at = 0
        for number in range(spans):  # text and span in turn, text first
            sentinel = np.array([self._first_sentinel + number])
            source += [ids[at : at + plain[number]], sentinel]
            at += plain[number]
            target += [sentinel, ids[at : at + noise[number]]]
            at += noise[number]
        return np.concatenate([*source, end]), np.append(np.concatenate(target), self._eos_id)

    def _flat(self, corrupted: Sequence[tuple[Int64s, Int64s]]) -> SpanBatch:
        sources = [source for source, _ in corrupted]
        labels = [target for _, target in corrupted]
        inputs = [np.append(self._eos_id, target[:-1]) for target in labels]
        tokens_E, positions_E, segments_E = self._stream(sources)
        tokens_T, positions_T, segments_T = self._stream(inputs)
        labels_T = np.full(len(tokens_T), IGNORED)
        written = sum(map(len, labels))
        labels_T[:written] = np.concatenate([np.zeros(0, np.int64), *labels])
        arrays = (tokens_E, positions_E, segments_E, tokens_T, positions_T, segments_T, labels_T)
        return SpanBatch(*(torch.from_numpy(array) for array in arrays))

    def _stream(self, parts: list[Int64s]) -> tuple[Int64s, Int64s, Int64s]:
        """Tokens, positions and segments of a stream, filled up with a segment of its own."""
        total = sum(map(len, parts))
        filling = MULTIPLE - total % MULTIPLE  # at least one: both streams get the segment
        parts = [*parts, np.full(filling, self._eos_id)]
        lengths = np.array([len(part) for part in parts])
        ends = np.cumsum(lengths)
        positions = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
        return np.concatenate(parts), positions, np.repeat(np.arange(len(parts)), lengths)

    def accumulate(
        self, model: EncoderDecoder, batch: StepBatch, device: torch.device, backend: Backend
    ) -> float:
        total = torch.zeros((), device=device)
        for micro in batch.micro:
            micro = micro.to(device)
            hidden_TD = _hidden(model, micro, backend)
            loss = linear_cross_entropy(
                hidden_TD, model.head_weight_VD, micro.labels_T, model.shape.vocab_size
            )
            (loss / batch.label_count).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return float(total) / batch.label_count

    @torch.no_grad()
    def evaluate(
        self, model: EncoderDecoder, shards: TokenShards, backend: Backend
    ) -> dict[str, Any]:
        """``span_exact_match``: spans of which every token is the likeliest one, those before it
        given; ``guess_exact_match``: of always writing the most frequent span; ``loss``: nats a
        written token. Each context has one corruption, keyed on its document."""
        device = model.head_weight_VD.device
        nats, tokens, right, spans, documents = 0.0, 0, 0, 0, 0
        seen: Counter[tuple[int, ...]] = Counter()
        for pieces in document_batches(
            shards, self._max_tokens, self._max_context, self._batch_tokens
        ):
            documents += len({piece.document for piece in pieces if piece.start == 0})
            corrupted = []
            for ids, (document, first) in self._contexts(shards, pieces):
                key = (shards.doc_id(document), first)
                corrupted.append(
                    self.corrupt(ids, draws("span evaluation", *key, count=2 * len(ids)))
                )
            if not corrupted:
                continue
            batch = self._flat(corrupted).to(device)
            hidden_TD = _hidden(model, batch, backend)
            nats_T = label_nats(
                hidden_TD, model.head_weight_VD, batch.labels_T, model.shape.vocab_size
            )
            nats += float(nats_T.sum(dtype=torch.float64))
            tokens += int((batch.labels_T != IGNORED).sum())
            told = torch.cat(
                [model.logits(part).argmax(-1) for part in torch.split(hidden_TD, 2_048)]
            )
            exact, whole = self._exact(batch.labels_T.cpu().numpy(), told.cpu().numpy())
            right += exact
            spans += len(whole)
            seen.update(whole)
        return {
            "span_exact_match": right / max(1, spans),
            "guess_exact_match": max(seen.values(), default=0) / max(1, spans),
            "loss": nats / max(1, tokens),
            "documents": documents,
            "tokens": tokens,
            "spans": spans,
        }

    def _exact(self, labels: Int64s, told: Int64s) -> tuple[int, list[tuple[int, ...]]]:
        """How many spans are told without a mistake, and all spans."""
        bounds = np.flatnonzero((labels >= self._first_sentinel) | (labels == self._eos_id))
        starts = np.flatnonzero(labels >= self._first_sentinel)
        right, spans = 0, []
        for start in starts.tolist():
            end = int(bounds[np.searchsorted(bounds, start, "right")])
            spans.append(tuple(labels[start + 1 : end].tolist()))
            right += bool((labels[start + 1 : end] == told[start + 1 : end]).all())
        return right, spans

    def describe(self, figures: dict[str, Any]) -> str:
        return (
            f"{figures['span_exact_match']:.1%} of spans written without a mistake "
            f"({figures['guess_exact_match']:.1%} by guessing), loss {figures['loss']:.4f}"
        )


def _hidden(model: EncoderDecoder, batch: SpanBatch, backend: Backend) -> torch.Tensor:
    starts_E, starts_T = (
        torch.arange(len(places), device=places.device) - places
        for places in (batch.positions_E, batch.positions_T)
    )
    memory_ED = model.encode(
        batch.tokens_E, batch.positions_E, document_mask(starts_E, backend, causal=False)
    )
    return model.decode(
        batch.tokens_T,
        batch.positions_T,
        document_mask(starts_T, backend),
        memory_ED,
        cross_mask(batch.segments_T, batch.segments_E, backend),
    )


def _composition(total: int, parts: int, raw: npt.NDArray[np.uint64]) -> list[int]:
    """``parts`` positive numbers of sum ``total``, each way as likely; ``raw``: ``total`` draws."""
    cuts = 1 + np.sort(np.argsort(raw[: total - 1], kind="stable")[: parts - 1])
    lengths: list[int] = np.diff(np.concatenate([[0], cuts, [total]])).astype(int).tolist()
    return lengths
