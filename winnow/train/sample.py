"""Text from a checkpoint: the quickest look at what a model has learned.

Every token is computed from the whole context again (no key-value cache): fine for a look, slow
for more.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from winnow.errors import ConfigError, StoreError
from winnow.optional import require
from winnow.train.attention import document_mask
from winnow.train.checkpoint import TOKENIZER, WEIGHTS, find_checkpoint, require_causal
from winnow.train.model import Decoder


@dataclass(frozen=True)
class LoadedModel:
    """A trained model with what it takes to read its tokens."""

    model: Decoder
    tokenizer: Any
    """A ``tokenizers.Tokenizer``."""
    eos_id: int
    max_context: int
    step: int


def load_model(path: str | Path, device: torch.device | str = "cpu") -> LoadedModel:
    """The model of a checkpoint, or of the newest one in a run's folder, in float32."""
    checkpoint = find_checkpoint(Path(path))
    require_causal(checkpoint, "sampling")
    if not (checkpoint.path / TOKENIZER).exists():
        raise StoreError(
            f"{checkpoint.path} has no {TOKENIZER}: the token store had none when it was saved",
            remedy=f"Copy the corpus's {TOKENIZER} there.",
        )
    tokenizers = require("tokenizers", "sampling text from a model")
    model = Decoder(checkpoint.shape)
    model.load_state_dict(checkpoint.load(WEIGHTS))
    return LoadedModel(
        model=model.to(device).eval(),
        tokenizer=tokenizers.Tokenizer.from_file(str(checkpoint.path / TOKENIZER)),
        eos_id=int(checkpoint.values["tokenizer"]["eos_id"]),
        max_context=int(checkpoint.values["config"]["data"]["max_context"]),
        step=checkpoint.step,
    )


@torch.no_grad()
def generate(
    loaded: LoadedModel,
    prompt: str,
    *,
    max_tokens: int = 100,
    temperature: float = 0.8,
    top_k: int | None = 50,
    seed: int = 0,
) -> str:
    """What the model puts after ``prompt``: up to ``max_tokens`` tokens, or to the end of the text.

    ``temperature`` 0 takes the likeliest token; above, logits are divided by it and one of the
    ``top_k`` likeliest is drawn. The same arguments give the same text. The prompt must have at
    least one token: no model of ours has seen what starts a document from nothing.
    """
    ids: list[int] = loaded.tokenizer.encode(prompt, add_special_tokens=False).ids
    if not ids:
        raise ConfigError(
            f"the prompt {prompt!r} holds no token to go on from",
            remedy='Give some text: --sample "The"',
        )
    model = loaded.model
    device = model.head_weight_VD.device
    generator = torch.Generator().manual_seed(seed)
    new: list[int] = []
    while len(new) < max_tokens:
        context = (ids + new)[-loaded.max_context :]
        tokens_T = torch.tensor(context, device=device)
        positions_T = torch.arange(len(context), device=device)
        mask = document_mask(torch.zeros_like(positions_T), "loop")  # one document
        hidden_TD = model(tokens_T, positions_T, mask)
        logits_V = model.logits(hidden_TD[-1:])[0].cpu()
        token = _draw(logits_V, temperature, top_k, generator)
        if token == loaded.eos_id:
            break
        new.append(token)
    # decoded with the prompt: how a token is spelled may depend on the one before
    whole: str = loaded.tokenizer.decode(ids + new)
    return whole.removeprefix(loaded.tokenizer.decode(ids))


def _draw(
    logits_V: torch.Tensor, temperature: float, top_k: int | None, generator: torch.Generator
) -> int:
    if temperature <= 0:
        return int(logits_V.argmax())
    if top_k is not None and top_k < len(logits_V):
        floor = logits_V.topk(top_k).values[-1]
        logits_V = logits_V.masked_fill(logits_V < floor, -torch.inf)
    share_V = torch.softmax(logits_V / temperature, dim=-1)
    return int(torch.multinomial(share_V, 1, generator=generator))
