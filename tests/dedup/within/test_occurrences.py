"""Counting over the whole input, against a dictionary."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.within import occurrence_files, occurrences, spools
from winnow.dedup.within.bloom import SEGMENTS, BloomFilter, BloomSize, segment_numbers
from winnow.dedup.within.occurrence_files import OccurrenceReader, UnitLayout
from winnow.dedup.within.occurrences import FindWork
from winnow.errors import CorruptShard, StageError
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.shards import ShardWriter, shard_file

Row = tuple[int, int, int, int]
"""key, check, doc_id, position"""
SPREAD = 0x9E3779B97F4A7C15


def write(path: Path, schema: pa.Schema, shards: list[Iterator[pa.RecordBatch]]) -> Store:
    folder, receipts = Folder(path), []
    for index, batches in enumerate(shards):
        with ShardWriter(folder, shard_file(index, "arrow"), schema, "arrow") as writer:
            for batch in batches:
                writer.write(batch)
        receipts.append(writer.receipt("f"))
    return write_manifest(
        folder, kind="work", name=path.name, fingerprint="f", schema=schema, config={},
        receipts=receipts,
    )  # fmt: skip


def arrays(rows: list[Row]) -> occurrence_files.Units:
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    kinds = (np.uint64, np.uint64, np.uint64, np.uint32)
    key, check, doc_id, position = (
        np.array(c, kind) for c, kind in zip(columns, kinds, strict=True)
    )
    return key, check, doc_id, position


def find(path: Path, shards: list[list[Row]], work: FindWork) -> tuple[Store, Store, list[Tally]]:
    layout = work.layout
    units = write(path / "units", layout.schema, [layout.groups([arrays(r)]) for r in shards])
    task = work.open(Inputs(None, {"units": units.path}, 0, str(path / "find")))
    tallies = [Tally() for _ in range(layout.parts)]
    found = write(
        path / "find", occurrences.OCCURRENCES, [task(p, t) for p, t in enumerate(tallies)]
    )
    return units, found, tallies


@st.composite
def unit_shards(draw: Any) -> list[list[Row]]:
    """Few distinct units, in any part of the key range, some of which differ in the check only."""
    pool = draw(
        st.lists(
            st.tuples(
                st.integers(0, 40).map(lambda n: n * SPREAD % (1 << 64)), st.integers(0, 1)
            ),
            min_size=1, max_size=30,
        )
    )  # fmt: skip
    shards = []
    for shard in range(draw(st.integers(1, 4))):
        rows, step = [], draw(st.integers(1, 3))
        for document in range(draw(st.integers(0, 6))):
            chosen = draw(st.lists(st.sampled_from(pool), max_size=8))
            doc_id = shard << 32 | document * step
            rows += [(*unit, doc_id, place * step) for place, unit in enumerate(chosen)]
        shards.append(rows)
    return shards


def slow(shards: list[list[Row]], min_count: int) -> list[tuple[int, int, int, int]]:
    counts = Counter((key, check) for rows in shards for key, check, _, _ in rows)
    seen: Counter[tuple[int, int]] = Counter()
    found = []
    for rows in shards:
        for key, check, doc_id, position in rows:
            if counts[key, check] >= min_count:
                found.append((doc_id, position, seen[key, check], counts[key, check]))
            seen[key, check] += 1
    return sorted(found)


@given(
    shards=unit_shards(),
    parts=st.sampled_from([1, 2, 3, 16]),
    memory_bytes=st.sampled_from([200, 3000, 1 << 30]),
    min_count=st.integers(1, 4),
    group=st.sampled_from([1, 5, 1 << 20]),
    batch=st.sampled_from([1, 3, 1 << 15]),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_occurrences_are_those_of_a_dictionary(
    shards: list[list[Row]], parts: int, memory_bytes: int, min_count: int, group: int, batch: int,
    data: st.DataObject,
) -> None:  # fmt: skip
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(occurrence_files, "GROUP_UNITS", group)
        patch.setattr(occurrence_files, "ROWS_PER_BATCH", batch)
        patch.setattr(occurrences, "ROWS_AT_ONCE", 7)
        work = FindWork("units", UnitLayout(parts), memory_bytes, min_count)
        units, found, tallies = find(Path(name), shards, work)
        wanted = slow(shards, min_count)
        for shard in range(parts):
            rows = [tuple(r.values()) for b in found.batches(shard=shard) for r in b.to_pylist()]
            assert rows == sorted(rows)
        assert sorted(tuple(r.values()) for r in found.table().to_pylist()) == wanted
        assert sum(t.counters["units"] for t in tallies) == units.rows == sum(map(len, shards))
        assert sum(t.counters["occurrences"] for t in tallies) == len(wanted)
        reader = OccurrenceReader(found)
        ids = sorted({row[2] for rows in shards for row in rows} | {0, 1 << 40})
        for _ in range(4):
            first, last = sorted(data.draw(st.tuples(st.sampled_from(ids), st.sampled_from(ids))))
            columns = reader.between(first, last)
            assert list(columns) == occurrences.OCCURRENCES.names
            assert list(zip(*(c.tolist() for c in columns.values()), strict=True)) == [
                row for row in wanted if first <= row[0] <= last
            ]


def test_a_shard_in_pieces_gives_the_same_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occurrence_files, "GROUP_UNITS", 50)
    random = np.random.default_rng(1)
    keys, checks = random.integers(0, 1 << 64, (2, 333), np.uint64)
    units = (keys, checks, np.arange(333, dtype=np.uint64), np.zeros(333, np.uint32))
    layout = UnitLayout(4)
    whole = list(layout.groups([units]))
    cuts = [0, 1, 49, 50, 51, 200, 333]
    pieces = [tuple(column[a:b] for column in units) for a, b in itertools.pairwise(cuts)]
    assert list(layout.groups(pieces)) == whole  # type: ignore[arg-type]
    assert len(whole) == 4 * 7


def test_ranges_give_the_same_bytes_and_leave_nothing_behind(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    shards = [
        [
            (int(key), 0, shard << 32 | row, 5)
            for row, key in enumerate(
                random.integers(0, 1 << 8, 800, np.uint64) * np.uint64(SPREAD)
            )
        ]
        for shard in range(3)
    ]
    hashes = []
    for number, memory_bytes in enumerate((4_000, 30_000, 1 << 30)):
        work = FindWork("units", UnitLayout(2), memory_bytes)
        folder = tmp_path / str(number)
        _, found, _ = find(folder, shards, work)
        hashes.append([shard.sha256 for shard in found.shards])
        assert sorted(p.name for p in (folder / "find").iterdir()) == [
            "00000.arrow", "00001.arrow", "manifest.json",
        ]  # fmt: skip
    assert hashes[0] == hashes[1] == hashes[2]


def test_a_unit_that_is_everywhere_takes_one_slot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    capacities = []
    make = occurrences._table
    monkeypatch.setattr(
        occurrences, "_table", lambda capacity: capacities.append(capacity) or make(capacity)
    )
    shards: list[list[Row]] = [[(7, 7, row, 0) for row in range(200_000)]]
    _, found, _ = find(tmp_path, shards, FindWork("units", UnitLayout(64), 100_000))
    table = found.table().to_pydict()
    assert table["rank"] == list(range(200_000))
    assert set(table["count"]) == {200_000}
    assert max(capacities) < 5_000


def test_a_table_that_was_made_too_small_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All keys in one of many parts, so that far more are there than an even spread has."""
    shards: list[list[Row]] = [[(row // 2, 0, row, 0) for row in range(20_000)]]
    _, found, _ = find(tmp_path, shards, FindWork("units", UnitLayout(64), 1 << 20))
    assert found.table().column("rank").to_pylist() == [0, 1] * 10_000


def test_documents_out_of_order_are_told(tmp_path: Path) -> None:
    shards: list[list[Row]] = [[(1, 1, 5, 0)], [(1, 1, 4, 0)]]
    with pytest.raises(CorruptShard, match="do not come after"):
        find(tmp_path, shards, FindWork("units", UnitLayout(1), 1 << 20))


@dataclass(frozen=True)
class Rejected:
    work: dict[str, Any]
    message: str
    cases: ClassVar[tuple[tuple[dict[str, Any], str], ...]] = (
        ({"layout": UnitLayout(3), "method": "bloom"}, "power of two"),
        ({"layout": UnitLayout(8192), "method": "bloom"}, "power of two"),
        ({"min_count": 0}, "min_count"),
    )


@pytest.mark.parametrize(("fields", "message"), Rejected.cases)
def test_impossible_settings_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(FindWork("units", UnitLayout(1), 1 << 20), **fields)
    with pytest.raises(ValueError, match="parts"):
        UnitLayout(0)


@given(shards=unit_shards())
@settings(max_examples=30, deadline=None)
def test_a_filter_finds_all_repetitions_whatever_parts_and_memory(shards: list[list[Row]]) -> None:
    results = []
    with tempfile.TemporaryDirectory() as name:
        for parts, memory_bytes in ((1, 1 << 30), (1, 1), (4, 100), (16, 1 << 30)):
            work = FindWork("units", UnitLayout(parts), memory_bytes, method="bloom")
            _, found, _ = find(Path(name) / f"{parts}-{memory_bytes}", shards, work)
            results.append(sorted(tuple(r.values()) for r in found.table().to_pylist()))
    assert all(result == results[0] for result in results)
    assert {row[2:] for row in results[0]} <= {(1, 0)}
    repeated = {row[:2] for row in slow(shards, 2) if row[2] > 0}
    assert repeated <= {row[:2] for row in results[0]}


@pytest.mark.parametrize("false_positive_prob", [0.1, 0.01, 0.001])
def test_a_full_filter_errs_as_often_as_stated(false_positive_prob: float) -> None:
    random = np.random.default_rng(3)
    count = 400_000
    keys, checks, others, other_checks = random.integers(0, 1 << 64, (4, count), np.uint64)
    size = BloomSize(false_positive_prob)
    sizes = np.bincount(segment_numbers(keys), minlength=SEGMENTS)
    known = BloomFilter(size, 0, sizes)
    wrong_while_filling = known.add(keys, checks)
    assert known.add(keys, checks).all()
    bits = known._bits.copy()
    wrong = 0
    for start in range(0, count, 4000):  # a question adds too: put the filter back
        wrong += int(
            known.add(others[start : start + 4000], other_checks[start : start + 4000]).sum()
        )
        known._bits[:] = bits
    expected = false_positive_prob * count
    # the 4,000 of a block fill 1% more; segments of 98 units are of whole words
    assert expected * 0.55 < wrong < expected * 1.15 + 4 * expected**0.5
    assert wrong_while_filling.sum() < expected
    assert known.size_bytes * 8 < count * size.bits_per_unit * 1.15


def test_bits_of_a_unit_are_spread_over_a_large_segment() -> None:
    """Keys of a segment share their leading bits: that must not show in which bits they set."""
    random = np.random.default_rng(4)
    count = 200_000
    keys = random.integers(0, 1 << 52, count, np.uint64) | np.uint64(77 << 52)
    others = random.integers(0, 1 << 52, count, np.uint64) | np.uint64(77 << 52)
    checks, other_checks = random.integers(0, 1 << 64, (2, count), np.uint64)
    known = BloomFilter(BloomSize(0.01), 77, np.array([count]))
    known.add(keys, checks)
    bits, wrong = known._bits.copy(), 0
    for start in range(0, count, 2000):
        wrong += int(
            known.add(others[start : start + 2000], other_checks[start : start + 2000]).sum()
        )
        known._bits[:] = bits
    assert 0.85 * 2000 < wrong < 1.15 * 2000


def test_a_filter_beyond_all_measure_is_refused() -> None:
    with pytest.raises(StageError, match="segments"):
        BloomSize(0.01).words(np.array([1 << 30]))
    with pytest.raises(ValueError, match="false_positive_prob"):
        BloomSize(1.0)


@given(
    st.lists(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9))), min_size=1, max_size=5),
    st.integers(1, 4),
)
@settings(max_examples=100, deadline=None)
def test_spools_are_merged_in_order(runs: list[set[tuple[int, int]]], rows_at_once: int) -> None:
    dtype = np.dtype([("doc_id", "<u8"), ("position", "<u4")])
    taken: set[tuple[int, int]] = set()
    made, wanted = [], []
    for run in runs:
        rows = sorted(run - taken)
        taken |= run
        wanted += rows
        spool = spools.Spool(dtype, 20, None)
        spool.write([np.array([row[i] for row in rows], np.uint64) for i in range(2)])
        made.append(spool)
    found = [
        row
        for columns in spools.merged(made, rows_at_once)
        for row in zip(*(c.tolist() for c in columns), strict=True)
    ]
    assert found == sorted(wanted)
