"""`winnow eval`: the figures are sums of documents, by source and by length, with an interval."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from winnow.cli import main
from winnow.errors import ConfigError
from winnow.tokenize.token_shards import TokenShards
from winnow.train.checkpoint import save_checkpoint
from winnow.train.evaluate import DocumentNats, document_nats, evaluate
from winnow.train.held_out import evaluate_checkpoint, held_out
from winnow.train.model import Decoder, initialise
from winnow.train.shape import ModelConfig, model_shape

SETTINGS: dict[str, Any] = {
    "backend": "loop", "max_context": 32, "batch_tokens": 128, "max_tokens": 10**9,
}  # fmt: skip


@pytest.fixture
def model() -> Decoder:
    model = Decoder(model_shape(ModelConfig(preset="tiny", layers=1), 64))
    initialise(model, 0)
    return model


@pytest.fixture
def checkpoint(model: Decoder, toy_store: Path, tmp_path: Path) -> Path:
    values = {
        "shape": vars(model.shape),
        "config": {"data": {"max_context": 32, "path": str(toy_store)}},
        "tokenizer": TokenShards.open(toy_store).tokenizer,
    }
    save_checkpoint(
        tmp_path / "run", 1, weights=model.state_dict(), optimizer={}, values=values,
        tokenizer=None, keep_last=1,
    )  # fmt: skip
    return tmp_path / "run"


def test_documents_sum_up_to_the_evaluation(model: Decoder, toy_store: Path) -> None:
    shards = TokenShards.open(toy_store, "validation")
    each = document_nats(model, shards, **SETTINGS)
    whole = evaluate(model, shards, **SETTINGS)
    assert len(each.nats) == shards.documents and (each.eos_nats > 0).all()
    assert each.bits_per_byte() == pytest.approx(whole.bits_per_byte, rel=1e-9)
    one = document_nats(model, shards, **{**SETTINGS, "batch_tokens": 32})
    np.testing.assert_allclose(one.nats, each.nats, rtol=1e-5)
    np.testing.assert_array_equal(each.tokens, shards.lengths - 2)


@torch.no_grad()
def test_padding_adds_nothing(
    model: Decoder, toy_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from winnow.train import evaluate as module

    shards = TokenShards.open(toy_store, "validation")
    plain = document_nats(model, shards, **SETTINGS)
    original = module.flat_batch
    monkeypatch.setattr(
        module, "flat_batch", lambda shards, pieces, context, pad_to: original(
            shards, pieces, context, 128
        ),
    )  # fmt: skip
    padded = document_nats(model, shards, **SETTINGS)
    np.testing.assert_allclose(padded.nats, plain.nats, rtol=1e-5)
    np.testing.assert_allclose(padded.eos_nats, plain.eos_nats, rtol=1e-5)


def test_sources_and_lengths_part_the_whole(checkpoint: Path, toy_store: Path) -> None:
    ((store, groups),) = evaluate_checkpoint(checkpoint).items()
    assert store == str(toy_store)
    whole, *lengths = groups
    assert whole.name == "all" and whole.low <= whole.bits_per_byte <= whole.high
    assert whole.bits_per_byte_with_eos > whole.bits_per_byte
    assert sum(each.documents for each in lengths) == whole.documents
    assert sum(each.text_bytes for each in lengths) == whole.text_bytes


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.Generator(np.random.PCG64(4))
    hits = 0
    for trial in range(100):
        n_bytes = rng.integers(100, 200, 60)
        nats = rng.normal(1.0, 0.2, 60) * n_bytes * math.log(2)
        zeros = np.zeros(60)
        found = held_out("x", DocumentNats(nats, zeros, n_bytes, n_bytes, 1), seed=trial)
        hits += found.low <= 1.0 <= found.high
    assert 86 <= hits <= 100  # 95 expected; 86 and fewer come once in 10,000 times


def test_another_tokenizer_is_refused(
    checkpoint: Path, tmp_path: Path, write_store: Any, documents: Any
) -> None:
    write_store(tmp_path / "other", documents(9, 1), documents(9, 2), tokenizer=b'{"x":1}')
    with pytest.raises(ConfigError, match="its ids mean other texts"):
        evaluate_checkpoint(checkpoint, [tmp_path / "other"])


def test_from_the_command_line(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", str(checkpoint), "--max-tokens", "500"]) == 0
    assert "bits/byte" in capsys.readouterr().out
    assert main(["eval", str(checkpoint), "--json"]) == 0
    (groups,) = json.loads(capsys.readouterr().out).values()
    assert groups[0]["name"] == "all" and groups[0]["bits_per_byte"] > 0
    assert main(["eval", str(checkpoint), "--max-tokens", "0"]) == 2
