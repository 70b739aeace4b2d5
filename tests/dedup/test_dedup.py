"""Whole blocks, over stores: verdicts equal a brute-force twin however the work is cut."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.exact import Exact
from winnow.dedup.minhash import MinHash
from winnow.dedup.signing.normalise import chunk_pieces
from winnow.dedup.signing.signatures import Signers
from winnow.errors import PlanError
from winnow.pipeline.fingerprint import canonical
from winnow.pipeline.step import PlanContext
from winnow.store.shards import ROWS_PER_GROUP

Run = Callable[..., Any]
Row = dict[str, Any]
NEAR = MinHash(ngram_words=2, bands=3, rows_per_band=2, verify="no")
BLOCKS = [Exact(), NEAR]


def twin(
    shards: list[list[Row]], keys: Callable[[Row], list[Any]], rank: Callable[[Row], Any], why: str
) -> dict[int, tuple[Any, ...]]:
    """All pairs: two documents that have a key in common (of equal place) are in one cluster."""
    rows = {number << 32 | i: row for number, s in enumerate(shards) for i, row in enumerate(s)}
    alive = {doc_id: row for doc_id, row in rows.items() if not row.get("rejected")}
    found = {doc_id: keys(row) for doc_id, row in alive.items()}
    label = {doc_id: doc_id for doc_id in alive}
    for one in alive:
        for other in alive:
            if any(a == b for a, b in zip(found[one], found[other], strict=False)):
                low, high = sorted((label[one], label[other]))
                label = {d: low if each == high else each for d, each in label.items()}
    verdicts: dict[int, tuple[Any, ...]] = {}
    for doc_id in rows:
        if doc_id not in alive:
            verdicts[doc_id] = (None, None, None, None)
            continue
        members = [other for other in alive if label[other] == label[doc_id]]
        survivor = max(members, key=lambda d: (rank(alive[d]), -d))
        verdict = "kept" if survivor == doc_id else why
        verdicts[doc_id] = (verdict, label[doc_id], len(members), survivor)
    return verdicts


_signers = Signers(NEAR.shape)


def band_values(row: Row) -> list[Any]:
    rows, signed = _signers.signatures(pa.array([row["text"]], pa.large_string()), None)
    values = rows[0].tolist()
    return [tuple(values[b * 2 : b * 2 + 2]) for b in range(3)] if signed[0] else []


# few words, so that similar texts, chains of them and equal ones come up often
WORDS = ["ab", "cd", "ef", "Gh", "ij,", "é", "7"]
document = st.fixed_dictionaries(
    {
        "text": st.lists(
            st.sampled_from(["ab", "cd", "ef", "Gh", "ij,", "é", "7"]), max_size=6
        ).map(" ".join),
        "rejected": st.booleans() | st.just(False),
    }
)
corpora = st.lists(st.lists(document, max_size=6), min_size=1, max_size=4)
cut = st.sampled_from([0, 3_200_000_000_000])  # one part a band, or two


@given(corpora, cut, st.sampled_from([None, 300, 64]), st.data())
@settings(deadline=None, max_examples=15)
def test_near_duplicates_equal_the_twin_however_the_keys_are_cut(
    run_dedup: Run, corpus: list[list[Row]], input_bytes: int, memory: int | None, draw: Any
) -> None:
    outcome = run_dedup(NEAR, corpus, input_bytes=input_bytes, bucket_memory_bytes=memory)
    wanted = twin(corpus, band_values, lambda row: len(row["text"]), "near_duplicate")
    assert outcome.verdicts() == wanted
    alive = [row for shard in corpus for row in shard if not row["rejected"]]
    signed = sum(bool(band_values(row)) for row in alive)
    kept = sum(verdict[0] == "kept" for verdict in wanted.values())
    sign, cluster, last = (outcome.counters[n] for n in ("dedup-sign", "dedup-cluster", "dedup"))
    assert sign == {"documents": len(alive), "signed": signed, "too_short": len(alive) - signed}
    assert outcome.counters["dedup-bucket"]["keys"] == 3 * signed
    assert last == {"verdict.kept": kept, "verdict.near_duplicate": len(alive) - kept}
    assert cluster["duplicates"] == len(alive) - kept


@given(corpora, cut, st.sampled_from(["text", "normalised_text"]))
@settings(deadline=None, max_examples=15)
def test_exact_duplicates_equal_the_twin_however_the_keys_are_cut(
    run_dedup: Run, corpus: list[list[Row]], input_bytes: int, on: Any
) -> None:
    def keys(row: Row) -> list[Any]:
        value: Any = row["text"]
        if on == "normalised_text":
            value = [piece for found in chunk_pieces(value.split()) for piece in found]
        return [value] if value else []

    outcome = run_dedup(Exact(on=on), corpus, input_bytes=input_bytes)
    wanted = twin(corpus, keys, lambda row: len(row["text"]), "exact_duplicate")
    assert outcome.verdicts() == wanted


@given(st.lists(document, max_size=12), st.data())
@settings(deadline=None, max_examples=12)
def test_how_documents_lie_in_shards_does_not_show(
    run_dedup: Run, rows: list[Row], draw: Any
) -> None:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    shards = [rows[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    one, many = run_dedup(NEAR, [rows]), run_dedup(NEAR, shards)
    place = {n << 32 | i: 0 for n, shard in enumerate(shards) for i in range(len(shard))}
    place = {doc_id: number for number, doc_id in enumerate(place)}
    moved = {
        place[doc_id]: (verdict, *(None if x is None else x for x in rest))
        for doc_id, (verdict, *rest) in many.verdicts().items()
    }
    for number, (verdict, cluster, size, survivor) in one.verdicts().items():
        other = moved[number]
        assert (verdict, size) == (other[0], other[2])
        if verdict is not None:
            assert (cluster, survivor) == (place[other[1]], place[other[3]])


def test_parts_and_passes_do_not_change_a_byte_of_the_verdicts(run_dedup: Run) -> None:
    letters = "abcdefghi"
    corpus = [
        [
            {"text": f"g{c} h{c} i{c} j{c} {letters[i % (3 + n)]}"}
            for i in range(20)
            for c in letters
        ]
        for n in range(3)
    ]
    plain = run_dedup(NEAR, corpus)
    assert plain.counters["dedup-cluster"]["clusters"] >= len(letters)
    passes = run_dedup(NEAR, corpus, bucket_memory_bytes=1000)
    assert passes.shards == plain.shards
    parts = run_dedup(NEAR, corpus, input_bytes=4_000_000_000_000)
    assert len(parts.shards["dedup-bucket"]) > len(plain.shards["dedup-bucket"])
    assert parts.shards["dedup"] == plain.shards["dedup"]


def star(count: int) -> list[str]:
    """Texts that each share half their words with the first, and little with one another."""
    return ["a b c d e f g h", *(f"a b c d x{i} y{i} z{i}" for i in range(count))]


@pytest.mark.parametrize(
    "texts",
    [star(5), [" ".join(f"w{j}" for j in range(i, i + 30)) for i in range(60)]],
    ids=["star", "chain"],
)
def test_a_cluster_reaches_as_far_as_its_links(run_dedup: Run, texts: list[str]) -> None:
    block = MinHash(ngram_words=1, bands=40, rows_per_band=1, verify="no")
    corpus = [[{"text": text} for text in texts[i::3]] for i in range(3)]
    verdicts = run_dedup(block, corpus).verdicts()
    assert {verdict[1:3] for verdict in verdicts.values()} == {(0, len(texts))}
    assert sum(verdict[0] == "kept" for verdict in verdicts.values()) == 1


@pytest.mark.parametrize("block", [Exact(), MinHash()], ids=["exact", "minhash"])
def test_a_page_a_hundred_thousand_times_costs_an_edge_each(run_dedup: Run, block: Any) -> None:
    text = "this one page is served under every address of the site"
    corpus = [[{"text": text}] * 50_000] * 2
    outcome = run_dedup(block, corpus)
    bands = block.shape.bands if isinstance(block, MinHash) else 1
    assert outcome.counters["dedup-bucket"]["edges"] == bands * 99_999
    assert outcome.counters["dedup-cluster"]["largest_cluster"] == 100_000
    verdicts = outcome.verdicts()
    assert verdicts.pop(0) == ("kept", 0, 100_000, 0)
    assert {verdict[1:] for verdict in verdicts.values()} == {(0, 100_000, 0)}
    assert len(verdicts) == 99_999


@pytest.mark.parametrize("block", BLOCKS)
def test_stores_without_documents_give_stores_without_verdicts(run_dedup: Run, block: Any) -> None:
    outcome = run_dedup(block, [[], []])
    assert outcome.rows == [[], []]
    assert outcome.counters["dedup-cluster"]["clusters"] == 0


@pytest.mark.parametrize("block", BLOCKS)
def test_documents_rejected_before_have_no_verdict_and_no_influence(
    run_dedup: Run, block: Any
) -> None:
    row = {"text": "the same words in every row", "rejected": True}
    outcome = run_dedup(block, [[row, row], [row]])
    assert set(outcome.verdicts().values()) == {(None, None, None, None)}
    assert outcome.counters["dedup-sign"]["documents"] == 0
    outcome = run_dedup(block, [[row, {**row, "rejected": False}], [row]])
    assert outcome.verdicts()[1] == ("kept", 1, 1, 1)


def test_verdicts_are_cut_as_the_documents_are(run_dedup: Run) -> None:
    count = 2 * ROWS_PER_GROUP + 17
    texts = [f"page {i % 900} of the paper" for i in range(count)]
    outcome = run_dedup(Exact(keep="first"), [[{"text": text} for text in texts]])
    assert [row["doc_id"] for row in outcome.rows[0]] == list(range(count))
    kept = [row["doc_id"] for row in outcome.rows[0] if row["verdict"] == "kept"]
    assert kept == list(range(900))


def test_shards_whose_doc_ids_interleave_are_looked_up_right(run_dedup: Run) -> None:
    corpus = [
        [
            {"doc_id": 2 * i + n, "text": f"page {i // 2}" + "." * ((2 * i + n) % 4)}
            for i in range(20)
        ]
        for n in range(2)
    ]
    # four documents a page, with 0 to 3 full stops: the longest is the last of them
    verdicts = run_dedup(Exact(on="normalised_text"), [corpus[0], corpus[1]]).verdicts()
    assert {v[1:] for v in verdicts.values()} == {(0, 40, 3)}  # numbers do not count: one cluster
    verdicts = run_dedup(Exact(on="normalised_text", keep="last"), corpus[::-1]).verdicts()
    assert {v[1:] for v in verdicts.values()} == {(0, 40, 39)}


DAY = [datetime(2024, 5, day, tzinfo=UTC) for day in range(1, 5)]


@pytest.mark.parametrize(
    ("keep", "keep_by", "survivor"),
    [
        ("longest", None, 3), ("shortest", None, 0), ("first", None, 0), ("last", None, 4),
        ("earliest", None, 2), ("latest", None, 1), ("highest", "quality_score", 2),
        ("lowest", "quality_score", 3),
    ],
)  # fmt: skip
def test_every_policy_chooses_its_survivor_and_null_never_wins(
    run_dedup: Run, keep: Any, keep_by: str | None, survivor: int
) -> None:
    text = "one two three"
    rows = [
        {"text": text, "crawl_date": None, "quality_score": None},
        {"text": f"{text}.", "crawl_date": DAY[3], "quality_score": 0.5},
        {"text": f"{text}.", "crawl_date": DAY[0], "quality_score": 0.75},
        {"text": f"{text}...", "crawl_date": DAY[2], "quality_score": -2.0},
        {"text": f"{text}!!!", "crawl_date": DAY[3], "quality_score": 0.75},
    ]
    for block in (
        Exact(on="normalised_text", keep=keep, keep_by=keep_by),
        MinHash(ngram_words=2, keep=keep, keep_by=keep_by),
    ):
        verdicts = run_dedup(block, [rows]).verdicts()
        assert {verdict[1:] for verdict in verdicts.values()} == {(0, 5, survivor)}
        assert [doc_id for doc_id, v in verdicts.items() if v[0] == "kept"] == [survivor]


def test_dates_that_are_all_absent_leave_the_first(run_dedup: Run) -> None:
    outcome = run_dedup(Exact(keep="earliest"), [[{"text": "x"}], [{"text": "x"}]])
    assert outcome.verdicts() == {
        0: ("kept", 0, 2, 0),
        1 << 32: ("exact_duplicate", 0, 2, 0),
    }


def test_documents_under_ngram_words_are_never_duplicates(run_dedup: Run) -> None:
    outcome = run_dedup(MinHash(), [[{"text": "only four words here"}] * 3])
    assert [row["verdict"] for row in outcome.rows[0]] == ["kept"] * 3
    assert outcome.counters["dedup-sign"]["too_short"] == 3


def test_an_empty_value_equals_nothing(run_dedup: Run) -> None:
    rows = [{"text": "", "url": "u"}, {"text": "", "url": "u"}, {"text": "...", "url": ""}]
    for on, duplicates in (("text", 0), ("normalised_text", 0), ("url", 1)):
        outcome = run_dedup(Exact(on=on), [rows])
        assert outcome.counters["dedup"]["verdict.exact_duplicate"] == duplicates


def test_texts_in_any_script_are_compared_by_their_own_words(run_dedup: Run) -> None:
    texts = ["我们去北京看长城", "我们去北京看长城。", "عَرَبِيَّة نص قصير", "عربية نص قصير"]
    rows = [
        {"text": text, "language": language}
        for text, language in zip(texts, ["zh", "zh", "ar", "ar"], strict=True)
    ]
    verdicts = run_dedup(MinHash(ngram_words=2), [rows]).verdicts()
    assert [verdict[1] for verdict in verdicts.values()] == [0, 0, 2, 2]


def context(columns: list[str]) -> PlanContext:
    kinds = {"doc_id": pa.uint64()}
    schema = pa.schema([pa.field(name, kinds.get(name, pa.string())) for name in columns])
    return PlanContext(
        name="dups", seed=0, document_shards=3, input_bytes=0, columns=schema, sources=("x",)
    )


@pytest.mark.parametrize("block", BLOCKS)
def test_the_plan_says_which_column_is_missing(block: Any) -> None:
    with pytest.raises(PlanError, match="stage 'dups' reads column 'text'"):
        block.expand(context(["doc_id", "url"]))
    with pytest.raises(PlanError, match="crawl_date"):
        type(block)(keep="latest").expand(context(["doc_id", "text"]))


@pytest.mark.parametrize("block", BLOCKS)
def test_steps_are_named_after_the_block_and_read_only_earlier_ones(block: Any) -> None:
    drafts = block.expand(context(["doc_id", "text"]))
    assert [draft.name for draft in drafts] == ["dups-sign", "dups-bucket", "dups-cluster", "dups"]
    assert [draft.kind for draft in drafts] == ["work", "work", "work", "verdicts"]
    assert drafts[-1].shard_count == drafts[0].shard_count == 3
    for place, draft in enumerate(drafts):
        assert set(draft.reads) <= {earlier.name for earlier in drafts[:place]}


def test_memory_alone_changes_no_fingerprint() -> None:
    columns = context(["doc_id", "text"])
    works = [
        [canonical(draft.work) for draft in MinHash(memory_bytes=size).expand(columns)]
        for size in (10**9, 2 * 10**9)
    ]
    assert works[0] == works[1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ngram_words", 0), ("ngram_chars", 0), ("bands", -1), ("rows_per_band", -1),
        ("memory_bytes", 0), ("permutations", 0), ("permutations", 1025), ("hash_bits", 48),
        ("seed", -1), ("similarity", 0.0), ("similarity", 1.5),
    ],
)  # fmt: skip
def test_impossible_numbers_are_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        MinHash(**{field: value})  # type: ignore[arg-type]


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="similarity solves bands"):
        MinHash(similarity=0.8, bands=9)
    with pytest.raises(ValueError, match="hash_bits = 32"):
        MinHash(signatures="datasketch")
    MinHash(signatures="datasketch", shingle_hash="sha1", hash_bits=32)


def test_bands_are_fineweb_s_unless_a_similarity_is_wanted() -> None:
    assert (MinHash().shape.bands, MinHash().shape.rows_per_band) == (14, 8)
    shape = MinHash(similarity=0.8).shape
    assert (shape.bands, shape.rows_per_band) == (9, 13)
    shape = MinHash(bands=20, rows_per_band=13, shingles="chars").shape
    assert (shape.bands, shape.rows_per_band, shape.ngram) == (20, 13, 24)


def test_languages_without_a_segmenter_are_told_when_planning() -> None:
    with pytest.raises(PlanError, match="no segmenter for language 'xx'"):
        MinHash(segmented=("xx",)).expand(context(["doc_id", "text"]))


@pytest.mark.parametrize(
    "block",
    [
        MinHash(shingles="chars", ngram_chars=8), MinHash(shingle_hash="sha1", ngram_words=2),
        MinHash(hash_bits=32, ngram_words=2), MinHash(similarity=0.7, ngram_words=2),
        MinHash(signatures="datasketch", shingle_hash="sha1", hash_bits=32, ngram_words=2),
    ],
    ids=["chars", "sha1", "32-bit", "solved", "datasketch"],
)  # fmt: skip
def test_every_signature_finds_equal_texts_and_no_others(run_dedup: Run, block: MinHash) -> None:
    texts = ["The same words, here.", "quite another text", "the same words here", "short"]
    verdicts = run_dedup(block, [[{"text": text} for text in texts]]).verdicts()
    assert [verdict[1] for verdict in verdicts.values()] == [0, 1, 0, 3]
