"""A document that is seen n times is n rows: each at its own place, all in one split."""

from __future__ import annotations

import collections
import hashlib
import random
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.pipeline.fingerprint import canonical, digest
from winnow.store.manifest import Store
from winnow.tokenize import composite as composite_module
from winnow.tokenize import shuffle
from winnow.tokenize.composite import Tokenize
from winnow.tokenize.keys import KEYS, _high_product, copy_keys, shuffle_keys, split_border
from winnow.tokenize.token_rows import KEY, TokenRows
from winnow.tokenize.token_shards import TokenShards

SIZES = (130, 0, 75)
TIMES = (1, 1, 2, 5, 8, None)
words = st.integers(0, KEYS - 1)


def times(doc_id):
    return TIMES[doc_id % 6]


@pytest.fixture
def corpus(tmp_path, write_corpus):
    texts = [[f"{shard}.{row}" * (row % 7) for row in range(n)] for shard, n in enumerate(SIZES)]
    return write_corpus(tmp_path / "in", texts, kept=lambda i: i % 11 != 3, repeats=times)


@pytest.fixture
def block(tmp_path, small_tokenizer):
    return Tokenize(
        tokenizer=str(small_tokenizer(tmp_path / "t.json")), eos_token="</s>",
        validation_share=0.25, shard_count=3,
    )  # fmt: skip


def test_every_copy_is_a_row_of_its_own_and_all_are_in_one_split(
    tmp_path, corpus, block, run_tokenize, token_rows
):
    store = run_tokenize(corpus, block, tmp_path / "out", seed=5)
    rows = token_rows(store)
    splits = collections.defaultdict(set)
    for row in rows:
        assert row["input_ids"][:-1] == [] or row["n_bytes"] == len(row["input_ids"]) - 1
        splits[row["doc_id"]].add(row["split"])
    counts = collections.Counter(row["doc_id"] for row in rows)
    assert counts == {doc_id: times(doc_id) or 1 for doc_id in corpus.texts}
    assert all(len(found) == 1 for found in splits.values())
    assert {split for found in splits.values() for split in found} == {"train", "validation"}
    texts = {row["doc_id"]: tuple(row["input_ids"]) for row in rows}
    assert len({(row["doc_id"], tuple(row["input_ids"])) for row in rows}) == len(texts)


def test_which_split_a_document_is_in_is_what_it_is_without_copies(
    tmp_path, corpus, block, write_corpus, run_tokenize, token_rows
):
    plain = write_corpus(tmp_path / "plain", corpus.shards, kept=lambda i: i % 11 != 3)
    found = [
        {(row["doc_id"], row["split"]) for row in token_rows(run_tokenize(each, block, out))}
        for each, out in ((corpus, tmp_path / "out"), (plain, tmp_path / "other"))
    ]
    assert found[0] == found[1]


def test_rows_are_where_the_documented_keys_put_them(
    tmp_path, corpus, block, run_tokenize, token_rows
):
    """By Python's own whole numbers, as docs/shard-format.md has it."""
    store = run_tokenize(corpus, block, tmp_path / "out", seed=5)
    mask = KEYS - 1

    def mix(z):
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & mask
        return z ^ z >> 31

    def hashed(doc_id, purpose):
        salt = hashlib.sha256(f"winnow {purpose} 5".encode()).digest()[:8]
        return mix(
            (doc_id + mix((int.from_bytes(salt, "little") + 0x9E3779B97F4A7C15) & mask)) & mask
        )

    border = int(0.25 * KEYS)
    wanted = {"train": [], "validation": []}
    for doc_id in corpus.texts:
        key = hashed(doc_id, "shuffle")
        split, a, b = ("validation", 0, border) if key < border else ("train", border, KEYS)
        wanted[split].append((key, doc_id))
        for copy in range(1, times(doc_id) or 1):
            wanted[split].append(
                (a + (hashed(doc_id, f"shuffle copy {copy}") * (b - a) >> 64), doc_id)
            )
    for split, pairs in wanted.items():
        rows = [row["doc_id"] for row in token_rows(store) if row["split"] == split]
        assert rows == [doc_id for _, doc_id in sorted(pairs)]


