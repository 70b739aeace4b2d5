from __future__ import annotations

import json

import pytest
import torch

from winnow.errors import StoreError
from winnow.train import checkpoint as module
from winnow.train.checkpoint import find_checkpoint, newest_checkpoint, save_checkpoint

VALUES = {"order": {}, "shape": {}}


def save(folder, step, keep_last=3):
    return save_checkpoint(
        folder,
        step,
        weights={"w": torch.full((4,), float(step))},
        optimizer={"w": {"exp_avg": torch.zeros(4)}},
        values=VALUES,
        tokenizer=b"{}",
        keep_last=keep_last,
    )


def test_what_is_loaded_is_what_was_saved(tmp_path):
    save(tmp_path, 3)
    found = newest_checkpoint(tmp_path)
    assert found.step == 3 and (found.path / "tokenizer.json").read_bytes() == b"{}"
    assert torch.equal(found.load("weights.pt")["w"], torch.full((4,), 3.0))


def test_only_the_newest_are_kept(tmp_path):
    for step in (1, 2, 10, 11):
        save(tmp_path, step, keep_last=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000010", "step-00000011"]


def test_saving_the_same_step_again_replaces_it(tmp_path):
    save(tmp_path, 1)
    save(tmp_path, 1)
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000001"]


def test_a_save_that_breaks_off_leaves_the_one_before(tmp_path, monkeypatch):
    save(tmp_path, 1)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.os, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, 2)
    monkeypatch.undo()
    assert any(p.name.endswith(".tmp") for p in tmp_path.iterdir())
    assert newest_checkpoint(tmp_path).step == 1
    save(tmp_path, 3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000001", "step-00000003"]


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda path: (path / "weights.pt").write_bytes(b""), "weights.pt is cut short"),
        (lambda path: (path / "optimizer.pt").unlink(), "optimizer.pt is missing"),
        (lambda path: (path / "checkpoint.json").write_text("{"), "cannot be read"),
        (lambda path: (path / "checkpoint.json").unlink(), "cannot be read"),
        (lambda path: flip(path / "weights.pt"), "another sha256"),
    ],
)
def test_a_damaged_checkpoint_is_passed_over_and_said(tmp_path, damage, word):
    save(tmp_path, 1)
    damage(save(tmp_path, 2).path)
    heard = []
    assert newest_checkpoint(tmp_path, heard.append).step == 1
    assert len(heard) == 1 and "step-00000002" in heard[0] and word in heard[0]


def flip(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def test_a_checkpoint_of_another_version_is_refused(tmp_path):
    path = save(tmp_path, 1).path / "checkpoint.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 99}))
    with pytest.raises(StoreError, match=r"version 99; this winnow reads version 1"):
        newest_checkpoint(tmp_path)


def test_a_folder_without_any_is_said(tmp_path):
    assert newest_checkpoint(tmp_path / "none") is None
    with pytest.raises(StoreError, match="holds no whole checkpoint"):
        find_checkpoint(tmp_path)
    assert find_checkpoint(save(tmp_path, 5).path).step == find_checkpoint(tmp_path).step == 5
