"""Comparing verdicts counts what DuckDB counts over the same columns."""

import json
from pathlib import Path

import pytest

import winnow
from winnow.cli import main
from winnow.errors import ConfigError
from winnow.whatif import apply_verdicts
from winnow.whatif.answer import ask

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> winnow.Corpus:
    """The demo crawl, judged by its own bounds and by `gopher`, and by looser ones applied."""
    output = tmp_path_factory.mktemp("compared") / "out"
    config = ROOT / "configs/demo.toml"
    sets = [f'output="{output}"', 'compare=["gopher"]', "tokenize.train_bpe.vocab_size=1024"]
    arguments = [part for each in sets for part in ("--set", each)]
    assert main(["run", str(config), "--quiet", "--workers", "2", *arguments]) == 0
    run = winnow.open(output)
    changes = {"word_count": {"min": 20}, "alpha_word_share": "off"}
    apply_verdicts(run, ask(run, changes), "loose", changes)
    return run


def test_the_counts_are_those_of_the_columns(corpus: winnow.Corpus) -> None:
    found = corpus.compare("run", "gopher")
    ledger = corpus.ledger.duckdb()
    kept = {"run": "verdict = 'kept'", "gopher": "verdict_gopher = 'kept'"}

    def count(where: str) -> int:
        return int(ledger.filter(where).count("*").fetchall()[0][0])

    run, gopher = kept["run"], kept["gopher"]
    (pair,) = found.pairs
    assert found.kept == {name: count(where) for name, where in kept.items()}
    assert pair.both == count(f"{run} AND {gopher}") > 0
    assert pair.only_first == count(f"{run} AND NOT {gopher}") > 0
    assert pair.only_second == count(f"NOT ({run}) AND {gopher}")
    assert pair.both + pair.only_first + pair.only_second + pair.neither == found.documents
    reasons = ledger.filter(f"{run} AND verdict_gopher <> 'kept'").aggregate(
        "verdict_gopher, count(*)"
    )
    assert pair.separate_first == dict(reasons.fetchall())
    assert pair.jaccard == pair.both / (found.documents - pair.neither)
    for language, documents, by in found.languages:
        assert documents == count(f"language = '{language}' AND verdict IS NOT NULL")
        assert by["gopher"] == count(f"language = '{language}' AND {gopher}")
    sizes = ledger.filter(run).sum("text_bytes").fetchall()
    assert found.kept_bytes["run"] == sizes[0][0]


def test_applied_verdicts_and_three_at_a_time(corpus: winnow.Corpus) -> None:
    found = corpus.compare("run", "loose", "gopher")
    assert len(found.pairs) == 3
    assert found.kept["loose"] == len(corpus.kept("loose"))
    loose = found.pairs[0]
    assert loose.only_first == 0 < loose.only_second, "looser bounds keep all that the run keeps"
    assert set(loose.separate_second) <= {"word_count", "alpha_word_share"}
    verdicts = {row["url"]: row for row in corpus.ledger.arrow().to_pylist()}
    for who, urls in found.examples.items():
        for url in urls:
            assert ("run" in who.split(" + ")) == (verdicts[url]["verdict"] == "kept")
            assert ("gopher" in who.split(" + ")) == (verdicts[url]["verdict_gopher"] == "kept")
    html = found._repr_html_()
    assert "<table>" in html and "loose" in html and "<script" not in html


def test_what_cannot_be_compared(corpus: winnow.Corpus) -> None:
    with pytest.raises(ConfigError, match=r"named 'lose'.*Did you mean 'loose'"):
        corpus.compare("run", "lose")
    with pytest.raises(ConfigError, match="name 2 to 8"):
        corpus.compare("run", "run")


def test_on_the_command_line(corpus: winnow.Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", corpus.path, "run", "loose", "-n", "1"]) == 0
    shown = capsys.readouterr().out
    assert "Jaccard" in shown and "kept by loose, rejected by run for:" in shown
    assert main(["compare", corpus.path, "run", "gopher", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert 0 < plain["pairs"][0]["jaccard"] < 1 and plain["kept_tokens"]["run"] > 0
    assert main(["compare", corpus.path, "run", "gophr"]) == 2


def test_explain_tells_other_verdicts_too(
    corpus: winnow.Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    row = corpus.ledger.duckdb().filter("verdict = 'kept' AND language = 'de'").select("url")
    url = row.limit(1).fetchall()[0][0]
    assert main(["explain", corpus.path, url, "--json"]) == 0
    story = json.loads(capsys.readouterr().out)
    assert story["recipes"] == {"gopher": "language", "loose": "kept"}
