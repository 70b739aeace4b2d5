"""docs/deduplication.md does what it says: its config runs, its columns are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import winnow
from winnow.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "deduplication.md").read_text()
FENCE = re.compile(r"^```toml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HEAD = f"""
[source]
use = "warc"
paths = ["{ROOT / "demo" / "demo.warc.gz"}"]
split_bytes = "256 kB"
[[stage]]
use = "extract"
[[stage]]
use = "language"
languages = ["en"]
[[stage]]
use = "gopher_quality"
"""


def _run(folder: Path, name: str, stages: str) -> winnow.Corpus:
    file = folder / f"{name}.toml"
    file.write_text(f'name = "{name}"\noutput = "{folder / name}"\n{HEAD}\n{stages}')
    assert main(["run", str(file), "--workers", "1", "--quiet"]) == 0
    return winnow.open(folder / name)


@pytest.fixture(scope="module")
def configs() -> list[str]:
    return FENCE.findall(PAGE)


@pytest.fixture(scope="module")
def corpus(configs: list[str], tmp_path_factory: pytest.TempPathFactory) -> winnow.Corpus:
    folder = tmp_path_factory.mktemp("page")
    return _run(folder, "first", configs[0])


def test_its_first_config_runs_and_every_removal_has_its_reason(corpus: winnow.Corpus) -> None:
    removed = {row.step: row.reasons for row in corpus.funnel().rows}
    assert removed["exact"]["exact_duplicate"] > 0
    assert removed["minhash"]["near_duplicate"] > 0
    rows = corpus.store("minhash").arrow().to_pylist()
    gone = [row for row in rows if row["verdict"] == "near_duplicate"]
    assert all(row["survivor_id"] != row["doc_id"] and row["similarity"] >= 0.8 for row in gone)
    lines = corpus.store("lines").arrow()
    assert {"line_dedup_removed_count", "line_dedup_removed_chars_share"} <= set(lines.schema.names)


def test_a_second_run_against_the_first_finds_all_of_it(
    configs: list[str], corpus: winnow.Corpus, tmp_path: Path
) -> None:
    again = configs[1].replace("../out/demo", corpus.path)
    again = again.replace('use = "minhash"', 'use = "minhash"\nsimilarity = 0.8')
    second = _run(tmp_path, "second", again)
    row = second.funnel().rows[-1]
    kept = len(corpus.kept())
    assert row.reasons["near_duplicate"] >= kept - 1 and row.notes["in_index"] > 0


@pytest.mark.parametrize("number", [2])
def test_its_other_configs_are_planned(
    configs: list[str], number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.toml"
    file.write_text(f'name = "other"\noutput = "{tmp_path / "out"}"\n{HEAD}\n{configs[number]}')
    assert main(["plan", str(file)]) == 0
    assert "ngram_overlap" in capsys.readouterr().out
    assert len(configs) == 3


def test_it_names_every_block() -> None:
    from winnow.pipeline.registry import COMPOSITES

    named = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert named >= set(COMPOSITES) - {"tokenize"}
