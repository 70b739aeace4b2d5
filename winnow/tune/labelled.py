"""Bounds for a small set of labelled pages: the best F1, if pages that were held out agree.

The method is ours. Limits move one at a time (coordinate search): each to whichever short number
between two labelled pages, or away, gives the best F1 of "kept is good"; round after round
until none gains. A limit that gains nothing stays. Few labels and many limits invite overfitting,
so the whole search is repeated on four fifths of the labels (five times; on all but one page where
there are fewer than 40) and judged on the pages left out: unless these, taken together, have a
better F1 than the present bounds give, nothing is proposed.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from winnow.errors import ConfigError
from winnow.hashing import keyed_hash
from winnow.pipeline.bounds import Bound
from winnow.tune.population import Limit, Mask, Population, limits_of, moved, shortest

FOLDS = 5
LEAVE_ONE_OUT_BELOW = 40
ROUNDS = 10
FOLD_SEED = 0


@dataclass(frozen=True)
class LabelReport:
    """How well bounds agree with labels: F1 of "kept is good"."""

    pages: int
    good: int
    not_found: int
    """Labelled URLs that the run does not have, or not with a text."""
    f1_before: float
    f1_after: float
    """Of the proposal, on the pages that it was made from."""
    f1_held_out: float
    """Of the same search, on pages that it had not seen."""
    folds: int
    accepted: bool


def read_labels(path: str) -> dict[str, bool]:
    """URL → whether it is good. :class:`ConfigError` for a file that does not say that."""
    try:
        with open(Path(path), newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--labels {path}: cannot be read: {error}") from error
    labels: dict[str, bool] = {}
    for number, row in enumerate(rows, start=2):
        url, label = (row.get("url") or "").strip(), (row.get("label") or "").strip().lower()
        if not url or label not in ("good", "bad"):
            raise ConfigError(
                f"--labels {path}, line {number}: wants a url and a label, good or bad",
                remedy="The first line must be: url,label",
            )
        if labels.setdefault(url, label == "good") != (label == "good"):
            raise ConfigError(f"--labels {path}, line {number}: this URL is both good and bad")
    if len(set(labels.values())) < 2:
        raise ConfigError(f"--labels {path}: there must be good pages and bad ones")
    return labels


def for_labels(
    population: Population, labels: dict[str, bool], measures: tuple[str, ...] | None = None
) -> tuple[tuple[Bound, ...], LabelReport]:
    """The proposal (the population's own bounds where it is not accepted), and how good it is.

    The population must have the column ``url``; where several documents have one URL, the first.
    """
    rows, good = _match(population, labels)
    if len(set(good.tolist())) < 2:
        raise ConfigError(
            "of the labelled pages, the run has (with a text) "
            f"{int(good.sum())} good and {int((~good).sum())} bad ones: it needs both",
            remedy="URLs are compared as crawled; `winnow peek --json` prints some.",
        )
    search = _Search(population, limits_of(population.bounds, measures), rows)
    everything = np.ones(len(rows), bool)
    start = search.start()
    before = _f1(search.kept(start), good)
    best = search.fit(good, everything)
    after = _f1(search.kept(best), good)
    folds = len(rows) if len(rows) < LEAVE_ONE_OUT_BELOW else FOLDS
    fold = np.argsort(np.argsort(keyed_hash(rows.astype(np.uint64), FOLD_SEED))) % folds
    held_out = np.zeros(len(rows), bool)
    for number in range(folds):
        fitted = search.fit(good, fold != number)
        held_out[fold == number] = search.kept(fitted)[fold == number]
    honest = _f1(held_out, good)
    accepted = honest > before
    report = LabelReport(
        pages=len(rows),
        good=int(good.sum()),
        not_found=len(labels) - len(rows),
        f1_before=before,
        f1_after=after,
        f1_held_out=honest,
        folds=folds,
        accepted=accepted,
    )
    if not accepted:
        return population.bounds, report
    changed = {limit: v for limit, v in best.items() if v != start[limit]}
    new = {
        limit: _loosest(population, limit) if np.isinf(value) else value
        for limit, value in changed.items()
    }
    return moved(population.bounds, new), report


def _loosest(population: Population, limit: Limit) -> float:
    """A short number at which the limit rejects no document of the run: a config cannot take one
    side of a bound away."""
    values = population.numbers(limit.measure)
    values = values[population.rows_of(limit) & ~np.isnan(values)]
    if limit.side == "min":
        return shortest(float(values.min()) - 1, float(values.min()), "min")
    return shortest(float(values.max()), float(values.max()) + 1, "max")


def _match(population: Population, labels: dict[str, bool]) -> tuple[np.ndarray, Mask]:
    rows: list[int] = []
    seen: set[str] = set()
    for row, url in enumerate(population.table.column("url").to_pylist()):
        if url in labels and url not in seen:
            seen.add(url)
            rows.append(row)
    urls = population.table.column("url").take(rows).to_pylist() if rows else []
    return np.array(rows, np.int64), np.array([labels[url] for url in urls], bool)


class _Search:
    """Coordinate search over limits, on the labelled rows alone."""

    def __init__(self, population: Population, limits: list[Limit], rows: np.ndarray) -> None:
        self.limits = limits
        tuned = {limit.bound for limit in limits}
        fixed = [b for place, b in enumerate(population.bounds) if place not in tuned]
        self.alive = population.kept_by(fixed)[rows]
        self.signed: dict[Limit, np.ndarray] = {}
        for limit in limits:
            values = population.numbers(limit.measure)[rows]
            applies = population.rows_of(limit)[rows] & ~np.isnan(values)
            sign = 1.0 if limit.side == "min" else -1.0
            self.signed[limit] = np.where(applies, sign * values, np.inf)  # inf breaks no minimum

    def start(self) -> dict[Limit, float]:
        return {limit: limit.value for limit in self.limits}

    def _passes(self, limit: Limit, value: float) -> Mask:
        passes: Mask = self.signed[limit] >= (value if limit.side == "min" else -value)
        return passes

    def kept(self, values: dict[Limit, float]) -> Mask:
        kept: Mask = self.alive.copy()
        for limit, value in values.items():
            kept &= self._passes(limit, value)
        return kept

    def fit(self, good: Mask, seen: Mask) -> dict[Limit, float]:
        """The values of a local optimum of F1 over the pages ``seen``."""
        values = self.start()
        best = _f1(self.kept(values)[seen], good[seen])
        for _ in range(ROUNDS):
            gained = False
            for limit in self.limits:
                others = self.kept({each: v for each, v in values.items() if each is not limit})
                for candidate in self._candidates(limit, seen & others):
                    kept = others & self._passes(limit, candidate)
                    score = _f1(kept[seen], good[seen])
                    if score > best + 1e-12:
                        best, gained = score, True
                        values[limit] = candidate
            if not gained:
                break
        return values

    def _candidates(self, limit: Limit, rows: Mask) -> list[float]:
        signed = np.unique(self.signed[limit][rows])
        signed = signed[np.isfinite(signed)]
        between = [(float(low), float(high)) for low, high in pairwise(signed)]
        if limit.side == "min":
            return [-np.inf, *(shortest(low, high, "min") for low, high in between)]
        return [np.inf, *(shortest(-high, -low, "max") for low, high in between)]


def _f1(kept: Mask, good: Mask) -> float:
    """2 × kept and good, over kept plus good; 0 where there is neither."""
    total = int(kept.sum()) + int(good.sum())
    return 2 * int((kept & good).sum()) / total if total else 0.0
