from __future__ import annotations

import pytest

from winnow.train.config_file import parse_config
from winnow.train.schedule import learning_rate, settle


def config_of(tmp_path, **tables):
    base = {"data": {"path": "t"}, "checkpoint": {"folder": "r"}}
    return parse_config({**base, **tables}, tmp_path)


def rates(tmp_path, **schedule):
    config = config_of(tmp_path, schedule=schedule, batch={"steps": 100}, optimizer={"lr": 1.0})
    settled = settle(config, 10**6)
    return [learning_rate(step, settled, config.schedule) for step in range(100)]


def test_wsd_rises_stays_and_falls_in_a_line(tmp_path):
    lr = rates(tmp_path, kind="wsd", warmup_share=0.1, decay_share=0.2, final_lr_share=0.5)
    assert lr[:10] == pytest.approx([0.1 * n for n in range(1, 11)])
    assert lr[10:81] == [1.0] * 71
    assert lr[90] == pytest.approx(0.75)
    assert lr[99] == pytest.approx(0.5 + 0.5 / 20)


def test_cosine_is_halfway_down_in_the_middle(tmp_path):
    lr = rates(tmp_path, kind="cosine", warmup_share=0.0, final_lr_share=0.1)
    assert lr[0] == 1.0
    assert lr[50] == pytest.approx(0.55)
    assert lr[25] == pytest.approx(0.1 + 0.9 * (1 + 0.5**0.5) / 2)
    assert lr == sorted(lr, reverse=True)


def test_no_warm_up_and_no_decay_is_a_constant(tmp_path):
    assert set(rates(tmp_path, warmup_share=0.0, decay_share=0.0)) == {1.0}


@pytest.mark.parametrize("kind", ["wsd", "cosine"])
def test_a_run_of_one_step_has_the_peak_rate(tmp_path, kind):
    config = config_of(tmp_path, schedule={"kind": kind}, batch={"steps": 1}, optimizer={"lr": 1.0})
    assert learning_rate(0, settle(config, 10**6), config.schedule) == 1.0


def test_auto_follows_the_ladder(tmp_path):
    settled = settle(config_of(tmp_path), 124_000_000)
    assert settled.lr == pytest.approx(2.2e-3, rel=0.03)
    assert settled.global_tokens == 11 * 32_768  # 359K to the nearest whole micro-batch
    assert settled.beta2 == 0.99
    assert settled.steps == round(20 * 124e6 / settled.global_tokens)
    assert settle(config_of(tmp_path), 350_000_000).beta2 == 0.95


def test_what_the_config_says_wins_over_auto(tmp_path):
    config = config_of(
        tmp_path,
        optimizer={"lr": 1e-3, "beta2": 0.9},
        batch={"global_tokens": 65_536, "total_tokens": 6_553_600},
    )
    settled = settle(config, 124_000_000)
    assert (settled.lr, settled.beta2) == (1e-3, 0.9)
    assert (settled.global_tokens, settled.steps) == (65_536, 100)
