import random
import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.errors import CorruptShard
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.shards import ShardWriter
from winnow.tokenize import composite, encode_documents, shuffle
from winnow.tokenize.composite import Tokenize
from winnow.tokenize.keys import KEYS, KeyRange, shuffle_keys
from winnow.tokenize.token_rows import KEY, TokenRows, work_schema
from winnow.tokenize.token_shards import TokenShards


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory, small_tokenizer):
    """One id a byte: fast, and long documents are easy to make."""
    return str(small_tokenizer(tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"))


@pytest.fixture(scope="module")
def block(tokenizer):
    return Tokenize(tokenizer=tokenizer, eos_token="</s>", validation_share=0.1, shard_count=3)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.lists(st.text(max_size=40), max_size=15), min_size=1, max_size=5),
    st.integers(0, 5),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.3, 0.9]),
)
def test_every_kept_document_once_and_its_text_comes_back(
    write_corpus, run_tokenize, token_rows, tokenizer, shards, seed, count, share
):
    from tokenizers import Tokenizer

    with tempfile.TemporaryDirectory() as folder:
        corpus = write_corpus(Path(folder) / "in", shards, kept=lambda i: i % 5 != 2)
        stage = Tokenize(
            tokenizer=tokenizer, eos_token="</s>", validation_share=share, shard_count=count
        )
        rows = token_rows(run_tokenize(corpus, stage, Path(folder) / "out", seed))
    decode = Tokenizer.from_file(tokenizer).decode
    texts = [(row["doc_id"], decode(row["input_ids"][:-1])) for row in rows]
    assert sorted(texts) == sorted(corpus.texts.items())
    keys = shuffle_keys(np.array([row["doc_id"] for row in rows], np.uint64), seed).tolist()
    for row, key in zip(rows, keys, strict=True):
        assert row["input_ids"][-1] == 257 and 257 not in row["input_ids"][:-1]
        assert row["n_bytes"] == len(corpus.texts[row["doc_id"]].encode())
        assert row["split"] == ("validation" if key < share * KEYS else "train")
    for split in ("train", "validation"):
        order = [key for row, key in zip(rows, keys, strict=True) if row["split"] == split]
        assert order == sorted(order)


