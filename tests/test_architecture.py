"""The house rules, walked over the syntax trees; each failure names the offender."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "winnow"

FOUNDATION = {"errors", "optional", "schema", "hashing", "documented"}
FAMILIES = {"sources", "extract", "filters", "dedup", "tokenize"}
# who may import whom; a stage family never imports another
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "optional": {"errors"},
    "schema": {"errors"},
    "hashing": set(),
    "documented": set(),
    "text": {"errors", "optional"},
    "store": FOUNDATION,
    "pipeline": FOUNDATION | {"store"},
    **{family: FOUNDATION | {"store", "pipeline", "text"} for family in FAMILIES},
    "train": FOUNDATION | {"store", "tokenize.token_shards"},
}
# `user code as a stage` is parsed by the filters' own decorator
EXCEPTIONS = {
    ("pipeline/config.py", "filters.measure"),
    ("pipeline/config.py", "filters.datatrove"),
}
TOP = {
    *("__init__", "__main__", "cli", "commands", "compare", "corpus", "funnel", "report", "rows"),
    *("duplicates", "provenance", "story", "tune", "whatif"),
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every imported module of ours and theirs, and whether the import is at module level."""
    tree = ast.parse(path.read_text())
    inner = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) not in inner
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, id(node) not in inner
            for alias in node.names:  # `from winnow import optional` names a module too
                if node.module == "winnow":
                    yield f"winnow.{alias.name}", id(node) not in inner


def room(path: Path) -> str:
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def offence(path: Path, module: str) -> str | None:
    here = room(path)
    inside = path.relative_to(PACKAGE).as_posix()
    target = module.removeprefix("winnow.")
    if here in TOP or module == "winnow" or target == "__version__":
        return None
    if target.split(".")[0] == here or (inside, target) in EXCEPTIONS:
        return None
    if here not in ALLOWED:
        return f"{inside}: no rule says what '{here}' may import"
    if any(target == each or target.startswith(f"{each}.") for each in ALLOWED[here]):
        return None
    return f"{inside} imports {target}; {here} may import {', '.join(sorted(ALLOWED[here]))}"


def test_who_imports_whom() -> None:
    offences = [
        found
        for path in modules()
        for module, _ in imports(path)
        if module.split(".")[0] == "winnow" and (found := offence(path, module))
    ]
    assert not offences, "\n".join(offences)


def test_ray_is_imported_in_one_file_and_torch_in_one_folder() -> None:
    for path in modules():
        inside = path.relative_to(PACKAGE).as_posix()
        names = {module.split(".")[0] for module, _ in imports(path)}
        assert "ray" not in names or inside == "pipeline/ray_executor.py", inside
        assert "torch" not in names or inside.startswith("train/"), inside


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_names(path: Path) -> None:
    banned = {"utils", "util", "helpers", "common", "misc", "base", "manager", "core"}
    assert path.stem not in banned, f"{path.name} says nothing about what is in it"
    standard = sys.stdlib_module_names - {"tokenize", "__main__"}
    inside = path.relative_to(PACKAGE)
    for part in (*inside.parts[:-1], inside.stem):
        assert part not in standard, f"{inside} bears the name of a standard module"


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_files_are_small_and_say_what_they_are(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400, f"{path.name} is too long to be one idea"
    assert ast.get_docstring(ast.parse(text)), f"{path.name} has no docstring"


def test_no_init_files_under_tests() -> None:
    """`tests/tokenize/__init__.py` would hide the standard library's `tokenize` from pytest."""
    assert not list((ROOT / "tests").rglob("__init__.py"))


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


HEAVY = {"pyarrow", "numpy", "ray", "torch", "spacy", "numba", "pandas"}


def test_importing_winnow_and_building_the_command_line_is_light() -> None:
    loaded = loaded_by("import winnow, winnow.cli; winnow.cli.parser().format_help()")
    assert not loaded & HEAVY


def test_planning_imports_no_ray_and_no_torch() -> None:
    loaded = loaded_by("import winnow.pipeline.plan, winnow.pipeline.runner, winnow.corpus")
    assert not loaded & {"ray", "torch", "spacy", "numba", "datasets"}


def test_training_imports_no_pipeline_and_no_ray() -> None:
    loaded = loaded_by("import winnow.train.command")
    assert not {name for name in loaded if name.startswith(("winnow.pipeline", "ray"))}
    assert not {name for name in loaded if name.startswith(("winnow.filters", "winnow.dedup"))}


def test_public_names_are_what_init_says() -> None:
    import winnow

    assert winnow.__all__ == sorted(winnow.__all__, key=lambda n: (n[0].islower(), n))
    for name in winnow.__all__:
        assert getattr(winnow, name) is not None


@pytest.mark.parametrize("command", ["pytest --version", "pip --version"])
def test_our_tokenize_does_not_hide_the_standard_one(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command.split()], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
