"""A byte-level BPE trained on the run's own documents, the same bytes every time."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.errors import StageError
from winnow.optional import require
from winnow.pipeline.sizes import ByteSize
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.pipeline.view import OpenView
from winnow.tokenize.encode import WHY, load_tokenizer, one_thread
from winnow.tokenize.keys import salted_keys
from winnow.tokenize.token_shards import token_dtype
from winnow.tokenize.tokenizer_file import TOKENIZER_JSON

MIN_VOCAB = 257  # every byte, and the end of text
SAMPLE_SHARDS = 64  # document shards that the sample comes from, at least, where there are so many
DEFAULT_SAMPLE = ByteSize(100_000_000)

TOKENIZER_SCHEMA = pa.schema([pa.field(TOKENIZER_JSON, pa.large_string(), nullable=False)])

MAX_WORD_CHARS = 500  # of what the trainer sees; scripts without spaces make phrases of some 50


@dataclass(frozen=True, kw_only=True)
class TrainBpe:
    """How to train it. The words are GPT-2's (Radford et al. 2019): its pattern, all 256 bytes."""

    vocab_size: int
    """Tokens in all: 256 bytes, the end of text, and merges. Fewer where the text gives fewer."""
    sample_bytes: ByteSize = DEFAULT_SAMPLE
    """UTF-8 bytes of text to learn from. Training takes some 15 times as much memory (web text)."""
    min_frequency: int = 2
    """Pairs seen less often are not merged."""

    def __post_init__(self) -> None:
        if self.vocab_size < MIN_VOCAB:
            raise ValueError(f"vocab_size must be at least {MIN_VOCAB}, got {self.vocab_size}")
        if self.sample_bytes < 1 or self.min_frequency < 1:
            raise ValueError("sample_bytes and min_frequency must be at least 1")


@dataclass(frozen=True, kw_only=True)
class TrainWork(PlainWork):
    """One shard of one row: the text of the tokenizer.json, in the column ``tokenizer_json``."""

    options: TrainBpe
    eos_token: str
    version: ClassVar[int] = 1
    uses_seed: ClassVar[bool] = True

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view = inputs.view.open()

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            sample = draw_sample(view, self.options.sample_bytes, inputs.seed)
            tally.count("documents", len(sample))
            tally.count("text_bytes", sum(len(text) for _, text in sample))
            trained = train(iter(text.decode() for _, text in sample), self.options, self.eos_token)
            size = load_tokenizer(trained, self.eos_token, "the trained tokenizer").vocab_size
            tally.count("vocab_size", size)
            if token_dtype(size) != token_dtype(self.options.vocab_size):
                raise StageError(
                    f"{WHY}: the sample gives {size:,} tokens and not {self.options.vocab_size:,}, "
                    f"so ids would need {token_dtype(size)} and not the planned "
                    f"{token_dtype(self.options.vocab_size)}",
                    stage="tokenize",
                    remedy=f"Set train_bpe.vocab_size to {size} or less, or raise sample_bytes.",
                )
            yield pa.record_batch([pa.array([trained], pa.large_string())], TOKENIZER_SCHEMA)

        return task


def draw_sample(view: OpenView, sample_bytes: int, seed: int) -> list[tuple[int, bytes]]:
    """Kept documents as (doc_id, UTF-8 text), by rising doc_id: a seeded sample.

    Those with the smallest seeded hashes, as many as are needed to reach ``sample_bytes`` (the
    last may go beyond; all where there are fewer). They are looked for in ``SAMPLE_SHARDS``
    document shards, drawn by hash too, and in more only where those hold less than
    ``sample_bytes``: of a large crawl most is not read. Memory: the sample and one document.
    """
    shards = np.arange(view.shard_count, dtype=np.uint64)
    visits = np.argsort(salted_keys(shards, "sample shards", seed))
    heap: list[tuple[int, int, bytes]] = []  # the largest hash on top, as its negative
    held = 0
    for visited, shard in enumerate(visits.tolist()):
        if visited >= SAMPLE_SHARDS and held >= sample_bytes:
            break
        for batch in view.kept(shard, ["doc_id", "text"]):
            doc_ids = batch.column("doc_id").to_numpy()
            texts = batch.column("text").cast(pa.large_binary())
            keys = salted_keys(doc_ids, "sample", seed)
            for row in np.argsort(keys).tolist():
                key = int(keys[row])
                if held >= sample_bytes and key > -heap[0][0]:
                    break
                text = texts[row].as_py()
                heapq.heappush(heap, (-key, int(doc_ids[row]), text))
                held += len(text)
                while held - len(heap[0][2]) >= sample_bytes:
                    held -= len(heapq.heappop(heap)[2])
    return sorted((doc_id, text) for _, doc_id, text in heap)


_LONG_WORD = re.compile(rf"\S{{{MAX_WORD_CHARS}}}(?=\S)")


def _cut_long_words(text: str) -> str:
    """``text`` with a space after every ``MAX_WORD_CHARS`` characters without one.

    The trainer takes time quadratic in the longest word: a megabyte of base64 in one page would
    stop a run for minutes. Nothing that long is a word, and only training sees the cuts.
    """
    return _LONG_WORD.sub(r"\g<0> ", text)


def train(texts: Iterator[str], options: TrainBpe, eos_token: str) -> str:
    """The tokenizer.json of a byte-level BPE over ``texts``; ``eos_token`` has id 0.

    Deterministic: ties between pairs go to the smaller ids in `tokenizers`, and on one thread
    nothing is left to chance.
    """
    tokenizers = require("tokenizers", WHY)
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=options.vocab_size,
        min_frequency=options.min_frequency,
        special_tokens=[eos_token],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    with one_thread():
        tokenizer.train_from_iterator(map(_cut_long_words, texts), trainer)
    return str(tokenizer.to_str())
