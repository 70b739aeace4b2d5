"""What a block's ``index`` is, as the plan finds it."""

from __future__ import annotations

from dataclasses import dataclass

from winnow.dedup.signing.shape import Shape


@dataclass(frozen=True)
class IndexOption:
    """Indexes that a block is deduplicated against."""

    paths: tuple[str, ...]
    only: bool

    @classmethod
    def of(cls, paths: tuple[str, ...], shape: Shape, only: bool, block: str) -> IndexOption:
        """The indexes at ``paths``; :class:`PlanError` where one cannot be used."""
        return cls(paths, only)
