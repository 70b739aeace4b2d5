"""Encoded stores → token shards: an exact global shuffle in external memory.

Every encoded shard is sorted by a seeded key, and an output shard is a range of keys: it takes a
slice of each encoded shard and sorts what it got. Two passes over the ids, whatever their number.

Memory of a task: the ids of its output shard, 56 bytes a row, and one batch; it has one
input file open at a time. With E encoded and S output shards there are E × S slices; where E is
large a first merge makes fewer, longer ones (see ``MERGE_ABOVE``).
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from winnow.errors import CorruptShard
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.store.checksums import REMEDY, checked_batch
from winnow.store.files import Folder
from winnow.store.manifest import Store
from winnow.store.receipts import Receipt
from winnow.store.shards import open_shard
from winnow.tokenize.encode import load_tokenizer
from winnow.tokenize.encode_documents import WORK_BATCH_TOKENS
from winnow.tokenize.keys import ALL_KEYS, KeyRange, SplitShard, split_shards
from winnow.tokenize.token_rows import KEY, TokenRows
from winnow.tokenize.token_shards import shard_extra, shard_name, tokens_manifest_extra
from winnow.tokenize.tokenizer_file import TokenizerFile, TrainedTokenizer

BATCH_TOKENS = 1 << 22  # of token shards: 8 or 16 MiB of ids
MERGE_ABOVE = 1024  # encoded shards from which on they are merged first
MERGE_WIDTH = 16  # encoded shards that a merge makes one of; its memory is their ids

TOKENIZER_FILE = "tokenizer.json"


def read_range(store: Store, shards: range, keys: KeyRange, rows: TokenRows) -> None:
    """Add the rows of ``shards`` whose key is in ``keys`` to ``rows``; one batch more is read.

    Shards are opened one after the other and what is needed is copied: a run may have more of
    them than a process may have open files. :class:`CorruptShard` where a batch is not what was
    written.
    """
    for entry in store.shards[shards.start : shards.stop]:
        shard = open_shard(store.folder, entry.file)
        path = store.folder.join(entry.file)
        if shard.schema != store.schema:
            raise CorruptShard(
                f"{path}: its columns are not those that its store's manifest has", remedy=REMEDY
            )
        count = shard.num_record_batches

        def last_key(index: int, shard: Any = shard, path: str = path) -> int:
            try:
                column = shard.get_batch(index).column(KEY)
            except (pa.ArrowException, OSError):
                column = checked_batch(shard, index, path).column(KEY)  # says where
            return int(column[-1].as_py()) if len(column) else -1

        first = bisect.bisect_left(range(count), keys.first, key=last_key)
        if first:
            # its last key led here: with both sides of the cut as written, no row is passed over
            checked_batch(shard, first - 1, path)
        for index in range(first, count):
            batch = checked_batch(shard, index, path)
            inside = keys.rows(batch.column(KEY).to_numpy())
            if inside.stop <= inside.start:
                break
            _add(batch.slice(inside.start, inside.stop - inside.start), rows)
            if inside.stop < batch.num_rows:
                break


def _add(batch: pa.RecordBatch, rows: TokenRows) -> None:
    lists = batch.column("input_ids")
    offsets = lists.offsets.to_numpy()
    ids = lists.values.to_numpy()[offsets[0] : offsets[-1]]
    rows.add(
        ids.copy(),  # a view would keep the file open
        np.diff(offsets),
        batch.column("n_bytes").to_numpy().copy(),
        batch.column("doc_id").to_numpy().copy(),
        batch.column("source"),
        batch.column(KEY).to_numpy().copy(),
    )


def _count(rows: TokenRows, seed: int, tally: Tally) -> None:
    """Documents once, and how many rows more than those there are; tokens as they are written."""
    repeats = rows.copy_count(seed)
    tally.count("documents", rows.rows - repeats)
    if repeats:
        tally.count("repeats", repeats)
    tally.count("tokens", rows.tokens)
    tally.count("text_bytes", rows.text_bytes)


@dataclass(frozen=True, kw_only=True)
class MergeWork(PlainWork):
    """Encoded shard g is what shards g × width … of the step ``encoded`` hold, sorted again.

    Changes the number of files and nothing else: the token shards are the same with and without.
    """

    encoded: str
    vocab_size: int
    width: int
    version: ClassVar[int] = 1
    uses_seed: ClassVar[bool] = True

    def open(self, inputs: Inputs) -> TaskFunction:
        store = Store.open(inputs.stores[self.encoded])

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            rows = TokenRows(self.vocab_size)
            shards = range(index * self.width, (index + 1) * self.width)
            read_range(store, shards, ALL_KEYS, rows)
            _count(rows, inputs.seed, tally)
            yield from rows.batches(inputs.seed, WORK_BATCH_TOKENS, with_key=True)

        return task


@dataclass(frozen=True, kw_only=True)
class TokensWork(PlainWork):
    """The store of kind "tokens": train shards, then validation shards, and the tokenizer."""

    encoded: str
    vocab_size: int
    """Of the plan; the tokenizer may have fewer, of the same dtype."""
    tokenizer: TokenizerFile | TrainedTokenizer
    eos_token: str
    validation_share: float
    train_shards: int
    validation_shards: int
    version: ClassVar[int] = 1
    uses_seed: ClassVar[bool] = True

    def shards(self) -> tuple[SplitShard, ...]:
        return split_shards(self.validation_share, self.train_shards, self.validation_shards)

    def open(self, inputs: Inputs) -> TaskFunction:
        store = Store.open(inputs.stores[self.encoded])
        shards = self.shards()

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            rows = TokenRows(self.vocab_size)
            read_range(store, range(len(store.shards)), shards[index].keys, rows)
            _count(rows, inputs.seed, tally)
            yield from rows.batches(inputs.seed, BATCH_TOKENS, with_key=False)

        return task

    def shard_file(self, index: int) -> str:
        shard = self.shards()[index]
        return shard_name(shard.split, shard.index, shard.count)

    def receipt_extra(self, index: int, tally: Tally) -> dict[str, Any]:
        split = self.shards()[index].split
        counters = tally.counters
        return shard_extra(
            split, counters["tokens"], counters["text_bytes"], counters.get("repeats", 0)
        )

    def finish(self, inputs: Inputs, receipts: list[Receipt]) -> dict[str, Any]:
        text = self.tokenizer.read(inputs)
        encoder = load_tokenizer(text, self.eos_token, self.tokenizer.name)
        with Folder(inputs.folder).create(TOKENIZER_FILE) as sink:
            sink.write(text.encode())
        beside = {"file": TOKENIZER_FILE, "size_bytes": sink.size, "sha256": sink.sha256}
        return {"files": [beside]} | tokens_manifest_extra(
            receipts,
            vocab_size=encoder.vocab_size,
            eos_id=encoder.eos_id,
            eos_token=self.eos_token,
            tokenizer_name=self.tokenizer.name,
            tokenizer_sha256=sink.sha256,
            tokenizer_file=TOKENIZER_FILE,
            seed=inputs.seed,
        )
