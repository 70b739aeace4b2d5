"""How good a classifier is on documents that it has not seen: figures for the card of a model."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
Sides = npt.NDArray[np.bool_]

BINS = 10  # of the reliability table
TOP_SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
QUANTILES = 1000


def figures(scores: Scores, good: Sides) -> dict[str, Any]:
    """Figures for ``scores`` [0, 1] of documents of which ``good`` are positive, both ``[n]``.

    ``accuracy`` and the recall of each side at 0.5, ``auc``, ``expected_calibration_error``, the
    ``reliability`` table, ``precision_at_top``, all in [0, 1]; null where a side has no document.
    """
    right = (scores >= 0.5) == good
    return {
        "documents": len(scores),
        "positive_documents": int(good.sum()),
        "accuracy": _share(right),
        "positive_recall": _share(right[good]),
        "negative_recall": _share(right[~good]),
        "auc": auc(scores, good),
        "expected_calibration_error": expected_calibration_error(scores, good),
        "reliability": reliability(scores, good),
        "precision_at_top": {f"{share:g}": precision_at_top(scores, good, share)
                             for share in TOP_SHARES},
    }  # fmt: skip


def auc(scores: Scores, good: Sides) -> float | None:
    """Probability that a good document scores above a bad one, ties half: the area under the
    receiver operating characteristic, as Mann and Whitney's U. None without both sides."""
    positives, negatives = int(good.sum()), int((~good).sum())
    if not positives or not negatives:
        return None
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    ranks = (ends - (count - 1) / 2)[place]  # of equal scores: the mean of theirs, from 1
    above = ranks[good].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def reliability(scores: Scores, good: Sides) -> list[dict[str, Any]]:
    """Of each tenth of the range of scores that has documents: how many, their mean score, and the
    share that is good. A calibrated model has the last two equal."""
    places = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    table = []
    for place in range(BINS):
        inside = places == place
        if inside.any():
            table.append(
                {
                    "from": place / BINS,
                    "documents": int(inside.sum()),
                    "mean_score": float(scores[inside].mean()),
                    "positive_share": float(good[inside].mean()),
                }
            )
    return table


def expected_calibration_error(scores: Scores, good: Sides) -> float | None:
    """Mean distance between score and share of good documents over the bins of ``reliability``,
    weighted by their documents, [0, 1] (Guo et al. 2017, section 2)."""
    if not len(scores):
        return None
    return float(
        sum(
            row["documents"] * abs(row["mean_score"] - row["positive_share"])
            for row in reliability(scores, good)
        )
        / len(scores)
    )


def precision_at_top(scores: Scores, good: Sides, share: float) -> float | None:
    """Share of good documents among the best ``share`` of all (at least one). Documents that score
    as the last one does count in part: their mean, as if drawn in any order."""
    if not len(scores):
        return None
    number = max(1, math.floor(share * len(scores)))
    last = np.sort(scores)[-number]
    above, equal = scores > last, scores == last
    found = good[above].sum() + good[equal].mean() * (number - above.sum())
    return float(found / number)


def quantiles(scores: Scores) -> list[float]:
    """The scores at 0, 1/1000, … 1 of the documents, ascending; what `ensemble` ranks by."""
    if not len(scores):
        return []
    found: list[float] = np.quantile(scores, np.linspace(0, 1, QUANTILES + 1)).tolist()
    return found


def _share(right: Sides) -> float | None:
    return float(right.mean()) if len(right) else None
