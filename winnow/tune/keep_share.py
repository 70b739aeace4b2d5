"""Bounds for a wanted yield: all limits moved together until that share of documents is kept.

The method is ours. Each limit rejects some documents at present, its *tail*: t of the n that the
fixed bounds keep. One number s scales all tails: limit i is put where it rejects the floor(s t_i)
most extreme documents. s = 1 are the present decisions, s = 0 rejects nothing, more is stricter;
limits keep their proportions, and one that rejects nobody stays where it is. What is kept shrinks
as s grows, so the largest s that keeps the wanted share is found exactly, by the s at which each
document falls: (documents as extreme as it is) / t_i, the least over the limits. Equal values fall
together, so that the share reached may exceed the one wanted.

Labels (`language` in a list of them), bounds on other measures, and shares of the best stay as they
are; a top share is not looked at.
"""

from __future__ import annotations

import math

import numpy as np

from winnow.errors import ConfigError
from winnow.pipeline.bounds import Bound
from winnow.tune.population import Limit, Population, limits_of, moved, shortest


def for_keep_share(
    population: Population, share: float, measures: tuple[str, ...] | None = None
) -> tuple[Bound, ...]:
    """The population's bounds, moved so that ``share`` of its documents is kept, or just more.

    Raises :class:`ConfigError` where the fixed bounds keep less than that.
    """
    if not 0 < share <= 1:
        raise ConfigError(f"--keep-share must be above 0 and at most 1, got {share}")
    limits = limits_of(population.bounds, measures)
    alive = population.kept_by(_fixed(population.bounds, limits))
    wanted = math.ceil(share * population.documents)
    if wanted > int(alive.sum()):
        raise ConfigError(
            f"{share:.1%} of {population.documents:,} documents cannot be kept: pages without "
            f"text and the bounds that stay leave {int(alive.sum()) / population.documents:.1%}",
            remedy="Ask for less, or loosen those bounds first (`winnow whatif`).",
        )
    falls = np.full(len(population), np.inf)
    exact = np.zeros((len(population), 2), np.int64)  # falls = exact[0] / exact[1]
    tails: dict[Limit, tuple[np.ndarray, int]] = {}
    for limit in limits:
        rows = np.flatnonzero(
            alive & population.rows_of(limit) & ~np.isnan(population.numbers(limit.measure))
        )
        values = population.numbers(limit.measure)[rows] * (1 if limit.side == "min" else -1)
        ranked = np.sort(values)
        bound = limit.value if limit.side == "min" else -limit.value
        tail = int(np.searchsorted(ranked, bound, "left"))
        tails[limit] = ranked, tail
        if tail:
            as_extreme = np.searchsorted(ranked, values, "right")
            sooner = as_extreme / tail < falls[rows]
            falls[rows[sooner]] = as_extreme[sooner] / tail
            exact[rows[sooner]] = np.stack(
                [as_extreme[sooner], np.full(int(sooner.sum()), tail)], axis=1
            )
    order = np.argsort(-np.where(alive, falls, -1), kind="stable")
    last = order[wanted - 1]  # the last document that must stay
    if math.isinf(falls[last]):
        raise ConfigError(
            f"{share:.1%} cannot be reached by tightening: the limits that may move reject nobody "
            "at present",
            remedy="Tighten one of them by hand first (`winnow whatif`).",
        )
    numerator, denominator = (int(each) for each in exact[last])
    new: dict[Limit, float] = {}
    for limit, (ranked, tail) in tails.items():
        if tail:
            rejected = (numerator * tail - 1) // denominator
            new[limit] = _limit(ranked, min(rejected, len(ranked)), limit)
    return moved(population.bounds, new)


def _fixed(bounds: tuple[Bound, ...], limits: list[Limit]) -> list[Bound]:
    tuned = {limit.bound for limit in limits}
    return [bound for place, bound in enumerate(bounds) if place not in tuned]


def _limit(ranked: np.ndarray, rejected: int, limit: Limit) -> float:
    """Where the limit rejects the first ``rejected`` of ``ranked`` (fewer where values are
    equal)."""
    end = (
        float(ranked[rejected]) if rejected < len(ranked) else math.nextafter(ranked[-1], math.inf)
    )
    below = int(np.searchsorted(ranked, end, "left"))
    start = float(ranked[below - 1]) if below else end - max(1.0, abs(end))
    if limit.side == "min":
        return shortest(start, end, "min")
    return shortest(-end, -start, "max")
