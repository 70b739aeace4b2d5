"""Lines, paragraphs or runs of sentences that the input has elsewhere, taken out of documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from winnow.dedup.steps import MEMORY_BYTES, MIN_MEMORY_BYTES
from winnow.dedup.within.line_hashes import Normalisation
from winnow.dedup.within.line_pieces import Unit
from winnow.dedup.within.line_units import LineRules, LineUnitsWork
from winnow.dedup.within.line_verdicts import Keep, LineVerdictsWork
from winnow.dedup.within.occurrences import (
    TEXT_OF_INPUT,
    UnitLayout,
    occurrence_drafts,
    plan_unit_parts,
)
from winnow.pipeline.sizes import ByteSize
from winnow.pipeline.step import Cost, Draft, PlanContext
from winnow.schema import require_columns

# Of a gigabyte of WARC some 3,000 documents with 20 lines each are still there; this leaves room
# for sixteen times as many, as there are where nothing was rejected. A wrong guess costs spooling,
# never memory.
INPUT_BYTES_PER_UNIT = 1_000
# Measured (benchmarks/lines.py): texts of a batch and what they become; of sentences also a table
# of the words of chunks
HELD_BYTES: dict[Unit, int] = {
    "line": 100_000_000,
    "paragraph": 100_000_000,
    "sentence": 190_000_000,
}
# New texts, of the bytes of the texts on disk: nearly every page has a line of its site's frame
# (measured on crawl: 0.7 where nothing was rejected); runs of sentences are shared by few.
WRITTEN_SHARE: dict[Unit, float] = {"line": 0.7, "paragraph": 0.7, "sentence": 0.1}


class _Defaults(NamedTuple):
    span: int
    normalise: Normalisation
    repeats: Literal["count", "remove"]
    min_words: int
    min_units: int


_DEFAULTS: dict[Unit, _Defaults] = {
    "line": _Defaults(1, "ccnet", "remove", 0, 1),
    "paragraph": _Defaults(1, "ccnet", "remove", 0, 1),
    "sentence": _Defaults(3, "datatrove", "count", 50, 3),
}


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Duplicate pieces of text over the whole input, removed; what is left of a document is tested.

    ``line``: what line feeds part (CCNet, Wenzek et al. 2020, section 3.1, calls it a paragraph).
    ``paragraph``: a run of lines with ink. ``sentence``: runs of three sentences (C4: Raffel et al.
    2020, section 2.2), found as datatrove 0.10's ``SentenceDedup`` does, with its defaults: all
    sentences of a run that was there before go, and a changed document with fewer than 50 words or
    3 sentences is rejected. A piece goes with what parts it from the next one, the rest stays byte
    for byte; sentences are joined as they are, without white space at the front.

    A document that was changed and has too little left, or nothing, is rejected by the name of the
    measure. Units are compared by 128 bits (MurmurHash3, not made to withstand an adversary).

    Differs from CCNet's code: lines without anything to compare (blank ones) stay, where it removes
    all that a document has but one; ``keep`` is "none" there; it looks within some hundred files at
    a time, at 64 bits. Differs from datatrove: 128 bits for 64; "first" is in the order of the
    input, where datatrove's is by place in the file first and by file then; an empty document is
    not rejected; a word of nothing but accents leaves no second space behind; languages other than
    English have their words by script, and more marks end a sentence. ``min_words_to_remove_span``
    is not there (it is 0 by default, and forgets all but the first sentence of what it puts back).
    """

    use: ClassVar[str] = "lines"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("numba",)

    unit: Unit = "line"
    span: int = 0
    """Successive pieces that are compared as one; 0: 3 sentences, 1 line or paragraph."""
    normalise: Normalisation | None = None
    """What counts of a piece. ``ccnet`` (the default of lines and paragraphs, as its code has it):
    lower case, every digit 0, 35 marks of punctuation and control characters away. ``ccnet-paper``:
    accents and all punctuation away too. ``datatrove`` (the default of sentences): lower case,
    every number 0, words without punctuation and accents. ``none``: all, but white space at the
    ends."""
    keep: Keep = "first"
    """Of a unit that occurs too often: the first one, in the order of documents, or none."""
    max_count: int = 1
    """A unit may occur so often over the input and stays wherever it is; with ``keep = "none"`` a
    larger one removes boilerplate alone."""
    repeats: Literal["count", "remove"] | None = None
    """Within a document. ``count`` (the default of sentences): a repetition is an occurrence as any
    other. ``remove`` (that of lines and paragraphs, as CCNet): what counts is documents, and of the
    repetitions the first one alone is left to what is decided, the others go."""
    min_unit_chars: int = 0
    """Units with fewer characters are not looked at and stay, e.g. 20 for "Home" and "Contact"."""
    min_words: int | None = None
    """Words that must be left of a changed document; absent: 50 with sentences, else 0."""
    min_units: int | None = None
    """Pieces that must be left of a changed document; absent: 3 sentences, 1 line or paragraph."""
    memory_bytes: ByteSize = MEMORY_BYTES
    """What a counting task may hold; smaller means more files on the way, never another result."""

    def __post_init__(self) -> None:
        for name, least in (("span", 0), ("max_count", 1), ("min_unit_chars", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be {least} at least, got {getattr(self, name)}")
        for name in ("min_words", "min_units"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} must be 0 at least, got {value}")
        if self.memory_bytes < MIN_MEMORY_BYTES:
            raise ValueError(f"memory_bytes must be {MIN_MEMORY_BYTES:,} at least")

    def expand(self, context: PlanContext) -> list[Draft]:
        require_columns(context.columns, ("text",), context.name)
        defaults = _DEFAULTS[self.unit]
        by_language = self.unit == "sentence" or bool(self.min_words)
        known = by_language and "language" in context.columns.names
        rules = LineRules(
            unit=self.unit,
            span=self.span or defaults.span,
            normalisation=self.normalise or defaults.normalise,
            min_unit_chars=self.min_unit_chars,
            repeats_count=(self.repeats or defaults.repeats) == "count",
            language_column="language" if known else None,
        )
        layout = UnitLayout(plan_unit_parts(context, self.memory_bytes, INPUT_BYTES_PER_UNIT))
        # repetitions are found as what occurs twice in a document
        min_count = self.max_count + 1 if rules.repeats_count else 2
        drafts = occurrence_drafts(
            context, LineUnitsWork(rules, layout), layout, self.memory_bytes, min_count=min_count,
            input_bytes_per_unit=INPUT_BYTES_PER_UNIT, units_memory_bytes=HELD_BYTES[self.unit],
        )  # fmt: skip
        select = LineVerdictsWork(
            found=drafts[-1].name,
            rules=rules,
            keep=self.keep,
            max_count=self.max_count,
            min_words=defaults.min_words if self.min_words is None else self.min_words,
            min_units=defaults.min_units if self.min_units is None else self.min_units,
        )
        text_bytes = context.input_bytes // TEXT_OF_INPUT
        found = drafts[-1].cost
        assert found is not None
        cost = Cost(
            HELD_BYTES[self.unit],
            text_bytes + found.written_bytes,
            int(text_bytes * WRITTEN_SHARE[self.unit]),
        )
        return [
            *drafts,
            Draft(
                name=context.name, kind="verdicts", work=select, schema=select.schema,
                shard_count=context.document_shards, reads=(select.found,), cost=cost,
            ),
        ]  # fmt: skip
