"""The best share of a run, against sorting everything in memory."""

from __future__ import annotations

import itertools
import math
import random
import tempfile
from fractions import Fraction
from typing import Any
from unittest import mock

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from winnow.errors import StageError
from winnow.hashing import keyed_hash
from winnow.pipeline import cut, top_share
from winnow.pipeline.bounds import Bound, TopShare, judge
from winnow.pipeline.cut import score_keys, score_of
from winnow.pipeline.fingerprint import canonical
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs
from winnow.pipeline.view import View
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.shards import ShardWriter, shard_file

DOCUMENTS = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),
        pa.field("text_bytes", pa.int64()),
        pa.field("extract_problem", pa.string()),
        pa.field("language", pa.string()),
        pa.field("length", pa.float64()),
        pa.field("score", pa.float64()),
        pa.field("other_score", pa.float64()),
    ]
)
VERDICTS = pa.schema([pa.field("verdict", pa.string())])
LIMIT = Bound(measure="length", min=2.0)

Rows = list[dict[str, Any]]


def write_store(path: str, schema: pa.Schema, shards: list[pa.Table]) -> str:
    folder = Folder(path)
    receipts = []
    for index, shard in enumerate(shards):
        with ShardWriter(folder, shard_file(index, "parquet"), schema) as writer:
            for batch in shard.to_batches():
                writer.write(batch)
        receipts.append(writer.receipt("f"))
    write_manifest(
        folder,
        kind="work",
        name="toy",
        fingerprint="f",
        schema=schema,
        config={},
        receipts=receipts,
    )
    return path


def as_table(rows: Rows, schema: pa.Schema) -> pa.Table:
    picked = [{name: row.get(name) for name in schema.names} for row in rows]
    return pa.Table.from_pylist(picked, schema)


def find_cuts(shards: list[Rows], bounds: tuple[Bound, ...]) -> tuple[top_share.Cuts, Rows]:
    """Both steps, as an executor would run them: the cuts, and the rows that they are read from."""
    with tempfile.TemporaryDirectory() as folder:
        documents, mask = (
            write_store(f"{folder}/{name}", schema, [as_table(rows, schema) for rows in shards])
            for name, schema in (("documents", DOCUMENTS), ("mask", VERDICTS))
        )
        stores: dict[str, str] = {}
        for draft in top_share.cut_drafts("cuts", bounds, len(shards), ()):
            assert set(draft.reads) == set(stores)
            inputs = Inputs(View(documents, (mask,)), dict(stores), 7, f"{folder}/{draft.name}")
            task = draft.work.open(inputs)
            tables = [
                pa.Table.from_batches(task(index, Tally()), draft.schema)
                for index in range(draft.shard_count)
            ]
            stores[draft.name] = write_store(inputs.folder, draft.schema, tables)
        store = Store.open(stores["cuts"])
        return top_share.read_cuts(store), store.table().to_pylist()


def kept_ids(rows: Rows, bounds: tuple[Bound, ...]) -> set[int]:
    """What a ledger with resolved ``bounds`` keeps, of the rows that reach it."""
    batch = pa.RecordBatch.from_pylist(
        [{name: row[name] for name in DOCUMENTS.names} for row in rows], DOCUMENTS
    )
    verdicts = judge(batch, bounds)[0].to_pylist()
    return {row["doc_id"] for row, verdict in zip(rows, verdicts, strict=True) if verdict == "kept"}


def is_ranked(row: dict[str, Any]) -> bool:
    reaches = row["verdict"] == "kept" and row["extract_problem"] is None
    return reaches and (row["length"] is None or row["length"] >= 2.0)


def expected(rows: Rows, bound: Bound) -> tuple[set[int], dict[str | None, tuple[int, int]]]:
    """The twin: everything in memory, sorted. doc_ids kept; label → (documents, weight)."""
    top = bound.top
    assert top is not None
    groups: dict[str | None, Rows] = {}
    kept = set()
    for row in filter(is_ranked, rows):
        if row[bound.measure] is None:
            kept.add(row["doc_id"])
        else:
            groups.setdefault(row[top.per] if top.per else None, []).append(row)
    taken = {}
    for label, members in groups.items():
        members.sort(key=lambda row: (-row[bound.measure], tie(row["doc_id"])))
        weights = [(row[top.by] or 0) if top.by else 1 for row in members]
        most = Fraction(repr(top.share)) * sum(weights)
        sums = list(itertools.accumulate(weights))
        number = sum(1 for reached in sums if reached <= most)
        kept |= {row["doc_id"] for row in members[:number]}
        taken[label] = (number, sums[number - 1] if number else 0)
    return kept, taken


