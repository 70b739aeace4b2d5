"""``@compiled``: a function over flat buffers, as machine code of the machine that runs it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

from winnow.optional import require

Function = TypeVar("Function", bound=Callable[..., Any])

_SOURCES = "sources_of_winnow"  # on a compiled function: the files that its machine code is of


def compiled(function: Function) -> Function:
    """numba's ``njit``, cached on disk beside the module (or in ``NUMBA_CACHE_DIR``).

    numba's cache notices a change of the function's own file only. Ours is also told of the files
    of the compiled functions that it calls, and of those that these call. Where neither folder can
    be written to, every process compiles anew.
    """
    numba = require("numba", "text measures")
    sources = _sources(function)
    try:
        found = numba.njit(cache=True, nogil=True)(function)
        _stamp(found, sources)
    except RuntimeError:  # numba found no place for its cache
        found = numba.njit(nogil=True)(function)
    setattr(found, _SOURCES, sources)
    return cast(Function, found)


def _sources(function: Callable[..., Any]) -> frozenset[str]:
    """The files of ``function`` and of the compiled functions that it names."""
    files = {function.__code__.co_filename}
    names = list(function.__code__.co_names)
    for name in names:
        found = function.__globals__.get(name)
        files |= getattr(found, _SOURCES, frozenset())
        if hasattr(found, "__file__") and hasattr(found, "__name__"):  # a module: `grams.hash`
            for other in names:
                files |= getattr(getattr(found, other, None), _SOURCES, frozenset())
    return frozenset(files)


def _stamp(dispatcher: Any, sources: frozenset[str]) -> None:
    """Make the age of all ``sources`` part of what a cached entry must match."""
    cache_file = dispatcher._cache._cache_file  # numba has no public way
    digest = hashlib.sha256()
    for path in sorted(sources):
        stat = os.stat(path)
        digest.update(f"{os.path.basename(path)}:{stat.st_mtime_ns}:{stat.st_size};".encode())
    cache_file._source_stamp = (cache_file._source_stamp, digest.hexdigest())
