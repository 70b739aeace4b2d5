"""A checkpoint → a folder that transformers, vLLM and llama.cpp's converter load."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import torch

from winnow.errors import ConfigError, StoreError
from winnow.optional import require
from winnow.train.checkpoint import TOKENIZER, WEIGHTS, find_checkpoint, require_causal
from winnow.train.hf_names import CONFIG, INDEX, SHARD, hf_config
from winnow.train.hf_names import WEIGHTS as HF_WEIGHTS
from winnow.train.shape import ModelShape

Dtype = Literal["float32", "bfloat16", "float16"]
SHARD_BYTES = 5_000_000_000  # a file: what transformers writes as well


def export_hf(
    checkpoint_path: str | Path,
    output: str | Path,
    *,
    dtype: Dtype = "float32",
    card: str = "",
    shard_bytes: int = SHARD_BYTES,
) -> Path:
    """Write the model of a checkpoint (or of a run's newest one) into the new folder ``output``.

    Rows of the embedding beyond the vocabulary are left out. ``card``: README.md, the model card.
    The folder appears whole or not at all. Raises :class:`StoreError` where there is no checkpoint,
    :class:`ConfigError` where ``output`` exists already.
    """
    safetensors = require("safetensors.torch", "winnow export")
    checkpoint = find_checkpoint(Path(checkpoint_path))
    require_causal(checkpoint, "`winnow export`")
    target = Path(output)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{target} exists already", remedy="Choose another folder.")
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        weights = hf_weights(checkpoint.load(WEIGHTS), checkpoint.shape, getattr(torch, dtype))
        _write_weights(safetensors, weights, draft, shard_bytes)
        eos_id = int(checkpoint.values["tokenizer"]["eos_id"])
        max_context = int(checkpoint.values["config"]["data"]["max_context"])
        config = hf_config(checkpoint.shape, eos_id=eos_id, max_context=max_context, dtype=dtype)
        _write_json(draft / CONFIG, config)
        _write_json(
            draft / "generation_config.json", {"eos_token_id": eos_id, "pad_token_id": eos_id}
        )
        if (checkpoint.path / TOKENIZER).exists():
            _write_tokenizer(checkpoint.path / TOKENIZER, draft, eos_id, max_context)
        if card:
            (draft / "README.md").write_text(card, encoding="utf-8")
        if target.exists():
            target.rmdir()
        os.rename(draft, target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return target


def hf_weights(
    weights: Mapping[str, torch.Tensor], shape: ModelShape, dtype: torch.dtype
) -> dict[str, torch.Tensor]:
    """The parameters by Hugging Face's names, of ``dtype``, without padded rows."""
    found = {}
    for name, tensor in weights.items():
        padded = name in ("model.embed_tokens.weight", "lm_head.weight")
        rows = tensor[: shape.vocab_size] if padded else tensor
        found[name] = rows.to(dtype).contiguous().clone()
    return found


def _write_weights(
    safetensors: Any, weights: dict[str, torch.Tensor], folder: Path, shard_bytes: int
) -> None:
    shards = list(_shards(weights, shard_bytes))
    if len(shards) == 1:
        safetensors.save_file(shards[0], folder / HF_WEIGHTS, metadata={"format": "pt"})
        return
    places: dict[str, str] = {}
    for number, shard in enumerate(shards, start=1):
        file = SHARD.format(number, len(shards))
        safetensors.save_file(shard, folder / file, metadata={"format": "pt"})
        places |= dict.fromkeys(shard, file)
    total = sum(tensor.nbytes for tensor in weights.values())
    _write_json(folder / INDEX, {"metadata": {"total_size": total}, "weight_map": places})


def _shards(
    weights: dict[str, torch.Tensor], shard_bytes: int
) -> Iterator[dict[str, torch.Tensor]]:
    held: dict[str, torch.Tensor] = {}
    size = 0
    for name, tensor in weights.items():
        if held and size + tensor.nbytes > shard_bytes:
            yield held
            held, size = {}, 0
        held[name] = tensor
        size += tensor.nbytes
    yield held


def _write_tokenizer(file: Path, folder: Path, eos_id: int, max_context: int) -> None:
    shutil.copyfile(file, folder / TOKENIZER)
    tokenizers = require("tokenizers", "winnow export")
    eos = tokenizers.Tokenizer.from_file(str(file)).id_to_token(eos_id)
    if eos is None:
        raise StoreError(f"{file} has no token for the end-of-text id {eos_id}")
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": max_context,
            "eos_token": eos,
            "pad_token": eos,
            "clean_up_tokenization_spaces": False,
        },
    )


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
