"""What the documents say exists, exists."""

import re
import shlex
from pathlib import Path

import pytest

from winnow.cli import parser

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMENT = re.compile(r" #|\s{2,}")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name} → {target}"


def commands() -> list[tuple[str, str]]:
    """Every line of a shell block that starts with `winnow `."""
    found = []
    for document in DOCUMENTS:
        for language, block in FENCE.findall(document.read_text()):
            for line in block.splitlines() if language in ("", "sh") else ():
                if line.startswith("winnow "):
                    found.append((document.name, COMMENT.split(line)[0]))
    return found


@pytest.mark.parametrize(("document", "line"), commands())
def test_commands_are_ones_that_the_program_knows(document: str, line: str) -> None:
    for part in line.split("&&"):
        parser().parse_args(shlex.split(part)[1:])  # exits where it is not understood


def test_there_are_commands_to_check() -> None:
    assert len(commands()) > 8


def test_configs_that_documents_name_are_there() -> None:
    for document in DOCUMENTS:
        for name in re.findall(r"configs/[a-z0-9/_-]+\.toml", document.read_text()):
            assert (ROOT / name).exists(), f"{document.name} names {name}"


def test_every_optional_extra_is_in_the_readme() -> None:
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    readme = (ROOT / "README.md").read_text()
    for extra in extras:
        assert f"`{extra}`" in readme, extra


RECIPES = (ROOT / "docs/recipes.md").read_text()


def blocks(language: str) -> list[str]:
    return [block for kind, block in FENCE.findall(RECIPES) if kind == language]


def test_the_recipes_page_names_every_recipe_and_no_other() -> None:
    from winnow.pipeline.recipes import recipe_names

    named = re.findall(r"^\| `([a-z0-9.-]+)` \|", RECIPES, re.MULTILINE)
    assert sorted(named) == sorted(recipe_names())


def test_the_recipes_page_works(tmp_path: Path) -> None:
    """Its recipe, its measure and its stage tables, in one config that is planned."""
    from winnow.pipeline.config import load_config
    from winnow.pipeline.plan import make_plan

    (tmp_path / "my_filters.py").write_text(blocks("python")[0])
    first, compare, recipe, foreign, score = blocks("toml")
    (tmp_path / "my-recipe.toml").write_text(recipe)
    source = ROOT / "demo" / "demo.warc.gz"
    head = f'name = "x"\noutput = "out"\n[source]\nuse = "warc"\npaths = ["{source}"]\n'
    score = score.replace('model = "models/ours.bin"\n', "")
    extract = '[[stage]]\nuse = "extract"\n'
    (tmp_path / "a.toml").write_text(compare + head + extract + first + score)
    plan = make_plan(load_config(tmp_path / "a.toml"))
    assert {"cuts", "ledger"} <= {step.name for step in plan.steps}
    mine = '[[stage]]\nrecipe = "my-recipe.toml"\n'
    (tmp_path / "b.toml").write_text(head + extract + mine)
    names = [entry.name for entry in load_config(tmp_path / "b.toml").stages]
    assert names[-1] == "digit_share" and "fineweb_quality" not in names
    make_plan(load_config(tmp_path / "b.toml"))
    assert 'use = "datatrove:' in foreign
