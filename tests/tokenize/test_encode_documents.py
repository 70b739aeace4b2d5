import numpy as np
import pytest

from winnow.errors import StageError
from winnow.store.manifest import Store
from winnow.tokenize import encode_documents, shuffle
from winnow.tokenize.composite import Tokenize
from winnow.tokenize.keys import shuffle_keys
from winnow.tokenize.token_rows import KEY, work_schema


class Bytes:
    """Another engine: UTF-8 bytes, with an end of text that one letter of theirs may hit."""

    vocab_size = 257

    def __init__(self, eos_id):
        self.eos_id = eos_id
        self.calls = []

    def encode(self, texts):
        parts = [text.encode() for text in texts]
        self.calls.append(sum(map(len, parts)))
        offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
        return np.frombuffer(b"".join(parts), np.uint8).astype(np.uint32), offsets.astype(np.int64)


@pytest.fixture
def engine(monkeypatch):
    """Puts an engine in the place of the one that a tokenizer.json describes."""

    def put(engine):
        for module in (encode_documents, shuffle):
            monkeypatch.setattr(module, "load_tokenizer", lambda *_: engine)
        return engine

    return put


def test_the_steps_take_any_engine(tmp_path, write_corpus, run_tokenize, token_rows, engine):
    engine(Bytes(256))
    corpus = write_corpus(tmp_path / "in", [["añb", "", "c"], ["dd"]])
    store = run_tokenize(corpus, Tokenize(tokenizer="gpt2"), tmp_path / "out")
    found = {row["doc_id"]: row["input_ids"] for row in token_rows(store)}
    assert found == {i: [*text.encode(), 256] for i, text in corpus.texts.items()}
    assert store.manifest["tokens"]["tokenizer"]["vocab_size"] == 257


def test_an_engine_that_gives_text_the_end_of_text_is_stopped(
    tmp_path, write_corpus, run_tokenize, engine
):
    engine(Bytes(ord("%")))
    corpus = write_corpus(tmp_path / "in", [["fine", "", "secret 5%", "fine"]])
    with pytest.raises(StageError, match="gave the end-of-text id 37 to text of document 2") as e:
        run_tokenize(corpus, Tokenize(tokenizer="gpt2"), tmp_path / "out")
    assert "secret" not in str(e.value)


def test_calls_of_the_engine_are_bounded(tmp_path, write_corpus, run_tokenize, engine, monkeypatch):
    monkeypatch.setattr(encode_documents, "CALL_BYTES", 100)
    calls = engine(Bytes(256)).calls
    texts = ["x" * size for size in (30, 60, 60, 500, 1, 2, 0, 99)]
    corpus = write_corpus(tmp_path / "in", [texts])
    run_tokenize(corpus, Tokenize(tokenizer="gpt2", engine="tokenizers"), tmp_path / "out")
    assert calls == [90, 60, 500, 3, 99]


def test_an_encoded_shard_is_its_document_shard_by_rising_key(
    tmp_path, write_corpus, run_tokenize, web_texts
):
    corpus = write_corpus(tmp_path / "in", web_texts, kept=lambda i: i % 4 != 0)
    run_tokenize(corpus, Tokenize(tokenizer="gpt2"), tmp_path / "out", seed=3)
    store = Store.open(tmp_path / "out" / "tokenize-encode")
    assert store.schema == work_schema(50257) and len(store.shards) == len(web_texts)
    for index in range(len(web_texts)):
        rows = [row for batch in store.batches(shard=index) for row in batch.to_pylist()]
        ids = [row["doc_id"] for row in rows]
        assert sorted(ids) == sorted(i for i in corpus.texts if i >> 32 == index)
        keys = shuffle_keys(np.array(ids, np.uint64), 3).tolist()
        assert [row[KEY] for row in rows] == keys == sorted(keys)