def files(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_the_same_bytes_for_any_order_of_tasks_and_any_batching(
    tmp_path, write_corpus, run_tokenize, block, web_texts, monkeypatch
):
    corpus = write_corpus(tmp_path / "in", web_texts)
    run_tokenize(corpus, block, tmp_path / "a")
    expected = files(tmp_path / "a")
    assert len(expected) == 2 * (7 + 4) + 1 + 2  # shards, receipts, tokenizer.json, manifests
    monkeypatch.setattr(encode_documents, "CALL_BYTES", 100)
    run_tokenize(corpus, block, tmp_path / "b", order=random.Random(5))
    assert files(tmp_path / "b") == expected


def test_the_token_shards_do_not_show_how_work_files_were_cut(
    tmp_path, write_corpus, run_tokenize, block, web_texts, monkeypatch
):
    corpus = write_corpus(tmp_path / "in", web_texts)
    expected = run_tokenize(corpus, block, tmp_path / "a")
    monkeypatch.setattr(encode_documents, "WORK_BATCH_TOKENS", 50)
    monkeypatch.setattr(composite, "MERGE_ABOVE", 2)
    monkeypatch.setattr(composite, "MERGE_WIDTH", 3)
    merged = run_tokenize(corpus, block, tmp_path / "b")
    assert (tmp_path / "b" / "tokenize-merge").is_dir()
    assert len(Store.open(tmp_path / "b" / "tokenize-merge").shards) == 3
    assert merged.shards == expected.shards  # names, rows, sizes, hashes


def test_a_finished_store_says_what_is_in_it(
    tmp_path, write_corpus, run_tokenize, block, web_texts
):
    corpus = write_corpus(tmp_path / "in", web_texts)
    store = run_tokenize(corpus, block, tmp_path / "out")
    section = store.manifest["tokens"]
    splits = section["splits"]
    size = sum(len(text.encode()) for text in corpus.texts.values())
    assert sum(split["documents"] for split in splits.values()) == len(corpus.texts)
    assert sum(split["text_bytes"] for split in splits.values()) == size
    assert sum(split["tokens"] for split in splits.values()) == size + len(corpus.texts)
    assert splits["train"]["shards"] == 3 and splits["validation"]["shards"] == 1
    file = tmp_path / "out" / "tokens" / section["tokenizer"]["file"]
    assert file.read_bytes() == Path(block.tokenizer).read_bytes()
    encoded = Store.open(tmp_path / "out" / "tokenize-encode")
    assert encoded.counters["empty_documents"] == list(corpus.texts.values()).count("")
    assert encoded.counters["documents"] == len(corpus.texts)


def test_the_shards_open_as_what_training_reads(
    tmp_path, write_corpus, run_tokenize, token_rows, block, web_texts
):
    corpus = write_corpus(tmp_path / "in", web_texts)
    store = run_tokenize(corpus, block, tmp_path / "out")
    rows = token_rows(store)
    for split in ("train", "validation"):
        shards = TokenShards.open(tmp_path / "out" / "tokens", split)
        mine = [row for row in rows if row["split"] == split]
        assert shards.documents == len(mine) > 0
        for index, row in enumerate(mine):
            assert shards.document(index).tolist() == row["input_ids"]
            assert shards.doc_id(index) == row["doc_id"]
        assert shards.eos_id == 257 and shards.vocab_size == 258


def test_the_order_is_seeded_and_unlike_the_input(
    tmp_path, write_corpus, run_tokenize, token_rows, block
):
    corpus = write_corpus(tmp_path / "in", [[f"{s}.{r}" for r in range(300)] for s in range(3)])
    stage = replace(block, validation_share=0.0)
    orders = []
    for seed in (0, 1):
        rows = token_rows(run_tokenize(corpus, stage, tmp_path / str(seed), seed))
        orders.append([sorted(corpus.texts).index(row["doc_id"]) for row in rows])
    inputs = np.arange(900)
    for one, other in ((orders[0], inputs), (orders[1], inputs), orders):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.15
    # neighbours in the input are not neighbours in the corpus
    assert np.mean(np.abs(np.diff(orders[0])) == 1) < 0.02


def test_validation_is_the_same_whatever_else_is_in_the_corpus(
    tmp_path, write_corpus, run_tokenize, token_rows, block
):
    texts = [[f"{s}.{r}" for r in range(200)] for s in range(3)]
    chosen = []
    for name, kept in (("all", lambda i: True), ("half", lambda i: i % 2 == 0)):
        corpus = write_corpus(tmp_path / name / "in", texts, kept=kept)
        stage = replace(block, shard_count=2 if name == "all" else 5)
        rows = token_rows(run_tokenize(corpus, stage, tmp_path / name / "out"))
        chosen.append({row["doc_id"] for row in rows if row["split"] == "validation"})
    assert chosen[1] == {doc_id for doc_id in chosen[0] if doc_id % 2 == 0}
    assert 30 < len(chosen[0]) < 90  # 60 expected of 600, standard deviation 7


def test_documents_longer_than_a_batch_and_a_shard(
    tmp_path, write_corpus, run_tokenize, token_rows, block, monkeypatch
):
    monkeypatch.setattr(shuffle, "BATCH_TOKENS", 1000)
    monkeypatch.setattr(encode_documents, "WORK_BATCH_TOKENS", 500)
    monkeypatch.setattr(encode_documents, "CALL_BYTES", 700)
    texts = ["x" * 1_000_000, "", "short", "y" * 5000, "z" * 999, "a b " * 300]
    corpus = write_corpus(tmp_path / "in", [texts])
    store = run_tokenize(corpus, replace(block, shard_count=4), tmp_path / "out")
    rows = token_rows(store)
    assert {row["doc_id"]: len(row["input_ids"]) - 1 for row in rows} == {
        doc_id: len(text) for doc_id, text in corpus.texts.items()
    }
    for index in range(len(store.shards)):
        for batch in store.batches(shard=index):
            assert len(batch.column("input_ids").values) <= 1000 or batch.num_rows == 1


def test_nothing_kept_is_a_store_of_empty_shards(tmp_path, write_corpus, run_tokenize, block):
    corpus = write_corpus(tmp_path / "in", [["a", "b"], []], kept=lambda _: False)
    store = run_tokenize(corpus, block, tmp_path / "out")
    assert store.rows == 0 and len(store.shards) == 4
    assert store.table().num_rows == 0


def test_sources_are_kept_and_their_dictionary_is_of_the_shard(
    tmp_path, write_corpus, run_tokenize, token_rows, block
):
    def source(doc_id):
        return ("web", "books", "a much longer name")[doc_id % 3]

    corpus = write_corpus(tmp_path / "in", [["t"] * 40, ["u"] * 7], source=source)
    store = run_tokenize(corpus, block, tmp_path / "out")
    rows = token_rows(store)
    assert all(row["source"] == source(row["doc_id"]) for row in rows) and len(rows) == 47


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=6),
    st.lists(st.integers(0, KEYS - 1), min_size=2, max_size=5),
    st.integers(1, 6),
)
def test_read_range_takes_the_rows_of_the_range_from_every_shard(sizes, borders, batch_tokens):
    with tempfile.TemporaryDirectory() as path:
        folder, receipts, first = Folder(path), [], 0
        for index, size in enumerate(sizes):
            rows = TokenRows(100)
            ids = np.arange(first, first + size)
            names = [f"s{i % 3}" for i in ids]
            rows.add(ids % 100, np.ones(size, np.int64), ids, ids, pa.array(names, pa.utf8()))
            with ShardWriter(folder, f"{index:05d}.arrow", work_schema(100), "arrow") as writer:
                for batch in rows.batches(0, batch_tokens, with_key=True):
                    writer.write(batch)
            receipts.append(writer.receipt("test"))
            first += size
        store = write_manifest(
            folder, kind="work", name="e", fingerprint="test", schema=work_schema(100),
            config={}, receipts=receipts,
        )  # fmt: skip
        keys = {int(k): i for i, k in enumerate(shuffle_keys(np.arange(first, dtype=np.uint64), 0))}
        edges = [0, *sorted(borders), KEYS]
        for low, high in pairwise(edges):
            found = TokenRows(100)
            shuffle.read_range(store, range(len(sizes)), KeyRange(low, high - 1), found)
            got = [r for b in found.batches(0, 10, with_key=True) for r in b.to_pylist()]
            assert [r["doc_id"] for r in got] == [keys[k] for k in sorted(keys) if low <= k < high]
            assert all(r["source"] == f"s{r['doc_id'] % 3}" and r[KEY] in keys for r in got)


