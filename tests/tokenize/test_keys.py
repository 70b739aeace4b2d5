import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.tokenize.keys import KEYS, KeyRange, salted_keys, shuffle_keys, split_shards

SHARES = st.one_of(
    st.just(0.0), st.floats(0, 1, exclude_max=True), st.sampled_from([1e-19, 1e-25, 1 - 2**-53])
)


@given(SHARES, st.integers(1, 50), st.integers(0, 50), st.lists(st.integers(0, KEYS - 1)))
def test_every_key_lies_in_exactly_one_shard(share, train, validation, keys):
    shards = split_shards(share, train, validation)
    assert [s.split for s in shards] == ["train"] * train + ["validation"] * validation
    ordered = np.array(sorted([*keys, 0, KEYS - 1]), np.uint64)
    places = [shard.keys.rows(ordered) for shard in shards]
    covered = sorted(row for place in places for row in range(place.start, place.stop))
    assert covered == list(range(len(ordered)))
    border = int(share * KEYS) if validation else 0
    for shard, place in zip(shards, places, strict=True):
        for key in ordered[place].tolist():
            assert (key < border) == (shard.split == "validation")


@given(st.lists(st.integers(0, KEYS - 1)), st.integers(0, KEYS - 1), st.integers(-1, KEYS - 1))
def test_rows_of_a_range_are_those_inside_it(keys, first, last):
    ordered = np.array(sorted(keys), np.uint64)
    inside = [key for key in sorted(keys) if first <= key <= last]
    assert ordered[KeyRange(first, last).rows(ordered)].tolist() == inside


@given(st.sets(st.integers(0, KEYS - 1), max_size=200), st.integers(0, 2**70))
def test_unequal_documents_have_unequal_keys(doc_ids, seed):
    keys = shuffle_keys(np.array(sorted(doc_ids), np.uint64), seed)
    assert keys.dtype == np.uint64
    assert len(np.unique(keys)) == len(doc_ids)


def test_keys_differ_by_seed_and_by_purpose():
    doc_ids = np.arange(1000, dtype=np.uint64)
    first = shuffle_keys(doc_ids, 0)
    assert (first == salted_keys(doc_ids, "shuffle", 0)).all()
    for other in (shuffle_keys(doc_ids, 1), salted_keys(doc_ids, "sample", 0)):
        assert abs(np.corrcoef(first.astype(float), other.astype(float))[0, 1]) < 0.1


@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_keys_of_neighbouring_documents_are_uniform(seed):
    """Chi-squared over 64 cells, for ids as they are: few splits, rows from 0."""
    doc_ids = np.concatenate([(s << 32) + np.arange(2000) for s in range(8)]).astype(np.uint64)
    cells = np.bincount((shuffle_keys(doc_ids, seed) >> np.uint64(58)).astype(int), minlength=64)
    expected = len(doc_ids) / 64
    assert ((cells - expected) ** 2 / expected).sum() < 120  # p < 1e-5 for 63 degrees of freedom
