"""N-gram overlap against BFF's rules retyped over Python sets, one document after another."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from winnow.dedup.ngram_overlap import NgramOverlap
from winnow.dedup.within.ngram_texts import NgramFinder, NgramRules, pieces_of_rows
from winnow.text.characters import CODE_POINTS
from winnow.text.table import TextColumn
from winnow.text.word_break import unicode_words, word_break_property

GOLDEN = Path(__file__).with_name("golden_ngrams.json.gz")
REASON = "ngram_overlap_share"
EVERY = np.full(CODE_POINTS, 8, np.uint8)
WHITE = {*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)}
WHITE |= {0x2028, 0x2029, 0x202F, 0x205F, 0x3000}

WORDS = st.sampled_from(
    ["a", "b", "c", "dé", "a.b", "文", "3.4", "langes-Wort", "🇩🇫", "👩\u200d🌾"]
)
GAPS = st.sampled_from([*" ..,\n\n\t\x1c\x85\u3000", "\r\n", " \u0301", "\n\u0301", "\u2028", ""])
TEXTS = st.one_of(
    st.lists(st.tuples(WORDS, GAPS), max_size=14).map(
        lambda pairs: "".join(word + gap for word, gap in pairs)
    ),
    st.text(max_size=12),
)
MODES = st.sampled_from(["document", "paragraph", "both", "old-both"])


def tokens(text: str) -> list[str]:
    """``split_word_bounds`` without what is white space alone."""
    column = TextColumn(pa.array([text], pa.large_string()))
    starts, ends, _, _ = unicode_words(
        column.data, column.offsets, np.arange(1), word_break_property(), EVERY
    )
    pieces = [column.data[a:b].tobytes().decode() for a, b in zip(starts, ends, strict=True)]
    assert "".join(pieces) == text
    return [piece for piece in pieces if not all(ord(char) in WHITE for char in piece)]


def ngrams(words: list[str], size: int, least: int) -> list[tuple[str, ...]]:
    if len(words) >= size:
        return [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
    return [tuple(words)] if len(words) >= least else []


def paragraphs_of(text: str) -> list[str]:
    places = [0, *(at for at, char in enumerate(text) if char == "\n"), len(text)]
    return [text[a:b] for a, b in pairwise(places)]


class Bff:
    """One stream of documents. ``only_kept``: as BFF itself, n-grams of what is removed are not
    added; False: all are, as ours."""

    def __init__(
        self, mode: str, size: int, least: int, share: float, only_kept: bool = False
    ) -> None:
        self.mode, self.size, self.least = mode, size, least
        self.share, self.only_kept = share, only_kept
        self.seen: set[tuple[str, ...]] = set()

    def over(self, contained: int, total: int) -> bool:
        if total == 0:
            return False
        share = contained / total
        return share >= self.share if self.mode == "both" else share > self.share

    def add(self, grams: list[tuple[str, ...]], removed: bool) -> None:
        if not (removed and self.only_kept):
            self.seen.update(grams)

    def document(self, text: str) -> tuple[str, int, int, list[bool]]:
        """(text that is left, duplicate n-grams, n-grams, paragraphs removed)."""
        whole = self._across(text) if self.mode in ("document", "both") else self._within(text)
        contained, total, removed = whole
        left = "".join(p for p, gone in zip(paragraphs_of(text), removed, strict=True) if not gone)
        if self.mode != "paragraph" and self.over(contained, total):
            left = ""
        return left, contained, total, removed

    def _within(self, text: str) -> tuple[int, int, list[bool]]:
        contained = total = 0
        removed = []
        for paragraph in paragraphs_of(text):
            grams = ngrams(tokens(paragraph), self.size, self.least)
            known = sum(gram in self.seen for gram in grams)
            removed.append(self.over(known, len(grams)))
            self.add(grams, removed[-1])
            contained, total = contained + known, total + len(grams)
        return contained, total, removed

    def _across(self, text: str) -> tuple[int, int, list[bool]]:
        words = [(w, n) for n, p in enumerate(paragraphs_of(text)) for w in tokens(p)]
        grams = ngrams([word for word, _ in words], self.size, self.least)
        whole = len(words) >= self.size
        inside: list[int | None] = [
            words[at][1] if whole and words[at][1] == words[at + self.size - 1][1] else None
            for at in range(len(grams))
        ]
        known = [gram in self.seen for gram in grams]
        gone = self.over(sum(known), len(grams))
        removed = []
        for number in range(len(paragraphs_of(text))):
            mine = [k for k, p in zip(known, inside, strict=True) if p == number]
            removed.append(self.mode == "both" and self.over(sum(mine), len(mine)))
        for gram, first in zip(grams, range(len(grams)), strict=True):
            around = [n for _, n in words[first : first + self.size]]
            self.add([gram], gone or any(removed[n] for n in around if whole))
        return sum(known), len(grams), removed


def expected(bff: Bff, text: str) -> dict[str, Any]:
    left, contained, total, removed = bff.document(text)
    blank = all(ord(char) in WHITE for char in left)
    kept = left == text or not blank
    row: dict[str, Any] = {
        "verdict": "kept" if kept else REASON,
        REASON: contained / total if total else None,
        "ngram_overlap_count": contained,
    }
    if bff.mode != "document":
        row["ngram_overlap_paragraph_count"] = sum(removed)
        row["text"] = left if kept and left != text else None
        row["text_bytes"] = None if row["text"] is None else len(left.encode())
    return row


def rows_of(shards: list[list[str]]) -> list[list[dict[str, Any]]]:
    return [[{"text": text} for text in shard] for shard in shards]


def verdicts(outcome: Any) -> list[dict[str, Any]]:
    return [
        {k: v for k, v in row.items() if k != "doc_id"} for shard in outcome.rows for row in shard
    ]


@given(
    shards=st.lists(st.lists(TEXTS, max_size=4), min_size=1, max_size=3),
    repeat=st.booleans(),
    mode=MODES,
    size=st.integers(1, 4),
    short=st.integers(0, 3),
    share=st.sampled_from([0.0, 0.5, 0.8, 1.0]),
    parts=st.sampled_from([0, 100_000, 200_000]),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_decisions_are_those_of_one_stream(
    run_dedup: Callable[..., Any],
    shards: list[list[str]],
    repeat: bool,
    mode: Any,
    size: int,
    short: int,
    share: float,
    parts: int,
) -> None:
    if repeat:
        shards = [*shards, shards[0]]
    least = max(1, size - short)
    block = NgramOverlap(
        mode=mode, ngram_words=size, min_ngram_words=least, overlap_share=share,
        memory_bytes=1_000_000,
    )  # fmt: skip
    outcome = run_dedup(
        block, rows_of(shards), input_bytes=parts * 100, bucket_memory_bytes=1 + parts
    )
    every, bff = (Bff(mode, size, least, share, only_kept) for only_kept in (False, True))
    for row, text in zip(verdicts(outcome), (t for shard in shards for t in shard), strict=True):
        assert row == expected(every, text)
        # and what BFF itself removes is removed: it has seen no more than all that was read
        theirs = expected(bff, text)
        assert theirs["ngram_overlap_count"] <= row["ngram_overlap_count"]
        assert theirs["verdict"] == "kept" or row["verdict"] == REASON


@given(
    texts=st.lists(TEXTS, max_size=4),
    mode=MODES,
    size=st.integers(1, 5),
    least=st.integers(1, 5),
)
@settings(max_examples=200, deadline=None)
def test_ngrams_are_known_by_their_words(
    texts: list[str], mode: Any, size: int, least: int
) -> None:
    rules = NgramRules(mode, size, min(least, size), 1)
    column = TextColumn(pa.array(["before", *texts], pa.large_string()).slice(1))
    found = NgramFinder(rules).find(column.data, column.offsets, np.arange(len(texts)))
    hashes: dict[tuple[str, ...], tuple[int, int]] = {}
    for number, text in enumerate(texts):
        pieces = [text] if rules.across else paragraphs_of(text)
        assert np.diff(found.paragraph_offsets)[number] == len(paragraphs_of(text))
        start, end = found.gram_offsets[number : number + 2]
        units = [ngrams(tokens(piece), size, rules.least) for piece in pieces]
        grams = [(gram, unit) for unit, each in enumerate(units) for gram in each]
        assert len(grams) == end - start
        firsts = [grams.index(gram) for gram in grams]
        assert found.firsts[start:end].tolist() == firsts
        if not rules.across:
            assert found.places[start:end].tolist() == [unit for _, unit in grams]
        for (gram, _), key, check in zip(
            grams, found.keys[start:end], found.checks[start:end], strict=True
        ):
            assert hashes.setdefault(gram, (int(key), int(check))) == (int(key), int(check))
    assert len({key for key, _ in hashes.values()}) == len(hashes)
    assert len({check for _, check in hashes.values()}) == len(hashes)


def test_shares_are_those_of_the_rust_filter() -> None:
    """See make_golden_ngrams.py: every word of Unicode that BFF's own tokeniser cuts."""
    cases = json.loads(gzip.decompress(GOLDEN.read_bytes()))
    column = TextColumn(pa.array([case["text"] for case in cases], pa.large_string()))
    finder = NgramFinder(NgramRules("paragraph", 13, 13, 1))
    found = finder.find(column.data, column.offsets, np.arange(len(cases)))
    seen: set[tuple[int, int]] = set()
    total = 0
    for number, case in enumerate(cases):
        counts: dict[int, list[int]] = {}
        for gram in range(*found.gram_offsets[number : number + 2]):
            count = counts.setdefault(int(found.places[gram]), [0, 0])
            pair = int(found.keys[gram]), int(found.checks[gram])
            count[0] += pair in seen
            count[1] += 1
            seen.add(pair)
        shares = [np.float32(had) / np.float32(grams) for had, grams in counts.values()]
        assert shares == [np.float32(share) for share in case["shares"]]
        total += len(shares)
    assert total > 250


