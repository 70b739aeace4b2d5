"""Where the prefix of a ranking ends: narrowed from bins to one bin, to one score, to one document.

See :mod:`winnow.pipeline.top_share`, which counts and reads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

ALL_TIES = 2**64 - 1
FINE_BITS = 14  # an interval is divided by at most 2 to this

_SIGN = np.uint64(1 << 63)


def score_keys(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """Float64 bits in an order of their own, ``uint64[n]``: the higher the score, the smaller the
    key; 0.0 and -0.0 are one."""
    bits = (scores + 0.0).view(np.uint64)
    return np.where(bits & _SIGN, bits, ~(bits | _SIGN))


def score_of(key: int) -> float:
    """The score that has ``key``."""
    bits = key if key >> 63 else ~key & ((1 << 63) - 1)
    return float(np.array([bits], np.uint64).view(np.float64)[0])


@dataclass
class Cut:
    """The cut of one measure and label while it is looked for.

    The first document that is too much lies in ``[low, high]``, an interval of keys; or, once it is
    known which score it has, of ties among the documents of that score. ``documents`` and
    ``weight`` are those of all before the interval, and ``last`` is the end of these.
    """

    measure: str
    label: str | None
    target: int
    """Most that the kept documents may weigh."""
    total: int
    best: int
    """Key of the best score of all."""
    low: int = 0
    high: int = 0
    count: int = 0
    """Documents in the interval."""
    score: int | None = None
    """Key of the score whose ties are looked through; None before that."""
    documents: int = 0
    weight: int = 0
    last: tuple[int, int] | None = None
    """(key, tie) of the last document before the interval; None: there is none."""
    closed: bool = False
    shards: set[int] = field(default_factory=set)

    @classmethod
    def first(cls, measure: str, label: str | None, share: Fraction, bins: pa.Table) -> Cut:
        """The cut as far as ``bins`` (all of the measure and label, best first) tell it."""
        total = sum(bins["weight"].to_pylist())
        cut = cls(
            measure=measure,
            label=label,
            target=math.floor(share * total),
            total=total,
            best=bins["best"][0].as_py(),
        )
        cut.narrow(bins)
        return cut

    @property
    def key(self) -> int:
        """A key of the interval's documents."""
        return self.low if self.score is None else self.score

    def interval(self) -> tuple[np.uint64, np.uint64, np.uint64, bool, np.uint64]:
        """low, high, bits of a bin's width, whether of ties, and of which score."""
        shift = max(0, (self.high - self.low).bit_length() - FINE_BITS)
        score = 0 if self.score is None else self.score
        low, high = np.uint64(self.low), np.uint64(self.high)
        return low, high, np.uint64(shift), self.score is not None, np.uint64(score)

    def narrow(self, bins: pa.Table) -> None:
        """Go on with the one of ``bins`` (of the interval, in order) that the cut falls into."""
        documents, weights, best, worst = (
            bins[name].to_numpy() for name in ("documents", "weight", "best", "worst")
        )
        reached = self.weight + np.cumsum(weights)
        place = int(np.searchsorted(reached, self.target, side="right"))
        self.documents += int(documents[:place].sum())
        self.weight += int(weights[:place].sum())
        if place:
            end = int(worst[place - 1])
            self.last = (end, ALL_TIES) if self.score is None else (self.score, end)
        if place == len(weights):
            self.closed = True  # all of them fit
            return
        self.low, self.high = int(best[place]), int(worst[place])
        self.count = int(documents[place])
        if self.low == self.high:
            if self.score is not None:
                self.closed = True  # one document, and it is the one too much
                return
            self.score, self.low, self.high = self.low, 0, ALL_TIES

    def close_with(
        self,
        keys: npt.NDArray[np.uint64],
        ties: npt.NDArray[np.uint64],
        weights: npt.NDArray[np.int64],
    ) -> None:
        """End with the documents of the interval themselves, in any order."""
        order = np.lexsort((ties, keys))
        reached = self.weight + np.cumsum(weights[order])
        place = int(np.searchsorted(reached, self.target, side="right"))
        if place:
            self.documents += place
            self.weight = int(reached[place - 1])
            self.last = (int(keys[order[place - 1]]), int(ties[order[place - 1]]))
        self.closed = True

    def row(self) -> dict[str, Any]:
        """A row of the store of cuts. Where not one document fits, the score just above the best:
        it is finite, and nothing reaches it."""
        if self.last is None:
            score, tie = math.nextafter(score_of(self.best), math.inf), 0
        else:
            score, tie = score_of(self.last[0]), self.last[1]
        return {
            "measure": self.measure,
            "label": self.label,
            "score": score,
            "tie": tie,
            "documents": self.documents,
            "weight": self.weight,
            "share": self.weight / self.total if self.total else 1.0,
        }
