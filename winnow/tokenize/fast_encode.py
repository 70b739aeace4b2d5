"""The fastest engine that gives the ids of Hugging Face `tokenizers`: `fastokens`, verified.

`tokenizers` is the definition. `fastokens` encodes 10 to 30 times faster, for the models that it
knows. It is used where it is installed, reads the same ``tokenizer.json``, and gives equal ids:
first to probes (control tokens written out, NUL, long words, scripts without spaces), then to the
first documents that it meets in each process. A difference among the probes leaves it unused; one
among documents stops the step, since shards written before may hold others.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from winnow.errors import StageError
from winnow.optional import require
from winnow.tokenize.encode import Encoder, Engine, Ids, Offsets

VERIFIED_BYTES = 1 << 18  # of a process' first documents, encoded by both engines
PROBES = (
    "",
    " ",
    "\n\n  \t\r\n",
    "\0 a\0b",
    "The quick brown fox jumps over the lazy dog's 3,141.59 fences; isn't it?",
    "  two  spaces   and\n\nnew\nlines  ",
    "naïve café – “quoted” … 10 % €5",
    "日本語のテキスト。空白なし。中文没有空格",
    "ภาษาไทยไม่มีช่องว่าง",
    "مرحبا بالعالم שלום עולם",
    "e\u0301 \u200b\u200d\ufeff\ufffd 👩‍👩‍👧‍👦",
    "x" * 3000,
    "https://example.org/a?b=c#d def f(x):\n\treturn x**2",
)


def planned_engine(wanted: Engine) -> str:
    """The engine of a plan that is made here: part of the step's fingerprint, so that no store
    holds the ids of two."""
    if wanted == "tokenizers" or find_spec("fastokens") is None:
        return "tokenizers"
    return f"fastokens {version('fastokens')}"


def fastest(reference: Encoder, tokenizer_json: str, planned: str) -> Encoder:
    """``reference``, or a faster encoder that was found to agree with it.

    :class:`StageError` where this machine has another engine than the plan was made for.
    """
    if planned_engine("auto") != planned:
        raise StageError(
            f"the plan encodes with {planned}, and this machine has {planned_engine('auto')}",
            stage="tokenize",
            remedy='Install the same on all machines, or set engine = "tokenizers".',
        )
    described = json.loads(tokenizer_json)
    if described.get("model", {}).get("dropout"):
        return reference
    fastokens = require("fastokens", "stage 'tokenize'")
    with _one_thread():
        try:
            engine = fastokens.Tokenizer.from_json_str(tokenizer_json)
            found = VerifiedEncoder(reference, engine)
            return found if found.agrees([*PROBES, *_written_out(described)]) else reference
        except Exception:  # a model that it does not know: the package raises what it likes
            return reference


def _written_out(described: dict[str, Any]) -> list[str]:
    """Texts that spell the tokenizer's control tokens."""
    tokens = [token["content"] for token in described.get("added_tokens") or []]
    return [f"a {token} b{token}{token}c" for token in tokens[:100]]


class VerifiedEncoder:
    """``engine`` (of `fastokens`), whose first documents ``reference`` encodes too."""

    def __init__(self, reference: Encoder, engine: Any) -> None:
        self.vocab_size = reference.vocab_size
        self.eos_id = reference.eos_id
        self._reference = reference
        self._engine = engine
        engine.no_truncation()
        engine.no_padding()
        self._to_verify = VERIFIED_BYTES

    def agrees(self, texts: Sequence[str]) -> bool:
        """Whether both engines give the same ids to ``texts``."""
        return _equal(self._encode(texts), self._reference.encode(texts))

    def encode(self, texts: Sequence[str]) -> tuple[Ids, Offsets]:
        """As :meth:`Encoder.encode`; :class:`StageError` where the engines disagree."""
        found = self._encode(texts)
        if self._to_verify > 0:
            some: list[str] = []
            for text in texts:
                if self._to_verify <= 0:
                    break
                some.append(text)
                self._to_verify -= len(text) + 1
            end = int(found[1][len(some)])
            mine = found[0][:end], found[1][: len(some) + 1]
            if not _equal(mine, self._reference.encode(some)):
                raise StageError(
                    "fastokens and tokenizers give different ids to the same document",
                    stage="tokenize",
                    remedy='Set engine = "tokenizers" in the tokenize stage, and run again: what '
                    "was encoded before is then encoded anew.",
                )
        return found

    def _encode(self, texts: Sequence[str]) -> tuple[Ids, Offsets]:
        ids, offsets = self._engine.encode_batch_flat(
            list(texts), add_special_tokens=False, split_special_tokens=True
        )
        return np.frombuffer(ids, np.uint32), np.frombuffer(offsets, np.uint64).astype(np.int64)

    def decode(self, ids: Sequence[int]) -> str:
        return self._reference.decode(ids)


def _equal(one: tuple[Ids, Offsets], other: tuple[Ids, Offsets]) -> bool:
    return np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])


@contextmanager
def _one_thread() -> Iterator[None]:
    """The package's threads are as many as this says when it first encodes: a worker is a core."""
    before = os.environ.get("RAYON_NUM_THREADS")
    os.environ["RAYON_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["RAYON_NUM_THREADS"]
        else:
            os.environ["RAYON_NUM_THREADS"] = before
