"""Which words a text has: rules, their errors, and that no batch and no order shows in them."""

from __future__ import annotations

import random
import runpy
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.errors import PlanError
from winnow.filters.gopher_quality import GopherQuality
from winnow.filters.gopher_repetition import GopherRepetition
from winnow.optional import missing
from winnow.pipeline.fingerprint import canonical
from winnow.text.by_language import words_by_language
from winnow.text.segmenters import SEGMENTERS
from winnow.text.table import TextColumn
from winnow.text.words import EnglishWords, WordRules, splitter, words_of

CASES = runpy.run_path(str(Path(__file__).with_name("punkt_cases.py")))
INSTALLED = tuple(sorted(code for code in SEGMENTERS if not missing(SEGMENTERS[code].modules)))
SAMPLES = {
    None: 'Dr. Bach can\'t pay, "he said." The end.',
    "en": "They won't\ngo... e.g. 'now'. It is 3.5!",
    "de": "Straße, l'été 10km",
    "zh": "我来到北京清华大学。 T恤",
    "yue": "香港人講廣東話",
    "ja": "東京都に住んでいます。",
    "th": "สวัสดีครับผม ชื่อจอห์น",
    "lo": "ພາສາລາວໃນປັດຈຸບັນ.",
    "km": "ខ្ញុំស្រលាញ់ភាសាខ្មែរ។",
    "my": "မြန်မာနိုင်ငံ၊ ၁၂။",
    "bo": "བོད་སྐད། ༡༢",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(CASES["write_parameters"](tmp_path_factory.mktemp("punkt") / "english"))


def test_by_default_words_are_as_before() -> None:
    assert isinstance(splitter("en", WordRules()), EnglishWords)
    assert splitter() is splitter(None) is splitter("en") is splitter("en", WordRules())
    assert splitter("zh") is splitter("de", WordRules(segmented=("my",)))
    assert WordRules().requires() == () and WordRules().fingerprint_extra() == {}
    WordRules().check()


def test_each_rule_has_its_words(folder: str) -> None:
    assert words_of("can't, 日本", "en") == ["ca", "n't", ",", "日本"]
    nltk = WordRules("nltk", punkt=folder)
    assert words_of('Hi. "ok."', None, nltk) == ["Hi", ".", "``", "ok", ".", "''"]
    assert words_of("can't, 日本", "ja", nltk) == words_of("can't, 日本", "ja")
    space = WordRules("space")
    assert words_of("can't, 日本\u00a0x", "ja", space) == ["can't,", "日本", "x"]
    assert splitter("en", space) is splitter("ja", space)
    assert words_of("မြန်မာ", "my", WordRules(segmented=("my",))) == ["မြန်", "မာ"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (WordRules(segmented=("zh", "xx")), r"no segmenter for language 'xx'(.|\n)*Languages"),
        (WordRules("space", segmented=("my",)), "contradicts"),
        (WordRules(punkt="somewhere"), "'punkt' is read for words = 'nltk' only"),
        (WordRules("nltk", punkt="no/such/folder"), r"no parameters of Punkt in no/such/folder"),
    ],
)
def test_what_cannot_be_is_an_error_of_the_plan(rules: WordRules, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        rules.check()


def test_a_missing_segmenter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("winnow.text.words.missing", lambda modules: modules[:1])
    with pytest.raises(PlanError, match="jieba"):
        WordRules(segmented=("zh",)).check()


def test_the_fingerprint_holds_what_the_words_depend_on(folder: str, tmp_path: Path) -> None:
    pytest.importorskip("jieba")
    rules = WordRules("nltk", ("zh", "yue", "my"), folder)
    extra = rules.fingerprint_extra()
    assert extra["segmenter_versions"] == {"jieba": version("jieba")}
    copy = CASES["write_parameters"](tmp_path / "elsewhere")
    same = WordRules("nltk", ("zh", "yue", "my"), str(copy))
    assert same.fingerprint_extra() == extra
    (copy / "abbrev_types.txt").write_text("other")
    assert same.fingerprint_extra() != extra


@given(st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_no_batch_and_no_order_shows(folder: str, chance: random.Random) -> None:
    rules = WordRules("nltk", INSTALLED, folder)
    rows = [(code, text) for code, text in SAMPLES.items() for _ in range(2)]
    chance.shuffle(rows)
    expected = [words_of(text, code, rules) for code, text in rows]
    cut = chance.randrange(len(rows))
    found: list[list[str]] = []
    for part in (rows[:cut], rows[cut:]):
        words: dict[int, list[str]] = {}
        text = TextColumn(pa.array([text for _, text in part], pa.string()))
        for _, batch in words_by_language(text, [code for code, _ in part], rules):
            names = batch.vocabulary.words()
            for place, row in enumerate(batch.rows.tolist()):
                numbers = batch.tokens[batch.offsets[place] : batch.offsets[place + 1]]
                words[row] = [names[number] for number in numbers.tolist()]
        found += [words[row] for row in range(len(part))]
    assert found == expected


@pytest.mark.parametrize("kind", [GopherQuality, GopherRepetition])
def test_measures_of_words_do_not_depend_on_batch_or_order(kind: type, folder: str) -> None:
    stage = kind(words="nltk", segmented=INSTALLED, punkt=folder)
    stage.check()
    rows = [(code, text) for code, text in SAMPLES.items() for _ in range(3)]

    def measured(part: list[tuple[str | None, str]]) -> list[dict[str, object]]:
        batch = pa.record_batch(
            {
                "language": pa.array([code for code, _ in part], pa.string()),
                "text": pa.array([text for _, text in part], pa.large_string()),
            }
        )
        result: list[dict[str, object]] = stage.open()(batch).to_pylist()
        return result

    whole = measured(rows)
    assert [row for pair in rows for row in measured([pair])] == whole
    assert measured(rows[::-1]) == whole[::-1]


def test_a_filter_hands_the_rules_on(folder: str) -> None:
    def counts(**keys: object) -> list[int]:
        stage = GopherQuality(language="en", **keys)  # type: ignore[arg-type]
        batch = pa.record_batch({"text": pa.array(["a-b can't x"])})
        return stage.open()(batch).column("word_count").to_pylist()  # type: ignore[no-any-return]

    assert counts() == [5]  # a, b (the hyphen is punctuation), ca, n't, x
    assert counts(words="nltk", punkt=folder) == [4]  # a-b, ca, n't, x
    assert counts(words="space") == [3]


def test_a_filter_says_what_its_words_need(folder: str) -> None:
    plain = GopherQuality()
    assert plain.requires == ("numba",)
    chosen = GopherRepetition(words="nltk", segmented=("ja", "my"), punkt=folder)
    assert chosen.requires == ("numba", "fugashi", "unidic_lite")
    with pytest.raises(PlanError, match="'xx'"):
        GopherQuality(segmented=("xx",)).check()
    described = canonical(GopherRepetition(words="nltk", punkt=folder))
    assert folder not in str(described)
    assert len(described["punkt_sha256"]) == 64
    assert canonical(plain) != canonical(GopherQuality(words="space"))
