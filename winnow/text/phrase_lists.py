"""Lists of words and phrases in files of the user's.

A file is a list, one entry a line, for documents of any language; or, where its name ends in
``.json``, a table from language (ISO 639-1) to a list, as data-juicer publishes its own.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from winnow.errors import PlanError

Lists = dict[str | None, tuple[str, ...]]
"""Entries by language; under None those for any language that has none of its own."""


def read_lists(path: str | None) -> Lists:
    """The entries of a file, or of none. White space around a line goes.

    Raises OSError, or ValueError for a file of neither form.
    """
    if path is None:
        return {}
    text = Path(path).read_text("utf-8")
    if not path.endswith(".json"):
        return {None: tuple(line.strip() for line in text.split("\n"))}
    table = json.loads(text)
    if not isinstance(table, dict):
        raise ValueError("a .json file must be a table from language to a list")
    for language, entries in table.items():
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise ValueError(f"{language!r} must be a list of strings")
    return {language: tuple(entries) for language, entries in table.items()}


def check_list(path: str, stage: str) -> None:
    """Raise :class:`PlanError` for a file that :func:`read_lists` cannot read."""
    try:
        read_lists(path)
    except (OSError, ValueError) as error:
        raise PlanError(
            f"stage '{stage}': cannot read the list {path}: {error}",
            remedy="A list is a text file, one entry a line, or a .json file: "
            '{"en": ["entry", …], …}. Paths are relative to the config.',
        ) from None


def of_language(lists: Lists, language: str | None) -> tuple[str, ...] | None:
    """The entries for ``language`` (None: English); None where there is no list for it."""
    return lists.get("en" if language is None else language, lists.get(None))


def single_words(entries: tuple[str, ...]) -> list[str]:
    """Those without a space, which alone can equal a word."""
    return [entry for entry in entries if " " not in entry]


def rows_by_language(
    languages: list[str | None],
) -> list[tuple[str | None, npt.NDArray[np.int64]]]:
    """The rows of each language, ``int64``, rising."""
    groups: dict[str | None, list[int]] = {}
    for row, language in enumerate(languages):
        groups.setdefault(language, []).append(row)
    return [(language, np.array(rows, np.int64)) for language, rows in groups.items()]
