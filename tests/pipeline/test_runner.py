"""A run ends with the same bytes whatever happens on the way, and does only what is missing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from toys import ToyExtract, ToySource, toy_config, tree

from winnow.errors import PlanError, RunFailed, StoreError
from winnow.pipeline.config import ExecutorConfig, RunConfig
from winnow.pipeline.plan import make_plan
from winnow.pipeline.runner import RunResult, run
from winnow.schema import ROW_BITS
from winnow.store.manifest import Store

HERE = Path(__file__).parent


def go(config: RunConfig, workers: int = 1, use: str = "local") -> RunResult:
    return run(make_plan(config), executor=ExecutorConfig(use=use, workers=workers))  # type: ignore[arg-type]


def test_what_a_run_leaves(tmp_path: Path) -> None:
    go(toy_config(tmp_path / "out"))
    documents = Store.open(tmp_path / "out" / "documents")
    ledger = Store.open(tmp_path / "out" / "ledger")
    assert documents.rows == ledger.rows == 1500
    # of 300 rows, 28 are 0 mod 11 (no text), and 56 are 1 or 2 (under 20 characters)
    assert documents.counters["extract_problem.no_text"] == 5 * 28
    assert ledger.counters == {
        "verdict.extract_problem": 140,
        "verdict.kept": 1080,
        "verdict.text_chars": 280,
    }
    for shard in range(5):
        ids = [
            pq.read_table(store.files[shard], columns=["doc_id"]).column(0)
            for store in (documents, ledger)
        ]
        assert ids[0] == ids[1], "the ledger is aligned with the documents, row for row"


@pytest.mark.parametrize("workers", [2, 3])
def test_worker_processes_change_no_byte(
    tmp_path: Path, clean_tree: dict[str, str], workers: int
) -> None:
    go(toy_config(tmp_path / "out"), workers)
    assert tree(tmp_path / "out") == clean_tree


@pytest.mark.ray
def test_ray_changes_no_byte(tmp_path: Path, clean_tree: dict[str, str]) -> None:
    pytest.importorskip("ray")
    crash = ToyExtract(crash_doc_id=2 << ROW_BITS | 200, crash_flag=str(tmp_path / "crashed"))
    go(toy_config(tmp_path / "out", extract=crash), workers=2, use="ray")
    assert (tmp_path / "crashed").exists(), "a worker was killed in the middle of shard 2"
    assert tree(tmp_path / "out") == clean_tree


@pytest.mark.parametrize("batch_rows", [1, 7, 1000])
def test_batch_size_changes_no_byte(
    tmp_path: Path, clean_tree: dict[str, str], batch_rows: int
) -> None:
    go(toy_config(tmp_path / "out", source=ToySource(batch_rows=batch_rows)))
    assert tree(tmp_path / "out") == clean_tree


def test_a_killed_worker_costs_nothing(tmp_path: Path, clean_tree: dict[str, str]) -> None:
    crash = ToyExtract(crash_doc_id=3 << ROW_BITS | 150, crash_flag=str(tmp_path / "crashed"))
    go(toy_config(tmp_path / "out", extract=crash), workers=2)
    assert (tmp_path / "crashed").exists()
    assert tree(tmp_path / "out") == clean_tree


def test_a_worker_that_dies_again_and_again_is_told(tmp_path: Path) -> None:
    always = ToyExtract(crash_doc_id=3 << ROW_BITS)
    with pytest.raises(RunFailed, match=r"documents shard 3: its worker died 2 times") as caught:
        run(
            make_plan(toy_config(tmp_path / "out", extract=always)),
            executor=ExecutorConfig(workers=2, retries=1),
        )
    assert list(caught.value.failures) == ["documents/00003"]


RUN_SLOWLY = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from toys import ToyExtract, toy_config
from winnow.pipeline.config import ExecutorConfig
from winnow.pipeline.plan import make_plan
from winnow.pipeline.runner import run
config = toy_config(Path({output!r}), extract=ToyExtract(seconds_per_batch=0.02))
run(make_plan(config), executor=ExecutorConfig(workers={workers}))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_9_of_the_whole_run_at_any_point(
    tmp_path: Path, clean_tree: dict[str, str], workers: int
) -> None:
    output = tmp_path / "out"
    script = RUN_SLOWLY.format(here=str(HERE), output=str(output), workers=workers)
    for wait in (0.05, 0.15, 0.25):
        process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
        deadline = time.monotonic() + 60
        while not (output / "run.json").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(wait)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    result = go(toy_config(output))
    assert tree(output) == clean_tree
    assert result.made["documents"] + result.reused["documents"] == 5


def test_only_missing_shards_are_made(tmp_path: Path, clean_tree: dict[str, str]) -> None:
    output = tmp_path / "out"
    go(toy_config(output))
    (output / "documents" / "manifest.json").unlink()
    (output / "documents" / "receipts" / "00002.json").unlink()
    (output / "documents" / "00004.parquet").write_bytes(b"half a shard")
    result = go(toy_config(output))
    assert (result.made["documents"], result.reused["documents"]) == (2, 3)
    assert tree(output) == clean_tree


def test_a_second_run_does_nothing(tmp_path: Path) -> None:
    go(toy_config(tmp_path / "out"))
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.parquet")}
    result = go(toy_config(tmp_path / "out"))
    assert result.made == {}
    assert before == {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.parquet")}


def test_a_changed_bound_extracts_and_measures_nothing(tmp_path: Path) -> None:
    output = tmp_path / "out"
    go(toy_config(output))
    stamp = (output / "documents" / "00000.parquet").stat().st_mtime_ns
    plan = make_plan(toy_config(output, bound={"min": 40}))
    states = {step.name: plan.state(step) for step in plan.steps}
    assert states == {"documents": "done", "measures": "done", "ledger": "changed"}
    changes = plan.changes(plan.steps[-1])
    assert changes == ["bounds[text_chars].min: 20.0 → 40.0"]
    result = run(plan)
    assert set(result.made) == {"ledger"}
    assert (output / "documents" / "00000.parquet").stat().st_mtime_ns == stamp
    assert Store.open(output / "ledger").counters["verdict.kept"] < 1080


def test_measuring_until_rejected_gives_the_same_verdicts(tmp_path: Path) -> None:
    go(toy_config(tmp_path / "all"))
    go(toy_config(tmp_path / "lazy", measure="until_rejected"))
    every = Store.open(tmp_path / "all" / "ledger").table()
    lazy = Store.open(tmp_path / "lazy" / "ledger").table()
    assert every.column("verdict") == lazy.column("verdict")
    assert lazy.column("text_chars").null_count == 140, "pages without text were not measured"


def test_a_failing_shard_does_not_stop_the_others(tmp_path: Path) -> None:
    output = tmp_path / "out"
    broken = ToyExtract(fail_doc_id=1 << ROW_BITS | 70)
    for workers in (1, 2):
        with pytest.raises(RunFailed, match="1 of 5 shards of step 'documents' failed") as caught:
            go(toy_config(output, extract=broken), workers)
        assert "documents shard 1: this page cannot be read" in str(caught.value)
        assert caught.value.exit_code == 1
        assert not (output / "documents" / "manifest.json").exists()
    result = go(toy_config(output))
    assert (result.made["documents"], result.reused["documents"]) == (1, 4)


def test_two_runs_at_once_into_one_folder(tmp_path: Path) -> None:
    from winnow.pipeline.run_folder import run_lock

    with (
        run_lock(str(tmp_path / "out")),
        pytest.raises(PlanError, match="another run is writing"),
    ):
        go(toy_config(tmp_path / "out"))


def test_another_run_in_the_folder(tmp_path: Path) -> None:
    go(toy_config(tmp_path / "out"))
    with pytest.raises(PlanError, match="holds the run 'toy', and this one is 'other'"):
        make_plan(toy_config(tmp_path / "out", name="other"))


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(PlanError, match="not empty and holds no run"):
        make_plan(toy_config(tmp_path))


def test_folders_of_something_else_are_safe_too(tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "thesis.pdf").write_text("years of work")
    with pytest.raises(PlanError, match="not empty and holds no run"):
        make_plan(toy_config(tmp_path))


def test_a_strangers_file_in_a_store_stays(tmp_path: Path) -> None:
    go(toy_config(tmp_path / "out"))
    (tmp_path / "out" / "documents" / "notes.txt").write_text("mine")
    go(toy_config(tmp_path / "out", source=ToySource(rows=200)))
    assert (tmp_path / "out" / "documents" / "notes.txt").read_text() == "mine"


def test_a_lost_run_json_costs_nothing(tmp_path: Path, clean_tree: dict[str, str]) -> None:
    go(toy_config(tmp_path / "out"))
    (tmp_path / "out" / "run.json").unlink()
    assert go(toy_config(tmp_path / "out")).made == {}
    assert tree(tmp_path / "out") == clean_tree


@pytest.mark.parametrize("content", ["{", '{"format_version": 99}'])
def test_a_manifest_that_cannot_be_read_is_made_again(
    tmp_path: Path, clean_tree: dict[str, str], content: str
) -> None:
    go(toy_config(tmp_path / "out"))
    (tmp_path / "out" / "measures" / "manifest.json").write_text(content)
    go(toy_config(tmp_path / "out"))
    assert tree(tmp_path / "out") == clean_tree


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's word to a child is Linux's")
def test_workers_end_with_the_run(tmp_path: Path) -> None:
    script = RUN_SLOWLY.format(here=str(HERE), output=str(tmp_path / "out"), workers=2)
    process = subprocess.Popen([sys.executable, "-c", script])
    children: list[str] = []
    deadline = time.monotonic() + 60
    while len(children) < 2 and time.monotonic() < deadline:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        time.sleep(0.05)
    time.sleep(0.5)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while any(is_running(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(children) >= 2
    assert not [child for child in children if is_running(child)]


def is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="/sys is Linux's")
def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot write") as caught:
        go(toy_config(Path("/sys/winnow-out")))
    assert "Choose" in str(caught.value)


NO_SPACE = """
import resource, signal, sys
sys.path.insert(0, {here!r})
from pathlib import Path
from toys import ToySource, toy_config
from winnow.pipeline.config import ExecutorConfig
from winnow.pipeline.plan import make_plan
from winnow.pipeline.runner import run
plan = make_plan(toy_config(Path({output!r})))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
run(plan, executor=ExecutorConfig(workers=1))
"""


def test_no_room_for_a_shard(tmp_path: Path, clean_tree: dict[str, str]) -> None:
    """A file-size limit is the full disk that needs no root: write() itself fails."""
    output = tmp_path / "out"
    script = NO_SPACE.format(here=str(HERE), output=str(output))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode != 0
    assert "cannot write" in done.stderr and "File too large" in done.stderr
    left = [p.name for p in (output / "documents").rglob("*") if p.is_file()]
    assert not [name for name in left if name.endswith((".parquet", ".tmp"))], (
        "nothing half-visible"
    )
    go(toy_config(output))
    assert tree(output) == clean_tree
