"""datatrove's filters and formatters as stages: the same answers as datatrove's own run.

Most of this needs datatrove, with the packages that its filters use; files that it would download
are put where it caches them.
"""

from __future__ import annotations

import importlib
import pickle
import random
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from winnow.errors import ConfigError, MissingExtra, StageError
from winnow.filters import foreign_class
from winnow.filters.datatrove import DatatroveFilter
from winnow.pipeline.awkward import TEXTS, documents
from winnow.pipeline.bounds import Bound, judge
from winnow.pipeline.fingerprint import canonical
from winnow.pipeline.laws import LAWS, Law
from winnow.pipeline.trial import Trial

MODELS = Path(foreign_class.__file__).parent / "models"
HERE = find_spec("datatrove") is not None and find_spec("regex") is not None
needs_datatrove = pytest.mark.skipif(not HERE, reason="datatrove is not installed")

# for the classes that cannot be made without, or that would fail on our languages
ARGUMENTS: dict[str, dict[str, Any]] = {
    "C4BadWordsFilter": {"fail_on_missing_language": False},
    "FastTextClassifierFilter": {
        "model_url": str(MODELS / "lid.176.ftz"),
        "keep_labels": [["en", 0.5], ["de", 0.5]],
        "newline_replacement": " ",
    },
    "RegexFilter": {"regex_exp": "w[aeiou]rd|times"},
}
NO_CONFIG = {"LambdaFilter": "takes a function"}
RANDOM = {"SamplerFilter"}  # by a hash of the id, and not as datatrove draws

GOOD = """\
The harbour of the town was built by people who had no money and a good deal of time.
They carried stones from the hills, one cart after another, for eleven winters in a row.
Nobody knows who drew the plan, and the mayor of those days said that there was none.
What we do have is a letter that a carpenter wrote to his sister in the spring of that year.
"We will be finished when the fish come back," he says, "and with luck before the rain."
They were not finished for a long time, because a storm took half of the wall to the sea.
"""

OWN = '''
import random
from datatrove.pipeline.filters.base_filter import BaseFilter
from datatrove.pipeline.formatters.base import BaseFormatter


class SeenFilter(BaseFilter):
    """Drops a text that it has seen."""

    def __init__(self, words: tuple[str, ...] = (), least: int = 0):
        super().__init__()
        self.seen = set()
        self.words = words
        self.least = least

    def filter(self, doc):
        assert isinstance(self.words, tuple)
        fresh = doc.text not in self.seen
        self.seen.add(doc.text)
        return fresh and len(doc.text) >= self.least


class DiceFilter(BaseFilter):
    def filter(self, doc):
        return random.random() < 0.5, "unlucky"


class SlyFilter(BaseFilter):
    def filter(self, doc):
        setattr(doc, "text", doc.text + "!")
        return True


class SecretFilter(BaseFilter):
    def filter(self, doc):
        raise KeyError(doc.text)


class HandleFilter(BaseFilter):
    def __init__(self):
        super().__init__()
        self.handle = open(__file__)

    def filter(self, doc):
        return True


class StreamFilter(BaseFilter):
    def run(self, data, rank=0, world_size=1):
        yield from list(data)[1:]

    def filter(self, doc):
        return True


class VagueFilter(BaseFilter):
    pass


class ShoutFormatter(BaseFormatter):
    def format(self, text):
        return text.upper()
'''


