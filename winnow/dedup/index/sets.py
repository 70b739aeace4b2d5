"""The shingles that indexes hold, found by the numbers that a block gives their documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from winnow.dedup.index.option import IndexFolder, IndexOption
from winnow.dedup.index.shingle_files import SetFiles


@dataclass(frozen=True)
class OldSets:
    """The sets of one batch of an index, for some of the numbers that were asked for."""

    asked: slice
    """Places in what was asked for."""
    rows: np.ndarray
    """int64: of each of these, its set."""
    offsets: np.ndarray
    """int64[sets + 1] into ``hashes``."""
    hashes: np.ndarray
    """uint64, ascending in a set; mapped."""


class IndexSets:
    """Shingles of the documents of an :class:`IndexOption`, where its indexes have any."""

    def __init__(self, option: IndexOption) -> None:
        self._files: list[SetFiles] = []
        runs: list[tuple[int, int, int]] = []  # first number, file or -1, number less place
        for source, start in zip(option.sources, option.starts, strict=True):
            if not isinstance(source, IndexFolder) or not source.shingles:
                runs.append((start, -1, 0))
                continue
            index = source.open()
            for segment in index.segments:
                numbers = segment.starts[-1]
                store = index.store(segment, "shingles")
                per_shard = int(store.manifest["config"]["numbers_per_shard"])
                self._files.append(SetFiles(store, numbers, per_shard))
                for run, first, shift in zip(segment.runs, *index.shifts(segment), strict=True):
                    if run.numbers:
                        by = int(shift) + start
                        runs.append((int(first) + by, len(self._files) - 1, by))
        runs.sort()
        self._firsts, self._file_of, self._shifts = np.array(runs, np.int64).reshape(-1, 3).T

    def _run_of(self, numbers: np.ndarray) -> np.ndarray:
        return np.searchsorted(self._firsts, numbers.astype(np.int64), "right") - 1

    def stored(self, numbers: np.ndarray) -> np.ndarray:
        """bool[numbers]: which of ``numbers`` (uint64) are of an index with shingles."""
        found: np.ndarray = self._file_of[self._run_of(numbers)] >= 0
        return found

    def batches(self, numbers: np.ndarray) -> Iterator[OldSets]:
        """The sets of ``numbers`` (uint64, ascending, all of them stored), a batch of an index at a
        time, each read once."""
        runs = self._run_of(numbers)
        files = self._file_of[runs]
        inner = numbers.astype(np.int64) - self._shifts[runs]
        at = 0
        while at < len(numbers):
            file = self._files[files[at]]
            place = file.batch_of(int(inner[at]))
            batch = file.read(*place)
            theirs = batch.column(0).to_numpy().astype(np.int64)
            end = at + 1
            while (
                end < len(numbers)
                and files[end] == files[at]
                and file.batch_of(int(inner[end])) == place
            ):
                end += 1
            rows = np.searchsorted(theirs, inner[at:end])
            there = rows < len(theirs)
            there[there] = theirs[rows[there]] == inner[at:end][there]
            if not there.all():
                raise file.missing(int(inner[at:end][~there][0]))
            sets = batch.column(1)
            offsets = sets.offsets.to_numpy().astype(np.int64)
            yield OldSets(slice(at, end), rows, offsets, sets.values.to_numpy())
            at = end
