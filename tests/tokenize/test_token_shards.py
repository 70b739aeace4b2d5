from __future__ import annotations

import hashlib
import json

import numpy as np
import pyarrow as pa
import pytest

from winnow.errors import CorruptShard, StoreError
from winnow.store.files import Folder
from winnow.store.manifest import write_manifest
from winnow.store.shards import ShardWriter
from winnow.tokenize.token_shards import (
    TokenShards,
    shard_extra,
    shard_name,
    token_batch,
    token_dtype,
    token_schema,
    tokens_manifest_extra,
)

VOCAB = 300
TRAIN = [[5, 6, 7, 0], [8, 0], [0], [9, 10, 11, 12, 0], [13, 0], [299, 1, 0], [2, 0]]
VALIDATION = [[21, 22, 0]]


def batch_of(documents, first_id, vocab_size=VOCAB, names=("a", "b")):
    return token_batch(
        np.concatenate([np.array(d) for d in documents]),
        np.cumsum([0] + [len(d) for d in documents]),
        np.array([4 * (len(d) - 1) for d in documents]),
        np.arange(first_id, first_id + len(documents)),
        [names[i % len(names)] for i in range(len(documents))],
        vocab_size,
        names,
    )


def write(path, shards, vocab_size=VOCAB):
    """``shards``: (split, [batch of documents, …]) each."""
    folder, receipts, next_id = Folder(path), [], 100
    for index, (split, batches) in enumerate(shards):
        writer = ShardWriter(
            folder, shard_name(split, index, len(shards)), token_schema(vocab_size), "arrow"
        )
        with writer:
            for documents in batches:
                writer.write(batch_of(documents, next_id, vocab_size))
                next_id += len(documents)
        flat = [d for documents in batches for d in documents]
        tokens = sum(map(len, flat))
        extra = shard_extra(split, tokens, 4 * (tokens - len(flat)))
        receipts.append(writer.receipt("f", extra=extra))
    section = tokens_manifest_extra(
        receipts,
        vocab_size=vocab_size,
        eos_id=0,
        eos_token="<eos>",
        tokenizer_name="toy",
        tokenizer_sha256=hashlib.sha256(b"{}").hexdigest(),
        seed=3,
    )
    return write_manifest(
        folder, kind="tokens", name="tokens", fingerprint="f", schema=token_schema(vocab_size),
        config={}, receipts=receipts, extra=section,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path):
    """Train: two shards, the first of two batches; validation: one."""
    path = tmp_path / "tokens"
    write(
        path,
        [
            ("train", [TRAIN[:2], TRAIN[2:5]]),
            ("train", [TRAIN[5:]]),
            ("validation", [VALIDATION]),
        ],
    )
    return path


def test_documents_come_back_across_batches_and_shards(store):
    shards = TokenShards.open(store)
    assert [shards.document(i).tolist() for i in range(shards.documents)] == TRAIN
    assert shards.lengths.tolist() == [len(d) for d in TRAIN]
    assert shards.lengths.dtype == np.int64
    assert [shards.doc_id(i) for i in range(shards.documents)] == list(range(100, 107))
    assert [shards.n_bytes(i) for i in range(shards.documents)] == [4 * (len(d) - 1) for d in TRAIN]
    assert (shards.documents, shards.tokens) == (7, sum(map(len, TRAIN)))
    assert (shards.vocab_size, shards.eos_id) == (VOCAB, 0)
    assert TokenShards.open(store, "validation").document(0).tolist() == VALIDATION[0]
    with pytest.raises(IndexError):
        shards.document(7)


def test_reading_copies_nothing(store):
    before = pa.total_allocated_bytes()
    shards = TokenShards.open(store)
    views = [shards.document(i) for i in range(shards.documents)]
    assert pa.total_allocated_bytes() == before
    assert all(not view.flags.writeable and not view.flags.owndata for view in views)


@pytest.mark.parametrize(("vocab_size", "dtype"), [(65_536, "uint16"), (65_537, "uint32")])
def test_two_bytes_hold_a_vocabulary_of_65536(tmp_path, vocab_size, dtype):
    assert token_dtype(vocab_size) == dtype
    write(tmp_path / "t", [("train", [[[vocab_size - 1, 0]]])], vocab_size)
    document = TokenShards.open(tmp_path / "t").document(0)
    assert document.dtype == dtype and document.tolist() == [vocab_size - 1, 0]


def test_the_manifest_sums_the_receipts_by_split(store):
    section = json.loads((store / "manifest.json").read_text())["tokens"]
    assert section["dtype"] == "uint16" and section["seed"] == 3
    assert section["splits"]["train"] == {
        "documents": 7, "tokens": 19, "text_bytes": 4 * (19 - 7), "shards": 2,
    }  # fmt: skip
    assert section["splits"]["validation"]["documents"] == 1
    assert section["tokenizer"]["vocab_size"] == VOCAB


