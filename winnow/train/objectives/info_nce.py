"""InfoNCE over all pairs of a step, and how well one view of a text finds the other.

Shapes: N pairs, C of them at a time, D width. No [N, N] matrix is held: what is needed of one
exists for ``CHUNK_PAIRS`` rows. Views are unit vectors in float32, so products are cosines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

CHUNK_PAIRS = 1_024


def info_nce(
    first_ND: torch.Tensor, second_ND: torch.Tensor, keys_N: torch.Tensor, temperature: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(loss, its gradient in ``first_ND``, and in ``second_ND``); the loss in nats a pair.

    -log softmax(cosines / temperature)[its own pair], of each first view over all second ones (van
    den Oord et al. 2018, equation 4) and the other way round, the mean of both (CLIP; Radford et
    al. 2021, figure 3). Pairs of the same key are left out of each other's sum. Differs from
    SimCLR's NT-Xent, which also takes the views of the same side for negatives.
    """
    with torch.no_grad():
        grad_first_ND, grad_second_ND = torch.zeros_like(first_ND), torch.zeros_like(second_ND)
        nats = torch.zeros((), device=first_ND.device)
        each = 1 / (2 * max(1, len(keys_N)))
        for query_ND, key_ND, grad_query_ND, grad_key_ND in (
            (first_ND, second_ND, grad_first_ND, grad_second_ND),
            (second_ND, first_ND, grad_second_ND, grad_first_ND),
        ):
            for at, cosines_CN in _cosines(query_ND, key_ND, keys_N):
                rows = slice(at, at + CHUNK_PAIRS)
                logp_CN = torch.log_softmax(cosines_CN / temperature, dim=-1)
                nats -= logp_CN.diagonal(at).sum()
                # d nats / d cosines: softmax - one at its own pair, over the temperature
                grad_CN = logp_CN.exp_()
                grad_CN.diagonal(at).sub_(1)
                grad_CN *= each / temperature
                grad_query_ND[rows] += grad_CN @ key_ND
                grad_key_ND += grad_CN.T @ query_ND[rows]
        return nats * each, grad_first_ND, grad_second_ND


@torch.no_grad()
def retrieval_figures(
    first_ND: torch.Tensor, second_ND: torch.Tensor, keys_N: torch.Tensor, temperature: float
) -> dict[str, float]:
    """``recall_at_1`` and ``recall_at_10``: how often a first view's own second view is among the
    so many nearest of all; ``guess_recall_at_…``: of a random order; ``loss`` as in
    :func:`info_nce`.

    A second view that is as near as the own one counts as nearer: a model to which all is one finds
    nothing. All are 0 where there is no pair.
    """
    pairs = len(keys_N)
    nats, found = 0.0, {1: 0, 10: 0}
    for forth, query_ND, key_ND in ((True, first_ND, second_ND), (False, second_ND, first_ND)):
        for at, cosines_CN in _cosines(query_ND, key_ND, keys_N):
            logp_CN = torch.log_softmax(cosines_CN / temperature, dim=-1)
            nats -= float(logp_CN.diagonal(at).sum(dtype=torch.float64))
            if forth:
                rank_C = (cosines_CN >= cosines_CN.diagonal(at)[:, None]).sum(dim=-1)
                for within in found:
                    found[within] += int((rank_C <= within).sum())
    figures = {f"recall_at_{k}": count / max(1, pairs) for k, count in found.items()}
    figures |= {f"guess_recall_at_{k}": min(1.0, k / pairs) if pairs else 0.0 for k in found}
    return figures | {"loss": nats / max(1, 2 * pairs)}


@torch.no_grad()
def alignment(first_ND: torch.Tensor, second_ND: torch.Tensor) -> float:
    """Mean squared distance of the two views of a pair, in [0, 4]; 0: both are the same (Wang and
    Isola 2020, section 4.1, alpha 2)."""
    total = (first_ND - second_ND).square().sum(dtype=torch.float64)
    return float(total) / max(1, len(first_ND))


@torch.no_grad()
def uniformity(views_ND: torch.Tensor) -> float:
    """log of the mean of exp(-2 squared distance) over all pairs of views, in [-8, 0]; 0: all of
    them are the same (Wang and Isola 2020, section 4.1, t 2). 0 for fewer than two."""
    views = len(views_ND)
    if views < 2:
        return 0.0
    total = 0.0
    for at in range(0, views, CHUNK_PAIRS):
        cosines_CN = views_ND[at : at + CHUNK_PAIRS] @ views_ND.T
        kernel_CN = (4 * cosines_CN - 4).exp_()  # a squared distance of unit vectors is 2 - 2 cos
        kernel_CN.diagonal(at).zero_()
        total += float(kernel_CN.sum(dtype=torch.float64))
    return math.log(max(total / (views * (views - 1)), math.exp(-8)))


def _cosines(
    query_ND: torch.Tensor, key_ND: torch.Tensor, keys_N: torch.Tensor
) -> Iterator[tuple[int, torch.Tensor]]:
    """(number of the first row, rows of the matrix of cosines), with -inf where a pair is no
    negative of the row's. A row's own pair stands on the diagonal."""
    for at in range(0, len(query_ND), CHUNK_PAIRS):
        cosines_CN = query_ND[at : at + CHUNK_PAIRS] @ key_ND.T
        same_CN = keys_N[at : at + CHUNK_PAIRS, None] == keys_N[None, :]
        same_CN.diagonal(at).fill_(False)
        yield at, cosines_CN.masked_fill_(same_CN, -torch.inf)
