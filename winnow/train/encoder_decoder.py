"""An encoder and a decoder that reads what the encoder made of the same document (T5's form).

Layers are those of :mod:`winnow.train.model`: RMSNorm, rotary positions (where T5 learns a bias on
distances, which would keep fused attention away), SwiGLU. Both streams are flat: documents stand
one after the other, and each is told apart by its segment's number.

Shapes: E tokens of the encoder, T of the decoder, D width, K head size, H query heads, G key heads.
"""

from __future__ import annotations

import torch
from torch import nn

from winnow.train.attention import CrossMask, DocumentMask, attend_across
from winnow.train.model import MLP, Attention, Block, LanguageModel, Linear, RMSNorm
from winnow.train.shape import ModelShape


class CrossAttention(nn.Module):
    """Queries of the decoder, keys and values of the encoder; without positions, as in T5."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.head_dim = shape.head_dim
        self.q_proj = Linear(shape.width, shape.heads * shape.head_dim)
        self.k_proj = Linear(shape.width, shape.kv_heads * shape.head_dim)
        self.v_proj = Linear(shape.width, shape.kv_heads * shape.head_dim)
        self.o_proj = Linear(shape.heads * shape.head_dim, shape.width)

    def forward(self, x_TD: torch.Tensor, memory_ED: torch.Tensor, mask: CrossMask) -> torch.Tensor:
        q_HTK = self.q_proj(x_TD).view(len(x_TD), -1, self.head_dim).transpose(0, 1)
        k_GEK = self.k_proj(memory_ED).view(len(memory_ED), -1, self.head_dim).transpose(0, 1)
        v_GEK = self.v_proj(memory_ED).view(len(memory_ED), -1, self.head_dim).transpose(0, 1)
        out_HTK = attend_across(q_HTK, k_GEK, v_GEK, mask)
        out_TD: torch.Tensor = self.o_proj(out_HTK.transpose(0, 1).reshape(len(x_TD), -1))
        return out_TD


class CrossBlock(nn.Module):
    """A block of the decoder: itself, then the encoder, then the MLP."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(shape.width, shape.norm_eps)
        self.self_attn = Attention(shape)
        self.cross_layernorm = RMSNorm(shape.width, shape.norm_eps)
        self.cross_attn = CrossAttention(shape)
        self.post_attention_layernorm = RMSNorm(shape.width, shape.norm_eps)
        self.mlp = MLP(shape)

    def forward(
        self, x_TD: torch.Tensor, cos_TK: torch.Tensor, sin_TK: torch.Tensor, mask: DocumentMask,
        memory_ED: torch.Tensor, cross: CrossMask,
    ) -> torch.Tensor:  # fmt: skip
        x_TD = x_TD + self.self_attn(self.input_layernorm(x_TD), cos_TK, sin_TK, mask)
        x_TD = x_TD + self.cross_attn(self.cross_layernorm(x_TD), memory_ED, cross)
        out_TD: torch.Tensor = x_TD + self.mlp(self.post_attention_layernorm(x_TD))
        return out_TD


class Stacks(nn.Module):
    """Everything but the output projection (``model.`` in the parameters' names)."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.padded_vocab, shape.width)
        self.encoder_layers = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.encoder_norm = RMSNorm(shape.width, shape.norm_eps)
        self.layers = nn.ModuleList(CrossBlock(shape) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.width, shape.norm_eps)


class EncoderDecoder(LanguageModel):
    """``shape.layers`` blocks on each side, one embedding for both."""

    def __init__(self, shape: ModelShape, compute_dtype: torch.dtype = torch.float32) -> None:
        super().__init__(shape, compute_dtype, Stacks(shape))

    @property
    def blocks(self) -> list[nn.Module]:
        return [*self.model.encoder_layers, *self.model.layers]

    def encode(
        self, tokens_E: torch.Tensor, positions_E: torch.Tensor, mask: DocumentMask
    ) -> torch.Tensor:
        """What the decoder reads: [E, D], normalised."""
        x_ED, cos_EK, sin_EK = self.embed(tokens_E, positions_E)
        for block in self.model.encoder_layers:
            x_ED = block(x_ED, cos_EK, sin_EK, mask)
        out_ED: torch.Tensor = self.model.encoder_norm(x_ED)
        return out_ED

    def decode(
        self, tokens_T: torch.Tensor, positions_T: torch.Tensor, mask: DocumentMask,
        memory_ED: torch.Tensor, cross: CrossMask,
    ) -> torch.Tensor:  # fmt: skip
        """Hidden states [T, D]: times ``head_weight_VD`` they are the logits."""
        x_TD, cos_TK, sin_TK = self.embed(tokens_T, positions_T)
        for block in self.model.layers:
            x_TD = block(x_TD, cos_TK, sin_TK, mask, memory_ED, cross)
        out_TD: torch.Tensor = self.model.norm(x_TD)
        return out_TD
