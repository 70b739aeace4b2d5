"""Substrings that occur twice in the input, of which one copy or none stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from winnow.dedup.steps import MEMORY_BYTES, MIN_MEMORY_BYTES
from winnow.dedup.within.occurrences import (
    OCCURRENCES,
    FindWork,
    UnitLayout,
    plan_unit_parts,
)
from winnow.dedup.within.substring_anchors import AnchorWork, ContextWork, WindowWork
from winnow.dedup.within.substring_spans import Action, KeepCopies, SpanWork
from winnow.dedup.within.substring_units import WindowShape
from winnow.pipeline.sizes import ByteSize
from winnow.pipeline.step import Cost, Draft, PlanContext, Work
from winnow.schema import require_columns

# Of compressed WARC, of which a third at most is text; of words, seven bytes each.
INPUT_BYTES_PER_TEXT_BYTE = 3
INPUT_BYTES_PER_WORD = 20
# Windows are written for some 8 units of 100 where a third of all text is duplicated.
UNITS_PER_WINDOW = 12
DUPLICATED_PER_ANCHOR = 3
UNIT_BYTES, OCCURRENCE_BYTES = 28, 20
ROWS_IN_HAND_BYTES = 200_000_000
"""What a task holds besides: a group of rows of occurrence_files.py, some seven times."""
MIN_WINDOW = 4
WINDOW_BYTES, WINDOW_WORDS = 200, 50


@dataclass(frozen=True, kw_only=True)
class Substring:
    """Exact duplicates of substrings over the whole input (ExactSubstr of Lee et al. 2022).

    Every substring of at least ``window_bytes`` bytes (or ``window_words`` words) that occurs twice
    in the texts, in two documents or in one, overlapping itself or not, is found; nothing else is.
    Differs from deduplicate-text-datasets: no suffix array, so memory does not grow with the input;
    the first copy may stay; no substring reaches over the border of a document; texts stay whole
    UTF-8, as a code point that is not wholly duplicated stays.
    """

    use: ClassVar[str] = "substring"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("numba",)

    unit: Literal["bytes", "words"] = "bytes"
    """Words are those of white space, and what is between them counts not: for languages that
    write spaces."""
    window_bytes: int = WINDOW_BYTES
    """The shortest duplicate; 200 bytes are about the paper's 50 tokens."""
    window_words: int = WINDOW_WORDS
    """The same where the unit is words."""
    keep: KeepCopies = "first"
    """``first``: the first copy of every window in the order of documents. ``none``: all copies go,
    as in the paper."""
    action: Action = "remove"
    """``mask`` puts ``mark`` in the place of every span. ``annotate`` leaves texts as they are; the
    spans are stored by all three."""
    mark: str = "\n[…]\n"
    min_bytes: int | None = None
    """Of what had duplicates, as many bytes must be outside them, else it is rejected by
    ``unique_bytes``. Absent: 1, or 0 where texts are only annotated."""
    min_words: int = 0
    """The same in words of white space, by ``unique_words``."""
    memory_bytes: ByteSize = MEMORY_BYTES
    """What a task that counts may hold; smaller means more passes, never another result."""

    def __post_init__(self) -> None:
        for name in ("window_bytes", "window_words"):
            if not MIN_WINDOW <= getattr(self, name) < 1 << 20:
                raise ValueError(
                    f"{name} must be {MIN_WINDOW} to 1,048,575, got {getattr(self, name)}"
                )
        other, default = {
            "bytes": ("window_words", WINDOW_WORDS), "words": ("window_bytes", WINDOW_BYTES)
        }[self.unit]  # fmt: skip
        if getattr(self, other) != default:
            raise ValueError(f"{other} says nothing where unit = {self.unit!r}")
        if self.action == "annotate" and self.min_bytes:
            raise ValueError('min_bytes says nothing where action = "annotate": no text is changed')
        if (self.min_bytes or 0) < 0 or self.min_words < 0:
            raise ValueError("min_bytes and min_words must be 0 or more")
        if self.memory_bytes < MIN_MEMORY_BYTES:
            raise ValueError(f"memory_bytes must be {MIN_MEMORY_BYTES:,} at least")

    @property
    def shape(self) -> WindowShape:
        """What is looked for."""
        in_bytes = self.unit == "bytes"
        return WindowShape(self.unit, self.window_bytes if in_bytes else self.window_words)

    def expand(self, context: PlanContext) -> list[Draft]:
        require_columns(context.columns, ("text",), context.name)
        name, shape = context.name, self.shape
        per_unit = INPUT_BYTES_PER_TEXT_BYTE if self.unit == "bytes" else INPUT_BYTES_PER_WORD
        per_anchor = per_unit * (shape.span + 1) // 2
        per_window = per_unit * UNITS_PER_WINDOW
        anchors = UnitLayout(plan_unit_parts(context, self.memory_bytes, per_anchor))
        windows = UnitLayout(plan_unit_parts(context, self.memory_bytes, per_window))
        found, repeats, matches = (f"{name}-{step}" for step in ("found", "repeats", "matches"))
        anchor_count = context.input_bytes // per_anchor
        context_count = anchor_count // DUPLICATED_PER_ANCHOR
        window_count = context.input_bytes // per_window
        drafts: list[Draft] = []
        work: Work = AnchorWork(shape, anchors)
        drafts += self._counted(context, "anchors", work, anchors, (), found, anchor_count)
        work = ContextWork(found, shape, anchors)
        drafts += self._counted(
            context, "contexts", work, anchors, (found,), repeats, context_count
        )
        work = WindowWork(found, shape, windows, repeats)
        drafts += self._counted(
            context, "windows", work, windows, (found, repeats), matches, window_count
        )
        least = self.min_bytes
        if least is None:
            least = 0 if self.action == "annotate" else 1
        spans = SpanWork(
            found, repeats, matches, shape, self.keep, self.action,
            self.mark if self.action == "mask" else "", least, self.min_words,
        )  # fmt: skip
        text_bytes = context.input_bytes // INPUT_BYTES_PER_TEXT_BYTE
        occurrences = (2 * context_count + window_count // 2) * OCCURRENCE_BYTES
        last = Draft(
            name=name, kind="verdicts", work=spans, schema=spans.schema,
            shard_count=context.document_shards, reads=(found, repeats, matches),
            cost=Cost(ROWS_IN_HAND_BYTES, text_bytes + occurrences, text_bytes // 10),
        )  # fmt: skip
        return [*drafts, last]

    def _counted(
        self, context: PlanContext, step: str, work: Work, layout: UnitLayout,
        reads: tuple[str, ...], counted: str, unit_count: int,
    ) -> list[Draft]:  # fmt: skip
        """The step that writes units by ``work``, and the one that finds those there twice."""
        units = f"{context.name}-{step}"
        text_bytes = context.input_bytes // INPUT_BYTES_PER_TEXT_BYTE
        written = unit_count * UNIT_BYTES
        found = unit_count * OCCURRENCE_BYTES // (DUPLICATED_PER_ANCHOR if not reads else 2)
        return [
            Draft(
                name=units, kind="work", work=work, schema=layout.schema, format="arrow",
                shard_count=context.document_shards, reads=reads,
                cost=Cost(ROWS_IN_HAND_BYTES, text_bytes, written),
            ),
            Draft(
                name=counted, kind="work", work=FindWork(units, layout, self.memory_bytes),
                schema=OCCURRENCES, format="arrow", shard_count=layout.parts, reads=(units,),
                uses_view=False,
                cost=Cost(self.memory_bytes + ROWS_IN_HAND_BYTES, written, found),
            ),
        ]  # fmt: skip
