"""The n-grams of the kept documents of a shard, for counting over the whole input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.within.ngram_texts import NgramFinder, NgramRules, pieces_of_rows
from winnow.dedup.within.occurrences import UnitLayout, Units
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.pipeline.view import OpenView


@dataclass(frozen=True)
class NgramUnitsWork(PlainWork):
    """One row for each different n-gram of a unit (a document, or a paragraph), its position the
    number of the first such n-gram in the document.

    So one that is found before is found in an earlier unit: what a unit repeats of itself is no
    duplicate, as in BFF, which asks its filter for all of a paragraph before it adds any.
    """

    rules: NgramRules
    layout: UnitLayout
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        assert inputs.view is not None
        view, finder = inputs.view.open(), NgramFinder(self.rules)

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            for name in ("documents", "ngrams", "units"):
                tally.count(name, 0)
            yield from self.layout.groups(_units(view, finder, index, tally))

        return task


def _units(view: OpenView, finder: NgramFinder, index: int, tally: Tally) -> Iterator[Units]:
    from winnow.text.table import TextColumn

    for batch in view.kept(index, ["doc_id", "text"]):
        text = TextColumn(batch.column("text"))
        doc_ids = batch.column("doc_id").to_numpy()
        for rows in pieces_of_rows(text.offsets, np.arange(batch.num_rows)):
            grams = finder.find(text.data, text.offsets, rows)
            chosen, documents, numbers = grams.distinct()
            tally.count("documents", len(rows))
            tally.count("ngrams", len(grams.keys))
            tally.count("units", len(chosen))
            yield (
                grams.keys[chosen],
                grams.checks[chosen],
                doc_ids[rows[documents]],
                numbers.astype(np.uint32),
            )
