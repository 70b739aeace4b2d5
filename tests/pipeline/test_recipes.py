"""Recipes: bases, changes, paths; every one that ships can be planned, alone and with the rest."""

from pathlib import Path

import pytest

from winnow.errors import ConfigError, WinnowError
from winnow.pipeline.config import load_config
from winnow.pipeline.plan import make_plan
from winnow.pipeline.recipes import load_recipe, recipe_names

CONFIG = """
name = "web"
output = "out"
[source]
use = "warc"
paths = ["*.warc.gz"]
[[stage]]
use = "extract"
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def stages_of(path: Path) -> dict[str, tuple[object, ...]]:
    return {entry.name: entry.bounds for entry in load_config(path).stages}


@pytest.mark.parametrize("name", recipe_names())
def test_a_shipped_recipe_says_what_it_is(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.about and not recipe.about.endswith(".")
    assert recipe.source
    assert recipe.checked
    assert recipe.stages


def test_a_config_expands_a_recipe_and_changes_it(tmp_path: Path) -> None:
    config = write(
        tmp_path / "a.toml",
        CONFIG + '[[stage]]\nrecipe = "gopher"\ngopher_quality.word_count.min = 30\n'
        'gopher_repetition = "off"\n',
    )
    found = stages_of(config)
    assert "gopher_repetition" not in found
    bounds = {bound.measure: bound for bound in found["gopher_quality"]}  # type: ignore[attr-defined]
    assert bounds["word_count"].min == 30
    assert bounds["word_count"].max == 100_000
    again = load_config(config, ["word_count.min=20"]).stages
    assert [b.min for e in again for b in e.bounds if b.measure == "word_count"] == [20]


def test_a_recipe_of_your_own_starts_from_another(tmp_path: Path) -> None:
    write(
        tmp_path / "mine.toml",
        'base = "gopher"\ndrop = ["gopher_repetition"]\n[[stage]]\nuse = "gopher_quality"\n'
        'word_count.min = 10\n[[stage]]\nuse = "url"\nbefore = "language"\nlists = ["l.txt"]\n',
    )
    recipe = load_recipe("mine.toml", tmp_path)
    assert [stage["name"] for stage in recipe.stages][:2] == ["url", "language"]
    assert recipe.bases == ("gopher",)
    url = recipe.stages[0]
    assert url["lists"] == [str(tmp_path / "l.txt")], "paths start where the recipe lies"
    quality = next(stage for stage in recipe.stages if stage["name"] == "gopher_quality")
    assert quality["word_count"]["min"] == 10
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub" / "leaf.toml", 'base = "../mine.toml"\n')
    assert load_recipe("sub/leaf.toml", tmp_path).stages == recipe.stages


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('base = "gofer"', "unknown recipe 'gofer'. Did you mean 'gopher'"),
        ('base = "mine.toml"', "has itself as its base"),
        ('base = "other.toml"', "no recipe file"),
        ("x = 1", "unknown key 'x'"),
        ("", "has no .*stage"),
        ('[stage]\nuse = "url"', "two pairs of brackets"),
        ('[[stage]]\nuse = "minhash"', "is no filter"),
        ('[[stage]]\nuse = "gopher_qualty"', "Did you mean 'gopher_quality'"),
        ('base = "gopher"\ndrop = ["nothing"]', "no stage named 'nothing'"),
        ('base = "gopher"\n[[stage]]\nname = "nothing"\nx = 1', "no stage named 'nothing'"),
        ("[[stage]]\nx = 1", "has no 'use'"),
        ("= 1", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, says: str) -> None:
    write(tmp_path / "mine.toml", text)
    with pytest.raises(ConfigError, match=says):
        load_recipe("mine.toml", tmp_path)


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ('recipe = "gopher"\nuse = "url"', "both 'use' and 'recipe'"),
        ('recipe = "gopher"\nword_count.min = 3', "no stage named 'word_count'"),
        ('recipe = "gopher"\nlanguage = 3', "must be a table of keys"),
        ("recipe = 3", "named by a string"),
    ],
)
def test_what_is_wrong_in_a_config_is_said(tmp_path: Path, block: str, says: str) -> None:
    config = write(tmp_path / "a.toml", f"{CONFIG}[[stage]]\n{block}\n")
    with pytest.raises(ConfigError, match=says):
        load_config(config)


def test_compare_is_checked(tmp_path: Path) -> None:
    top, _, rest = CONFIG.partition("[source]")
    for line, says in (
        ('compare = ["gofer"]', "unknown recipe"),
        ('compare = ["gopher", "gopher"]', "twice"),
        ('compare = ["gopher"]\nmeasure = "until_rejected"', "compare needs measure"),
    ):
        config = write(tmp_path / "a.toml", f"{top}{line}\n[source]{rest}")
        with pytest.raises(ConfigError, match=says):
            load_config(config)


def test_all_recipes_can_be_compared_in_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So no two of them call different things by one name."""
    warc = Path(__file__).parents[2] / "demo" / "demo.warc.gz"
    monkeypatch.setattr("winnow.text.words.WordRules.check", lambda self: None)
    monkeypatch.setattr("winnow.text.words.WordRules.fingerprint_extra", lambda self: {})
    names = ", ".join(f'"{name}"' for name in recipe_names())
    config = CONFIG.replace("[source]", f"compare = [{names}]\n[source]")
    config = config.replace("*.warc.gz", str(warc))
    plan = make_plan(load_config(write(tmp_path / "a.toml", config)))
    ledger = next(step for step in plan.steps if step.kind == "ledger")
    assert {f"verdict_{name}" for name in ("c4", "dclm", "gopher")} <= set(ledger.schema.names)
    for name in recipe_names():  # and each as the run's own
        text = f'{CONFIG}[[stage]]\nrecipe = "{name}"\n'.replace("*.warc.gz", str(warc))
        make_plan(load_config(write(tmp_path / "a.toml", text)))


