"""Another bound, judged in memory, gives what a run with that bound would."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import winnow
from winnow.errors import ConfigError, StoreError
from winnow.whatif import bounds_of, parse_changes, what_if

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def corpus(demo_run: Path) -> winnow.Corpus:
    return winnow.open(demo_run)


def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "winnow", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_the_bounds_of_a_ledger_are_those_of_its_config(corpus: winnow.Corpus) -> None:
    from winnow.pipeline.config import load_config

    config = load_config(ROOT / "configs/demo.toml")
    expected = [bound for entry in config.stages for bound in entry.bounds]
    assert list(bounds_of(corpus.ledger_store))[1:] == expected  # the first: pages without text


def test_nothing_changed_changes_nothing(corpus: winnow.Corpus) -> None:
    answer = what_if(corpus, {"word_count": {"min": 50}})
    assert answer.total.before == answer.total.after == corpus.ledger_store.counters["verdict.kept"]
    assert not answer.now_kept and not answer.now_rejected
    assert all(before == after for before, after in answer.reasons.values())


def test_it_says_what_a_run_would(corpus: winnow.Corpus, demo_run: Path, tmp_path: Path) -> None:
    sets = ["word_count.min=20", "alpha_word_share.min=0.75", "stop_word_count=off"]
    known = tuple(corpus.ledger_store.manifest["config"]["measure_names"])
    answer = what_if(corpus, parse_changes(sets, known))
    arguments = [part for each in sets for part in ("--set", each.replace("=off", '="off"'))]
    done = cli(
        "run", "configs/demo.toml", "--quiet", "--set", f"output={tmp_path / 'out'}", *arguments
    )
    assert done.returncode == 0, done.stderr
    counters = winnow.open(tmp_path / "out").ledger_store.counters
    assert answer.total.after == counters["verdict.kept"] != answer.total.before
    for name, (_, after) in answer.reasons.items():
        assert after == counters.get(f"verdict.{name}", 0), name


def test_tighter_bounds_reject_and_say_which(corpus: winnow.Corpus) -> None:
    answer = what_if(corpus, {"word_count": {"min": 300}})
    assert answer.total.after < answer.total.before
    assert answer.now_rejected and {reason for _, reason in answer.now_rejected} == {"word_count"}
    lost = answer.total.before - answer.total.after
    moved = [shift.before - shift.after for _, shift in answer.groups["language"]]
    assert moved == sorted(moved, reverse=True) and moved[-1] > 0
    assert 0.9 * lost < sum(moved) <= lost  # the languages that move most are shown


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("word_cont.min=3", "Did you mean 'word_count'"),
        ("word_count.least=3", r"word_count\.min"),
        ("word_count.min=many", "'many' is not a number"),
        ("word_count", "no measure|MEASURE.min"),
    ],
)
def test_what_cannot_be_set(corpus: winnow.Corpus, setting: str, message: str) -> None:
    known = tuple(corpus.ledger_store.manifest["config"]["measure_names"])
    with pytest.raises(ConfigError, match=message):
        parse_changes([setting], known)
    with pytest.raises(StoreError, match="nothing to change"):
        parse_changes([], known)


def test_a_ledger_that_stopped_at_rejections_cannot_be_loosened(tmp_path: Path) -> None:
    output = tmp_path / "out"
    done = cli(
        "run",
        "configs/demo.toml",
        "--quiet",
        "--set",
        f"output={output}",
        "--set",
        "measure=until_rejected",
    )
    assert done.returncode == 0, done.stderr
    lazy = winnow.open(output)
    assert what_if(lazy, {"word_count": {"min": 90.0}}).total.after > 0
    for looser in ({"min": 20.0}, "off"):
        with pytest.raises(ConfigError, match="tightened here but not loosened"):
            what_if(lazy, {"word_count": looser})


def test_on_the_command_line(demo_run: Path) -> None:
    done = cli("whatif", str(demo_run), "--set", "word_count.min=20")
    assert done.returncode == 0, done.stderr
    assert "kept by the filters" in done.stdout and "now kept, for example" in done.stdout
    assert json.loads(cli("whatif", str(demo_run), "--set", "word_count.min=20", "--json").stdout)
    assert cli("whatif", str(demo_run), "--set", "wordcount.min=20").returncode == 2


def test_explain(demo_run: Path, corpus: winnow.Corpus) -> None:
    url = corpus.rejected("word_count").select("url").head(1)[0]["url"]
    done = cli("explain", str(demo_run), url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"word_count: {url}")
    assert "✗ word_count" in done.stdout and "min 50" in done.stdout
    assert "warc_offset" in done.stdout
    story = json.loads(cli("explain", str(demo_run), url, "--json").stdout)
    assert story["verdict"] == "word_count" and story["documents"]["url"] == url
    duplicate = corpus.rejected("near_duplicate").select("url").head(1)[0]["url"]
    assert (
        "minhash: near_duplicate, in a cluster of"
        in cli("explain", str(demo_run), duplicate).stdout
    )
    assert cli("explain", str(demo_run), url + "x").returncode == 1