ONE = "one two three four five six."  # seven words: the full stop is one
TWO = "seven eight nine ten eleven twelve."


@pytest.mark.parametrize(
    ("mode", "documents", "results"),
    [
        # the whole of it came before; then five of its nine n-grams
        ("document", [ONE, ONE, ONE + " or more"], [None, 1.0, 5 / 7]),
        # of a paragraph twice in one document the second goes, with the line feed before it
        ("paragraph", [f"{ONE}\n{TWO}\n{ONE}\n"], [f"{ONE}\n{TWO}\n"]),
        # the first paragraph goes without one: what is left begins with a line feed
        ("paragraph", [ONE, f"{ONE}\n{TWO}"], [None, f"\n{TWO}"]),
        # nothing but white space would be left
        ("paragraph", [ONE, f" \n{ONE}\n\t"], [None, REASON]),
        # two of three: more than the share is wanted, the share itself is enough for "both"
        ("old-both", [f"{ONE}\n{TWO}", f"{ONE}\n{TWO}\nx y z"], [None, REASON]),
        ("old-both", [ONE, f"{ONE}\nx\nb c\nd e f g h i j"], [None, "\nx\nb c\nd e f g h i j"]),
    ],
)
def test_by_hand(
    run_dedup: Callable[..., Any], mode: Any, documents: list[str], results: list[Any]
) -> None:
    block = NgramOverlap(mode=mode, ngram_words=3)
    outcome = run_dedup(block, rows_of([documents]))
    for row, result in zip(verdicts(outcome), results, strict=True):
        if isinstance(result, float):
            assert row[REASON] == result
            assert row["verdict"] == (REASON if result > 0.8 else "kept")
        elif result == REASON:
            assert row["verdict"] == REASON and row["text"] is None
        else:
            assert row["verdict"] == "kept" and row.get("text") == result


