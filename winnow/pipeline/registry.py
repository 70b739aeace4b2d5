"""Short names of the built-in stages, and user code by ``module:name``.

Built-ins are named by string and imported when they are first asked for, so that listing them or
planning a run without dedup imports no dedup.
"""

from __future__ import annotations

import sys
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

from winnow.errors import ConfigError, nearest

SOURCES = {"warc": "winnow.sources.warc:WarcSource"}
STAGES = {"extract": "winnow.extract.stage:Extract"}
FILTERS = {
    "url": "winnow.filters.url:UrlFilter",
    "language": "winnow.filters.language:LanguageFilter",
    "gopher_quality": "winnow.filters.gopher_quality:GopherQuality",
    "gopher_repetition": "winnow.filters.gopher_repetition:GopherRepetition",
    "quality": "winnow.filters.quality:QualityFilter",
}
COMPOSITES = {
    "exact": "winnow.dedup.exact:Exact",
    "minhash": "winnow.dedup.minhash:MinHash",
    "tokenize": "winnow.tokenize.composite:Tokenize",
}
BUILT_IN = {**SOURCES, **STAGES, **FILTERS, **COMPOSITES}


def load(target: str) -> Any:
    """Import ``module:name``."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def find_class(use: str, family: dict[str, str], where: str) -> Any:
    """The class that ``use`` names in ``family``; :class:`ConfigError` naming the nearest."""
    if use in family:
        return load(family[use])
    if use in BUILT_IN:
        raise ConfigError(f"{where}: '{use}' cannot stand here; choose one of {sorted(family)}")
    raise ConfigError(
        f"{where}: unknown stage {use!r}.{nearest(use, family)}",
        remedy="`winnow stages` lists all; your own is named 'module:function'.",
    )


def _forget(module_name: str, folder: Path | None) -> None:
    """Make the next import read the module beside the config: the file may have been edited since
    (a notebook lives long), or another config's module of that name may be loaded."""
    if folder is None:
        return
    while str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.path.insert(0, str(folder))
    if (folder / f"{module_name.replace('.', '/')}.py").exists():
        sys.modules.pop(module_name, None)
    invalidate_caches()


def find_user_object(use: str, where: str, folder: Path | None) -> Any:
    """The object that ``module:name`` names; ``folder`` (of the config) is searched first."""
    module_name, _, name = use.partition(":")
    _forget(module_name, folder)
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise  # the module is there and itself misses something: say that
        raise ConfigError(
            f"{where}: no module {module_name!r} for {use!r}",
            remedy=f"Put {module_name}.py beside the config, or install it.",
        ) from None
    if not hasattr(module, name):
        raise ConfigError(
            f"{where}: module {module_name!r} has no {name!r}.{nearest(name, dir(module))}"
        )
    return getattr(module, name)
