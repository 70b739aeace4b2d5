"""A Llama-style decoder over flat micro-batches of documents.

RMSNorm, rotary positions (half rotation), SwiGLU, grouped-query attention; with ``qk_norm`` as in
Qwen3. Parameters have the names and layouts of Hugging Face's Llama, so an export is a copy.

Weights are float32; each linear layer casts its own to the type of its input, which is the
compute type (no autocast).

Shapes: T tokens, D width, F mlp_width, H query heads, G key and value heads, K head size,
V vocabulary (padded).
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from winnow.train.attention import DocumentMask, attend
from winnow.train.shape import ModelShape

INIT_STD = 0.02


class Linear(nn.Linear):
    """Without bias; float32 weights, computing in the type of the input."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.weight.to(x.dtype))


class RMSNorm(nn.Module):
    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), self.eps)


def rotary_table(
    positions_T: torch.Tensor, head_dim: int, theta: float, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine of every angle, each [T, K] (the K/2 angles twice), computed in float32."""
    even_K = torch.arange(0, head_dim, 2, device=positions_T.device, dtype=torch.float32)
    frequency_K = 1.0 / theta ** (even_K / head_dim)
    angle_TK = (positions_T.float()[:, None] * frequency_K[None, :]).repeat(1, 2)
    return angle_TK.cos().to(dtype), angle_TK.sin().to(dtype)


def rotate(x_HTK: torch.Tensor, cos_TK: torch.Tensor, sin_TK: torch.Tensor) -> torch.Tensor:
    """Turn the pairs (i, i + K/2) by their angles."""
    first, second = x_HTK.chunk(2, dim=-1)
    return x_HTK * cos_TK + torch.cat([-second, first], dim=-1) * sin_TK


class Attention(nn.Module):
    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.head_dim = shape.head_dim
        self.q_proj = Linear(shape.width, shape.heads * shape.head_dim)
        self.k_proj = Linear(shape.width, shape.kv_heads * shape.head_dim)
        self.v_proj = Linear(shape.width, shape.kv_heads * shape.head_dim)
        self.o_proj = Linear(shape.heads * shape.head_dim, shape.width)
        self.q_norm = RMSNorm(shape.head_dim, shape.norm_eps) if shape.qk_norm else None
        self.k_norm = RMSNorm(shape.head_dim, shape.norm_eps) if shape.qk_norm else None

    def forward(
        self, x_TD: torch.Tensor, cos_TK: torch.Tensor, sin_TK: torch.Tensor, mask: DocumentMask
    ) -> torch.Tensor:
        tokens = x_TD.shape[0]
        q_HTK = self.q_proj(x_TD).view(tokens, -1, self.head_dim).transpose(0, 1)
        k_GTK = self.k_proj(x_TD).view(tokens, -1, self.head_dim).transpose(0, 1)
        v_GTK = self.v_proj(x_TD).view(tokens, -1, self.head_dim).transpose(0, 1)
        if self.q_norm is not None and self.k_norm is not None:
            q_HTK, k_GTK = self.q_norm(q_HTK), self.k_norm(k_GTK)
        q_HTK, k_GTK = rotate(q_HTK, cos_TK, sin_TK), rotate(k_GTK, cos_TK, sin_TK)
        out_HTK = attend(q_HTK, k_GTK, v_GTK, mask)
        out_TD: torch.Tensor = self.o_proj(out_HTK.transpose(0, 1).reshape(tokens, -1))
        return out_TD


class MLP(nn.Module):
    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.gate_proj = Linear(shape.width, shape.mlp_width)
        self.up_proj = Linear(shape.width, shape.mlp_width)
        self.down_proj = Linear(shape.mlp_width, shape.width)

    def forward(self, x_TD: torch.Tensor) -> torch.Tensor:
        out_TD: torch.Tensor = self.down_proj(F.silu(self.gate_proj(x_TD)) * self.up_proj(x_TD))
        return out_TD


class Block(nn.Module):
    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(shape.width, shape.norm_eps)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = RMSNorm(shape.width, shape.norm_eps)
        self.mlp = MLP(shape)

    def forward(
        self, x_TD: torch.Tensor, cos_TK: torch.Tensor, sin_TK: torch.Tensor, mask: DocumentMask
    ) -> torch.Tensor:
        x_TD = x_TD + self.self_attn(self.input_layernorm(x_TD), cos_TK, sin_TK, mask)
        out_TD: torch.Tensor = x_TD + self.mlp(self.post_attention_layernorm(x_TD))
        return out_TD


class Trunk(nn.Module):
    """Everything but the output projection (``model.`` in the parameters' names)."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.padded_vocab, shape.width)
        self.layers = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.width, shape.norm_eps)


class LanguageModel(nn.Module):
    """What all models of ours have in common: a trunk (``model.`` in the parameters' names) whose
    embedding may be the output projection too. ``compute_dtype`` is the type of activations."""

    def __init__(self, shape: ModelShape, compute_dtype: torch.dtype, trunk: nn.Module) -> None:
        super().__init__()
        self.shape = shape
        self.compute_dtype = compute_dtype
        self.model: Any = trunk
        # with tied embeddings there is no lm_head at all, as in a Llama checkpoint on disk
        self.lm_head = None if shape.tie_embeddings else Linear(shape.width, shape.padded_vocab)

    @property
    def blocks(self) -> list[nn.Module]:
        """What is compiled one by one."""
        return list(self.model.layers)

    @property
    def head_weight_VD(self) -> torch.Tensor:
        """The output projection, float32, padded vocabulary by width."""
        weight: torch.Tensor = (self.lm_head or self.model.embed_tokens).weight
        return weight

    @property
    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())

    def embed(
        self, tokens_T: torch.Tensor, positions_T: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Embeddings [T, D] of the compute type, and cosines and sines of the positions [T, K]."""
        x_TD = self.model.embed_tokens(tokens_T).to(self.compute_dtype)
        cos_TK, sin_TK = rotary_table(
            positions_T, self.shape.head_dim, self.shape.rope_theta, self.compute_dtype
        )
        return x_TD, cos_TK, sin_TK

    def logits(self, hidden_TD: torch.Tensor) -> torch.Tensor:
        """[T, vocab_size] float32, without the padded rows; for few tokens (sampling, tests)."""
        logits_TV = F.linear(hidden_TD, self.head_weight_VD.to(hidden_TD.dtype))
        return logits_TV[:, : self.shape.vocab_size].float()


class Decoder(LanguageModel):
    """Llama's form, and the encoder of masked and contrastive training: what a token attends to is
    the mask's business."""

    def __init__(self, shape: ModelShape, compute_dtype: torch.dtype = torch.float32) -> None:
        super().__init__(shape, compute_dtype, Trunk(shape))

    def forward(
        self, tokens_T: torch.Tensor, positions_T: torch.Tensor, mask: DocumentMask
    ) -> torch.Tensor:
        """Hidden states [T, D] of the compute type, normalised: times ``head_weight_VD`` they are
        the logits, which :mod:`winnow.train.loss` never holds all at once."""
        x_TD, cos_TK, sin_TK = self.embed(tokens_T, positions_T)
        for block in self.blocks:
            x_TD = block(x_TD, cos_TK, sin_TK, mask)
        out_TD: torch.Tensor = self.model.norm(x_TD)
        return out_TD


def initialise(model: LanguageModel, seed: int) -> None:
    """Normal weights of deviation ``INIT_STD``, drawn on the CPU in the order of the parameters.

    What is added to the residual stream (o_proj, down_proj) is smaller by sqrt(2 * layers), so
    that the stream's size does not grow with depth (GPT-2; Radford et al. 2019, section 2.3).
    """
    generator = torch.Generator().manual_seed(seed)
    residual_std = INIT_STD / math.sqrt(2 * model.shape.layers)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim < 2:
                parameter.fill_(1.0)
                continue
            into_residual = name.endswith(("o_proj.weight", "down_proj.weight"))
            std = residual_std if into_residual else INIT_STD
            parameter.copy_(torch.empty(parameter.shape).normal_(0, std, generator=generator))
