"""What would change if a bound did, or if another recipe decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from winnow.corpus import Corpus
from winnow.errors import ConfigError
from winnow.pipeline.bounds import Bound, override
from winnow.pipeline.recipes import load_recipe, recipe_names
from winnow.schema import KEPT
from winnow.store.manifest import Store
from winnow.whatif.changes import refuse_loosening, require_complete
from winnow.whatif.cuts import recut
from winnow.whatif.ledger import (
    bounds_of,
    codes_of,
    column,
    each_shard,
    has_bits,
    measures_of,
    numbers,
    read_rows,
    read_shard,
)
from winnow.whatif.run_stages import filters_of, in_place, run_filters
from winnow.whatif.samples import Sample, Samples
from winnow.whatif.tokens import TokenRate, token_rate
from winnow.whatif.verdicts import BoundVerdicts, ColumnVerdicts, Verdicts, VerdictSource

LANGUAGE, DOMAIN = "language", "domain"
GROUPS_SHOWN = 8
SAMPLES = 5

Sum = npt.NDArray[np.int64]
NO_LABEL = "(none)"


@dataclass(frozen=True)
class Shift:
    """Documents kept before and after, of all or of one group, and the bytes of their texts."""

    documents: int
    before: int
    after: int
    text_bytes: int = 0
    bytes_before: int = 0
    bytes_after: int = 0


@dataclass(frozen=True)
class Movement:
    """Documents of one domain that are kept now and were not, and the other way round."""

    now_kept: int
    now_rejected: int

    @property
    def change(self) -> int:
        return self.now_kept - self.now_rejected


@dataclass(frozen=True)
class Changed:
    """A document whose verdict changes: ``reason`` is the one that rejects it, before or after."""

    url: str
    reason: str


@dataclass(frozen=True)
class WhatIf:
    """The answer. ``reasons`` maps a measure to the documents that it rejects, before and after."""

    bounds: tuple[Bound, ...]
    total: Shift
    tokens: TokenRate
    reasons: dict[str, tuple[int, int]]
    languages: list[tuple[str, Shift]] = field(default_factory=list)
    """Those that change most, where the ledger knows languages."""
    domains: list[tuple[str, Movement]] = field(default_factory=list)
    """Those that change most."""
    now_kept: list[Changed] = field(default_factory=list)
    """Rejected before, kept after: at most ``SAMPLES``, drawn by a hash of the document's place."""
    now_rejected: list[Changed] = field(default_factory=list)
    recipe: str | None = None

    @property
    def recut(self) -> tuple[Bound, ...]:
        """The bounds on the best of the run, whose cuts were found again."""
        return tuple(bound for bound in self.bounds if bound.top is not None)


@dataclass(frozen=True)
class Question:
    """Bounds to be tried, and how their verdicts are found in the ledger."""

    ledger: Store
    bounds: tuple[Bound, ...]
    after: VerdictSource
    recipe: str | None = None


def what_if(
    corpus: Corpus, changes: dict[str, Any] | None = None, recipe: str | None = None
) -> WhatIf:
    """The run's filters judged again: with ``changes``, measure → ``{"min": …, "max": …}`` or
    ``"off"``, to its own bounds or to those of ``recipe``.

    Raises :class:`ConfigError` for a measure that the ledger does not hold.
    """
    return answer(corpus, ask(corpus, changes or {}, recipe))


def ask(corpus: Corpus, changes: dict[str, Any], recipe: str | None = None) -> Question:
    """How the ledger is to be judged; cuts of top shares are found here."""
    ledger = _ledger(corpus, changes)
    if recipe is not None:
        return _ask_recipe(corpus, ledger, changes, recipe)
    if not changes:
        raise ConfigError(
            "nothing to change", remedy="For example: --set word_count.min=30, or --recipe gopher"
        )
    old = bounds_of(ledger)
    new = in_place(override(old, changes, "whatif", measures_of(ledger)), old, run_filters(corpus))
    for bound in new:
        bound.check(ledger.schema)
    if not ledger.manifest["config"]["complete"]:
        refuse_loosening(old, new)
    known = old if has_bits(ledger) else ()
    new = recut(ledger, new, known)
    return Question(ledger, new, BoundVerdicts(new, known))


def _ask_recipe(corpus: Corpus, ledger: Store, changes: dict[str, Any], recipe: str) -> Question:
    held = ledger.manifest.get("recipes", {})
    if recipe in held and not changes:
        source = ColumnVerdicts(held[recipe]["column"])
        return Question(ledger, bounds_of(ledger, recipe), source, recipe)
    if recipe in held:
        old = bounds_of(ledger, recipe)
    else:
        from winnow.whatif.recipe_bounds import recipe_bounds  # loads what plans a run

        require_complete(ledger, recipe)
        old = recipe_bounds(corpus, ledger, recipe)
    new = override(old, changes, "whatif", measures_of(ledger))
    for bound in new:
        bound.check(ledger.schema)
    if recipe in recipe_names() or recipe.endswith(".toml"):
        new = in_place(new, old, filters_of(load_recipe(recipe).stages))
    new = recut(ledger, new)
    return Question(ledger, new, BoundVerdicts(new), recipe)


def _ledger(corpus: Corpus, changes: dict[str, Any]) -> Store:
    """The ledger that holds the changed measures: of several, the first."""
    ledgers = corpus.ledger_stores or [corpus.ledger_store]
    return next((each for each in ledgers if set(changes) <= set(measures_of(each))), ledgers[0])


