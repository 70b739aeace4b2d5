"""The record of an index that a verdict names, told from the index or from the run that it is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from winnow.dedup.clustering.clusters import ClusterReader
from winnow.dedup.index.catalog import Index
from winnow.dedup.index.option import INDEX_PATHS
from winnow.dedup.index.records import OF_THE_RUN, find_record
from winnow.dedup.index.runs import RunSource
from winnow.errors import PlanError, StoreError
from winnow.pipeline.view import View
from winnow.store.files import Folder
from winnow.store.manifest import Store


def index_record(
    run: str, step: str, index_id: int, doc_id: int, paths: Sequence[str] | None = None
) -> dict[str, Any] | None:
    """What stays of document ``index_id`` of the indexes that the deduplication ``step`` of the run
    in folder ``run`` had; ``paths``: where they are now, if elsewhere.

    Keys: ``index`` (its path), ``run``, ``doc_id`` (in that run), ``number``, ``url``, ``domain``,
    ``record_id``, ``warc_file``, ``warc_offset``,
    ``crawl_date``; and ``similarity``, true Jaccard, of our document ``doc_id`` to it: None where
    it was not computed.

    None where the index is gone, or is another one now (a document was forgotten, a run was added):
    what the number means could then not be told.
    """
    try:
        matching = Store.open(f"{run}/{step}-match").manifest
    except StoreError:
        return None
    sources = matching["config"]["index"]["sources"]
    if paths is None:
        paths = [_beside(run, path) for path in matching.get(INDEX_PATHS, ())]
    if len(paths) != len(sources):
        return None
    start = 0
    for source, path in zip(sources, paths, strict=True):
        if start <= index_id < start + source["numbers"]:
            record = _record(source, path, index_id - start)
            if record is None:
                return None
            similarity = _similarity(run, step, index_id, doc_id)
            return {"index": path, **record, "number": index_id, "similarity": similarity}
        start += int(source["numbers"])
    return None


def _beside(run: str, path: str) -> str:
    return path if "://" in path else os.path.normpath(os.path.join(run, path))


def _record(source: dict[str, Any], path: str, number: int) -> dict[str, Any] | None:
    try:
        if source["use"] == "IndexFolder":
            index = Index.open(path)
            return (
                find_record(index, number) if index.fingerprint == source["fingerprint"] else None
            )
        found = RunSource.of(path, "explain")
        return _of_run(found, number) if found.verdicts == source["verdicts"] else None
    except (StoreError, PlanError):  # it was deleted, or is being made anew
        return None


def _of_run(source: RunSource, number: int) -> dict[str, Any]:
    opened = source.open()
    shard = int(np.searchsorted(opened.starts, number, "right")) - 1
    doc_ids, _ = opened.layout.read_preferences(opened.keys, shard)
    doc_id = int(doc_ids[number - int(opened.starts[shard])])
    view = View(Folder(source.path).join("documents")).open()
    names = [name for name in OF_THE_RUN.names if name in view.documents.schema.names]
    row: dict[str, Any] = view.rows([doc_id], names).to_pylist()[0]
    del row["verdict"]
    return {"run": source.name, **row}


def _similarity(run: str, step: str, index_id: int, doc_id: int) -> float | None:
    store = Store.open(f"{run}/{step}-matched")
    if "similarity" not in store.schema.names:
        return None
    [*rows] = ClusterReader(store).between(doc_id, doc_id).to_pylist()
    return rows[0]["similarity"] if rows and rows[0]["index_id"] == index_id else None