def test_the_share_itself_is_enough_for_both_only(run_dedup: Callable[..., Any]) -> None:
    documents = ["a b c d e", "a b c d e f"]  # four of five
    for mode, verdict in (("document", "kept"), ("both", REASON), ("old-both", "kept")):
        block = NgramOverlap(mode=mode, ngram_words=2)  # type: ignore[arg-type]
        outcome = run_dedup(block, rows_of([documents]))
        assert verdicts(outcome)[1]["verdict"] == verdict
        assert verdicts(outcome)[1][REASON] == 0.8


def test_rejected_documents_do_not_count(run_dedup: Callable[..., Any]) -> None:
    shards = [[{"text": ONE, "rejected": True}, {"text": ONE}], [{"text": ONE}]]
    outcome = run_dedup(NgramOverlap(ngram_words=3), shards)
    assert [row["verdict"] for row in verdicts(outcome)] == [None, "kept", REASON]
    assert verdicts(outcome)[0][REASON] is None
    assert outcome.counters["dedup"] == {
        "verdict.kept": 1, f"verdict.{REASON}": 1, "ngrams": 10, "duplicates": 5,
        "removed_paragraphs": 0, "removed_bytes": 0,
    }  # fmt: skip
    assert outcome.counters["dedup-units"] == {"documents": 2, "ngrams": 10, "units": 10}