def test_a_flipped_byte_of_an_encoded_store_is_named_or_changes_nothing(tmp_path):
    """Wherever it lies: in ids, in the names of sources, or in a key that the search looks at."""
    folder, count = Folder(tmp_path), 60
    rows, ids = TokenRows(100), np.arange(count)
    names = pa.array([f"source {i % 3}" for i in ids], pa.utf8())
    rows.add(ids % 100, np.ones(count, np.int64), ids, ids, names)
    with ShardWriter(folder, "00000.arrow", work_schema(100), "arrow") as writer:
        for batch in rows.batches(0, 6, with_key=True):
            writer.write(batch)
    store = write_manifest(
        folder, kind="work", name="e", fingerprint="test", schema=work_schema(100),
        config={}, receipts=[writer.receipt("test")],
    )  # fmt: skip
    edges = [KEYS * i // 4 for i in range(5)]

    def ranges():
        found = []
        for low, high in pairwise(edges):
            part = TokenRows(100)
            shuffle.read_range(store, range(1), KeyRange(low, high - 1), part)
            found += [r for b in part.batches(0, 10, with_key=True) for r in b.to_pylist()]
        return found

    wanted = ranges()
    assert len(wanted) == count
    path = tmp_path / "00000.arrow"
    data = path.read_bytes()
    columns = ("input_ids", "doc_id", "source", "shuffle_key")
    named = 0
    for place in range(0, len(data), 37):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
        try:
            found = ranges()
        except CorruptShard as error:
            assert "00000.arrow" in str(error)
            named += 1
        else:
            assert [[r[c] for c in columns] for r in found] == [
                [r[c] for c in columns] for r in wanted
            ], place
    assert named > 20
    key = data.index(wanted[35][KEY].to_bytes(8, "little"))
    path.write_bytes(data[: key + 7] + b"\0" + data[key + 8 :])
    with pytest.raises(CorruptShard, match=r"00000\.arrow: batch 5"):
        ranges()
    at = data.index(b"source 0source 1")
    path.write_bytes(data[: at + 7] + b"9" + data[at + 8 :])
    with pytest.raises(CorruptShard, match=r"00000\.arrow: batch 0"):
        ranges()