def classes() -> list[str]:
    """Every filter and formatter that this datatrove has."""
    if not HERE:
        return ["GopherQualityFilter"]
    packages = [
        importlib.import_module(f"datatrove.pipeline.{p}") for p in ("filters", "formatters")
    ]
    return sorted(name for package in packages for name in vars(package) if name[0].isupper())


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What datatrove would download: a language model, bad words, word counts."""
    for package in ("aiohttp", "fasteners", "requests"):  # without which it does not download
        pytest.importorskip(package)
    tmp_path = tmp_path_factory.mktemp("assets")
    assets = importlib.import_module("huggingface_hub.utils._cache_assets")
    c4 = importlib.import_module("datatrove.pipeline.filters.c4_filters")
    lid = importlib.import_module("datatrove.utils.lid")
    for language in ("en", "de", "zh"):
        url = c4._EN_BADWORDS_URL if language == "en" else c4._BADWORDS_URL + language
        words = {"en": "worst\nage of", "de": "war", "zh": "本語"}[language]
        _cached(tmp_path / "datatrove/filters/c4_badwords", url).write_text(words)
    model = _cached(tmp_path / "datatrove/lid/ft176", lid.FT176LID.MODEL_URL)
    shutil.copy(MODELS / "lid.176.ftz", model)
    model = _cached(tmp_path / "datatrove/filters/fasttext", str(MODELS / "lid.176.ftz"))
    shutil.copy(MODELS / "lid.176.ftz", model)
    counts = tmp_path / "datatrove/filters/unigram_logprob_filter/unigram_freq.csv"
    counts.parent.mkdir(parents=True)
    counts.write_text("word,count\nthe,1000\nof,500\nit,200\nwas,100\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assets, "HF_ASSETS_CACHE", str(tmp_path))
        yield tmp_path


def _cached(folder: Path, url: str) -> Path:
    strip_protocol = importlib.import_module("fsspec.core").strip_protocol
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / strip_protocol(url).replace("/", "_")
    path.with_name(path.name + ".completed").touch()
    return path


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "my_steps_for_tests.py").write_text(OWN)
    yield folder
    sys.modules.pop("my_steps_for_tests", None)
    if str(folder) in sys.path:
        sys.path.remove(str(folder))


def make(name: str, folder: Path = Path(), **keys: Any) -> DatatroveFilter:
    return DatatroveFilter.from_config(f"datatrove:{name}", keys, "stage 1", folder)[0]


def make_or_skip(name: str, arguments: dict[str, Any]) -> DatatroveFilter:
    """Skips where a package that the class wants is not installed."""
    try:
        return make(name, **arguments)
    except ConfigError as error:
        if "Please install" in error.message:
            pytest.skip(error.message)
        raise


def corpus() -> pa.RecordBatch:
    """The awkward texts but for the longest, and prose of all sorts."""
    choice = random.Random(11)
    words = "the of and to it was with that be have word wird 3 # ... … - https://a.b/c me@x.org"
    words += " 8.8.8.8 9.9.9.9 javascript { terms of use — ½ naïve Straße 日本 ﬁn â€œ"
    texts = [text for text in TEXTS if len(text) < 100_000]
    for _ in range(150):
        lines = []
        for _ in range(choice.randrange(1, 12)):
            line = " ".join(choice.choices(words.split(), k=choice.randrange(1, 30)))
            lines.append(line + choice.choice([".", "!", "", "...", "?\n"]))
        texts.append("\n".join(choice.choices(lines, k=choice.randrange(1, 15))))
    paragraph = "It was a long walk that the two of them had to the end of the old harbour, and "
    texts += [f"{paragraph * 3}.\n{paragraph * 4}!\n{paragraph * 5}.", GOOD]
    batch = documents(texts)
    urls = [f"http://{('porn', 'www')[n % 9 > 0]}.host{n}.org/a" for n in range(len(texts))]
    place = batch.schema.get_field_index("url")
    return batch.set_column(place, batch.schema.field(place), pa.array(urls))


class Excluded:
    """In place of a writer: keeps what a filter drops, with its reason."""

    def __init__(self) -> None:
        self.reasons: list[str | None] = []

    def __enter__(self) -> Excluded:
        return self

    def __exit__(self, *_: object) -> None: ...

    def write(self, document: Any, rank: int = 0) -> None:
        self.reasons.append(document.metadata.get("filter_reason"))


def own_run(name: str, batch: pa.RecordBatch) -> list[tuple[str | None, str]]:
    """Reason and text of each document, by datatrove's own ``run``."""
    Document = importlib.import_module("datatrove.data").Document
    found = foreign_class.find_class(name, "test", Path())
    arguments = dict(ARGUMENTS.get(name, {}))
    if "keep_labels" in arguments:
        arguments["keep_labels"] = [tuple(pair) for pair in arguments["keep_labels"]]
    step = found.kind_class(**arguments)
    results: list[tuple[str | None, str]] = []
    for row in batch.to_pylist():
        if name == "PIIFormatter":  # its replacements go round from one document to the next
            step = found.kind_class(**arguments)
        metadata = {"url": row["url"], "language": row["language"]}
        metadata = {key: value for key, value in metadata.items() if value is not None}
        document = Document(text=row["text"], id=row["record_id"], metadata=metadata)
        excluded = step.exclusion_writer = Excluded()
        try:
            kept = list(step.run(iter([document])))
        except Exception:
            assert not row["text"].strip()  # e.g. divides by the length of the text
            results.append(("empty", row["text"]))
            continue
        if kept:
            results.append((None, kept[0].text))
        else:
            results.append((excluded.reasons[0] or name, row["text"]))
    return results