def test_documents_are_counted_once_and_tokens_as_they_are_written(
    tmp_path, corpus, block, run_tokenize, token_rows
):
    store = run_tokenize(corpus, block, tmp_path / "out")
    rows = token_rows(store)
    splits = store.manifest["tokens"]["splits"]
    for split, counts in splits.items():
        mine = [row for row in rows if row["split"] == split]
        documents = len({row["doc_id"] for row in mine})
        assert counts["documents"] == documents
        assert counts["repeats"] == len(mine) - documents > 0
        assert counts["tokens"] == sum(len(row["input_ids"]) for row in mine)
        assert counts["text_bytes"] == sum(row["n_bytes"] for row in mine)
        shards = TokenShards.open(tmp_path / "out" / "tokens", split)
        assert shards.documents == len(mine) and shards.tokens == counts["tokens"]
    encoded = Store.open(tmp_path / "out" / "tokenize-encode").counters
    for counters in (encoded, store.counters):
        assert counters["documents"] == len(corpus.texts)
        assert counters["repeats"] == len(rows) - len(corpus.texts)
        assert counters["tokens"] == sum(split["tokens"] for split in splits.values())
    assert encoded["empty_documents"] == list(corpus.texts.values()).count("")


def test_the_bytes_do_not_depend_on_order_batches_or_merging(
    tmp_path, corpus, block, run_tokenize, monkeypatch
):
    one = run_tokenize(corpus, block, tmp_path / "one")
    other = run_tokenize(corpus, block, tmp_path / "other", order=random.Random(3))
    monkeypatch.setattr(composite_module, "MERGE_ABOVE", 1)
    monkeypatch.setattr(composite_module, "MERGE_WIDTH", 2)
    merged = run_tokenize(corpus, block, tmp_path / "merged")
    assert Store.open(tmp_path / "merged" / "tokenize-merge").counters["repeats"] > 0
    for store in (other, merged):
        assert [shard.sha256 for shard in store.shards] == [s.sha256 for s in one.shards]


def test_copies_lie_apart(tmp_path, write_corpus, block, run_tokenize, token_rows):
    corpus = write_corpus(tmp_path / "in", [[f"{row}" for row in range(400)]], repeats=lambda i: 2)
    stage = replace(block, validation_share=0.0, shard_count=1)
    rows = [row["doc_id"] for row in token_rows(run_tokenize(corpus, stage, tmp_path / "out"))]
    places = collections.defaultdict(list)
    for place, doc_id in enumerate(rows):
        places[doc_id].append(place)
    first, second = np.array(list(places.values())).T
    # of two uniform places in 800 a mean distance of 267
    assert 220 < float(np.mean(second - first)) < 310


def test_what_does_not_repeat_is_what_it_was(tmp_path, corpus, block, write_corpus, plan_context):
    plain = write_corpus(tmp_path / "plain", corpus.shards)
    encode, tokens = block.expand(plan_context(plain, 0))
    assert "repeats_for" not in canonical(encode.work)
    repeated, repeated_tokens = block.expand(plan_context(corpus, 0))
    assert canonical(repeated.work)["repeats_for"] == 0.25
    assert digest(canonical(tokens.work)) == digest(canonical(repeated_tokens.work))
    # a measure of somebody's with that name is none of ours
    context = plan_context(plain, 0)
    measure = context.columns.append(pa.field("repeat_count", pa.int64()))
    assert block.expand(replace(context, columns=measure))[0].work == encode.work


@given(st.lists(st.tuples(words, words), max_size=20))
def test_the_high_product_is_that_of_whole_numbers(pairs):
    a, b = (np.array([pair[i] for pair in pairs], np.uint64) for i in (0, 1))
    assert _high_product(a, b).tolist() == [x * y >> 64 for x, y in pairs]


