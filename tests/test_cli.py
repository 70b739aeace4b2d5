"""The command line, as a user meets it: what it prints, where, and with which exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from winnow.cli import main, parser

ROOT = Path(__file__).resolve().parent.parent


def winnow(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "winnow", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_every_command_has_help() -> None:
    text = parser().format_help()
    for command in (
        "plan",
        "run",
        "status",
        "peek",
        "explain",
        "whatif",
        "compare",
        "tune",
        "verify",
        "stages",
        "recipes",
        "quality",
        "train",
        "doctor",
    ):
        assert f"\n    {command} " in text, f"{command} is not in --help"
        done = winnow(command, "--help")
        assert done.returncode == 0
        assert len(done.stdout) > 100


def test_plan_touches_nothing(tmp_path: Path) -> None:
    output = tmp_path / "out"
    done = winnow("plan", "configs/demo.toml", "--set", f'output="{output}"')
    assert done.returncode == 0, done.stderr
    for step in ("documents", "measures", "ledger", "exact", "minhash", "tokens"):
        assert f"  {step} " in done.stdout
    assert not output.exists()


def test_plan_as_json(tmp_path: Path) -> None:
    done = winnow("plan", "configs/demo.toml", "--json", "--set", f'output="{tmp_path}/out"')
    plan = json.loads(done.stdout)
    assert plan["steps"][0]["name"] == "documents"
    assert {step["state"] for step in plan["steps"]} == {"new"}
    assert "text" in plan["steps"][0]["columns"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["plan", "configs/dem.toml"], 2, "Did you mean 'demo.toml'"),
        (["plan", "configs/demo.toml", "--set", "minhash.band=3"], 2, "Did you mean 'bands'"),
        (["plan", "configs/demo.toml", "--set", "gopher_quality.word_cont.min=3"], 2, "word_count"),
        (
            ["plan", "configs/demo.toml", "--set", 'source.paths=["demo/dmo.warc.gz"]'],
            2,
            "demo.warc.gz",
        ),
        (["plan", "configs/demo.toml", "--set", 'source.paths=["demo"]'], 2, "folder"),
        (["plan", "configs/demo.toml", "--set", 'language.model="no.bin"'], 2, "no.bin"),
        (["run", "configs/demo.toml", "--workers", "0"], 2, "--workers"),
        (["status", "no/such/run"], 1, "does not exist"),
        (["verify", "configs"], 1, "neither a run nor a finished store"),
        (["stages", "gopher"], 2, "Did you mean 'gopher_"),
        (["recipes", "fineweb-202"], 2, "Did you mean 'fineweb-2"),
        (["tune", "no/such/run", "--keep-share", "0.1"], 1, "does not exist"),
    ],
)
def test_what_is_impossible_is_told(arguments: list[str], code: int, message: str) -> None:
    done = winnow(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    as_json = winnow(*arguments, "--json")
    assert as_json.returncode == code
    assert message in json.loads(as_json.stdout)["message"] + str(
        json.loads(as_json.stdout)["remedy"]
    )


def test_a_missing_extra_names_the_pip_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from winnow import optional

    def without_numba(modules: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(module for module in modules if module == "numba")

    monkeypatch.setattr(optional, "missing", without_numba)
    config = str(ROOT / "configs/demo.toml")
    assert main(["plan", config, "--set", f'output="{tmp_path}/out"']) == 2
    assert "pip install 'winnow-data[curate]'" in capsys.readouterr().err


def test_status_and_verify_of_the_demo(demo_run: Path) -> None:
    status = winnow("status", str(demo_run))
    assert status.returncode == 0
    assert "finished" in status.stdout and "train tokens" in status.stdout
    funnel = json.loads(winnow("status", str(demo_run), "--json").stdout)
    came = [row["came"] for row in funnel["funnel"]]
    kept = [row["kept"] for row in funnel["funnel"]]
    assert came[1:] == kept[:-1], "what a step is given is what the one before it kept"
    for row in funnel["funnel"]:
        assert row["came"] - sum(row["reasons"].values()) == row["kept"], row["step"]
    verify = winnow("verify", str(demo_run))
    assert verify.returncode == 0 and "all as their receipts say" in verify.stdout


def test_verify_finds_a_changed_byte(demo_run: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(demo_run, tmp_path / "run")
    shard = tmp_path / "run" / "ledger" / "00001.parquet"
    data = bytearray(shard.read_bytes())
    data[100] ^= 255
    shard.write_bytes(data)
    done = winnow("verify", str(tmp_path / "run"))
    assert done.returncode == 1
    assert "ledger/00001.parquet does not have the sha256" in done.stdout


def test_peek(demo_run: Path) -> None:
    rejected = winnow("peek", str(demo_run), "--rejected", "word_count", "-n", "2")
    assert rejected.returncode == 0
    assert rejected.stdout.count("── word_count · http") == 2
    again = winnow("peek", str(demo_run), "--rejected", "word_count", "-n", "2")
    assert again.stdout == rejected.stdout, "the same seed shows the same documents"
    kept = winnow("peek", str(demo_run), "--kept", "-n", "3", "--json")
    rows = [json.loads(line) for line in kept.stdout.splitlines()]
    assert len(rows) == 3 and {row["verdict"] for row in rows} == {"kept"}
    wrong = winnow("peek", str(demo_run), "--rejected", "word_cuont")
    assert wrong.returncode == 1 and "Did you mean 'word_count'" in wrong.stderr


def test_stages_lists_all_and_tells_one_in_full() -> None:
    from winnow.pipeline.registry import BUILT_IN

    listed = json.loads(winnow("stages", "--json").stdout)
    assert {stage["use"] for stage in listed} == set(BUILT_IN)
    for stage in listed:
        assert len(stage["summary"]) > 10, f"{stage['use']} does not say what it is"
    gopher = winnow("stages", "gopher_quality").stdout
    assert "word_count" in gopher and "min 50" in gopher


def test_every_measure_says_what_it_is() -> None:
    listed = json.loads(winnow("stages", "--measures", "--json").stdout)
    assert len(listed) > 20
    for each in listed:
        name = f"{each['stage']}: {each['measure']}"
        assert len(each["about"]) > 10 and each["type"] in ("float64", "int64", "string"), name
        assert each["about"][-1] != "." and each["range"], name
    shown = winnow("stages", "gopher_quality", "--measures").stdout
    assert "min 50, max 100000" in shown and "dup_line_share" not in shown


def test_the_page_of_measures_is_what_the_filters_say() -> None:
    made = winnow("stages", "--measures", "--markdown").stdout
    assert (ROOT / "docs" / "measures.md").read_text() == made, (
        "run: winnow stages --measures --markdown > docs/measures.md"
    )


def test_recipes_are_listed_and_told_in_full(tmp_path: Path) -> None:
    """What is told is a recipe itself: the same filters, the same bounds in the same order."""
    from winnow.pipeline.config import recipe_entry
    from winnow.pipeline.recipes import recipe_names

    listed = json.loads(winnow("recipes", "--json").stdout)
    assert [each["name"] for each in listed] == list(recipe_names())
    for name in recipe_names():
        told = tmp_path / "told.toml"
        assert main_output("recipes", name, into=told) == 0
        original = recipe_entry(name, tmp_path, "test")
        copy = recipe_entry(str(told), tmp_path, "test")
        assert copy.stages == original.stages, name
    plain = json.loads(winnow("recipes", "gopher", "--json").stdout)
    quality = next(each for each in plain["stages"] if each["use"] == "gopher_quality")
    assert quality["bounds"][0] == {"measure": "word_count", "min": 50.0, "max": 100_000.0}


def main_output(*arguments: str, into: Path) -> int:
    import contextlib

    with into.open("w") as file, contextlib.redirect_stdout(file):
        return main(list(arguments))


def test_doctor() -> None:
    report = json.loads(winnow("doctor", "--json").stdout)
    curate = {"fastwarc", "resiliparse", "trafilatura", "fasttext-community", "numba", "tokenizers"}
    installed = {package["package"] for package in report["packages"] if package["installed"]}
    assert curate <= installed
    assert report["conflicts"] == []
