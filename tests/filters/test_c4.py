"""C4's line rules against datatrove's verdicts and texts, and against the rules written out."""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.errors import ConfigError
from winnow.filters.c4 import C4
from winnow.pipeline.bounds import judge
from winnow.pipeline.typed import build
from winnow.schema import KEPT
from winnow.text.punctuation import SENTENCE_ENDS
from winnow.text.sentences import UNKNOWN_TO_SPACY
from winnow.text.words import words_of

GOLDEN = json.loads(
    gzip.decompress(Path(__file__).with_name("golden_fineweb_0.10.json.gz").read_bytes())
)
CASES: list[dict[str, Any]] = GOLDEN["cases"]
MEASURES = {
    "kept": KEPT,
    "lorem_ipsum": "lorem_ipsum_line_count",
    "curly_bracket": "curly_bracket_line_count",
    "too_few_sentences": "c4_sentence_count",
}
POLICIES = (
    *("terms of use", "privacy policy", "cookie policy"),
    *("uses cookies", "use of cookies", "use cookies"),
)


def batch_of(texts: list[str | None]) -> pa.RecordBatch:
    return pa.record_batch({"text": pa.array(texts, pa.large_string())})


def measured(stage: C4, texts: list[str | None]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stage.open()(batch_of(texts)).to_pylist()
    return rows


@pytest.mark.parametrize(
    ("stage", "key"), [(C4(terminal_punctuation=False), "c4"), (C4(), "paper")], ids=["c4", "paper"]
)
def test_verdict_reason_and_text_are_those_of_datatrove(stage: C4, key: str) -> None:
    result = stage.open()(batch_of([case["text"] for case in CASES]))
    verdicts = judge(result, stage.bounds({}))[0].to_pylist()
    assert verdicts == [MEASURES[case[key]] for case in CASES]
    assert set(verdicts) == set(MEASURES.values())
    texts = result.column("text").to_pylist()
    rewritten = 0
    for case, text in zip(CASES, texts, strict=True):
        if case[key] == "kept":
            expected = case[f"{key}_text"]
            assert text == (case["text"] if expected is None else expected)
            rewritten += expected is not None
    assert rewritten > 100


def plain_sentences(line: str) -> int:
    """spaCy's sentencizer, white space that is more than a space between words being a token."""
    tokens: list[str] = []
    for piece in re.findall(r"\s+|\S+", line):
        tokens += [piece.removeprefix(" ")] if piece.isspace() else words_of(piece)
    count, ended = 1, False
    for token in filter(None, tokens):
        if token in SENTENCE_ENDS - set(UNKNOWN_TO_SPACY):
            ended = True
        elif ended and not is_punctuation(token):
            count, ended = count + 1, False
    return count


def is_punctuation(token: str) -> bool:
    return all(unicodedata.category(mark)[0] == "P" for mark in token)


def plain(text: str, stage: C4) -> dict[str, Any]:
    lines = text.splitlines()
    dropped = dict.fromkeys(("long_word", "unpunctuated", "short", "javascript", "policy"), 0)
    lorem = curly = sentences = 0
    kept = []
    for line in lines:
        line = line.strip()
        words = line.split()
        if any(len(word) > stage.max_word_chars for word in words):
            dropped["long_word"] += 1
            continue
        if stage.citations:
            line = re.sub(r"\[\d*]|\[edit]|\[citation needed]", "", line)
        ends = line.endswith((".", "?", "!", '"', "'")) and not line.endswith("...")
        if stage.terminal_punctuation and not ends:
            dropped["unpunctuated"] += 1
            continue
        if len(words) < stage.min_line_words:
            dropped["short"] += 1
            continue
        lower = line.lower()
        lorem += stage.lorem_ipsum and "lorem ipsum" in lower and not curly
        if stage.javascript and "javascript" in lower:
            dropped["javascript"] += 1
            continue
        curly += stage.curly_bracket and "{" in line
        if stage.policy and any(phrase in lower for phrase in POLICIES):
            dropped["policy"] += 1
            continue
        sentences += plain_sentences(line)
        kept.append(line)
    new = "\n".join(kept).strip()
    return {
        "text": new,
        "lorem_ipsum_line_count": lorem if stage.lorem_ipsum else None,
        "curly_bracket_line_count": curly if stage.curly_bracket else None,
        "c4_sentence_count": sentences,
        "c4_kept_line_share": len(kept) / len(lines) if lines else 0.0,
        "c4_kept_chars_share": len(new) / len(text) if text else 0.0,
        **{f"c4_{kind}_line_count": count for kind, count in dropped.items()},
    }


SWITCHES = ("terminal_punctuation", "citations", "lorem_ipsum", "javascript", "curly_bracket")
STAGES = st.builds(
    C4,
    **{name: st.booleans() for name in (*SWITCHES, "policy")},
    max_word_chars=st.sampled_from([1, 3, 6, 1000]),
    min_line_words=st.integers(0, 4),
)
PIECES = (
    *("lorem ipsum", "Lorem", "IPSUM", "JavaScript", "java", "script", "{", "[1]", "[edit]", "[]"),
    *("[citation needed]", "[", "]", "1", "٣", "terms", "of", "use", "uses", "COOKIES", "cookie"),
    *(
        "coo\u212aies",
        "privacy",
        "policy",
        "pol\u0130cy",
        ".",
        "...",
        "!",
        "?",
        '"',
        "'",
        ")",
        "。",
    ),
    *(" ", " ", " ", " ", " ", "\t", "\u3000", "  ", "\x1f", "\n", "\n", "\n", "\r\n", "\x85"),
    *("\u2028", "word", "é", "日本", "\u0301", "\x00", "a", "b c d", "That was it."),
)
TEXTS = st.one_of(st.text(max_size=50), st.lists(st.sampled_from(PIECES), max_size=50).map("".join))


@given(stage=STAGES, texts=st.lists(TEXTS, max_size=4))
@example(C4(), ["", " ", "\n\n", "[1] [2] [3]\n[4] [5] [6]\nabc def ghi. [7]  [8]\n[1] [1] [1]"])
@example(C4(terminal_punctuation=False), ["[1] [2] [3]\n[4] a b c. [5]  [6]\n[1]  [1] [1]\n"])
@settings(max_examples=600, deadline=None)
def test_measures_and_text_are_what_they_say(stage: C4, texts: list[str]) -> None:
    assert measured(stage, [*texts]) == [plain(text, stage) for text in texts]


def test_what_rejects_a_page_does_not_change_its_text() -> None:
    texts: list[str | None] = ["One two three.\nA { line of code }.\nThe lorem ipsum here."]
    (on,) = measured(C4(), texts)
    (off,) = measured(C4(lorem_ipsum=False, curly_bracket=False), texts)
    assert on["text"] == off["text"] == texts[0]
    assert (on["lorem_ipsum_line_count"], on["curly_bracket_line_count"]) == (0, 1)
    assert (off["lorem_ipsum_line_count"], off["curly_bracket_line_count"]) == (None, None)


def test_a_null_is_an_empty_text() -> None:
    null, empty = measured(C4(), [None, ""])
    assert null == empty and empty["text"] == ""


def test_a_narrow_string_column_stays_one() -> None:
    batch = pa.record_batch({"text": pa.array(["It was so."], pa.string()), "n": pa.array([1])})
    result = C4().open()(batch)
    assert result.schema.equals(C4().output_schema(batch.schema))
    assert result.column("n").equals(batch.column("n"))


@pytest.mark.parametrize(
    "option", [{"max_word_chars": 0}, {"min_line_words": -1}, {"words": "space"}]
)
def test_options_that_cannot_be_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(option))):
        build(C4, option, "stage 1", Path())
