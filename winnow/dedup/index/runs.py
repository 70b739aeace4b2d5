"""An earlier run, seen as the documents that it kept and their band keys.

What counts is the run's last word: what a step behind the near-duplicate block has rejected is no
more in an index than what the block has. Texts are not read. Documents are numbered by their place
in the run's sign store, those that were rejected too: so a number can be told from the manifest
alone, and never changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.dedup.clustering.keys import KeyLayout
from winnow.errors import CorruptShard, FingerprintMismatch, PlanError, StoreError
from winnow.pipeline.fingerprint import digest
from winnow.pipeline.run_folder import read_run
from winnow.pipeline.step import MASKS
from winnow.schema import KEPT, ROW_BITS
from winnow.store.files import Folder
from winnow.store.manifest import Store

SIGN_WORK = "MinHashSignWork"


@dataclass(frozen=True)
class RunSource:
    """One near-duplicate block of a finished run; the path is not part of what it is."""

    path: str
    name: str
    """What the run calls itself."""
    block: str
    step: str
    """Which of its steps holds the keys: that which signed or, of many shards, that which merged
    them into few files."""
    keys: str
    """Fingerprint of that step."""
    judges: tuple[str, ...]
    """Names of the steps that judged: the block, and those behind it."""
    verdicts: str
    """Fingerprint of their verdicts."""
    numbers: int
    """Documents that have keys, kept or not: they are numbered from 0."""
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("path",)

    @classmethod
    def of(cls, path: str, who: str) -> RunSource:
        """The run at ``path`` (or its block, ``path:block``); :class:`PlanError` where there is no
        such run, where it is not finished, or has several blocks to choose from."""
        path, run, wanted = _find_run(path, who)
        blocks = [name for name in _blocks(path, run) if wanted in (None, name)]
        there = [step["name"] for step in run["steps"]]
        if not blocks:
            what = f"no near-duplicate block '{wanted}'" if wanted else "no near-duplicate block"
            raise PlanError(
                f"{who}: the run {path} has {what}; its steps are {', '.join(there)}",
                remedy='Only what `use = "minhash"` has signed can be compared.',
            )
        if len(blocks) > 1:
            raise PlanError(
                f"{who}: the run {path} has several near-duplicate blocks: {', '.join(blocks)}",
                remedy=f"Say which one: {path}:{blocks[-1]}",
            )
        made = {step["name"]: step["fingerprint"] for step in run["steps"]}
        block = blocks[0]
        step = f"{block}-merge" if f"{block}-merge" in made else f"{block}-sign"
        keys = _finished(path, step, made[step], who)
        masks = [each["name"] for each in run["steps"] if each["kind"] in MASKS]
        judges = tuple(masks[masks.index(block) :])
        for name in judges:
            _finished(path, name, made[name], who)
        return cls(
            path, run["name"], block, step, keys.fingerprint, judges,
            _of_all([made[name] for name in judges]), _layout(keys).documents(keys),
        )  # fmt: skip

    @property
    def identity(self) -> tuple[str, str]:
        """Runs are put in this order."""
        return self.name, self.verdicts

    def open(self) -> OpenRun:
        """:class:`FingerprintMismatch` where the run is not the one that was planned with."""
        return OpenRun(self)

    def sign_config(self) -> dict[str, Any]:
        """What the sign step was: ``shape``, ``version``, ``language_column``, …"""
        config: dict[str, Any] = Store.open(f"{self.path}/{self.block}-sign").manifest["config"]
        return config


def _find_run(path: str, who: str) -> tuple[str, dict[str, Any], str | None]:
    """(path of the run, its run.json, the block that was asked for)."""
    head, _, tail = path.rpartition(":")
    for candidate, block in ((path, None), (head, tail)):
        run = read_run(Folder(candidate)) if candidate and "/" not in (block or "") else None
        if run is not None:
            return Folder(candidate).path.rstrip("/"), run, block
    what = "holds neither an index nor a run" if Folder(path).exists() else "does not exist"
    raise PlanError(
        f"{who}: {path} {what}",
        remedy="Give the output folder of a run, or what `winnow index build` has written.",
    )


def _blocks(path: str, run: dict[str, Any]) -> list[str]:
    """Blocks whose signatures can be compared, and those whose signing has not ended."""
    names = [step["name"] for step in run["steps"]]
    signed = [name.removesuffix("-sign") for name in names if name.endswith("-sign")]
    return [name for name in signed if name in names and _may_be_minhash(f"{path}/{name}-sign")]


def _may_be_minhash(sign_store: str) -> bool:
    try:
        return bool(Store.open(sign_store).manifest["config"].get("use") == SIGN_WORK)
    except StoreError:
        return True  # not finished, and told so where no other block is


def finished_store(path: str, step: dict[str, Any], who: str) -> Store:
    """The store of a step that ``run.json`` lists; :class:`PlanError` where it is not the one."""
    return _finished(path, step["name"], step["fingerprint"], who)


def _finished(path: str, step: str, fingerprint: str, who: str) -> Store:
    try:
        store = Store.open(f"{path}/{step}")
    except StoreError as error:
        raise PlanError(
            f"{who}: the run {path} is not finished: {error.message}",
            remedy="Let `winnow run` end there first.",
        ) from None
    if store.fingerprint != fingerprint:
        raise PlanError(
            f"{who}: {store.path} was made by another config than {path}/run.json names",
            remedy="The run is under way, or was broken off: let `winnow run` end there first.",
        )
    return store


class OpenRun:
    """The stores of a :class:`RunSource`, and the number at which each file of keys begins."""

    def __init__(self, source: RunSource) -> None:
        self.source = source
        self.keys = Store.open(f"{source.path}/{source.step}")
        self.verdicts = [Store.open(f"{source.path}/{name}") for name in source.judges]
        self.keys.require_fingerprint(source.keys, f"the index of run '{source.name}'")
        if _of_all([store.fingerprint for store in self.verdicts]) != source.verdicts:
            raise FingerprintMismatch(
                f"the run {source.path} has been judged anew since the plan was made",
                remedy="Run the same command again.",
            )
        self.layout = _layout(self.keys)
        counts = [shard.rows // (self.layout.bands + 1) for shard in self.keys.shards]
        self.starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])

    def shards(self, first: int, last: int) -> list[int]:
        """The files of keys that hold a document with ``first <= number < last``."""
        overlapping = (self.starts[:-1] < last) & (self.starts[1:] > first)
        return [int(shard) for shard in np.flatnonzero(overlapping)]

    def kept(self, shard: int) -> tuple[np.ndarray, np.ndarray]:
        """A file of keys' (doc_ids ascending, uint64; whether the run kept it, bool)."""
        doc_ids, _ = self.layout.read_preferences(self.keys, shard)
        doc_ids = doc_ids.copy()
        keep = np.ones(len(doc_ids), bool)
        for verdicts in self.verdicts:
            keep &= self._kept_by(verdicts, doc_ids)
        return doc_ids, keep

    def _kept_by(self, verdicts: Store, doc_ids: np.ndarray) -> np.ndarray:
        keep = np.zeros(len(doc_ids), bool)
        seen = 0
        for split in np.unique(doc_ids >> np.uint64(ROW_BITS)).tolist():
            if split >= len(verdicts.shards):
                continue
            for batch in verdicts.batches(["doc_id", "verdict"], shard=split):
                ids = batch.column("doc_id").to_numpy()
                places = np.searchsorted(doc_ids, ids)
                there = places < len(doc_ids)
                there[there] = doc_ids[places[there]] == ids[there]
                stays = pc.fill_null(pc.equal(batch.column("verdict"), KEPT), False)
                keep[places[there]] = stays.to_numpy(zero_copy_only=False)[there]
                seen += int(there.sum())
        if seen != len(doc_ids):
            raise CorruptShard(
                f"{verdicts.path} lacks {len(doc_ids) - seen:,} of the documents that "
                f"{self.keys.path} has signed",
                remedy="`winnow verify` names damaged shards; delete them and run again.",
            )
        return keep

    def records(self, doc_ids: np.ndarray, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """What the run says of ``doc_ids`` (ascending), in their order: columns of ``schema`` by
        name, null where the run has none."""
        store = Store.open(f"{self.source.path}/documents")
        have = [field.name for field in schema if field.name in store.schema.names]
        splits = doc_ids >> np.uint64(ROW_BITS)
        for split in np.unique(splits).tolist():
            wanted = pa.array(doc_ids[splits == split])
            for batch in store.batches(have, shard=split):
                found = batch.filter(pc.is_in(batch.column("doc_id"), value_set=wanted))
                columns = [
                    found.column(field.name).cast(field.type)
                    if field.name in have
                    else pa.nulls(found.num_rows, field.type)
                    for field in schema
                ]
                yield pa.record_batch(columns, names=schema.names)


def _layout(keys: Store) -> KeyLayout:
    layout = keys.manifest["config"]["layout"]
    return KeyLayout(layout["bands"], layout["parts"], layout["wide"])


def _of_all(fingerprints: list[str]) -> str:
    """One fingerprint; of a single store its own."""
    return fingerprints[0] if len(fingerprints) == 1 else digest(fingerprints)
