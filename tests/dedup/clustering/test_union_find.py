"""Components and survivors against twins that relabel everything at every edge."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.clustering.union_find import elect, flatten, unite

edge = st.sampled_from([0, 1, (1 << 63), (1 << 64) - 1])
uint64 = st.one_of(edge, st.integers(0, (1 << 64) - 1))


def slow_components(count: int, pairs: list[tuple[int, int]]) -> list[int]:
    label = list(range(count))
    for left, right in pairs:
        low, high = sorted((label[left], label[right]))
        label = [low if each == high else each for each in label]
    return label


@given(st.data(), st.integers(1, 30), st.sampled_from([np.int32, np.int64]))
@settings(deadline=None)
def test_components_and_survivors_equal_the_twins(
    draw: st.DataObject, count: int, kind: type[np.generic]
) -> None:
    node = st.integers(0, count - 1)
    pairs = draw.draw(st.lists(st.tuples(node, node), max_size=40))
    wanted = draw.draw(st.lists(uint64 | st.integers(0, 2), min_size=count, max_size=count))
    parents = np.arange(count, dtype=kind)
    left, right = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    unite(parents, left, right)
    flatten(parents)
    roots = slow_components(count, pairs)
    assert parents.tolist() == roots
    sizes, survivors = np.zeros(count, np.uint32), np.zeros(count, kind)
    elect(parents, np.array(wanted, np.uint64), sizes, survivors)
    for root in set(roots):
        members = [x for x in range(count) if roots[x] == root]
        assert sizes[root] == len(members)
        assert survivors[root] == max(members, key=lambda x: (wanted[x], -x))
