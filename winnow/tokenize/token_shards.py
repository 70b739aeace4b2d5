"""The token store: one row a document, memory-mapped, read without a copy.

Layout of a store of kind "tokens"::

    manifest.json                       with a "tokens" section: tokenizer, dtype, splits
    tokenizer.json                      the tokenizer that made the ids
    train-00000-of-00002.arrow          Arrow IPC files, uncompressed
    validation-00000-of-00001.arrow

Documents are shuffled when the store is written, so reading in file order is already a valid
shuffle. Document ``i`` of a split is its i-th row, counted over the split's shards in order. A run
that rehydrates has several rows of some documents, each at a place of its own in the shuffle.

The columns are in :func:`token_schema`; ``input_ids`` ends with the end-of-text id and begins
with no special id. Everything here needs pyarrow and numpy only.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from winnow.errors import CorruptShard, StoreError, nearest
from winnow.store.manifest import ShardEntry, Store
from winnow.store.receipts import Receipt, canonical_json
from winnow.store.shards import open_shard

KIND = "tokens"
SPLITS = ("train", "validation")
UINT16_VOCAB = 1 << 16  # the largest vocabulary whose ids fit two bytes

Array = npt.NDArray[Any]


def token_dtype(vocab_size: int) -> np.dtype[Any]:
    """``uint16`` where every id below ``vocab_size`` fits it, else ``uint32``."""
    return np.dtype(np.uint16 if vocab_size <= UINT16_VOCAB else np.uint32)


def token_schema(vocab_size: int) -> pa.Schema:
    """The columns of a token shard.

    ``large_list`` has 64-bit offsets: a batch may hold more than 2**31 tokens.
    """
    ids = pa.from_numpy_dtype(token_dtype(vocab_size))
    return pa.schema(
        [
            pa.field("input_ids", pa.large_list(pa.field("item", ids, nullable=False)), False),
            pa.field("n_bytes", pa.uint32(), False),  # of the document's text in UTF-8
            pa.field("doc_id", pa.uint64(), False),
            pa.field("source", pa.dictionary(pa.int32(), pa.utf8()), False),
        ]
    )


def token_batch(
    ids_flat: Array,
    offsets: Array,
    n_bytes: Array,
    doc_ids: Array,
    sources: Sequence[str],
    vocab_size: int,
    source_names: Sequence[str] | None = None,
) -> pa.RecordBatch:
    """Documents as a record batch of :func:`token_schema`, over the arrays given (no copy).

    ``ids_flat`` [tokens] integer, each in [0, vocab_size); ``offsets`` [documents + 1] int64,
    rising from 0 to the number of tokens: document i is ``ids_flat[offsets[i]:offsets[i + 1]]``.
    ``n_bytes`` [documents] uint32, ``doc_ids`` [documents] uint64, ``sources`` [documents] names.

    ``source_names`` is the dictionary, in order. An IPC file holds one dictionary for all of its
    batches, so a shard of several batches must give each the same names; by default they are the
    sorted names of this batch. Arrays of the declared dtypes are used as they are; others are
    cast. Raises :class:`StoreError` for offsets or ids that do not fit.
    """
    dtype = token_dtype(vocab_size)
    offsets = np.ascontiguousarray(offsets, np.int64)
    documents = len(offsets) - 1
    if documents < 0 or offsets[0] != 0 or offsets[-1] != len(ids_flat):
        raise StoreError(f"token offsets must rise from 0 to {len(ids_flat):,}, the tokens given")
    if np.any(np.diff(offsets) < 1):
        raise StoreError("a document has no token; even an empty text ends with the end-of-text id")
    if len(ids_flat) and not 0 <= int(ids_flat.min()) <= int(ids_flat.max()) < vocab_size:
        raise StoreError(
            f"token ids lie in [{ids_flat.min()}, {ids_flat.max()}], "
            f"outside the vocabulary of {vocab_size:,}"
        )
    names = sorted(set(sources)) if source_names is None else list(source_names)
    code = {name: index for index, name in enumerate(names)}
    unknown = sorted(set(sources) - set(code))
    if unknown:
        raise StoreError(f"source {unknown[0]!r} is not among source_names: {', '.join(names)}")
    schema = token_schema(vocab_size)
    ids = pa.array(np.ascontiguousarray(ids_flat, dtype))
    columns = [
        pa.LargeListArray.from_arrays(pa.array(offsets), ids, type=schema.field("input_ids").type),
        pa.array(np.ascontiguousarray(n_bytes, np.uint32)),
        pa.array(np.ascontiguousarray(doc_ids, np.uint64)),
        pa.DictionaryArray.from_arrays(
            pa.array(np.fromiter((code[s] for s in sources), np.int32, documents)),
            pa.array(names, pa.utf8()),
        ),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def shard_name(split: str, index: int, count: int) -> str:
    """``train-00000-of-00002.arrow``: the name that `datasets` and people expect."""
    return f"{split}-{index:05d}-of-{count:05d}.arrow"


def shard_extra(split: str, tokens: int, text_bytes: int, repeats: int = 0) -> dict[str, Any]:
    """What a shard's receipt says of its tokens; pass it to ``ShardWriter.receipt(extra=…)``.

    ``repeats``: rows that are a document's second or a further one; told where there are any.
    """
    told = {"repeats": int(repeats)} if repeats else {}
    return {"split": split, "tokens": int(tokens), "text_bytes": int(text_bytes)} | told


def tokens_manifest_extra(
    receipts: Sequence[Receipt],
    *,
    vocab_size: int,
    eos_id: int,
    eos_token: str,
    tokenizer_name: str,
    tokenizer_sha256: str,
    tokenizer_file: str = "tokenizer.json",
    seed: int,
) -> dict[str, Any]:
    """The manifest's "tokens" section, summed over ``receipts`` (each with a shard_extra).

    ``documents`` counts each once; where some have several rows, ``repeats`` has the rows beyond.
    Pass it to ``write_manifest(kind="tokens", extra=…)``.
    """
    if not 0 <= eos_id < vocab_size:
        raise StoreError(f"eos_id {eos_id} is outside the vocabulary of {vocab_size:,}")
    splits = {
        split: {"documents": 0, "tokens": 0, "text_bytes": 0, "shards": 0} for split in SPLITS
    }
    for receipt in receipts:
        split = receipt.extra.get("split")
        if split not in splits:
            raise StoreError(
                f"the receipt of {receipt.file} names split {split!r}, not one of {SPLITS}"
            )
        sums = splits[split]
        repeats = receipt.extra.get("repeats", 0)
        sums["documents"] += receipt.rows - repeats
        if repeats:
            sums["repeats"] = sums.get("repeats", 0) + repeats
        sums["tokens"] += receipt.extra["tokens"]
        sums["text_bytes"] += receipt.extra["text_bytes"]
        sums["shards"] += 1
    return {
        "tokens": {
            "dtype": token_dtype(vocab_size).name,
            "seed": seed,
            "tokenizer": {
                "file": tokenizer_file,
                "sha256": tokenizer_sha256,
                "name": tokenizer_name,
                "vocab_size": vocab_size,
                "eos_id": eos_id,
                "eos_token": eos_token,
            },
            "splits": splits,
        }
    }


class TokenShards:
    """One split of a token store, memory-mapped. Open it with :meth:`open`.

    Attributes: ``documents`` (rows: one that is repeated counts each time) and ``tokens`` (counts),
    ``text_bytes``, ``vocab_size``, ``eos_id``, ``dtype``, ``split``, ``tokenizer`` (the manifest's
    section), ``fingerprint`` (sha256 hex), ``lengths`` ([documents] int64, tokens of each document,
    the end-of-text id included).
    """

    def __init__(self, store: Store, split: str) -> None:
        section = _section(store)
        self.store = store
        self.split = split
        self.tokenizer: dict[str, Any] = section["tokenizer"]
        self.vocab_size = int(self.tokenizer["vocab_size"])
        self.eos_id = int(self.tokenizer["eos_id"])
        self.dtype = token_dtype(self.vocab_size)
        self._shards = [s for s in store.shards if s.extra.get("split") == split]
        self.fingerprint = content_fingerprint(section, split, self._shards)
        self.text_bytes = sum(int(shard.extra["text_bytes"]) for shard in self._shards)
        # one entry a record batch: views of the map, and the batch's first document
        self._ids: list[Array] = []
        self._offsets: list[Array] = []
        self._n_bytes: list[Array] = []
        self._doc_ids: list[Array] = []
        self._sources: list[pa.DictionaryArray] = []
        self._files: list[str] = []
        for shard in self._shards:
            self._map(shard)
        rows = [len(offsets) - 1 for offsets in self._offsets]
        self._first = np.concatenate([[0], np.cumsum(rows, dtype=np.int64)]).astype(np.int64)
        parts = [np.diff(offsets) for offsets in self._offsets]
        self.lengths: npt.NDArray[np.int64] = np.concatenate([np.empty(0, np.int64), *parts])
        self.documents = len(self.lengths)
        self.tokens = int(self.lengths.sum())
        if self.documents == 0:
            splits = section["splits"]
            counts = ", ".join(f"{name} {s['documents']:,}" for name, s in splits.items())
            raise StoreError(
                f"{store.path}: split '{split}' holds 0 documents (documents by split: {counts})."
                + ("" if split in splits else nearest(split, splits)),
                remedy="Tokenise more documents, or give the validation split a larger share.",
            )

    @classmethod
    def open(cls, path: str | os.PathLike[str], split: str = "train") -> TokenShards:
        """Map the shards of ``split``.

        Raises :class:`StoreError` where ``path`` is no finished token store or the split is
        empty, and :class:`CorruptShard`, naming the file, where a shard is missing or is not
        what the manifest says in size, rows, tokens or columns. Bytes are not hashed: that is
        ``winnow verify``, or ``data.verify`` of a training config.
        """
        store = Store.open(path)
        if store.kind != KIND:
            raise StoreError(
                f"{store.path} is a store of kind '{store.kind}', not '{KIND}'",
                remedy="Training reads what the 'tokenize' step wrote, e.g. out/demo/tokens.",
            )
        if store.folder.remote:
            raise StoreError(
                f"{store.path} is on an object store, and token shards are memory-mapped",
                remedy="Copy the folder to a local disk and give that path.",
            )
        return cls(store, split)

    def document(self, index: int) -> Array:
        """The ids of document ``index``, [lengths[index]] of ``dtype``: a read-only view."""
        batch, row = self._locate(index)
        offsets = self._offsets[batch]
        return self._ids[batch][offsets[row] : offsets[row + 1]]

    def n_bytes(self, index: int) -> int:
        """UTF-8 bytes of the text of document ``index``."""
        batch, row = self._locate(index)
        return int(self._n_bytes[batch][row])

    def doc_id(self, index: int) -> int:
        """The corpus-wide id of document ``index`` (split number << 32 | row)."""
        batch, row = self._locate(index)
        return int(self._doc_ids[batch][row])

    def source(self, index: int) -> str:
        """Where document ``index`` came from: the source's name in the run that tokenised it."""
        batch, row = self._locate(index)
        return str(self._sources[batch][row].as_py())

    def find(self, doc_id: int) -> list[int]:
        """The documents with this id: none, one, or as many as it is repeated."""
        found: list[int] = []
        for first, ids in zip(self._first.tolist(), self._doc_ids, strict=False):
            found += (first + np.flatnonzero(ids == np.uint64(doc_id))).tolist()
        return found

    def file(self, index: int) -> str:
        """Path of the shard that holds document ``index``, for messages."""
        return self._files[self._locate(index)[0]]

    def _locate(self, index: int) -> tuple[int, int]:
        if not 0 <= index < self.documents:
            raise IndexError(f"document {index} of {self.documents} in split '{self.split}'")
        # side="right" also steps over empty batches, whose first document equals the next one's
        batch = int(np.searchsorted(self._first, index, side="right")) - 1
        return batch, int(index - self._first[batch])

    def _map(self, shard: ShardEntry) -> None:
        path = self.store.folder.join(shard.file)
        size = self.store.folder.size(shard.file)
        if 0 <= size != shard.size_bytes:
            raise _corrupt(path, f"holds {size:,} bytes, the manifest says {shard.size_bytes:,}")
        reader = open_shard(self.store.folder, shard.file)
        rows = tokens = 0
        try:
            if not reader.schema.equals(token_schema(self.vocab_size)):
                raise _corrupt(path, f"does not have the columns of a token shard: {reader.schema}")
            for index in range(reader.num_record_batches):
                batch = reader.get_batch(index)
                ids = batch.column("input_ids")
                offsets = ids.offsets.to_numpy(zero_copy_only=True)
                values = ids.values.to_numpy(zero_copy_only=True)
                if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != len(values):
                    raise _corrupt(path, f"batch {index}: the offsets do not cover the ids")
                if np.any(np.diff(offsets) < 1):
                    raise _corrupt(path, f"batch {index}: the offsets do not rise")
                self._ids.append(values)
                self._offsets.append(offsets)
                self._n_bytes.append(batch.column("n_bytes").to_numpy(zero_copy_only=True))
                self._doc_ids.append(batch.column("doc_id").to_numpy(zero_copy_only=True))
                self._sources.append(batch.column("source"))
                self._files.append(path)
                rows += batch.num_rows
                tokens += len(values)
        except (pa.ArrowInvalid, OSError) as error:
            raise _corrupt(path, f"cannot be read: {error}") from error
        said = (shard.rows, int(shard.extra["tokens"]))
        if (rows, tokens) != said:
            raise _corrupt(
                path,
                f"holds {rows:,} documents and {tokens:,} tokens; the manifest says {said[0]:,} "
                f"and {said[1]:,}",
            )


def content_fingerprint(section: dict[str, Any], split: str, shards: Sequence[ShardEntry]) -> str:
    """sha256 (hex) of what fixes a split's content: shard hashes in order, tokenizer, dtype.

    No path and no name of a file is in it: a corpus that was moved is the same corpus.
    """
    content = {
        "dtype": section["dtype"],
        "shards": [shard.sha256 for shard in shards],
        "split": split,
        "tokenizer": section["tokenizer"]["sha256"],
    }
    return hashlib.sha256(canonical_json(content)).hexdigest()


def _section(store: Store) -> dict[str, Any]:
    section = store.manifest.get("tokens")
    if not isinstance(section, dict):
        raise StoreError(
            f"{store.path}: the manifest has no 'tokens' section",
            remedy="It was not written by the 'tokenize' step; run that again.",
        )
    return section


def _corrupt(path: str, what: str) -> CorruptShard:
    return CorruptShard(
        f"{path} {what}",
        remedy="Delete the file and its receipt, and run the same `winnow run` again.",
    )
