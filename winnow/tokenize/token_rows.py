"""Token rows on their way from one order to another.

Ids stay in the few large arrays that they came in; rows are moved by number, and ids are copied
once, into the record batch that is written next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from winnow.errors import StageError
from winnow.tokenize.keys import shuffle_keys
from winnow.tokenize.token_shards import token_batch, token_dtype, token_schema

KEY = "shuffle_key"  # the column of work stores that their rows are sorted by
BYTES_LIMIT = 2**32  # n_bytes is a uint32

Array = npt.NDArray[Any]


def work_schema(vocab_size: int) -> pa.Schema:
    """A token shard's columns and, last, the key: what encoded stores hold."""
    return token_schema(vocab_size).append(pa.field(KEY, pa.uint64(), nullable=False))


def cut(sizes: Array, limit: int) -> Iterator[tuple[int, int]]:
    """Runs of rows, ``start <= row < stop``, as long as can be with a total of at most ``limit``.

    A row above the limit is a run of its own. The runs cover all rows, and depend on ``sizes``
    ([rows] integer, none negative) and ``limit`` alone.
    """
    ends = np.cumsum(sizes, dtype=np.int64)
    start = 0
    while start < len(ends):
        before = int(ends[start - 1]) if start else 0
        stop = int(np.searchsorted(ends, before + limit, side="right"))
        stop = max(stop, start + 1)
        yield start, stop
        start = stop


class TokenRows:
    """Rows of a token shard, held in memory: the ids of ``tokens`` tokens and 56 bytes a row.

    ``tokens`` and ``text_bytes`` are counted as they are written: once for each copy of a document.
    """

    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size
        self.rows = 0
        self.tokens = 0
        self.text_bytes = 0
        self._added = 0  # rows that are no copies
        self._last_added = 0  # number of the first row of the last `add`
        self._ids: list[Array] = []
        self._lengths: list[Array] = []
        self._n_bytes: list[Array] = []
        self._doc_ids: list[Array] = []
        self._sources: list[Array] = []
        self._keys: list[Array | None] = []
        self._copies: list[tuple[Array, Array]] = []  # numbers of added rows, keys of their copies
        self._names: dict[str, int] = {}

    def add(
        self,
        ids: Array,
        lengths: Array,
        n_bytes: Array,
        doc_ids: Array,
        sources: pa.Array,
        keys: Array | None = None,
    ) -> None:
        """Take rows over: ``ids`` [tokens], and for each row its length in ids, bytes of text
        ([rows] integer), document id, source (string, or dictionary of strings), and the key that
        it is sorted by ([rows] uint64; absent: the shuffle key of the document)."""
        if not len(lengths):
            return
        if int(n_bytes.max()) >= BYTES_LIMIT:
            row = int(n_bytes.argmax())
            raise StageError(
                f"document {doc_ids[row]} has {n_bytes[row]:,} bytes of text; a token shard can "
                f"say up to {BYTES_LIMIT - 1:,}",
                stage="tokenize",
                remedy="Bound the length of documents before 'tokenize'.",
            )
        if not pa.types.is_dictionary(sources.type):
            sources = sources.dictionary_encode()
        names = sources.dictionary.to_pylist()
        codes = [self._names.setdefault(name, len(self._names)) for name in names]
        places = sources.indices.to_numpy(zero_copy_only=False)
        self._ids.append(np.asarray(ids, token_dtype(self.vocab_size)))
        self._lengths.append(np.asarray(lengths, np.int64))
        self._n_bytes.append(np.asarray(n_bytes, np.uint32))
        self._doc_ids.append(np.asarray(doc_ids, np.uint64))
        self._sources.append(np.array(codes, np.int32)[places])
        self._keys.append(keys)
        self._last_added = self._added
        self._added += len(lengths)
        self.rows += len(lengths)
        self.tokens += len(ids)
        self.text_bytes += int(n_bytes.sum(dtype=np.int64))

    def copy(self, rows: Array, keys: Array) -> None:
        """Once more the rows of the last :meth:`add` with the numbers ``rows`` ([copies] integer),
        by ``keys`` ([copies] uint64). The ids are shared: a copy takes 40 bytes here."""
        if not len(rows):
            return
        self._copies.append((rows + self._last_added, np.asarray(keys, np.uint64)))
        self.rows += len(rows)
        self.tokens += int(self._lengths[-1][rows].sum())
        self.text_bytes += int(self._n_bytes[-1][rows].sum(dtype=np.int64))

    def copy_count(self, seed: int) -> int:
        """How many rows are a document's second or a further one: their key is not its own."""
        own = [
            shuffle_keys(doc_ids, seed) == keys
            for doc_ids, keys in zip(self._doc_ids, self._keys, strict=True)
            if keys is not None
        ]
        copies = sum(len(rows) for rows, _ in self._copies)
        return copies + sum(int((~each).sum()) for each in own)

    def batches(self, seed: int, batch_tokens: int, with_key: bool) -> Iterator[pa.RecordBatch]:
        """All rows by rising shuffle key, in batches of at most ``batch_tokens`` tokens.

        A longer document is a batch of its own, and no rows are one empty batch: some readers
        want a file's dictionary. How the rows were added does not show.
        """
        doc_ids = _joined(self._doc_ids, np.uint64)
        given = zip(self._keys, self._doc_ids, strict=True)
        own = [shuffle_keys(ids, seed) if keys is None else keys for keys, ids in given]
        keys = _joined([*own, *(keys for _, keys in self._copies)], np.uint64)
        copied = [rows for rows, _ in self._copies]
        numbers = _joined([np.arange(len(doc_ids)), *copied], np.int64)
        order = np.argsort(keys)  # unequal ids have unequal keys: only copies can tie
        if _tied(keys[order]):
            order = np.lexsort((doc_ids[numbers], keys))
        lengths = _joined(self._lengths, np.int64)
        sources = _joined(self._sources, np.int32)
        n_bytes = _joined(self._n_bytes, np.uint32)
        part = np.repeat(np.arange(len(self._lengths)), [len(rows) for rows in self._lengths])
        stop = np.concatenate([np.empty(0, np.int64), *map(np.cumsum, self._lengths)])
        names = list(self._names)
        dictionary = sorted({names[code] for code in np.unique(sources)})
        start = stop - lengths
        keys, order = keys[order], numbers[order]
        for first, end in cut(lengths[order], batch_tokens) if self.rows else [(0, 0)]:
            rows = order[first:end]
            places = (part[rows].tolist(), start[rows].tolist(), stop[rows].tolist())
            ids = [self._ids[p][a:b] for p, a, b in zip(*places, strict=True)]
            batch = token_batch(
                _joined(ids, token_dtype(self.vocab_size)),
                np.concatenate([[0], np.cumsum(lengths[rows])]),
                n_bytes[rows],
                doc_ids[rows],
                [names[code] for code in sources[rows].tolist()],
                self.vocab_size,
                dictionary,
            )
            if with_key:
                batch = pa.RecordBatch.from_arrays(
                    [*batch.columns, pa.array(keys[first:end])],
                    schema=work_schema(self.vocab_size),
                )
            yield batch


def _tied(keys: Array) -> bool:
    return bool((keys[1:] == keys[:-1]).any())


def _joined(parts: list[Array], dtype: Any) -> Array:
    return np.concatenate([np.empty(0, dtype), *parts])
