"""Cross-entropy of a linear output layer, a chunk of positions at a time.

Logits of a whole micro-batch are its largest tensor by far (32,768 tokens times 50,304 ids in
float32: 6.6 GB). Here they exist for ``CHUNK_TOKENS`` positions at a time, and the gradients of
a chunk are taken as soon as its logits are there, so nothing is computed twice either.

Shapes: T tokens, C tokens of a chunk, D width, V vocabulary (padded where it comes in).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from winnow.train.data import IGNORED

CHUNK_TOKENS = 2_048


def linear_cross_entropy(
    hidden_TD: torch.Tensor, weight_VD: torch.Tensor, labels_T: torch.Tensor, vocab_size: int
) -> torch.Tensor:
    """Sum over the labelled positions of -log softmax(hidden weight')[label], in nats (float32).

    Rows of ``weight_VD`` from ``vocab_size`` on are padding and take no part. ``labels_T`` int64,
    in [0, vocab_size) or IGNORED. Differentiable in ``hidden_TD`` and ``weight_VD``, once: the
    gradients are computed here, and backward only scales them.
    """
    loss: torch.Tensor = _LinearCrossEntropy.apply(  # type: ignore[no-untyped-call]
        hidden_TD, weight_VD, labels_T, vocab_size
    )
    return loss


@torch.no_grad()
def label_nats(
    hidden_TD: torch.Tensor, weight_VD: torch.Tensor, labels_T: torch.Tensor, vocab_size: int
) -> torch.Tensor:
    """The same, position by position: [T] float32 nats, 0 where there is no label."""
    weight_VD = weight_VD.to(hidden_TD.dtype)
    nats = []
    for hidden_CD, labels_C in zip(
        torch.split(hidden_TD, CHUNK_TOKENS), torch.split(labels_T, CHUNK_TOKENS), strict=True
    ):
        logits_CV = F.linear(hidden_CD, weight_VD)[:, :vocab_size].float()
        nats.append(F.cross_entropy(logits_CV, labels_C, ignore_index=IGNORED, reduction="none"))
    return torch.cat(nats)


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_TD: torch.Tensor,
        weight_VD: torch.Tensor,
        labels_T: torch.Tensor,
        vocab_size: int,
    ) -> torch.Tensor:
        compute_VD = weight_VD.to(hidden_TD.dtype)
        grad_hidden_TD = torch.empty_like(hidden_TD)
        grad_weight_VD = torch.zeros_like(weight_VD)  # float32: sums of many chunks
        loss = torch.zeros((), dtype=torch.float32, device=hidden_TD.device)
        for start in range(0, len(hidden_TD), CHUNK_TOKENS):
            hidden_CD = hidden_TD[start : start + CHUNK_TOKENS]
            labels_C = labels_T[start : start + CHUNK_TOKENS]
            logits_CV = F.linear(hidden_CD, compute_VD).float()
            logits_CV[:, vocab_size:] = -torch.inf
            logp_CV = F.log_softmax(logits_CV, dim=-1)
            counted_C = labels_C != IGNORED
            index_C1 = labels_C.clamp(min=0)[:, None]
            loss -= (logp_CV.gather(1, index_C1)[:, 0] * counted_C).sum()
            # d loss / d logits = softmax - one at the label, and nothing where there is no label
            grad_CV = logp_CV.exp_()
            grad_CV.scatter_add_(1, index_C1, grad_CV.new_full(index_C1.shape, -1.0))
            grad_CV *= counted_C[:, None]
            grad_compute_CV = grad_CV.to(hidden_TD.dtype)
            grad_hidden_TD[start : start + CHUNK_TOKENS] = grad_compute_CV @ compute_VD
            grad_weight_VD += grad_compute_CV.T @ hidden_CD
        ctx.save_for_backward(grad_hidden_TD, grad_weight_VD)
        return loss

    @staticmethod
    def backward(ctx: Any, grad_loss: torch.Tensor) -> Any:
        grad_hidden_TD, grad_weight_VD = ctx.saved_tensors
        return grad_hidden_TD * grad_loss, grad_weight_VD * grad_loss, None, None
