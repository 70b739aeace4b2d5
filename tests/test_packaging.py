"""What `pip install` brings is what the code needs."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def data_files() -> list[Path]:
    return [
        path
        for path in (ROOT / "winnow").rglob("*")
        if path.is_file()
        and path.suffix not in (".py", ".pyc")
        and "_cache" not in str(path)
        and "__pycache__" not in path.parts
    ]


def test_every_data_file_is_in_the_wheel() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["winnow"]
    assert len(data_files()) >= 5
    for path in data_files():
        inside = path.relative_to(ROOT / "winnow").as_posix()
        # "**/*.toml" also takes what lies at the top
        found = [fnmatch(inside, each) or fnmatch(f"/{inside}", each[2:]) for each in patterns]
        assert any(found), f"{inside} would not be in the wheel"


def test_what_optional_names_is_what_the_extras_install() -> None:
    from winnow.optional import EXTRAS

    extras = PROJECT["project"]["optional-dependencies"]

    def installed_by(extra: str) -> set[str]:
        found: set[str] = set()
        for requirement in extras[extra]:
            name = re.split(r"[<>=\[ ]", requirement)[0]
            if name == "winnow-data":
                inner = requirement.partition("[")[2].partition("]")[0]
                for each in inner.split(","):
                    found |= installed_by(each)
            else:
                found.add(name.lower())
        return found

    for module, (extra, distribution) in EXTRAS.items():
        assert distribution in installed_by(extra), f"{module}: '{extra}' does not install it"
        assert distribution in installed_by("all") | installed_by("datatrove")


def test_trafilaturas_hidden_dependency_is_named() -> None:
    """pip before 23.3 drops `lxml[html_clean]`; trafilatura then cannot be imported."""
    extract = PROJECT["project"]["optional-dependencies"]["extract"]
    assert any(requirement.startswith("lxml_html_clean") for requirement in extract)


def test_every_dependency_is_pinned_by_the_constraints() -> None:
    pinned = {
        re.split("==", line)[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    groups = [PROJECT["project"]["dependencies"]]
    groups += PROJECT["project"]["optional-dependencies"].values()
    for requirement in (each for group in groups for each in group):
        name = re.split(r"[<>=\[ ]", requirement)[0].lower().replace("_", "-")
        assert name in pinned | {"winnow-data"}, f"{name} has no pin in constraints.txt"
