"""AdamW, or Muon for the matrices of the blocks, over named parameters; state by parameter name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from winnow.errors import StoreError
from winnow.train.config import OptimizerConfig
from winnow.train.model import LanguageModel
from winnow.train.schedule import Settled

NOT_DECAYED = ("embed_tokens.weight", "lm_head.weight")

Named = list[tuple[str, torch.nn.Parameter]]


class Optimizers:
    """One or two of torch's optimizers that are stepped as one."""

    def __init__(self, members: Sequence[torch.optim.Optimizer]) -> None:
        self.members = tuple(members)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [group for member in self.members for group in member.param_groups]

    def step(self) -> None:
        for member in self.members:
            member.step()

    def zero_grad(self) -> None:
        """Gradients become None: what no one needs takes no memory."""
        for member in self.members:
            member.zero_grad(set_to_none=True)

    def set_learning_rate(self, lr: float) -> None:
        for group in self.param_groups:
            group["lr"] = lr

    def to_state(self) -> dict[str, dict[str, torch.Tensor]]:
        """Moments and step count by the parameter's name, so that no order of parameters
        matters."""
        return {
            name: dict(member.state[parameter])
            for member in self.members
            for name, parameter in _named(member)
            if parameter in member.state
        }

    def load_state(self, state: dict[str, dict[str, torch.Tensor]]) -> None:
        """Restore what :meth:`to_state` returned; rates and betas stay those of the config.

        :class:`StoreError` for the state of another model or another kind of optimizer.
        """
        names = [name for member in self.members for name, _ in _named(member)]
        if state and set(state) != set(names):
            odd = sorted(set(state) ^ set(names))[0]
            raise StoreError(
                f"the saved optimizer does not fit the model: '{odd}' is in one of them only",
                remedy="Start anew in another checkpoint.folder.",
            )
        for member in self.members:
            own = [name for name, _ in _named(member)]
            wanted = _MOMENTS[type(member)]
            without = [name for name in own if name in state and wanted not in state[name]]
            if without:
                raise StoreError(
                    f"the saved optimizer is of another kind: '{without[0]}' has no {wanted}",
                    remedy="Set optimizer.kind back, or start anew in another checkpoint.folder.",
                )
            values: dict[str, Any] = member.state_dict()
            values["state"] = {i: state[name] for i, name in enumerate(own) if name in state}
            member.load_state_dict(values)


_MOMENTS: dict[type, str] = {torch.optim.AdamW: "exp_avg", torch.optim.Muon: "momentum_buffer"}


def make_optimizer(model: LanguageModel, config: OptimizerConfig, settled: Settled) -> Optimizers:
    """AdamW with weight decay on the matrices of the blocks only; or Muon on those matrices and
    AdamW on the rest.

    Norms have no scale to keep small, and decay would pull rare tokens' embeddings to zero, which
    are not pushed back as long as the token does not occur. Muon (Jordan et al. 2024) takes the
    update's singular values to one, by Newton-Schulz; scaled to the size of AdamW's updates (Liu et
    al. 2025, section 2.2), so that one learning rate and one decay serve both.
    """
    matrices: Named = []
    others: Named = []
    for name, parameter in model.named_parameters():
        plain = parameter.ndim < 2 or name.endswith(NOT_DECAYED)
        (others if plain else matrices).append((name, parameter))
    with_muon = config.kind == "muon"
    groups: list[dict[str, Any]] = [{"params": others, "weight_decay": 0.0}]
    if not with_muon:
        groups.insert(0, {"params": matrices, "weight_decay": config.weight_decay})
    members: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(
            groups,
            lr=settled.lr,
            betas=(config.beta1, settled.beta2),
            eps=config.eps,
            fused=True if next(model.parameters()).is_cuda else None,
        )
    ]
    if with_muon:
        members.append(
            torch.optim.Muon(
                matrices,
                lr=settled.lr,
                weight_decay=config.weight_decay,
                momentum=config.momentum,
                adjust_lr_fn="match_rms_adamw",
            )
        )
    return Optimizers(members)


def _named(optimizer: torch.optim.Optimizer) -> list[tuple[str, torch.Tensor]]:
    return [
        (name, parameter)
        for group in optimizer.param_groups
        for name, parameter in zip(group["param_names"], group["params"], strict=True)
    ]
