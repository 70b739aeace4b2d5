"""Token stores that the tests make: small, seeded, with the real writer."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# one thread: exact, and not slower at these sizes (a busy machine makes two much slower)
os.environ.setdefault("OMP_NUM_THREADS", "1")

from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.shards import ShardWriter
from winnow.tokenize.token_shards import (
    shard_extra,
    shard_name,
    token_batch,
    token_schema,
    tokens_manifest_extra,
)

VOCAB = 64
EOS = 0
WriteStore = Callable[..., Store]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def markov_documents(count: int, seed: int) -> list[np.ndarray[Any, Any]]:
    """Documents in which each token is mostly decided by the one before: something to learn.

    From token t, 80 % go to (5 t + 3) mod 63 + 1 and the rest anywhere, so the entropy rate is
    far below the (nearly uniform) unigram entropy.
    """
    rng = np.random.default_rng(seed)
    documents = []
    for length in rng.integers(5, 90, count):
        ids = [int(rng.integers(1, VOCAB))]
        for _ in range(length):
            follow = (5 * ids[-1] + 3) % (VOCAB - 1) + 1
            ids.append(follow if rng.random() < 0.8 else int(rng.integers(1, VOCAB)))
        documents.append(np.array([*ids, EOS]))
    return documents


def write_tokens(
    path: Path,
    train: Sequence[Sequence[Any]],
    validation: Sequence[Sequence[Any]] = (),
    *,
    vocab_size: int = VOCAB,
    shards: int = 2,
    batch_rows: int = 7,
    tokenizer: bytes = b"{}",
) -> Store:
    """A finished token store; a token counts as three bytes of text."""
    folder = Folder(path)
    folder.write("tokenizer.json", tokenizer)
    receipts, row = [], 0
    for split, documents, count in (("train", train, shards), ("validation", validation, 1)):
        for index in range(count):
            mine = documents[index::count]
            if not mine:
                continue
            writer = ShardWriter(
                folder, shard_name(split, index, count), token_schema(vocab_size), "arrow"
            )
            with writer:
                for at in range(0, len(mine), batch_rows):
                    part = [np.asarray(ids) for ids in mine[at : at + batch_rows]]
                    lengths = [len(ids) for ids in part]
                    batch = token_batch(
                        np.concatenate(part),
                        np.cumsum([0, *lengths]),
                        np.array([3 * (n - 1) for n in lengths]),
                        np.arange(row, row + len(part)),
                        ["toy"] * len(part),
                        vocab_size,
                        ["toy"],
                    )
                    writer.write(batch)
                    row += len(part)
            tokens = sum(len(ids) for ids in mine)
            extra = shard_extra(split, tokens, 3 * (tokens - len(mine)))
            receipts.append(writer.receipt("toy", extra=extra))
    section = tokens_manifest_extra(
        receipts,
        vocab_size=vocab_size,
        eos_id=EOS,
        eos_token="<|endoftext|>",
        tokenizer_name="toy",
        tokenizer_sha256=hashlib.sha256(tokenizer).hexdigest(),
        seed=0,
    )
    return write_manifest(
        folder,
        kind="tokens",
        name="tokens",
        fingerprint="toy",
        schema=token_schema(vocab_size),
        config={},
        receipts=receipts,
        extra=section,
    )


@pytest.fixture(scope="session")
def write_store() -> WriteStore:
    return write_tokens


@pytest.fixture(scope="session")
def documents() -> Callable[[int, int], list[np.ndarray[Any, Any]]]:
    return markov_documents


@pytest.fixture(scope="session")
def toy_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 20,000 training tokens of a vocabulary of 64, in two shards of several batches."""
    path = tmp_path_factory.mktemp("toy") / "tokens"
    write_tokens(path, markov_documents(400, seed=1), markov_documents(40, seed=2))
    return path


CONFIG = """\
[data]
path = "{store}"
pack_tokens = 128
max_context = 64

[model]
preset = "tiny"
layers = 2
width = 32
heads = 2
head_dim = 16
mlp_width = 64

[optimizer]
lr = 1e-2

[batch]
micro_tokens = 256
global_tokens = 512
steps = 20

[checkpoint]
folder = "{run}"
every_steps = 5

[evaluation]
max_tokens = 2_000

[runtime]
device = "cpu"
threads = 1
"""


@pytest.fixture
def toy_config(toy_store: Path, tmp_path: Path) -> Path:
    """A config of 20 steps on the toy store, in a folder of its own, saving every 5."""
    path = tmp_path / "toy.toml"
    path.write_text(CONFIG.format(store=toy_store, run=tmp_path / "run"))
    return path
