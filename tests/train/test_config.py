from __future__ import annotations

import re
from pathlib import Path

import pytest

from winnow.errors import ConfigError
from winnow.train.config_file import field_help, load_config, parse_config, to_values

ROOT = Path(__file__).parents[2]
BASE = {"data": {"path": "tokens"}, "checkpoint": {"folder": "run"}}


def parse(folder=Path("/x"), **tables):
    merged = {name: {**BASE.get(name, {}), **tables.get(name, {})} for name in {**BASE, **tables}}
    return parse_config(merged, folder)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"dat": {}}, r"unknown section 'dat'\. Did you mean 'data'\?"),
        ({"data": {"max_contxt": 3}}, r"unknown key 'data\.max_contxt'\. .*'max_context'\?"),
        ({"batch": {"steps": "ten"}}, r"'batch\.steps' must be a whole number; got \"ten\""),
        ({"batch": {"steps": True}}, r"'batch\.steps' must be a whole number; got true"),
        ({"batch": {"steps": 1.5}}, r"'batch\.steps' must be a whole number; got 1\.5"),
        ({"optimizer": {"lr": "aut"}}, r"'optimizer\.lr' must be a number or \"auto\"; .*'auto'"),
        ({"model": {"preset": "125m"}}, r"'model\.preset' must be \"tiny\" or .*Did you .*m'\?"),
        ({"data": {"verify": 1}}, r"'data\.verify' must be true or false; got 1"),
        ({"data": {"path": 3}}, r"'data\.path' must be a path; got 3"),
        ({"batch": {"steps": 0}}, r"batch\.steps is 0; it must be greater than 0"),
        ({"optimizer": {"beta1": 1.5}}, r"optimizer\.beta1 is 1\.5; it must lie in \[0, 1\]"),
        ({"data": {"max_context": 65536}}, r"max_context \(65536\) exceeds data\.pack_tokens"),
        ({"batch": {"micro_tokens": 40000}}, r"batch\.micro_tokens \(40000\) is not a multiple"),
        ({"batch": {"global_tokens": 40000}}, r"batch\.global_tokens \(40000\) is not a mult"),
        ({"batch": {"steps": 1, "total_tokens": 9}}, r"both say how long"),
        (
            {"model": {"heads": 4, "kv_heads": 3}},
            r"(?s)model\.heads \(4\).*divisor of model\.heads",
        ),
        ({"model": {"head_dim": 7}}, r"model\.head_dim \(7\) is odd"),
        ({"schedule": {"warmup_share": 0.9}}, r"(?s)exceed the whole run.*schedule\.decay_share"),
    ],
)
def test_a_mistake_is_named_with_what_was_expected(tables, message):
    with pytest.raises(ConfigError, match=message):
        parse(**tables)


@pytest.mark.parametrize("name", ["data.path", "checkpoint.folder"])
def test_a_required_field_is_asked_for(name):
    section = name.partition(".")[0]
    with pytest.raises(ConfigError, match=rf"'{name}' is missing; it must be a path"):
        parse_config({key: table for key, table in BASE.items() if key != section}, Path("/x"))


def test_paths_in_a_file_start_at_the_file(tmp_path):
    file = tmp_path / "configs" / "a.toml"
    file.parent.mkdir()
    file.write_text('[data]\npath = "../tokens"\n[checkpoint]\nfolder = "run"\n')
    config = load_config(file)
    assert config.data.path == tmp_path / "tokens"
    assert config.checkpoint.folder == tmp_path / "configs" / "run"


def test_overrides_are_toml_and_their_paths_start_here(tmp_path, monkeypatch):
    file = tmp_path / "a.toml"
    file.write_text('[data]\npath = "tokens"\n[checkpoint]\nfolder = "run"\n')
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    config = load_config(
        file,
        ["batch.steps=7", "optimizer.lr=1e-3", "model.qk_norm=true", "schedule.kind=cosine",
         "data.path=mine"],
    )  # fmt: skip
    assert (config.batch.steps, config.optimizer.lr) == (7, 1e-3)
    assert config.model.qk_norm is True and config.schedule.kind == "cosine"
    assert config.data.path == tmp_path / "here" / "mine"
    with pytest.raises(ConfigError, match=r"a\.toml: unknown key 'batch\.step'.*'steps'"):
        load_config(file, ["batch.step=7"])
    with pytest.raises(ConfigError, match=r"--set 'steps=7' is not of the form"):
        load_config(file, ["steps=7"])


def test_a_file_that_is_none_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: there is no such file"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("data = [")
    with pytest.raises(ConfigError, match=r"bad\.toml is not a TOML file"):
        load_config(tmp_path / "bad.toml")


def test_a_config_survives_being_written_down():
    config = parse(optimizer={"lr": 1e-3}, batch={"steps": 4})
    assert parse_config(to_values(config), Path("/elsewhere")) == config


@pytest.mark.parametrize("file", sorted((ROOT / "configs/train").glob("*.toml")), ids=str)
def test_the_configs_of_the_repository_are_valid(file):
    load_config(file)


def test_every_field_has_help_and_stands_in_the_docs():
    text = (ROOT / "docs/training.md").read_text()
    for name, (kind, default, help_text) in field_help().items():
        section, _, key = name.partition(".")
        row = f"| `{key}` | {kind} | {default} | {help_text} |"
        table = re.search(rf"(?s)### `\[{section}\]`\n(.*?)(?=\n##|\Z)", text)
        assert table and row in table[1], f"docs/training.md lacks, under [{section}]:\n{row}"
