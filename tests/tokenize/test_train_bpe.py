import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from winnow.errors import StageError
from winnow.pipeline.sizes import ByteSize
from winnow.tokenize import train_bpe
from winnow.tokenize.composite import Tokenize
from winnow.tokenize.encode import load_tokenizer
from winnow.tokenize.keys import salted_keys
from winnow.tokenize.train_bpe import TrainBpe, draw_sample, train

TRAIN = """
import random, sys
from winnow.tokenize.train_bpe import TrainBpe, train
draw = random.Random(1)
words = ["".join(draw.choices("abcdeéя家", k=draw.randint(1, 9))) for _ in range(500)]
texts = [" ".join(draw.choices(words, k=50)) for _ in range(300)]
sys.stdout.buffer.write(train(iter(texts), TrainBpe(vocab_size=700), "<eos>").encode())
"""


UNFENCED = """
from contextlib import nullcontext
import winnow.tokenize.train_bpe as module
module.one_thread = nullcontext
"""


def test_the_same_bytes_for_any_number_of_threads():
    """Also for `tokenizers` with threads of its own: our fence is not what it hangs on."""
    found = set()
    fenced, unfenced = TRAIN, UNFENCED + TRAIN
    for code, threads in ((fenced, 1), (fenced, 4), (unfenced, 1), (unfenced, 4), (unfenced, 4)):
        environment = {
            **os.environ, "RAYON_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "true"
        }  # fmt: skip
        command = [sys.executable, "-c", code]
        found.add(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert len(found) == 1
    assert load_tokenizer(found.pop().decode(), "<eos>", "t").vocab_size == 700


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_a_trained_tokenizer_gives_any_text_back(text):
    trained = train(iter(["one two two three three three"] * 9), TrainBpe(vocab_size=300), "<eos>")
    encoder = load_tokenizer(trained, "<eos>", "t")
    ids, _ = encoder.encode([text, "<eos>"])
    assert encoder.decode(ids.tolist()) == text + "<eos>"
    assert encoder.eos_id == 0 and 0 not in ids


def test_no_text_at_all_trains_the_bytes():
    trained = train(iter([]), TrainBpe(vocab_size=4096), "<eos>")
    assert load_tokenizer(trained, "<eos>", "t").vocab_size == train_bpe.MIN_VOCAB


def slow_sample(texts, shards, sample_bytes, seed):
    """All documents of ``shards`` by hash, until there are enough bytes."""
    ids = [i for i in texts if i >> 32 in shards]
    keys = salted_keys(np.array(ids, np.uint64), "sample", seed).tolist()
    chosen, size = [], 0
    for _, doc_id in sorted(zip(keys, ids, strict=True)):
        if size >= sample_bytes:
            break
        chosen.append((doc_id, texts[doc_id].encode()))
        size += len(texts[doc_id].encode())
    return sorted(chosen)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.lists(st.text(max_size=30), max_size=12), min_size=1, max_size=4),
    st.integers(1, 400),
    st.integers(0, 9),
)
def test_the_sample_is_the_smallest_hashes(tmp_path_factory, write_corpus, shards, size, seed):
    folder = tmp_path_factory.mktemp("corpus")
    corpus = write_corpus(folder, shards, kept=lambda doc_id: doc_id % 3 != 1)
    sample = draw_sample(corpus.view.open(), size, seed)
    assert sample == slow_sample(corpus.texts, set(range(len(shards))), size, seed)


def test_a_large_store_is_read_only_as_far_as_needed(tmp_path, write_corpus, monkeypatch):
    monkeypatch.setattr(train_bpe, "SAMPLE_SHARDS", 2)
    corpus = write_corpus(tmp_path, [[f"{s} {r} " * 5 for r in range(20)] for s in range(9)])
    view = corpus.view.open()
    read = []
    kept = view.kept
    monkeypatch.setattr(view, "kept", lambda shard, names: read.append(shard) or kept(shard, names))
    sample = draw_sample(view, 300, seed=4)
    assert len(read) == 2
    assert sample == slow_sample(corpus.texts, set(read), 300, 4)
    read.clear()
    everything = draw_sample(view, 10**9, seed=4)
    assert sorted(read) == list(range(9))
    assert everything == sorted((i, t.encode()) for i, t in corpus.texts.items())
    read.clear()
    draw_sample(view, 300, seed=5)
    other = set(read)
    draw_sample(view, 300, seed=6)
    assert len(other | set(read)) > 2


def test_the_whole_block_with_a_trained_tokenizer(
    tmp_path, write_corpus, run_tokenize, token_rows, web_texts
):
    corpus = write_corpus(tmp_path / "in", web_texts)
    options = TrainBpe(vocab_size=300, sample_bytes=ByteSize(3000))
    stage = Tokenize(train_bpe=options, eos_token="<eos>", shard_count=2)
    store = run_tokenize(corpus, stage, tmp_path / "out")
    tokenizer = store.manifest["tokens"]["tokenizer"]
    assert tokenizer["name"] == "trained-bpe" and tokenizer["vocab_size"] == 300
    text = (tmp_path / "out" / "tokens" / "tokenizer.json").read_text("utf-8")
    encoder = load_tokenizer(text, "<eos>", "t")
    found = {row["doc_id"]: encoder.decode(row["input_ids"][:-1]) for row in token_rows(store)}
    assert found == corpus.texts
    assert {row["input_ids"][-1] for row in token_rows(store)} == {0}


def test_a_sample_too_small_for_the_planned_ids_is_an_error(tmp_path, write_corpus, run_tokenize):
    corpus = write_corpus(tmp_path / "in", [["a few words"]])
    stage = Tokenize(train_bpe=TrainBpe(vocab_size=100_000))
    with pytest.raises(StageError, match="ids would need uint16 and not the planned uint32") as e:
        run_tokenize(corpus, stage, tmp_path / "out")
    assert "Set train_bpe.vocab_size to 257 or less" in str(e.value)


@pytest.mark.parametrize("bad", [{"vocab_size": 256}, {"vocab_size": 300, "min_frequency": 0}])
def test_impossible_options_are_refused(bad):
    with pytest.raises(ValueError, match="at least"):
        TrainBpe(**bad)


def test_words_without_an_end_are_cut_for_the_trainer():
    """Its time is quadratic in the longest word; nothing is lost, and prose is not touched."""
    word = "x" * 1_200_000
    cut = train_bpe._cut_long_words(f"some prose, then {word} and more")
    assert max(len(part) for part in cut.split()) == train_bpe.MAX_WORD_CHARS
    assert cut.replace(" ", "") == f"someprose,then{word}andmore"
    prose = "Call me Ishmael.\n\nSome years ago, never mind how long precisely"
    assert train_bpe._cut_long_words(prose) == prose
    options = TrainBpe(vocab_size=300)
    assert load_tokenizer(train(iter([word, prose]), options, "<e>"), "<e>", "it").vocab_size > 257
