"""``winnow check``."""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from winnow.errors import ConfigError, PlanError
from winnow.pipeline import awkward
from winnow.pipeline.config import parse_config
from winnow.pipeline.laws import Outcome, try_all
from winnow.pipeline.trial import Trial, Violation

_DOCUMENTS = 500
"""How many of a file are taken: its first."""
_SHOWN_CHARS = 60
_NAME = "checked"


def main(arguments: argparse.Namespace) -> int:
    stage = _stage(arguments.use, arguments.overrides)
    batch = _batch(stage, arguments.input)
    stage.open()  # what it lacks (a package, a model) is no broken law
    outcomes = []
    if not arguments.json:
        print(f"{arguments.use}, tried on {batch.num_rows} documents\n")
    for outcome in try_all(Trial(stage, batch)):
        outcomes.append(outcome)
        if not arguments.json:
            print(_line(outcome), flush=True)
    broken = [outcome for outcome in outcomes if outcome.violations]
    if arguments.json:
        described = [_described(outcome) for outcome in outcomes]
        report = {"use": arguments.use, "documents": batch.num_rows, "laws": described}
        print(json.dumps(report, ensure_ascii=False))
    else:
        print(f"\n{_count(len(broken))} broken" if broken else "\nall laws are kept")
    return 1 if broken else 0


def _stage(use: str, settings: list[str]) -> Any:
    """The stage, as the only one of a config in the current folder."""
    config = parse_config(
        {
            "name": "check",
            "output": "check",
            "source": {"use": "warc", "paths": []},
            "stage": [{"use": use, "name": _NAME}],
        },
        base=Path(),
        overrides=[f"{_NAME}.{setting}" for setting in settings],
    )
    (entry,) = config.stages
    if entry.family == "composite":
        raise ConfigError(f"'{use}' becomes several steps of a plan, and no law speaks of it")
    return entry.stage


def _batch(stage: Any, file: str | None) -> pa.RecordBatch:
    """The awkward documents, and those of ``file`` behind them."""
    awkward_batch = awkward.batch_for(stage)
    if file is None:
        return _readable(stage, awkward_batch)
    columns = _columns(Path(file))
    given = awkward.batch_for(stage, columns["text"].to_pylist())
    for name in columns.keys() & {*stage.reads} - {"text"}:
        place = given.schema.get_field_index(name)
        if place < 0:
            given = given.append_column(name, columns[name])
        else:
            field = pa.field(name, given.schema.field(place).type)
            given = given.set_column(place, field, _cast(columns[name], field, file))
    if given.schema.names != awkward_batch.schema.names:
        return _readable(stage, given)  # it reads what only the file has
    bare = pa.schema([pa.field(field.name, field.type) for field in given.schema])
    tables = [pa.table(each.columns, schema=bare) for each in (awkward_batch, given)]
    (batch,) = pa.concat_tables(tables).combine_chunks().to_batches()
    return _readable(stage, batch)


def _readable(stage: Any, batch: pa.RecordBatch) -> pa.RecordBatch:
    try:
        stage.output_schema(batch.schema)
    except PlanError as error:
        raise PlanError(
            error.message,
            remedy="Give documents that have it: --input FILE.parquet, of a run's ledger say.",
        ) from error
    return batch


def _cast(column: pa.Array, field: pa.Field, file: str) -> pa.Array:
    try:
        return column.cast(field.type)
    except pa.ArrowException:
        raise ConfigError(
            f"{file}: column '{field.name}' is {column.type}, and should be {field.type}"
        ) from None


def _columns(path: Path) -> dict[str, pa.Array]:
    """The first documents of a file, by column."""
    try:
        if path.suffix == ".parquet":
            batches = pq.ParquetFile(path).iter_batches(batch_size=_DOCUMENTS)
            batch = next(batches, None)
            found = (
                {} if batch is None else dict(zip(batch.schema.names, batch.columns, strict=True))
            )
        elif path.suffix in (".jsonl", ".txt"):
            with path.open(encoding="utf-8") as lines:
                rows = list(itertools.islice(_rows(lines, path), _DOCUMENTS))
            names = dict.fromkeys(name for row in rows for name in row)
            found = {name: pa.array([row.get(name) for row in rows]) for name in names}
        else:
            raise ConfigError(f"{path}: give a .parquet, .jsonl or .txt file")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    if "text" not in found:
        raise ConfigError(f"{path} has no document with a 'text'")
    if found["text"].null_count:
        raise ConfigError(f"{path}: 'text' is missing in {found['text'].null_count} documents")
    return found


def _rows(lines: Any, path: Path) -> Iterator[dict[str, Any]]:
    """A document a line: the line itself, or a JSON object."""
    for number, line in enumerate(lines, start=1):
        if path.suffix == ".txt":
            yield {"text": line.removesuffix("\n")}
        elif line.strip():
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ConfigError(f"{path}:{number} is no JSON object")
            yield row


def _line(outcome: Outcome) -> str:
    law = outcome.law
    if outcome.because is not None:
        return f"-       {law.name:<12}not tried: '{outcome.because}' is broken"
    if not outcome.violations:
        return f"ok      {law.name:<12}{law.statement}"
    lines = [f"BROKEN  {law.name:<12}{law.statement}"]
    for violation in outcome.violations:
        text = "" if violation.text is None else f", on the text {_shown(violation.text)}"
        lines.append(f"{'':<20}{violation.what}{text}")
    return "\n".join([*lines, f"{'':<20}{law.remedy}"])


def _shown(text: str) -> str:
    """The text in quotes, its end cut off if it is long."""
    if len(text) <= _SHOWN_CHARS:
        return _quoted(text)
    return f"{_quoted(text[:_SHOWN_CHARS])}… ({len(text):,} characters)"


def _quoted(text: str) -> str:
    """Quoted as Python does: what cannot be seen (NUL, combining marks) is written as escapes."""
    quoted = repr(text)
    return quoted if all(c.isalnum() or c.isascii() for c in text) else ascii(text)


def _described(outcome: Outcome) -> dict[str, Any]:
    def described(violation: Violation) -> dict[str, Any]:
        text = violation.text
        return {"what": violation.what, "text": None if text is None else text[:1000]}

    return {
        "law": outcome.law.name,
        "statement": outcome.law.statement,
        "result": "not tried" if outcome.because else "broken" if outcome.violations else "ok",
        "violations": [described(violation) for violation in outcome.violations],
    }


def _count(number: int) -> str:
    return "1 law is" if number == 1 else f"{number} laws are"
