from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from winnow.errors import CorruptShard, StageError, StoreError
from winnow.tokenize.token_shards import TokenShards
from winnow.train.config_file import load_config
from winnow.train.loop import MAX_SKIPPED_IN_A_ROW, Trainer
from winnow.train.metrics import read_metrics
from winnow.train.spikes import ENOUGH, SpikeWindow


def trainer_of(config_path, *overrides):
    return Trainer(load_config(config_path, overrides), say=lambda text: None)


def test_the_model_learns_what_is_there_to_learn(toy_config, toy_store):
    counts = np.bincount(
        np.concatenate(
            [s.document(i) for s in [TokenShards.open(toy_store)] for i in range(s.documents)]
        )
    )
    share = counts / counts.sum()
    unigram_nats = float(-(share * np.log(share)).sum())
    result = trainer_of(toy_config, "batch.steps=150").run()
    assert abs(result.before["loss"] - math.log(64)) < 0.1  # knows nothing
    assert result.after["loss"] < unigram_nats - 1.5
    assert result.after["bits_per_byte"] < result.before["bits_per_byte"] - 0.7


def test_metrics_are_one_json_object_a_line(toy_config, tmp_path):
    trainer_of(toy_config, "evaluation.every_steps=10").run()
    text = (tmp_path / "run" / "metrics.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    train = [line for line in lines if line["kind"] == "train"]
    assert [line["step"] for line in train] == list(range(1, 21))
    assert set(train[0]) == {
        "kind", "step", "loss", "lr", "grad_norm", "tokens", "tok_s", "data_ms", "step_ms",
        "epoch", "skipped",
    }  # fmt: skip
    assert train[-1]["tokens"] == 20 * 512 and train[-1]["skipped"] == 0
    assert [x["step"] for x in lines if x["kind"] == "evaluation"] == [0, 10, 20]


def test_a_line_cut_short_by_a_kill_is_left_out(tmp_path):
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"kind": "train", "step": 1}\n{"kind": "tr')
    assert read_metrics(file) == [{"kind": "train", "step": 1}]


def test_how_a_step_is_cut_into_micro_batches_does_not_matter(toy_config, tmp_path):
    ends = []
    for micro in (128, 512):
        trainer = trainer_of(
            toy_config,
            f"batch.micro_tokens={micro}",
            f"checkpoint.folder={tmp_path / str(micro)}",
        )
        trainer.run()
        ends.append(trainer.model.state_dict())
    for name in ends[0]:
        torch.testing.assert_close(ends[0][name], ends[1][name], rtol=1e-3, atol=1e-4)


def spoil(trainer, steps):
    """Make the loss of these steps (counted from 0) not a number, as an overflow would."""
    accumulate = trainer.accumulate

    def spoiled(batch):
        loss = accumulate(batch)
        if trainer.at.step in steps:
            for parameter in trainer.model.parameters():
                parameter.grad.fill_(math.nan)
            return math.nan
        return loss

    trainer.accumulate = spoiled


def test_a_loss_that_is_no_number_skips_the_update_and_names_the_samples(toy_config, tmp_path):
    trainer = trainer_of(toy_config)
    spoil(trainer, {3, 4})
    result = trainer.run()
    assert (result.step, result.skipped) == (20, 2)
    assert all(torch.isfinite(p).all() for p in trainer.model.parameters())
    lines = [x for x in read_metrics(tmp_path / "run" / "metrics.jsonl") if x["kind"] == "train"]
    assert [x["step"] for x in lines if "skipped_samples" in x] == [4, 5]
    assert lines[3]["skipped_samples"] == [12, 13, 14, 15] and lines[3]["loss"] is None
    assert math.isfinite(result.after["loss"])


def test_five_in_a_row_end_the_run_before_a_checkpoint_is_spoiled(toy_config, tmp_path):
    trainer = trainer_of(toy_config)
    spoil(trainer, set(range(7, 20)))
    with pytest.raises(StageError, match=r"(?s)step 12: .*5 steps in a row.*optimizer\.lr"):
        trainer.run()
    assert trainer.at.skipped == MAX_SKIPPED_IN_A_ROW


def test_weight_decay_is_on_the_matrices_of_the_blocks_only(toy_config):
    decayed, kept = trainer_of(toy_config).optimizer.param_groups
    assert decayed["weight_decay"] == 0.1 and kept["weight_decay"] == 0.0
    assert all("_proj" in name for name in decayed["param_names"])
    assert {"model.embed_tokens.weight", "model.norm.weight"} <= set(kept["param_names"])


def test_a_store_without_validation_says_so_or_is_trained_without(
    toy_config, write_store, documents, tmp_path
):
    write_store(tmp_path / "t", documents(50, 1))
    path = f"data.path={tmp_path / 't'}"
    with pytest.raises(StoreError, match=r"'validation' holds 0 documents"):
        trainer_of(toy_config, path)
    result = trainer_of(toy_config, path, "evaluation.enabled=false", "batch.steps=2").run()
    assert result.step == 2 and result.before is None


def test_verify_hashes_the_shards_first(toy_config, write_store, documents, tmp_path):
    write_store(tmp_path / "t", documents(50, 1), documents(5, 2))
    shard = tmp_path / "t" / "train-00001-of-00002.arrow"
    data = bytearray(shard.read_bytes())
    data[data.index(bytes(documents(50, 1)[1][:4].astype(np.uint16)))] ^= 1  # one token's bit
    shard.write_bytes(data)
    path = f"data.path={tmp_path / 't'}"
    trainer_of(toy_config, path)  # the map alone cannot know
    with pytest.raises(CorruptShard, match=r"train-00001-of-00002\.arrow does not have the sha256"):
        trainer_of(toy_config, path, "data.verify=true")


def test_a_spike_is_skipped_and_its_documents_are_named(toy_config, tmp_path, toy_store):
    trainer = trainer_of(toy_config, "batch.steps=40", "optimizer.skip_sigmas=6")
    accumulate = trainer.accumulate
    trainer.accumulate = lambda batch: accumulate(batch) * (10 if trainer.at.step == 35 else 1)
    result = trainer.run()
    assert (result.step, result.skipped) == (40, 1)
    lines = read_metrics(tmp_path / "run" / "metrics.jsonl")
    line = next(x for x in lines if "skipped_because" in x)
    assert line["step"] == 36 and line["skipped_because"] == "loss or gradient spiked"
    shards = TokenShards.open(toy_store)
    pieces = [p for s in line["skipped_samples"] for p in trainer.order.pieces(s)]
    assert line["skipped_documents"] == sorted({shards.doc_id(p.document) for p in pieces})


def test_what_is_a_spike_survives_a_resume(toy_config):
    whole = trainer_of(toy_config, "batch.steps=40", "optimizer.skip_sigmas=6")
    whole.run()
    again = trainer_of(toy_config, "batch.steps=40", "optimizer.skip_sigmas=6")
    assert again.at.step == 40
    assert again._window.to_values() == whole._window.to_values()
    assert len(again._window.to_values()) == 40


def test_nothing_is_a_spike_before_enough_was_seen():
    window = SpikeWindow(3.0)
    for step in range(ENOUGH):
        assert not window.is_spike(1e9, 1e9)
        window.add(2.0 + step % 2, 1.0)
    assert not window.is_spike(3.5, 1.0)
    assert window.is_spike(4.5, 1.0) and window.is_spike(2.0, 1.1)
    assert not SpikeWindow(None, window.to_values()).is_spike(1e9, 1e9)


def test_muon_learns_and_resumes_exactly(toy_config, tmp_path):
    def muon(folder, steps):
        return trainer_of(
            toy_config,
            f"batch.steps={steps}",
            "optimizer.kind=muon",
            "schedule.decay_share=0",
            "schedule.warmup_share=0",
            f"checkpoint.folder={tmp_path / folder}",
        )

    whole = muon("whole", 60)
    result = whole.run()
    assert result.after["loss"] < result.before["loss"] - 1
    muon("parts", 25).run()
    parts = muon("parts", 60)
    assert parts.at.step == 25
    parts.run()
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, parts.model.state_dict()[name]), name
    with pytest.raises(StoreError, match=r"of another kind.*exp_avg"):
        trainer_of(toy_config, "batch.steps=60", f"checkpoint.folder={tmp_path / 'parts'}")
