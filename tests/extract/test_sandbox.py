"""Pages that hang, crash, kill or bloat the process that extracts them, one by one and together."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from winnow.errors import StageError
from winnow.extract import supervisor
from winnow.extract.extraction import Settings, open_extraction
from winnow.extract.frames import encode_result
from winnow.extract.guard import Limits
from winnow.extract.supervisor import Sandbox

LIMITS = Limits(max_html_bytes=6 << 20, max_tags=10**6, max_depth=1000)
HOSTILE = Settings(engine="hostile:open_hostile", limits=LIMITS)


def sandbox(**fields: Any) -> Sandbox:
    settings = {"cpu_seconds": 0.3, "memory_bytes": 4 << 30, **fields}
    return Sandbox(settings.pop("settings", HOSTILE), **settings)


def page(deed: str) -> tuple[bytes, str]:
    return f"<html>DO:{deed};".encode(), "text/html"


def problems(box: Sandbox, deeds: list[str]) -> list[str | None]:
    results = box.extract([page(deed) for deed in deeds])
    assert len(results) == len(deeds)
    for deed, (_, text, _, _, problem) in zip(deeds, results, strict=True):
        assert (problem is None) == bool(text)
        if deed == "":
            assert text == b"text of <html>DO:;"
    return [None if result[-1] is None else result[-1].decode() for result in results]


@pytest.mark.parametrize(
    ("deed", "problem"),
    [
        ("loop in Python", "cpu_budget"),
        ("loop in C", "cpu_budget"),
        ("read nowhere", "extract_crashed"),
        ("abort", "extract_crashed"),
        ("kill", "extract_crashed"),
        ("exit", "extract_crashed"),
        ("leave", "extract_crashed"),
        ("eat memory", "memory_budget"),
        ("raise", "extract_failed"),
        ("recurse", "extract_failed"),
    ],
)
def test_the_page_is_named_and_the_others_are_there(deed: str, problem: str) -> None:
    assert problems(sandbox(), ["", "", deed, "", ""]) == [None, None, problem, None, None]


def test_one_after_the_other() -> None:
    deeds = ["abort", "", "kill", "kill", "", "raise", "loop in C", "exit", "", "abort"]
    assert problems(sandbox(), deeds) == [
        "extract_crashed", None, "extract_crashed", "extract_crashed", None, "extract_failed",
        "cpu_budget", "extract_crashed", None, "extract_crashed",
    ]  # fmt: skip


def test_a_page_whose_process_was_killed_from_outside_is_tried_again(tmp_path: Path) -> None:
    deeds = ["", f"kill once {tmp_path}/mark", ""]
    assert problems(sandbox(), deeds) == [None, None, None]
    assert (tmp_path / "mark").exists()


def test_a_process_that_sleeps_for_ever_is_ended() -> None:
    assert problems(sandbox(idle_seconds=0.2), ["", "sleep", ""]) == [None, "extract_crashed", None]


def test_the_budget_is_a_page_s_and_not_the_group_s() -> None:
    box = sandbox(cpu_seconds=0.2)
    html = b"<html>" + b"<p>x" * 20_000  # some milliseconds, a few hundred times
    results = box.extract([(html, "text/html")] * 150)
    assert {result[-1] for result in results} == {None}


def test_what_an_engine_prints_is_no_result() -> None:
    assert problems(sandbox(), ["print", "", "print"]) == [None, None, None]


def test_results_larger_than_a_pipe() -> None:
    results = sandbox().extract([page("long")] * 3 + [page("")])
    assert [len(result[1]) for result in results] == [5_000_000] * 3 + [18]


def test_pages_larger_than_a_group() -> None:
    large = b"<html>" + b"x" * (supervisor.GROUP_BYTES + 1_000_000)
    results = sandbox().extract([(large, "text/html"), page(""), (large, None), (b"", None)])
    expected = open_extraction(HOSTILE)
    assert results[0] == results[2] == encode_result(expected(large, None))
    assert results[1] == encode_result(expected(*page("")))
    assert results[3] == encode_result(expected(b"", None))


def test_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "GROUP_BYTES", 60)
    deeds = ["", "", "abort", "", "", "", "abort", ""] * 3
    expected = [None if deed == "" else "extract_crashed" for deed in deeds]
    assert problems(sandbox(), deeds) == expected


def test_the_process_is_kept_and_replaced_when_it_is_gone() -> None:
    box = sandbox()
    assert problems(box, [""]) == [None]
    first = box._child
    assert problems(box, [""]) == [None]
    assert box._child is first
    assert first is not None
    first._process.kill()
    first._process.wait()
    assert problems(box, ["", ""]) == [None, None]
    assert box._child is not first
    box.close()


def test_nothing_is_left_behind() -> None:
    box = sandbox()
    box.extract([page("")])
    assert box._child is not None
    pid = box._child._process.pid
    del box
    gc.collect()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_it_ends_with_its_parent() -> None:
    script = """
import os, signal
from test_sandbox import sandbox, page
box = sandbox()
box.extract([page("")])
print(box._child._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    path = os.pathsep.join(
        [os.environ["PYTHONPATH"], str(Path(supervisor.winnow.__path__[0]).parent)]
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid = int(done.stdout)
    for _ in range(200):
        if not alive(pid):
            break
        time.sleep(0.05)
    assert not alive(pid)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # nobody may be there to collect it


def test_an_engine_that_does_not_open_says_why() -> None:
    settings = Settings(engine="hostile:open_broken", limits=LIMITS)
    with pytest.raises(StageError, match="RuntimeError: there is no model file"):
        sandbox(settings=settings).extract([page("")])


def test_lone_surrogates_never_leave() -> None:
    isolated = sandbox().extract([page("surrogate")])
    assert isolated == [(b"?", b"a?b", b"utf-8", b"utf-8", None)]
    assert isolated == [encode_result(open_extraction(HOSTILE)(*page("surrogate")))]


def test_settings_are_plain() -> None:
    assert pickle.loads(pickle.dumps(HOSTILE)) == HOSTILE
