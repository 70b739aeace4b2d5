"""How the clusters of a block are checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from winnow.dedup.signing.shape import Shape
from winnow.dedup.survivors import Policy


@dataclass(frozen=True)
class Verification:
    """What is compared within a cluster, and what is near enough."""

    shape: Shape
    language_column: str | None
    policy: Policy
    similarity: float
    verify: Literal["no", "jaccard"]

    @classmethod
    def of(
        cls,
        shape: Shape,
        language_column: str | None,
        policy: Policy,
        similarity: float | None,
        verify: Literal["no", "jaccard"],
    ) -> Verification:
        """With ``similarity``, or where half of the pairs are found."""
        half = (1 - 0.5 ** (1 / shape.bands)) ** (1 / shape.rows_per_band)
        return cls(shape, language_column, policy, similarity or half, verify)
