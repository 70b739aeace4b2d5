"""Where a run computes, in which type, and compiled or not."""

from __future__ import annotations

import torch

from winnow.errors import ConfigError
from winnow.train.config import RuntimeConfig
from winnow.train.model import LanguageModel


def prepare_device(runtime: RuntimeConfig) -> torch.device:
    """The device to train on; sets the number of CPU threads where the config does."""
    if runtime.threads is not None:
        torch.set_num_threads(runtime.threads)
    gpu = torch.cuda.is_available()
    if runtime.device == "cuda" and not gpu:
        raise ConfigError(
            "runtime.device is 'cuda', and torch sees no GPU",
            remedy='Set runtime.device = "cpu", or install the torch for the GPU\'s driver.',
        )
    return torch.device("cuda" if gpu and runtime.device != "cpu" else "cpu")


def compute_dtype(runtime: RuntimeConfig, device: torch.device) -> torch.dtype:
    """The type of activations."""
    if runtime.dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[runtime.dtype]


def compile_blocks(model: LanguageModel, runtime: RuntimeConfig) -> None:
    """Compile block by block (one compilation serves all), where the config wants it."""
    on_gpu = model.head_weight_VD.device.type == "cuda"
    if runtime.compile is True or (runtime.compile == "auto" and on_gpu):
        for block in model.blocks:
            block.compile(dynamic=False)  # in place: the parameters keep their names