def some_texts(count: int) -> list[list[dict[str, Any]]]:
    """Texts of random words, every third made of pieces of those before."""
    draw = np.random.default_rng(0)
    texts: list[str] = []
    for number in range(count):
        lines = [" ".join(f"w{w}" for w in draw.integers(0, 5000, 12)) for _ in range(6)]
        if number % 3 == 2:
            for place in range(int(draw.integers(0, 7))):
                earlier = texts[int(draw.integers(0, number))].split("\n")
                lines[place % 6] = earlier[int(draw.integers(0, 6))]
        texts.append("\n".join(lines))
    return [[{"text": text} for text in texts[at : at + 50]] for at in range(0, count, 50)]


@pytest.mark.parametrize("method", ["exact", "bloom"])
def test_same_bytes_whatever_parts_and_memory(run_dedup: Callable[..., Any], method: Any) -> None:
    shards = some_texts(200)
    seen = set()
    for input_bytes, memory in ((0, 1_000_000_000), (3 * 10**7, 1_000_000), (10**7, 20_000)):
        block = NgramOverlap(ngram_words=5, method=method, memory_bytes=1_000_000)
        outcome = run_dedup(block, shards, input_bytes=input_bytes, bucket_memory_bytes=memory)
        assert outcome.counters["dedup"]["removed_paragraphs"] > 0
        seen.add(tuple(outcome.shards["dedup"]))
    assert len(seen) == 1


def test_bloom_misses_nothing_and_adds_little(run_dedup: Callable[..., Any]) -> None:
    shards = some_texts(400)
    counts = {}
    for method in ("exact", "bloom"):
        block = NgramOverlap(mode="document", ngram_words=5, method=method)  # type: ignore[arg-type]
        outcome = run_dedup(block, shards)
        counts[method] = [row["ngram_overlap_count"] for row in verdicts(outcome)]
    exact, bloom = (np.array(counts[method]) for method in ("exact", "bloom"))
    units = outcome.counters["dedup-units"]["units"]
    assert (bloom >= exact).all()
    assert 0 < (bloom - exact).sum() < 0.01 * units


def test_a_sample_measures_the_share(run_dedup: Callable[..., Any]) -> None:
    shards = some_texts(300)
    block = NgramOverlap(mode="document", ngram_words=5, overlap_share=0.4)
    every = run_dedup(block, shards)
    sampled = run_dedup(
        NgramOverlap(mode="document", ngram_words=5, overlap_share=0.4, sample_one_in=4), shards
    )
    units = [outcome.counters["dedup-units"]["units"] for outcome in (every, sampled)]
    assert 0.22 < units[1] / units[0] < 0.28
    pairs = [
        (a[REASON], b[REASON]) for a, b in zip(verdicts(every), verdicts(sampled), strict=True)
    ]
    errors = np.array([b - a for a, b in pairs if b is not None])
    shares = np.array([a for a, b in pairs if b is not None])
    stated = np.sqrt(shares * (1 - shares) * 4 / 68)
    assert abs(errors.mean()) < 0.02
    assert (np.abs(errors) <= 4 * stated).mean() > 0.99


def test_long_documents_go_alone() -> None:
    offsets = np.cumsum([0, 3_000_000, 2_000_000, 9_000_000, 1, 1])
    found = pieces_of_rows(offsets, np.arange(5))
    assert [rows.tolist() for rows in found] == [[0], [1], [2], [3, 4]]
    assert list(pieces_of_rows(offsets, np.arange(0))) == []


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"ngram_words": 0}, "ngram_words"),
        ({"ngram_words": 5, "min_ngram_words": 6}, "min_ngram_words"),
        ({"min_ngram_words": 0}, "min_ngram_words"),
        ({"overlap_share": 1.5}, "overlap_share"),
        ({"false_positive_prob": 0.0}, "false_positive_prob"),
        ({"sample_one_in": 0}, "sample_one_in"),
        ({"sample_one_in": 8}, 'mode = "document"'),
        ({"memory_bytes": 10}, "memory_bytes"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, Any], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        NgramOverlap(**fields)
