"""The protocol of an objective, and the choice of one by the config."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from winnow.tokenize.token_shards import TokenShards
from winnow.train.attention import Backend
from winnow.train.config import TrainConfig
from winnow.train.order import Piece
from winnow.train.shape import ModelShape


@dataclass(frozen=True)
class Sample:
    """A packed sample: its number, counted from the start of the run, and what it holds."""

    number: int
    pieces: Sequence[Piece]


@dataclass(frozen=True)
class StepBatch:
    """All that one optimizer step reads."""

    samples: range
    micro: tuple[Any, ...]
    """What :meth:`Objective.prepare` made of each micro-batch."""
    label_count: int
    """What the sum of losses is divided by: positions that predict a token, or pairs."""


class Objective(Protocol):
    """From samples to a loss, and from a model to figures. Made once a run."""

    extra_ids: int
    """Token ids that it puts behind the corpus's vocabulary: a mask, sentinels."""

    def make_model(self, shape: ModelShape, dtype: torch.dtype) -> Any:
        """The model on the CPU, not initialised; ``shape.vocab_size`` counts the extra ids."""
        ...

    def prepare(self, shards: TokenShards, samples: Sequence[Sample]) -> tuple[Any, int]:
        """One micro-batch, on the CPU, with its number of labels; called by the reading thread.

        The result has ``to(device)``.
        """
        ...

    def accumulate(
        self, model: Any, batch: StepBatch, device: torch.device, backend: Backend
    ) -> float:
        """Add the gradient of the step's mean loss to the model's; return that loss, in nats.

        How the step is cut into micro-batches must not show but in the last bits.
        """
        ...

    def evaluate(self, model: Any, shards: TokenShards, backend: Backend) -> dict[str, Any]:
        """Figures on the validation split: plain numbers, ``loss`` among them."""
        ...

    def describe(self, figures: dict[str, Any]) -> str:
        """The figures of :meth:`evaluate` as half a line."""
        ...


def make_objective(config: TrainConfig, shards: TokenShards) -> Objective:
    """The objective that ``config.objective.kind`` names, over the corpus of ``shards``."""
    if config.objective.kind == "masked":
        from winnow.train.objectives.masked import Masked

        return Masked(config, shards)
    if config.objective.kind == "spans":
        from winnow.train.objectives.spans import Spans

        return Spans(config, shards)
    if config.objective.kind == "contrastive":
        from winnow.train.objectives.contrastive import Contrastive

        return Contrastive(config, shards)
    from winnow.train.objectives.causal import Causal

    return Causal(config, shards)
