"""The manifest: written last, when every receipt is there; readers open nothing else."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from winnow.errors import CorruptShard, FingerprintMismatch, StoreError
from winnow.store.files import Folder
from winnow.store.receipts import (
    PROBLEM_LIMIT,
    RECEIPTS,
    Receipt,
    canonical_json,
    receipt_name,
    sum_counters,
)
from winnow.store.shards import ROWS_PER_GROUP, read_batches

MANIFEST = "manifest.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class ShardEntry:
    """A shard as the manifest lists it."""

    file: str
    rows: int
    size_bytes: int
    sha256: str
    extra: dict[str, Any] = field(default_factory=dict)


class Store:
    """A finished store: its manifest, read. Open one with :meth:`Store.open`."""

    def __init__(self, folder: Folder, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self.shards = [ShardEntry(**entry) for entry in manifest["shards"]]

    @classmethod
    def open(cls, path: str | os.PathLike[str] | Folder) -> Store:
        """Open the store at ``path``; :class:`StoreError` where there is none, or half of one."""
        folder = path if isinstance(path, Folder) else Folder(path)
        try:
            manifest = json.loads(folder.read(MANIFEST))
        except (FileNotFoundError, NotADirectoryError):
            what = "is not finished" if folder.exists() else "does not exist"
            raise StoreError(
                f"{folder.path} {what}: there is no {MANIFEST} in it",
                remedy="A store counts once its step has ended: run `winnow run` (again), "
                "or give the path of a store, e.g. out/demo/tokens.",
            ) from None
        except ValueError as error:
            raise CorruptShard(f"{folder.join(MANIFEST)} is not JSON: {error}") from error
        version = manifest.get("format_version")
        if version != FORMAT_VERSION:
            raise StoreError(
                f"{folder.join(MANIFEST)} is of format {version}; this winnow reads "
                f"format {FORMAT_VERSION}",
                remedy="Read it with the version of winnow that wrote it, or run again.",
            )
        return cls(folder, manifest)

    @property
    def path(self) -> str:
        return self.folder.path

    @property
    def kind(self) -> str:
        return str(self.manifest["kind"])

    @property
    def fingerprint(self) -> str:
        return str(self.manifest["fingerprint"])

    @property
    def rows(self) -> int:
        return int(self.manifest["totals"]["rows"])

    @property
    def counters(self) -> dict[str, int]:
        return dict(self.manifest["counters"])

    @property
    def schema(self) -> pa.Schema:
        return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(self.manifest["schema_ipc"])))

    @property
    def files(self) -> list[str]:
        """Full paths of the shards, in order."""
        return [self.folder.join(shard.file) for shard in self.shards]

    def batches(
        self,
        columns: list[str] | None = None,
        shard: int | None = None,
        batch_rows: int = ROWS_PER_GROUP,
    ) -> Iterator[pa.RecordBatch]:
        """The rows, in order, of one shard or of all; ``columns`` only, where given."""
        chosen = self.shards if shard is None else [self.shards[shard]]
        for entry in chosen:
            yield from read_batches(self.folder, entry.file, columns, batch_rows)

    def table(self, columns: list[str] | None = None) -> pa.Table:
        """All rows in memory; for stores that fit."""
        schema = self.schema
        if columns is not None:
            schema = pa.schema([schema.field(name) for name in columns])
        return pa.Table.from_batches(self.batches(columns), schema)

    @property
    def file_count(self) -> int:
        """Shards, and files beside them that the manifest lists."""
        return sum(1 for _ in self._expected())

    def verify(self) -> list[str]:
        """Hash every shard again; the problems found, each a sentence naming its file."""
        problems = []
        receipts = set(self.folder.subfolder(RECEIPTS).names())
        for index in range(len(self.shards)) if receipts else ():
            if receipt_name(index) not in receipts:
                problems.append(f"{self.folder.join(RECEIPTS)}/{receipt_name(index)} is missing")
        for file, size_bytes, sha256 in self._expected():
            path = self.folder.join(file)
            size = self.folder.size(file)
            if size < 0:
                problems.append(f"{path} is missing")
            elif size != size_bytes:
                problems.append(f"{path} holds {size:,} bytes, its receipt says {size_bytes:,}")
            elif self.folder.sha256(file) != sha256:
                problems.append(f"{path} does not have the sha256 of its receipt")
        return problems

    def is_whole(self) -> bool:
        """Whether every file is there with its size: the quick look, without hashing."""
        return all(self.folder.size(file) == size for file, size, _ in self._expected())

    def _expected(self) -> Iterator[tuple[str, int, str]]:
        """(file, bytes, sha256) of the shards, and of what lies beside them (``files``)."""
        for entry in self.shards:
            yield entry.file, entry.size_bytes, entry.sha256
        for beside in self.manifest.get("files", ()):
            yield beside["file"], beside["size_bytes"], beside["sha256"]

    def require_fingerprint(self, fingerprint: str, who: str) -> None:
        """Raise :class:`FingerprintMismatch` unless the store was made by ``fingerprint``."""
        if self.fingerprint != fingerprint:
            raise FingerprintMismatch(
                f"{self.path} was made by {self.fingerprint[:12]}; {who} wants {fingerprint[:12]}",
                remedy="Its config or its input has changed since; run the plan again.",
            )


def write_manifest(
    folder: Folder,
    *,
    kind: str,
    name: str,
    fingerprint: str,
    schema: pa.Schema,
    config: dict[str, Any],
    receipts: list[Receipt],
    extra: dict[str, Any] | None = None,
) -> Store:
    """Write the manifest over ``receipts`` (in shard order) and return the finished store.

    ``config`` is the step's canonical configuration, kept so that a reader can say what made the
    store and the plan can say what has changed.
    """
    problems = [problem for receipt in receipts for problem in receipt.problems]
    manifest = {
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "name": name,
        "fingerprint": fingerprint,
        "schema": {field.name: str(field.type) for field in schema},
        "schema_ipc": base64.b64encode(schema.serialize().to_pybytes()).decode(),
        "config": config,
        "totals": {
            "shards": len(receipts),
            "rows": sum(receipt.rows for receipt in receipts),
            "bytes": sum(receipt.size_bytes for receipt in receipts),
        },
        "counters": sum_counters(receipts),
        "problems": problems[:PROBLEM_LIMIT],
        "shards": [
            {
                "file": receipt.file,
                "rows": receipt.rows,
                "size_bytes": receipt.size_bytes,
                "sha256": receipt.sha256,
                "extra": receipt.extra,
            }
            for receipt in receipts
        ],
        **(extra or {}),
    }
    folder.write(MANIFEST, canonical_json(manifest))
    return Store(folder, manifest)
