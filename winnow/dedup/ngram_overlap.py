"""Documents and paragraphs whose n-grams came before: what the Big Friendly Filter removes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from winnow.dedup.steps import MEMORY_BYTES, MIN_MEMORY_BYTES
from winnow.dedup.within.ngram_texts import PIECE_BYTES, Mode, NgramRules
from winnow.dedup.within.ngram_units import NgramUnitsWork
from winnow.dedup.within.ngram_verdicts import NgramVerdictWork
from winnow.dedup.within.occurrence_files import GROUP_UNITS
from winnow.dedup.within.occurrences import (
    Method,
    UnitLayout,
    occurrence_drafts,
    plan_unit_parts,
)
from winnow.pipeline.sizes import ByteSize
from winnow.pipeline.step import Cost, Draft, PlanContext
from winnow.schema import require_columns

# One page of ten is kept until here, with some 850 n-grams; a page takes 25 kB of its WARC. This
# leaves room for three times as many. A wrong guess costs passes, never memory.
INPUT_BYTES_PER_NGRAM = 100
INPUT_BYTES_PER_TEXT_BYTE = 10  # of the column of texts on disk
FOUND_PER_NGRAM = 1 / 4  # of the n-grams after Gopher's and C4's rules one of seven; up to a third
UNIT_BYTES, FOUND_BYTES = 28, 20
COUNTING_BYTES = 36  # of a different n-gram in the table
READING_BYTES = 20_000_000
# of a piece of texts its words and n-grams, measured; and a group of units, twice
HASHING_BYTES = 45 * PIECE_BYTES + 2 * UNIT_BYTES * GROUP_UNITS
FALSE_POSITIVE_PROB = 0.01


@dataclass(frozen=True, kw_only=True)
class NgramOverlap:
    """N-grams of words that occur earlier in the input, by document and by paragraph; the verdict
    is ``ngram_overlap_share``.

    The Big Friendly Filter (BFF; Groeneveld, and for DCLM Li et al. 2024, section 4.3), whose
    ``--min-ngram-size 13 --max-ngram-size 13 --filtering-threshold 0.8 --fp-rate 0.01
    --remove-type old-both`` the defaults are, but for ``method``. Words and paragraphs are BFF's
    (ngram_texts.py), and so is what ``mode`` means, by its source:

    - ``document``: more than ``overlap_share`` of a document's n-grams came in earlier documents.
    - ``paragraph``: more than this of a paragraph's n-grams came in earlier paragraphs (of the
      same document too): the paragraph goes, with the line feed before it.
    - ``old-both``: as ``paragraph``; and a document goes of whose paragraphs' n-grams, all taken
      together, more than this came earlier.
    - ``both``: n-grams go across paragraphs, and the share itself is enough. A document goes as
      under ``document``, a paragraph by the n-grams that have all of their words in it.

    A document of which only white space would be left is rejected. A unit of fewer words than
    ``min_ngram_words`` has no n-gram and stays; one of fewer than ``ngram_words`` is one n-gram.

    Differs from BFF: an n-gram counts as seen once it is *read*, not once it is kept. BFF does not
    add those of what it removes, which takes one stream (and its files come in an order drawn at
    random, its threads in any). So all that BFF removes in the same order is removed, and a little
    more: docs/deduplication.md says how little. Dolma's deduper adds what it reads, as we do. What
    is left keeps its bytes, ends included. ``both`` is as BFF's comments have it: its code never
    leaves the first paragraph. ``naive-both`` is not offered: it adds a document, and then finds
    all of its paragraphs.
    """

    use: ClassVar[str] = "ngram_overlap"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("numba",)

    mode: Mode = "old-both"
    ngram_words: int = 13
    """Words of an n-gram; BFF's max-ngram-size."""
    min_ngram_words: int | None = None
    """Words that a unit must have to be looked at; absent: ``ngram_words``."""
    overlap_share: float = 0.8
    """Of duplicate n-grams, 0 to 1."""
    method: Method = "exact"
    """``bloom``: ask a Bloom filter. Some 1.2 bytes an n-gram in memory instead of 36."""
    false_positive_prob: float = FALSE_POSITIVE_PROB
    """With ``bloom``: of an n-gram, above 0 and below 1."""
    sample_one_in: int = 1
    """Look at one of so many n-grams, by its hash: as many times less to move. With s the true
    share of a document of n n-grams, the measured one has the standard error sqrt(s (1 - s) k / n)
    at most, k being this number. ``mode = "document"`` only: a paragraph has too few."""
    memory_bytes: ByteSize = MEMORY_BYTES
    """What a task that counts may hold; smaller means more passes, never another result."""

    def __post_init__(self) -> None:
        if self.ngram_words < 1:
            raise ValueError(f"ngram_words must be 1 at least, got {self.ngram_words}")
        if not 1 <= self._least <= self.ngram_words:
            raise ValueError(
                f"min_ngram_words must be 1 to ngram_words = {self.ngram_words}, got {self._least}"
            )
        if not 0 <= self.overlap_share <= 1:
            raise ValueError(f"overlap_share must be 0 to 1, got {self.overlap_share}")
        if not 0 < self.false_positive_prob < 1:
            raise ValueError(
                f"false_positive_prob must be above 0 and below 1, got {self.false_positive_prob}"
            )
        if self.method == "exact" and self.false_positive_prob != FALSE_POSITIVE_PROB:
            raise ValueError('false_positive_prob goes with method = "bloom"')
        if self.sample_one_in < 1:
            raise ValueError(f"sample_one_in must be 1 at least, got {self.sample_one_in}")
        if self.sample_one_in > 1 and self.mode != "document":
            raise ValueError('sample_one_in goes with mode = "document"')
        if self.memory_bytes < MIN_MEMORY_BYTES:
            raise ValueError(f"memory_bytes must be {MIN_MEMORY_BYTES:,} at least")

    @property
    def _least(self) -> int:
        return self.ngram_words if self.min_ngram_words is None else self.min_ngram_words

    def expand(self, context: PlanContext) -> list[Draft]:
        require_columns(context.columns, ("text",), context.name)
        rules = NgramRules(self.mode, self.ngram_words, self._least, self.sample_one_in)
        bytes_per_unit = INPUT_BYTES_PER_NGRAM * self.sample_one_in
        layout = UnitLayout(plan_unit_parts(context, self.memory_bytes, bytes_per_unit))
        drafts = occurrence_drafts(
            context, NgramUnitsWork(rules, layout), layout, self.memory_bytes,
            method=self.method, false_positive_prob=self.false_positive_prob,
        )  # fmt: skip
        find = drafts[-1].name
        work = NgramVerdictWork(find, rules, self.overlap_share)
        last = Draft(
            name=context.name, kind="verdicts", work=work, schema=work.schema,
            shard_count=context.document_shards, reads=(find,),
        )  # fmt: skip
        units = context.input_bytes // bytes_per_unit
        text_bytes = context.input_bytes // INPUT_BYTES_PER_TEXT_BYTE
        units_bytes = UNIT_BYTES * units
        found_bytes = int(FOUND_BYTES * FOUND_PER_NGRAM * units)
        find_bytes = READING_BYTES + (2 * UNIT_BYTES + COUNTING_BYTES) * units // layout.parts
        costs = (
            Cost(HASHING_BYTES, text_bytes, units_bytes),
            Cost(min(self.memory_bytes, find_bytes), units_bytes, found_bytes),
            Cost(HASHING_BYTES, text_bytes + found_bytes, text_bytes // 5),
        )
        steps = zip([*drafts, last], costs, strict=True)
        return [replace(draft, cost=cost) for draft, cost in steps]
