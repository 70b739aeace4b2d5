"""Every config that ships can be planned as it stands; the README's too."""

import re
from pathlib import Path

import pytest

from winnow.pipeline.config import load_config, parse_config
from winnow.pipeline.plan import make_plan

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.toml")), ids=lambda p: p.name)
def test_it_can_be_planned(path: Path, tmp_path: Path) -> None:
    plan = make_plan(load_config(path, [f'output="{tmp_path}/out"']))
    assert plan.steps[-1].kind == "tokens"


def test_the_readmes_config_is_one() -> None:
    import tomllib

    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    config = parse_config(tomllib.loads(blocks[0]), base=ROOT / "configs")
    assert [entry.name for entry in config.stages][-1] == "tokenize"


def test_the_readmes_filter_works(tmp_path: Path) -> None:
    import pyarrow as pa

    from winnow.pipeline.config import load_config

    readme = (ROOT / "README.md").read_text()
    code = re.search(r"```python\n(# my_filters\.py.*?)```", readme, re.DOTALL)
    assert code is not None
    assert len([line for line in code[1].splitlines() if line.strip()]) <= 9
    (tmp_path / "my_filters.py").write_text(code[1].replace("digit_share", "readme_digit_share"))
    (tmp_path / "run.toml").write_text(
        'name = "x"\noutput = "out"\n[source]\nuse = "warc"\npaths = ["a.warc.gz"]\n'
        '[[stage]]\nuse = "extract"\n[[stage]]\nuse = "my_filters:readme_digit_share"\nmax = 0.2\n'
    )
    entry = load_config(tmp_path / "run.toml").stages[-1]
    function = entry.stage.open()  # type: ignore[union-attr]
    batch = pa.record_batch({"text": pa.array(["a1b2", ""], pa.large_string())})
    assert function(batch).column("readme_digit_share").to_pylist() == [0.5, 0.0]


def test_versions_and_seeds_are_where_they_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A composite's version changes its steps; the seed only those that use it."""
    from winnow.dedup.minhash import MinHash

    def prints(*sets: str) -> dict[str, str]:
        config = load_config(ROOT / "configs/demo.toml", [f"output={tmp_path}/out", *sets])
        return {step.name: step.fingerprint for step in make_plan(config).steps}

    before = prints()
    seeded = prints("seed=1")
    assert {name for name in before if before[name] != seeded[name]} == {
        "tokenizer",
        "tokenize-encode",
        "tokens",
    }
    monkeypatch.setattr(MinHash, "version", MinHash.version + 1)
    newer = prints()
    assert newer["exact"] == before["exact"]
    assert newer["minhash-sign"] != before["minhash-sign"]
    reordered = prints(
        "language.languages={zh=0.5,ja=0.5,ru=0.5,pl=0.5,pt=0.5,it=0.5,es=0.5,"
        "fr=0.5,de=0.5,en=0.65}"
    )
    assert reordered["ledger"] == before["ledger"]
