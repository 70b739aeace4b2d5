"""The texts of a finished run as its near-duplicate block has read them, and their shingles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.dedup.index.runs import RunSource, finished_store
from winnow.dedup.index.shapes import rebuilt_shape
from winnow.dedup.index.shingle_files import NumberedSets, set_array
from winnow.errors import CorruptShard, StoreError
from winnow.pipeline.run_folder import read_run
from winnow.pipeline.step import MASKS
from winnow.pipeline.view import View
from winnow.schema import ROW_BITS
from winnow.store.files import Folder


def run_view(source: RunSource) -> View:
    """What the plan gave the block: documents, and what earlier steps had measured, rewritten and
    judged. :class:`PlanError` where a store is not the one that ``run.json`` names."""
    run = read_run(Folder(source.path))
    if run is None:
        raise StoreError(
            f"{source.path} holds no run any more",
            remedy="An index with shingles is made while the texts of its runs are there.",
        )
    documents = ""
    stores: dict[str, list[str]] = {"masks": [], "aligned": [], "rewrites": []}
    for step in run["steps"]:
        if step["name"] == f"{source.block}-sign":
            break
        if step["kind"] not in ("documents", "measures", *MASKS):
            continue
        store = finished_store(source.path, step, f"the index of run '{source.name}'")
        if step["kind"] == "documents":
            documents = store.path
            continue
        stores["aligned" if step["kind"] == "measures" else "masks"].append(store.path)
        if step["kind"] != "ledger" and "text" in store.manifest["schema"]:
            stores["rewrites"].append(store.path)
    return View(
        documents, tuple(stores["masks"]), tuple(stores["aligned"]), tuple(stores["rewrites"])
    )


class RunSets:
    """Shingles of a run's documents."""

    def __init__(self, source: RunSource) -> None:
        from winnow.dedup.signing.signatures import Signers

        config: dict[str, Any] = source.sign_config()
        self._source = source
        self._view = run_view(source).open()
        self._signers = Signers(rebuilt_shape(config["shape"], source.path))
        self._language = config.get("language_column")

    def of(self, doc_ids: np.ndarray, numbers: np.ndarray) -> Iterator[NumberedSets]:
        """The sets of ``doc_ids`` (uint64, ascending) under their ``numbers``, by row group."""
        splits = doc_ids >> np.uint64(ROW_BITS)
        wanted = ["doc_id", "text", *([self._language] if self._language else [])]
        done = 0
        for split in np.unique(splits).tolist():
            chosen = pa.array(doc_ids[splits == split])
            for batch in self._view.kept(split, wanted):
                found = batch.filter(pc.is_in(batch.column("doc_id"), value_set=chosen))
                languages = found.column(self._language) if self._language else None
                sets = set_array(*self._signers.shingle_sets(found.column("text"), languages))
                yield numbers[done : done + len(sets)], sets
                done += len(sets)
        if done != len(doc_ids):
            raise CorruptShard(
                f"the documents of run '{self._source.name}' lack {len(doc_ids) - done:,} of those "
                "that it has signed",
                remedy="`winnow verify` names damaged shards; delete them and run again.",
            )
