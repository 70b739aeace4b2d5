"""The fast engine gives the ids of the reference, or is not used, or says that it does not."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.errors import StageError
from winnow.tokenize import fast_encode
from winnow.tokenize.encode import load_tokenizer
from winnow.tokenize.fast_encode import VERIFIED_BYTES, VerifiedEncoder, planned_engine
from winnow.tokenize.fast_encode import fastest as fastest_planned
from winnow.tokenize.tokenizer_file import TokenizerFile
from winnow.tokenize.train_bpe import TrainBpe, train

pytest.importorskip("fastokens")
EOS = "<|endoftext|>"


def fastest(reference, described):
    return fastest_planned(reference, described, planned_engine("auto"))


@pytest.fixture(scope="module")
def gpt2_json():
    return TokenizerFile.find("gpt2").read()


@pytest.fixture(scope="module")
def gpt2(gpt2_json):
    return load_tokenizer(gpt2_json, EOS, "gpt2")


@pytest.fixture(scope="module")
def fast(gpt2, gpt2_json):
    found = fastest(gpt2, gpt2_json)
    assert isinstance(found, VerifiedEncoder)
    found._to_verify = 0  # so that it is this test that compares
    return found


TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from([EOS, "<|", " ", "\n", "\0", "don't", "日本語", "12345", "é", "e\u0301"]),
        max_size=30,
    ).map("".join),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS, max_size=5))
def test_equal_ids(gpt2, fast, texts):
    for one, other in zip(fast.encode(texts), gpt2.encode(texts), strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)


@pytest.mark.parametrize("text", ["x" * 1_000_000, "ab " * 300_000, "字" * 200_000, "\0" * 10_000])
def test_long_texts(gpt2, fast, text):
    assert np.array_equal(fast.encode([text])[0], gpt2.encode([text])[0])


def test_a_trained_tokenizer_runs_fast_too():
    prose = [f"it was the best of times, number {n}, {EOS} and the worst" for n in range(500)]
    described = train(iter(prose), TrainBpe(vocab_size=500), EOS)
    reference = load_tokenizer(described, EOS, "trained")
    found = fastest(reference, described)
    assert isinstance(found, VerifiedEncoder)
    assert np.array_equal(found.encode(prose)[0], reference.encode(prose)[0])


class Wrong:
    """An engine that is right about short texts only."""

    def __init__(self, engine):
        self._engine = engine

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def encode_batch_flat(self, texts, **options):
        ids, offsets = self._engine.encode_batch_flat(texts, **options)
        if max(map(len, texts), default=0) > 5000:
            ids = np.frombuffer(ids, np.uint32)[::-1].tobytes()
        return ids, offsets


def test_a_difference_in_the_first_documents_stops_the_step(gpt2, fast):
    wrong = VerifiedEncoder(gpt2, Wrong(fast._engine))
    assert wrong.agrees(fast_encode.PROBES)
    wrong.encode(["short"])
    with pytest.raises(StageError, match="different ids") as caught:
        wrong.encode(["some secret words " * 400])
    assert "secret" not in str(caught.value)
    assert 'engine = "tokenizers"' in (caught.value.remedy or "")


def test_no_more_than_a_sample_is_encoded_twice(gpt2, fast, monkeypatch):
    seen = []

    class Counting:
        vocab_size, eos_id = gpt2.vocab_size, gpt2.eos_id

        def encode(self, texts):
            seen.extend(texts)
            return gpt2.encode(texts)

    encoder = VerifiedEncoder(Counting(), fast._engine)
    for _ in range(5):
        encoder.encode(["word " * 2000] * 20)
    assert VERIFIED_BYTES <= sum(map(len, seen)) <= VERIFIED_BYTES + 10_000


def test_what_it_does_not_know_is_left_to_the_reference(gpt2, gpt2_json, monkeypatch):
    described = json.loads(gpt2_json)
    described["model"] = {"type": "Nothing"}
    assert fastest(gpt2, json.dumps(described)) is gpt2
    described = json.loads(gpt2_json)
    described["model"]["dropout"] = 0.1
    assert fastest(gpt2, json.dumps(described)) is gpt2
    monkeypatch.setattr(fast_encode, "PROBES", ("y" * 6000,))
    monkeypatch.setattr(
        "fastokens.Tokenizer",
        type("T", (), {"from_json_str": lambda text: Wrong(_engine(text))}),
    )
    assert fastest(gpt2, gpt2_json) is gpt2, "it failed a probe"


def test_a_plan_says_which_engine_and_a_worker_must_have_it(gpt2, gpt2_json, monkeypatch):
    assert planned_engine("tokenizers") == "tokenizers"
    planned = planned_engine("auto")
    assert planned.startswith("fastokens 0.")
    monkeypatch.setattr(fast_encode, "find_spec", lambda name: None)
    assert planned_engine("auto") == "tokenizers"
    with pytest.raises(StageError, match="this machine has tokenizers"):
        fastest_planned(gpt2, gpt2_json, planned)


def _engine(text):
    import fastokens._native

    return fastokens._native.Tokenizer.from_json_str(text)
