"""What Punkt has learned of a language: read from a ``punkt_tab`` folder of NLTK's data.

We do not ship that data. ``python -m nltk.downloader punkt_tab`` fetches it, and it is looked for
where NLTK looks.
"""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from winnow.errors import PlanError

FILES = ("abbrev_types.txt", "collocations.tab", "ortho_context.tab", "sent_starters.txt")
ENGLISH = Path("tokenizers", "punkt_tab", "english")
_REMEDY = (
    "`python -m nltk.downloader punkt_tab` (pip install nltk) fetches it into ~/nltk_data; or give "
    "`punkt`, the path of a folder that holds " + ", ".join(FILES) + "."
)


@dataclass(frozen=True)
class PunktParameters:
    """Words are in lower case, without their last period; numbers are ``##number##``."""

    abbreviations: frozenset[str]
    collocations: frozenset[tuple[str, ...]]
    """Pairs of words, a period after the first, between which no sentence ends."""
    sentence_starters: frozenset[str]
    contexts: dict[str, int]
    """Where and how a word was seen, as bits; see :mod:`winnow.text.punkt`."""


def punkt_folders() -> list[Path]:
    """Where English parameters may lie, in NLTK's order."""
    prefix = Path(sys.prefix)
    roots = [Path(root) for root in os.environ.get("NLTK_DATA", "").split(os.pathsep) if root]
    roots += [
        Path("~/nltk_data"),
        *(prefix / "nltk_data", prefix / "share/nltk_data", prefix / "lib/nltk_data"),
        *(Path("/usr/share/nltk_data"), Path("/usr/local/share/nltk_data")),
        *(Path("/usr/lib/nltk_data"), Path("/usr/local/lib/nltk_data")),
    ]
    return [Path(os.path.expanduser(root)) / ENGLISH for root in roots]


def find_punkt(given: str | None = None) -> Path:
    """The folder with Punkt's parameters: ``given``, or the first of NLTK's data folders.

    ``given`` holds the four files, or is an NLTK data folder. :class:`PlanError` where none is.
    """
    if given is not None:
        for folder in (Path(given), Path(given) / ENGLISH):
            if _complete(folder):
                return folder
        raise PlanError(f"punkt: no parameters of Punkt in {given}", remedy=_REMEDY)
    for folder in punkt_folders():
        if _complete(folder):
            return folder
    raise PlanError(
        "NLTK's words need the English parameters of Punkt, and no NLTK data folder has them",
        remedy=_REMEDY,
    )


def _complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in FILES)


def punkt_digest(folder: Path) -> str:
    """sha256 of the four files, name and size of each included."""
    total = hashlib.sha256()
    for name in FILES:
        data = (folder / name).read_bytes()
        total.update(f"{name} {len(data)}\n".encode() + data)
    return total.hexdigest()


@lru_cache(maxsize=4)
def read_punkt(folder: Path) -> PunktParameters:
    """The parameters in ``folder``, once a process; :class:`PlanError` if they cannot be read."""
    abbreviations, collocations, contexts, starters = (_lines(folder / name) for name in FILES)
    try:
        rows = [line.split("\t") for line in contexts]
        by_word = {word: int(bits) for word, bits in rows}
    except ValueError:
        raise PlanError(
            f"punkt: {folder / FILES[2]} is not lines of word, tab, whole number", remedy=_REMEDY
        ) from None
    return PunktParameters(
        abbreviations=frozenset(abbreviations),
        collocations=frozenset(tuple(line.split("\t")) for line in collocations),
        sentence_starters=frozenset(starters),
        contexts=by_word,
    )


def _lines(path: Path) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return [line.removesuffix("\n") for line in file]
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"punkt: cannot read {path}: {error}", remedy=_REMEDY) from None
