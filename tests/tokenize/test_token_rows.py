import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.errors import StageError
from winnow.tokenize.keys import shuffle_keys
from winnow.tokenize.token_rows import KEY, TokenRows, cut, work_schema
from winnow.tokenize.token_shards import token_schema

VOCAB = 1000
ROWS = st.lists(
    st.tuples(
        st.lists(st.integers(0, VOCAB - 1), min_size=1, max_size=8),  # ids
        st.integers(0, 2**32 - 1),  # n_bytes
        st.sampled_from(["web", "books", "ärger"]),
    ),
    max_size=30,
)


def slow_cut(sizes, limit):
    runs = []
    start, total = 0, 0
    for row, size in enumerate(sizes):
        if row > start and total + size > limit:
            runs.append((start, row))
            start, total = row, 0
        total += size
    return [*runs, (start, len(sizes))] if sizes else []


@given(st.lists(st.integers(0, 20)), st.integers(0, 40))
def test_cut_makes_the_longest_runs_within_the_limit(sizes, limit):
    assert list(cut(np.array(sizes, np.int64), limit)) == slow_cut(sizes, limit)


def collected(rows, parts, doc_ids):
    """``rows`` added in ``parts`` calls."""
    found = TokenRows(VOCAB)
    for part in np.array_split(np.arange(len(rows)), parts):
        found.add(
            np.array([i for r in part for i in rows[r][0]], np.uint32),
            np.array([len(rows[r][0]) for r in part], np.int64),
            np.array([rows[r][1] for r in part], np.int64),
            np.array([doc_ids[r] for r in part], np.uint64),
            pa.array([rows[r][2] for r in part], pa.string()),
        )
    return found


@given(ROWS, st.integers(1, 4), st.integers(1, 20), st.integers(0, 99), st.booleans())
def test_batches_hold_all_rows_by_key(rows, parts, limit, seed, with_key):
    doc_ids = [7 * row for row in range(len(rows))]
    batches = list(collected(rows, parts, doc_ids).batches(seed, limit, with_key))
    schema = work_schema(VOCAB) if with_key else token_schema(VOCAB)
    assert all(batch.schema == schema for batch in batches)
    keys = shuffle_keys(np.array(doc_ids, np.uint64), seed).tolist()
    expected = []
    for key, doc_id, (ids, n_bytes, source) in sorted(zip(keys, doc_ids, rows, strict=True)):
        row = {"input_ids": ids, "n_bytes": n_bytes, "doc_id": doc_id, "source": source}
        expected.append({**row, KEY: key} if with_key else row)
    assert [row for batch in batches for row in batch.to_pylist()] == expected
    for batch in batches:
        assert len(batch.column("input_ids").values) <= limit or batch.num_rows == 1
        assert batch.column("source").dictionary.to_pylist() == sorted({r[2] for r in rows})


@given(ROWS, st.permutations(range(30)), st.integers(1, 4))
def test_how_rows_were_added_does_not_show(rows, order, parts):
    order = [row for row in order if row < len(rows)]
    one = collected(rows, 1, range(len(rows))).batches(5, 10, True)
    other = collected([rows[row] for row in order], parts, order).batches(5, 10, True)
    assert [b.serialize().to_pybytes() for b in one] == [b.serialize().to_pybytes() for b in other]


def test_no_rows_are_one_empty_batch():
    (batch,) = TokenRows(VOCAB).batches(0, 10, with_key=False)
    assert batch.num_rows == 0 and batch.schema == token_schema(VOCAB)


def test_ids_take_two_bytes_where_they_fit():
    for vocab_size, dtype in ((65_536, pa.uint16()), (65_537, pa.uint32())):
        rows = TokenRows(vocab_size)
        top = np.array([vocab_size - 1], np.uint32)
        rows.add(top, np.array([1]), np.array([1]), np.array([0]), pa.array(["web"]))
        (batch,) = rows.batches(0, 10, with_key=False)
        assert batch.column("input_ids").values.type == dtype
        assert batch.column("input_ids").to_pylist() == [[vocab_size - 1]]


def test_a_text_beyond_four_gigabytes_is_refused_by_its_id():
    rows = TokenRows(VOCAB)
    with pytest.raises(StageError, match=r"document 9 has 4,294,967,296 bytes"):
        rows.add(
            np.array([1, 2]), np.array([1, 1]), np.array([3, 2**32]), np.array([8, 9]),
            pa.array(["web", "web"]),
        )  # fmt: skip
