"""What training needs to be installed: torch, numpy, pyarrow; and what it must not touch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import winnow.train

ROOT = Path(__file__).parents[2]
# None in sys.modules is Python's own way to say that a module is not there
BLOCK = "import sys\nsys.modules.update(dict.fromkeys({blocked!r}))\n"


def run(code, blocked):
    text = BLOCK.format(blocked=blocked) + code
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_training_runs_without_ray_the_pipeline_and_every_extra(toy_config):
    blocked = ["ray", "winnow.pipeline", "winnow.filters", "winnow.dedup", "winnow.extract",
               "winnow.sources", "tokenizers", "transformers", "datasets", "pandas", "polars",
               "rich", "tqdm", "safetensors"]  # fmt: skip
    code = (
        "from winnow.train import run_training\n"
        f"run_training({str(toy_config)!r}, ['batch.steps=2'])\n"
    )
    assert "bits per byte" in run(code, blocked)


def test_a_config_is_read_without_torch_numpy_and_pyarrow(toy_config):
    code = (
        "import winnow.train\n"
        "from winnow.train import load_config\n"
        f"print(load_config({str(toy_config)!r}).batch.steps)\n"
    )
    assert run(code, ["torch", "numpy", "pyarrow"]).strip() == "20"


def test_public_names_resolve_and_others_do_not():
    assert winnow.train.__all__ == sorted(winnow.train.__all__) == dir(winnow.train)
    assert all(getattr(winnow.train, name) for name in winnow.train.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Traner'"):
        _ = winnow.train.Traner