def test_names_that_would_be_one_column_are_refused(tmp_path: Path) -> None:
    warc = Path(__file__).parents[2] / "demo" / "demo.warc.gz"
    for name, says in (("margin", "verdict_margin"), ("gopher", "as one of winnow's")):
        write(tmp_path / f"{name}.toml", 'base = "gopher"\n')
        config = CONFIG.replace("[source]", f'compare = ["{name}.toml"]\n[source]')
        with pytest.raises(WinnowError, match=says):
            make_plan(
                load_config(write(tmp_path / "a.toml", config.replace("*.warc.gz", str(warc))))
            )


def test_two_variants_of_a_filter_need_no_name_but_a_suffix(tmp_path: Path) -> None:
    stages = '[[stage]]\nuse = "gopher_quality"\n[[stage]]\nuse = "gopher_quality"\nsuffix = "b"\n'
    config = write(tmp_path / "a.toml", CONFIG + stages)
    names = [entry.name for entry in load_config(config).stages]
    assert names == ["extract", "gopher_quality", "gopher_quality_b"]
    changed = load_config(config, ["gopher_quality_b.word_count.min=7", "word_count.min=8"])
    bounds = [bound for entry in changed.stages for bound in entry.bounds]
    assert {b.measure: b.min for b in bounds if b.measure.startswith("word_count")} == {
        "word_count": 8,
        "word_count_b": 7,
    }


def test_code_and_lists_beside_a_recipe_are_found_there(tmp_path: Path) -> None:
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "beside_recipe.py").write_text(
        "from winnow import measure\n\n@measure.per_document\ndef vowels(text):\n"
        '    return float(text.count("a"))\n'
    )
    (folder / "bad.txt").write_text("bad\n")
    write(folder / "base.toml", '[[stage]]\nuse = "bad_words"\n[[stage]]\nuse = "gopher_quality"\n')
    write(
        folder / "mine.toml",
        'base = "base.toml"\n[[stage]]\nname = "bad_words"\nlists = { en = "bad.txt" }\n'
        '[[stage]]\nuse = "beside_recipe:vowels"\nsuffix = "x"\nmax = 3\n',
    )
    config = write(tmp_path / "a.toml", f'{CONFIG}[[stage]]\nrecipe = "recipes/mine.toml"\n')
    stages = {entry.name: entry for entry in load_config(config).stages}
    assert stages["bad_words"].stage.lists == (("en", str(folder / "bad.txt")),)  # type: ignore[union-attr]
    assert [bound.measure for bound in stages["vowels"].bounds] == ["vowels_x"]
