"""Another bound, judged in memory, gives what a run with that bound would."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

import winnow
from winnow.cli import main
from winnow.errors import ConfigError, FingerprintMismatch, StoreError
from winnow.pipeline.bounds import Bound, TopShare, judge, override
from winnow.whatif import apply_verdicts, bounds_of, open_applied, parse_changes, what_if
from winnow.whatif.answer import ask
from winnow.whatif.changes import config_lines, set_flags
from winnow.whatif.run_stages import run_filters

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def demo_run(demo_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of its own: `--apply` writes beside the run's stores."""
    copy = tmp_path_factory.mktemp("whatif") / "out"
    shutil.copytree(demo_run, copy)
    return copy


@pytest.fixture(scope="module")
def corpus(demo_run: Path) -> winnow.Corpus:
    return winnow.open(demo_run)


def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "winnow", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def measures(corpus: winnow.Corpus) -> tuple[str, ...]:
    return tuple(corpus.ledger_store.manifest["config"]["measure_names"])


def test_the_bounds_of_a_ledger_are_those_of_its_config(corpus: winnow.Corpus) -> None:
    from winnow.pipeline.config import load_config

    config = load_config(ROOT / "configs/demo.toml")
    expected = [bound for entry in config.stages for bound in entry.bounds]
    assert list(bounds_of(corpus.ledger_store))[1:] == expected  # the first: pages without text


def test_nothing_changed_changes_nothing(corpus: winnow.Corpus) -> None:
    answer = what_if(corpus, {"word_count": {"min": 50}})
    assert answer.total.before == answer.total.after == corpus.ledger_store.counters["verdict.kept"]
    assert answer.total.bytes_before == answer.total.bytes_after > 0
    assert not answer.now_kept and not answer.now_rejected
    assert all(before == after for before, after in answer.reasons.values())
    with pytest.raises(ConfigError, match="nothing to change"):
        what_if(corpus, {})


SETS = ["word_count.min=20", "alpha_word_share.min=0.75", "stop_word_count=off"]
ADDED = [*SETS, "stop_word_occurrence_count.min=5", "dup_5gram_chars_share.max=0.1"]


def test_it_says_what_a_run_would(corpus: winnow.Corpus, tmp_path: Path) -> None:
    """Reason by reason: so an added bound is tested where a run would test it."""
    answer = what_if(corpus, parse_changes(ADDED, measures(corpus)))
    arguments = [part for each in ADDED for part in ("--set", each.replace("=off", '="off"'))]
    done = cli(
        "run", "configs/demo.toml", "--quiet", "--set", f"output={tmp_path / 'out'}", *arguments
    )
    assert done.returncode == 0, done.stderr
    counters = winnow.open(tmp_path / "out").ledger_store.counters
    assert answer.total.after == counters["verdict.kept"] != answer.total.before
    assert answer.reasons["stop_word_occurrence_count"][1] > 0
    for name, (_, after) in answer.reasons.items():
        assert after == counters.get(f"verdict.{name}", 0), name


def test_tighter_bounds_reject_and_say_which(corpus: winnow.Corpus) -> None:
    answer = what_if(corpus, {"word_count": {"min": 300}})
    assert answer.total.after < answer.total.before
    assert {each.reason for each in answer.now_rejected} == {"word_count"}
    kept = set(corpus.ledger.duckdb().filter("verdict = 'kept'").select("url").fetchall())
    assert {(each.url,) for each in answer.now_rejected} <= kept
    lost = answer.total.before - answer.total.after
    moved = [shift.before - shift.after for _, shift in answer.languages]
    assert moved == sorted(moved, reverse=True) and moved[-1] > 0
    assert 0.9 * lost < sum(moved) <= lost  # the languages that move most are shown
    assert sum(move.now_rejected for _, move in answer.domains) <= lost
    assert all(move.now_kept == 0 for _, move in answer.domains)


