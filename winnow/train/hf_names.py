"""A model's folder as Hugging Face lays it out: file names, and the config of Llama and Qwen3.

Parameters of :class:`winnow.train.model.Decoder` bear Hugging Face's names and lie as there (rotary
positions turn halves), so weights are copied and never permuted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from winnow.errors import StoreError, nearest
from winnow.train.shape import ModelShape

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
SHARD = "model-{:05d}-of-{:05d}.safetensors"
ARCHITECTURES = {"llama": "LlamaForCausalLM", "qwen3": "Qwen3ForCausalLM"}


def hf_config(shape: ModelShape, *, eos_id: int, max_context: int, dtype: str) -> dict[str, Any]:
    """config.json for transformers 4 and 5: Llama, or Qwen3 where queries and keys are normed."""
    kind = "qwen3" if shape.qk_norm else "llama"
    return {
        "architectures": [ARCHITECTURES[kind]],
        "model_type": kind,
        "vocab_size": shape.vocab_size,
        "hidden_size": shape.width,
        "intermediate_size": shape.mlp_width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": max_context,
        "rms_norm_eps": shape.norm_eps,
        # transformers 5 reads the table, 4 the number
        "rope_theta": shape.rope_theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.rope_theta},
        "attention_bias": False,
        "attention_dropout": 0.0,
        "tie_word_embeddings": shape.tie_embeddings,
        "initializer_range": 0.02,
        "use_cache": True,
        "bos_token_id": None,  # a document begins with its first token: nothing was put before it
        "eos_token_id": eos_id,
        "pad_token_id": eos_id,
        "dtype": dtype,
        "torch_dtype": dtype,
        **({"use_sliding_window": False} if kind == "qwen3" else {"mlp_bias": False}),
    }


def read_hf_config(folder: Path) -> dict[str, Any]:
    """config.json of ``folder``; :class:`StoreError` where there is none, or of another kind."""
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(
            f"{folder} holds no {CONFIG}",
            remedy="Give a folder in Hugging Face's layout, e.g. one that `winnow export` wrote.",
        ) from None
    except ValueError as error:
        raise StoreError(f"{folder / CONFIG} is not JSON: {error}") from error
    kind = config.get("model_type")
    if kind not in ARCHITECTURES:
        raise StoreError(
            f"{folder} is a model of type {kind!r}; winnow trains {' and '.join(ARCHITECTURES)}."
            f"{nearest(str(kind), ARCHITECTURES)}"
        )
    return config


def shape_of(config: dict[str, Any], folder: Path) -> ModelShape:
    """The shape that a config.json describes; :class:`StoreError` for what ours cannot compute."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    refused = {
        f"rope_type {kind!r}": kind != "default",
        f"hidden_act {config.get('hidden_act')!r}": config.get("hidden_act", "silu") != "silu",
        "attention_bias": bool(config.get("attention_bias")),
        "mlp_bias": bool(config.get("mlp_bias")),
        "use_sliding_window": bool(config.get("use_sliding_window")),
    }
    odd = [name for name, present in refused.items() if present]
    if odd:
        raise StoreError(f"{folder / CONFIG}: winnow's decoder has no {', no '.join(odd)}")
    try:
        heads = int(config["num_attention_heads"])
        return ModelShape(
            vocab_size=int(config["vocab_size"]),
            layers=int(config["num_hidden_layers"]),
            width=int(config["hidden_size"]),
            heads=heads,
            kv_heads=int(config.get("num_key_value_heads") or heads),
            head_dim=int(config.get("head_dim") or config["hidden_size"] // heads),
            mlp_width=int(config["intermediate_size"]),
            rope_theta=float(rope.get("rope_theta", config.get("rope_theta", 10_000.0))),
            norm_eps=float(config.get("rms_norm_eps", 1e-6)),
            qk_norm=config["model_type"] == "qwen3",
            tie_embeddings=bool(config.get("tie_word_embeddings", False)),
            vocab_pad_to=1,
        )
    except KeyError as error:
        raise StoreError(f"{folder / CONFIG} lacks {error}") from None
