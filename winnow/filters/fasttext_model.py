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


def as_probs(values: list[float]) -> npt.NDArray[np.float64]:
    """Probabilities in [0, 1]: fastText's rounding may exceed 1 by some 1e-5."""
    return np.clip(np.array(values, np.float64), 0.0, 1.0)
