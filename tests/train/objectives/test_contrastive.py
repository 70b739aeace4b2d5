"""Contrastive pairs: what is cropped, that a step is one batch, and what is learned."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.errors import ConfigError, CorruptShard
from winnow.tokenize.token_shards import TokenShards
from winnow.train.config_file import load_config
from winnow.train.loop import Trainer
from winnow.train.objectives import info_nce as info_nce_module
from winnow.train.objectives.contrastive import encode
from winnow.train.objectives.draws import draws
from winnow.train.objectives.info_nce import (
    alignment,
    info_nce,
    retrieval_figures,
    uniformity,
)
from winnow.train.objectives.objective import Sample, StepBatch, make_objective
from winnow.train.objectives.pairs import DRAWS, compiled_length, crop_pair, pair_batch
from winnow.train.order import Piece

EOS = 0
SETTINGS = ["objective.kind=contrastive", "objective.min_crop_tokens=4"]


def trainer_of(config_path, *overrides):
    return Trainer(load_config(config_path, [*SETTINGS, *overrides]), say=lambda text: None)


@pytest.fixture
def parts(toy_config):
    trainer = trainer_of(toy_config)
    return trainer.objective, trainer.train_shards, trainer.order


def step_of(objective, shards, order, samples, micro_samples):
    micro, count = [], 0
    for at in range(samples.start, samples.stop, micro_samples):
        numbers = range(at, min(at + micro_samples, samples.stop))
        batch, pairs = objective.prepare(shards, [Sample(n, order.pieces(n)) for n in numbers])
        micro.append(batch)
        count += pairs
    return StepBatch(samples, tuple(micro), count)


def gradients(model):
    found = {name: p.grad for name, p in model.named_parameters()}
    model.zero_grad(set_to_none=True)
    return found


# ---- crops


@settings(max_examples=300, deadline=None)
@given(
    start=st.integers(0, 50),
    shortest=st.integers(1, 20),
    more=st.integers(0, 60),
    spare=st.integers(0, 100),
    seed=st.integers(0, 10_000),
)
def test_crops_lie_in_their_context_and_apart(start, shortest, more, spare, seed):
    tokens, longest = 2 * shortest + spare, shortest + more
    context = Piece(7, start, start + tokens)
    pair = crop_pair(context, shortest, longest, draws("test", seed, count=DRAWS))
    for crop in pair:
        assert crop.document == 7
        assert context.start <= crop.start and crop.stop <= context.stop
        assert shortest <= crop.stop - crop.start <= min(longest, tokens // 2)
    left, right = sorted(pair)
    assert left.stop <= right.start


def test_every_pair_of_places_is_as_likely():
    """Crops of 1 in 4 tokens: 6 pairs of places, in either order."""
    counts = {}
    for seed in range(6_000):
        one, two = crop_pair(Piece(0, 0, 4), 1, 1, draws("even", seed, count=DRAWS))
        counts[one.start, two.start] = counts.get((one.start, two.start), 0) + 1
    assert len(counts) == 12
    assert max(abs(n - 500) for n in counts.values()) < 110  # deviation 21


def test_every_length_is_as_likely():
    counts = np.zeros((2, 6), int)
    for seed in range(4_000):
        pair = crop_pair(Piece(0, 0, 11), 2, 9, draws("length", seed, count=DRAWS))
        for side, crop in enumerate(pair):
            counts[side, crop.stop - crop.start] += 1
    assert (counts[:, :2] == 0).all()
    assert abs(counts[:, 2:] - 1_000).max() < 140  # deviation 27


def test_a_pair_is_two_crops_of_one_context_without_its_end(parts):
    objective, shards, order = parts
    sample = Sample(3, order.pieces(3))
    batch, count = objective.prepare(shards, [sample])
    lengths = torch.bincount(batch.segments_T).tolist()
    assert count == batch.pairs == len(lengths) // 2 > 2
    assert not (batch.tokens_T == EOS).any()
    # contexts of 64 with at least 8 tokens of text
    whole = []
    for document, start, stop in sample.pieces:
        for first in range(start, stop, 64):
            ids = shards.document(document)[first : min(first + 64, stop)].tolist()
            text = ids[:-1] if ids[-1] == EOS else ids
            if len(text) >= 8:
                whole.append((document, text))
    assert batch.keys_N.tolist() == [shards.doc_id(document) for document, _ in whole]
    crops = [part.tolist() for part in torch.split(batch.tokens_T, lengths)]
    for pair, (_, text) in enumerate(whole):
        for crop in crops[2 * pair : 2 * pair + 2]:
            assert 4 <= len(crop) <= len(text) // 2
            assert any(text[i : i + len(crop)] == crop for i in range(len(text)))
    starts = np.cumsum([0, *lengths[:-1]])
    assert batch.doc_start_T.tolist() == np.repeat(starts, lengths).tolist()
    assert batch.positions_T.tolist() == [i for n in lengths for i in range(n)]


def test_crops_depend_on_the_sample_alone(parts):
    objective, shards, order = parts
    samples = [Sample(n, order.pieces(n)) for n in (3, 4)]
    both, _ = objective.prepare(shards, samples)
    one, count = objective.prepare(shards, samples[1:])
    assert torch.equal(both.keys_N[-count:], one.keys_N)
    assert torch.equal(both.tokens_T[-len(one.tokens_T) :], one.tokens_T)
    # the same pieces in another epoch, another sample number, are cropped anew
    other, _ = objective.prepare(shards, [Sample(99, samples[1].pieces)])
    assert torch.equal(other.keys_N, one.keys_N)
    assert other.tokens_T.tolist() != one.tokens_T.tolist()


def test_an_id_outside_the_vocabulary_names_its_shard(parts, monkeypatch):
    objective, shards, order = parts
    monkeypatch.setattr(shards, "vocab_size", 8)
    with pytest.raises(CorruptShard, match=r"train-0000.*holds the id \d+, outside"):
        objective.prepare(shards, [Sample(0, order.pieces(0))])


# ---- the loss


def reference_loss(first, second, keys, temperature):
    """As it is written in the papers, pair by pair."""
    total = 0.0
    for query, other in ((first, second), (second, first)):
        for i in range(len(keys)):
            allowed = [j for j in range(len(keys)) if j == i or keys[j] != keys[i]]
            scores = torch.stack([query[i] @ other[j] for j in allowed]) / temperature
            total = total + torch.logsumexp(scores, 0) - scores[allowed.index(i)]
    return total / (2 * len(keys))


@settings(max_examples=40, deadline=None)
@given(
    keys=st.lists(st.integers(-3, 6), min_size=1, max_size=12),
    temperature=st.sampled_from([0.05, 0.5, 2.0]),
    chunk=st.integers(1, 13),
    seed=st.integers(0, 100),
)
def test_loss_and_gradient_are_those_of_the_definition(keys, temperature, chunk, seed):
    generator = torch.Generator().manual_seed(seed)
    views = torch.randn(2, len(keys), 5, generator=generator, dtype=torch.float64)
    first, second = (F.normalize(v, dim=-1).requires_grad_() for v in views)
    expected = reference_loss(first, second, keys, temperature)
    expected.backward()
    expected = float(expected.detach())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(info_nce_module, "CHUNK_PAIRS", chunk)
        loss, grad_first, grad_second = info_nce(
            first.detach(), second.detach(), torch.tensor(keys), temperature
        )
        figures = retrieval_figures(
            first.detach(), second.detach(), torch.tensor(keys), temperature
        )
    assert float(loss) == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert figures["loss"] == pytest.approx(expected, rel=1e-5, abs=1e-6)
    torch.testing.assert_close(grad_first, first.grad, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(grad_second, second.grad, rtol=1e-6, atol=1e-9)


def test_pairs_of_one_document_do_not_push_each_other():
    generator = torch.Generator().manual_seed(0)
    first, second = F.normalize(torch.randn(2, 6, 8, generator=generator), dim=-1)
    loss, grad_first, grad_second = info_nce(first, second, torch.full((6,), 5), 0.05)
    assert float(loss) == 0 and not grad_first.any() and not grad_second.any()
    apart, _, _ = info_nce(first, second, torch.arange(6), 0.05)
    some, _, _ = info_nce(first, second, torch.tensor([0, 0, 1, 2, 3, 4]), 0.05)
    assert 0 < float(some) < float(apart)


# ---- the figures


@settings(max_examples=60, deadline=None)
@given(
    keys=st.lists(st.integers(0, 30), min_size=0, max_size=25),
    chunk=st.integers(1, 26),
    seed=st.integers(0, 100),
)
def test_figures_are_those_of_the_definitions(keys, chunk, seed):
    generator = torch.Generator().manual_seed(seed)
    # few values, so that there are ties
    views = torch.randint(-1, 2, (2, len(keys), 4), generator=generator).float()
    views[..., 0] = 1
    first, second = F.normalize(views, dim=-1)
    pairs = len(keys)
    cosines = (first @ second.T).tolist()
    ranks = [
        sum(cosines[i][j] >= cosines[i][i] for j in range(pairs) if j == i or keys[j] != keys[i])
        for i in range(pairs)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(info_nce_module, "CHUNK_PAIRS", chunk)
        found = retrieval_figures(first, second, torch.tensor(keys, dtype=torch.int64), 0.05)
        spread = uniformity(first)
    for k in (1, 10):
        assert found[f"recall_at_{k}"] == pytest.approx(
            sum(rank <= k for rank in ranks) / max(1, pairs), abs=0.1
        )
        assert found[f"guess_recall_at_{k}"] == (min(1, k / pairs) if pairs else 0)
    apart = [
        math.exp(-2 * float((first[i] - first[j]).square().sum()))
        for i in range(pairs)
        for j in range(i)
    ]
    expected = math.log(sum(apart) / len(apart)) if apart else 0.0
    assert spread == pytest.approx(expected, abs=1e-4)
    near = [float((a - b).square().sum()) for a, b in zip(first, second, strict=True)]
    assert alignment(first, second) == pytest.approx(sum(near) / max(1, pairs), abs=1e-5)


def test_recall_of_known_vectors():
    eye = torch.eye(12)
    keys = torch.arange(12)
    assert retrieval_figures(eye, eye, keys, 0.05)["recall_at_1"] == 1
    shifted = retrieval_figures(eye, eye.roll(1, 0), keys, 0.05)
    assert shifted["recall_at_1"] == 0
    # what is all the same finds nothing, though no other is nearer
    same = torch.ones(12, 12) / math.sqrt(12)
    found = retrieval_figures(same, same, keys, 0.05)
    assert found["recall_at_1"] == found["recall_at_10"] == 0
    assert found["loss"] == pytest.approx(math.log(12), rel=1e-5)
    assert uniformity(same) == pytest.approx(0, abs=1e-5) and alignment(same, same) == 0
    # opposite pairs: two in three stand at a right angle, one at the far side
    cross = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    assert uniformity(cross) == pytest.approx(math.log(2 / 3 * math.exp(-4) + math.exp(-8) / 3))


# ---- the step


def direct(trainer, batch):
    """One graph over all pairs of the step."""
    vectors = torch.cat([encode(trainer.model, each, trainer.backend) for each in batch.micro])
    first, second = vectors.unbind(1)
    keys = torch.cat([each.keys_N for each in batch.micro])
    same = (keys[:, None] == keys[None, :]) & ~torch.eye(len(keys), dtype=torch.bool)
    logits = (first @ second.T / 0.05).masked_fill(same, -torch.inf)
    own = torch.arange(len(keys))
    loss = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
    loss.backward()
    return float(loss.detach()), gradients(trainer.model)


@pytest.mark.parametrize("micro_samples", [1, 2, 3, 8])
def test_a_step_is_one_batch_however_it_is_cut(toy_config, micro_samples):
    trainer = trainer_of(toy_config)
    shards, order = trainer.train_shards, trainer.order
    whole = step_of(trainer.objective, shards, order, range(8), 8)
    assert len(whole.micro[0].keys_N.unique()) < whole.label_count
    expected_loss, expected = direct(trainer, whole)
    batch = step_of(trainer.objective, shards, order, range(8), micro_samples)
    assert batch.label_count == whole.label_count
    loss = trainer.accumulate(batch)
    found = gradients(trainer.model)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    for name, gradient in expected.items():
        scale = float(gradient.abs().max())
        torch.testing.assert_close(found[name], gradient, rtol=1e-5, atol=1e-5 * scale)


def test_graphs_are_of_one_micro_batch_at_a_time(toy_config, monkeypatch):
    """All but the last are encoded without a graph first, and each graph is gone before another."""
    trainer = trainer_of(toy_config)
    batch = step_of(trainer.objective, trainer.train_shards, trainer.order, range(4), 1)
    held, most, seen = 0, 0, []

    class Counted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, hidden):
            return hidden.clone()

        @staticmethod
        def backward(ctx, gradient):
            nonlocal held
            held -= 1
            return gradient

    plain = trainer.model.forward

    def forward(*arguments):
        nonlocal held, most
        seen.append(torch.is_grad_enabled())
        held += torch.is_grad_enabled()
        most = max(most, held)
        return Counted.apply(plain(*arguments))

    monkeypatch.setattr(trainer.model, "forward", forward)
    trainer.accumulate(batch)
    assert seen == [False, False, False, True, True, True, True]
    assert (held, most) == (0, 1)


@pytest.mark.parametrize("pairs", [0, 1])
def test_a_step_of_fewer_than_two_pairs_changes_nothing(toy_config, pairs):
    trainer = trainer_of(toy_config)
    shards = trainer.train_shards
    document = int(np.flatnonzero(shards.lengths >= 12)[0])
    crops = [(Piece(document, 0, 4), Piece(document, 5, 9))][:pairs]
    batch = StepBatch(range(2), (pair_batch(shards, [], 64), pair_batch(shards, crops, 64)), pairs)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    values = trainer._step(batch, 0.0)
    assert values["loss"] == 0 and values["grad_norm"] == 0 and values["skipped"] == 0
    after = trainer.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_micro_batch_without_pairs_takes_no_part(toy_config):
    trainer = trainer_of(toy_config)
    batch = step_of(trainer.objective, trainer.train_shards, trainer.order, range(2), 1)
    expected = trainer.accumulate(batch)
    whole = gradients(trainer.model)
    empty = pair_batch(trainer.train_shards, [], 64)
    loss = trainer.accumulate(StepBatch(batch.samples, (empty, *batch.micro), batch.label_count))
    assert loss == expected
    found = gradients(trainer.model)
    assert all(torch.equal(found[name], whole[name]) for name in whole)


@torch.no_grad()
@pytest.mark.parametrize("backend", ["mask", "loop", "flex"])
@pytest.mark.parametrize("fill", [0, 300])
def test_back_ends_agree_and_filling_does_not_show(toy_config, backend, fill):
    trainer = trainer_of(toy_config)
    (batch,) = step_of(trainer.objective, trainer.train_shards, trainer.order, range(2), 2).micro
    reference = encode(trainer.model, batch, "loop")
    torch.testing.assert_close(
        reference.norm(dim=-1), torch.ones(batch.pairs, 2), rtol=1e-5, atol=1e-5
    )
    full = batch.filled(len(batch.tokens_T) + fill)
    assert len(full.tokens_T) == len(batch.tokens_T) + fill
    found = encode(trainer.model, full, backend)
    torch.testing.assert_close(found, reference, rtol=1e-3, atol=1e-4)
    # each crop by itself: the mean of its hidden states, of length one
    lengths = torch.bincount(batch.segments_T).tolist()
    for segment, ids in enumerate(torch.split(batch.tokens_T, lengths)):
        alone = torch.arange(len(ids))
        hidden = trainer.model(ids, alone, _both_ways(len(ids)))
        mean = F.normalize(hidden.mean(0), dim=-1)
        torch.testing.assert_close(reference[segment // 2, segment % 2], mean, rtol=1e-3, atol=1e-4)


def _both_ways(tokens):
    from winnow.train.attention import document_mask

    return document_mask(torch.zeros(tokens, dtype=torch.int64), "mask", causal=False)


@given(st.integers(1, 100_000))
def test_streams_have_few_lengths(tokens):
    length = compiled_length(tokens)
    assert length >= tokens and length % 128 == 0
    assert length <= 128 or tokens > length / 2
    assert tokens < 256 or length - tokens <= length / 3
    lengths = {compiled_length(t) for t in range(tokens // 2 + 1, tokens + 1, 64)}
    assert len(lengths) <= 4


# ---- end to end


def topical(count, seed):
    """Documents of which two tokens in five are of four of their own, and the others anything:
    what tells a text has to be told from what does not."""
    rng = np.random.default_rng(seed)
    found = []
    for length in rng.integers(40, 62, count):
        own = rng.choice(np.arange(1, 32), 4, replace=False)
        told = rng.random(length) < 0.4
        ids = np.where(told, rng.choice(own, length), rng.integers(32, 64, length))
        found.append(np.append(ids, EOS))
    return found


def test_texts_find_their_other_half(toy_config, write_store, tmp_path):
    write_store(tmp_path / "topical", topical(600, 1), topical(60, 2))
    trainer = trainer_of(
        toy_config,
        f"data.path={tmp_path / 'topical'}",
        "objective.min_crop_tokens=12",
        "batch.steps=150",
        "batch.micro_tokens=512",
        "batch.global_tokens=1024",
        "optimizer.lr=0.003",
        "evaluation.max_tokens=9_000",
    )
    result = trainer.run()
    before, after = result.before, result.after
    assert after["documents"] == after["pairs"] == 60
    assert after["guess_recall_at_1"] == 1 / 60 and after["guess_recall_at_10"] == 1 / 6
    assert after["loss"] < before["loss"] - 2
    assert after["recall_at_1"] > after["guess_recall_at_1"] + 0.4
    # the mean of random vectors of tokens finds some already
    assert after["recall_at_1"] > before["recall_at_1"] + 0.2
    assert after["recall_at_10"] > before["recall_at_10"] + 0.1
    assert after["alignment"] < before["alignment"] - 0.5
    assert "of crops found first (1.7% by guessing)" in trainer.objective.describe(after)


def test_figures_do_not_depend_on_the_batch(toy_config):
    trainer = trainer_of(toy_config)
    shards = TokenShards.open(trainer.config.data.path, "validation")
    whole = trainer.objective.evaluate(trainer.model, shards, "loop")
    small = make_objective(
        load_config(toy_config, [*SETTINGS, "batch.micro_tokens=128"]), trainer.train_shards
    ).evaluate(trainer.model, shards, "loop")
    assert small == pytest.approx(whole, rel=1e-4)
    assert whole["documents"] == shards.documents
    assert whole["pairs"] == int((shards.lengths > 8).sum())


def test_a_resumed_run_is_the_same_run(toy_config, tmp_path):
    ends = []
    for folder, cuts in (("whole", [12]), ("parts", [5, 12])):
        for steps in cuts:
            trainer = trainer_of(
                toy_config, f"batch.steps={steps}", "schedule.warmup_share=0",
                "schedule.decay_share=0", f"checkpoint.folder={tmp_path / folder}",
                "model.tie_embeddings=false",
            )  # fmt: skip
            trainer.run()
        ends.append((trainer.model.state_dict(), trainer.optimizer.to_state()))
    assert "lm_head.weight" not in ends[0][0]  # there is nothing to predict
    (weights, moments), (others, other_moments) = ends
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    for name, state in moments.items():
        assert all(torch.equal(state[key], other_moments[name][key]) for key in state)


def test_settings_that_give_no_pair_are_refused(toy_config):
    with pytest.raises(ConfigError, match=r"do not fit data\.max_context \(64\)"):
        trainer_of(toy_config, "objective.min_crop_tokens=33", "objective.max_crop_tokens=40")
    with pytest.raises(ConfigError, match=r"max_crop_tokens \(3\) is less than"):
        trainer_of(toy_config, "objective.max_crop_tokens=3")
    with pytest.raises(ConfigError, match=r"(?s)0 of 400 documents have the 128 tokens"):
        trainer_of(toy_config, "data.max_context=128", "objective.min_crop_tokens=64")
