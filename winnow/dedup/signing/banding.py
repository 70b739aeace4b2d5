"""Into how many bands of how many rows a signature is cut."""

from __future__ import annotations


def found_prob(similarity: float, bands: int, rows: int) -> float:
    """Probability that two documents of this Jaccard similarity meet in a band."""
    return float(1 - (1 - similarity**rows) ** bands)


def solve_bands(similarity: float, permutations: int) -> tuple[int, int]:
    """(bands, rows)."""
    best = min(
        (
            sum(1 - found_prob(similarity + (1 - similarity) * i / 200, b, r) for i in range(200))
            * (1 - similarity)
            + sum(found_prob(similarity * i / 200, b, r) for i in range(200)) * similarity,
            b,
            r,
        )
        for b in range(1, permutations + 1)
        for r in range(1, permutations // b + 1)
    )
    return best[1], best[2]