def tie(doc_id: int) -> int:
    return int(keyed_hash(np.array([doc_id], np.uint64), 0)[0])


@st.composite
def corpora(draw: st.DrawFn) -> list[Rows]:
    """Shards of documents with few different scores, so that ties are the rule."""
    some_scores = draw(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=6))
    some_scores += draw(st.sampled_from([[], [0.0, -0.0], [0.5, math.nextafter(0.5, 1)]]))
    scores = st.one_of(st.none(), st.sampled_from(some_scores), st.floats(0, 1))
    row = st.fixed_dictionaries(
        {
            "text_bytes": st.one_of(st.none(), st.integers(0, 5), st.integers(0, 10**12)),
            "extract_problem": st.sampled_from([None, None, None, "empty"]),
            "verdict": st.sampled_from(["kept", "kept", "kept", None, "url_blocked"]),
            "language": st.sampled_from([None, "en", "de", ""]),
            "length": st.sampled_from([None, 1.0, 2.0, 9.0]),
            "score": scores,
            "other_score": scores,
        }
    )
    shards = draw(st.lists(st.lists(row, max_size=25), min_size=1, max_size=4))
    return [
        [{**row, "doc_id": shard << 32 | place} for place, row in enumerate(rows)]
        for shard, rows in enumerate(shards)
    ]


tops = st.builds(
    TopShare,
    share=st.sampled_from([1e-9, 0.1, 0.29, 1 / 3, 0.5, 0.999, 1.0]),
    by=st.sampled_from([None, "text_bytes"]),
    per=st.sampled_from([None, "language"]),
)


@settings(max_examples=80, deadline=None)
@given(corpora(), tops, tops, st.sampled_from([1, 3, 1000]), st.integers(1, 4))
def test_exactly_the_best_are_kept(
    shards: list[Rows], top: TopShare, other: TopShare, collected_rows: int, fine_bits: int
) -> None:
    rows = [row for shard in shards for row in shard]
    bounds = (
        Bound(measure="score", top=top),
        LIMIT,
        Bound(measure="other_score", top=other),
    )
    with (
        mock.patch.object(top_share, "COLLECTED_ROWS", collected_rows),
        mock.patch.object(top_share, "REFINED_GROUPS", 2),
        mock.patch.object(cut, "FINE_BITS", fine_bits),
    ):
        cuts, table = find_cuts(shards, bounds)
    ranked = [row for row in rows if is_ranked(row)]
    both = {row["doc_id"] for row in ranked}
    for bound in (bounds[0], bounds[2]):
        wanted, taken = expected(rows, bound)
        resolved = top_share.resolve((bound,), cuts)
        assert kept_ids(ranked, resolved) == wanted
        found = {r["label"]: r for r in table if r["measure"] == bound.measure}
        assert {k: (r["documents"], r["weight"]) for k, r in found.items()} == taken
        assert all(0 <= r["share"] <= bound.top.share or r["share"] == 1 for r in found.values())
        both &= wanted
    assert kept_ids(ranked, top_share.resolve(bounds, cuts)) == both


def test_the_cut_does_not_depend_on_how_documents_are_sharded() -> None:
    choice = random.Random(4)
    rows = [
        {
            "doc_id": choice.getrandbits(64),
            "text_bytes": choice.randrange(1000),
            "language": choice.choice(["en", "de"]),
            "score": round(choice.random(), 2),
            "verdict": "kept",
        }
        for _ in range(5000)
    ]
    bounds = (Bound(measure="score", top=TopShare(share=0.1, by="text_bytes", per="language")),)
    found = []
    for count in (1, 2, 7):
        choice.shuffle(rows)
        found.append(find_cuts([rows[i::count] for i in range(count)], bounds))
    assert found[0] == found[1] == found[2]
    assert [row["label"] for row in found[0][1]] == ["de", "en"]
    assert all(0.099 < row["share"] <= 0.1 for row in found[0][1])


def some(scores: list[float], **columns: Any) -> Rows:
    return [
        {"doc_id": n, "score": score, "verdict": "kept", **columns}
        for n, score in enumerate(scores)
    ]


def test_a_share_is_meant_as_it_is_written() -> None:
    rows = some([float(n) for n in range(100)])
    for share, number in ((0.29, 29), (0.1, 10), (0.57, 57), (0.009, 0), (1.0, 100)):
        cuts, (row,) = find_cuts([rows], (Bound(measure="score", top=TopShare(share=share)),))
        assert row["documents"] == number
        assert len(cuts["score"]) == 1 and math.isfinite(row["score"])


