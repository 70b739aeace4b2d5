"""Segmented words: join to the text, come out the same again, and cut as their sources say."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.optional import missing
from winnow.text.scripts import script_tokens
from winnow.text.segmenters import MAX_RUN_CHARS, SEGMENTERS, SegmentedWords, fewest_words

CODES = sorted(SEGMENTERS)
EXAMPLES = {
    "zh": ("我来到北京清华大学。", ["我", "来到", "北京", "清华大学", "。"]),
    "ja": ("東京都に住んでいます。", ["東京", "都", "に", "住ん", "で", "い", "ます", "。"]),
    "th": ("สวัสดีครับผมชื่อจอห์น", ["สวัสดี", "ครับผม", "ชื่อ", "จอห์น"]),
    "lo": ("ພາສາລາວໃນປັດຈຸບັນ.", ["ພາສາລາວ", "ໃນ", "ປັດຈຸບັນ", "."]),
    "km": ("ខ្ញុំស្រលាញ់ភាសាខ្មែរ។", ["ខ្ញុំ", "ស្រលាញ់", "ភាសា", "ខ្មែរ", "។"]),
    "my": ("မြန်မာနိုင်ငံ၊ ၁၂။", ["မြန်", "မာ", "နိုင်", "ငံ", "၊", "၁၂", "။"]),
    "bo": ("བོད་སྐད། ༡༢", ["བོད་", "སྐད", "།", "༡༢"]),
}
LETTERS = (
    "中国人民T恤日本語カナのร้านสวัสดีลาວລາວພາສາខ្មែរភាសា\u200b"
    "မြန်မာက္ကင်္ခ၊བོད་སྐད།ー々〇𠀀é\x00\u0301a1-.&%/"
)
CHUNKS = st.one_of(
    st.lists(st.sampled_from(LETTERS), max_size=40).map("".join),
    st.text(max_size=40),
).map(lambda text: "".join(text.split()))


@cache
def words(code: str) -> SegmentedWords:
    segmenter = SEGMENTERS[code]
    if missing(segmenter.modules):
        pytest.skip(f"{segmenter.modules} is not installed")
    return SegmentedWords(segmenter)


@pytest.mark.parametrize("code", sorted(EXAMPLES))
def test_examples(code: str) -> None:
    text, expected = EXAMPLES[code]
    assert words(code).split(text) == expected


@pytest.mark.parametrize("code", CODES)
@given(CHUNKS)
@settings(max_examples=150, deadline=None)
def test_words_join_to_the_chunk_and_are_the_same_again(code: str, chunk: str) -> None:
    first = words(code).tokenize(chunk)
    assert "".join(first) == chunk
    assert all(first)
    words(code).split("中文 ไทย ລາວ")  # nothing that went before changes an answer
    assert words(code).tokenize(chunk) == first


@pytest.mark.parametrize("code", CODES)
def test_ascii_words_are_those_of_the_split_by_script(code: str) -> None:
    assert words(code).tokenize("don't-x.9") == script_tokens("don't-x.9")


@pytest.mark.parametrize("code", CODES)
def test_giant_chunks_take_bounded_time_and_lose_nothing(code: str) -> None:
    size = 100_000
    for unit in (
        "中",
        "の",
        "ກ",
        "ລາວ",
        "ก",
        "เ",
        "ខ",
        "្",
        "က",
        "ွ",
        "བོད་",
        "a中",
        "x",
        "\x00",
        "ัก",
    ):
        chunk = unit * (size // len(unit.encode()))
        assert "".join(words(code).tokenize(chunk)) == chunk


def test_a_long_run_is_cut_before_a_character_that_is_no_mark() -> None:
    seen: list[str] = []

    def segment(run: str) -> list[str]:
        seen.append(run)
        return [run]

    from winnow.text.segmenters import Segmenter

    split = SegmentedWords(Segmenter("ກ\u0ec8", lambda: segment)).tokenize
    run = "ກ" * (MAX_RUN_CHARS - 1) + "\u0ec8" + "\u0ec8" + "ກ"
    split("ab" + run + "!")
    assert "".join(seen) == run
    assert seen[1] == "ກ\u0ec8\u0ec8ກ"
    seen.clear()
    split("\u0ec8" * (MAX_RUN_CHARS + 1))
    assert [len(piece) for piece in seen] == [MAX_RUN_CHARS, 1]


def test_a_segmenter_that_loses_text_is_not_believed() -> None:
    from winnow.text.segmenters import Segmenter

    split = SegmentedWords(Segmenter("ก-ฮ", lambda: lambda run: [run[1:], ""])).tokenize
    assert split("กข") == script_tokens("กข")


@pytest.mark.parametrize(
    "text", ["我来到北京清华大学abc", "T恤和卡拉OK都好", "小明硕士毕业于中国科学院"]
)
def test_chinese_words_are_those_of_jieba(text: str) -> None:
    jieba = pytest.importorskip("jieba")
    assert words("zh").split(text) == jieba.lcut(text)


LAO = ["ພາສາ", "ລາວ", "ພາສາລາວ", "ໃນ", "ປັດ", "ຈຸ", "ບັນ", "ປັດຈຸບັນ", "ກ", "ຂ", "ນ້ຳ", "\u0ec8"]


@given(st.lists(st.sampled_from(LAO), min_size=1, max_size=7).map("".join))
@settings(max_examples=150, deadline=None)
def test_lao_words_are_those_of_laonlp(text: str) -> None:
    tokenize = pytest.importorskip("laonlp.tokenize").word_tokenize
    assert words("lo").split(text) == tokenize(text, safe_mode=False)


@given(
    st.sets(st.text("ab", min_size=1, max_size=3), max_size=6),
    st.text("abc", min_size=1, max_size=9),
)
@settings(max_examples=300, deadline=None)
def test_fewest_words_are_the_fewest(dictionary: set[str], run: str) -> None:
    def ends(text: str, start: int) -> list[int]:
        return [e for e in range(start + 1, len(text) + 1) if text[start:e] in dictionary]

    found = fewest_words(run, ends)
    assert "".join(found) == run
    fewest = {len(run): 0}  # of dictionary words alone
    for start in range(len(run) - 1, -1, -1):
        ways = [fewest[end] + 1 for end in ends(run, start) if end in fewest]
        if ways:
            fewest[start] = min(ways)
    if 0 in fewest:
        assert len(found) == fewest[0]
        assert set(found) <= dictionary


@pytest.mark.parametrize("code", ["zh", "ja", "th", "lo", "km"])
def test_nothing_is_written_and_nothing_imported_before_it_is_asked_for(
    code: str, tmp_path: Path
) -> None:
    words(code)  # skips where the package is absent
    script = f"""
import sys
from winnow.text.segmenters import SEGMENTERS, SegmentedWords
names = {{name for each in SEGMENTERS.values() for name in each.modules}}
assert not names & set(sys.modules)
print(SegmentedWords(SEGMENTERS[{code!r}]).split({EXAMPLES[code][0]!r}))
"""
    environment: dict[str, Any] = {
        **{k: v for k, v in os.environ.items() if not k.startswith("PYTHAINLP")},
        **dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(tmp_path)),
        "PYTHONHASHSEED": "1",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.strip() == str(EXAMPLES[code][1])
    assert list(tmp_path.iterdir()) == []
