"""Text → token ids as Hugging Face `tokenizers` gives them; the steps see :class:`Encoder`.

A page is text and nothing but text: whatever letters it holds, ``<|endoftext|>`` included, it
never gets a control token. Nothing is added in front, nothing is cut, nothing is padded, whatever
the tokenizer's file says of these; the end-of-text id is for the caller to append.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from winnow.errors import ConfigError, nearest
from winnow.optional import require

WHY = "stage 'tokenize'"  # needs the package, says the error
_SHOWN = 20  # special tokens listed in an error

Engine = Literal["auto", "tokenizers"]
Ids = npt.NDArray[np.uint32]
Offsets = npt.NDArray[np.int64]


class Encoder(Protocol):
    """One tokenizer, opened in a worker: pure, so a text's ids depend on that text alone."""

    vocab_size: int
    """The largest id + 1. Ids without a token are legal; an id at or above this is not."""
    eos_id: int

    def encode(self, texts: Sequence[str]) -> tuple[Ids, Offsets]:
        """Ids of all ``texts``, one after the other, and where each begins.

        ``uint32[tokens]`` in [0, vocab_size), and ``int64[texts + 1]`` rising from 0: text i is
        ``ids[offsets[i]:offsets[i + 1]]``. An empty text has no ids. Never ``eos_id``.
        """
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ``ids``; for byte-level tokenizers the inverse of :meth:`encode`."""
        ...


@lru_cache(maxsize=2)  # an encoder keeps nothing of what it encodes, so one a process serves all
def load_tokenizer(tokenizer_json: str, eos_token: str, name: str) -> Encoder:
    """The encoder that a ``tokenizer.json`` (Hugging Face `tokenizers`) describes.

    Raises :class:`ConfigError` where the text is no tokenizer, where ``eos_token`` is not in its
    vocabulary, and where text could give the end-of-text id. ``name`` is for the messages.
    """
    tokenizers = require("tokenizers", WHY)
    try:
        return HuggingFaceEncoder(tokenizers.Tokenizer.from_str(tokenizer_json), eos_token, name)
    except ConfigError:
        raise
    except Exception as error:  # the package raises bare Exceptions
        raise ConfigError(
            f"{WHY}: {name} is not a tokenizer: {error}",
            remedy="Give the tokenizer.json that `tokenizers` or `transformers` saves; a "
            "vocab.json, a tokenizer_config.json or a SentencePiece .model is not one.",
        ) from None


class HuggingFaceEncoder:
    """`tokenizers`, on one thread. Ids of GPT-2 equal those of tiktoken's r50k ranks.

    Memory: about 300 bytes a token of one call, so 150 MB for a call of the steps and 1.5 GB
    for one document of 10 MB; freed when the call returns, and no call keeps any.
    """

    def __init__(self, tokenizer: Any, eos_token: str, name: str) -> None:
        vocabulary: dict[str, int] = tokenizer.get_vocab(with_added_tokens=True)
        if eos_token not in vocabulary:
            raise ConfigError(
                f"{WHY}: eos_token {eos_token!r} is not in the vocabulary of {name}."
                + nearest(eos_token, _special_tokens(tokenizer)),
                remedy=f"its special tokens: {_listed(_special_tokens(tokenizer))}",
            )
        self.vocab_size = max(vocabulary.values()) + 1
        self.eos_id = vocabulary[eos_token]
        # what a file may bring along and a corpus must not have: cut, filled up, or random
        tokenizer.no_truncation()
        tokenizer.no_padding()
        if getattr(tokenizer.model, "dropout", None) is not None:
            tokenizer.model.dropout = None
        tokenizer.encode_special_tokens = True  # "as text", for tokens that are marked special
        self._tokenizer = tokenizer
        if self.eos_id in self.encode([eos_token, f"a {eos_token} b", f"a{eos_token}b"])[0]:
            raise ConfigError(
                f"{WHY}: {name} gives the id of eos_token {eos_token!r} to the same letters in a "
                "page, so a page could end itself",
                remedy=f'Mark {eos_token!r} as "special": true among the file\'s "added_tokens", '
                f"or choose of its special tokens: {_listed(_special_tokens(tokenizer))}",
            )

    def encode(self, texts: Sequence[str]) -> tuple[Ids, Offsets]:
        with one_thread():
            encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        offsets = np.zeros(len(encodings) + 1, np.int64)
        np.cumsum([len(encoding) for encoding in encodings], out=offsets[1:])
        ids = np.empty(int(offsets[-1]), np.uint32)
        for start, stop, encoding in zip(offsets, offsets[1:], encodings, strict=False):
            ids[start:stop] = encoding.ids
        return ids, offsets

    def decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep `tokenizers` from starting a thread for each core: a worker of ours is one core.

    The package reads the variable at every call, so this also holds for a process that has used
    it before; executors set it for their workers, but not for steps run in the caller's process.
    """
    name = "TOKENIZERS_PARALLELISM"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _special_tokens(tokenizer: Any) -> list[str]:
    added = tokenizer.get_added_tokens_decoder()
    return [added[index].content for index in sorted(added) if added[index].special]


def _listed(tokens: list[str]) -> str:
    shown = ", ".join(repr(token) for token in tokens[:_SHOWN]) or "none"
    return shown + (f" and {len(tokens) - _SHOWN} more" if len(tokens) > _SHOWN else "")
