"""Whole blocks against brute force over every window, and against named runs of real pages."""

from __future__ import annotations

import dataclasses
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.substring import Substring
from winnow.dedup.within import substring_anchors, substring_units
from winnow.dedup.within.occurrences import FindWork
from winnow.errors import PlanError, StageError
from winnow.pipeline.step import Draft, PlanContext

Run = Callable[..., Any]
Row = dict[str, Any]
CRAWL = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "crawl"


@dataclasses.dataclass(frozen=True)
class Small:
    """A block whose counting tasks have less memory than a config may ask for."""

    block: Substring
    memory_bytes: int

    def expand(self, context: PlanContext) -> list[Draft]:
        drafts = self.block.expand(context)
        for number, draft in enumerate(drafts):
            if isinstance(draft.work, FindWork):
                work = dataclasses.replace(draft.work, memory_bytes=self.memory_bytes)
                drafts[number] = dataclasses.replace(draft, work=work)
        return drafts


def twin(shards: list[list[Row]], block: Substring) -> dict[int, list[tuple[int, int]]]:
    """Spans of bytes by document: every window compared with every other one."""
    length = block.shape.length
    documents: dict[int, tuple[bytes, list[tuple[int, int]]]] = {}
    for number, rows in enumerate(shards):
        for place, row in enumerate(rows):
            if not row.get("rejected"):
                documents[number << 32 | place] = units_of(row["text"], block.unit)
    seen: dict[Any, list[tuple[int, int]]] = {}
    for doc_id, (text, units) in documents.items():
        for start in range(len(units) - length + 1):
            window = tuple(text[a:b] for a, b in units[start : start + length])
            seen.setdefault(window, []).append((doc_id, start))
    covered: dict[int, set[int]] = {doc_id: set() for doc_id in documents}
    for places in seen.values():
        for doc_id, start in places[0 if block.keep == "none" else 1 :] * (len(places) > 1):
            covered[doc_id].update(range(start, start + length))
    return {
        doc_id: byte_spans(text, units, covered[doc_id])
        for doc_id, (text, units) in documents.items()
    }


def units_of(text: str, unit: str) -> tuple[bytes, list[tuple[int, int]]]:
    data = text.encode()
    if unit == "bytes":
        return data, [(place, place + 1) for place in range(len(data))]
    spans, at = [], 0
    for word in text.split():
        at = text.index(word, at)
        start = len(text[:at].encode())
        spans.append((start, start + len(word.encode())))
        at += len(word)
    return data, spans


def byte_spans(
    text: bytes, units: list[tuple[int, int]], covered: set[int]
) -> list[tuple[int, int]]:
    found = []
    for unit in sorted(covered):
        if found and unit - 1 in covered:
            found[-1] = (found[-1][0], units[unit][1])
        else:
            found.append(units[unit])
    return whole(text, found)


