"""Stopping a run in every way and going on: the weights must come out the same, bit for bit."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from winnow.errors import ConfigError, FingerprintMismatch
from winnow.train.checkpoint import newest_checkpoint
from winnow.train.config_file import load_config
from winnow.train.loop import Trainer
from winnow.train.metrics import read_metrics

ROOT = Path(__file__).parents[2]


def train(config_path, *overrides):
    trainer = Trainer(load_config(config_path, overrides), say=lambda text: None)
    result = trainer.run()
    return trainer, result


def final(folder):
    found = newest_checkpoint(Path(folder))
    return found, found.load("weights.pt"), found.load("optimizer.pt")


def assert_same_end(folder, other):
    (a, weights_a, optimizer_a), (b, weights_b, optimizer_b) = final(folder), final(other)
    assert a.step == b.step and a.values["order"] == b.values["order"]
    assert weights_a.keys() == weights_b.keys() and optimizer_a.keys() == optimizer_b.keys()
    assert all(torch.equal(weights_a[name], weights_b[name]) for name in weights_a)
    for name, state in optimizer_a.items():
        assert state.keys() == {"step", "exp_avg", "exp_avg_sq"}
        assert all(torch.equal(state[key], optimizer_b[name][key]) for key in state)


def run_child(config_path, code, **how):
    """``code`` in a process of its own, with the config's path in ``config_path``."""
    text = f"config_path = {str(config_path)!r}\n" + code
    return subprocess.Popen(
        [sys.executable, "-c", text],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        **how,
    )


@pytest.fixture
def whole(toy_config, tmp_path):
    """The folder of 20 steps made in one go."""
    train(toy_config, f"checkpoint.folder={tmp_path / 'whole'}")
    return tmp_path / "whole"


def test_ten_steps_and_ten_more_are_twenty(toy_config, tmp_path, whole):
    def stop_after_ten(trainer):
        step = trainer._step

        def and_stop(batch, wait):
            values = step(batch, wait)
            if trainer.at.step == 10:
                signal.raise_signal(signal.SIGTERM)
            return values

        trainer._step = and_stop

    first = Trainer(load_config(toy_config), say=lambda text: None)
    stop_after_ten(first)
    result = first.run()
    assert (result.step, result.stopped) == (10, "SIGTERM received")
    assert final(tmp_path / "run")[0].step == 10
    second, result = train(toy_config)
    assert second.resumed.step == 10 and result.step == 20 and result.stopped is None
    assert_same_end(tmp_path / "run", whole)


def test_killed_in_a_step_and_again_while_saving(toy_config, tmp_path, whole):
    die = """
import os, signal
from winnow.train import checkpoint
from winnow.train.config_file import load_config
from winnow.train.loop import Trainer

def kill_self(*_):
    os.kill(os.getpid(), signal.SIGKILL)

trainer = Trainer(load_config(config_path))
"""
    in_step_8 = """
step = trainer._step
trainer._step = lambda *a: kill_self() if trainer.at.step == 8 else step(*a)
trainer.run()
"""
    in_the_save_of_step_10 = """
commit = os.rename
checkpoint.os.rename = lambda a, b: kill_self() if "00000010" in str(b) else commit(a, b)
trainer.run()
"""
    child = run_child(toy_config, die + in_step_8)
    assert child.wait(60) == -signal.SIGKILL
    assert final(tmp_path / "run")[0].step == 5
    child = run_child(toy_config, die + in_the_save_of_step_10)
    assert child.wait(60) == -signal.SIGKILL
    assert [p.name for p in (tmp_path / "run").glob(".step-00000010*")]  # half of it lies there
    assert final(tmp_path / "run")[0].step == 5
    trainer, _ = train(toy_config)
    assert trainer.resumed.step == 5
    assert_same_end(tmp_path / "run", whole)
    steps = [m["step"] for m in read_metrics(trainer.metrics.path) if m["kind"] == "train"]
    assert steps == list(range(1, 21))  # though steps 6 to 10 were made more than once


def test_sigterm_from_outside_ends_well_with_a_checkpoint(toy_config, tmp_path):
    child = run_child(
        toy_config,
        "import sys\n"
        "from winnow.train import run_training\n"
        "sets = ['batch.steps=100000', 'checkpoint.every_steps=90000']\n"
        "sys.exit(run_training(config_path, sets))",
    )
    metrics = tmp_path / "run" / "metrics.jsonl"
    deadline = time.monotonic() + 60
    while len(read_metrics(metrics)) < 5 and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGTERM)
    output, _ = child.communicate(timeout=60)
    assert child.returncode == 0, output
    assert "SIGTERM received: saved step" in output
    found = newest_checkpoint(tmp_path / "run")
    assert found.step >= 4 and f"saved step {found.step} of 100,000" in output
    trainer = Trainer(load_config(toy_config, ["batch.steps=100000"]), say=lambda text: None)
    assert trainer.at.step == found.step == read_metrics(metrics)[-1]["step"]


def test_a_damaged_newest_checkpoint_costs_only_its_steps(toy_config, tmp_path, whole):
    train(toy_config)
    (tmp_path / "run" / "step-00000020" / "weights.pt").write_bytes(b"torn")
    trainer, result = train(toy_config)
    assert trainer.resumed.step == 15 and result.step == 20
    assert_same_end(tmp_path / "run", whole)


def test_a_finished_run_is_left_as_it_is(toy_config, tmp_path):
    _, first = train(toy_config)
    again, second = train(toy_config)
    assert again.resumed.step == 20 and second.after == first.after


def test_time_that_is_over_saves_and_ends(toy_config, tmp_path):
    _, result = train(toy_config, "runtime.max_minutes=1e-9")
    assert result.step == 1 and "max_minutes" in result.stopped
    assert newest_checkpoint(tmp_path / "run").step == 1


def test_another_corpus_is_refused(toy_config, write_store, documents, tmp_path):
    train(toy_config, "batch.steps=5")
    write_store(tmp_path / "other", documents(400, 9), documents(20, 10))
    with pytest.raises(FingerprintMismatch, match=r"(?s)trained on corpus.*data\.path"):
        train(toy_config, f"data.path={tmp_path / 'other'}")


def test_a_moved_corpus_is_the_same_corpus(toy_config, toy_store, tmp_path, whole):
    train(toy_config, "batch.steps=10", "schedule.decay_share=0.4")  # 10 * 0.8: none falls yet
    shutil.copytree(toy_store, tmp_path / "moved")
    trainer, _ = train(toy_config, f"data.path={tmp_path / 'moved'}")
    assert trainer.resumed.step == 10


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.layers=3", r"model\.layers was 2 and is 3"),
        ("data.max_context=32", r"data\.max_context was 64 when .* and is 32 now"),
        ("data.seed=1", r"data\.seed was 0 when .* and is 1 now"),
        ("checkpoint.resume=never", r"(?s)holds checkpoints of an earlier run.*Delete"),
    ],
)
def test_what_would_break_the_run_is_refused(toy_config, override, message):
    train(toy_config, "batch.steps=5")
    with pytest.raises(ConfigError, match=message):
        train(toy_config, override)


def test_another_objective_is_refused(toy_config):
    from winnow.errors import ConfigError
    from winnow.train.config_file import load_config
    from winnow.train.loop import Trainer

    Trainer(load_config(toy_config, ["batch.steps=2"]), say=lambda text: None).run()
    with pytest.raises(ConfigError, match=r"objective\.kind 'causal'.*'contrastive' now"):
        Trainer(load_config(toy_config, ["objective.kind=contrastive"]), say=lambda text: None)
