"""Attention inside documents, causal or not: three back ends that compute the same thing.

    mask   one SDPA over all tokens with a block-diagonal mask; any device, memory T * T
    loop   one SDPA a document; any device, and the reference the others are tested against
    flex   FlexAttention over blocks that hold at least one allowed pair; training on CUDA only

On a CPU ``loop`` wins at every length tried: it never computes what the mask throws away. At
2,048 tokens and documents of 250, a step of the tiny preset takes half the time with it. ``flex``
is checked for its results on a CPU (forward only); on a GPU nothing is measured yet.

Shapes: T tokens, H query heads, G key and value heads (G divides H), K size of a head.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import torch
import torch.nn.functional as F

from winnow.errors import ConfigError

Backend = Literal["flex", "mask", "loop"]


def select_backend(
    device: torch.device, requested: Literal["auto", "flex", "mask", "loop"] = "auto"
) -> Backend:
    """The back end to train with on ``device``; :class:`ConfigError` where it cannot."""
    if requested == "flex" and device.type != "cuda":
        raise ConfigError(
            f"model.attention is 'flex', and FlexAttention cannot train on '{device.type}'",
            remedy='Set model.attention = "auto".',
        )
    if requested != "auto":
        return requested
    return "flex" if device.type == "cuda" else "loop"


@dataclass(frozen=True)
class DocumentMask:
    """Which pairs may attend, in the form that ``backend`` wants; made once a micro-batch."""

    backend: Backend
    allowed_TT: torch.Tensor | None = None  # mask: bool, [query, key]
    bounds: tuple[tuple[int, int], ...] = ()  # loop: [start, stop) of each context
    causal: bool = True
    blocks: Any = None  # flex: a BlockMask


def document_mask(doc_start_T: torch.Tensor, backend: Backend, causal: bool = True) -> DocumentMask:
    """A token attends to ``key`` where ``doc_start <= key <= its own place``; without ``causal`` to
    all of its context."""
    tokens = len(doc_start_T)
    if backend == "loop":
        starts = torch.unique_consecutive(doc_start_T).tolist()
        bounds = tuple(zip(starts, [*starts[1:], tokens], strict=True))
        return DocumentMask(backend, bounds=bounds, causal=causal)
    if backend == "flex":
        return DocumentMask(backend, blocks=_flex_blocks(doc_start_T, causal), causal=causal)
    if not causal:
        same_TT = doc_start_T[None, :] == doc_start_T[:, None]
        return DocumentMask(backend, allowed_TT=same_TT, causal=causal)
    place_T = torch.arange(tokens, device=doc_start_T.device)
    causal_TT = place_T[None, :] <= place_T[:, None]
    return DocumentMask(backend, allowed_TT=causal_TT & (place_T[None, :] >= doc_start_T[:, None]))


def attend(
    q_HTK: torch.Tensor, k_GTK: torch.Tensor, v_GTK: torch.Tensor, mask: DocumentMask
) -> torch.Tensor:
    """softmax(q k' / sqrt(K)) v over the allowed pairs, [H, T, K]."""
    if mask.backend == "flex":
        return _flex_attend(q_HTK, k_GTK, v_GTK, mask.blocks)
    group = q_HTK.shape[0] // k_GTK.shape[0]
    k_HTK = k_GTK.repeat_interleave(group, dim=0) if group > 1 else k_GTK
    v_HTK = v_GTK.repeat_interleave(group, dim=0) if group > 1 else v_GTK
    if mask.backend == "mask":
        return _sdpa(q_HTK, k_HTK, v_HTK, attn_mask=mask.allowed_TT)
    # split rather than slice: its backward writes one gradient instead of one a document
    lengths = [stop - start for start, stop in mask.bounds]
    parts = zip(*(torch.split(x, lengths, dim=1) for x in (q_HTK, k_HTK, v_HTK)), strict=True)
    return torch.cat([_sdpa(q, k, v, is_causal=mask.causal) for q, k, v in parts], dim=1)


@dataclass(frozen=True)
class CrossMask:
    """Which tokens of another stream may be attended to: those of the same segment."""

    backend: Backend
    allowed_TE: torch.Tensor | None = None  # mask: bool, [query, key]
    lengths: tuple[tuple[int, int], ...] = ()  # loop: tokens of each segment, (queries, keys)
    blocks: Any = None  # flex: a BlockMask


def cross_mask(segments_T: torch.Tensor, segments_E: torch.Tensor, backend: Backend) -> CrossMask:
    """int64 [T] and [E]: segment numbers, ascending; each segment has tokens in both streams."""
    if backend == "loop":
        queries, keys = (
            torch.unique_consecutive(each, return_counts=True)[1].tolist()
            for each in (segments_T, segments_E)
        )
        return CrossMask(backend, lengths=tuple(zip(queries, keys, strict=True)))
    if backend == "flex":
        return CrossMask(backend, blocks=_flex_cross_blocks(segments_T, segments_E))
    return CrossMask(backend, allowed_TE=segments_T[:, None] == segments_E[None, :])


def attend_across(
    q_HTK: torch.Tensor, k_GEK: torch.Tensor, v_GEK: torch.Tensor, mask: CrossMask
) -> torch.Tensor:
    """softmax(q k' / sqrt(K)) v over the segment's keys in the other stream, [H, T, K]."""
    if mask.backend == "flex":
        return _flex_attend(q_HTK, k_GEK, v_GEK, mask.blocks)
    group = q_HTK.shape[0] // k_GEK.shape[0]
    k_HEK = k_GEK.repeat_interleave(group, dim=0) if group > 1 else k_GEK
    v_HEK = v_GEK.repeat_interleave(group, dim=0) if group > 1 else v_GEK
    if mask.backend == "mask":
        return _sdpa(q_HTK, k_HEK, v_HEK, attn_mask=mask.allowed_TE)
    queries, keys = ([pair[side] for pair in mask.lengths] for side in (0, 1))
    parts = zip(
        torch.split(q_HTK, queries, dim=1),
        torch.split(k_HEK, keys, dim=1),
        torch.split(v_HEK, keys, dim=1),
        strict=True,
    )
    return torch.cat([_sdpa(q, k, v) for q, k, v in parts], dim=1)


def _sdpa(
    q_HTK: torch.Tensor, k_HTK: torch.Tensor, v_HTK: torch.Tensor, **how: Any
) -> torch.Tensor:
    # fused CPU and GPU kernels want a batch dimension
    out_1HTK = F.scaled_dot_product_attention(q_HTK[None], k_HTK[None], v_HTK[None], **how)
    return out_1HTK[0]


@cache
def _flex_documents(tokens: int, device: torch.device, causal: bool) -> tuple[torch.Tensor, Any]:
    """A buffer of document starts, and a mask function over it whose identity outlives the batch.

    FlexAttention compiles for the function it is given, and a new closure a step would compile
    anew. So one function reads one buffer, which is overwritten before each forward pass; the
    backward pass of the batch before is over by then.
    """
    doc_start_T = torch.zeros(tokens, dtype=torch.int32, device=device)

    def keep(
        batch: torch.Tensor, head: torch.Tensor, query: torch.Tensor, key: torch.Tensor
    ) -> torch.Tensor:
        return (key <= query) & (key >= doc_start_T[query])

    def keep_both_ways(
        batch: torch.Tensor, head: torch.Tensor, query: torch.Tensor, key: torch.Tensor
    ) -> torch.Tensor:
        return doc_start_T[key] == doc_start_T[query]

    return doc_start_T, keep if causal else keep_both_ways


@cache
def _flex_functions(compiled: bool) -> tuple[Any, Any]:
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    if not compiled:
        return create_block_mask, flex_attention
    return torch.compile(create_block_mask), torch.compile(flex_attention, dynamic=False)


def _flex_blocks(doc_start_T: torch.Tensor, causal: bool) -> Any:
    tokens, device = len(doc_start_T), doc_start_T.device
    create_block_mask, _ = _flex_functions(device.type == "cuda")
    buffer_T, keep = _flex_documents(tokens, device, causal)
    buffer_T.copy_(doc_start_T)
    return create_block_mask(keep, B=None, H=None, Q_LEN=tokens, KV_LEN=tokens, device=device.type)


@cache
def _flex_segments(
    queries: int, keys: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor, Any]:
    """As :func:`_flex_documents`, for two streams."""
    segments_T = torch.zeros(queries, dtype=torch.int32, device=device)
    segments_E = torch.zeros(keys, dtype=torch.int32, device=device)

    def keep(
        batch: torch.Tensor, head: torch.Tensor, query: torch.Tensor, key: torch.Tensor
    ) -> torch.Tensor:
        return segments_T[query] == segments_E[key]

    return segments_T, segments_E, keep


def _flex_cross_blocks(segments_T: torch.Tensor, segments_E: torch.Tensor) -> Any:
    device = segments_T.device
    create_block_mask, _ = _flex_functions(device.type == "cuda")
    buffer_T, buffer_E, keep = _flex_segments(len(segments_T), len(segments_E), device)
    buffer_T.copy_(segments_T)
    buffer_E.copy_(segments_E)
    return create_block_mask(
        keep, B=None, H=None, Q_LEN=len(segments_T), KV_LEN=len(segments_E), device=device.type
    )


def _flex_attend(
    q_HTK: torch.Tensor, k_GTK: torch.Tensor, v_GTK: torch.Tensor, blocks: Any
) -> torch.Tensor:
    _, flex_attention = _flex_functions(q_HTK.device.type == "cuda")
    grouped = q_HTK.shape[0] != k_GTK.shape[0]
    out_1HTK = flex_attention(
        q_HTK[None], k_GTK[None], v_GTK[None], block_mask=blocks, enable_gqa=grouped
    )
    assert isinstance(out_1HTK, torch.Tensor)
    return out_1HTK[0]
