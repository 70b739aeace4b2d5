"""Going on from a run's newest checkpoint, or refusing to, with the reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from winnow.errors import ConfigError
from winnow.train.checkpoint import (
    OPTIMIZER,
    WEIGHTS,
    Checkpoint,
    has_checkpoints,
    newest_checkpoint,
    require_shape,
)
from winnow.train.config import CheckpointConfig
from winnow.train.model import LanguageModel
from winnow.train.optimizer import Optimizers
from winnow.train.order import DataOrder
from winnow.train.schedule import Settled


@dataclasses.dataclass(frozen=True)
class Position:
    """Where a run stands between two steps."""

    step: int = 0
    """Updates done, skipped ones included."""
    sample: int = 0
    """The next sample to read, counted from the start of the run."""
    tokens: int = 0
    """Read so far."""
    skipped: int = 0
    """Updates that were skipped: not finite, or a spike."""


def find_start(config: CheckpointConfig, say: Callable[[str], None]) -> Checkpoint | None:
    """The checkpoint to go on from, or None to start; those passed over are said."""
    if config.resume == "never" and has_checkpoints(config.folder):
        raise ConfigError(
            f"{config.folder} holds checkpoints of an earlier run, and resume is 'never'",
            remedy='Delete the folder, set another checkpoint.folder, or resume = "auto".',
        )
    return newest_checkpoint(config.folder, say)


def restore(
    checkpoint: Checkpoint,
    model: LanguageModel,
    optimizer: Optimizers,
    order: DataOrder,
    settled: Settled,
    kind: str,
    say: Callable[[str], None],
) -> Position:
    """Load ``checkpoint`` into model and optimizer, and say which numbers have changed since.

    Raises :class:`ConfigError` for another model, objective (``kind``) or order of the data, and
    :class:`FingerprintMismatch` for another corpus; nothing has been loaded then.
    """
    values = checkpoint.values
    require_shape(checkpoint, model.shape)
    was = values["config"].get("objective", {}).get("kind", "causal")
    if was != kind:
        raise ConfigError(
            f"{checkpoint.path} was trained with objective.kind '{was}', and it is '{kind}' now",
            remedy="Set it back, or start anew in another checkpoint.folder.",
        )
    sample = order.resume(values["order"])
    device = model.head_weight_VD.device
    model.load_state_dict(checkpoint.load(WEIGHTS, device))
    optimizer.load_state(checkpoint.load(OPTIMIZER, device))
    for name, now in dataclasses.asdict(settled).items():
        if (was := values["settled"].get(name)) != now:
            say(f"note    {name} was {was} when {checkpoint.path.name} was saved and is {now}")
    return Position(checkpoint.step, sample, values["tokens"], values["skipped"])
