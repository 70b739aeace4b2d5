"""Puts this folder on the path: worker processes must be able to import ``toys``."""

import hashlib
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def tree(output: Path) -> dict[str, str]:
    """sha256 of every file that a run leaves, by name."""
    return {
        str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture(scope="session")
def clean_tree(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the toy run leaves when nothing goes wrong."""
    from toys import toy_config

    from winnow.pipeline.plan import make_plan
    from winnow.pipeline.runner import run

    output = tmp_path_factory.mktemp("clean") / "out"
    run(make_plan(toy_config(output)))
    return tree(output)
