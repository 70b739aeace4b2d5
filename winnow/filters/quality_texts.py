"""Where the documents of a quality model come from: runs, stores, and files of text."""

from __future__ import annotations

import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from winnow.errors import ConfigError, PlanError, StoreError
from winnow.pipeline.run_folder import read_run
from winnow.pipeline.step import MASKS
from winnow.pipeline.view import OpenView, View
from winnow.store.files import Folder
from winnow.store.manifest import Store

WHICH = ("kept", "rejected", "all")
FILES = ".txt, .jsonl (key 'text'; .gz and .zst too) and .parquet (column 'text')"


def read_texts(path: str) -> Iterator[str]:
    """The documents of ``path``, in order.

    The folder of a run, or of a store of documents: those that every step kept; with `:rejected` or
    `:all` behind the path, those. A `.txt` file has a document a line, `.jsonl` a key `text`,
    `.parquet` a column `text`; null is skipped. What is not UTF-8, not JSON, cut off or not there
    is a :class:`ConfigError` that says where, and never quotes a text.
    """
    bare = path.removesuffix(".gz").removesuffix(".zst")
    if bare.endswith(".txt"):
        yield from (line for _, line in _lines(path))
    elif bare.endswith((".jsonl", ".json", ".ndjson")):
        yield from _json_texts(path)
    elif path.endswith(".parquet"):
        yield from _parquet_texts(path)
    else:
        yield from _documents(path)


def _lines(path: str) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                yield number, line
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: what follows line {number} is not UTF-8 ({error.reason})",
            remedy="Convert it first, e.g. with iconv.",
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ConfigError(
            f"{path}: the compressed data is cut off or damaged after line {number}: {error}",
            remedy="Fetch or write the file again.",
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot read documents from {path}: {error}") from None


def _open(path: str) -> IO[str]:
    if path.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8", newline="\n")
    if path.endswith(".zst"):
        stream = pa.input_stream(path, compression="zstd")
        return io.TextIOWrapper(stream, encoding="utf-8", newline="\n")
    return open(path, encoding="utf-8", newline="\n")


def _json_texts(path: str) -> Iterator[str]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            text = json.loads(line)["text"]
        except (ValueError, KeyError, TypeError, RecursionError):
            text = None
        if not isinstance(text, str):
            raise ConfigError(f'{path}, line {number}: not a JSON object with a string "text"')
        yield text


def _parquet_texts(path: str) -> Iterator[str]:
    try:
        with pq.ParquetFile(path) as file:
            if "text" not in file.schema_arrow.names:
                raise ConfigError(
                    f"{path} has no column 'text'",
                    remedy=f"Its columns: {', '.join(file.schema_arrow.names)}.",
                )
            for batch in file.iter_batches(batch_size=1024, columns=["text"]):
                yield from batch.column(0).cast(pa.large_string()).drop_null().to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(f"cannot read documents from {path}: {error}") from None


def _documents(path: str) -> Iterator[str]:
    which = "kept"
    head, _, tail = path.rpartition(":")
    if head and tail in WHICH:
        path, which = head, tail
    if not os.path.isdir(path) and "://" not in path:
        what = "is no file of a known kind" if os.path.exists(path) else "is not there"
        raise ConfigError(
            f"{path} {what}",
            remedy=f"Documents are read from folders of runs or stores, and from {FILES}.",
        )
    try:
        view = _view(path)
    except StoreError as error:
        raise ConfigError(
            f"cannot read documents from {path}: {error.message}", remedy=error.remedy
        ) from None
    if "text" not in view.documents.manifest["schema"]:
        raise ConfigError(
            f"the store {path} has no texts: its kind is '{view.documents.kind}'",
            remedy="Give the folder of the run, or its store of documents.",
        )
    for shard in range(view.shard_count):
        for batch, kept in view.masked(shard, ["text"]):
            if which != "all":
                batch = batch.filter(kept if which == "kept" else pc.invert(kept))
            yield from batch.column("text").drop_null().to_pylist()


def _view(path: str) -> OpenView:
    folder = Folder(path)
    run = read_run(folder)
    if run is None:
        return View(Store.open(folder).path).open()
    stores: list[Store] = []
    for step in run["steps"]:
        if step["kind"] in ("documents", "measures", *MASKS):
            store = Store.open(folder.subfolder(step["name"]))
            store.require_fingerprint(step["fingerprint"], "the run there")
            stores.append(store)
    documents = [store.path for store in stores if store.kind == "documents"]
    if not documents:
        raise PlanError(f"the run in {path} has no step that makes documents")
    return View(
        documents[0],
        tuple(store.path for store in stores if store.kind in MASKS),
        # filters that rewrite leave the text as they want it in the measures
        rewrites=tuple(
            store.path
            for store in stores
            if store.kind == "measures" and "text" in store.manifest["schema"]
        ),
    ).open()
