"""Into how many bands of how many rows a signature is cut, and what such a cut finds."""

from __future__ import annotations

from functools import cache

import numpy as np

CURVE = tuple(s / 100 for s in range(50, 101, 5))
"""The Jaccard similarities that a curve is shown at."""


def found_prob(similarity: float, bands: int, rows: int) -> float:
    """Probability that two documents of this Jaccard similarity agree in all rows of a band."""
    return float(1 - (1 - similarity**rows) ** bands)


def threshold(bands: int, rows: int) -> float:
    """The Jaccard similarity at which every second pair is found."""
    return float((1 - 0.5 ** (1 / bands)) ** (1 / rows))


def collision_curve(bands: int, rows: int) -> tuple[tuple[float, float], ...]:
    """Pairs (Jaccard similarity, probability of being found) for every similarity of CURVE."""
    return tuple((similarity, found_prob(similarity, bands, rows)) for similarity in CURVE)


@cache
def solve_bands(similarity: float, permutations: int) -> tuple[int, int]:
    """(bands, rows) whose product is ``permutations`` at most, and that err least.

    The error is the probability of being found, integrated over the similarities below
    ``similarity``, and that of being missed, integrated over those above; of equal ones the fewest
    bands, then rows. Source: datasketch 2.0 with equal weights (``datasketch.lsh``). Differs: the
    integrals are exact but for rounding, datasketch's to 1.5e-8. ``similarity`` 0 to 1.
    """
    # Gauss and Legendre's rule of n nodes is exact for polynomials up to degree 2n - 1
    nodes, weights = np.polynomial.legendre.leggauss(permutations // 2 + 1)
    nodes, weights = (nodes + 1) / 2, weights / 2
    below, above = similarity * nodes, similarity + (1 - similarity) * nodes
    best = (np.inf, 0, 0)
    for bands in range(1, permutations + 1):
        rows = np.arange(1, permutations // bands + 1)[:, None]
        found = similarity * ((1 - (1 - below**rows) ** bands) @ weights)
        missed = (1 - similarity) * (((1 - above**rows) ** bands) @ weights)
        errors = found + missed
        least = int(np.argmin(errors))
        if errors[least] < best[0]:
            best = (float(errors[least]), bands, least + 1)
    return best[1], best[2]
