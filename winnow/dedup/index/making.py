"""``winnow index build``, ``add`` and ``compact``: segments, and which of them count."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from winnow.dedup.index.catalog import Index, IndexedRun, Segment, segment_name
from winnow.dedup.index.gathering import KeysWork, RecordsWork, SegmentSource, ShinglesWork
from winnow.dedup.index.key_files import KEYS, NUMBERS_PER_SHARD, shard_count
from winnow.dedup.index.locking import changing_index, refuse_remote
from winnow.dedup.index.records import RECORDS
from winnow.dedup.index.runs import RunSource
from winnow.dedup.index.shapes import described_shape, shape_differences
from winnow.dedup.index.shingle_files import SHINGLES
from winnow.errors import PlanError, RunFailed
from winnow.pipeline.config import ExecutorConfig
from winnow.pipeline.fingerprint import digest
from winnow.pipeline.local_executor import LocalExecutor
from winnow.pipeline.run_folder import RUN, run_lock
from winnow.pipeline.step import Inputs, Step, Work
from winnow.pipeline.task import Failure
from winnow.store.files import Folder
from winnow.store.manifest import MANIFEST, Store, write_manifest
from winnow.store.receipts import RECEIPTS, finished
from winnow.store.shards import ShardFormat

Sources = tuple[RunSource | SegmentSource, ...]


def build_index(
    path: str,
    runs: Sequence[str],
    *,
    shingles: bool = False,
    workers: int = 1,
    numbers_per_shard: int = NUMBERS_PER_SHARD,
) -> Index:
    """An index at ``path`` of what ``runs`` kept in the end.

    Raises :class:`PlanError` where there is one already.

    The same runs give the same bytes, in whatever order they are named. ``shingles``: store those
    of every document, so that ``verify = "jaccard"`` can compare with them; the runs' texts are
    read for it.
    """
    folder = Folder(path)
    refuse_remote(folder)
    sources = _open_runs(runs)
    shape = described_shape(sources[0].sign_config())
    _require_free(folder)
    with run_lock(folder.path):
        _require_free(folder)  # who had the lock before may have made one
        index = Index(folder, shape, shingles=shingles)
        return _with_runs(index, sources, workers, numbers_per_shard)


def add_runs(
    path: str, runs: Sequence[str], *, shingles: bool | None = None, workers: int = 1
) -> Index:
    """The index with a segment of ``runs`` more; no other segment is touched. The segment holds
    shingles where the index does; :class:`PlanError` where ``shingles`` asks for something else."""
    sources = _open_runs(runs)
    with changing_index(path) as index:
        if shingles and not index.shingles:
            raise PlanError(
                f"{path} holds no shingles, and a segment cannot have any where others have none",
                remedy="Build the index anew, of all its runs, with --shingles; or add without.",
            )
        known = {run.identity for run in index.runs}
        for source in sources:
            if source.identity in known:
                raise PlanError(
                    f"run '{source.name}' ({source.path}) is in the index {path} already",
                    remedy="`winnow index show` lists its runs.",
                )
        return _with_runs(index, sources, workers, _numbers_per_shard(index))


def _with_runs(
    index: Index, sources: list[RunSource], workers: int, numbers_per_shard: int
) -> Index:
    for source in sources:
        differences = shape_differences(index.shape, described_shape(source.sign_config()))
        if differences:
            raise PlanError(
                f"run '{source.name}' ({source.path}) has signatures of another shape: "
                + "; ".join(differences),
                remedy="Signatures can be compared where all of these are equal.",
            )
    sources.sort(key=lambda source: source.identity)
    runs = tuple(
        IndexedRun(source.name, source.block, source.keys, source.verdicts, source.numbers)
        for source in sources
    )
    segment = Segment(segment_name(index.shape, runs, index.shingles), runs)
    _make_segment(index, segment, tuple(sources), workers, numbers_per_shard)
    return _put(dataclasses.replace(index, segments=_ordered([*index.segments, segment])))


def compact_index(path: str, *, workers: int = 1) -> Index:
    """One segment, without what was forgotten; nothing to do where it is so already.

    The bytes depend on the runs and on what was forgotten of them, not on the order in which that
    happened. Needs room for the segment that comes while those before it are still there.
    """
    with changing_index(path) as index:
        if len(index.segments) == 1 and not index.segments[0].tombstones:
            return _put(index)
        found = sorted(
            (run.identity, segment, place, run)
            for segment in index.segments
            for place, run in enumerate(segment.runs)
        )
        sources = tuple(
            SegmentSource(index.folder.path, segment.name, place, run.numbers)
            for _, segment, place, run in found
        )
        runs = tuple(dataclasses.replace(run, dropped=run.forgotten) for *_, run in found)
        segment = Segment(segment_name(index.shape, runs, index.shingles), runs)
        _make_segment(index, segment, sources, workers, _numbers_per_shard(index))
        return _put(dataclasses.replace(index, segments=(segment,)))


def _ordered(segments: list[Segment]) -> tuple[Segment, ...]:
    return tuple(sorted(segments, key=lambda segment: segment.runs[0].identity))


def _put(index: Index) -> Index:
    written = index.write()
    written.sweep()
    return written


def _open_runs(paths: Sequence[str]) -> list[RunSource]:
    sources = [RunSource.of(path, "index") for path in paths]
    seen: set[tuple[str, str]] = set()
    for source in sources:
        if source.identity in seen:
            raise PlanError(f"run '{source.name}' ({source.path}) is named twice")
        seen.add(source.identity)
    return sources


def _require_free(folder: Folder) -> None:
    if Index.exists(folder):
        raise PlanError(
            f"{folder.path} holds an index already",
            remedy=f"`winnow index add {folder.path} RUN` puts a run into it.",
        )
    if folder.exists(RUN) or folder.exists(MANIFEST):
        raise PlanError(
            f"{folder.path} is a run or a store, not a place for an index",
            remedy="Name a folder of its own, e.g. index/2024.",
        )


def _numbers_per_shard(index: Index) -> int:
    keys = index.store(index.segments[0], "keys")
    return int(keys.manifest["config"]["numbers_per_shard"])


def _make_segment(
    index: Index, segment: Segment, sources: Sources, workers: int, numbers_per_shard: int
) -> None:
    bands = int(index.shape["shape"]["bands"])
    folder = index.folder.subfolder(f"segments/{segment.name}")
    works: list[tuple[str, Work, pa.Schema, ShardFormat]] = [
        ("keys", KeysWork(sources, bands, numbers_per_shard), KEYS, "arrow"),
        ("records", RecordsWork(sources, bands, numbers_per_shard), RECORDS, "parquet"),
    ]
    if index.shingles:
        shingles = ShinglesWork(sources, bands, numbers_per_shard)
        works.append(("shingles", shingles, SHINGLES, "arrow"))
    config = {"bands": bands, "numbers_per_shard": numbers_per_shard}
    with LocalExecutor(ExecutorConfig(workers=workers)) as executor:
        for part, work, schema, format in works:
            step = Step(
                name=part, kind="work", label=part, work=work, schema=schema,
                shard_count=shard_count(segment.starts[-1], numbers_per_shard), format=format,
                inputs=Inputs(None, {}, 0, folder.join(part)),
                fingerprint=digest([segment.name, part, config]), config=config,
            )  # fmt: skip
            _make_store(step, executor)


def _make_store(step: Step, executor: LocalExecutor) -> Store:
    """Every shard that is not there yet, then the manifest."""
    folder = Folder(step.folder)
    if folder.exists(MANIFEST) and Store.open(folder).fingerprint == step.fingerprint:
        return Store.open(folder)
    folder.sweep()
    folder.subfolder(RECEIPTS).sweep()
    receipts = finished(folder, step.shard_count, step.fingerprint)
    missing = [index for index in range(step.shard_count) if index not in receipts]
    failures: list[Failure] = []
    for outcome in executor.run(step, missing) if missing else ():
        if isinstance(outcome, Failure):
            failures.append(outcome)
    if failures:
        first = min(failures, key=lambda failure: failure.index)
        raise RunFailed(
            f"{len(failures)} of {step.shard_count} shards of the index's {step.name} failed: "
            f"{first.message}",
            remedy=first.remedy or "The same command makes only these shards again.",
        )
    receipts = finished(folder, step.shard_count, step.fingerprint)
    return write_manifest(
        folder, kind=step.kind, name=step.name, fingerprint=step.fingerprint, schema=step.schema,
        config=step.config, receipts=[receipts[index] for index in range(step.shard_count)],
    )  # fmt: skip


def described(index: Index) -> dict[str, Any]:
    """What `winnow index show` tells, as plain data."""
    segments = []
    for segment in index.segments:
        stores = [index.store(segment, part) for part in index.parts]
        sizes = [sum(shard.size_bytes for shard in store.shards) for store in stores]
        forgotten = len(index.tombstones(segment))
        segments.append(
            {
                "name": segment.name,
                "documents": stores[0].counters["indexed"] - forgotten,
                "forgotten": forgotten,
                "shards": len(stores[0].shards),
                "bytes": sum(sizes),
                "shingle_bytes": sum(sizes[2:]),
                "runs": [
                    {
                        "name": run.name,
                        "block": run.block,
                        "fingerprint": run.verdicts,
                        "forgotten": run.forgotten.documents,
                    }
                    for run in segment.runs
                ],
            }
        )
    return {
        "path": index.folder.path,
        "fingerprint": index.fingerprint,
        "shape": index.shape["shape"],
        "shingles": index.shingles,
        "documents": sum(each["documents"] for each in segments),
        "segments": segments,
    }
