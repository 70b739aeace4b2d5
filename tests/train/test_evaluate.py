from __future__ import annotations

import math

import pytest
import torch

from winnow.tokenize.token_shards import TokenShards
from winnow.train.attention import document_mask
from winnow.train.evaluate import evaluate
from winnow.train.model import Decoder, initialise
from winnow.train.shape import ModelConfig, model_shape


@pytest.fixture
def model():
    model = Decoder(model_shape(ModelConfig(preset="tiny", layers=1), 64))
    initialise(model, 0)
    return model


def measure(model, shards, **changes):
    settings = {"backend": "loop", "max_context": 32, "batch_tokens": 128, "max_tokens": 10**9}
    return evaluate(model, shards, **{**settings, **changes})


@torch.no_grad()
def test_bits_are_those_of_each_document_by_itself(model, toy_store):
    shards = TokenShards.open(toy_store, "validation")
    nats = 0.0
    for i in range(shards.documents):
        ids_T = torch.from_numpy(shards.document(i).astype("int64"))
        for start in range(0, len(ids_T), 32):
            part_T = ids_T[start : start + 33]
            place_T = torch.arange(min(32, len(ids_T) - start))
            mask = document_mask(0 * place_T, "loop")
            logp_TV = model.logits(model(part_T[:32], place_T, mask)).log_softmax(-1)
            for at, label in enumerate(part_T[1:].tolist()):
                nats -= float(logp_TV[at, label]) if label != shards.eos_id else 0.0
        nats += math.log(64)  # the first token, which nothing predicts
    found = measure(model, shards)
    assert found.bits_per_byte == pytest.approx(nats / math.log(2) / shards.text_bytes, rel=1e-5)
    assert found.documents == shards.documents and found.text_bytes == shards.text_bytes
    assert found.tokens == shards.tokens - 2 * shards.documents  # neither first nor end of text


def test_the_cut_into_batches_does_not_show(model, toy_store):
    shards = TokenShards.open(toy_store, "validation")
    small, large = (measure(model, shards, batch_tokens=n) for n in (32, 1_024))
    assert small.bits_per_byte == pytest.approx(large.bits_per_byte, rel=1e-6)
    assert small.tokens == large.tokens


def test_only_whole_documents_are_measured(model, toy_store):
    shards = TokenShards.open(toy_store, "validation")
    three = int(shards.lengths[:3].sum())
    assert measure(model, shards, max_tokens=three).documents == 3
    assert measure(model, shards, max_tokens=three - 1).documents == 2
    assert measure(model, shards, max_tokens=1).documents == 1