def whole(text: bytes, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Without the bytes of code points that are only partly inside."""
    inside = []
    for start, end in spans:
        while start < end and start < len(text) and text[start] & 0xC0 == 0x80:
            start += 1
        while end > start and end < len(text) and text[end] & 0xC0 == 0x80:
            end -= 1
        if start < end:
            inside.append((start, end))
    return inside


def spans_of(outcome: Any) -> dict[int, list[tuple[int, int]]]:
    return {
        row["doc_id"]: [(span["start"], span["end"]) for span in row["duplicate_spans"]]
        for shard in outcome.rows
        for row in shard
        if row["verdict"] is not None
    }


text = (
    st.text("ab", max_size=24)
    | st.text("aé語 ", max_size=16)
    | st.tuples(st.text("ab é", min_size=1, max_size=3), st.integers(0, 12)).map(
        lambda pair: pair[0] * pair[1]
    )
)
document = st.fixed_dictionaries({"text": text, "rejected": st.booleans() | st.just(False)})
corpora = st.lists(st.lists(document, max_size=5), min_size=1, max_size=3)
copies = st.sampled_from(["first", "none"])
blocks = st.builds(
    Substring, window_bytes=st.integers(4, 9), keep=copies, action=st.just("annotate")
) | st.builds(
    Substring,
    unit=st.just("words"),
    window_words=st.integers(4, 5),
    keep=copies,
    action=st.just("annotate"),
)


@given(corpora, blocks)
@settings(deadline=None, max_examples=40)
def test_spans_are_the_union_of_the_windows_that_occur_twice(
    run_dedup: Run, shards: list[list[Row]], block: Substring
) -> None:
    outcome = run_dedup(block, shards)
    assert spans_of(outcome) == twin(shards, block)


@given(corpora, blocks, st.sampled_from([40, 400]), st.data())
@settings(deadline=None, max_examples=8)
def test_how_the_work_is_cut_does_not_show(
    run_dedup: Run, shards: list[list[Row]], block: Substring, memory: int, draw: st.DataObject
) -> None:
    one = run_dedup(block, shards)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(substring_anchors, "WINDOWS_AT_ONCE", draw.draw(st.integers(1, 9)))
        cut = run_dedup(Small(block, memory), shards, input_bytes=2_000_000_000)
    assert len(cut.shards["dedup-found"]) > len(one.shards["dedup-found"])
    assert cut.shards["dedup"] == one.shards["dedup"]
    rows = [row for shard in shards for row in shard]
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    other = [rows[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    names = ("verdict", "duplicate_spans", "unique_bytes")
    again = run_dedup(block, other)
    assert [[row[n] for n in names] for shard in again.rows for row in shard] == [
        [row[n] for n in names] for shard in one.rows for row in shard
    ]


A, B, C = (f"{letter}{'xyzw' * 6}{letter}" for letter in "ABC")  # 26 bytes each
DOCUMENTS = [
    [{"text": f"one <{A}{B}> two"}, {"text": A, "rejected": True}],
    [{"text": f"three [{A}] four"}, {"text": f"{A}{B}"}, {"text": "five"}, {"text": ""}],
]


def outcome_of(run_dedup: Run, **fields: Any) -> Any:
    return run_dedup(Substring(window_bytes=25, **fields), DOCUMENTS)


def columns(outcome: Any, *names: str) -> list[Any]:
    return [tuple(row[name] for name in names) for shard in outcome.rows for row in shard]


def test_the_first_copy_stays_and_an_empty_text_is_rejected(run_dedup: Run) -> None:
    outcome = outcome_of(run_dedup)
    names = ("verdict", "duplicate_span_count", "unique_bytes", "text", "text_bytes")
    assert columns(outcome, *names) == [
        ("kept", 0, 62, None, None),
        (None, None, None, None, None),
        ("kept", 1, 13, "three [] four", 13),
        ("unique_bytes", 1, 0, None, None),
        ("kept", 0, 4, None, None),
        ("kept", 0, 0, None, None),
    ]
    shares = [row["duplicate_bytes_share"] for shard in outcome.rows for row in shard]
    assert shares == [0, None, 26 / 39, 1, 0, 0]
    assert outcome.counters["dedup"] == {
        "verdict.kept": 4, "verdict.unique_bytes": 1, "bytes": 157, "spans": 2,
        "duplicate_bytes": 78, "removed_bytes": 26,
    }  # fmt: skip


def test_no_copy_stays(run_dedup: Run) -> None:
    found = columns(outcome_of(run_dedup, keep="none"), "verdict", "text")
    assert found[0] == ("kept", "one <> two")
    assert found[3] == ("unique_bytes", None)


def test_a_mark_stands_for_a_span(run_dedup: Run) -> None:
    found = columns(outcome_of(run_dedup, action="mask", mark="<é>"), "text", "text_bytes")
    assert found[2] == ("three [<é>] four", 17)


def test_annotating_changes_and_rejects_nothing(run_dedup: Run) -> None:
    outcome = outcome_of(run_dedup, action="annotate")
    assert "text" not in outcome.rows[0][0]
    assert columns(outcome, "verdict", "duplicate_spans")[2:4] == [
        ("kept", [{"start": 7, "end": 33}]),
        ("kept", [{"start": 0, "end": 52}]),
    ]


def test_what_has_no_duplicate_may_be_short(run_dedup: Run) -> None:
    found = columns(outcome_of(run_dedup, min_bytes=14), "verdict")
    assert [verdict for (verdict,) in found] == [
        "kept", None, "unique_bytes", "unique_bytes", "kept", "kept",
    ]  # fmt: skip
    words = columns(outcome_of(run_dedup, min_words=5), "verdict", "unique_words")
    assert words == [
        ("kept", 3), (None, None), ("unique_words", 4), ("unique_bytes", 0), ("kept", 1),
        ("kept", 0),
    ]  # fmt: skip


def test_words_are_equal_whatever_is_between_them(run_dedup: Run) -> None:
    rows = [{"text": "a bb  c d\u3000e!"}, {"text": "x a\nbb c\td e! y\n"}, {"text": "abb c d e!"}]
    outcome = run_dedup(Substring(unit="words", window_words=5), [rows])
    assert columns(outcome, "text") == [(None,), ("x  y\n",), (None,)]


def test_a_code_point_that_is_not_wholly_duplicated_stays(run_dedup: Run) -> None:
    rows = [{"text": "éaaaaaaaé"}, {"text": "ĩaaaaaaaã"}]  # é c3 a9, ĩ c4 a9, ã c3 a3
    outcome = run_dedup(Substring(window_bytes=9), [rows])
    assert columns(outcome, "text") == [(None,), ("ĩã",)]


def test_a_long_run_stays_linear(run_dedup: Run) -> None:
    rows = [{"text": "a" * 300_000}, {"text": "ab" * 100_000}]
    outcome = run_dedup(Substring(keep="none"), [rows])
    assert columns(outcome, "verdict", "duplicate_span_count") == [("unique_bytes", 1)] * 2
    assert outcome.counters["dedup-anchors"]["anchors"] < 500_000 * 2 / 100 + 10
    assert outcome.counters["dedup-windows"]["windows"] == 500_000 - 2 * 199


def test_units_are_spread_evenly_over_the_parts(run_dedup: Run) -> None:
    text = np.random.default_rng(0).integers(97, 123, 100_000, np.uint8).tobytes().decode()
    rows = [{"text": text}, {"text": f"{text[:50_000]}.{text[50_001:]}"}]
    outcome = run_dedup(Substring(memory_bytes=1_000_000), [rows], input_bytes=10_000_000)
    for step in ("dedup-found", "dedup-repeats"):
        numbers = outcome.shard_rows[step]
        assert len(numbers) >= 4
        assert len(numbers) * max(numbers) < 2 * sum(numbers)


def test_equal_documents_write_no_windows(run_dedup: Run) -> None:
    draw = np.random.default_rng(0)
    text = draw.integers(97, 123, 20_000, np.uint8).tobytes().decode()
    outcome = run_dedup(Substring(), [[{"text": text}], [{"text": text}, {"text": text}]])
    assert [count for (count,) in columns(outcome, "unique_bytes")] == [20_000, 0, 0]
    assert outcome.counters["dedup-windows"]["windows"] == 0


def test_a_text_of_more_bytes_than_places_is_named(
    run_dedup: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(substring_units, "MAX_TEXT_BYTES", 10)
    with pytest.raises(StageError, match="document 1 has a text of 11 bytes"):
        run_dedup(Substring(), [[{"text": "a" * 10}, {"text": "a" * 11}]])


@pytest.mark.parametrize(
    "fields",
    [{"window_bytes": 3}, {"window_words": 1 << 20}, {"min_bytes": -1}, {"memory_bytes": 1}],
)
def test_fields_that_cannot_be(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields))):
        Substring(**fields)


def test_texts_are_needed() -> None:
    import pyarrow as pa

    context = PlanContext(
        name="dedup", seed=0, document_shards=1, input_bytes=0,
        columns=pa.schema([pa.field("doc_id", pa.uint64())]), sources=("test",),
    )  # fmt: skip
    with pytest.raises(PlanError, match="text"):
        Substring().expand(context)


def window_names(units: np.ndarray, length: int) -> np.ndarray:
    """A number for each window, equal for equal windows and no others: names of 2^i units are
    joined to names of 2^(i+1) (Karp, Miller and Rosenberg 1972)."""
    names, size = units.astype(np.int64), 1
    while size < length:
        step = min(size, length - size)
        pairs = names[:-step] * (int(names.max()) + 1) + names[step:]
        names, size = np.unique(pairs, return_inverse=True)[1], size + step
    return names


@pytest.mark.skipif(not CRAWL.exists(), reason="needs the shared crawl")
@pytest.mark.parametrize("block", [
    Substring(window_bytes=100, keep="none"), Substring(unit="words", keep="none"),
])  # fmt: skip
def test_spans_of_real_pages_are_those_of_a_suffix_array(run_dedup: Run, block: Substring) -> None:
    with gzip.open(CRAWL / "small.warc.gz") as file:
        records = file.read(2_000_000).split(b"WARC/1.0\r\n")
    # strings between tags: the words of pages, without a parser
    pages = [record.decode("utf-8", "ignore") for record in records]
    rows = [{"text": " ".join(p.rpartition("<")[2] for p in page.split(">"))} for page in pages]
    outcome = run_dedup(block, [rows[0::2], rows[1::2]])
    texts = [row["text"] for row in rows[0::2] + rows[1::2]]
    found = list(spans_of(outcome).values())
    numbers: dict[bytes, int] = {}
    units: list[int] = []
    places = []  # (document, start, end) of each unit
    for document, text in enumerate(texts):
        data, spans = units_of(text, block.unit)
        units += [numbers.setdefault(data[a:b], len(numbers)) for a, b in spans]
        places += [(document, a, b) for a, b in spans]
        units.append(-1 - document)  # a border that is equal to no other
        places.append((document, len(data), len(data)))
    symbols = np.array(units) + len(texts)
    _, inverse, counts = np.unique(
        window_names(symbols, block.shape.length), return_inverse=True, return_counts=True
    )
    covered = np.zeros(len(symbols) + 1, np.int64)
    twice = np.flatnonzero(counts[inverse] > 1)
    np.add.at(covered, twice, 1)
    np.add.at(covered, twice + block.shape.length, -1)
    marked = np.flatnonzero(np.cumsum(covered)[:-1])
    wanted: list[list[tuple[int, int]]] = [[] for _ in texts]
    last = -2
    for unit in marked.tolist():
        document, start, end = places[unit]
        if unit == last + 1:
            wanted[document][-1] = (wanted[document][-1][0], end)
        else:
            wanted[document].append((start, end))
        last = unit
    assert sum(map(len, found)) > 100
    assert found == [whole(text.encode(), spans) for text, spans in zip(texts, wanted, strict=True)]
