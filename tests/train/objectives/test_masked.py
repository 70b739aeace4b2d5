"""Masked tokens: what is hidden, what is learned, and that nothing but the sample decides."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from winnow.tokenize.token_shards import TokenShards
from winnow.train.attention import document_mask
from winnow.train.config_file import load_config
from winnow.train.loop import Trainer
from winnow.train.model import Decoder, initialise
from winnow.train.objectives.objective import Sample, make_objective
from winnow.train.shape import ModelConfig, model_shape


def trainer_of(config_path, *overrides):
    settings = ["objective.kind=masked", *overrides]
    return Trainer(load_config(config_path, settings), say=lambda text: None)


@pytest.fixture
def parts(toy_config):
    trainer = trainer_of(toy_config)
    return trainer.objective, trainer.train_shards, trainer.order


def samples_of(order, *numbers):
    return [Sample(number, order.pieces(number)) for number in numbers]


def test_exactly_the_share_is_hidden_in_the_three_ways(parts):
    objective, shards, order = parts
    mask_id = shards.vocab_size
    hidden = masked = same = 0
    for number in range(100):
        batch, count = objective.prepare(shards, samples_of(order, number))
        assert count == len(batch.hidden_K) == round(0.3 * order.pack_tokens)
        plain = np.concatenate([shards.document(d)[a:b] for d, a, b in order.pieces(number)])
        tokens = batch.tokens_T.numpy()
        places = batch.hidden_K.numpy()
        assert (np.diff(places) > 0).all()
        np.testing.assert_array_equal(batch.labels_K.numpy(), plain[places])
        assert (plain[places] != shards.eos_id).all()
        outside = np.ones(len(plain), bool)
        outside[places] = False
        np.testing.assert_array_equal(tokens[outside], plain[outside])
        hidden += count
        masked += int((tokens[places] == mask_id).sum())
        same += int((tokens[places] == plain[places]).sum())
        replaced = (tokens[places] != mask_id) & (tokens[places] != plain[places])
        assert (tokens[places][replaced] != shards.eos_id).all()
        assert tokens.max() <= mask_id
    assert masked / hidden == pytest.approx(0.8, abs=0.02)
    assert same / hidden == pytest.approx(0.1 + 0.1 / 63, abs=0.02)


def test_a_mask_depends_on_the_sample_alone(parts):
    objective, shards, order = parts
    both, _ = objective.prepare(shards, samples_of(order, 3, 4))
    one, _ = objective.prepare(shards, samples_of(order, 4))
    pack = order.pack_tokens
    assert torch.equal(both.tokens_T[pack:], one.tokens_T)
    again, _ = objective.prepare(shards, samples_of(order, 4))
    assert torch.equal(again.tokens_T, one.tokens_T)
    assert not torch.equal(both.tokens_T[:pack] == shards.vocab_size, one.tokens_T == 64)


@torch.no_grad()
@pytest.mark.parametrize("backend", ["mask", "loop", "flex"])
def test_both_sides_are_seen_and_no_other_document(backend):
    model = Decoder(model_shape(ModelConfig(preset="tiny", layers=2, width=32, heads=2), 65))
    initialise(model, 0)
    tokens_T = torch.randint(0, 64, (128,), generator=torch.Generator().manual_seed(1))
    starts = [0, 40, 41, 100]
    doc_start_T = torch.zeros(128, dtype=torch.int64)
    for start, stop in zip(starts, [*starts[1:], 128], strict=True):
        doc_start_T[start:stop] = start
    positions_T = torch.arange(128) - doc_start_T

    def outputs(tokens_T):
        return model(tokens_T, positions_T, document_mask(doc_start_T, backend, causal=False))

    before = outputs(tokens_T)
    changed = tokens_T.clone()
    changed[60] = (changed[60] + 1) % 64
    moved = (outputs(changed) - before).abs().amax(-1) > 1e-6
    assert moved[41:100].all()  # also those before it
    assert not moved[:41].any() and not moved[100:].any()
    reference = model(tokens_T, positions_T, document_mask(doc_start_T, "loop", causal=False))
    torch.testing.assert_close(before, reference, rtol=1e-4, atol=1e-5)


def test_it_learns_far_beyond_guessing(toy_config):
    trainer = trainer_of(toy_config, "batch.steps=300", "optimizer.lr=0.01")
    assert trainer.model.shape.vocab_size == 65
    result = trainer.run()
    assert result.before["masked_accuracy"] < 0.1
    assert result.after["loss"] < result.before["loss"] - 1
    # a token is decided by its neighbours in four cases of five
    assert result.after["masked_accuracy"] > result.after["guess_accuracy"] + 0.3


def test_figures_do_not_depend_on_the_batch(toy_config):
    trainer = trainer_of(toy_config)
    shards = TokenShards.open(trainer.config.data.path, "validation")
    whole = trainer.objective.evaluate(trainer.model, shards, "loop")
    small = make_objective(
        load_config(toy_config, ["objective.kind=masked", "batch.micro_tokens=128"]),
        trainer.train_shards,
    ).evaluate(trainer.model, shards, "loop")
    assert small["masked_accuracy"] == whole["masked_accuracy"]
    assert small["loss"] == pytest.approx(whole["loss"], rel=1e-5)
    assert whole["documents"] == shards.documents


def test_a_resumed_run_is_the_same_run(toy_config, tmp_path):
    ends = []
    for folder, cuts in (("whole", [12]), ("parts", [5, 12])):
        for steps in cuts:
            trainer = trainer_of(
                toy_config,
                f"batch.steps={steps}",
                "schedule.warmup_share=0",
                "schedule.decay_share=0",
                f"checkpoint.folder={tmp_path / folder}",
            )
            trainer.run()
        ends.append(trainer.model.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_what_wants_a_causal_model_says_so(toy_config, tmp_path):
    from winnow.errors import ConfigError
    from winnow.train.export_hf import export_hf
    from winnow.train.held_out import evaluate_checkpoint
    from winnow.train.sample import load_model

    trainer_of(toy_config, "batch.steps=1").run()
    run = tmp_path / "run"
    for use in (load_model, evaluate_checkpoint, lambda path: export_hf(path, tmp_path / "hf")):
        with pytest.raises(ConfigError, match="objective 'masked'"):
            use(run)
