"""Which language each document of a batch is in, as the filters before have found."""

from __future__ import annotations

import pyarrow as pa


def languages_of(batch: pa.RecordBatch, fixed: str | None) -> list[str | None]:
    """ISO 639-1 of every row: ``fixed``, else what the column ``language`` says, else None.

    None is read as English by what splits words, for lack of a better guess.
    """
    if fixed is not None or "language" not in batch.schema.names:
        return [fixed] * batch.num_rows
    languages: list[str | None] = batch.column("language").to_pylist()
    return languages
