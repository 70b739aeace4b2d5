"""From keys to clusters: equal to scipy's components for any keys, however the work is cut."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from winnow.dedup.clustering.keys import KeyLayout, likely_firsts

Document = tuple[int, list[int], int]
LAST = (1 << 64) - 1


def scipy_clusters(documents: list[Document]) -> dict[int, tuple[int, int, int]]:
    """What share a key (in the same band), as components of scipy's."""
    ids = [doc_id for doc_id, _, _ in documents]
    holders: dict[tuple[int, int], list[int]] = {}
    for place, (_, keys, _) in enumerate(documents):
        for band, key in enumerate(keys):
            holders.setdefault((band, key), []).append(place)
    pairs = [(group[0], other) for group in holders.values() for other in group[1:]]
    left, right = np.array(pairs, int).reshape(-1, 2).T
    shape = (len(ids), len(ids))
    graph = coo_array((np.ones(len(pairs)), (left, right)), shape=shape)
    labels = connected_components(graph, directed=False)[1] if ids else []
    members: dict[int, list[int]] = {}
    for place, label in enumerate(labels):
        members.setdefault(int(label), []).append(place)
    found = {}
    for group in members.values():
        if len(group) > 1:
            survivor = max(group, key=lambda place: (documents[place][2], -ids[place]))
            smallest = min(ids[place] for place in group)
            found |= {ids[place]: (smallest, len(group), ids[survivor]) for place in group}
    return found


key = st.one_of(st.integers(0, 6), st.sampled_from([1 << 63, LAST, LAST - 1]), st.integers(0, LAST))


@st.composite
def inputs(draw: Any) -> tuple[int, list[list[Document]]]:
    """(bands, shards of documents); shards' ranges of doc_ids may overlap."""
    bands = draw(st.integers(1, 3))
    counts = draw(st.lists(st.integers(0, 8), min_size=1, max_size=7))
    apart = draw(st.booleans())
    keys = st.lists(key, min_size=bands, max_size=bands)
    shards = [
        [
            (
                number << 32 | row if apart else number + row * len(counts),
                draw(keys),
                draw(st.integers(0, 3)),
            )
            for row in range(count)
        ]
        for number, count in enumerate(counts)
    ]
    return bands, shards


@given(
    inputs(), st.integers(1, 4), st.booleans(), st.integers(0, 3), st.integers(1, 4),
    st.sampled_from([1, 40, 300, 1_000_000]),
)  # fmt: skip
@settings(deadline=None, max_examples=20)
def test_any_keys_in_any_cut_give_the_components_of_scipy(
    flow: Callable[..., Any], given_: tuple[int, list[list[Document]]], parts: int, wide: bool,
    files: int, partitions: int, memory: int,
) -> None:  # fmt: skip
    bands, shards = given_
    if wide:  # the check is made of the first band's key, so that equal keys may differ
        bands, shards = 1, [[(d, keys[:1], p) for d, keys, p in shard] for shard in shards]
    layout = KeyLayout(bands, parts, wide)
    with tempfile.TemporaryDirectory() as name:
        made = flow(
            Path(name), layout, shards, min(files, len(shards)), partitions,
            bucket_memory_bytes=memory,
        )  # fmt: skip
        assert made.run() == scipy_clusters([each for shard in shards for each in shard])


def corpus(shards: int, rows: int, kinds: int, seed: int = 0) -> list[list[Document]]:
    draw = random.Random(seed)
    return [
        [
            (number << 32 | row, [draw.randrange(kinds) << 50 for _ in range(2)], draw.randrange(9))
            for row in range(rows)
        ]
        for number in range(shards)
    ]


def hashes(store: Any) -> list[str]:
    return [shard.sha256 for shard in store.shards]


@pytest.mark.parametrize("partitions", [1, 3])
def test_merging_changes_no_byte_of_edges_and_clusters(
    tmp_path: Path, flow: Callable[..., Any], partitions: int
) -> None:
    layout = KeyLayout(2, 3, wide=False)
    shards = corpus(9, 30, 400)
    plain = flow(tmp_path / "plain", layout, shards, 0, partitions)
    plain.run()
    for files in (1, 2, 4, 9):
        merged = flow(tmp_path / str(files), layout, shards, files, partitions)
        merged.run()
        for step in ("dups-bucket", "dups-cluster"):
            assert hashes(merged.stores[step]) == hashes(plain.stores[step])
        assert len(merged.stores["dups-merge"].shards) == files


@pytest.mark.parametrize("memory", [1, 64, 1000, 20_000])
def test_memory_changes_no_byte_of_edges(
    tmp_path: Path, flow: Callable[..., Any], memory: int
) -> None:
    layout = KeyLayout(2, 2, wide=True)
    # with memory for nothing every key is a run, and a file, of its own
    rows = 30 if memory == 1 else 200
    keys = corpus(4, rows, 3 * rows // 4)
    shards = [[(d, [k[0]] * 2, p) for d, k, p in shard] for shard in keys]
    plain = flow(tmp_path / "plain", layout, shards)
    small = flow(tmp_path / "small", layout, shards, bucket_memory_bytes=memory)
    for each in (plain, small):
        each.sign()
        each.make(each.drafts()[0])
    assert hashes(small.stores["dups-bucket"]) == hashes(plain.stores["dups-bucket"])


def test_a_merged_file_holds_what_one_shard_of_its_documents_would(
    tmp_path: Path, flow: Callable[..., Any]
) -> None:
    layout = KeyLayout(2, 4, wide=False)
    shards = corpus(7, 50, 60)
    merged = flow(tmp_path / "merged", layout, shards, 3)
    merged.sign()
    store = merged.make(merged.drafts()[0])
    whole = [
        [each for shard in shards[first:end] for each in shard]
        for first, end in ((0, 2), (2, 4), (4, 7))
    ]
    plain = flow(tmp_path / "plain", layout, whole)
    plain.sign()
    assert hashes(store) == hashes(plain.stores["dups-sign"])
    assert (likely_firsts(store) >> np.uint64(32)).tolist() == [0, 2, 4, 7]
    assert (likely_firsts(merged.stores["dups-sign"]) >> np.uint64(32)).tolist() == list(range(8))


SHAPES = {
    "equal": lambda i, n: [0, 0],
    "star": lambda i, n: [0 if i % 2 else i, 0 if i % 3 == 0 else i],
    "chain": lambda i, n: [i // 2, (i + 1) // 2 + n],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("partitions", [1, 5])
def test_giant_clusters_move_no_more_rows_than_their_documents(
    tmp_path: Path, flow: Callable[..., Any], shape: str, partitions: int
) -> None:
    """Operations, not seconds: keys read, edges made, edges that each elimination takes in."""
    moved = []
    for count in (2_000, 8_000):
        numbers = list(range(count))
        random.Random(5).shuffle(numbers)
        documents = [
            (n % 4 << 32 | n // 4, [k << 40 for k in SHAPES[shape](i, count)], i % 7)
            for i, n in enumerate(numbers)
        ]
        shards = [sorted(d for d in documents if d[0] >> 32 == s) for s in range(4)]
        made = flow(tmp_path / f"{count}", KeyLayout(2, 2, False), shards, 2, partitions)
        assert made.run() == scipy_clusters(documents)
        counters = {name: store.counters for name, store in made.stores.items()}
        assert counters["dups-bucket"]["keys"] == 2 * count
        assert counters["dups-bucket"]["edges"] <= 2 * count
        moved.append(sum(c.get("edges", 0) for c in counters.values()))
    assert moved[1] <= 4.2 * moved[0]
