"""Every error that winnow raises on purpose, in one tree.

::

    WinnowError
    ├── ConfigError            what you wrote is not a configuration (exit code 2)
    ├── PlanError              what you wrote cannot be run           (exit code 2)
    │   └── MissingExtra       an optional package is not installed; also an ImportError
    ├── StageError             a stage failed on its input            (exit code 1)
    ├── RunFailed              a run ended with shards missing        (exit code 1)
    └── StoreError             what lies on disk is not what it says  (exit code 1)
        ├── CorruptShard       bytes differ from the receipt
        └── FingerprintMismatch  the store was made by something else

A message says what is wrong, where, and what to do about it, in that order. It never holds the
text of a document. Errors are raised in worker processes and read in another one, so each of
them survives pickling with its attributes (exceptions with keyword arguments do not, by default).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class WinnowError(Exception):
    """The root of all errors of ours.

    ``message`` is the whole text; ``remedy``, if given, is printed on a line of its own.
    """

    exit_code = 1

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return self.message if self.remedy is None else f"{self.message}\n  {self.remedy}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__.copy())


def _rebuild(
    kind: type[WinnowError], args: tuple[Any, ...], attributes: dict[str, Any]
) -> WinnowError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class ConfigError(WinnowError):
    """A configuration, or a value given on the command line, is not what it should be."""

    exit_code = 2


class PlanError(WinnowError):
    """A well-formed configuration that cannot be run; found before any data is touched."""

    exit_code = 2


class MissingExtra(PlanError, ImportError):
    """An optional package is needed and not installed; the message holds the pip command."""


class StageError(WinnowError):
    """A stage failed. ``stage`` and ``where`` (shard, input) say on what."""

    def __init__(
        self, message: str, *, stage: str = "", where: str = "", remedy: str | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.stage = stage
        self.where = where


class RunFailed(WinnowError):
    """A run ended with shards that could not be made; ``failures`` maps shard to message."""

    def __init__(
        self, message: str, *, failures: dict[str, str] | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.failures = failures or {}


class StoreError(WinnowError):
    """A store cannot be read or written as asked."""


class CorruptShard(StoreError):
    """A shard's bytes differ from what its receipt says."""


class FingerprintMismatch(StoreError):
    """A store, or a saved state, was made by another configuration or another input."""


def nearest(name: str, candidates: Iterable[str]) -> str:
    """``" Did you mean 'x'?"`` for the candidate closest to ``name``, or the empty string."""
    close = difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def brief(error: BaseException) -> str:
    """Kind and place of an exception that is not ours: its own words may quote a document.

    The words of the operating system (``OSError``) and of running out of memory are kept.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    words = f": {error}" if isinstance(error, OSError | MemoryError | ImportError) else ""
    if trace is None:
        return f"{type(error).__name__}{words}"
    file = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
    return f"{type(error).__name__}{words} at {file}:{trace.tb_lineno}"
