"""DCLM's steps against what DCLM's own code says, and against plain definitions."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.filters.dclm_addresses import DclmAddresses
from winnow.filters.dclm_quality import DclmQuality
from winnow.filters.dclm_repetition import DclmRepetition
from winnow.filters.refinedweb_lines import RefinedWebLines
from winnow.pipeline.bounds import judge
from winnow.schema import KEPT

GOLDEN = json.loads(gzip.decompress(Path(__file__).with_name("golden_dclm.json.gz").read_bytes()))
CASES: list[dict[str, Any]] = GOLDEN["cases"]

REPETITION = {
    "kept": KEPT,
    "line": "dup_line_share",
    "paragraph": "dup_paragraph_share",
    "line_chars": "dup_line_chars_share",
    "paragraph_chars": "dup_paragraph_chars_share",
    **{f"{n}_chars": f"top_{n}gram_chars_share" for n in (2, 3, 4)},
    **{f"{n}_chars": f"dup_{n}gram_chars_share" for n in range(5, 11)},
}
STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}
# the characters that fastText splits at
SPACES = re.compile("[ \n\r\t\v\f\0]+")

PIECES = [
    *("The", "of", "a", "b c", " ", "\n", "\n\n", "\t", "\xa0", "\x1c", "\x85", "\0", "1", "23"),
    *("٣", "²", "A", "BC", "É", "ǅ", "_", "-", ".", ",", "...", ". . .", "…", "#", "●", "• ", "*"),
    *("3 likes", "\u212a", "k", "4,5M views", "İ", "ſ", "ı", "items in cart", "Items In Cart"),
    *("read more", "Read More...", "sign-in", "Sıgn-in ", "ſİGN-IN", "日本", "don't", "\u0301"),
]
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join),
    st.lists(st.lists(st.sampled_from(PIECES), max_size=4).map(" ".join), max_size=8).map(
        "\n".join
    ),
)
BATCHES = st.lists(TEXTS, max_size=4)


def batch_of(texts: list[str]) -> pa.RecordBatch:
    return pa.record_batch({"text": pa.array(["before", *texts], pa.large_string())}).slice(1)


def measured(stage: Any, texts: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stage.open()(batch_of(texts)).to_pylist()
    return rows


def verdicts(stage: Any, texts: list[str]) -> list[str]:
    found = judge(stage.open()(batch_of(texts)), stage.bounds({}))[0].to_pylist()
    return [verdict.removesuffix(f"_{stage.suffix}") for verdict in found]


def test_text_without_addresses_is_that_of_dclm() -> None:
    rows = measured(DclmAddresses(), [case["text"] for case in CASES])
    wrong = [
        number
        for number, (case, row) in enumerate(zip(CASES, rows, strict=True))
        if row["text"] != case["addresses"]
    ]
    assert not wrong
    assert sum(case["addresses"] != case["text"] for case in CASES) > 100


@pytest.mark.parametrize(
    ("stage", "key", "reasons"),
    [
        (DclmQuality(), "quality", {m.name: m.name for m in DclmQuality.measures} | {KEPT: KEPT}),
        (DclmRepetition(), "repetition", REPETITION),
    ],
)
def test_verdict_and_reason_are_those_of_dclm(stage: Any, key: str, reasons: Any) -> None:
    found = verdicts(stage, [case["text"] for case in CASES])
    wrong = [
        (number, case[key], verdict)
        for number, (case, verdict) in enumerate(zip(CASES, found, strict=True))
        if reasons[case[key]] != verdict
    ]
    assert not wrong
    assert len({case[key] for case in CASES}) >= 8


def test_lines_and_verdicts_are_those_of_dclm() -> None:
    stage = RefinedWebLines()
    texts = [case["text"] for case in CASES]
    rows = measured(stage, texts)
    found = verdicts(stage, texts)
    wrong = [
        number
        for number, (case, row, verdict) in enumerate(zip(CASES, rows, found, strict=True))
        if row["text"] != case["lines"] or (verdict == KEPT) != case["lines_kept"]
    ]
    assert not wrong
    for measure in stage.measures:
        assert any(row[measure.name] for row in rows), measure.name
    assert {case["lines_kept"] for case in CASES if case["lines"] != case["text"]} == {True, False}


def fasttext_words(text: str) -> int:
    return sum(word[0].isalnum() for word in SPACES.split(text) if word)


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


@given(BATCHES)
@example(["........", ". . . . .", "#. . .…...", "the THE The", " -\n●x\n\n• ...\n …\n. . ."])
@settings(max_examples=400, deadline=None)
def test_quality_measures_are_what_they_say(texts: list[str]) -> None:
    for text, row in zip(texts, measured(DclmQuality(), texts), strict=True):
        words = text.split()
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        symbols = sum(text.count(symbol) for symbol in ("#", "...", ". . .", "…"))
        bullets = sum(line.startswith(("●", "•", "*", "-")) for line in lines)
        ellipses = sum(line.endswith(("...", ". . .", "…")) for line in lines)
        unlettered = sum(not any(map(str.isalpha, word)) for word in words)
        assert row == {
            "text": text,
            "word_count_dclm": fasttext_words(text),
            "mean_word_chars_dclm": share(sum(map(len, words)), len(words)),
            "symbol_share_dclm": share(symbols, len(words)),
            "bullet_line_share_dclm": share(bullets, len(lines)),
            "ellipsis_line_share_dclm": share(ellipses, len(lines)),
            "non_alpha_word_share_dclm": share(unlettered, len(words)),
            "stop_word_count_dclm": sum(word.lower() in STOP_WORDS for word in words),
        }


def plain_repetition(text: str, words: list[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, separator in (("line", "\n"), ("paragraph", "\n\n")):
        pieces = [piece.strip() for piece in text.split(separator) if piece.strip()]
        counts = Counter(pieces)
        again = [piece for piece in pieces if counts[piece] > 1]
        found[f"dup_{name}_share"] = share(len(again), len(pieces))
        found[f"dup_{name}_chars_share"] = share(sum(map(len, again)), sum(map(len, pieces)))
    if not text.strip():
        found["dup_line_share"] = 1.0
    chars = sum(map(len, words))
    for size in range(2, 11):
        grams = [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
        counts = Counter(grams)
        top = max(counts.values(), default=0)
        longest = max((sum(map(len, g)) for g in grams if counts[g] == top), default=0)
        inside = {at + n for at, g in enumerate(grams) if counts[g] > 1 for n in range(size)}
        if size < 5:
            found[f"top_{size}gram_chars_share"] = share(top * longest * (top > 1), chars)
        else:
            covered = sum(len(words[at]) for at in inside)
            found[f"dup_{size}gram_chars_share"] = share(covered, chars)
    return {f"{name}_dclm": value for name, value in found.items()}


@given(
    st.lists(
        st.lists(st.sampled_from(["a", "bb", "é", "1", "\n", "\n\n", "b\n"]), max_size=60).map(
            " ".join
        ),
        max_size=4,
    )
)
@example(["", " \n", "a\n\na", "a\n \na", "\n\n\na b\n\na b\n\n\nc", "a " * 50])
@settings(max_examples=400, deadline=None)
def test_repetition_measures_are_what_they_say(texts: list[str]) -> None:
    for text, row in zip(texts, measured(DclmRepetition(), texts), strict=True):
        assert row == {"text": text, **plain_repetition(text, text.split())}


COUNTER = re.compile(
    r"\W*\d[,.\d]*[kmb]?\s+(?:likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes"
    r"|downvotes|downloads|views|followers)\W*"
)
PHRASES = (
    re.compile(r"\s?items in cart", re.I),
    re.compile(r"\s?read more...$", re.I),
    re.compile(r"^sign-in\s?", re.I),
)


def plain_lines(text: str) -> tuple[str, list[int]]:
    """The rewritten text, and how many lines each rule changed."""

    def share_of(line: str, test: Any) -> float:
        return sum(map(test, line)) / len(line)

    removed = []
    for rule in range(7):
        kept, count = [], 0
        for line in text.split("\n"):
            new: str | None = line
            if line and rule < 4:
                gone = (
                    share_of(line, str.isupper) > 0.5,
                    share_of(line, str.isdigit) > 0.999999,
                    COUNTER.fullmatch(line.lower()) is not None,
                    len(line.split()) < 2,
                )[rule]
                new = None if gone else line
            elif line and len(line.split()) <= 10:
                new = PHRASES[rule - 4].sub("", line)
                new = new if new.strip() else None
            count += new != line
            if new is not None:
                kept.append(new)
        text = "\n".join(kept)
        if rule != 3:
            text = text.strip()
        removed.append(count)
    return text, removed


@given(BATCHES)
@example(
    ["A\n\n\nb c\n", "\xa0ab cd\n1\n2 likes", "x\n\n", "Read more>>>\nRead more…", "read more.."]
)
@settings(max_examples=600, deadline=None)
def test_lines_are_what_they_say(texts: list[str]) -> None:
    for text, row in zip(texts, measured(RefinedWebLines(), texts), strict=True):
        new, removed = plain_lines(text)
        before, after = fasttext_words(text), fasttext_words(new)
        assert row["text"] == new
        assert [row[measure.name] for measure in RefinedWebLines.measures[2:]] == removed
        assert row["removed_line_count"] == sum(removed)
        gone = 1.0 if not new or not before else max(before - after, 0) / before
        assert row["removed_word_share"] == gone


def test_line_rules_can_be_changed() -> None:
    text = "ONE two\none\nTHREE FOUR five six"
    (row,) = measured(RefinedWebLines(max_uppercase_share=0.4, min_line_words=1), [text])
    assert row["text"] == "one"
    (row,) = measured(RefinedWebLines(max_phrase_line_words=2), ["Sign-in a b\nSign-in a"])
    assert row["text"] == "Sign-in a b\na"
    (row,) = measured(DclmAddresses(only_after_domain=False), ["What a.com b"])
    assert row == {"text": "What b", "removed_address_count": 1}


@pytest.mark.parametrize(
    "stage", [DclmAddresses(), DclmQuality(), DclmRepetition(), RefinedWebLines()]
)
def test_rows_do_not_depend_on_their_batch(stage: Any) -> None:
    texts = [case["text"] for case in CASES[::7]]
    together = measured(stage, texts)
    assert together == [row for text in texts for row in measured(stage, [text])]
    assert stage.open()(batch_of([])).num_rows == 0
