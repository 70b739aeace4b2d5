"""Which documents each of several verdicts keeps: a run's own, recipes, applied ones."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from winnow.corpus import Corpus
from winnow.errors import ConfigError
from winnow.report import table_html
from winnow.schema import KEPT
from winnow.store.manifest import Store
from winnow.whatif.applied import RUN, applied_names, open_applied
from winnow.whatif.changes import require_complete
from winnow.whatif.cuts import recut
from winnow.whatif.ledger import (
    codes_of,
    column,
    each_shard,
    numbers,
    read_rows,
    read_shard,
    require_aligned,
)
from winnow.whatif.recipe_bounds import recipe_bounds, unknown_verdicts
from winnow.whatif.samples import Samples
from winnow.whatif.tokens import TokenRate, token_rate
from winnow.whatif.verdicts import (
    BoundVerdicts,
    ColumnVerdicts,
    StoreVerdicts,
    Verdicts,
    VerdictSource,
)

MAX_NAMES = 8
LANGUAGES_SHOWN = 10
REASONS_SHOWN = 5


@dataclass(frozen=True)
class Pair:
    """Two verdicts, ``first`` and ``second``, over the same documents."""

    first: str
    second: str
    both: int
    only_first: int
    only_second: int
    neither: int
    separate_first: dict[str, int]
    """Why ``second`` rejects what only ``first`` keeps: documents by reason."""
    separate_second: dict[str, int]

    @property
    def jaccard(self) -> float:
        """Documents kept by both over those kept by any, [0, 1]; 1 where none is kept."""
        any_of_them = self.both + self.only_first + self.only_second
        return self.both / any_of_them if any_of_them else 1.0


@dataclass(frozen=True)
class Comparison:
    """The answer; in a notebook, a table."""

    names: tuple[str, ...]
    documents: int
    kept: dict[str, int]
    kept_bytes: dict[str, int]
    tokens: TokenRate
    pairs: list[Pair]
    languages: list[tuple[str, int, dict[str, int]]]
    """(language, documents, kept by each): the most frequent ones."""
    examples: dict[str, list[str]]
    """Who keeps them (names joined by " + ", or "none") → URLs."""

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        plain = asdict(self)
        for pair, own in zip(plain["pairs"], self.pairs, strict=True):
            pair["jaccard"] = own.jaccard
        plain["kept_tokens"] = {n: self.tokens.tokens(b) for n, b in self.kept_bytes.items()}
        return plain

    def lines(self) -> list[str]:
        """The tables as text."""
        width = max(12, *(len(name) + 2 for name in self.names))
        lines = [f"{'':<24}{'kept':>12}{'of all':>9}{'tokens, about':>16}"]
        for name in self.names:
            share = self.kept[name] / max(self.documents, 1)
            tokens = self.tokens.tokens(self.kept_bytes[name])
            lines.append(f"  {name:<22}{self.kept[name]:>12,}{share:>9.1%}{tokens:>16,}")
        lines.append(f"  of {self.documents:,} documents; {self.tokens.describe()}")
        for pair in self.pairs:
            lines += [
                "",
                f"{pair.first} and {pair.second}: both {pair.both:,}, only {pair.first} "
                f"{pair.only_first:,}, only {pair.second} {pair.only_second:,}, neither "
                f"{pair.neither:,}; Jaccard {pair.jaccard:.3f}",
            ]
            for keeps, rejects, reasons in (
                (pair.first, pair.second, pair.separate_first),
                (pair.second, pair.first, pair.separate_second),
            ):
                if reasons:
                    told = ", ".join(
                        f"{name} {count:,}" for name, count in list(reasons.items())[:REASONS_SHOWN]
                    )
                    lines.append(f"  kept by {keeps}, rejected by {rejects} for: {told}")
        if self.languages:
            head = "".join(f"{name:>{width}}" for name in self.names)
            lines += ["", f"{'kept, by language':<24}{'documents':>12}{head}"]
        for label, count, kept in self.languages:
            row = "".join(f"{kept[name]:>{width},}" for name in self.names)
            lines.append(f"  {label:<22}{count:>12,}{row}")
        for who, urls in self.examples.items():
            if urls:
                lines += ["", f"kept by {who}, for example", *(f"  {url}" for url in urls)]
        return lines

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        rows = [
            [
                name,
                f"{self.kept[name]:,}",
                f"{self.kept[name] / max(self.documents, 1):.1%}",
                f"{self.tokens.tokens(self.kept_bytes[name]):,}",
            ]
            for name in self.names
        ]
        pairs = [
            [
                f"{p.first} / {p.second}",
                f"{p.both:,}",
                f"{p.only_first:,}",
                f"{p.only_second:,}",
                f"{p.neither:,}",
                f"{p.jaccard:.3f}",
            ]
            for p in self.pairs
        ]
        head = ["", "both", "only the first", "only the second", "neither", "Jaccard"]
        about = html.escape(f"{self.documents:,} documents; {self.tokens.describe()}")
        return (
            table_html(rows, ["", "kept", "of all", "tokens, about"])
            + table_html(pairs, head)
            + f"<p>{about}</p>"
        )


def compare(corpus: Corpus, names: Sequence[str], examples: int = 3) -> Comparison:
    """Compare the verdicts ``names``: ``"run"``, recipes, or names given to ``whatif --apply``.

    A recipe that the run compared (``compare`` in its config) is read from a column; another one
    is judged from the measures that the ledger holds. Raises :class:`ConfigError` for a name that
    stands for nothing, or a recipe whose measures are not there.
    """
    names = tuple(dict.fromkeys(names))
    if not 2 <= len(names) <= MAX_NAMES:
        raise ConfigError(
            f"{len(names)} different verdicts cannot be compared; name 2 to {MAX_NAMES}",
            remedy=f"There are: {', '.join(known_names(corpus))}; and paths of recipes.",
        )
    ledger = _ledger_of(corpus, names)
    sources = [_source(corpus, ledger, name) for name in names]
    held = [name for name in ("text_bytes", "language") if name in ledger.manifest["schema"]]
    columns = list(dict.fromkeys(["verdict", *held, *(c for s in sources for c in s.columns)]))

    def of_shard(shard: int) -> _Sums:
        table = read_shard(ledger, shard, columns)
        sums = _Sums(len(names), examples)
        sums.add(shard, table, [source.of(shard, table) for source in sources])
        return sums

    sums = _Sums(len(names), examples)
    for part in each_shard(len(ledger.shards), of_shard):
        sums.merge(part)
    return sums.answer(corpus, ledger, names)


def known_names(corpus: Corpus) -> list[str]:
    """What can be compared without measuring more: the run, its recipes, applied verdicts."""
    return [RUN, *corpus.ledger_store.manifest.get("recipes", {}), *applied_names(corpus)]


def _ledger_of(corpus: Corpus, names: tuple[str, ...]) -> Store:
    """The ledger that the applied verdicts among ``names`` judge; else the run's first, whose
    verdict is then what ``"run"`` stands for."""
    applied = [open_applied(corpus, name) for name in names if name in applied_names(corpus)]
    wanted = {store.manifest["ledger"] for store in applied}
    if len(wanted) > 1:
        raise ConfigError(
            "these verdicts were applied to different ledgers of the run (filters before and after "
            "a deduplication), so they speak of different documents",
            remedy="Compare those of one ledger.",
        )
    found = [each for each in corpus.ledger_stores if each.fingerprint in wanted]
    return found[0] if found else corpus.ledger_store


def _source(corpus: Corpus, ledger: Store, name: str) -> VerdictSource:
    if name == RUN:
        return ColumnVerdicts("verdict")
    recipes = ledger.manifest.get("recipes", {})
    if name in recipes:
        return ColumnVerdicts(recipes[name]["column"])
    if name in applied_names(corpus):
        store = open_applied(corpus, name)
        require_aligned(ledger, store)
        return StoreVerdicts(store)
    try:
        bounds = recipe_bounds(corpus, ledger, name)
        require_complete(ledger, name)
    except ConfigError as error:
        if "unknown recipe" in error.message:
            raise unknown_verdicts(name, known_names(corpus)) from None
        raise
    return BoundVerdicts(recut(ledger, bounds))


class _Sums:
    """Counts by pattern: bit i of a pattern is set where verdict i keeps the document."""

    def __init__(self, count: int, examples: int) -> None:
        self.count = count
        self.documents = np.zeros(1 << count, np.int64)
        self.text_bytes = np.zeros(1 << count, np.int64)
        self.languages: dict[str, npt.NDArray[np.int64]] = {}
        self.reasons: dict[tuple[int, int], dict[str, int]] = {}
        self.samples = [Samples(examples) for _ in range(1 << count)]

    def add(self, shard: int, table: Any, found: list[Verdicts]) -> None:
        considered = np.logical_and.reduce([each.codes >= 0 for each in found])
        pattern = sum((each.codes == 0).astype(np.int64) << i for i, each in enumerate(found))
        patterns = 1 << self.count
        own = pattern[considered]
        self.documents += np.bincount(own, minlength=patterns)
        if "text_bytes" in table.column_names:
            sizes = numbers(column(table, "text_bytes"))[considered]
            self.text_bytes += np.bincount(own, sizes, minlength=patterns).astype(np.int64)
        if "language" in table.column_names:
            labels, codes = codes_of(column(table, "language"))
            known = considered & (codes >= 0)
            counts = np.bincount(
                codes[known] * patterns + pattern[known], minlength=len(labels) * patterns
            ).reshape(-1, patterns)
            for label, row in zip(labels, counts, strict=True):
                if row.any():
                    self.languages[label] = row
        for i, j in ((a, b) for a in range(self.count) for b in range(self.count) if a != b):
            rows = considered & (found[i].codes == 0) & (found[j].codes > 0)
            reasons = np.bincount(found[j].codes[rows], minlength=len(found[j].names))
            self.reasons[i, j] = {
                name: int(n) for name, n in zip(found[j].names, reasons, strict=True) if n
            }
        for kind in np.unique(own):
            rows = np.flatnonzero(considered & (pattern == kind))
            self.samples[kind].add(shard, rows, found[0])

    def merge(self, other: _Sums) -> None:
        self.documents += other.documents
        self.text_bytes += other.text_bytes
        for label, row in other.languages.items():
            self.languages[label] = self.languages.get(label, 0) + row
        for pair, reasons in other.reasons.items():
            own = self.reasons.setdefault(pair, {})
            for name, count in reasons.items():
                own[name] = own.get(name, 0) + count
        for mine, theirs in zip(self.samples, other.samples, strict=True):
            mine.merge(theirs)

    def answer(self, corpus: Corpus, ledger: Store, names: tuple[str, ...]) -> Comparison:
        keeps = [
            np.array([bool(pattern >> i & 1) for pattern in range(1 << self.count)])
            for i in range(self.count)
        ]
        pairs = [
            Pair(
                names[i],
                names[j],
                both=int(self.documents[keeps[i] & keeps[j]].sum()),
                only_first=int(self.documents[keeps[i] & ~keeps[j]].sum()),
                only_second=int(self.documents[~keeps[i] & keeps[j]].sum()),
                neither=int(self.documents[~keeps[i] & ~keeps[j]].sum()),
                separate_first=_by_count(self.reasons.get((i, j), {})),
                separate_second=_by_count(self.reasons.get((j, i), {})),
            )
            for i, j in combinations(range(self.count), 2)
        ]
        languages = sorted(self.languages.items(), key=lambda item: (-item[1].sum(), item[0]))
        return Comparison(
            names=names,
            documents=int(self.documents.sum()),
            kept={n: int(self.documents[k].sum()) for n, k in zip(names, keeps, strict=True)},
            kept_bytes={
                n: int(self.text_bytes[k].sum()) for n, k in zip(names, keeps, strict=True)
            },
            tokens=token_rate(corpus),
            pairs=pairs,
            languages=[
                (
                    label,
                    int(row.sum()),
                    {n: int(row[k].sum()) for n, k in zip(names, keeps, strict=True)},
                )
                for label, row in languages[:LANGUAGES_SHOWN]
            ],
            examples=self._examples(ledger, names),
        )

    def _examples(self, ledger: Store, names: tuple[str, ...]) -> dict[str, list[str]]:
        found = {}
        for pattern in range(1 << self.count):
            who = " + ".join(name for i, name in enumerate(names) if pattern >> i & 1) or "none"
            places = [(each.shard, each.row) for each in self.samples[pattern].chosen]
            found[who] = [str(row["url"]) for row in read_rows(ledger, places, ["url"])]
        return found


def _by_count(reasons: dict[str, int]) -> dict[str, int]:
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return {name: count for name, count in ordered if name != KEPT}
