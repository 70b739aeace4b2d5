"""The demo run, whole, by other means: the same bytes in every store."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def tree(output: Path) -> dict[str, bytes]:
    """Every file of a run but the lock, by name."""
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def assert_same(output: Path, other: Path, *but: str) -> None:
    left, right = tree(output), tree(other)
    for name in but:
        del left[name], right[name]
    assert left.keys() == right.keys()
    assert [name for name in left if left[name] != right[name]] == []


def command(output: Path, *arguments: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "winnow",
        "run",
        str(ROOT / "configs/demo.toml"),
        "--quiet",
        "--set",
        f'output="{output}"',
        *arguments,
    ]


def test_one_worker(demo_run: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    subprocess.run(command(output, "--workers", "1", "--set", "source.batch_rows=7"), check=True)
    assert_same(output, demo_run, "run.json")  # which quotes the config, batch_rows and all


@pytest.mark.ray
def test_ray(demo_run: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    output = tmp_path / "out"
    subprocess.run(command(output, "--executor", "ray", "--workers", "2"), check=True)
    assert_same(output, demo_run)


def test_killed_again_and_again(demo_run: Path, tmp_path: Path) -> None:
    """kill -9 of the run and of its workers, later each time, until one run gets to the end."""
    output = tmp_path / "out"
    killed = 0
    for seconds in (1.0, 2.0, 3.0, 4.5, 6.0):
        process = subprocess.Popen(command(output, "--workers", "2"), start_new_session=True)
        time.sleep(seconds)
        if process.poll() is None:
            killed += 1
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert killed >= 2, "the run was over before it could be killed"
    subprocess.run(command(output, "--workers", "2"), check=True)
    assert_same(output, demo_run)


def test_another_seed_is_another_order(demo_run: Path, tmp_path: Path) -> None:
    """And touches nothing but what depends on the seed: the documents are the same bytes."""
    output = tmp_path / "out"
    subprocess.run(command(output, "--set", "seed=1"), check=True)
    for name in ("documents/00000.parquet", "ledger/00000.parquet", "minhash/00000.parquet"):
        assert (output / name).read_bytes() == (demo_run / name).read_bytes()
    for name in ("tokens/train-00000-of-00002.arrow",):
        assert (output / name).read_bytes() != (demo_run / name).read_bytes()


def test_files_named_like_the_standard_librarys_do_no_harm(tmp_path: Path) -> None:
    """Beside the config, where a filter of the user's is looked for, by every worker."""
    for name in ("random.py", "tokenize.py", "json.py"):
        (tmp_path / name).write_text("raise SystemExit('not this one')")
    (tmp_path / "own_filters.py").write_text(
        "import pyarrow.compute as pc\nfrom winnow import measure\n\n"
        "@measure\ndef spaces_count(text):\n    return pc.count_substring(text, ' ')\n"
    )
    (tmp_path / "run.toml").write_text(
        f'name = "own"\noutput = "out"\n[source]\nuse = "warc"\nsplit_bytes = "700 kB"\n'
        f'paths = ["{ROOT}/demo/demo.warc.gz"]\n[[stage]]\nuse = "extract"\n'
        '[[stage]]\nuse = "own_filters:spaces_count"\nmin = 100\n'
    )
    run = [sys.executable, "-m", "winnow", "run", str(tmp_path / "run.toml"), "--workers", "2"]
    done = subprocess.run(run, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "spaces_count" in done.stdout
