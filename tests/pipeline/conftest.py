"""Puts this folder on the path: worker processes must be able to import ``toys``."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def clean_tree(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the toy run leaves when nothing goes wrong."""
    from toys import toy_config, tree

    from winnow.pipeline.plan import make_plan
    from winnow.pipeline.runner import run

    output = tmp_path_factory.mktemp("clean") / "out"
    run(make_plan(toy_config(output)))
    return tree(output)
