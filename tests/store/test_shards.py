"""Shards, receipts and manifests: what is written is what is read, and bytes do not depend on how
it arrived."""

import itertools
import json
from pathlib import Path

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given, settings

from winnow.errors import CorruptShard, StoreError
from winnow.store.files import Folder
from winnow.store.manifest import MANIFEST, Store, write_manifest
from winnow.store.receipts import Receipt, finished, read_receipt, write_receipt
from winnow.store.shards import ShardWriter, read_batches

SCHEMA = pa.schema([pa.field("doc_id", pa.uint64(), nullable=False), pa.field("text", pa.string())])


def batch_of(rows: range) -> pa.RecordBatch:
    texts = [None if row % 7 == 0 else f"text {row} " * (row % 5) for row in rows]
    return pa.record_batch([pa.array(rows, pa.uint64()), pa.array(texts)], schema=SCHEMA)


def write(folder: Folder, index: int, cuts: list[int], total: int = 2500) -> Receipt:
    edges = [0, *sorted(cuts), total]
    with ShardWriter(folder, f"{index:05d}.parquet", SCHEMA) as writer:
        for start, stop in itertools.pairwise(edges):
            writer.write(batch_of(range(start, stop)))
    receipt = writer.receipt("f1", counters={"documents": total})
    write_receipt(folder, index, receipt)
    return receipt


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 2500), max_size=12))
def test_bytes_do_not_depend_on_batch_sizes(
    cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tmp = tmp_path_factory.mktemp("cuts")
    assert write(Folder(tmp / "a"), 0, cuts) == write(Folder(tmp / "b"), 0, [])
    whole = pa.Table.from_batches(read_batches(Folder(tmp / "a"), "00000.parquet"))
    assert whole.equals(pa.Table.from_batches([batch_of(range(2500))]))


def test_a_batch_of_other_columns_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with (
        pytest.raises(StoreError, match="differ from the declared"),
        ShardWriter(folder, "00000.parquet", SCHEMA) as writer,
    ):
        writer.write(pa.record_batch([pa.array([1], pa.uint64())], names=["doc_id"]))
    assert folder.names() == []


def test_a_store_exists_when_its_manifest_does(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    receipts = [write(folder, index, []) for index in range(2)]
    with pytest.raises(StoreError, match="not finished"):
        Store.open(tmp_path)
    write_manifest(
        folder,
        kind="documents",
        name="documents",
        fingerprint="f1",
        schema=SCHEMA,
        config={},
        receipts=receipts,
    )
    store = Store.open(tmp_path)
    assert store.rows == 5000
    assert store.schema == SCHEMA
    assert store.counters == {"documents": 5000}
    assert store.table(["doc_id"]).num_rows == 5000
    assert store.verify() == []


def test_verify_names_the_shard_that_was_changed(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    receipts = [write(folder, index, []) for index in range(3)]
    store = write_manifest(
        folder,
        kind="documents",
        name="d",
        fingerprint="f1",
        schema=SCHEMA,
        config={},
        receipts=receipts,
    )
    data = bytearray((tmp_path / "00001.parquet").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "00001.parquet").write_bytes(data)
    (tmp_path / "00002.parquet").unlink()
    problems = store.verify()
    assert len(problems) == 2
    assert "00001.parquet" in problems[0] and "sha256" in problems[0]
    assert "00002.parquet is missing" in problems[1]


def test_only_shards_of_the_same_fingerprint_count_as_done(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for index in range(4):
        write(folder, index, [])
    (tmp_path / "00001.parquet").write_bytes(b"short")  # not the size of its receipt
    (tmp_path / "receipts" / "00002.json").write_text('{"file": "0000')  # torn
    assert set(finished(folder, 4, "f1")) == {0, 3}
    assert finished(folder, 4, "another") == {}


def test_a_torn_receipt_is_an_error_for_a_reader(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    write(folder, 0, [])
    (tmp_path / "receipts" / "00000.json").write_text("{}")
    with pytest.raises(CorruptShard, match="not a receipt"):
        read_receipt(folder, 0)


def test_receipts_hold_no_time_and_no_machine(tmp_path: Path) -> None:
    receipt = write(Folder(tmp_path), 0, [])
    fields = set(json.loads(receipt.to_json()))
    assert fields == {
        "file",
        "rows",
        "size_bytes",
        "sha256",
        "fingerprint",
        "counters",
        "problems",
        "extra",
    }


def test_a_damaged_shard_is_named_when_read(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    write(folder, 0, [])
    (tmp_path / "00000.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(CorruptShard, match=r"00000\.parquet"):
        list(read_batches(folder, "00000.parquet"))
    with pytest.raises(CorruptShard, match="is missing"):
        list(read_batches(folder, "00009.parquet"))


def test_a_manifest_of_another_format_says_so(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text('{"format_version": 99, "shards": []}')
    with pytest.raises(StoreError, match="format 99"):
        Store.open(tmp_path)
