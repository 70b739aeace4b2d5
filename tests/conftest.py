"""Fixtures that several test folders share: the demo crawl, curated once."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of `winnow run configs/demo.toml`, made once for all tests."""
    from winnow.cli import main

    output = tmp_path_factory.mktemp("demo") / "out"
    code = main(
        [
            "run",
            str(ROOT / "configs/demo.toml"),
            "--workers",
            "2",
            "--quiet",
            "--set",
            f'output="{output}"',
        ]
    )
    assert code == 0
    return output
