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