def test_the_same_documents_give_the_same_bytes(tmp_path):
    shards = [("train", [TRAIN[:4], TRAIN[4:]])]
    first, second = write(tmp_path / "a", shards), write(tmp_path / "b", shards)
    assert [s.sha256 for s in first.shards] == [s.sha256 for s in second.shards]


def test_the_fingerprint_follows_the_content_and_not_the_place(store, tmp_path):
    fingerprint = TokenShards.open(store).fingerprint
    assert TokenShards.open(store, "validation").fingerprint != fingerprint
    moved = store.rename(tmp_path / "elsewhere")
    assert TokenShards.open(moved).fingerprint == fingerprint
    changed = [*TRAIN[:-1], [3, 0]]
    write(tmp_path / "c", [("train", [changed[:2], changed[2:5]]), ("train", [changed[5:]])])
    assert TokenShards.open(tmp_path / "c").fingerprint != fingerprint


def test_datasets_reads_a_shard(store, tmp_path):
    datasets = pytest.importorskip("datasets")
    file = str(store / "train-00000-of-00003.arrow")
    rows = datasets.load_dataset(
        "arrow", data_files=file, split="train", cache_dir=str(tmp_path / "cache")
    )
    assert rows["input_ids"][:5] == TRAIN[:5]


def test_a_missing_shard_is_named(store):
    (store / "train-00001-of-00003.arrow").unlink()
    with pytest.raises(CorruptShard, match=r"train-00001-of-00003\.arrow is missing"):
        TokenShards.open(store)
    TokenShards.open(store, "validation")  # which has none of it


def test_a_shard_cut_short_is_named(store):
    file = store / "train-00000-of-00003.arrow"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(CorruptShard, match=r"train-00000-of-00003\.arrow holds [\d,]+ bytes, the"):
        TokenShards.open(store)


def test_a_shard_of_noise_is_named(store):
    file = store / "train-00000-of-00003.arrow"
    file.write_bytes(b"x" * file.stat().st_size)
    with pytest.raises(CorruptShard, match=r"train-00000-of-00003\.arrow cannot be read"):
        TokenShards.open(store)


def test_a_shard_that_holds_other_rows_than_listed_is_named(store):
    manifest = json.loads((store / "manifest.json").read_text())
    manifest["shards"][0]["extra"]["tokens"] += 1
    (store / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CorruptShard, match=r"train-00000-of-00003\.arrow holds 5 documents"):
        TokenShards.open(store)


def test_an_empty_split_says_how_many_documents_each_has(tmp_path):
    write(tmp_path / "t", [("train", [TRAIN])])
    with pytest.raises(StoreError, match=r"'validation' holds 0 documents .*train 7, validation 0"):
        TokenShards.open(tmp_path / "t", "validation")
    with pytest.raises(StoreError, match=r"'trian' holds 0 .*Did you mean 'train'"):
        TokenShards.open(tmp_path / "t", "trian")


def test_a_store_of_documents_is_refused(tmp_path):
    write_manifest(
        Folder(tmp_path), kind="documents", name="x", fingerprint="f", schema=pa.schema([]),
        config={}, receipts=[],
    )  # fmt: skip
    with pytest.raises(StoreError, match=r"of kind 'documents', not 'tokens'"):
        TokenShards.open(tmp_path)


@pytest.mark.parametrize(
    ("ids", "offsets", "message"),
    [
        ([1, 2, 300], [0, 1, 3], r"\[1, 300\], outside the vocabulary of 300"),
        ([1, -2, 3], [0, 1, 3], r"outside the vocabulary"),
        ([1, 2, 3], [0, 2], r"must rise from 0 to 3"),
        ([1, 2, 3], [0, 3, 3], r"a document has no token"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused(ids, offsets, message):
    n = len(offsets) - 1
    with pytest.raises(StoreError, match=message):
        token_batch(np.array(ids), np.array(offsets), np.ones(n), np.arange(n), ["a"] * n, VOCAB)


def test_a_batch_takes_the_arrays_as_they_are():
    ids = np.array([1, 2, 0, 3, 0], np.uint16)
    batch = token_batch(ids, np.array([0, 3, 5]), np.ones(2), np.arange(2), ["b", "a"], VOCAB)
    assert batch.column("input_ids").values.buffers()[1].address == ids.ctypes.data
    assert batch.column("source").to_pylist() == ["b", "a"]
    assert batch.column("source").dictionary.to_pylist() == ["a", "b"]
