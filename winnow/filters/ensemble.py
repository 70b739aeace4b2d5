"""``ensemble``: several scores of a document as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from winnow.filters.measured import Measure, MeasuredFilter, append_measures
from winnow.filters.quality_card import read_quantiles
from winnow.pipeline.fingerprint import file_digest
from winnow.pipeline.stage import BatchFunction

Scores = npt.NDArray[np.float64]


def _max(scores: Scores) -> Scores:
    found: Scores = np.where(np.isnan(scores), -np.inf, scores).max(axis=0)
    return found


def _mean(scores: Scores) -> Scores:
    total = np.where(np.isnan(scores), 0.0, scores).sum(axis=0)
    return np.asarray(total / np.maximum(1, (~np.isnan(scores)).sum(axis=0)), np.float64)


HOW: dict[str, Callable[[Scores], Scores]] = {
    "max": _max,
    "mean": _mean,
    "rank": _mean,
    "rank_max": _max,
}
"""Scores, ``float64[models, documents]`` (NaN: none) → one a document."""


@dataclass(frozen=True, kw_only=True)
class Ensemble(MeasuredFilter):
    """One score from several: the best of them, or their mean.

    ensemble_score  by `how`, of the scores that a document has; null where it has none. In the
                    range of the scores; [0, 1] for ranks

    max, mean   of the scores as they are
    rank        the mean of their ranks, so that a model that gives high scores to all does not
                outvote the others; rank_max: the best rank

    The rank of a score is the share of documents that score no better, [0, 1], by the quantiles in
    the card of its model (`winnow quality train` writes them, of held-out documents), in straight
    lines between. It is of that table and not of the run: so a document's rank depends on no other
    document, and it is comparable between runs. For exact ranks of the run itself, bound
    `ensemble_score` by `top_share`.

    Source: Nemotron-CC (Su et al. 2024, section 2.2) takes the max over classifiers, each score
    first replaced by its rank in 20 buckets of the corpus. Differs: ranks are not rounded to
    buckets, and they are of the held-out documents.
    """

    of: tuple[str, ...]
    """Columns of scores, of filters before this one, e.g. `quality_score_edu`."""
    how: str = "mean"
    """`max`, `mean`, `rank` or `rank_max`."""
    cards: tuple[str, ...] = ()
    """For ranks: the card (`….card.json`) of each score's model, in the order of `of`."""

    use: ClassVar[str] = "ensemble"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ()
    path_fields: ClassVar[tuple[str, ...]] = ("cards",)
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("cards",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("ensemble_score", pa.float64(), "several scores as one"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.of or len(set(self.of)) != len(self.of):
            raise ValueError(f"of must name columns of scores, each once, got {list(self.of)}")
        if self.how not in HOW:
            raise ValueError(f"how must be one of {', '.join(HOW)}, got {self.how!r}")
        wanted = len(self.of) if self.how.startswith("rank") else 0
        if len(self.cards) != wanted:
            raise ValueError(
                f"how = '{self.how}' takes {wanted} cards"
                f"{', one for each column of `of`' if wanted else ''}; got {len(self.cards)}"
            )

    @property
    def reads(self) -> tuple[str, ...]:
        return self.of

    def fingerprint_extra(self) -> dict[str, Any]:
        return {"cards_sha256": [file_digest(path) for path in self.cards]}

    def check(self) -> None:
        """Raise :class:`PlanError` for a card that is none."""
        for path in self.cards:
            read_quantiles(path)

    def open(self) -> BatchFunction:
        quantiles = [read_quantiles(path) for path in self.cards]

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            columns = [
                batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
                for name in self.of
            ]
            if quantiles:
                columns = [rank(c, table) for c, table in zip(columns, quantiles, strict=True)]
            scores = np.stack(columns)
            result = HOW[self.how](scores)
            values = pa.array(result, pa.float64(), mask=np.isnan(scores).all(axis=0))
            return append_measures(batch, self.measure_fields(), [values])

        return measure


def rank(scores: Scores, quantiles: Scores) -> Scores:
    """The share of a table's documents that score no better, ``float64[n]`` in [0, 1]; NaN stays.

    ``quantiles`` are the scores at 0, 1/n, … 1 of the documents, ascending. Among equal quantiles
    the highest counts: a score that half of the documents share ranks above that half.
    """
    last = np.flatnonzero(np.diff(quantiles, append=np.inf) > 0)
    shares = last / (len(quantiles) - 1)
    return np.where(np.isnan(scores), np.nan, np.interp(scores, quantiles[last], shares, left=0.0))