@needs_datatrove
@pytest.mark.parametrize("name", classes())
def test_it_says_what_datatrove_says(name: str, cache: Path) -> None:
    if name in NO_CONFIG:
        with pytest.raises(ConfigError, match=NO_CONFIG[name]):
            make(name, **ARGUMENTS.get(name, {}))
        return
    if name in RANDOM:
        pytest.skip("sampled by a hash of the id instead: another test")
    stage = make_or_skip(name, ARGUMENTS.get(name, {}))
    batch = corpus()
    result = stage.open()(batch)
    expected = own_run(name, batch)
    if stage.kind == "filter":
        reasons = result.column(stage.measure_fields()[0].name).to_pylist()
        assert reasons == [reason for reason, _ in expected]
        assert judge(result, stage.bounds({}))[0].to_pylist() == [r or "kept" for r in reasons]
        assert len(set(reasons)) > 1  # the corpus tells something
    texts = [text for _, text in expected]
    assert result.column("text").to_pylist() == texts
    if stage.kind == "formatter":
        changed = [
            before != after for before, after in zip(batch["text"].to_pylist(), texts, strict=True)
        ]
        assert result.column(stage.measure_fields()[0].name).to_pylist() == changed
        assert any(changed)


@pytest.fixture(scope="module", params=[name for name in classes() if name not in NO_CONFIG])
def trial(request: pytest.FixtureRequest, cache: Path) -> Trial:
    lists = {"use_integrated_lists": False, "banned_words": ["porn"]}  # its own load for seconds
    arguments = {**ARGUMENTS, "URLFilter": lists}.get(request.param, {})
    return Trial(make_or_skip(request.param, arguments), corpus().slice(0, 60))


@needs_datatrove
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_it_keeps_the_laws(trial: Trial, law: Law) -> None:
    assert law.violations(trial) == []


@needs_datatrove
def test_which_classes_rewrite() -> None:
    found = {name: foreign_class.find_class(name, "test", Path()) for name in classes()}
    filters = {name for name, each in found.items() if each.kind == "filter"}
    rewriting = {name for name in filters if foreign_class.rewrites_text(found[name].kind_class)}
    assert rewriting == {"C4QualityFilter", "FastTextClassifierFilter"}
    assert found.keys() - foreign_class.REVIEWED == {"LambdaFilter"}


@needs_datatrove
def test_a_sample_is_drawn_by_the_id_of_the_document() -> None:
    batch = documents([f"text {n}" for n in range(2000)])
    kept = make("SamplerFilter", rate=0.25).open()(batch)["sampler"].is_null()
    assert 400 < kept.to_pylist().count(True) < 600
    other = make("SamplerFilter", rate=0.25, seed=7).open()(batch)["sampler"].is_null()
    both = sum(a and b for a, b in zip(kept.to_pylist(), other.to_pylist(), strict=True))
    assert 80 < both < 170  # an independent draw: a quarter of a quarter
    turned = batch.take(pa.array(range(1999, -1, -1)))
    again = make("SamplerFilter", rate=0.25).open()(turned)["sampler"].is_null()
    assert again.to_pylist()[::-1] == kept.to_pylist()


