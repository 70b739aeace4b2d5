"""A folder in Hugging Face's layout (Llama or Qwen3) → the weights to begin training from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from winnow.errors import ConfigError, CorruptShard, StoreError
from winnow.optional import require
from winnow.train.checkpoint import TOKENIZER
from winnow.train.hf_names import INDEX, read_hf_config, shape_of
from winnow.train.hf_names import WEIGHTS as HF_WEIGHTS
from winnow.train.model import LanguageModel
from winnow.train.shape import ModelShape


def initial_shape(folder: Path, vocab_size: int, vocab_pad_to: int) -> ModelShape:
    """Shape of the model in ``folder``; its vocabulary must be the corpus's.

    Raises :class:`StoreError` for another kind of model, :class:`ConfigError` for another
    vocabulary.
    """
    shape = shape_of(read_hf_config(folder), folder)
    if shape.vocab_size < vocab_size:
        raise ConfigError(
            f"model.init: {folder} has a vocabulary of {shape.vocab_size:,}, and the corpus one of "
            f"{vocab_size:,}",
            remedy="Tokenise the corpus with the tokenizer of that model.",
        )
    values = {**vars(shape), "vocab_pad_to": vocab_pad_to}
    return ModelShape(**values)


def check_tokenizer(folder: Path, corpus_sha256: str | None) -> str | None:
    """What is to be said where the model's tokenizer.json is not known to be the corpus's; None
    where it is, byte for byte."""
    file = folder / TOKENIZER
    if corpus_sha256 is None or not file.exists():
        return f"{folder} or the corpus has no {TOKENIZER}: that ids mean the same is not checked"
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != corpus_sha256:
        return (
            f"{file} differs from the corpus's: if a token has another id there, the model "
            "begins from noise"
        )
    return None


def load_initial(model: LanguageModel, folder: Path) -> None:
    """Fill ``model`` (on the CPU) with the weights of ``folder``, padded rows with zeros.

    Raises :class:`StoreError` for tensors that are absent, unknown or of another size.
    """
    weights = dict(_tensors(folder))
    if model.lm_head is None:  # tied: a copy of the embedding, where it was saved at all
        weights.pop("lm_head.weight", None)
    own = model.state_dict()
    missing, unknown = sorted(own.keys() - weights.keys()), sorted(weights.keys() - own.keys())
    if missing or unknown:
        raise StoreError(
            f"{folder}: {len(missing)} tensors are missing ({', '.join(missing[:3])}), "
            f"{len(unknown)} unknown ({', '.join(unknown[:3])})"
        )
    with torch.no_grad():
        for name, tensor in own.items():
            found = weights[name]
            padded = name in ("model.embed_tokens.weight", "lm_head.weight")
            rows = model.shape.vocab_size if padded else len(tensor)
            if found.shape != (rows, *tensor.shape[1:]):
                raise StoreError(
                    f"{folder}: {name} is of size {tuple(found.shape)}, and its config asks for "
                    f"{(rows, *tensor.shape[1:])}"
                )
            tensor.zero_()
            tensor[:rows] = found.to(tensor.dtype)


def _tensors(folder: Path) -> dict[str, torch.Tensor]:
    safetensors = require("safetensors.torch", "model.init")
    files = [HF_WEIGHTS]
    if (folder / INDEX).exists():
        places: dict[str, Any] = json.loads((folder / INDEX).read_bytes())["weight_map"]
        files = sorted(set(places.values()))
    found: dict[str, torch.Tensor] = {}
    for file in files:
        try:
            found |= safetensors.load_file(folder / file)
        except FileNotFoundError:
            raise StoreError(f"{folder} holds no {file}") from None
        except Exception as error:  # the package has an error class of its own
            raise CorruptShard(f"{folder / file} cannot be read: {error}") from error
    return found
