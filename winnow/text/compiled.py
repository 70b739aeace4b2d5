"""``@compiled``: a function over flat buffers, as machine code of the machine that runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from winnow.optional import require

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """numba's ``njit``, cached on disk beside the module (or in ``NUMBA_CACHE_DIR``).

    The cache notices a change of the function's own file only, so a function lives in the file of
    those that call it (``space_bytes`` is the exception: Python's white space does not change).
    Where neither folder can be written to, every process compiles anew.
    """
    numba = require("numba", "text measures")
    try:
        return cast(Function, numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # numba found no place for its cache
        return cast(Function, numba.njit(nogil=True)(function))
