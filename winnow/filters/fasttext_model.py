"""fastText models for the filters that use one: found at plan time, loaded once a process."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from winnow.errors import PlanError, StageError
from winnow.filters.loaded import file_stamp
from winnow.optional import require

PREFIX = "__label__"


def check_model(path: str, stage: str) -> None:
    """Raise :class:`PlanError` unless ``path`` is a file."""
    if not os.path.isfile(path):
        raise PlanError(
            f"stage '{stage}': no model file {path}",
            remedy="`model` is the path of a fastText model (.bin or .ftz), relative to the "
            "config; `winnow quality train` makes one.",
        )


def load_model(path: str, stage: str) -> Any:
    """The model, once a process; :class:`StageError` if the file is not one."""
    require("fasttext", f"stage '{stage}'")
    try:
        return _load(path, file_stamp(path))
    except (OSError, ValueError) as error:
        raise StageError(
            f"stage '{stage}': {path} is not a fastText model: {error}", stage=stage
        ) from error


@lru_cache(maxsize=4)
def _load(path: str, stamp: tuple[int, int]) -> Any:
    return require("fasttext", "a fastText model").load_model(path)


def one_line(column: pa.Array, chars: int | None) -> list[str]:
    """The first ``chars`` code points of every text (None: all), line feeds as spaces, which is
    how fastText wants it; null as ""."""
    column = pc.fill_null(column, "")
    if chars is not None:
        column = pc.utf8_slice_codeunits(column, 0, chars)
    lines: list[str] = pc.replace_substring(column, "\n", " ").to_pylist()
    return lines


def best_labels(model: Any, lines: list[str]) -> tuple[list[str], npt.NDArray[np.float64]]:
    """The most probable label of each line, without its prefix, and its probability [0, 1]; ""
    and 0 for a line of which the model knows nothing.

    One call for all lines. The results are those of a call each: fastText looks at each alone.
    """
    found, values = model.predict(lines) if lines else ([], [])
    labels = [labels[0].removeprefix(PREFIX) if labels else "" for labels in found]
    return labels, as_probs([probs[0] if len(probs) else 0.0 for probs in values])


def label_probs(model: Any, lines: list[str], label: str) -> npt.NDArray[np.float64]:
    """The probability of ``label`` for each line, ``float64[n]`` in [0, 1]; 0 for a line without a
    word. One call for all lines that have any."""
    wanted = PREFIX + label
    probs = np.zeros(len(lines))
    some = [place for place, line in enumerate(lines) if line.strip()]
    if some:
        found, values = model.predict([lines[place] for place in some], k=-1)
        probs[some] = [
            float(of_line[labels.index(wanted)]) if wanted in labels else 0.0
            for labels, of_line in zip(found, values, strict=True)
        ]
    return as_probs(probs)


def as_probs(values: Any) -> npt.NDArray[np.float64]:
    """Probabilities in [0, 1]: fastText's rounding may exceed 1 by some 1e-5."""
    return np.clip(np.array(values, np.float64), 0.0, 1.0)
