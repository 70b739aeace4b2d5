"""Look-up of which documents an index has."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.index import matched
from winnow.dedup.index.matched import MATCHES, MatchedReader, merged
from winnow.errors import CorruptShard
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.shards import ShardWriter, shard_file

ids = st.integers(0, 60) | st.integers(0, 2**64 - 1)
pieces = st.lists(st.lists(st.tuples(ids, st.integers(0, 9)), max_size=9), max_size=5)


def store_of(folder: Path, shards: list[list[list[tuple[int, int]]]]) -> Store:
    receipts = []
    for index, batches in enumerate(shards):
        with ShardWriter(Folder(folder), shard_file(index, "arrow"), MATCHES, "arrow") as writer:
            for rows in batches:
                columns = [pa.array([r[i] for r in rows], pa.uint64()) for i in range(2)]
                writer.write(pa.record_batch(columns, schema=MATCHES))
        receipts.append(writer.receipt("f"))
    return write_manifest(
        Folder(folder), kind="work", name="matched", fingerprint="f", schema=MATCHES, config={},
        receipts=receipts,
    )  # fmt: skip


@given(st.dictionaries(ids, st.integers(0, 2**64 - 1), max_size=40), st.lists(ids), st.data())
@settings(deadline=None, max_examples=150)
def test_find_equals_a_dictionary(
    known: dict[int, int], wanted: list[int], data: st.DataObject
) -> None:
    rows = sorted(known.items())
    batches = []
    while rows:
        size = data.draw(st.integers(1, 5))
        batches.append(rows[:size])
        rows = rows[size:]
    cut = data.draw(st.integers(0, len(batches)))
    wanted += data.draw(st.lists(st.sampled_from(sorted(known)), max_size=9)) if known else []
    with tempfile.TemporaryDirectory() as name:
        reader = MatchedReader(store_of(Path(name), [batches[:cut], [], batches[cut:]]))
        for asked in (wanted, wanted[::-1], wanted[:3]):
            found, numbers = reader.find(np.array(asked, np.uint64))
            assert found.tolist() == [doc_id in known for doc_id in asked]
            assert numbers.tolist() == [known.get(doc_id, 0) for doc_id in asked]


def test_few_batches_are_held_and_all_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matched, "_HELD_BATCHES", 2)
    batches = [[(10 * n, n), (10 * n + 5, n)] for n in range(50)]
    reader = MatchedReader(store_of(tmp_path, [batches]))
    asked = np.arange(0, 520, 5, dtype=np.uint64)
    found, numbers = reader.find(asked)
    assert found.tolist() == [n < 500 for n in asked.tolist()]
    assert numbers[found].tolist() == [n // 10 for n in asked.tolist() if n < 500]


def test_a_flipped_byte_is_named(tmp_path: Path) -> None:
    store = store_of(tmp_path, [[[(1, 2), (3, 4)]]])
    file = Path(store.files[0])
    data = bytearray(file.read_bytes())
    data[data.index((3).to_bytes(8, "little")) + 1] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(CorruptShard, match=r"00000\.arrow"):
        MatchedReader(store).find(np.array([3], np.uint64))


@given(pieces)
def test_least_of_each_equals_a_dictionary(rows: list[list[tuple[int, int]]]) -> None:
    known: dict[int, int] = {}
    for doc_id, number in (pair for piece in rows for pair in piece):
        known[doc_id] = min(number, known.get(doc_id, number))
    columns = (
        (np.array([r[0] for r in piece], np.uint64), np.array([r[1] for r in piece], np.uint64))
        for piece in rows
    )
    doc_ids, numbers = merged(columns)
    assert list(zip(doc_ids.tolist(), numbers.tolist(), strict=True)) == sorted(known.items())
