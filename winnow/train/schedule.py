"""Numbers that follow from the model's size, and the learning rate as a function of the step.

Source of the "auto" rules: OLMo-core's model ladder (``wsds_chinchilla_run_configurator.py``),
after Porian et al. 2024, https://arxiv.org/abs/2406.19146. Differs: parameters are counted with
the embedding. They were fitted at contexts of 2,048 and above 10M parameters; far below, they are
a start and no optimum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from winnow.train.config import ScheduleConfig, TrainConfig

TOKENS_PER_PARAMETER = 20  # Hoffmann et al. 2022: the optimum for a given budget of compute


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What a config leaves to "auto", and what follows from it; saved with every checkpoint."""

    parameters: int
    global_tokens: int
    """Tokens of one step."""
    steps: int
    lr: float
    beta2: float
    warmup_steps: int
    decay_steps: int
    """Steps in which "wsd" falls; for "cosine" all that follow the warm-up."""


def settle(config: TrainConfig, parameters: int) -> Settled:
    """``config`` for a model of ``parameters`` weights, embedding included."""
    batch, optimizer, schedule = config.batch, config.optimizer, config.schedule
    global_tokens = batch.global_tokens
    if global_tokens == "auto":
        ideal = 2_048 * 160 * (parameters / 108e6) ** (2 / 3)
        global_tokens = max(1, round(ideal / batch.micro_tokens)) * batch.micro_tokens
    steps = batch.steps
    if steps is None:
        total_tokens = batch.total_tokens or TOKENS_PER_PARAMETER * parameters
        steps = max(1, round(total_tokens / global_tokens))
    lr, beta2 = optimizer.lr, optimizer.beta2
    if lr == "auto":
        lr = 0.5 * 0.0047 * (parameters / 108e6) ** (-1 / 3)
    if beta2 == "auto":
        beta2 = 0.95 if global_tokens >= 524_288 else 0.99
    warmup_steps = round(schedule.warmup_share * steps)
    falling = round(schedule.decay_share * steps) if schedule.kind == "wsd" else steps
    return Settled(
        parameters=parameters,
        global_tokens=global_tokens,
        steps=steps,
        lr=lr,
        beta2=beta2,
        warmup_steps=warmup_steps,
        decay_steps=min(falling, steps - warmup_steps),
    )


def learning_rate(step: int, settled: Settled, schedule: ScheduleConfig) -> float:
    """The rate of the update that follows ``step`` finished ones (0 <= step < steps).

    It rises in a line to the peak, which the last warm-up step has, and would reach
    ``final_lr_share`` of it one step after the last.
    """
    if step < settled.warmup_steps:
        return settled.lr * (step + 1) / settled.warmup_steps
    into_decay = step - (settled.steps - settled.decay_steps)
    if into_decay <= 0:
        return settled.lr
    progress = min(1.0, into_decay / settled.decay_steps)
    fall = 0.5 * (1 - math.cos(math.pi * progress)) if schedule.kind == "cosine" else progress
    return settled.lr * (1 - fall * (1 - schedule.final_lr_share))
