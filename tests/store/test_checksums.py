"""A flipped byte in any shard is named by whoever reads it."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.errors import CorruptShard
from winnow.store.checksums import batch_checksum, checked_batch
from winnow.store.files import Folder
from winnow.store.shards import ShardFormat, ShardWriter, open_shard, read_batches

SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),
        pa.field("score", pa.float32()),
        pa.field("text", pa.large_string()),
        pa.field("name", pa.string()),
        pa.field("ids", pa.list_(pa.uint64())),
        pa.field("source", pa.dictionary(pa.int32(), pa.string())),
        pa.field("whole", pa.bool_()),
    ]
)

rows = st.lists(
    st.fixed_dictionaries(
        {
            "doc_id": st.integers(0, 2**64 - 1),
            "score": st.none() | st.floats(width=32, allow_nan=False),
            "text": st.none() | st.text(max_size=20),
            "name": st.none() | st.text(max_size=5),
            "ids": st.none() | st.lists(st.integers(0, 2**64 - 1), max_size=4),
            "source": st.none() | st.sampled_from(["crawl", "books", ""]),
            "whole": st.none() | st.booleans(),
        }
    ),
    max_size=12,
)


@settings(max_examples=500, deadline=None)
@given(rows, st.integers(0, 12), st.integers(0, 12))
def test_a_slice_has_the_checksum_of_its_rows(
    table: list[dict[str, Any]], start: int, length: int
) -> None:
    whole = pa.RecordBatch.from_pylist(table, SCHEMA)
    part = whole.slice(start, length)
    copy = pa.RecordBatch.from_pylist(table[start : start + length], SCHEMA)
    through_ipc = _through_ipc(part)
    assert batch_checksum(copy) == batch_checksum(through_ipc)
    if not any(column.null_count for column in part.columns):  # what lies under a null may differ
        assert batch_checksum(part) == batch_checksum(copy)


def test_rows_that_differ_have_other_checksums() -> None:
    def crc(ids: list[int], lists: list[list[int]]) -> int | None:
        arrays = [pa.array(ids, pa.uint64()), pa.array(lists, pa.list_(pa.uint64()))]
        return batch_checksum(pa.record_batch(arrays, names=["a", "b"]))

    assert crc([1, 2], [[1], [2]]) != crc([2, 1], [[1], [2]])
    assert crc([1, 2], [[1], [2]]) != crc([1, 2], [[1, 2], []])
    assert batch_checksum(pa.record_batch([pa.array([{"b": 1}])], names=["a"])) is None


def _through_ipc(batch: pa.RecordBatch) -> pa.RecordBatch:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return pa.ipc.open_stream(sink.getvalue()).read_next_batch()


names = st.lists(st.none() | st.sampled_from("abcd"), max_size=20)


@given(names, st.permutations("abcd"))
def test_a_dictionary_has_the_checksum_of_what_it_stands_for(
    values: list[str | None], order: list[str]
) -> None:
    indices = pa.array([None if v is None else order.index(v) for v in values], pa.int8())
    arrays = [
        pa.DictionaryArray.from_arrays(indices, pa.array(order)),
        pa.array(values, pa.string()),
        pa.array([None, *values], pa.string()).dictionary_encode().slice(1),
    ]
    sums = [batch_checksum(pa.record_batch([array], names=["a"])) for array in arrays]
    assert sums[0] == sums[1] == sums[2]


def test_the_checksum_is_as_the_document_says() -> None:
    batch = pa.record_batch(
        {
            "doc_id": pa.array([1, 2, 3], pa.uint64()),
            "name": pa.array(["ab", None, "c"], pa.string()).dictionary_encode(),
            "whole": pa.array([True, None, True]),
            "ids": pa.array([[1], [2, 3], []], pa.large_list(pa.uint16())),
        }
    )
    crc = zlib.crc32(struct.pack("<3Q", 1, 2, 3), 3)
    crc = zlib.crc32(bytes([0b10100000]), crc)
    crc = zlib.crc32(b"abc", zlib.crc32(struct.pack("<3i", 2, 0, 1), crc))
    crc = zlib.crc32(bytes([0b10100000]), zlib.crc32(bytes([0b10100000]), crc))
    crc = zlib.crc32(struct.pack("<3H", 1, 2, 3), zlib.crc32(struct.pack("<3q", 1, 2, 0), crc))
    assert batch_checksum(batch) == crc


def test_no_index_of_a_damaged_dictionary_leads_out_of_it() -> None:
    indices = pa.array([0, 7], pa.int32())
    outside = pa.DictionaryArray.from_arrays(indices, pa.array(["a"]), safe=False)
    with pytest.raises(IndexError):
        batch_checksum(pa.record_batch([outside], names=["a"]))
    offsets = pa.py_buffer(struct.pack("<3i", 0, 1 << 30, 1))
    damaged = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"a")])
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), damaged, safe=False)
    with pytest.raises(pa.ArrowInvalid):
        batch_checksum(pa.record_batch([column], names=["a"]))


def _written(folder: Path, format: ShardFormat) -> tuple[Folder, str, Path]:
    file = f"00000.{format}"
    values = [
        {"doc_id": i, "score": i / 7, "text": f"text {i}", "name": "n", "ids": [i, i + 1]}
        | {"source": "books", "whole": i % 3 == 0}
        for i in range(300)
    ]
    with ShardWriter(Folder(folder), file, SCHEMA, format) as writer:
        writer.write(pa.RecordBatch.from_pylist(values, SCHEMA))
    return Folder(folder), file, folder / file


def _values(folder: Folder, file: str) -> list[Any]:
    return [[c.to_pylist() for c in batch.columns] for batch in read_batches(folder, file)]


@pytest.mark.parametrize("format", ["arrow", "parquet"])
def test_any_flipped_byte_is_found_or_harmless(tmp_path: Path, format: ShardFormat) -> None:
    folder, file, path = _written(tmp_path, format)
    before = _values(folder, file)
    data = path.read_bytes()
    found = 0
    # the footer of a Parquet file has no checksum of its own: `winnow verify` hashes the file
    end = len(data) - int.from_bytes(data[-8:-4], "little") if format == "parquet" else len(data)
    for place in range(0, end, 101):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
        try:
            after = _values(folder, file)
        except CorruptShard as error:
            assert file in str(error)
            found += 1
        else:
            assert after == before, place  # padding, or a column's name, which the manifest has too
    assert found > end / 101 / 2


def test_the_batch_is_named(tmp_path: Path) -> None:
    _, file, path = _written(tmp_path, "arrow")
    data = path.read_bytes()
    at = data.index((250).to_bytes(8, "little"))
    path.write_bytes(data[:at] + b"\xff" + data[at + 1 :])
    with pytest.raises(CorruptShard, match=r"00000\.arrow: batch 0 of 300 rows"):
        checked_batch(open_shard(Folder(tmp_path), file), 0, str(path))
