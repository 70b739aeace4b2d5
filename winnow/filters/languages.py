"""Which language each document of a batch is in, as the filters before have found."""

from __future__ import annotations

import pyarrow as pa

from winnow.filters.measured import MeasuredFilter
from winnow.schema import require_columns


class WordsFilter(MeasuredFilter):
    """A filter that splits text into words, and so asks for the language where it is known."""

    language: str | None
    """Of all documents (ISO 639-1); None: the column ``language`` says it of each, and English is
    assumed where that is absent too."""

    @property
    def reads(self) -> tuple[str, ...]:
        return ("text", "language") if self.language is None else ("text",)

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_columns(schema, ("text",), self.use)  # `language` is read if it is there
        return pa.schema([*schema, *self.measure_fields()])


def languages_of(batch: pa.RecordBatch, fixed: str | None) -> list[str | None]:
    """ISO 639-1 of every row: ``fixed``, else what the column ``language`` says, else None.

    None is read as English by what splits words, for lack of a better guess.
    """
    if fixed is not None or "language" not in batch.schema.names:
        return [fixed] * batch.num_rows
    languages: list[str | None] = batch.column("language").to_pylist()
    return languages
