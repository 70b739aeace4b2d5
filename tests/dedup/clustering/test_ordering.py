"""Sorting by distribution, and edges of sorted rows, against plain twins."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.clustering.key_ranges import ordered, sort
from winnow.dedup.clustering.keys import key_range
from winnow.dedup.clustering.ordering import stars
from winnow.dedup.clustering.star_table import EMPTY, GOLDEN, rehash, unite_ids

LAST = (1 << 64) - 1
key = st.one_of(st.integers(0, 3), st.sampled_from([1 << 63, LAST]), st.integers(0, LAST))
row = st.tuples(key, st.integers(0, 2), st.integers(0, LAST - 1))


def columns(rows: list[tuple[int, int, int]]) -> list[np.ndarray]:
    return list(np.array(rows, np.uint64).reshape(-1, 3).T.copy())


@given(st.lists(row, max_size=80), st.booleans())
@settings(deadline=None)
def test_rows_come_in_order_of_key_check_and_doc_id(
    rows: list[tuple[int, int, int]], wide: bool
) -> None:
    keys, checks, doc_ids = columns(rows)
    found = sort(keys, checks if wide else np.zeros(0, np.uint64), doc_ids)
    if wide:
        triples = zip(*(c.tolist() for c in (found.keys, found.checks, found.doc_ids)), strict=True)
        assert list(triples) == sorted(rows)
    else:
        pairs = zip(found.keys.tolist(), found.doc_ids.tolist(), strict=True)
        assert list(pairs) == sorted((k, d) for k, _, d in rows)


@given(st.integers(1, 3000), st.integers(1, 5), st.booleans(), st.randoms())
@settings(deadline=None, max_examples=20)
def test_many_equal_keys_are_sorted_by_their_heap(
    count: int, kinds: int, ascending: bool, draw: st.random.Random
) -> None:
    rows = [(draw.randrange(kinds) << 60, draw.randrange(2), n) for n in range(count)]
    if not ascending:
        draw.shuffle(rows)
    found = sort(*columns(rows))
    triples = zip(*(c.tolist() for c in (found.keys, found.checks, found.doc_ids)), strict=True)
    assert list(triples) == sorted(rows)


@given(
    st.lists(st.lists(row, max_size=20), min_size=1, max_size=5), st.integers(1, 4),
    st.integers(1, 30), st.booleans(), st.data(),
)  # fmt: skip
@settings(deadline=None)
def test_pieces_of_many_files_are_their_rows_in_order(
    files: list[list[tuple[int, int, int]]], parts: int, at_once: int, wide: bool,
    draw: st.DataObject,
) -> None:  # fmt: skip
    part = draw.draw(st.integers(0, parts - 1))
    low, high = key_range(part, parts)
    files = [sorted(each for each in rows if low <= each[0] <= high) for rows in files]
    names = ("key", "check", "doc_id") if wide else ("key", "doc_id")
    given_ = []
    for rows in files:
        named = dict(zip(("key", "check", "doc_id"), columns(rows), strict=True))
        given_.append({name: named[name] for name in names})
    pieces = list(ordered(given_, part, parts, at_once))
    found = [
        each
        for piece in pieces
        for each in zip(
            piece.keys.tolist(),
            piece.checks.tolist() if wide else [0] * len(piece.keys),
            piece.doc_ids.tolist(),
            strict=True,
        )
    ]
    assert found == sorted((k, c if wide else 0, d) for rows in files for k, c, d in rows)
    for before, after in pairwise(pieces):
        assert before.keys[-1] < after.keys[0]
    for piece in pieces:
        assert len(piece.keys) <= 2 * at_once or len(set(piece.keys.tolist())) == 1


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1)), max_size=30), st.booleans())
@settings(deadline=None)
def test_stars_lead_from_the_first_of_equal_rows(pairs: list[tuple[int, int]], wide: bool) -> None:
    rows = sorted((k, c, n) for n, (k, c) in enumerate(pairs)) if wide else (
        sorted((k, 0, n) for n, (k, _) in enumerate(pairs))
    )  # fmt: skip
    keys, checks, doc_ids = columns(rows)
    first, other = np.zeros((2, len(rows)), np.uint64)
    count, groups = stars(keys, checks if wide else checks[:0], doc_ids, first, other)
    members: dict[tuple[int, int], list[int]] = {}
    for k, c, n in rows:
        members.setdefault((k, c), []).append(n)
    wanted = [(group[0], each) for group in members.values() for each in group[1:]]
    assert list(zip(first[:count].tolist(), other[:count].tolist(), strict=True)) == wanted
    assert groups == sum(len(group) > 1 for group in members.values())


def colliding(bits: int, count: int) -> list[int]:
    """doc_ids whose probes start at the last slot of a table."""
    inverse = pow(int(GOLDEN), -1, 1 << 64)
    top = ((1 << bits) - 1) << (64 - bits)
    return [(top + n) * inverse % (1 << 64) for n in range(count)]


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=40), st.booleans())
@settings(deadline=None)
def test_sets_survive_growing_and_collisions(pairs: list[tuple[int, int]], collide: bool) -> None:
    names = colliding(6, 20) if collide else list(range(20))
    edges = [(names[a], names[b]) for a, b in pairs]
    ids, parents = np.full(64, EMPTY), np.zeros(64, np.int32)
    left, right = np.array(edges, np.uint64).reshape(-1, 2).T.copy()
    done, used = unite_ids(left, right, 0, ids, parents, 6, 0, 32)
    assert done == len(edges)
    assert used == len({end for edge in edges for end in edge})
    larger_ids, larger = np.full(256, EMPTY), np.zeros(256, np.int32)
    rehash(ids, parents, larger_ids, larger, 8)
    sets = {end: {end} for edge in edges for end in edge}
    for a, b in edges:
        both = sets[a] | sets[b]
        sets |= dict.fromkeys(both, both)
    for table_ids, table in ((ids, parents), (larger_ids, larger)):
        found = {}
        for slot in np.flatnonzero(table_ids != EMPTY).tolist():
            root = slot
            while table[root] != root:
                root = int(table[root])
            found[int(table_ids[slot])] = int(table_ids[root])
        assert found == {each: min(members) for each, members in sets.items()}
