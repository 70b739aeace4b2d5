"""Which class of datatrove, or of a user's own, a config names; why others cannot be a stage."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from winnow.errors import ConfigError, nearest
from winnow.optional import require
from winnow.pipeline.registry import find_user_object

PACKAGES = ("datatrove", "regex")  # its filters import regex, which only its extras install

REVIEWED = frozenset(
    {
        "C4BadWordsFilter",
        "C4ParagraphFilter",
        "C4QualityFilter",
        "FTFYFormatter",
        "FastTextClassifierFilter",
        "FineWebQualityFilter",
        "GopherQualityFilter",
        "GopherRepetitionFilter",
        "LanguageFilter",
        "PIIFormatter",
        "RegexFilter",
        "SamplerFilter",
        "SymbolLinesFormatter",
        "URLFilter",
        "UnigramLogProbFilter",
    }
)
"""Classes of datatrove 0.10 whose source has been read: all that they carry from one document to
the next are random generators, counters of replacements, and lists and models loaded late."""

_NO_STAGE = (
    ("Reader", "winnow reads by [source]"),
    ("Writer", "winnow writes every store itself"),
    ("Extractor", 'winnow extracts by [[stage]] use = "extract"'),
    ("Dedup", 'it needs all documents; winnow has use = "exact" and use = "minhash"'),
    ("Token", 'winnow has use = "tokenize"'),
    ("Stats", "the ledger holds every measure of every document"),
)


@dataclass(frozen=True)
class ForeignClass:
    """A class that can be a stage."""

    kind_class: type[Any]
    kind: Literal["filter", "formatter"]
    own: ModuleType | None
    """The module of a class that is not datatrove's."""
    folder: Path

    @property
    def name(self) -> str:
        return self.kind_class.__name__

    @property
    def reviewed(self) -> bool:
        return self.own is None and self.name in REVIEWED

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Of its constructor."""
        found = dict(inspect.signature(self.kind_class.__init__).parameters)
        found.pop("self", None)
        return found

    @property
    def needs(self) -> tuple[str, ...]:
        """Modules that it says it requires."""
        listed = [
            item if isinstance(item, str) else item[0]
            for each in self.kind_class.__mro__
            for item in each.__dict__.get("_requires_dependencies", [])
        ]
        return tuple(dict.fromkeys(listed))


def find_class(target: str, where: str, folder: Path) -> ForeignClass:
    """``Class`` of datatrove's filters and formatters, or ``module.Class``, of datatrove's or of
    one in ``folder``. :class:`MissingExtra` without datatrove, :class:`ConfigError` if it cannot
    be a stage."""
    for package in PACKAGES:
        require(package, where)
    filters = require("datatrove.pipeline.filters", where)
    formatters = require("datatrove.pipeline.formatters", where)
    module_name, _, name = target.rpartition(".")
    own: ModuleType | None = None
    if not module_name:
        known = {
            each: value
            for package in (filters, formatters)
            for each, value in vars(package).items()
            if inspect.isclass(value)
        }
        if name not in known:
            raise _unknown(name, sorted(known), where)
        found: Any = known[name]
    elif module_name.partition(".")[0] == "datatrove":
        try:
            found = getattr(import_module(module_name), name)
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"{where}: {error}") from error
    else:
        found = find_user_object(f"{module_name}:{name}", where, folder)
        own = import_module(module_name)
    return ForeignClass(found, _kind(found, name, where), own, folder)


def _unknown(name: str, known: list[str], where: str) -> ConfigError:
    why = next((why for part, why in _NO_STAGE if part in name), None)
    if why is not None:
        return ConfigError(
            f"{where}: {name} is no filter and no formatter of datatrove: {why}",
            remedy=f"What can stand here: {', '.join(known)}.",
        )
    return ConfigError(
        f"{where}: datatrove has no filter or formatter {name!r}.{nearest(name, known)}",
        remedy=f"There are {', '.join(known)}; a class elsewhere is named datatrove:module.Class.",
    )


def _kind(found: Any, name: str, where: str) -> Literal["filter", "formatter"]:
    base_filter = import_module("datatrove.pipeline.filters.base_filter").BaseFilter
    base_formatter = import_module("datatrove.pipeline.formatters.base").BaseFormatter
    if not inspect.isclass(found) or not issubclass(found, base_filter | base_formatter):
        raise ConfigError(
            f"{where}: {name} is not a subclass of datatrove's BaseFilter or BaseFormatter",
            remedy="Only these look at one document at a time. What reads, writes, deduplicates "
            "or tokenizes whole streams cannot be a stage: winnow has its own.",
        )
    base: Any = base_filter if issubclass(found, base_filter) else base_formatter
    if inspect.isabstract(found):
        raise ConfigError(f"{where}: {name} is abstract: it does not say how to filter or format")
    if getattr(found, "run", None) is not base.run:
        raise ConfigError(
            f"{where}: {name} has a run() of its own, over all documents of a task, so that its "
            "answer may depend on how documents are split into tasks",
            remedy="Do the work in filter() or format(), one document at a time.",
        )
    return "filter" if base is base_filter else "formatter"


def rewrites_text(kind_class: type[Any]) -> bool:
    """Whether the source of a filter assigns to ``.text`` of anything. Code that changes a text in
    another way is found out when it does so, and fails."""
    for each in kind_class.__mro__:
        if each.__name__ in ("BaseFilter", "PipelineStep", "ABC", "object"):
            continue
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(each)))
        except (OSError, TypeError, SyntaxError):
            continue
        if any(
            isinstance(node, ast.Attribute)
            and node.attr == "text"
            and isinstance(node.ctx, ast.Store)
            for node in ast.walk(tree)
        ):
            return True
    return False


def module_file(module: ModuleType) -> str:
    """The file that ``module`` was read from."""
    return str(module.__file__)
