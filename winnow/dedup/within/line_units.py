"""The units of the block ``lines``: hashes of the documents' pieces, where counting looks for them.

Position of a unit: number of its first piece in the document. Where repetitions within a document
do not count, only the first of them is a unit; and for each piece that its document has more than
once there is a further unit, of a key that is the document's own, at ``REPEATED`` | position, the
first included. What is found there tells which pieces are repetitions.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.within.line_hashes import Normalisation, RunHasher, Runs
from winnow.dedup.within.line_pieces import Unit, cut, languages_of
from winnow.dedup.within.occurrences import UnitLayout, Units
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.text.table import TextColumn

REPEATED = np.uint32(1 << 31)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_OWN_KEY, _OWN_CHECK = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


@dataclass(frozen=True)
class LineRules:
    """What is compared."""

    unit: Unit
    span: int
    """Pieces of a unit."""
    normalisation: Normalisation
    min_unit_chars: int
    repeats_count: bool
    """Whether a repetition within a document is an occurrence."""
    language_column: str | None
    """Of sentences only."""

    def fingerprint_extra(self) -> dict[str, Any]:
        if self.normalisation == "none" and self.unit != "sentence":
            return {}
        # what a letter, a digit, a mark becomes, and where a word ends, is what Python's Unicode
        # says
        return {"unicode": unicodedata.unidata_version}


@dataclass(frozen=True)
class LineUnitsWork(PlainWork):
    """Units of the kept documents of a shard."""

    rules: LineRules
    layout: UnitLayout
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view = inputs.view.open()
        rules = self.rules
        hasher = RunHasher(rules.normalisation, rules.span, rules.min_unit_chars)
        columns = ["doc_id", "text"] + ([rules.language_column] if rules.language_column else [])

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for name in ("documents", "units", "exempt"):
                tally.count(name, 0)
            batches = view.kept(index, columns)
            yield from self.layout.groups(self._units(b, hasher, tally) for b in batches)

        return task

    def _units(self, batch: pa.RecordBatch, hasher: RunHasher, tally: Tally) -> Units:
        text = TextColumn(batch.column("text"))
        pieces = cut(text, self.rules.unit, languages_of(batch, self.rules.language_column))
        runs, short = hasher.runs(text, pieces)
        doc_ids = batch.column("doc_id").to_numpy(zero_copy_only=False)[runs.texts]
        tally.count("documents", batch.num_rows)
        tally.count("units", len(doc_ids))
        tally.count("exempt", short)
        if self.rules.repeats_count:
            return runs.keys, runs.checks, doc_ids, runs.places.astype(np.uint32)
        return without_repetitions(runs, doc_ids)


def without_repetitions(runs: Runs, doc_ids: np.ndarray) -> Units:
    """Each unit of a document once, and units of its own for those that it has more often."""
    order = np.lexsort((runs.places, runs.checks, runs.keys, runs.texts))
    same = np.ones(max(0, len(order) - 1), bool)
    for column in (runs.texts, runs.keys, runs.checks):
        same &= column[order[1:]] == column[order[:-1]]
    repeated, shared = np.zeros((2, len(order)), bool)
    repeated[order[1:]] = same
    shared[order[1:]] = same
    shared[order[:-1]] |= same
    own = _mixed(doc_ids[shared] + _OWN_KEY)
    other = _mixed(doc_ids[shared] + _OWN_CHECK)
    places = runs.places.astype(np.uint32)
    columns = [
        np.concatenate([column[~repeated], further])
        for column, further in (
            (runs.keys, _mixed(runs.keys[shared] ^ own)),
            (runs.checks, _mixed(runs.checks[shared] ^ other)),
            (doc_ids, doc_ids[shared]),
            (places, places[shared] | REPEATED),
        )
    ]
    order = np.lexsort((columns[3], columns[2]))
    return tuple(column[order] for column in columns)


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """Each number of a uint64 array becomes another one, which looks random."""
    numbers = (numbers ^ (numbers >> np.uint64(33))) * _MIX
    mixed: np.ndarray = numbers ^ (numbers >> np.uint64(29))
    return mixed