def test_bytes_and_tokens_are_those_of_the_kept(corpus: winnow.Corpus) -> None:
    answer = what_if(corpus, {"word_count": {"min": 300}})
    sums = corpus.ledger.duckdb().filter("verdict = 'kept'").sum("text_bytes").fetchall()
    assert answer.total.bytes_before == sums[0][0]
    splits = corpus.stores["tokens"].manifest["tokens"]["splits"].values()
    tokens = sum(split["tokens"] for split in splits)
    assert answer.tokens.measured
    assert answer.tokens.tokens(sum(split["text_bytes"] for split in splits)) == tokens


# property: bits and columns give what judging everything again gives

NUMBERS = st.one_of(st.none(), st.integers(-3, 3).map(float))
LABELS = st.sampled_from([None, "de", "en", "fr"])
ROW = st.fixed_dictionaries(
    {
        "a": NUMBERS,
        "b": NUMBERS,
        "c": NUMBERS,
        "language": LABELS,
        "foreign": st.sampled_from([None, "too short", "too loud"]),
        "extract_problem": st.sampled_from([None, None, None, "empty"]),
        "considered": st.sampled_from([True, True, True, False]),
        "text_bytes": st.integers(0, 9),
    }
)
SIDE = st.one_of(st.none(), st.integers(-2, 2).map(float))


def limits(low: float | None, high: float | None) -> dict[str, float | None]:
    if low is not None and high is not None and low > high:
        low, high = high, low
    return {"min": low, "max": high}


LIMITS = st.builds(limits, SIDE, SIDE)


@st.composite
def bounds_lists(draw: st.DrawFn) -> tuple[Bound, ...]:
    found: list[Bound] = [Bound(measure="extract_problem", allowed=())]
    for measure in draw(st.permutations(["a", "b", "language", "foreign"])):
        if measure == "foreign":
            found.append(Bound(measure=measure, allowed=(), label_is_verdict=True))
        elif measure == "language":
            found.append(Bound(measure=measure, allowed=("en", "fr")))
        elif draw(st.booleans()):
            sides = draw(LIMITS)
            found.append(Bound(measure=measure, min=sides["min"], max=sides["max"]))
        else:
            low, high = draw(LIMITS).values()
            by = (("de", low, high), ("en", None, None))
            found.append(Bound(measure=measure, by_column="language", by=by))
    if draw(st.booleans()):
        share = TopShare(share=0.5, per=draw(st.sampled_from([None, "language"])), cuts=())
        found.append(Bound(measure="c", top=share))
    return tuple(found)


CHANGE = st.one_of(
    st.just("off"),
    LIMITS.map(lambda sides: {k: v for k, v in sides.items() if v is not None}),
    LIMITS.map(lambda s: {"per_language": {"en": {k: v for k, v in s.items() if v is not None}
                                           or "off"}}),
    st.just({"top_share": 0.4, "by": "text_bytes"}),
)  # fmt: skip


@given(
    rows=st.lists(ROW, min_size=1, max_size=40),
    bounds=bounds_lists(),
    changes=st.dictionaries(st.sampled_from(["a", "b", "c"]), CHANGE, min_size=1),
    shard_rows=st.integers(1, 40),
    bits=st.booleans(),
)
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_bits_give_what_judging_all_again_gives(
    make_ledger: Any,
    rows: list[dict[str, Any]],
    bounds: tuple[Bound, ...],
    changes: dict[str, Any],
    shard_rows: int,
    bits: bool,
) -> None:
    try:
        new = override(bounds, changes, "test", ("a", "b", "c"))
    except ConfigError:
        return  # a minimum above a maximum
    path, table = make_ledger(rows, bounds, shard_rows, bits)
    found = what_if(winnow.open(path), changes)
    expected = judged_plainly(table, new)
    considered = [row for row in range(len(rows)) if rows[row]["considered"]]
    counts = Counter(expected[row] for row in considered)
    assert found.total.documents == len(considered)
    assert found.total.after == counts.pop("kept", 0)
    assert {name: after for name, (_, after) in found.reasons.items() if after} == counts
    sizes = [rows[row]["text_bytes"] for row in considered if expected[row] == "kept"]
    assert found.total.bytes_after == sum(sizes)


