"""Span corruption: nothing is lost, the back ends agree, and the model learns to write."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.tokenize.token_shards import TokenShards
from winnow.train.attention import cross_mask, document_mask
from winnow.train.config_file import load_config
from winnow.train.data import IGNORED
from winnow.train.encoder_decoder import EncoderDecoder
from winnow.train.loop import Trainer
from winnow.train.model import initialise
from winnow.train.objectives.draws import draws
from winnow.train.objectives.objective import Sample
from winnow.train.objectives.spans import SENTINELS, Spans, _composition
from winnow.train.shape import ModelConfig, model_shape

VOCAB, EOS = 64, 0


def trainer_of(config_path, *overrides):
    values = ["objective.kind=spans", *overrides]
    return Trainer(load_config(config_path, values), say=lambda text: None)


@pytest.fixture(scope="module")
def spans(toy_store, tmp_path_factory):
    file = tmp_path_factory.mktemp("spans") / "train.toml"
    file.write_text(
        f'[data]\npath = "{toy_store}"\npack_tokens = 128\nmax_context = 64\n'
        '[checkpoint]\nfolder = "run"\n[batch]\nmicro_tokens = 256\n'
    )
    shards = TokenShards.open(toy_store)
    return Spans(load_config(file, ["objective.kind=spans"]), shards), shards


def restored(source, target):
    """The text that source and target stand for."""
    found, at = [], {}
    place = None
    for token in target.tolist():
        if token >= VOCAB:
            place = token
            at[place] = []
        elif place is not None:
            at[place].append(token)
    for token in source.tolist():
        found += at[token] if token >= VOCAB else [token]
    return found


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, VOCAB - 1), min_size=4, max_size=300), st.booleans(), st.integers(0, 9)
)
def test_nothing_is_lost(spans, tokens, ended, seed):
    objective, _ = spans
    ids = np.array([*tokens, *([EOS] if ended else [])])
    source, target = objective.corrupt(ids, draws("test", seed, count=2 * len(ids)))
    assert target[-1] == EOS and (target[:-1] != EOS).all()
    assert restored(source, target[:-1]) == ids.tolist()
    sentinels = source[source >= VOCAB]
    np.testing.assert_array_equal(sentinels, VOCAB + np.arange(len(sentinels)))
    np.testing.assert_array_equal(target[target >= VOCAB], sentinels)
    assert 1 <= len(sentinels) <= SENTINELS
    cut = len(target) - 1 - len(sentinels)
    assert cut == min(max(1, round(0.15 * len(tokens))), len(tokens) - 2)
    assert source[0] < VOCAB  # text comes first, as in T5


@given(st.integers(1, 60), st.data())
def test_a_composition_is_of_positive_parts(total, data):
    parts = data.draw(st.integers(1, total))
    found = _composition(total, parts, draws("c", total, parts, count=total))
    assert sum(found) == total and len(found) == parts and min(found) >= 1


def test_every_composition_is_as_likely():
    counts = {}
    for seed in range(6000):
        key = tuple(_composition(5, 3, draws("even", seed, count=5)))
        counts[key] = counts.get(key, 0) + 1
    assert len(counts) == 6  # (5 - 1 over 3 - 1)
    assert max(counts.values()) - min(counts.values()) < 250  # 1000 each, deviation 29


def test_streams_stand_side_by_side(spans, toy_config):
    objective, shards = spans
    order = trainer_of(toy_config).order
    samples = [Sample(n, order.pieces(n)) for n in (3, 4)]
    batch, count = objective.prepare(shards, samples)
    assert len(batch.tokens_E) % 128 == 0 and len(batch.tokens_T) % 128 == 0
    assert count == int((batch.labels_T != IGNORED).sum())
    segments = batch.segments_T.unique()
    assert torch.equal(segments, batch.segments_E.unique())
    for segment in segments[:-1].tolist():  # the last one fills up
        labels = batch.labels_T[batch.segments_T == segment]
        inputs = batch.tokens_T[batch.segments_T == segment]
        assert inputs[0] == EOS and torch.equal(inputs[1:], labels[:-1]) and labels[-1] == EOS
        positions = batch.positions_E[batch.segments_E == segment]
        assert torch.equal(positions, torch.arange(len(positions)))
    alone, _ = objective.prepare(shards, samples[1:])
    kept = int((alone.labels_T != IGNORED).sum())
    whole = batch.labels_T[batch.labels_T != IGNORED]
    assert torch.equal(whole[-kept:], alone.labels_T[:kept])  # the sample alone decides


def _model(**changes):
    shape = model_shape(
        ModelConfig(preset="tiny", layers=2, width=32, heads=4, kv_heads=2, **changes), VOCAB
    )
    model = EncoderDecoder(shape)
    initialise(model, 0)
    return model


def _outputs(model, tokens_E, tokens_T, segments_E, segments_T, backend):
    def starts(segments):
        first = torch.searchsorted(segments, segments)
        return first

    start_E, start_T = starts(segments_E), starts(segments_T)
    place_E, place_T = torch.arange(len(segments_E)), torch.arange(len(segments_T))
    memory = model.encode(tokens_E, place_E - start_E, document_mask(start_E, backend, False))
    return model.decode(
        tokens_T, place_T - start_T, document_mask(start_T, backend), memory,
        cross_mask(segments_T, segments_E, backend),
    )  # fmt: skip


@torch.no_grad()
@pytest.mark.parametrize("backend", ["mask", "flex"])
def test_back_ends_agree_and_segments_are_apart(backend):
    model = _model()
    generator = torch.Generator().manual_seed(2)
    tokens_E = torch.randint(1, VOCAB, (256,), generator=generator)
    tokens_T = torch.randint(1, VOCAB, (128,), generator=generator)
    segments_E = torch.repeat_interleave(torch.arange(3), torch.tensor([100, 7, 149]))
    segments_T = torch.repeat_interleave(torch.arange(3), torch.tensor([30, 50, 48]))
    streams = (tokens_E, tokens_T, segments_E, segments_T)
    reference = _outputs(model, *streams, "loop")
    torch.testing.assert_close(_outputs(model, *streams, backend), reference, rtol=1e-3, atol=1e-4)
    changed = tokens_E.clone()
    changed[103] = (changed[103] + 1) % VOCAB
    moved = _outputs(model, changed, *streams[1:], backend) - _outputs(model, *streams, backend)
    moved = moved.abs().amax(-1) > 1e-6
    assert moved[30:80].all() and not moved[:30].any() and not moved[80:].any()


def test_it_learns_to_write_spans(toy_config, write_store, tmp_path):
    """Each document repeats one token: what was cut out is told by what is left."""
    rng = np.random.default_rng(0)

    def repeated(count):
        return [
            np.append(np.full(rng.integers(8, 40), rng.integers(1, 9)), EOS) for _ in range(count)
        ]

    write_store(tmp_path / "repeated", repeated(400), repeated(40))
    trainer = trainer_of(
        toy_config, f"data.path={tmp_path / 'repeated'}", "batch.steps=150", "optimizer.lr=0.005"
    )
    assert trainer.model.shape.vocab_size == VOCAB + SENTINELS
    result = trainer.run()
    assert result.before["span_exact_match"] < 0.05
    assert result.after["loss"] < result.before["loss"] - 2.5
    assert result.after["span_exact_match"] > result.after["guess_exact_match"] + 0.2


def test_a_resumed_run_is_the_same_run(toy_config, tmp_path):
    ends = []
    for folder, cuts in (("whole", [8]), ("parts", [3, 8])):
        for steps in cuts:
            trainer = trainer_of(
                toy_config, f"batch.steps={steps}", "schedule.warmup_share=0",
                "schedule.decay_share=0", f"checkpoint.folder={tmp_path / folder}",
            )  # fmt: skip
            trainer.run()
        ends.append(trainer.model.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
