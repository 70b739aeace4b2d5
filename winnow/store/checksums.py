"""A CRC-32 beside every record batch of an Arrow shard, so that a flipped byte is named when read.

A shard's sha256 (receipts.py) says whether a whole file is what was written; a step that reads one
batch of ten thousand cannot afford that. Parquet shards carry a checksum a page instead, which
pyarrow checks.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pyarrow as pa

from winnow.errors import CorruptShard

KEY = b"crc32"
REMEDY = "`winnow verify` names all such shards; delete them and run again."


def batch_checksum(batch: pa.RecordBatch) -> int | None:
    """CRC-32 of the rows, whatever memory they lie in; None where a column is of a type without
    one (structs, maps, unions, views). docs/shard-format.md has the definition.

    A dictionary counts as the plain values that its indices stand for: equal rows have equal sums
    whatever their dictionaries, and a damaged dictionary is found in the rows that use it.
    """
    crc: int = batch.num_rows & 0xFFFFFFFF
    for column in batch.columns:
        found = _array_checksum(column, crc)
        if found is None:
            return None
        crc = found
    return crc


def _array_checksum(array: Any, crc: int) -> int | None:
    kind = array.type
    if pa.types.is_dictionary(kind):
        # a damaged offset within the dictionary would lead out of its bytes; `take` itself
        # notices an index that is none
        array.dictionary.validate(full=True)
        return _array_checksum(array.dictionary.take(array.indices), crc)
    if array.null_count:
        crc = zlib.crc32(np.packbits(array.is_valid().to_numpy(zero_copy_only=False)).data, crc)
    if pa.types.is_boolean(kind):
        bits = array.fill_null(False).to_numpy(zero_copy_only=False)
        return zlib.crc32(np.packbits(bits).data, crc)
    if pa.types.is_fixed_size_binary(kind) or (
        pa.types.is_primitive(kind) and not pa.types.is_boolean(kind)
    ):
        width = kind.bit_width // 8
        values = array.buffers()[1]
        return crc if values is None else _bytes(values, array.offset, len(array), width, crc)
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return _variable(array, 4, crc)
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return _variable(array, 8, crc)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        offsets = array.offsets.to_numpy()
        if not len(offsets):
            return crc
        crc = zlib.crc32(np.diff(offsets).data, crc)
        first, last = int(offsets[0]), int(offsets[-1])
        return _array_checksum(array.values.slice(first, last - first), crc)
    return None


def _variable(array: Any, width: int, crc: int) -> int:
    """Of strings or bytes: their lengths, then what they hold."""
    _, offsets, data = array.buffers()
    if offsets is None or not len(array):
        return crc
    kind = np.int32 if width == 4 else np.int64
    at = np.frombuffer(offsets, kind)[array.offset : array.offset + len(array) + 1]
    crc = zlib.crc32(np.diff(at).data, crc)
    first, last = int(at[0]), int(at[-1])
    return crc if data is None else _bytes(data, first, last - first, 1, crc)


def _bytes(buffer: pa.Buffer, first: int, count: int, width: int, crc: int) -> int:
    return zlib.crc32(buffer.slice(first * width, count * width), crc) if count else crc


def checked_batch(reader: Any, index: int, path: str) -> pa.RecordBatch:
    """Batch ``index`` of an open Arrow file; :class:`CorruptShard` naming ``path`` where its rows
    are not those that were written."""
    try:
        batch, metadata = reader.get_batch_with_custom_metadata(index)
        expected = None if metadata is None else metadata.get(KEY)
        batch.validate()  # whether its buffers are as long as its rows say: hashing would not ask
        # a null or an offset may have been damaged as well, so that looking at the rows fails
        found = None if expected is None else batch_checksum(batch)
        wanted = None if expected is None else int(expected)
    except (pa.ArrowException, OSError, ValueError, TypeError, IndexError) as error:
        raise CorruptShard(
            f"{path}: batch {index} cannot be read: {error}", remedy=REMEDY
        ) from error
    if expected is not None and found is not None and found != wanted:
        raise CorruptShard(
            f"{path}: batch {index} of {batch.num_rows:,} rows does not have the checksum that it "
            "was written with",
            remedy=REMEDY,
        )
    return batch