def judged_plainly(table: pa.Table, bounds: tuple[Bound, ...]) -> list[str]:
    """Limits by `judge`; then top shares by sorting what they leave, in plain Python."""
    import dataclasses

    from winnow.hashing import keyed_hash
    from winnow.pipeline.bounds import TIE_SEED, without_top

    batch = table.combine_chunks().to_batches()[0]
    verdicts: list[str] = judge(batch, without_top(bounds))[0].to_pylist()
    rows = batch.to_pylist()
    left = [i for i, row in enumerate(rows) if verdicts[i] == "kept" and row["considered"]]
    ties = keyed_hash(batch.column("doc_id").to_numpy(), TIE_SEED)
    for bound in bounds:
        if bound.top is None:
            continue
        top = dataclasses.replace(bound.top, cuts=None)
        scored = [i for i in left if rows[i][bound.measure] is not None]
        for label in {rows[i][top.per] if top.per else None for i in scored}:
            group = [i for i in scored if not top.per or rows[i][top.per] == label]
            group.sort(key=lambda i: (-rows[i][bound.measure], ties[i]))
            weights = [rows[i][top.by] if top.by else 1 for i in group]
            budget, used = int(round(top.share * 10) * sum(weights) // 10), 0
            for number, i in enumerate(group):
                used += weights[number]
                if used > budget and verdicts[i] == "kept":
                    verdicts[i] = bound.measure
    return verdicts


def test_more_than_64_bounds_are_judged_from_the_measures(make_ledger: Any) -> None:
    rows = [
        {"a": float(n), "b": 1.0, "c": None, "language": "en", "foreign": None,
         "extract_problem": None, "considered": True, "text_bytes": 1}
        for n in range(9)
    ]  # fmt: skip
    many = tuple(Bound(measure="b", max=float(n)) for n in range(2, 70))
    path, _ = make_ledger(rows, (*many, Bound(measure="a", min=2)), 4, True)
    assert what_if(winnow.open(path), {"a": {"min": 5}}).total.after == 4


# recipes


def test_a_recipe_that_the_run_has_not_measured(corpus: winnow.Corpus, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('base = "gopher"\n[[stage]]\nuse = "gopher_quality"\nsuffix = "b"\n')
    with pytest.raises(ConfigError, match="9 measures that this run has not made") as caught:
        what_if(corpus, recipe=str(recipe))
    assert f'compare = ["{recipe}"]' in str(caught.value)


def test_a_recipe_with_other_settings_of_a_filter_is_refused(
    corpus: winnow.Corpus, tmp_path: Path
) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('base = "gopher"\n[[stage]]\nuse = "gopher_quality"\nlanguage = "en"\n')
    with pytest.raises(ConfigError, match="'gopher_quality' with other settings"):
        what_if(corpus, recipe=str(recipe))


def test_a_recipe_decides_as_a_run_of_it_would(tmp_path: Path) -> None:
    """Over a run that compared it (a column), and one that only has its measures in its order."""
    stages = '[[stage]]\nuse = "extract"\n[[stage]]\nrecipe = "gopher"\n'
    head = f'name="x"\n[source]\nuse="warc"\npaths=["{ROOT}/demo/demo.warc.gz"]\n'
    own = tmp_path / "own.toml"
    own.write_text(f'output="own"\n{head}{stages}')
    loose = tmp_path / "loose.toml"
    loose.write_text(
        f'output="loose"\n{head}{stages}gopher_quality.word_count.min = 1\n'
        'gopher_quality.alpha_word_share = "off"\n'
    )
    for config in (own, loose):
        done = cli("run", str(config), "--quiet")
        assert done.returncode == 0, done.stderr
    expected = winnow.open(tmp_path / "own").ledger_store.counters["verdict.kept"]
    run = winnow.open(tmp_path / "loose")
    answer = what_if(run, recipe="gopher")
    assert answer.total.after == expected < answer.total.before
    changed = what_if(run, {"word_count": {"min": 1}, "alpha_word_share": "off"}, recipe="gopher")
    assert changed.total.after == changed.total.before


# applied verdicts


def test_apply_writes_a_mask_that_a_run_would_make(
    demo_run: Path, tmp_path: Path, corpus: winnow.Corpus
) -> None:
    changes = parse_changes(SETS, measures(corpus))
    question = ask(corpus, changes)
    store, made = apply_verdicts(corpus, question, "loose", changes)
    assert made and store.verify() == []
    arguments = [part for each in SETS for part in ("--set", each.replace("=off", '="off"'))]
    done = cli(
        "run", "configs/demo.toml", "--quiet", "--set", f"output={tmp_path / 'out'}", *arguments
    )
    assert done.returncode == 0, done.stderr
    run = winnow.open(tmp_path / "out").ledger
    for name in ("verdict", "verdict_value", "verdict_bound", "verdict_margin"):
        assert store.table([name]) == run.select(name).arrow(), name
    assert len(corpus.kept("loose")) == store.counters["verdict.kept"]
    rejected = corpus.rejected("alpha_word_share", verdicts="loose").select("verdict").arrow()
    assert set(rejected.column(0).to_pylist()) == {"alpha_word_share"}
    assert "loose" in corpus.applied
    before = {file.name: file.read_bytes() for file in Path(store.path).glob("*.*")}
    again, made = apply_verdicts(corpus, question, "loose", changes)
    assert not made and again.fingerprint == store.fingerprint
    Path(store.path, "manifest.json").unlink()  # as if the first one had been killed
    apply_verdicts(corpus, question, "loose", changes)
    assert before == {file.name: file.read_bytes() for file in Path(store.path).glob("*.*")}
    other = ask(corpus, {"word_count": {"min": 3}})
    with pytest.raises(ConfigError, match="already, by other bounds"):
        apply_verdicts(corpus, other, "loose", {"word_count": {"min": 3}})


@pytest.mark.parametrize("name", ["run", "gopher", "../x", "", "a/b", ".hidden", "x" * 65])
def test_names_that_cannot_be_applied(corpus: winnow.Corpus, name: str) -> None:
    question = ask(corpus, {"word_count": {"min": 3}})
    with pytest.raises(ConfigError, match="--apply"):
        apply_verdicts(corpus, question, name, {})


def test_verdicts_of_a_ledger_that_is_no_more_are_refused_and_made_anew(
    make_ledger: Any,
) -> None:
    row = {"a": 1.0, "b": 1.0, "c": None, "language": "en", "foreign": None,
           "extract_problem": None, "considered": True, "text_bytes": 1}  # fmt: skip
    path, _ = make_ledger([row], (Bound(measure="a", min=0),), 4, True)
    corpus = winnow.open(path)
    changes = {"a": {"min": 2.0}}
    apply_verdicts(corpus, ask(corpus, changes), "x", changes)
    manifest = Path(path, "applied", "x", "manifest.json")
    old = json.loads(manifest.read_text()) | {"ledger": "f00", "fingerprint": "f01"}
    manifest.write_text(json.dumps(old))
    with pytest.raises(FingerprintMismatch, match="made anew since"):
        open_applied(corpus, "x")
    _, made = apply_verdicts(corpus, ask(corpus, changes), "x", changes)
    assert made and open_applied(corpus, "x").counters == {"verdict.a": 1, "verdict.kept": 0}
    with pytest.raises(StoreError, match="no applied verdicts 'x1'"):
        open_applied(corpus, "x1")


# the command line


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("word_cont.min=3", "Did you mean 'word_count'"),
        ("word_count.least=3", r"word_count\.min"),
        ("word_count.min=many", "'many' is not a number"),
        ("word_count", "no measure|MEASURE.min"),
        ("word_count=3", r"word_count\.min"),
    ],
)
def test_what_cannot_be_set(corpus: winnow.Corpus, setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_changes([setting], measures(corpus))


def test_settings_as_a_run_takes_them(corpus: winnow.Corpus) -> None:
    found = parse_changes(
        ["gopher_quality.word_count.min=30", "word_count.max=9e3", 'stop_word_count="off"',
         "gopher_quality.word_count.per_language.de.min=5"],
        measures(corpus),
        run_filters(corpus),
    )  # fmt: skip
    per = {"de": {"min": 5}}
    assert found == {
        "word_count": {"min": 30, "max": 9e3, "per_language": per},
        "stop_word_count": "off",
    }
    filters = run_filters(corpus)
    assert config_lines(found, filters) == [
        '[[stage]]  # use = "gopher_quality"',
        "word_count.min = 30",
        "word_count.max = 9000",
        "word_count.per_language.de.min = 5",
        'stop_word_count = "off"',
    ]
    assert set_flags(found, filters)[0] == "--set 'gopher_quality.word_count.min=30'"


@pytest.mark.parametrize(
    "setting", ["nonsense.word_count.min=3", "gopher_repetition.word_count.min=3"]
)
def test_a_stage_in_front_must_be_the_measures_own(corpus: winnow.Corpus, setting: str) -> None:
    with pytest.raises(ConfigError, match="no measure"):
        parse_changes([setting], measures(corpus), run_filters(corpus))


@pytest.mark.parametrize(
    ("setting", "says"),
    [("language.min=3", "is a label"), ('word_count.allowed=["a"]', "is a number")],
)
def test_limits_are_for_numbers_and_lists_for_labels(
    corpus: winnow.Corpus, setting: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        what_if(corpus, parse_changes([setting], measures(corpus)))


def test_a_ledger_that_stopped_at_rejections_cannot_be_loosened(tmp_path: Path) -> None:
    output = tmp_path / "out"
    lazy_run = ["--set", f"output={output}", "--set", "measure=until_rejected"]
    done = cli("run", "configs/demo.toml", "--quiet", *lazy_run)
    assert done.returncode == 0, done.stderr
    lazy = winnow.open(output)
    assert what_if(lazy, {"word_count": {"min": 90.0}}).total.after > 0
    for looser in ({"min": 20.0}, "off"):
        with pytest.raises(ConfigError, match="tightened here but not loosened"):
            what_if(lazy, {"word_count": looser})
    with pytest.raises(ConfigError, match="tightened here but not loosened"):
        what_if(lazy, {"language_prob": {"per_language": {"en": {"min": 0.1}}}})


def test_on_the_command_line(demo_run: Path) -> None:
    done = cli("whatif", str(demo_run), "--set", "word_count.min=20")
    assert done.returncode == 0, done.stderr
    assert "kept by the filters" in done.stdout and "now kept, for example" in done.stdout
    assert "as this run's token shards have it" in done.stdout
    plain = json.loads(cli("whatif", str(demo_run), "--set", "word_count.min=20", "--json").stdout)
    assert plain["total"]["tokens_after"] > plain["total"]["tokens_before"]
    assert cli("whatif", str(demo_run), "--set", "wordcount.min=20").returncode == 2
    assert cli("whatif", str(demo_run)).returncode == 2
    applied = cli("whatif", str(demo_run), "--set", "word_count.min=20", "--apply", "short")
    assert "word_count.min = 20" in applied.stdout
    assert "--set 'gopher_quality.word_count.min=20'" in applied.stdout
    peek = cli("peek", str(demo_run), "--verdicts", "short", "-n", "2")
    assert peek.stdout.count("── kept · http") == 2
    rejected = cli("peek", str(demo_run), "--verdicts", "short", "--rejected", "language")
    assert "── language · http" in rejected.stdout
    assert cli("peek", str(demo_run), "--verdicts", "shrt").returncode == 1


def test_a_limit_that_languages_shadow_is_told(
    demo_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["whatif", str(demo_run), "--set", "language_prob.min=0.99"]) == 0
    told = capsys.readouterr().out
    assert "no verdict changes" in told
    assert "language_prob has limits of its own for" in told
