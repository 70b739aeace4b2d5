from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from winnow.train import loss as loss_module
from winnow.train.data import IGNORED
from winnow.train.loss import label_nats, linear_cross_entropy

T, D, V, PADDED = 23, 6, 11, 16


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(loss_module, "CHUNK_TOKENS", 5)


def inputs(dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    hidden_TD = torch.randn(T, D, generator=generator).to(dtype).requires_grad_()
    weight_VD = torch.randn(PADDED, D, generator=generator).requires_grad_()
    labels_T = torch.randint(0, V, (T,), generator=generator)
    labels_T[[0, 5, 6, 22]] = IGNORED
    return hidden_TD, weight_VD, labels_T


def test_value_and_gradients_are_those_of_the_plain_cross_entropy():
    hidden_TD, weight_VD, labels_T = inputs()
    ours = linear_cross_entropy(hidden_TD, weight_VD, labels_T, V) / 7
    ours.backward()
    mine = (hidden_TD.grad, weight_VD.grad)
    hidden_TD, weight_VD, labels_T = inputs()
    logits_TV = (hidden_TD @ weight_VD.T)[:, :V]
    plain = F.cross_entropy(logits_TV, labels_T, ignore_index=IGNORED, reduction="sum") / 7
    plain.backward()
    torch.testing.assert_close(ours, plain)
    torch.testing.assert_close(mine[0], hidden_TD.grad)
    torch.testing.assert_close(mine[1], weight_VD.grad)
    assert not mine[1][V:].any()  # padding rows are not trained
    assert not mine[0][[0, 5, 6, 22]].any()


def test_half_precision_states_give_float32_weight_gradients():
    hidden_TD, weight_VD, labels_T = inputs(torch.bfloat16)
    linear_cross_entropy(hidden_TD, weight_VD, labels_T, V).backward()
    assert hidden_TD.grad.dtype == torch.bfloat16 and weight_VD.grad.dtype == torch.float32
    exact_hidden, exact_weight, _ = inputs()
    linear_cross_entropy(exact_hidden, exact_weight, labels_T, V).backward()
    error = (weight_VD.grad - exact_weight.grad).norm() / exact_weight.grad.norm()
    assert float(error) < 0.02


def test_nats_by_position_sum_to_the_loss():
    hidden_TD, weight_VD, labels_T = inputs()
    nats_T = label_nats(hidden_TD, weight_VD, labels_T, V)
    assert nats_T.shape == (T,) and not nats_T[labels_T == IGNORED].any()
    torch.testing.assert_close(
        nats_T.sum(), linear_cross_entropy(hidden_TD, weight_VD, labels_T, V).detach()
    )
