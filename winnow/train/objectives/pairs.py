"""Two views of the same text: pairs of crops, and the flat batches that hold them.

Contriever's crops (Izacard et al. 2022, section 3), which are SimCLR's for text: two runs of
tokens of one context, each of a random length at a random place. Differs from it: the two never
overlap, so that no pair is told by a string that both hold; lengths are bounded by tokens, not by
shares of the context; and no token is deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from winnow.tokenize.token_shards import TokenShards
from winnow.train.data import flat_batch
from winnow.train.order import Piece

DRAWS = 5  # random numbers that a pair of crops takes
FILLING_CONTEXT = 128  # tokens

Pair = tuple[Piece, Piece]


@dataclass(frozen=True)
class PairBatch:
    """N pairs as 2 N segments of a flat stream: those of pair ``i`` are 2 i and 2 i + 1."""

    tokens_T: torch.Tensor  # int64, in [0, vocab_size)
    positions_T: torch.Tensor  # int64, from 0 in every segment
    doc_start_T: torch.Tensor  # int64, where the token's segment begins
    segments_T: torch.Tensor  # int64, ascending; 2 N where the stream is filled up
    keys_N: torch.Tensor  # int64: pairs of the same key are no negatives of each other

    @property
    def pairs(self) -> int:
        return len(self.keys_N)

    def to(self, device: torch.device) -> PairBatch:
        """The same on ``device``; for a GPU filled up to one of a few lengths, for each of which
        its kernels are compiled."""
        if device.type == "cpu":
            return self
        full = self.filled(compiled_length(len(self.tokens_T)))
        return PairBatch(
            *(t.pin_memory().to(device, non_blocking=True) for t in vars(full).values())
        )

    def filled(self, tokens: int) -> PairBatch:
        """The same with segments that belong to no pair behind it, ``tokens`` long in all."""
        used = len(self.tokens_T)
        positions_F = torch.arange(tokens - used) % FILLING_CONTEXT
        places_F = torch.arange(used, tokens)
        return PairBatch(
            tokens_T=torch.cat([self.tokens_T, torch.zeros_like(places_F)]),
            positions_T=torch.cat([self.positions_T, positions_F]),
            doc_start_T=torch.cat([self.doc_start_T, places_F - positions_F]),
            segments_T=torch.cat([self.segments_T, torch.full_like(places_F, 2 * self.pairs)]),
            keys_N=self.keys_N,
        )


def compiled_length(tokens: int) -> int:
    """The next of 128, 256, 384, 512, 768, 1024, 1536, …: two lengths an octave, so of a stream of
    256 tokens or more at most a third is filling."""
    power = 128
    while power < tokens:
        power *= 2
    between = 3 * power // 4
    return between if power >= 512 and tokens <= between else power


def contexts(pieces: Sequence[Piece], max_context: int) -> list[Piece]:
    """``pieces`` cut at ``max_context`` tokens, as the other objectives cut them."""
    return [
        Piece(document, first, min(first + max_context, stop))
        for document, start, stop in pieces
        for first in range(start, stop, max_context)
    ]


def without_eos(shards: TokenShards, piece: Piece) -> Piece:
    """``piece`` without the end-of-text id, which every document has and which tells nothing."""
    ended = shards.document(piece.document)[piece.stop - 1] == shards.eos_id
    return piece._replace(stop=piece.stop - int(ended))


def crop_pair(
    context: Piece, min_tokens: int, max_tokens: int, raw: npt.NDArray[np.uint64]
) -> Pair:
    """Two crops of ``context`` that do not overlap; ``raw``: ``DRAWS`` draws.

    Each length is uniform in [min_tokens, min(max_tokens, half the context)], then the places are
    uniform over all there are, and either crop is the first of the pair as often as the other.
    ``context`` has at least ``2 * min_tokens`` tokens.
    """
    one, two, place, other, order = (int(value) for value in raw)
    tokens = context.stop - context.start
    lengths = min(max_tokens, tokens // 2) - min_tokens + 1
    left, right = min_tokens + one % lengths, min_tokens + two % lengths
    # how many of the other tokens lie before each crop: two of free + 2 places, in order
    free = tokens - left - right
    place, other = place % (free + 2), other % (free + 1)
    other += other >= place
    start = context.start + min(place, other)
    later = context.start + left + max(place, other) - 1
    crops = (
        context._replace(start=start, stop=start + left),
        context._replace(start=later, stop=later + right),
    )
    return crops if order % 2 else crops[::-1]


def negative_key(shards: TokenShards, document: int) -> int:
    """Pairs of the same key are no negatives of each other: those of one document, which a step
    reads several times where it is long or repeated.

    Near-duplicates want the cluster's key here; token shards have no column of it.
    """
    return shards.doc_id(document)


def pair_batch(shards: TokenShards, pairs: Sequence[Pair], max_context: int) -> PairBatch:
    """``pairs`` one after the other; no token at all where there is none.

    Raises :class:`CorruptShard` for an id outside the vocabulary.
    """
    if not pairs:
        nothing = torch.zeros(0, dtype=torch.int64)
        return PairBatch(nothing, nothing, nothing, nothing, nothing)
    pieces = [crop for pair in pairs for crop in pair]
    flat = flat_batch(shards, pieces, max_context)
    lengths = np.array([stop - start for _, start, stop in pieces])
    keys = np.array([negative_key(shards, first.document) for first, _ in pairs], np.uint64)
    return PairBatch(
        tokens_T=flat.tokens_T,
        positions_T=flat.positions_T,
        doc_start_T=flat.doc_start_T,
        segments_T=torch.from_numpy(np.repeat(np.arange(len(pieces)), lengths)),
        keys_N=torch.from_numpy(keys.view(np.int64)),  # the bits: they are compared, no more
    )
