"""Bounds for each language, from the distribution of its own documents.

``language_prob`` by the formula of FineWeb-2 (Penedo et al. 2025): max(0.3, min(0.9, median -
deviation)), over all documents that the model gives the language.

The other limits by one of four methods, whose names are those that the paper tries; its text says
them in words, and these formulas are our reading of them. The reference is a language (English)
whose limit is taken to be right.

mean_std      as many deviations from the language's mean as the reference's limit is from its own
quantile      where it rejects the share of the language that it rejects of the reference
tail_10       where it rejects the most extreme tenth of the language; needs no reference
median_ratio  the reference's limit, times the ratio of the medians

Differs from FineWeb-2: computed on the run's own pages and not on Wikipedia, so the more a run is
chaff, the looser they are; deviations are those of the population. Three decimals, as there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pyarrow.compute as pc

from winnow.errors import ConfigError
from winnow.pipeline.bounds import LANGUAGE, Bound
from winnow.tune.population import Floats, Limit, Mask, Population, Side, limits_of
from winnow.whatif.ledger import column

Method = Literal["mean_std", "quantile", "tail_10", "median_ratio"]
PROB = "language_prob"
TAU_LEAST, TAU_MOST = 0.3, 0.9
DECIMALS = 3


def least_prob(probs: Floats) -> float:
    """FineWeb-2's least probability of a language, from the probabilities of its documents."""
    tau = float(np.median(probs) - probs.std())
    return round(max(TAU_LEAST, min(TAU_MOST, tau)), DECIMALS)


def per_language(
    population: Population,
    method: Method = "mean_std",
    reference: str = "en",
    measures: tuple[str, ...] | None = None,
    min_documents: int = 100,
) -> tuple[Bound, ...]:
    """The population's bounds with limits by language, for every allowed language that has at
    least ``min_documents`` documents. The reference keeps its own.

    Raises :class:`ConfigError` where the run knows no languages, or too little of the reference.
    """
    if LANGUAGE not in population.table.column_names:
        raise ConfigError(
            "bounds per language need the column 'language', which this ledger has not",
            remedy='Put [[stage]] use = "language" before the other filters.',
        )
    allowed = next((b.allowed for b in population.bounds if b.measure == LANGUAGE), None)
    rows: dict[str, Mask] = {}
    for entry in pc.value_counts(column(population.table, LANGUAGE).drop_null()):
        label, count = entry["values"].as_py(), entry["counts"].as_py()
        if count >= min_documents and (allowed is None or label in allowed):
            rows[label] = population.is_label(LANGUAGE, label)
    rows = dict(sorted(rows.items()))
    taus: dict[str, float] = {}
    if PROB in population.table.column_names:
        probs = population.numbers(PROB)
        taus = {label: least_prob(probs[own]) for label, own in rows.items()}
        rows = {label: own & (probs >= taus[label]) for label, own in rows.items()}
    if reference not in rows and method != "tail_10":
        raise ConfigError(
            f"--reference {reference}: fewer than {min_documents:,} documents of that language, so "
            "its limits say nothing of the others'",
            remedy=f"languages here: {', '.join(rows) or 'none'}; or --per-language tail_10",
        )
    new = list(population.bounds)
    for limit in limits_of(population.bounds, measures):
        bound = new[limit.bound]
        if limit.label is not None or bound.by_column not in (None, LANGUAGE):
            continue
        if limit.measure == PROB:
            continue
        new[limit.bound] = _spread(population, bound, limit, rows, method, reference)
    if taus and (measures is None or PROB in measures):
        new = [_with_taus(bound, taus) if bound.measure == PROB else bound for bound in new]
    return tuple(new)


def _spread(
    population: Population,
    bound: Bound,
    limit: Limit,
    rows: dict[str, Mask],
    method: Method,
    reference: str,
) -> Bound:
    values = population.numbers(limit.measure)
    known = ~np.isnan(values)
    by = {label: {"min": low, "max": high} for label, low, high in bound.by}
    own = {"min": bound.min, "max": bound.max}
    for label, mask in rows.items():
        mine = values[mask & known]
        right = values[rows[reference] & known] if reference in rows else mine
        if label == reference or not len(mine) or not len(right):
            continue
        value = _translate(limit.value, limit.side, method, mine, right)
        if value is not None:
            by.setdefault(label, dict(own))[limit.side] = value
    sides = tuple((label, each["min"], each["max"]) for label, each in by.items())
    sane = tuple(each for each in sides if each[1] is None or each[2] is None or each[1] <= each[2])
    return replace(bound, by_column=LANGUAGE, by=sane) if sane else bound


def _translate(
    value: float, side: Side, method: Method, mine: Floats, right: Floats
) -> float | None:
    """The limit for a language whose values are ``mine``; None where it says nothing."""
    if method == "mean_std":
        deviation = right.std()
        if deviation == 0:
            return None
        found = mine.mean() + (value - right.mean()) / deviation * mine.std()
    elif method == "median_ratio":
        middle = np.median(right)
        if middle == 0:
            return None
        found = value * np.median(mine) / middle
    else:
        tail = 0.1
        if method == "quantile":
            tail = float((right < value).mean() if side == "min" else (right > value).mean())
        found = np.quantile(mine, tail if side == "min" else 1 - tail)
    if not right.min() <= value <= right.max():
        return None  # it binds nobody in the reference language, so there is nothing to carry over
    # a few broken pages must not decide: within what all but 1 % of the language's pages have
    low, high = np.quantile(mine, [0.01, 0.99])
    return round(float(np.clip(found, low, high)), DECIMALS)


def _with_taus(bound: Bound, taus: dict[str, float]) -> Bound:
    by = {label: (low, high) for label, low, high in bound.by}
    for label, tau in taus.items():
        by[label] = (tau, by.get(label, (None, bound.max))[1])
    sides = tuple((label, low, high) for label, (low, high) in by.items())
    return replace(bound, by_column=LANGUAGE, by=sides)