@needs_datatrove
def test_a_kept_fraction_of_bad_pages_does_not_depend_on_the_others(cache: Path) -> None:
    batch = documents([f"the worst page {n}" for n in range(400)], without=("language",))
    stage = make("C4BadWordsFilter", keep_fraction=0.5)
    whole = stage.open()(batch)["c4_bad_words"]
    assert 140 < whole.null_count < 260
    assert stage.open()(batch.slice(100, 50))["c4_bad_words"].equals(whole.slice(100, 50))


@needs_datatrove
def test_pii_replacements_start_anew_in_each_document() -> None:
    batch = documents(["a@b.org c@d.org e@f.org", "g@h.org"])
    result = make("PIIFormatter").open()(batch)
    first, second = "email@example.com", "firstname.lastname@example.org"
    assert result["text"].to_pylist() == [f"{first} {second} {first}", first]
    assert result["pii_changed"].to_pylist() == [True, True]


@needs_datatrove
def test_a_class_of_ones_own_forgets_each_document(own: Path) -> None:
    batch = documents(["same", "same", "same"])
    keys = {"words": ["a", "b"], "least": 2}
    stage = make("my_steps_for_tests.SeenFilter", own, **keys)
    assert stage.open()(batch)["seen"].to_pylist() == [None] * 3
    shared = make("my_steps_for_tests.SeenFilter", own, shared=True, **keys)
    assert shared.open()(batch)["seen"].to_pylist() == [None, "SeenFilter", "SeenFilter"]
    broken = {law.name for law in LAWS if law.violations(Trial(shared, batch))}
    assert "repeat" in broken
    assert not any(law.violations(Trial(stage, batch)) for law in LAWS)


@needs_datatrove
def test_global_random_numbers_are_fenced_and_given_back(own: Path) -> None:
    stage = make("my_steps_for_tests.DiceFilter", own)
    batch = documents([f"text {n}" for n in range(200)])
    random.seed(3)
    state = random.getstate()
    first = stage.open()(batch)["dice"]
    assert random.getstate() == state
    assert 60 < first.null_count < 140
    assert stage.open()(batch.slice(50, 9))["dice"].equals(first.slice(50, 9))


@needs_datatrove
def test_a_formatter_of_ones_own(own: Path) -> None:
    stage = make("my_steps_for_tests.ShoutFormatter", own)
    assert stage.rewrites and stage.bounds({}) == ()
    result = stage.open()(documents(["a", "B"]))
    assert result["text"].to_pylist() == ["A", "B"]
    assert result["shout_changed"].to_pylist() == [True, False]


