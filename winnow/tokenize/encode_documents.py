"""Kept documents → encoded stores: token rows in shuffle order, one shard a document shard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.errors import StageError
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.tokenize.encode import Encoder, load_tokenizer
from winnow.tokenize.fast_encode import fastest
from winnow.tokenize.keys import copy_keys
from winnow.tokenize.token_rows import TokenRows, cut
from winnow.tokenize.tokenizer_file import TokenizerFile, TrainedTokenizer

COLUMNS = ["doc_id", "source", "text"]
REPEAT_COUNT = pa.field("repeat_count", pa.uint32())
"""How often training sees a document: written by a deduplication that rehydrates."""

CALL_BYTES = 1 << 20  # text in one call of the encoder; bounds its memory, shows in no output
WORK_BATCH_TOKENS = 1 << 18  # small: a reader of a key range on an object store reads whole batches


@dataclass(frozen=True, kw_only=True)
class EncodeWork(PlainWork):
    """One shard a document shard: ids of each kept document, then the end-of-text id.

    A document with an empty text is that id alone, so that tokens and documents tally. Memory of
    a task: the ids of its shard, and the encoder's for 1 MiB of text or one document.

    Where ``repeats_for`` is given, the column ``repeat_count`` says how many rows a document has;
    it is encoded once.
    """

    tokenizer: TokenizerFile | TrainedTokenizer
    eos_token: str
    engine: str = "tokenizers"
    """`tokenizers`, or `fastokens` with its version: which one a plan was made for."""
    repeats_for: float | None = None
    """The validation share, which a copy's key depends on, where documents are repeated."""
    version: ClassVar[int] = 3
    # what does not repeat is what it was before there were repeats
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("repeats_for",)
    uses_seed: ClassVar[bool] = True

    def fingerprint_extra(self) -> dict[str, Any]:
        return {} if self.repeats_for is None else {"repeats_for": self.repeats_for}

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view = inputs.view.open()
        text = self.tokenizer.read(inputs)
        encoder = load_tokenizer(text, self.eos_token, self.tokenizer.name)
        if self.engine != "tokenizers":
            encoder = fastest(encoder, text, self.engine)

        share = self.repeats_for
        columns = COLUMNS if share is None else [*COLUMNS, REPEAT_COUNT.name]

        def repeat(part: pa.RecordBatch, rows: TokenRows) -> None:
            if share is not None:
                _repeat(part, rows, inputs.seed, share)

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            rows = TokenRows(encoder.vocab_size)
            documents = empty = 0
            for batch in view.kept(index, columns):
                documents += batch.num_rows
                empty += _encode(batch, encoder, rows, repeat)
            tally.count("documents", documents)
            if share is not None:
                tally.count("repeats", rows.rows - documents)
            tally.count("empty_documents", empty)
            tally.count("tokens", rows.tokens)
            tally.count("text_bytes", rows.text_bytes)
            yield from rows.batches(inputs.seed, WORK_BATCH_TOKENS, with_key=True)

        return task


def _encode(
    batch: pa.RecordBatch,
    encoder: Encoder,
    rows: TokenRows,
    repeat: Callable[[pa.RecordBatch, TokenRows], None],
) -> int:
    """Add the documents of ``batch`` to ``rows``, and what ``repeat`` then adds for each part of
    it; how many of them are empty."""
    n_bytes = pc.binary_length(batch.column("text")).to_numpy(zero_copy_only=False)
    for start, stop in cut(n_bytes, CALL_BYTES):
        part = batch.slice(start, stop - start)
        doc_ids = part.column("doc_id").to_numpy()
        ids, offsets = encoder.encode(part.column("text").to_pylist())
        _refuse_eos(ids, offsets, doc_ids, encoder.eos_id)
        rows.add(
            np.insert(ids, offsets[1:], encoder.eos_id),
            np.diff(offsets) + 1,
            n_bytes[start:stop],
            doc_ids,
            part.column("source"),
        )
        repeat(part, rows)
    return int((n_bytes == 0).sum())


def _repeat(part: pa.RecordBatch, rows: TokenRows, seed: int, validation_share: float) -> None:
    """Copies 1, 2, … of the documents of ``part``, which were added last; none where the count is
    null."""
    counts = part.column(REPEAT_COUNT.name).fill_null(1).to_numpy(zero_copy_only=False)
    doc_ids = part.column("doc_id").to_numpy()
    for copy in range(1, int(counts.max(initial=0))):
        again = np.flatnonzero(counts > copy)
        rows.copy(again, copy_keys(doc_ids[again], copy, seed, validation_share))


def _refuse_eos(ids: Any, offsets: Any, doc_ids: Any, eos_id: int) -> None:
    """The end-of-text id ends a document and is nowhere else; the trainer relies on it."""
    found = np.flatnonzero(ids == eos_id)
    if len(found):
        row = int(np.searchsorted(offsets, found[0], side="right")) - 1
        raise StageError(
            f"the tokenizer gave the end-of-text id {eos_id} to text of document {doc_ids[row]}",
            stage="tokenize",
            remedy="Choose an eos_token that is a special token of this tokenizer and not a word.",
        )
