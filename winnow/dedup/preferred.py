"""``prefer``: documents that stay whatever ``keep`` says, by what stands in a column of strings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.dedup.expressions import is_string
from winnow.errors import PlanError
from winnow.schema import require_columns

MAX_ENTRIES = 255  # ranks 1 to 255 and none: eight bits of a preference

_HOSTS = "domain"  # the column in which an entry without `*` means all hosts below it too


@dataclass(frozen=True)
class Preferred:
    """Entries ``column:value``, best first; ``*`` in a value is any run of characters.

    ``domain:example.org`` is that host and every host below it; ``domain:*.gov`` is what ends in
    .gov. Hosts are compared in lower case, other columns letter by letter. A null matches nothing.
    """

    entries: tuple[tuple[str, str], ...]
    """(column, value) of each."""

    @classmethod
    def parse(cls, prefer: tuple[str, ...]) -> Preferred:
        """From a config's list; :class:`ValueError` for an entry that is none."""
        if len(prefer) > MAX_ENTRIES:
            raise ValueError(f"prefer has {len(prefer)} entries; {MAX_ENTRIES} are the most")
        entries = []
        for entry in prefer:
            column, colon, value = (part.strip() for part in entry.partition(":"))
            if not (column and colon and value):
                raise ValueError(
                    f"prefer: {entry!r} is not column:value, e.g. domain:example.org, source:books"
                )
            entries.append((column, value))
        return cls(tuple(entries))

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(column for column, _ in self.entries))

    def check(self, schema: pa.Schema, stage: str) -> None:
        """:class:`PlanError` unless every column is there and holds strings."""
        require_columns(schema, self.columns, stage)
        for column in self.columns:
            kind = schema.field(column).type
            if not is_string(kind):
                raise PlanError(
                    f"stage '{stage}': prefer names '{column}', a column of {kind}, not of strings"
                )

    def ranks(self, batch: pa.RecordBatch) -> np.ndarray:
        """``uint64[rows]``: the number of entries for the first entry, 1 for the last, else 0."""
        ranks = np.zeros(batch.num_rows, np.uint64)
        for name in self.columns:
            column = batch.column(name)
            if not pa.types.is_dictionary(column.type):
                column = column.dictionary_encode()
            values = column.dictionary.to_pylist()
            of_values = np.array([self._rank(name, value) for value in values] + [0], np.uint64)
            codes = pc.fill_null(column.indices.cast(pa.int64()), len(values))
            ranks = np.maximum(ranks, of_values[codes.to_numpy(zero_copy_only=False)])
        return ranks

    def _rank(self, column: str, value: str | None) -> int:
        for place, (named, wanted) in enumerate(self.entries):
            if named == column and value is not None and _matches(column, value, wanted):
                return len(self.entries) - place
        return 0


def _matches(column: str, value: str, wanted: str) -> bool:
    if column == _HOSTS:
        value, wanted = value.lower(), wanted.lower()
        if "*" not in wanted:
            return value == wanted or value.endswith(f".{wanted}")
    if "*" not in wanted:
        return value == wanted
    pieces: Any = map(re.escape, wanted.split("*"))
    return re.fullmatch(".*".join(pieces), value, re.DOTALL) is not None