@needs_datatrove
@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("SlyFilter", {}, "urn:uuid:0: changed the text"),
        ("SecretFilter", {}, r"urn:uuid:0: failed: KeyError at my_steps_for_tests.py:\d+$"),
        ("HandleFilter", {}, "HandleFilter cannot be copied"),
    ],
)
def test_a_class_that_fails_is_named_and_no_text_is_quoted(
    own: Path, name: str, keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(StageError, match=message) as failure:
        make(f"my_steps_for_tests.{name}", own, **keys).open()(documents(["secret"]))
    assert "secret" not in str(failure.value)


@needs_datatrove
def test_what_a_config_may_say_instead(own: Path) -> None:
    sly = make("my_steps_for_tests.SlyFilter", own, rewrites=True)
    result = sly.open()(documents(["a"]))
    assert result["text"].to_pylist() == ["a!"] and result["sly_changed"].to_pylist() == [True]
    shared = make("my_steps_for_tests.HandleFilter", own, shared=True)
    assert shared.open()(documents(["a"]))["handle"].to_pylist() == [None]


@needs_datatrove
@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("GopherQualityFilter", {"min_doc_word": 3}, "Did you mean 'min_doc_words'"),
        ("GopherQualityFilter", {"min_doc_words": "x"}, "min_doc_words must be"),
        ("GopherQualityFilter", {"min_doc_words": True}, "min_doc_words must be"),
        ("GopherQualityFilter", {"language": "xx"}, "language 'xx'"),
        ("GopherQualityFilter", {"exclusion_writer": "x"}, "documents stay in the run"),
        ("GopherQualityFilter", {"batch_size": 8}, "one at a time"),
        ("GopherQualityFilter", {"suffix": "a b"}, "suffix"),
        ("GopherQualityFilter", {"suffix": 3}, "suffix"),
        ("GopherQualityFilter", {"stop_words": {"a": 1}}, "numbers, strings or lists"),
        ("RegexFilter", {}, "needs the argument 'regex_exp'"),
        ("RegexFilter", {"regex_exp": "("}, "cannot be made: .*error"),
        ("PIIFormatter", {"rewrites": False}, "that is what it is for"),
        ("C4BadWords", {}, "Did you mean 'C4BadWordsFilter'"),
        ("JsonlWriter", {}, "writes every store itself"),
        ("MinhashDedupSignature", {}, "minhash"),
        ("TokensCounter", {}, "tokenize"),
        ("datatrove.pipeline.readers.WarcReader", {}, "not a subclass"),
        ("datatrove.pipeline.nothing.Filter", {}, "No module named"),
        ("datatrove.pipeline.filters.base_filter.BaseFilter", {}, "is abstract"),
        ("my_steps_for_tests.StreamFilter", {}, r"run\(\) of its own"),
        ("my_steps_for_tests.VagueFilter", {}, "is abstract"),
        ("my_steps_for_tests.Nothing", {}, "has no 'Nothing'"),
    ],
)
def test_what_a_config_can_get_wrong(
    own: Path, name: str, keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make(name, own, **keys)


@needs_datatrove
def test_names_of_measures_do_not_hide_columns() -> None:
    fields = make("C4QualityFilter").measure_fields()
    assert [field.name for field in fields] == ["c4_quality", "c4_quality_changed"]
    assert [field.name for field in make("FTFYFormatter").measure_fields()] == ["ftfy_changed"]
    assert make("URLFilter").measure_fields()[0].name == "url_filter"
    assert make("URLFilter", suffix="b").measure_fields()[0].name == "url_filter_b"
    nested = make("datatrove.pipeline.filters.FineWebQualityFilter")
    assert nested.measure_fields()[0].name == "fine_web_quality"


@needs_datatrove
def test_bounds() -> None:
    use, measure = "datatrove:GopherQualityFilter", "gopher_quality"
    table = {"gopher_quality": {"allowed": ["gopher_short_doc"]}, "min_doc_words": 9}
    stage, limits = DatatroveFilter.from_config(use, table, "stage 1", Path())
    assert stage.arguments == (("min_doc_words", 9),)
    assert stage.bounds(limits) == (
        Bound(measure=measure, allowed=("gopher_short_doc",), label_is_verdict=True),
    )
    assert stage.bounds({measure: "off"}) == ()
    with pytest.raises(ConfigError, match="is a label"):
        stage.bounds({measure: {"min": 1}})


@needs_datatrove
def test_the_fingerprint_holds_versions_and_arguments(own: Path) -> None:
    stage = make("GopherRepetitionFilter", top_n_grams=[[2, 0.2], [3, 0.18]])
    described = canonical(stage)
    assert described["arguments"] == [["top_n_grams", [[2, 0.2], [3, 0.18]]]]
    assert "datatrove" in dict(stage.versions) and "numpy" in dict(stage.versions)
    assert pickle.loads(pickle.dumps(stage)) == stage
    seen = make("my_steps_for_tests.SeenFilter", own)
    assert str(own) not in str(canonical(seen)) and len(canonical(seen)["module_sha256"]) == 64
    (own / "my_steps_for_tests.py").write_text(OWN + "# edited\n")
    with pytest.raises(StageError, match="not the file that the plan was made with"):
        seen.open()


def test_without_datatrove_the_plan_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "datatrove"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "datatrove", None)
    with pytest.raises(MissingExtra, match="stage 1 needs the package 'datatrove'") as error:
        make("C4BadWordsFilter")
    assert "pip install" in str(error.value.remedy)
    assert DatatroveFilter(use="datatrove:URLFilter", kind="filter").requires[0] == "datatrove"
