from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import pytest

from winnow.text.compiled import compiled

ROOT = Path(__file__).resolve().parents[2]


def add_one(number: int) -> int:
    return number + 1


def test_a_compiled_function_does_what_it_did() -> None:
    assert compiled(add_one)(1) == 2


def test_without_a_place_for_the_cache_it_is_compiled_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = numba.njit
    asked = []

    def njit(*, cache: bool = False, nogil: bool) -> Any:
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(nogil=nogil)

    monkeypatch.setattr(numba, "njit", njit)
    assert compiled(add_one)(1) == 2
    assert asked == [True, False]


LEAF = """
from winnow.text.compiled import compiled


@compiled
def leaf(x):
    return x + {number}
"""
CALLER = """
from leaf_of_test import leaf

from winnow.text.compiled import compiled


@compiled
def caller(x):
    return leaf(x) * 10
"""


def test_the_cache_notices_a_change_in_a_file_that_is_called(tmp_path: Path) -> None:
    """numba by itself would go on with the machine code of the old one."""
    (tmp_path / "caller_of_test.py").write_text(CALLER)
    code = (
        "from caller_of_test import caller\nprint(caller(1), sum(caller.stats.cache_hits.values()))"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}

    def answer_and_hits() -> list[str]:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, check=True, env=environment)
        return done.stdout.decode().split()

    (tmp_path / "leaf_of_test.py").write_text(LEAF.format(number=1))
    assert answer_and_hits() == ["20", "0"]
    assert answer_and_hits() == ["20", "1"], "what did not change is not compiled again"
    (tmp_path / "leaf_of_test.py").write_text(LEAF.format(number=100))
    assert answer_and_hits() == ["1010", "0"]
