"""Exported folders: transformers computes our logits, and training begins from them again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from winnow.errors import ConfigError, StoreError
from winnow.train.attention import document_mask
from winnow.train.checkpoint import save_checkpoint
from winnow.train.config_file import parse_config
from winnow.train.export_hf import export_hf
from winnow.train.hf_names import read_hf_config, shape_of
from winnow.train.import_hf import load_initial
from winnow.train.loop import Trainer
from winnow.train.model import Decoder, initialise
from winnow.train.shape import ModelConfig, model_shape

pytest.importorskip("safetensors")
TINY = {"layers": 2, "width": 32, "heads": 4, "head_dim": 8, "mlp_width": 64, "preset": "tiny"}


def _model(vocab_size: int = 97, **changes: Any) -> Decoder:
    model = Decoder(model_shape(ModelConfig(**{**TINY, **changes}), vocab_size))
    initialise(model, 7)
    with torch.no_grad():  # norms that do something
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape) * 0.05)
    return model


def _saved(folder: Path, model: Decoder, tokenizer: bytes | None = None) -> Path:
    values = {
        "shape": vars(model.shape),
        "config": {"data": {"max_context": 64}},
        "tokenizer": {"eos_id": 0},
    }
    save_checkpoint(
        folder, 3, weights=model.state_dict(), optimizer={}, values=values, tokenizer=tokenizer,
        keep_last=1,
    )  # fmt: skip
    return folder


@torch.no_grad()
def _logits(model: Decoder, tokens_T: torch.Tensor) -> torch.Tensor:
    place_T = torch.arange(len(tokens_T))
    return model.logits(model(tokens_T, place_T, document_mask(0 * place_T, "loop")))


@pytest.mark.parametrize("qk_norm", [False, True])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("kv_heads", [4, 2])
@torch.no_grad()
def test_transformers_loads_it_and_computes_the_same(
    tmp_path: Path, qk_norm: bool, tied: bool, kv_heads: int
) -> None:
    transformers = pytest.importorskip("transformers")
    model = _model(qk_norm=qk_norm, tie_embeddings=tied, kv_heads=kv_heads, rope_theta=500.0)
    assert model.shape.padded_vocab > model.shape.vocab_size
    folder = export_hf(_saved(tmp_path / "run", model), tmp_path / "hf")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    )
    assert type(theirs).__name__ == ("Qwen3ForCausalLM" if qk_norm else "LlamaForCausalLM")
    tokens_T = torch.randint(0, 97, (60,), generator=torch.Generator().manual_seed(3))
    ours_TV, theirs_TV = _logits(model, tokens_T), theirs(tokens_T[None]).logits[0]
    assert ours_TV.std() > 0.1
    torch.testing.assert_close(ours_TV, theirs_TV, rtol=0, atol=1e-4)


def test_what_was_exported_comes_back_bit_for_bit(tmp_path: Path) -> None:
    for number, changes in enumerate([{"tie_embeddings": False, "qk_norm": True}, {}]):
        model = _model(**changes)
        run = _saved(tmp_path / f"run{number}", model)
        folder = export_hf(run, tmp_path / f"hf{number}", shard_bytes=20_000)
        assert (folder / "model.safetensors.index.json").exists()  # several files
        shape = shape_of(read_hf_config(folder), folder)
        again = Decoder(shape)
        load_initial(again, folder)
        tokens_T = torch.arange(50)
        assert torch.equal(_logits(again, tokens_T), _logits(model, tokens_T))


def test_bfloat16_halves_the_file(tmp_path: Path) -> None:
    run = _saved(tmp_path / "run", _model())
    whole = export_hf(run, tmp_path / "float32") / "model.safetensors"
    half = export_hf(run, tmp_path / "bfloat16", dtype="bfloat16") / "model.safetensors"
    assert half.stat().st_size < 0.6 * whole.stat().st_size
    assert json.loads((tmp_path / "bfloat16" / "config.json").read_text())["dtype"] == "bfloat16"


def test_the_tokenizer_goes_along(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    vocabulary = {"<eos>": 0, "a": 1, "b": 2}
    own = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<eos>"))
    own.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    run = _saved(tmp_path / "run", _model(), own.to_str().encode())
    folder = export_hf(run, tmp_path / "hf", card="# A model\n")
    loaded = transformers.AutoTokenizer.from_pretrained(folder)
    assert loaded("a b a", add_special_tokens=False)["input_ids"] == [1, 2, 1]
    assert loaded.eos_token_id == 0 and loaded.model_max_length == 64
    assert (folder / "README.md").read_text() == "# A model\n"


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    run = _saved(tmp_path / "run", _model())
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "mine").write_text("x")
    with pytest.raises(ConfigError, match="exists already"):
        export_hf(run, tmp_path / "hf")
    with pytest.raises(StoreError, match="no whole checkpoint"):
        export_hf(tmp_path / "none", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def _word_level(vocab_size: int) -> bytes:
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {"<|endoftext|>": 0, **{f"w{i}": i for i in range(1, vocab_size)}}
    text: str = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary)).to_str()
    return text.encode()


def test_training_goes_on_from_an_exported_model(
    tmp_path: Path, write_store: Any, documents: Any
) -> None:
    path = tmp_path / "tokens"
    write_store(path, documents(60, 1), documents(8, 2), tokenizer=_word_level(64))
    lines: list[str] = []

    def config(folder: str, **model: Any) -> Any:
        return parse_config(
            {
                "data": {"path": str(path), "pack_tokens": 64, "max_context": 32},
                "checkpoint": {"folder": folder},
                "model": {**TINY, **model},
                "optimizer": {"lr": 0.01},
                "batch": {"micro_tokens": 64, "global_tokens": 128, "steps": 30},
            },
            tmp_path,
        )

    first = Trainer(config("first"), lines.append).run()
    folder = export_hf(tmp_path / "first", tmp_path / "hf")
    second = Trainer(config("second", init=str(folder)), lines.append)
    assert second.model.shape.layers == 2
    result = second.run()
    assert first.after is not None and result.before is not None
    assert result.before["bits_per_byte"] == pytest.approx(first.after["bits_per_byte"], rel=1e-5)
    assert any("init    from" in line for line in lines)
    # and what it saved is resumed without the folder's weights
    resumed = Trainer(config("second", init=str(folder)), lines.append)
    assert resumed.at.step == 30


def test_models_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    folder = export_hf(_saved(tmp_path / "run", _model()), tmp_path / "hf")
    config = json.loads((folder / "config.json").read_text())
    for changes, what in (
        ({"model_type": "gpt2"}, "type 'gpt2'"),
        ({"attention_bias": True}, "no attention_bias"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "no rope_type 'yarn'"),
    ):
        (folder / "config.json").write_text(json.dumps({**config, **changes}))
        with pytest.raises(StoreError, match=what):
            shape_of(read_hf_config(folder), folder)
    (folder / "config.json").unlink()
    with pytest.raises(StoreError, match=r"holds no config\.json"):
        read_hf_config(folder)


def test_export_and_sample_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from winnow.cli import main

    run = _saved(tmp_path / "run", _model(64), _word_level(64))
    assert main(["export", str(run), str(tmp_path / "hf"), "--dtype", "bfloat16", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= set(told["files"])
    assert "step 3" in (tmp_path / "hf" / "README.md").read_text()
    assert main(["sample", str(run), "w5", "--max-tokens", "4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["samples"][0]["prompt"] == "w5"
    assert main(["export", str(run), str(tmp_path / "hf")]) == 2
    assert "exists already" in capsys.readouterr().err
