"""``winnow index forget``: takedown.

A forgotten document has a tombstone, which is its number alone, and every match honours it from
the next plan on. Compacting then takes away all that the index has of it. What the document was a
duplicate of, or what was rejected because of it, does not come back by itself: run again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.dedup.index.catalog import Index, Segment
from winnow.dedup.index.gathering import among
from winnow.dedup.index.locking import changing_index
from winnow.errors import ConfigError
from winnow.pipeline.fingerprint import digest
from winnow.store.files import Folder
from winnow.store.manifest import write_manifest
from winnow.store.receipts import write_receipt
from winnow.store.shards import ShardWriter, shard_file

TOMBSTONES = pa.schema([pa.field("number", pa.uint64(), nullable=False)])
_READ = ["number", "url", "domain", "record_id"]
_ROWS_PER_BATCH = 1 << 16


@dataclass(frozen=True)
class Wanted:
    """What is to be forgotten."""

    urls: tuple[str, ...] = ()
    """Exactly as the index has them."""
    domains: tuple[str, ...] = ()
    """Hosts, with all hosts below them."""
    record_ids: tuple[str, ...] = ()

    @classmethod
    def of_list(cls, file: str) -> Wanted:
        """A line each: a URL, ``domain:example.org`` or ``record:ID``; # begins a comment line."""
        found: dict[str, list[str]] = {"url": [], "domain": [], "record": []}
        try:
            lines = Path(file).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"--list {file} cannot be read: {error}") from error
        for line in (each.strip() for each in lines):
            if line and not line.startswith("#"):
                kind, _, value = line.partition(":")
                kind, value = (kind, value.strip()) if kind in found else ("url", line)
                found[kind].append(value)
        return cls(tuple(found["url"]), tuple(found["domain"]), tuple(found["record"]))

    def and_also(self, other: Wanted) -> Wanted:
        return Wanted(
            (*self.urls, *other.urls),
            (*self.domains, *other.domains),
            (*self.record_ids, *other.record_ids),
        )

    def __bool__(self) -> bool:
        return bool(self.urls or self.domains or self.record_ids)

    def among(self, records: pa.RecordBatch) -> pa.Array:
        """bool[rows]: which of ``records`` are wanted."""
        chosen = pc.is_in(records.column("url"), pa.array(self.urls, pa.string()))
        # <urn:uuid:…> or urn:uuid:…: with or without the brackets of the WARC record
        ids = [record_id.strip("<>") for record_id in self.record_ids]
        chosen = pc.or_(chosen, pc.is_in(records.column("record_id"), pa.array(ids, pa.string())))
        for domain in (each.lower().strip(".") for each in self.domains):
            host = records.column("domain")
            below = pc.or_(pc.equal(host, domain), pc.ends_with(host, f".{domain}"))
            chosen = pc.or_(chosen, pc.fill_null(below, False))
        return chosen


@dataclass(frozen=True)
class Outcome:
    """How many documents of the index were wanted, and how many of them were there still."""

    matched: int
    forgotten: int


def forget(path: str, wanted: Wanted) -> Outcome:
    """Put a tombstone on every document that is ``wanted``. Reads the table of records once."""
    if not wanted:
        raise ConfigError(
            "nothing to forget was named", remedy="Give --url, --domain, --record-id or --list."
        )
    with changing_index(path) as index:
        segments, matched, forgotten = [], 0, 0
        for segment in index.segments:
            numbers = _numbers(index, segment, wanted)
            before = index.tombstones(segment)
            new = numbers[~among(before, numbers)]
            matched += len(numbers)
            forgotten += len(new)
            segments.append(_with_tombstones(index, segment, before, new))
        if forgotten:
            dataclasses.replace(index, segments=tuple(segments)).write().sweep()
    return Outcome(matched, forgotten)


def _numbers(index: Index, segment: Segment, wanted: Wanted) -> np.ndarray:
    """Numbers in the segment of the documents that are wanted, ascending, uint64."""
    found = [np.zeros(0, np.uint64)]
    for batch in index.store(segment, "records").batches(_READ, batch_rows=_ROWS_PER_BATCH):
        found.append(batch.filter(wanted.among(batch)).column("number").to_numpy())
    return np.concatenate(found)


def _with_tombstones(
    index: Index, segment: Segment, before: np.ndarray, new: np.ndarray
) -> Segment:
    if not len(new):
        return segment
    runs = []
    starts = segment.starts
    for run, start, end in zip(segment.runs, starts, starts[1:], strict=False):
        own = new[(new >= np.uint64(start)) & (new < np.uint64(end))] - np.uint64(start)
        forgotten = run.forgotten.with_documents(run.verdicts, own.tolist())
        runs.append(dataclasses.replace(run, forgotten=forgotten))
    numbers = np.sort(np.concatenate([before, new]))
    name = f"{segment.name}-{digest([run.forgotten.hash for run in runs])[:16]}"
    _write_tombstones(index.folder.subfolder(f"forgotten/{name}"), name, numbers)
    return dataclasses.replace(segment, runs=tuple(runs), tombstones=name)


def _write_tombstones(folder: Folder, name: str, numbers: np.ndarray) -> None:
    file = shard_file(0, "arrow")
    with ShardWriter(folder, file, TOMBSTONES, "arrow") as writer:
        for batch in _batches(numbers):
            writer.write(batch)
    receipt = writer.receipt(name)
    write_receipt(folder, 0, receipt)
    write_manifest(
        folder, kind="work", name="forgotten", fingerprint=name, schema=TOMBSTONES, config={},
        receipts=[receipt],
    )  # fmt: skip


def _batches(numbers: np.ndarray) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(numbers), _ROWS_PER_BATCH):
        some = pa.array(numbers[start : start + _ROWS_PER_BATCH])
        yield pa.record_batch([some], schema=TOMBSTONES)
