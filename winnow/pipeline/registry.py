"""Short names of the built-in stages, and user code by ``module:name``.

Built-ins are named by string and imported when they are first asked for, so that listing them or
planning a run without dedup imports no dedup.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from winnow.errors import ConfigError, nearest

SOURCES = {"warc": "winnow.sources.warc:WarcSource"}
STAGES = {"extract": "winnow.extract.stage:Extract"}
FILTERS = {
    "url": "winnow.filters.url:UrlFilter",
    "language": "winnow.filters.language:LanguageFilter",
    "gopher_quality": "winnow.filters.gopher_quality:GopherQuality",
    "gopher_repetition": "winnow.filters.gopher_repetition:GopherRepetition",
    "c4": "winnow.filters.c4:C4",
    "fineweb_quality": "winnow.filters.fineweb_quality:FineWebQuality",
    "dclm_addresses": "winnow.filters.dclm_addresses:DclmAddresses",
    "dclm_quality": "winnow.filters.dclm_quality:DclmQuality",
    "dclm_repetition": "winnow.filters.dclm_repetition:DclmRepetition",
    "refinedweb_lines": "winnow.filters.refinedweb_lines:RefinedWebLines",
    "dolma_c4": "winnow.filters.dolma_c4:DolmaC4",
    "dolma_quality": "winnow.filters.dolma_quality:DolmaQuality",
    "dolma_repetition": "winnow.filters.dolma_repetition:DolmaRepetition",
    "redpajama": "winnow.filters.redpajama:RedPajama",
    "data_juicer": "winnow.filters.data_juicer:DataJuicer",
    "bad_words": "winnow.filters.bad_words:BadWords",
    "quality": "winnow.filters.quality:QualityFilter",
    "ensemble": "winnow.filters.ensemble:Ensemble",
}
COMPOSITES = {
    "exact": "winnow.dedup.exact:Exact",
    "minhash": "winnow.dedup.minhash:MinHash",
    "lines": "winnow.dedup.lines:Lines",
    "ngram_overlap": "winnow.dedup.ngram_overlap:NgramOverlap",
    "substring": "winnow.dedup.substring:Substring",
    "tokenize": "winnow.tokenize.composite:Tokenize",
}
BUILT_IN = {**SOURCES, **STAGES, **FILTERS, **COMPOSITES}


def default_suffix(use: str) -> str:
    """What the filter ``use`` puts behind the names of its measures if a config says nothing."""
    if use not in FILTERS:
        return ""
    return str(load(FILTERS[use]).__dataclass_fields__["suffix"].default)


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


def import_beside(module_name: str, folder: Path | None) -> ModuleType:
    """Import a user's module: the file in ``folder`` if it is there, read anew (a notebook lives
    long, and another config may have a module of that name); else whatever Python finds.

    ``folder`` goes to the end of ``sys.path``: a ``random.py`` there must not hide Python's own.
    """
    if folder is None:
        return import_module(module_name)
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    file = folder / f"{module_name.replace('.', '/')}.py"
    if not file.exists():
        return import_module(module_name)
    spec = spec_from_file_location(module_name, file)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    before = sys.modules.get(module_name)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if before is None:
            del sys.modules[module_name]
        else:
            sys.modules[module_name] = before
        raise
    return module


def find_user_object(use: str, where: str, folder: Path | None) -> Any:
    """The object that ``module:name`` names; ``folder`` (of the config) is searched first."""
    module_name, _, name = use.partition(":")
    if not all(part.isidentifier() for part in module_name.split(".")) or not name.isidentifier():
        raise ConfigError(f"{where}: {use!r} is not module:function, e.g. my_filters:digit_share")
    try:
        module = import_beside(module_name, folder)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise ConfigError(f"{where}: importing {module_name!r} failed: {error}") from error
        raise ConfigError(
            f"{where}: no module {module_name!r} for {use!r}",
            remedy=f"Put {module_name}.py beside the config, or install it.",
        ) from None
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"{where}: importing {module_name!r} failed: {type(error).__name__}: {error}"
        ) from error
    if not hasattr(module, name):
        raise ConfigError(
            f"{where}: module {module_name!r} has no {name!r}.{nearest(name, dir(module))}"
        )
    return getattr(module, name)
