"""The bounds of a recipe, for a ledger that may or may not hold what they need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from winnow.corpus import Corpus
from winnow.errors import ConfigError, PlanError, nearest
from winnow.pipeline.bounds import Bound
from winnow.pipeline.config import RecipeEntry, recipe_entry
from winnow.pipeline.fingerprint import canonical
from winnow.pipeline.measuring import DOCUMENTS_TEXT, Chains
from winnow.pipeline.plan import NO_TEXT
from winnow.store.manifest import Store
from winnow.whatif.ledger import measures_of


def recipe_bounds(corpus: Corpus, ledger: Store, name: str) -> tuple[Bound, ...]:
    """The bounds of the recipe ``name`` (one of winnow's, or a path) in the order of a run.

    Raises :class:`ConfigError` unless the ledger has its measures, made by the same filters with
    the same settings on the same text.
    """
    entry = recipe_entry(name, Path.cwd(), "--recipe")
    _require_measures(corpus, ledger, entry, name)
    own = () if ledger.manifest["config"]["bounds"][:1] != [canonical(NO_TEXT)] else (NO_TEXT,)
    return (*own, *(bound for stage in entry.stages for bound in stage.bounds))


def _require_measures(corpus: Corpus, ledger: Store, entry: RecipeEntry, name: str) -> None:
    held = set(measures_of(ledger))
    remedy = (
        f'Put compare = ["{name}"] at the top of the config and run it again: all is measured that '
        "is missing, nothing is extracted."
    )
    missing: list[str] = []
    for stage in entry.stages:
        measures: Any = stage.stage
        missing += [each.name for each in measures.measure_fields() if each.name not in held]
    if missing:
        raise ConfigError(
            f"the recipe '{entry.name}' needs {len(missing)} measures that this run has not "
            f"made: {', '.join(missing[:12])}{', …' if len(missing) > 12 else ''}",
            remedy=remedy,
        )
    wanted = _wanted(corpus, entry)
    made = _made(corpus)
    for stage_name, described in wanted.items():
        if described not in made:
            raise ConfigError(
                f"the recipe '{entry.name}' measures by '{stage_name}' with other settings, on "
                "another text, knowing other columns, or by another version of the filter than "
                "this run did",
                remedy=remedy,
            )


def _wanted(corpus: Corpus, entry: RecipeEntry) -> dict[str, Any]:
    documents = pa.schema(list(corpus.documents_schema))
    chains = Chains(documents)
    filters: list[tuple[str, Any]] = [(stage.name, stage.stage) for stage in entry.stages]
    try:
        chains.add(f"recipe '{entry.name}'", filters)
    except PlanError as error:
        raise ConfigError(error.message, remedy=error.remedy) from error
    plain = [canonical(each) for each in chains.measurings]
    return {filters[i][0]: _with_text(plain, i) for i in range(len(plain))}


def _made(corpus: Corpus) -> list[Any]:
    made = []
    for store in corpus.measures_stores:
        plain = store.manifest["config"]["measurings"]
        made += [_with_text(plain, i) for i in range(len(plain))]
    return made


def _with_text(measurings: list[Any], place: int) -> Any:
    """A measuring, with the one that wrote its text instead of that one's number."""
    described = dict(measurings[place])
    text = described["text"]
    described["text"] = None if text == DOCUMENTS_TEXT else _with_text(measurings, text)
    return described


def unknown_verdicts(name: str, known: list[str]) -> ConfigError:
    """The error for a name that stands for no verdicts here."""
    return ConfigError(
        f"no recipe and no applied verdicts named {name!r}.{nearest(name, known)}",
        remedy=f"There are: {', '.join(known)}",
    )
