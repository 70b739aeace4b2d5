"""The receipt of a shard: a JSON file beside it that makes it count.

A shard without a receipt does not exist for any reader. Receipts hold no times and no names of
machines: the same config and input give the same bytes.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from winnow.errors import CorruptShard, StoreError
from winnow.store.files import Folder

RECEIPTS = "receipts"
PROBLEM_LIMIT = 1000  # problems named a shard; all of them are counted


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What one committed shard holds, and what happened while it was made."""

    file: str
    """Name of the shard's file in the store."""
    rows: int
    size_bytes: int
    sha256: str
    fingerprint: str
    """Of the step that wrote it."""
    counters: dict[str, int] = field(default_factory=dict)
    """Summed over shards in the manifest: rows by reason, records skipped, …"""
    problems: tuple[dict[str, Any], ...] = ()
    """Input that was skipped: ``{"where": …, "what": …}``, at most ``PROBLEM_LIMIT``."""
    extra: dict[str, Any] = field(default_factory=dict)
    """What the kind of store wants to say of a shard, e.g. its tokens."""

    def to_json(self) -> bytes:
        return canonical_json(dataclasses.asdict(self))


def canonical_json(value: Any) -> bytes:
    """Indented, sorted, newline at the end: the same value always gives the same bytes."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def receipt_name(index: int) -> str:
    return f"{index:05d}.json"


def write_receipt(store: Folder, index: int, receipt: Receipt) -> None:
    store.subfolder(RECEIPTS).write(receipt_name(index), receipt.to_json())


def read_receipt(store: Folder, index: int) -> Receipt | None:
    """The receipt of shard ``index``, or None where there is none."""
    folder = store.subfolder(RECEIPTS)
    try:
        data = folder.read(receipt_name(index))
    except FileNotFoundError:
        return None
    try:
        fields = json.loads(data)
        return Receipt(**{**fields, "problems": tuple(fields["problems"])})
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptShard(
            f"{folder.join(receipt_name(index))} is not a receipt: {error}",
            remedy="Delete it and run the same command again; the shard is then made anew.",
        ) from error


def sum_counters(receipts: list[Receipt]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for receipt in receipts:
        for name, count in receipt.counters.items():
            totals[name] = totals.get(name, 0) + count
    return dict(sorted(totals.items()))


def finished(store: Folder, count: int, fingerprint: str) -> dict[int, Receipt]:
    """The shards 0…count-1 that are committed under ``fingerprint`` and whose file is there."""
    present = set(store.subfolder(RECEIPTS).names())
    done: dict[int, Receipt] = {}
    for index in range(count):
        if receipt_name(index) not in present:
            continue
        try:
            receipt = read_receipt(store, index)
        except StoreError:
            continue  # a torn receipt is no receipt: the shard is made again
        if (
            receipt is not None
            and receipt.fingerprint == fingerprint
            and store.size(receipt.file) == receipt.size_bytes
        ):
            done[index] = receipt
    return done
