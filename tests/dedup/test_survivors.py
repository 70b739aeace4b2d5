"""Preferences order documents as the policy says, and what has no value comes last."""

from __future__ import annotations

import itertools
import math
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.exact import Exact
from winnow.dedup.minhash import MinHash
from winnow.dedup.preferred import MAX_ENTRIES, Preferred
from winnow.dedup.survivors import Keep, Policy, check_policy, ordered
from winnow.errors import PlanError
from winnow.pipeline.fingerprint import canonical
from winnow.schema import DOCUMENTS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = pa.schema(
    [
        pa.field("doc_id", pa.uint64()), pa.field("text", pa.large_string()),
        pa.field("crawl_date", pa.timestamp("s", tz="UTC")), pa.field("domain", pa.string()),
        pa.field("source", pa.dictionary(pa.int32(), pa.string())),
        pa.field("score", pa.float64()), pa.field("words", pa.int64()),
    ]
)  # fmt: skip
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=5)
# few values, so that many documents are equal in some; the largest is a first day of year 2128
rows = st.fixed_dictionaries(
    {
        "doc_id": st.integers(0, 3) | st.integers(0, (1 << 56) - 1),
        "text": texts,
        "crawl_date": st.none()
        | st.integers(-5_000_000_000, 5_000_000_000).map(lambda s: EPOCH + timedelta(seconds=s)),
        "domain": st.none()
        | st.sampled_from(["example.org", "www.example.org", "badexample.org", "a.gov", "x.com"]),
        "source": st.none() | st.sampled_from(["web", "books"]),
        "score": st.none()
        | st.sampled_from([0.0, -0.0, 0.5, math.inf, -math.inf, math.nan])
        | st.floats(width=32),
        "words": st.none() | st.integers(-9, 9) | st.integers(-(1 << 54), 1 << 54),
    }
)
POLICIES: list[tuple[Keep, str | None]] = [
    ("longest", None), ("shortest", None), ("first", None), ("last", None), ("earliest", None),
    ("latest", None), ("highest", "score"), ("lowest", "score"), ("highest", "words"),
    ("lowest", "words"), ("highest", "words / 4 - (source == 'web')"), ("lowest", "text_chars"),
    ("highest", "crawl_date"), ("datatrove-0.10", None),
]  # fmt: skip
PREFER: list[tuple[str, ...]] = [
    (),
    ("domain:Example.org",),
    ("source:books", "domain:*.gov", "domain:*ample*"),
    ("domain:x.com", "source:b*"),
]


def slow_number(keep: str, by: str | None, row: dict[str, Any]) -> float | int | None:
    """Greater is preferred, None is least."""
    if keep in ("first", "datatrove-0.10"):
        return 0
    value: Any = {
        "longest": len(row["text"]), "shortest": len(row["text"]), "last": row["doc_id"],
        "earliest": row["crawl_date"] and (row["crawl_date"] - EPOCH).total_seconds(),
        "latest": row["crawl_date"] and (row["crawl_date"] - EPOCH).total_seconds(),
    }.get(keep)  # fmt: skip
    if by in ("score", "words"):
        value = row[by]
    elif by == "text_chars":
        value = len(row["text"])
    elif by == "crawl_date":
        value = row[by] and (row[by] - EPOCH).total_seconds()
    elif by is not None:
        known = row["words"] is not None and row["source"] is not None
        value = row["words"] / 4 - (row["source"] == "web") if known else None
    if value is None or value != value:
        return None
    return -value if keep in ("shortest", "earliest", "lowest") else value


def slow_rank(prefer: tuple[str, ...], row: dict[str, Any]) -> int:
    for place, entry in enumerate(prefer):
        column, _, wanted = entry.partition(":")
        value = row[column]
        if value is None:
            continue
        wanted = wanted.lower()
        pieces = wanted.split("*")
        if len(pieces) == 1:
            hit = value == wanted or (column == "domain" and value.endswith("." + wanted))
        else:
            hit = value.startswith(pieces[0]) and value.endswith(pieces[-1])
            hit = hit and all(piece in value for piece in pieces)
        if hit:
            return len(prefer) - place
    return 0


@pytest.mark.parametrize(("keep", "by"), POLICIES)
@given(st.lists(rows, max_size=8), st.sampled_from(PREFER))
@settings(deadline=None, max_examples=30)
def test_preferences_order_documents_as_a_slow_key_does(
    keep: Keep, by: str | None, documents: list[dict[str, Any]], prefer: tuple[str, ...]
) -> None:
    if keep == "datatrove-0.10":
        prefer = ()
    policy = Policy.parse(keep, by, prefer, COLUMNS, "minhash")
    batch = pa.RecordBatch.from_pylist(documents, COLUMNS)
    found = policy.preferences(batch.select(list(policy.columns) or ["doc_id"]))
    assert found.dtype == np.uint64 and found.shape == (len(documents),)
    keys = [(slow_rank(prefer, row), slow_number(keep, by, row)) for row in documents]
    ranked = [(rank, -math.inf if n is None else n, n is not None) for rank, n in keys]
    for one, other in itertools.combinations(range(len(documents)), 2):
        a, b = int(found[one]), int(found[other])
        assert (a > b) - (a < b) == (ranked[one] > ranked[other]) - (ranked[one] < ranked[other])
    assert max(found.tolist(), default=0) < (1 << 64) - 1


