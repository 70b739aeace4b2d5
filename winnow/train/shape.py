"""The decoder's shape: presets, what a config changes of them, and the numbers that result.

No torch here: a config is read and checked without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from winnow.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The decoder's shape: a preset, and whatever differs from it."""

    preset: Literal["tiny", "20m", "60m", "124m", "350m", "760m", "1.4b"] = "124m"
    """Shape to start from. The names count parameters at a vocabulary of 50,304 (tiny: 4,096)."""
    layers: int | None = None
    """Decoder blocks."""
    width: int | None = None
    """Size of the residual stream."""
    heads: int | None = None
    """Query heads."""
    kv_heads: int | None = None
    """Key and value heads (grouped-query attention where fewer than heads)."""
    head_dim: int | None = None
    """Size of one head; even."""
    mlp_width: int | None = None
    """Inner size of the SwiGLU layer."""
    rope_theta: float = 10_000.0
    """Base of the rotary wavelengths."""
    norm_eps: float = 1e-5
    """Added to the mean square in RMSNorm."""
    qk_norm: bool = False
    """RMSNorm on queries and keys, per head (exports as Qwen3; without it as Llama)."""
    tie_embeddings: bool = True
    """One matrix for input embedding and output projection."""
    vocab_pad_to: int = 64
    """The embedding gets rows up to a multiple of this; the loss never sees the extra ones."""
    attention: Literal["auto", "flex", "mask", "loop"] = "auto"
    """Back end of document-masked attention; see docs/training.md."""
    seed: int = 0
    """Decides the initial weights."""
    init: Path | None = None
    """Folder in Hugging Face's layout to begin from: its weights and shape, not the preset's."""

    def __post_init__(self) -> None:
        sizes = ("layers", "width", "heads", "kv_heads", "head_dim", "mlp_width", "vocab_pad_to")
        positive("model", self, *sizes, "rope_theta", "norm_eps")
        model_shape(self, vocab_size=1)  # its rules hold for every vocabulary


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """Every number that decides the names and sizes of the weights, or what they compute."""

    vocab_size: int
    layers: int
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    mlp_width: int
    rope_theta: float
    norm_eps: float
    qk_norm: bool
    tie_embeddings: bool
    vocab_pad_to: int

    @property
    def padded_vocab(self) -> int:
        """Rows of the embedding."""
        return -(-self.vocab_size // self.vocab_pad_to) * self.vocab_pad_to


# layers, width, heads, kv_heads, head_dim, mlp_width; SwiGLU at 8/3 of the width, in whole 64s
PRESETS: dict[str, tuple[int, int, int, int, int, int]] = {
    "tiny": (3, 128, 4, 4, 32, 384),
    "20m": (8, 256, 4, 4, 64, 704),
    "60m": (10, 512, 8, 8, 64, 1_408),
    "124m": (12, 768, 12, 12, 64, 2_048),
    "350m": (24, 1_024, 8, 8, 128, 2_816),
    "760m": (24, 1_536, 12, 12, 128, 4_096),
    "1.4b": (24, 2_048, 16, 16, 128, 5_504),
}


def model_shape(model: ModelConfig, vocab_size: int) -> ModelShape:
    """The preset with what the config changes; :class:`ConfigError` where the sizes disagree."""
    names = ("layers", "width", "heads", "kv_heads", "head_dim", "mlp_width")
    sizes = dict(zip(names, PRESETS[model.preset], strict=True))
    given = {name: getattr(model, name) for name in names if getattr(model, name) is not None}
    if "heads" in given and "kv_heads" not in given:
        given["kv_heads"] = given["heads"]
    sizes |= given
    if sizes["heads"] % sizes["kv_heads"]:
        raise ConfigError(
            f"model.heads ({sizes['heads']}) is not a multiple of model.kv_heads "
            f"({sizes['kv_heads']})",
            remedy="Set model.kv_heads to a divisor of model.heads.",
        )
    if sizes["head_dim"] % 2:
        raise ConfigError(
            f"model.head_dim ({sizes['head_dim']}) is odd, and rotary positions turn pairs",
            remedy="Set model.head_dim to an even number.",
        )
    return ModelShape(
        vocab_size=vocab_size,
        rope_theta=model.rope_theta,
        norm_eps=model.norm_eps,
        qk_norm=model.qk_norm,
        tie_embeddings=model.tie_embeddings,
        vocab_pad_to=model.vocab_pad_to,
        **sizes,
    )


def positive(section: str, config: object, *names: str) -> None:
    """Raise :class:`ConfigError` for a named field that is there and not in (0, infinity)."""
    for name in names:
        value = getattr(config, name)
        if value is not None and not 0 < value < 1e300:
            raise ConfigError(f"{section}.{name} is {value}; it must be greater than 0, and finite")


def share_of(section: str, config: object, *names: str) -> None:
    """Raise :class:`ConfigError` for a named field outside [0, 1]."""
    for name in names:
        if not 0 <= getattr(config, name) <= 1:
            raise ConfigError(f"{section}.{name} is {getattr(config, name)}; it must lie in [0, 1]")
