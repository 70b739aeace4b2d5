"""How the clusters of a block are checked, as the plan finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from winnow.dedup.signing.banding import threshold
from winnow.dedup.signing.shape import Shape
from winnow.dedup.survivors import DATATROVE, Policy
from winnow.errors import PlanError


@dataclass(frozen=True)
class Verification:
    """What is compared within a cluster, and what is near enough."""

    shape: Shape
    language_column: str | None
    policy: Policy
    similarity: float
    """Jaccard, above 0 to 1, of sets of shingles: from here on one is a duplicate of the other."""
    verify: Literal["no", "jaccard"]
    """``no``: nothing is compared; the survivor is the root of datatrove's union."""

    @classmethod
    def of(
        cls,
        shape: Shape,
        language_column: str | None,
        policy: Policy,
        similarity: float | None,
        verify: Literal["no", "jaccard"],
    ) -> Verification:
        """With ``similarity``, or, where it is None, the one at which half of the pairs are found.

        :class:`PlanError` for ``verify = "jaccard"`` with datatrove's survivors: which root a union
        has depends on all of its pairs, the false ones too.
        """
        if verify == "jaccard" and policy.keep == DATATROVE:
            raise PlanError(
                f'verify = "jaccard" cannot go with keep = "{DATATROVE}": datatrove keeps the root '
                "of a union of unverified pairs",
                remedy='Choose another survivor, e.g. keep = "longest", or verify = "no".',
            )
        half = threshold(shape.bands, shape.rows_per_band)
        return cls(
            shape, language_column, policy, half if similarity is None else similarity, verify
        )