@given(st.lists(st.none() | st.floats(), max_size=8), st.booleans())
@settings(deadline=None)
def test_fractions_keep_their_order_in_56_bits_but_for_ties(
    values: list[float | None], least_wins: bool
) -> None:
    column = pa.array(values, pa.float64(), from_pandas=False)
    all_bits = ordered(column, least_wins, 64).tolist()
    some_bits = ordered(column, least_wins, 56).tolist()
    for (a, short_a), (b, short_b) in itertools.combinations(
        zip(all_bits, some_bits, strict=True), 2
    ):
        assert short_a < 1 << 56 and (a == 0) == (short_a == 0)
        if a < b:
            assert short_a <= short_b
        if short_a == short_b and a and b:
            assert abs(a - b) < 1 << 8 or min(a, b) < 1 << 8


def test_what_56_bits_lose() -> None:
    near = pa.array([1.0, 1 + 2.0**-44, 1 + 2.0**-45], pa.float64())
    one, next_up, lost = ordered(near, False, 56).tolist()
    assert one < next_up and lost == one
    whole = pa.array([2**55 - 1, 2**55, -(2**55), -(2**55) - 1, 2**62], pa.int64())
    a, b, c, d, e = ordered(whole, False, 56).tolist()
    assert a == b == e > c == d == 1  # the place that "no value" leaves free
    ids = pa.RecordBatch.from_pydict(
        {"doc_id": pa.array([2**56 - 1, 2**56], pa.uint64()), "domain": ["x", "x"]}
    )
    columns = pa.schema([("doc_id", pa.uint64()), ("domain", pa.string())])
    policy = Policy.parse("last", None, ("domain:x",), columns, "minhash")
    assert len(set(policy.preferences(ids).tolist())) == 1


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        (pa.int64(), -(1 << 63), (1 << 63) - 1),
        (pa.uint64(), 0, (1 << 64) - 1),
        (pa.int8(), -128, 127),
    ],
)
def test_any_whole_number_beats_none_and_sorts_as_a_number(
    kind: pa.DataType, least: int, most: int
) -> None:
    values = [least + 2, None, most - 2, least + 3, (least + most) // 2, most - 3]
    for least_wins in (False, True):
        found = ordered(pa.array(values, kind), least_wins, 64).tolist()
        order = sorted((v for v in values if v is not None), reverse=least_wins)
        assert [values[i] for i in np.argsort(np.array(found, np.uint64))] == [None, *order]
        ends = ordered(pa.array([least, most, None], kind), least_wins, 64).tolist()
        assert min(ends[:2]) > ends[2] == 0


def test_last_is_the_greatest_doc_id_and_first_a_tie() -> None:
    ids = pa.RecordBatch.from_pydict({"doc_id": pa.array([3, 1 << 63, 5], pa.uint64())})
    last, first = (Policy.parse(keep, None, (), DOCUMENTS, "x") for keep in ("last", "first"))
    assert last.preferences(ids).tolist() == [3, 1 << 63, 5]
    assert first.preferences(ids).tolist() == [0, 0, 0]


def test_datatroves_choice_reads_nothing_and_prefers_nobody() -> None:
    policy = Policy.parse("datatrove-0.10", None, (), DOCUMENTS, "minhash")
    assert policy.columns == ()
    with pytest.raises(ValueError, match="leaves nothing to prefer"):
        check_policy("datatrove-0.10", None, ("source:x",))


@pytest.mark.parametrize("kind", [Exact, MinHash])
def test_keep_by_goes_with_highest_and_lowest_only(kind: type[Any]) -> None:
    with pytest.raises(ValueError, match="keep_by"):
        kind(keep="highest")
    with pytest.raises(ValueError, match="keep_by"):
        kind(keep="longest", keep_by="quality_score")


def test_what_the_plan_refuses() -> None:
    def parse(by: str | None, prefer: tuple[str, ...] = ()) -> None:
        Policy.parse("highest", by, prefer, DOCUMENTS, "minhash")

    with pytest.raises(PlanError, match="reads column 'quality_score'"):
        parse("quality_score")
    with pytest.raises(PlanError, match="keep_by = 'url' is a column of string"):
        parse("url")
    with pytest.raises(PlanError, match=r"reads column 'text_byts'.*Did you mean 'text_bytes'"):
        parse("text_byts * 2")
    with pytest.raises(PlanError, match=r"reads column 'domian'.*Did you mean 'domain'"):
        parse("text_bytes", ("domian:x",))
    with pytest.raises(PlanError, match="prefer names 'text_bytes', a column of int64"):
        parse("text_bytes", ("text_bytes:5",))
    with pytest.raises(PlanError, match="is not column:value"):
        parse("text_bytes", ("example.org",))
    with pytest.raises(PlanError, match="keep_by"):
        parse(None)


@pytest.mark.parametrize("entry", ["", "domain", "domain:", ":x", " : "])
def test_an_entry_that_prefers_nothing_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="is not column:value"):
        check_policy("longest", None, (entry,))


def test_255_entries_are_the_most_and_each_has_a_rank() -> None:
    values = [f"v{i}" for i in range(MAX_ENTRIES)]
    preferred = Preferred.parse(tuple(f"source:{value}" for value in values))
    batch = pa.RecordBatch.from_pydict({"source": [*values, "other", None]})
    assert preferred.ranks(batch).tolist() == [*range(MAX_ENTRIES, 0, -1), 0, 0]
    with pytest.raises(ValueError, match="256 entries; 255 are the most"):
        Preferred.parse(("source:x",) * 256)


def test_a_value_may_have_colons_and_signs() -> None:
    columns = pa.RecordBatch.from_pydict({"url": ["http://a.b/?x", "http://a.b/+x", "https://a"]})
    preferred = Preferred.parse(("url:http://a.b/?x", "url:http:*"))
    assert preferred.ranks(columns).tolist() == [2, 1, 0]


def test_a_policy_is_plain_data() -> None:
    policy = Policy.parse("highest", "score + words", ("source:web",), COLUMNS, "minhash")
    assert policy.columns == ("score", "words", "source")
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert canonical(policy)["keep_by"] == "score + words"