@given(
    st.lists(words, max_size=30),
    st.integers(1, 5),
    st.integers(0, 9),
    st.sampled_from([0.0, 1e-25, 1e-19, 0.01, 0.5, 1 - 2**-53]),
)
def test_a_copys_key_is_in_its_documents_split(doc_ids, copy, seed, share):
    ids = np.array(doc_ids, np.uint64)
    border = split_border(share)
    own, keys = shuffle_keys(ids, seed).tolist(), copy_keys(ids, copy, seed, share).tolist()
    assert [key < border for key in own] == [key < border for key in keys]


def test_keys_of_copies_are_uniform_and_unlike_one_another():
    ids = np.arange(20_000, dtype=np.uint64)
    for share in (0.0, 0.25):
        keys = [shuffle_keys(ids, 0), *(copy_keys(ids, copy, 0, share) for copy in (1, 2))]
        for each in keys:
            cells = np.bincount((each >> np.uint64(58)).astype(int), minlength=64)
            expected = len(ids) / 64
            assert ((cells - expected) ** 2 / expected).sum() < 120
        trains = keys[0] >= np.uint64(split_border(share))
        for one, other in ((0, 1), (0, 2), (1, 2)):
            both = keys[one][trains].astype(float), keys[other][trains].astype(float)
            assert abs(np.corrcoef(*both)[0, 1]) < 0.04


rows_of = st.lists(
    st.tuples(st.lists(st.integers(0, 99), min_size=1, max_size=5), st.lists(words, max_size=3)),
    max_size=12,
)


@given(rows_of, st.integers(1, 3), st.integers(1, 12))
@settings(deadline=None)
def test_copied_rows_are_rows(rows, parts, limit):
    found = TokenRows(100)
    wanted = []
    for part in np.array_split(np.arange(len(rows)), parts):
        mine = [rows[row] for row in part]
        ids = np.array(part, np.uint64)
        lengths = np.array([len(tokens) for tokens, _ in mine], np.int64)
        tokens = np.array([token for tokens, _ in mine for token in tokens], np.uint32)
        found.add(tokens, lengths, lengths * 2, ids, pa.array(["web"] * len(mine), pa.string()))
        wanted += zip(shuffle_keys(ids, 0).tolist(), part, strict=True)
        for copy in range(3):
            again = [i for i, (_, keys) in enumerate(mine) if len(keys) > copy]
            keys = [mine[i][1][copy] for i in again]
            found.copy(np.array(again, np.int64), np.array(keys, np.uint64))
            wanted += [(key, part[i]) for key, i in zip(keys, again, strict=True)]
    got = [row for batch in found.batches(0, limit, True) for row in batch.to_pylist()]
    assert [(row[KEY], row["doc_id"], row["input_ids"]) for row in got] == [
        (key, row, rows[row][0]) for key, row in sorted(wanted)
    ]
    assert found.rows == len(wanted) and found.copy_count(0) == len(wanted) - len(rows)
    assert found.tokens == sum(len(row["input_ids"]) for row in got)
    assert found.text_bytes == sum(row["n_bytes"] for row in got)


def test_equal_keys_of_two_documents_go_by_doc_id():
    for order in ([5, 3], [3, 5]):
        rows = TokenRows(100)
        rows.add(
            np.array(order), np.array([1, 1]), np.array([1, 1]), np.array(order, np.uint64),
            pa.array(["web", "web"]), np.array([9, 9], np.uint64),
        )  # fmt: skip
        (batch,) = rows.batches(0, 10, with_key=False)
        assert batch.column("doc_id").to_pylist() == [3, 5]


def test_a_range_of_keys_takes_copies_as_rows(tmp_path, corpus, block, run_tokenize):
    run_tokenize(corpus, block, tmp_path / "out")
    store = Store.open(tmp_path / "out" / "tokenize-encode")
    rows = TokenRows(258)
    shuffle.read_range(store, range(3), shuffle.ALL_KEYS, rows)
    assert rows.rows == sum(times(doc_id) or 1 for doc_id in corpus.texts)
    assert rows.copy_count(0) == rows.rows - len(corpus.texts)
