"""Keys are parted without loss, and equal keys become stars."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.clustering.key_ranges import sort
from winnow.dedup.clustering.keys import KeyLayout, key_range
from winnow.dedup.clustering.ordering import stars

LAST = (1 << 64) - 1
key = st.one_of(st.integers(0, 3), st.sampled_from([1 << 63, LAST]), st.integers(0, LAST))


@given(st.integers(1, 5000))
def test_parts_cover_all_keys_without_overlap(parts: int) -> None:
    ranges = [key_range(part, parts) for part in range(parts)]
    assert ranges[0][0] == 0 and ranges[-1][1] == LAST
    assert all(before[1] + 1 == after[0] for before, after in pairwise(ranges))


@given(st.integers(1, 100), st.integers(1, 100))
def test_narrower_ranges_lie_within_their_part(parts: int, passes: int) -> None:
    for part in {0, parts - 1}:
        narrow = [key_range(i, parts * passes) for i in range(part * passes, (part + 1) * passes)]
        assert (narrow[0][0], narrow[-1][1]) == key_range(part, parts)


@given(st.lists(st.tuples(key, key, key), max_size=30), st.integers(1, 5), st.booleans(), st.data())
@settings(deadline=None)
def test_a_batch_holds_its_band_and_part_sorted_by_key(
    rows: list[tuple[int, int, int]], parts: int, wide: bool, draw: st.DataObject
) -> None:
    count = len(rows)
    doc_ids = np.array(draw.draw(st.permutations(range(count))), np.uint64)
    keys = np.array([row[:2] for row in rows], np.uint64).reshape(count, 2)
    preferences = np.array([row[2] for row in rows], np.uint64)
    layout = KeyLayout(bands=2, parts=parts, wide=wide)
    checks = preferences ^ np.uint64(5) if wide else None
    batches = list(layout.batches(keys, checks, doc_ids, preferences))
    assert len(batches) == 2 * parts + 1
    assert all(batch.schema == layout.schema for batch in batches)
    for band in range(2):
        found = []
        for part in range(parts):
            columns = batches[band * parts + part].to_pydict()
            low, high = key_range(part, parts)
            assert all(low <= each <= high for each in columns["key"])
            assert columns["key"] == sorted(columns["key"])
            found += list(zip(*columns.values(), strict=True))
        tails = doc_ids[:, None] if checks is None else np.column_stack([checks, doc_ids])
        wanted = np.column_stack([keys[:, band], tails]).tolist() if count else []
        assert sorted(found) == sorted(map(tuple, wanted))
    last = batches[-1].to_pydict()
    assert last["doc_id"] == list(range(count))
    assert dict(zip(doc_ids.tolist(), preferences.tolist(), strict=True)) == dict(
        zip(last["doc_id"], last["key"], strict=True)
    )


small = st.integers(0, 3)


@given(st.lists(st.tuples(small, small), max_size=40), st.booleans(), st.randoms())
@settings(deadline=None)
def test_edges_lead_from_the_smallest_document_of_each_bucket_to_every_other(
    pairs: list[tuple[int, int]], wide: bool, shuffle: st.random.Random
) -> None:
    doc_ids = [(i * 7) << 33 for i in range(len(pairs))]
    shuffle.shuffle(doc_ids)
    buckets: dict[tuple[int, int], list[int]] = {}
    for (each, check), doc_id in zip(pairs, doc_ids, strict=True):
        buckets.setdefault((each, check if wide else 0), []).append(doc_id)
    wanted = [
        (min(members), other)
        for _, members in sorted(buckets.items())
        for other in sorted(members)[1:]
    ]
    keys, checks = np.array(pairs, np.uint64).reshape(-1, 2).T
    rows = sort(keys, checks if wide else np.zeros(0, np.uint64), np.array(doc_ids, np.uint64))
    first, other = (np.empty(len(keys), np.uint64) for _ in range(2))
    edges, count = stars(rows.keys, rows.checks, rows.doc_ids, first, other)
    found = list(zip(first[:edges].tolist(), other[:edges].tolist(), strict=True))
    assert found == wanted
    assert count == sum(len(members) > 1 for members in buckets.values())