def answer(corpus: Corpus, question: Question) -> WhatIf:
    """Count what ``question`` changes; one pass over the columns that it needs."""
    ledger = question.ledger
    before = ColumnVerdicts("verdict")
    held = [name for name in ("text_bytes", LANGUAGE) if name in ledger.manifest["schema"]]
    columns = list(dict.fromkeys([*before.columns, *question.after.columns, *held, DOMAIN]))

    def of_shard(shard: int) -> Sums:
        sums = Sums()
        table = read_shard(ledger, shard, columns)
        changed = sums.add(shard, table, before.of(shard, table), question.after.of(shard, table))
        if changed.any():
            sums.add_domains(column(table, DOMAIN), changed)
        return sums

    sums = Sums()
    for part in each_shard(len(ledger.shards), of_shard):
        sums.merge(part)
    return sums.answer(corpus, question)


class Sums:
    """What the answer is made of. Labels are held as they come, domains only if they change."""

    def __init__(self) -> None:
        self.before: dict[str, int] = {}
        self.after: dict[str, int] = {}
        self.languages: dict[str, Sum] = {}
        self.domains: dict[str, list[int]] = {}
        self.now_kept = Samples(SAMPLES)
        self.now_rejected = Samples(SAMPLES)

    def add(self, shard: int, table: pa.Table, old: Verdicts, new: Verdicts) -> Sum:
        """Count a shard; 1 where a document is kept now and was not, -1 the other way round."""
        add_counts(self.before, old.counts())
        add_counts(self.after, new.counts())
        rows = len(old.codes)
        was, now = old.codes == 0, (new.codes == 0) & (old.codes >= 0)
        labels: list[str] = []
        codes = np.full(rows, -1)
        if LANGUAGE in table.column_names:
            labels, codes = codes_of(column(table, LANGUAGE))
        labels = [*labels, NO_LABEL]
        codes = np.where(codes < 0, len(labels) - 1, codes)
        state = (codes * 4 + was * 2 + now)[old.codes >= 0]
        kinds = 4 * len(labels)
        documents = np.bincount(state, minlength=kinds).reshape(-1, 4)
        text_bytes = np.zeros_like(documents)
        if "text_bytes" in table.column_names:
            sizes = numbers(column(table, "text_bytes"))[old.codes >= 0]
            # float64 sums of whole numbers: exact up to 9 petabytes a shard
            text_bytes = np.bincount(state, sizes, minlength=kinds).astype(np.int64).reshape(-1, 4)
        for label, own, own_bytes in zip(labels, documents, text_bytes, strict=True):
            if own.any():
                self.languages[label] = np.concatenate([own, own_bytes])
        self.now_kept.add(shard, np.flatnonzero(now & ~was), old)
        self.now_rejected.add(shard, np.flatnonzero(was & ~now), new)
        change: Sum = now.astype(np.int64) - was
        return change

    def add_domains(self, domains: pa.Array, changed: Sum) -> None:
        """Count the documents that ``changed``, by domain."""
        rows = np.flatnonzero(changed)
        for name, change in zip(
            domains.take(pa.array(rows)).to_pylist(), changed[rows], strict=True
        ):
            self.domains.setdefault(name, [0, 0])[0 if change > 0 else 1] += 1

    def merge(self, other: Sums) -> None:
        add_counts(self.before, other.before)
        add_counts(self.after, other.after)
        for label, sums in other.languages.items():
            self.languages[label] = self.languages.get(label, 0) + sums
        for name, (gained, lost) in other.domains.items():
            own = self.domains.setdefault(name, [0, 0])
            own[0] += gained
            own[1] += lost
        self.now_kept.merge(other.now_kept)
        self.now_rejected.merge(other.now_rejected)

    def answer(self, corpus: Corpus, question: Question) -> WhatIf:
        names = [name for name in {**self.before, **self.after} if name != KEPT]
        both = {name: (self.before.get(name, 0), self.after.get(name, 0)) for name in names}
        ordered = sorted(both.items(), key=lambda item: (-abs(item[1][1] - item[1][0]), item[0]))
        total = sum(self.languages.values(), np.zeros(8, np.int64))
        languages = [(name, _shift(sums)) for name, sums in self.languages.items()]
        moved = [row for row in languages if row[1].before != row[1].after]
        moved.sort(key=lambda row: (-abs(row[1].after - row[1].before), row[0]))
        domains = [(name, Movement(*counts)) for name, counts in self.domains.items()]
        domains.sort(key=lambda row: (-abs(row[1].change), row[0]))
        return WhatIf(
            bounds=question.bounds,
            total=_shift(total),
            tokens=token_rate(corpus),
            reasons=dict(ordered),
            languages=moved[:GROUPS_SHOWN],
            domains=domains[:GROUPS_SHOWN],
            now_kept=_urls(question.ledger, self.now_kept.chosen),
            now_rejected=_urls(question.ledger, self.now_rejected.chosen),
            recipe=question.recipe,
        )


def add_counts(counts: dict[str, int], more: dict[str, int]) -> None:
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


def _shift(sums: Sum) -> Shift:
    """From documents and bytes by (kept before, kept after): neither, after, before, both."""
    neither, after, before, both = (int(each) for each in sums[:4])
    sizes = [int(each) for each in sums[4:]]
    return Shift(
        documents=neither + after + before + both,
        before=before + both,
        after=after + both,
        text_bytes=sum(sizes),
        bytes_before=sizes[2] + sizes[3],
        bytes_after=sizes[1] + sizes[3],
    )


def _urls(ledger: Store, samples: list[Sample]) -> list[Changed]:
    rows = read_rows(ledger, [(each.shard, each.row) for each in samples], ["url"])
    return [Changed(str(row["url"]), each.reason) for row, each in zip(rows, samples, strict=True)]
