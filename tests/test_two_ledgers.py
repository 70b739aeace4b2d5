"""Filters on both sides of a deduplication: two ledgers, the second of what the first one kept."""

from pathlib import Path

import pytest

import winnow
from winnow.cli import main
from winnow.compare import compare
from winnow.errors import ConfigError
from winnow.whatif import apply_verdicts
from winnow.whatif.answer import ask

ROOT = Path(__file__).resolve().parent.parent
CONFIG = f"""
name = "two"
output = "out"
[source]
use = "warc"
paths = ["{ROOT / "demo" / "demo.warc.gz"}"]
split_bytes = "256 kB"
[[stage]]
use = "extract"
[[stage]]
use = "language"
languages = ["en", "de"]
[[stage]]
use = "c4"
terminal_punctuation = false
[[stage]]
use = "exact"
[[stage]]
use = "gopher_quality"
word_count.per_language = {{ de = {{ min = 10 }} }}
mean_word_chars = {{ top_share = 0.5, by = "text_bytes", per = "language" }}
"""


@pytest.fixture(scope="module", params=["all", "until_rejected"])
def corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> object:
    folder = tmp_path_factory.mktemp("two")
    (folder / "a.toml").write_text(f'measure = "{request.param}"\n{CONFIG}')
    assert main(["run", str(folder / "a.toml"), "--workers", "1", "--quiet"]) == 0
    return winnow.open(folder / "out")


def test_the_second_ledgers_bounds_know_the_columns_of_the_first(corpus: winnow.Corpus) -> None:
    second = corpus.ledger_stores[1]
    assert "language" in second.schema.names
    counts = second.counters
    assert counts["verdict.kept"] > 0 and counts["verdict.mean_word_chars"] > 0


def test_applied_verdicts_reject_what_was_rejected_before(corpus: winnow.Corpus) -> None:
    changes = {"alpha_word_share": {"min": 0.81}}
    store, _ = apply_verdicts(corpus, ask(corpus, changes), "stricter", changes)
    kept = corpus.kept("stricter").arrow().column("url").to_pylist()
    assert len(kept) == store.counters["verdict.kept"]
    assert corpus.judged("stricter").arrow().column("verdict").to_pylist().count("kept") == len(
        kept
    )
    assert 0 < len(kept) <= len(corpus.kept())
    found = compare(corpus, ["run", "stricter"])
    assert found.kept["stricter"] == len(kept)
    assert found.kept["run"] == corpus.ledger_stores[1].counters["verdict.kept"]


def test_verdicts_of_two_ledgers_are_not_compared(corpus: winnow.Corpus) -> None:
    first = {"language_prob": {"min": 0.1}}
    if not corpus.ledger_stores[0].manifest["config"]["complete"]:
        first = {"language_prob": {"min": 0.9, "per_language": {"en": {"min": 0.9}}}}
    second = {"alpha_word_share": {"min": 0.82}}
    apply_verdicts(corpus, ask(corpus, first), "first", first)
    apply_verdicts(corpus, ask(corpus, second), "second", second)
    with pytest.raises(ConfigError, match="different ledgers"):
        compare(corpus, ["first", "second"])
    with pytest.raises(ConfigError, match="first"):  # live verdicts are never replaced
        apply_verdicts(corpus, ask(corpus, second), "first", second)


def test_bytes_are_those_of_the_text(corpus: winnow.Corpus) -> None:
    rows = corpus.documents.select("text", "text_bytes").arrow().to_pylist()
    assert all(len(row["text"].encode()) == row["text_bytes"] for row in rows)
    ledger = corpus.ledger.select("text_bytes").arrow().to_pylist()
    assert [row["text_bytes"] for row in ledger] == [row["text_bytes"] for row in rows]


def test_a_document_has_the_text_that_the_filters_left(corpus: winnow.Corpus) -> None:
    extracted = corpus.store("documents").arrow().column("text").to_pylist()
    rows = corpus.documents.select("url", "text").arrow().to_pylist()
    changed = [row for row, text in zip(rows, extracted, strict=True) if row["text"] != text]
    assert changed
    for row in changed[:3]:
        document = corpus.document(row["url"])
        assert document.text == row["text"]
        assert document.text_bytes == len(row["text"].encode())
        assert document.story["documents"]["text"] != row["text"]


def test_what_was_not_measured_of_all_cannot_be_asked(corpus: winnow.Corpus) -> None:
    if corpus.ledger_stores[0].manifest["config"]["complete"]:
        pytest.skip("everything was measured")
    for question in (lambda: ask(corpus, {}, "gopher"), lambda: compare(corpus, ["run", "gopher"])):
        with pytest.raises(ConfigError):
            question()
