"""How good a checkpoint is on token stores that it has not seen: bits per byte, by source.

Bits per byte can be compared between tokenizers, on the same documents only. Its interval is that
of another draw of documents (bootstrap; Efron 1979), not of another training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from winnow.errors import ConfigError
from winnow.tokenize.token_shards import TokenShards
from winnow.train.attention import select_backend
from winnow.train.checkpoint import WEIGHTS, find_checkpoint, require_causal
from winnow.train.evaluate import DocumentNats, document_nats
from winnow.train.model import Decoder

RESAMPLES = 1_000
LENGTHS = (1_000, 4_000, 16_000)  # bytes at which documents are parted by length


@dataclass(frozen=True)
class HeldOut:
    """A group of documents: a whole set, a source, or those of a range of lengths."""

    name: str
    documents: int
    text_bytes: int
    tokens: int
    """Predicted, so neither a document's first nor its end-of-text id."""
    bits_per_byte: float
    low: float
    """95 % of resampled sets of documents lie in [low, high]."""
    high: float
    bits_per_byte_with_eos: float
    """The end-of-text ids' bits counted as well."""
    loss: float
    """Nats a predicted token."""

    def to_values(self) -> dict[str, Any]:
        return asdict(self)


def evaluate_checkpoint(
    path: str | Path,
    stores: Sequence[str | Path] = (),
    *,
    split: str = "validation",
    max_tokens: int = 1_000_000,
    batch_tokens: int = 32_768,
    device: str = "auto",
    seed: int = 0,
) -> dict[str, list[HeldOut]]:
    """Per store (default: the checkpoint's own corpus) all documents, then each source, then each
    range of lengths; up to ``max_tokens`` from the start of ``split``.

    Raises :class:`ConfigError` for a store made by another tokenizer.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    checkpoint = find_checkpoint(Path(path))
    require_causal(checkpoint, "bits per byte")
    data = checkpoint.values["config"]["data"]
    model = Decoder(checkpoint.shape)
    model.load_state_dict(checkpoint.load(WEIGHTS))
    model = model.to(device).eval()
    found: dict[str, list[HeldOut]] = {}
    for store in stores or [data["path"]]:
        shards = TokenShards.open(store, split)
        theirs, ours = shards.tokenizer["sha256"], checkpoint.values["tokenizer"]["sha256"]
        if theirs != ours:
            raise ConfigError(
                f"{store} was made by tokenizer {theirs[:12]}, and {checkpoint.path} was trained "
                f"with {ours[:12]}: its ids mean other texts",
                remedy="Tokenise the same documents with the model's tokenizer.",
            )
        nats = document_nats(
            model,
            shards,
            backend=select_backend(torch.device(device)),
            max_context=int(data["max_context"]),
            batch_tokens=batch_tokens,
            max_tokens=max_tokens,
        )
        found[str(store)] = _groups(nats, shards, seed)
    return found


def _groups(nats: DocumentNats, shards: TokenShards, seed: int) -> list[HeldOut]:
    sources = np.array([shards.source(document) for document in range(len(nats.nats))])
    groups = [held_out("all", nats, seed)]
    names = sorted(set(sources.tolist()))
    if len(names) > 1:
        groups += [held_out(name, nats.chosen(sources == name), seed) for name in names]
    edges = [0, *LENGTHS, math.inf]
    for first, end in pairwise(edges):
        within = (nats.n_bytes >= first) & (nats.n_bytes < end)
        if within.any():
            name = f"from {first:,} bytes" if end == math.inf else f"{first:,} to {end - 1:,} bytes"
            groups.append(held_out(name, nats.chosen(within), seed))
    return groups


def held_out(name: str, nats: DocumentNats, seed: int = 0) -> HeldOut:
    """The figures of a group; its interval from ``RESAMPLES`` draws of as many documents."""
    bits, n_bytes = nats.bits(), nats.n_bytes
    count = len(bits)
    draws = np.random.Generator(np.random.PCG64(seed))
    shares = np.empty(RESAMPLES)
    for draw in range(RESAMPLES):
        chosen = draws.integers(0, count, count)
        shares[draw] = bits[chosen].sum() / max(1, n_bytes[chosen].sum())
    low, high = np.quantile(shares, [0.025, 0.975])
    with_eos = (bits.sum() + nats.eos_nats.sum() / math.log(2)) / max(1, n_bytes.sum())
    predicted = int(nats.tokens.sum())
    return HeldOut(
        name=name,
        documents=count,
        text_bytes=int(n_bytes.sum()),
        tokens=predicted,
        bits_per_byte=nats.bits_per_byte(),
        low=float(low),
        high=float(high),
        bits_per_byte_with_eos=float(with_eos),
        loss=float(nats.nats.sum()) / max(1, predicted),
    )