def test_many_equal_scores_are_parted_in_few_passes() -> None:
    rows = some([0.0] * 3000 + [1.0])
    bounds = (Bound(measure="score", top=TopShare(share=0.5)),)
    passes = []

    def counted(*arguments: Any) -> None:
        passes.append(1)
        one_pass(*arguments)

    one_pass = top_share._one_pass
    with (
        mock.patch.object(top_share, "COLLECTED_ROWS", 100),
        mock.patch.object(cut, "FINE_BITS", 6),
        mock.patch.object(top_share, "_one_pass", counted),
    ):
        _, (row,) = find_cuts([rows], bounds)
    assert row["documents"] == 1500 and row["score"] == 0.0
    assert len(passes) == 2  # ties in bins, then those of one bin


def test_a_limit_and_a_top_share_on_one_measure() -> None:
    rows = some([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    bound = Bound(measure="score", min=0.3, top=TopShare(share=0.5))
    cuts, _ = find_cuts([rows], (bound,))
    (resolved,) = top_share.resolve((bound,), cuts)
    table = as_table(rows, DOCUMENTS).combine_chunks().to_batches()[0]
    verdict, value, limit, margin, broken = judge(table, (resolved,))
    assert verdict.to_pylist() == ["score"] * 4 + ["kept"] * 2
    assert value.to_pylist()[:4] == [0.1, 0.2, 0.3, 0.4]
    assert limit.to_pylist() == [0.3, 0.3, 0.5, 0.5, None, None]
    assert margin.to_pylist()[2] == pytest.approx(-0.4)
    assert margin.to_pylist()[4] == 0.0  # the last one kept
    assert broken.to_pylist() == [1, 1, 1, 1, 0, 0]


def test_what_has_no_score_or_no_cut_is_kept_and_equal_scores_have_a_margin() -> None:
    tied = sorted(range(4), key=tie)
    bound = Bound(
        measure="score",
        top=TopShare(share=0.5, per="language", cuts=(("en", 0.5, tie(tied[1])),)),
    )
    rows = some([0.5] * 4, language="en")
    rows += [{"doc_id": 9, "score": None, "language": "en"}]
    rows += [{"doc_id": 10, "score": 0.0, "language": "de"}]
    rows += [{"doc_id": 11, "score": 0.0, "language": None}]
    batch = as_table(rows, DOCUMENTS).combine_chunks().to_batches()[0]
    assert kept_ids_of(batch, bound) == {tied[0], tied[1], 9, 10, 11}
    margins = bound.margins(batch)[0]
    assert (margins[tied[2:]] == -np.finfo(float).eps).all() and (margins[tied[:2]] == 0).all()
    unresolved = Bound(measure="score", top=TopShare(share=0.1))
    assert kept_ids_of(batch, unresolved) == {*range(4), 9, 10, 11}


def kept_ids_of(batch: pa.RecordBatch, bound: Bound) -> set[int]:
    verdicts = judge(batch, (bound,))[0].to_pylist()
    return {
        doc_id
        for doc_id, verdict in zip(batch.column("doc_id").to_pylist(), verdicts, strict=True)
        if verdict == "kept"
    }


def test_no_documents_give_no_cuts() -> None:
    cuts, table = find_cuts([[], []], (Bound(measure="score", top=TopShare(share=0.1)),))
    assert cuts == {} and table == []
    (resolved,) = top_share.resolve((Bound(measure="score", top=TopShare(share=0.1)),), cuts)
    assert resolved.top is not None and resolved.top.cuts == ()


def test_what_cannot_be_shared_out() -> None:
    for by, kind in (("length", "double"), ("language", "string")):
        bound = Bound(measure="score", top=TopShare(share=0.1, by=by))
        with pytest.raises(StageError, match=f"'{by}' is of type {kind}"):
            find_cuts([some([1.0])], (bound,))
    bound = Bound(measure="score", top=TopShare(share=0.1, by="text_bytes"))
    with pytest.raises(StageError, match="'text_bytes' is below 0 in shard 1"):
        find_cuts([some([1.0]), some([1.0], text_bytes=-1)], (bound,))


@given(st.lists(st.floats(allow_nan=False), max_size=20))
def test_keys_are_in_the_order_of_scores_and_lead_back(scores: list[float]) -> None:
    keys = score_keys(np.array(scores, np.float64)).tolist()
    assert [scores[i] for i in sorted(range(len(keys)), key=lambda i: -keys[i])] == sorted(scores)
    assert [score_of(key) for key in keys] == scores


def test_the_description_has_a_canonical_form() -> None:
    bounds = (Bound(measure="score", top=TopShare(share=0.1)), LIMIT)
    for draft in top_share.cut_drafts("cuts", bounds, 3, ("measures",)):
        assert canonical(draft.work, "work")["bounds"][0]["top"]["share"] == 0.1
