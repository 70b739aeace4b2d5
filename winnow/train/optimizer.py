"""AdamW over named parameters, and its state by parameter name."""

from __future__ import annotations

from typing import Any

import torch

from winnow.errors import StoreError
from winnow.train.config import OptimizerConfig
from winnow.train.model import Decoder
from winnow.train.schedule import Settled

NOT_DECAYED = ("embed_tokens.weight", "lm_head.weight")


def make_optimizer(model: Decoder, config: OptimizerConfig, settled: Settled) -> torch.optim.AdamW:
    """AdamW with weight decay on the matrices of the blocks only.

    Norms have no scale to keep small, and decay would pull rare tokens' embeddings to zero, which
    are not pushed back as long as the token does not occur.
    """
    decayed: list[tuple[str, torch.nn.Parameter]] = []
    kept: list[tuple[str, torch.nn.Parameter]] = []
    for name, parameter in model.named_parameters():
        plain = parameter.ndim < 2 or name.endswith(NOT_DECAYED)
        (kept if plain else decayed).append((name, parameter))
    return torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": config.weight_decay},
            {"params": kept, "weight_decay": 0.0},
        ],
        lr=settled.lr,
        betas=(config.beta1, settled.beta2),
        eps=config.eps,
        fused=True if next(model.parameters()).is_cuda else None,
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, dict[str, torch.Tensor]]:
    """Moments and step count by the parameter's name, so that no order of parameters matters."""
    return {
        name: dict(optimizer.state[parameter])
        for name, parameter in _named(optimizer)
        if parameter in optimizer.state
    }


def load_optimizer_state(
    optimizer: torch.optim.Optimizer, state: dict[str, dict[str, torch.Tensor]]
) -> None:
    """Restore what :func:`optimizer_state` returned; rates and betas stay those of the config."""
    names = [name for name, _ in _named(optimizer)]
    if state and set(state) != set(names):
        odd = sorted(set(state) ^ set(names))[0]
        raise StoreError(
            f"the saved optimizer does not fit the model: '{odd}' is in one of them only",
            remedy="Start anew in another checkpoint.folder.",
        )
    values: dict[str, Any] = optimizer.state_dict()
    values["state"] = {index: state[name] for index, name in enumerate(names) if name in state}
    optimizer.load_state_dict(values)


def _named(optimizer: torch.optim.Optimizer) -> list[tuple[str, torch.Tensor]]:
    return [
        (name, parameter)
        for group in optimizer.param_groups
        for name, parameter in zip(group["param_names"], group["params"], strict=True)
    ]
