from __future__ import annotations

import json

import pytest

from winnow.errors import ConfigError, StoreError
from winnow.train.command import run_training
from winnow.train.sample import generate, load_model

tokenizers = pytest.importorskip("tokenizers")


@pytest.fixture(scope="session")
def word_store(write_store, tmp_path_factory):
    """A store of words that follow each other in a ring, with a real tokenizer.json."""
    words = ["<|endoftext|>", *(f"w{i}" for i in range(20))]
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="w0")
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    documents = [[(s + i) % 20 + 1 for i in range(30)] + [0] for s in range(20)] * 10
    path = tmp_path_factory.mktemp("words") / "tokens"
    write_store(
        path, documents, documents[:20], vocab_size=21, tokenizer=tokenizer.to_str().encode()
    )
    return path


def test_a_trained_model_goes_on_and_json_says_all(toy_config, word_store, tmp_path, capsys):
    code = run_training(
        toy_config,
        [f"data.path={word_store}", "batch.steps=60"],
        resume="auto",
        sample_prompts=["w3 w4 w5", ""],
        json=True,
    )
    out, err = capsys.readouterr()
    facts = json.loads(out)
    assert code == 0 and "validation" in err and "parameters" in err
    assert facts["step"] == 60 and facts["documents"] == 200 and facts["stopped"] is None
    assert facts["after"]["bits_per_byte"] < facts["before"]["bits_per_byte"]
    assert facts["samples"][0]["text"].split()[:5] == ["w6", "w7", "w8", "w9", "w10"]
    assert facts["samples"][1]["prompt"] == "The"

    loaded = load_model(tmp_path / "run")
    assert loaded.step == 60
    greedy = generate(loaded, "w18 w19", max_tokens=3, temperature=0)
    assert greedy.split() == ["w0", "w1", "w2"]
    hot = {
        generate(loaded, "w3", max_tokens=8, temperature=5.0, top_k=None, seed=s) for s in (1, 2)
    }
    assert len(hot) == 2
    assert generate(loaded, "w3", seed=7) == generate(loaded, "w3", seed=7)
    long = generate(loaded, "w3", max_tokens=80, temperature=0)  # past max_context, 64
    assert 20 < len(long.split()) <= 80
    with pytest.raises(ConfigError, match="holds no token to go on from"):
        generate(loaded, " ")


def test_the_plain_output_tells_the_run(toy_config, word_store, capsys):
    run_training(toy_config, [f"data.path={word_store}", "batch.steps=3"], sample_prompts=["w1"])
    out = capsys.readouterr().out
    for word in ("parameters", "200 documents", "step 3/3", "bits per byte, loss", "sample  w1|"):
        assert word in out


def test_a_checkpoint_without_tokenizer_says_so(toy_config, word_store, tmp_path):
    run_training(toy_config, [f"data.path={word_store}", "batch.steps=1"])
    path = tmp_path / "run" / "step-00000001"
    (path / "tokenizer.json").unlink()
    facts = json.loads((path / "checkpoint.json").read_text())
    del facts["files"]["tokenizer.json"]
    (path / "checkpoint.json").write_text(json.dumps(facts))
    with pytest.raises(StoreError, match=r"has no tokenizer\.json"):
        load_model(tmp_path / "run")
