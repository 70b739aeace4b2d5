from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from winnow.errors import CorruptShard
from winnow.tokenize.token_shards import TokenShards
from winnow.train.config import BatchConfig, CheckpointConfig, DataConfig, TrainConfig
from winnow.train.data import IGNORED, flat_batch
from winnow.train.objectives.objective import make_objective
from winnow.train.order import DataOrder, Piece
from winnow.train.reader import StepReader


@pytest.fixture
def two(write_store, tmp_path):
    """Documents [5 6 7 8 e] and [9 e], one shard each."""
    write_store(tmp_path / "t", [[5, 6, 7, 8, 0], [9, 0]])
    return TokenShards.open(tmp_path / "t")


def open_order(path, pack_tokens=128, max_context=64):
    shards = TokenShards.open(path)
    order = DataOrder(
        shards.lengths,
        fingerprint=shards.fingerprint,
        seed=0,
        pack_tokens=pack_tokens,
        max_context=max_context,
    )
    return shards, order


def reader_of(shards, order, **changes):
    settings = {
        "first_sample": 0, "step_samples": 4, "micro_samples": 2, "steps": 6, "prefetch_steps": 2,
    }  # fmt: skip
    data = DataConfig(path=Path("x"), pack_tokens=order.pack_tokens, max_context=order.max_context)
    config = TrainConfig(
        data=data,
        checkpoint=CheckpointConfig(folder=Path("y")),
        batch=BatchConfig(micro_tokens=2 * order.pack_tokens),
    )
    objective = make_objective(config, shards)
    return StepReader(shards, order, objective, **{**settings, **changes})


def test_the_worked_example_of_the_docstring(two):
    batch = flat_batch(two, [Piece(0, 0, 5), Piece(1, 0, 2)], max_context=3)
    assert batch.tokens_T.tolist() == [5, 6, 7, 8, 0, 9, 0]
    assert batch.labels_T.tolist() == [6, 7, 8, 0, IGNORED, 0, IGNORED]
    assert batch.positions_T.tolist() == [0, 1, 2, 0, 1, 0, 1]
    assert batch.doc_start_T.tolist() == [0, 0, 0, 3, 3, 5, 5]


def test_a_document_cut_between_samples_keeps_the_label_across_the_cut(two):
    batch = flat_batch(two, [Piece(1, 0, 2), Piece(0, 0, 3)], max_context=8)
    assert batch.labels_T.tolist() == [0, IGNORED, 6, 7, 8]  # 8 is in the next sample
    rest = flat_batch(two, [Piece(0, 3, 5)], max_context=8)
    assert rest.labels_T.tolist() == [0, IGNORED]
    assert rest.positions_T.tolist() == [0, 1]


def test_padding_predicts_nothing_and_is_a_context_of_its_own(two):
    batch = flat_batch(two, [Piece(1, 0, 2)], max_context=8, pad_to=5)
    assert batch.labels_T.tolist() == [0, IGNORED, IGNORED, IGNORED, IGNORED]
    assert batch.doc_start_T.tolist() == [0, 0, 2, 2, 2]


def test_every_token_but_a_documents_first_is_a_target_once_an_epoch(toy_store):
    shards, order = open_order(toy_store, pack_tokens=1)  # no tail, and cuts everywhere
    order.pack_tokens = 100
    order.samples_per_epoch = order.epoch_tokens // 100
    pieces = [p for s in range(order.samples_per_epoch) for p in order.pieces(s)]
    seen = sum(p.stop - p.start for p in pieces)
    ends = sum(p.stop == shards.lengths[p.document] for p in pieces)
    labels = flat_batch(shards, pieces, max_context=64).labels_T
    assert int((labels != IGNORED).sum()) == seen - ends


def test_an_id_outside_the_vocabulary_is_traced_to_its_document(two):
    two.vocab_size = 9
    with pytest.raises(CorruptShard, match=r"arrow: document \d+ holds the id 9, outside"):
        flat_batch(two, [Piece(0, 0, 5), Piece(1, 0, 2)], max_context=8)


def test_the_thread_delivers_what_a_direct_read_does(toy_store):
    shards, order = open_order(toy_store)
    with reader_of(shards, order, first_sample=8) as reader:
        steps = list(reader)
    assert [step.samples.start for step in steps] == [8, 12, 16, 20, 24, 28]
    fresh = reader_of(*open_order(toy_store))
    for step in steps:
        again = fresh.read(step.samples.start)
        assert step.label_count == again.label_count
        for a, b in zip(step.micro, again.micro, strict=True):
            assert torch.equal(a.tokens_T, b.tokens_T) and torch.equal(a.labels_T, b.labels_T)


def test_two_ranks_read_between_them_what_one_reads(toy_store):
    def tokens(rank, world):
        shards, order = open_order(toy_store)
        step = reader_of(shards, order, rank=rank, world=world, micro_samples=1).read(4)
        samples = [m.tokens_T.tolist() for m in step.micro]
        return dict(zip(step.samples, samples, strict=True)), step.label_count

    (one, labels), (even, a), (odd, b) = tokens(0, 1), tokens(0, 2), tokens(1, 2)
    assert one == even | odd and not even.keys() & odd.keys()
    assert labels == a + b


def test_micro_batches_only_group_the_samples(toy_store):
    shards, order = open_order(toy_store)
    fine = reader_of(shards, order, micro_samples=1).read(0)
    coarse = reader_of(shards, order, micro_samples=4).read(0)
    assert torch.cat([m.labels_T for m in fine.micro]).equal(coarse.micro[0].labels_T)
    assert torch.cat([m.positions_T for m in fine.micro]).equal(coarse.micro[0].positions_T)


def test_an_error_of_the_reading_thread_reaches_the_loop(toy_store):
    shards, order = open_order(toy_store)
    shards.vocab_size = 2
    with (
        pytest.raises(CorruptShard, match="outside the vocabulary"),
        reader_of(shards, order) as reader,
    ):
        list(reader)


def test_leaving_early_ends_the_thread(toy_store):
    with reader_of(*open_order(toy_store), steps=1_000) as reader:
        next(iter(reader))
    assert not reader._thread.is_alive()
    assert np.isfinite(reader.wait_seconds)
