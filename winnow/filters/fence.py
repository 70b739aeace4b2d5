"""Keeps what foreign code remembers of one document from the next.

A run must give the same bytes whatever the batches, the order and the workers, so a filter may not
answer by what it has seen. Classes that were written for one pass over a stream do three such
things, and each is undone before every document:

- random generators (numpy's ``Generator`` and ``RandomState``, ``random.Random``, also where only a
  bound method like ``default_rng(seed).uniform`` is kept) are seeded from a hash of the document's
  id; for code that has not been read, the global generators of ``random`` and numpy too;
- counters (numbers among the attributes, such as the place in a cycle of replacements) get back
  their first values;
- anything else (a set of what was seen) is forgotten by copying the untouched instance for each
  document, unless the class is known, or said, to keep nothing that matters (``shared``).

State in global variables of a module is out of reach; the laws (``winnow check``) find it.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import random
from collections.abc import Iterator
from types import BuiltinMethodType, MethodType, ModuleType
from typing import Any

import numpy as np

from winnow.errors import StageError

_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
_LARGEST = 1000
"""Lists and tables longer than this are data, and not searched for generators."""


class Fence:
    """Gives ``instance`` out, for one document at a time, as if it had never seen another."""

    def __init__(self, instance: Any, *, key: str, shared: bool, reviewed: bool) -> None:
        self._instance = instance
        self._key = key
        self._shared = shared
        self._global = not reviewed
        self._generators: list[Any] = []
        self._counters: list[tuple[dict[str, Any], str, int | float]] = []
        for owner in _reachable(instance):
            if isinstance(owner, _GENERATORS):
                self._generators.append(owner)
            else:
                self._counters += [
                    (vars(owner), name, value)
                    for name, value in vars(owner).items()
                    if isinstance(value, int | float) and not isinstance(value, bool)
                ]
        self._outer: tuple[Any, Any] | None = None

    def __enter__(self) -> Fence:
        if self._global:
            self._outer = random.getstate(), np.random.get_state()
        return self

    def __exit__(self, *_: object) -> None:
        if self._outer is not None:
            random.setstate(self._outer[0])
            np.random.set_state(self._outer[1])

    def instance_for(self, document: str) -> Any:
        """The instance as it was made, its random numbers set by the id of ``document``."""
        digest = hashlib.blake2b(f"{self._key}\0{document}".encode(), digest_size=8).digest()
        seed = int.from_bytes(digest, "little")
        instance, generators = self._instance, self._generators
        if self._shared:
            for owner, name, value in self._counters:
                owner[name] = value
        else:
            # a copy of a bound method keeps the generator that it is bound to: seed both
            instance, copied = self._copy()
            generators = [*generators, *copied]
        for generator in generators:
            _seed(generator, seed)
        if self._global:
            random.seed(seed)
            np.random.seed(seed & 0xFFFFFFFF)
        return instance

    def _copy(self) -> tuple[Any, list[Any]]:
        try:
            copied: tuple[Any, list[Any]] = copy.deepcopy((self._instance, self._generators))
        except Exception as error:
            raise StageError(
                f"{type(self._instance).__name__} cannot be copied for every document: "
                f"{type(error).__name__}",
                remedy="If nothing that it remembers changes an answer: shared = true",
            ) from error
        return copied


def _seed(generator: Any, seed: int) -> None:
    if isinstance(generator, np.random.Generator):
        kind = type(generator.bit_generator)
        generator.bit_generator.state = kind(seed).state
    elif isinstance(generator, np.random.RandomState):
        generator.seed(seed & 0xFFFFFFFF)
    else:
        generator.seed(seed)


def _reachable(root: Any) -> Iterator[Any]:
    """Generators, and objects with attributes, that can be reached from ``root``."""
    seen: set[int] = set()
    pending = [root]
    while pending:
        value = pending.pop()
        if id(value) in seen or isinstance(value, type | ModuleType):
            continue
        seen.add(id(value))
        if isinstance(value, _GENERATORS):
            yield value
        elif isinstance(value, MethodType | BuiltinMethodType):
            pending.append(value.__self__)
        elif isinstance(value, functools.partial):
            pending += [value.func, *value.args, *value.keywords.values()]
        elif isinstance(value, dict):
            pending += value.values() if len(value) <= _LARGEST else ()
        elif isinstance(value, list | tuple | set | frozenset):
            pending += value if len(value) <= _LARGEST else ()
        elif (hasattr(value, "__dict__") and not callable(value)) or value is root:
            yield value
            pending += [item for name, item in vars(value).items() if name != "stats"]
