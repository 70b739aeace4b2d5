"""What a block's ``index`` is, as the plan finds it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, ClassVar

from winnow.dedup.index.catalog import Index
from winnow.dedup.index.runs import RunSource
from winnow.dedup.index.shapes import described_shape, of_shape, shape_differences
from winnow.dedup.signing.shape import Shape
from winnow.dedup.verifying.option import Verification
from winnow.errors import FingerprintMismatch, PlanError, StoreError
from winnow.pipeline.fingerprint import canonical
from winnow.store.files import Folder

INDEX_PATHS = "index_paths"
"""In the manifest of the step that matches: where the indexes were, as seen from the run."""


@dataclass(frozen=True)
class IndexFolder:
    """An index that ``winnow index`` keeps; where it lies is not part of what it is."""

    path: str
    fingerprint: str
    numbers: int
    shingles: bool = False
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("path", "shingles")

    @classmethod
    def of(cls, path: str) -> IndexFolder:
        index = Index.open(path)
        return cls(index.folder.path, index.fingerprint, index.numbers, index.shingles)

    def open(self) -> Index:
        """:class:`FingerprintMismatch` where it was changed since the plan was made."""
        index = Index.open(self.path)
        if index.fingerprint != self.fingerprint:
            raise FingerprintMismatch(
                f"the index {self.path} has changed since the plan was made",
                remedy="A run was added, or documents were forgotten: run the same command again.",
            )
        return index


@dataclass(frozen=True)
class IndexOption:
    """Indexes that a block is deduplicated against; their documents are numbered one index after
    the other."""

    sources: tuple[IndexFolder | RunSource, ...]
    only: bool
    verification: Verification | None = None
    """How matches are verified, where an index holds shingles; None: they are not."""

    @classmethod
    def of(
        cls,
        paths: tuple[str, ...],
        shape: Shape,
        only: bool,
        block: str,
        language_column: str | Any | None = ...,
        verification: Verification | None = None,
        output: str = "",
    ) -> IndexOption:
        """The indexes at ``paths``; :class:`PlanError` where one cannot be used.

        ``language_column`` of the sign step, where given, must be the same as theirs: without it
        all texts are signed as English ones. ``verification``: the block's; only that of ``verify =
        "jaccard"`` compares anything. ``output``: the folder of the run that asks, which cannot be
        its own index.
        """
        from winnow.dedup.minhash import MinHashSignWork

        who = f"stage '{block}': index"
        here = of_shape(shape, MinHashSignWork.version, language_column)
        own = _verdicts_of(output, block)
        sources: list[IndexFolder | RunSource] = []
        for path in paths:
            source: IndexFolder | RunSource
            if Index.exists(Folder(path)):
                source = IndexFolder.of(path)
                theirs = dict(Index.open(path).shape)
            else:
                source = RunSource.of(path, who)
                theirs = described_shape(source.sign_config())
            if language_column is ...:
                here["language_column"] = theirs["language_column"]
            differences = shape_differences(theirs, canonical(here))
            if differences:
                raise PlanError(
                    f"{who}: {path} has signatures of another shape: {'; '.join(differences)}",
                    remedy="Signatures can be compared where all of these are equal: set them as "
                    "the index has them, or sign its runs anew.",
                )
            held = Index.open(path).runs if isinstance(source, IndexFolder) else (source,)
            if own is not None and any(run.verdicts == own for run in held):
                raise PlanError(
                    f"{who}: {path} holds this very run, so that all of it would be duplicates",
                    remedy="Choose another output for this run, or an index without it.",
                )
            if source in sources:
                raise PlanError(f"{who}: {path} is named twice")
            sources.append(source)
        if verification is not None and verification.verify != "jaccard":
            verification = None
        return cls(tuple(sources), only, verification)

    @property
    def starts(self) -> tuple[int, ...]:
        """The first number of each source's documents."""
        found = [0]
        for source in self.sources:
            found.append(found[-1] + source.numbers)
        return tuple(found[:-1])

    def paths_from(self, run: str) -> list[str]:
        """The path of each source as seen from the folder ``run``."""
        found = []
        for source in self.sources:
            remote = "://" in source.path or "://" in run
            path = source.path if remote else os.path.relpath(source.path, run)
            found.append(f"{path}:{source.block}" if isinstance(source, RunSource) else path)
        return found

    @property
    def shingles(self) -> bool:
        """Whether any of the indexes holds shingles."""
        return any(isinstance(each, IndexFolder) and each.shingles for each in self.sources)


def unverified_notes(paths: tuple[str, ...]) -> list[str]:
    """A line for each index of ``paths`` whose matches cannot be verified."""
    found = []
    for path in paths:
        if Index.exists(Folder(path)) and Index.open(path).shingles:
            continue
        here = path if "://" in path else os.path.relpath(path)
        what = "holds no shingles" if Index.exists(Folder(path)) else "is a run, without shingles"
        found.append(
            f"index {here} {what}: its matches are not verified; `winnow index build --shingles` "
            "stores them"
        )
    return found


def _verdicts_of(output: str, block: str) -> str | None:
    """Fingerprint of what a finished run in ``output`` has judged already."""
    try:
        return RunSource.of(f"{output}:{block}", "index").verdicts if output else None
    except (PlanError, StoreError):  # there is none yet
        return None
