"""A run, opened for reading: ``corpus = winnow.open("out/demo")``.

Nothing is read until it is asked for. ``corpus.documents``, ``corpus.ledger`` and ``corpus.tokens``
are :class:`Rows`: give them to Arrow, pandas, Polars or DuckDB.
"""

from __future__ import annotations

import html
import os
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from winnow.errors import StoreError, nearest
from winnow.funnel import Funnel, read_funnel
from winnow.pipeline.run_folder import read_run
from winnow.pipeline.step import MASKS
from winnow.pipeline.view import OpenView, View
from winnow.report import funnel_html, table_html
from winnow.rows import Rows
from winnow.schema import KEPT
from winnow.store.files import Folder
from winnow.store.manifest import Store

if TYPE_CHECKING:
    from winnow.compare import Comparison
    from winnow.duplicates.clusters import Clusters
    from winnow.duplicates.similar import SimilarDocuments


def open_corpus(path: str | os.PathLike[str]) -> Corpus:
    """Open the output folder of a run; :class:`StoreError` where there is none."""
    return Corpus(os.fspath(path))


class Corpus:
    """The stores of one run, joined row for row."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._folder = Folder(path)
        run = read_run(self._folder)
        if run is None:
            read_funnel(path)  # raises, and says what is there instead
        self._run: dict[str, Any] = run or {}
        self._opened: dict[str, Store | None] = {}

    @property
    def name(self) -> str:
        return str(self._run["name"])

    @property
    def config(self) -> dict[str, Any]:
        """The run's config as data, recipes expanded, without output and executor."""
        return dict(self._run.get("config", {}))

    @cached_property
    def _funnel(self) -> Funnel:
        return read_funnel(self.path)

    def funnel(self) -> Funnel:
        """From records to tokens, by reason; prints as text, shows as a table in a notebook."""
        return self._funnel

    @property
    def stores(self) -> dict[str, Store]:
        """The finished stores by their step's name, in the order of the run."""
        found = {step["name"]: self._store(step) for step in self._run["steps"]}
        return {name: store for name, store in found.items() if store is not None}

    def _store(self, step: dict[str, Any]) -> Store | None:
        """The store of a step, opened when first asked for; None until it is finished."""
        name = step["name"]
        if name not in self._opened:
            try:
                store = Store.open(self._folder.subfolder(name))
            except StoreError:
                store = None
            if store is not None and store.fingerprint != step["fingerprint"]:
                store = None
            self._opened[name] = store
        return self._opened[name]

    def _of_kind(self, *kinds: str) -> list[Store]:
        found = [self._store(step) for step in self._run["steps"] if step["kind"] in kinds]
        return [store for store in found if store is not None]

    def _one(self, kind: str) -> Store:
        found = self._of_kind(kind)
        if not found:
            raise StoreError(
                f"the run in {self.path} has no finished {kind} yet",
                remedy="`winnow run` with its config goes on where it stopped.",
            )
        return found[0]

    @property
    def ledger_store(self) -> Store:
        """The store behind ``ledger``, with its manifest."""
        return self._one("ledger")

    @property
    def ledger_stores(self) -> list[Store]:
        """All ledgers: a run with filters on both sides of a deduplication has two."""
        return self._of_kind("ledger")

    @property
    def measures_stores(self) -> list[Store]:
        """The stores that hold what was measured, with their manifests."""
        return self._of_kind("measures")

    @property
    def documents_schema(self) -> pa.Schema:
        """Columns of the documents store."""
        return self._one("documents").schema

    @property
    def tokens_store(self) -> Store | None:
        """The token shards; None where the run has none."""
        found = self._of_kind("tokens")
        return found[0] if found else None

    def _unjudged(self) -> list[str]:
        """Steps that give verdicts and are not finished: until they are, nobody knows who stays."""
        return [
            state.name
            for state in self._funnel.states
            if state.kind in MASKS and not state.finished
        ]

    @property
    def view(self) -> OpenView:
        """Documents with all verdicts so far; for batch-wise work in bounded memory."""
        masks = tuple(store.path for store in self._of_kind(*MASKS))
        return View(self._one("documents").path, masks, rewrites=self._rewrites()).open()

    def view_before(self, step: str) -> OpenView:
        """What a step of the run has read: the documents with the measures, texts and verdicts of
        the steps before it."""
        masks: list[str] = []
        aligned: list[str] = []
        rewrites: list[str] = []
        for each in self._run["steps"]:
            if each["name"] == step:
                break
            if each["kind"] not in ("measures", *MASKS):
                continue
            store = self._store(each)
            if store is not None:
                (aligned if each["kind"] == "measures" else masks).append(store.path)
                if each["kind"] != "ledger" and "text" in store.manifest["schema"]:
                    rewrites.append(store.path)
        return View(
            self._one("documents").path, tuple(masks), tuple(aligned), tuple(rewrites)
        ).open()

    def similar(
        self,
        url: str | None = None,
        *,
        text: str | None = None,
        language: str | None = None,
        most: int = 10,
        min_similarity: float = 0.0,
        block: str | None = None,
    ) -> SimilarDocuments:
        """Documents similar to the one at ``url``, or to ``text`` (in ``language``, ISO 639-1), by
        true Jaccard similarity, from the keys that the run's MinHash has stored. ``block`` names
        one of several."""
        from winnow.duplicates.similar import find_similar

        return find_similar(
            self, url=url, text=text, language=language, most=most,
            min_similarity=min_similarity, block=block,
        )  # fmt: skip

    def clusters(
        self,
        block: str | None = None,
        *,
        most: int = 5,
        members: int = 3,
        cluster_id: int | None = None,
    ) -> Clusters:
        """The largest clusters of a deduplication (default: the last) with their documents next to
        the one that stayed; or the cluster ``cluster_id``."""
        from winnow.duplicates.clusters import find_clusters

        return find_clusters(self, block=block, most=most, members=members, cluster_id=cluster_id)

    @property
    def documents(self) -> Rows:
        """Every extracted document: its columns (``text`` as the filters have left it), and, once
        all steps have judged, ``verdict``: ``"kept"``, or the reason of the first step that
        rejected it."""
        return self._documents(None)

    def kept(self, verdicts: str | None = None) -> Rows:
        """The documents that all steps kept; or those that the applied ``verdicts`` of that name
        keep (`winnow whatif --apply NAME`), which no deduplication has seen."""
        return self._documents(KEPT, verdicts)

    @property
    def applied(self) -> list[str]:
        """Names of the verdicts that `winnow whatif --apply` has written beside the run's own."""
        from winnow.whatif.applied import applied_names

        return applied_names(self)

    def compare(self, *names: str) -> Comparison:
        """Which documents each of several verdicts keeps: names of recipes, of applied verdicts,
        or ``"run"``. Shows as a table in a notebook."""
        from winnow.compare import compare

        return compare(self, names)

    def rejected(self, reason: str | None = None, verdicts: str | None = None) -> Rows:
        """The documents that were rejected, or those rejected by the measure ``reason``; by the
        applied ``verdicts`` of that name, if one is given."""
        if reason:
            if verdicts is None:
                known = {name for row in self._funnel.rows for name in row.reasons}
            else:
                known = self._applied_reasons(verdicts)
            if reason not in known:
                raise StoreError(
                    f"no step of {self.path} rejects by {reason!r}.{nearest(reason, known)}",
                    remedy=f"reasons here: {', '.join(sorted(known)) or 'none'}",
                )
        return self._documents(reason or "", verdicts)

    def _applied_reasons(self, name: str) -> set[str]:
        from winnow.whatif.applied import open_applied

        names = {key.removeprefix("verdict.") for key in open_applied(self, name).counters}
        return names - {KEPT}

    def judged(self, verdicts: str) -> Rows:
        """Every document, with its verdict by the applied ``verdicts`` of that name."""
        return self._documents(None, verdicts)

    def _documents(self, verdict: str | None, applied: str | None = None) -> Rows:
        store = self._one("documents")
        view = self.view if applied is None else self._applied_view(applied)
        unjudged = self._unjudged() if applied is None else []
        if unjudged and verdict is not None:
            raise StoreError(
                f"the run in {self.path} is not finished: {', '.join(unjudged)} must still judge",
                remedy="`winnow run` with its config goes on where it stopped.",
            )
        verdicts = [] if unjudged else [pa.field("verdict", pa.string())]
        schema = pa.schema([*store.schema, *verdicts])
        rows = store.rows if verdict is None else None

        def batches(columns: list[str]) -> Iterator[pa.RecordBatch]:
            for batch in self._with_verdict(view, columns, verdict):
                yield batch.select(columns)

        return Rows(f"documents of {self.name}", schema, batches, rows)

    def _applied_view(self, name: str) -> OpenView:
        from winnow.whatif.applied import open_applied

        applied = open_applied(self, name)
        before: list[str] = []  # what had judged when the ledger that it stands for did
        for store in self._of_kind(*MASKS):
            if store.fingerprint == applied.manifest["ledger"]:
                break
            before.append(store.path)
        return View(
            self._one("documents").path,
            (*before, applied.path),
            rewrites=self._rewrites(),
        ).open()

    def _rewrites(self) -> tuple[str, ...]:
        return tuple(
            store.path
            for store in self._of_kind("measures", "verdicts")
            if "text" in store.manifest["schema"]
        )

    def _with_verdict(
        self, view: OpenView, columns: list[str], wanted: str | None
    ) -> Iterator[pa.RecordBatch]:
        read = [name for name in columns if name != "verdict"] or ["doc_id"]
        for shard in range(view.shard_count):
            for batch, reasons in view.verdicts(shard, read):
                joined = batch.append_column(pa.field("verdict", pa.string()), reasons)
                if wanted == "":
                    joined = joined.filter(pc.not_equal(reasons, KEPT))
                elif wanted is not None:
                    joined = joined.filter(pc.equal(reasons, wanted))
                yield joined

    @property
    def ledger(self) -> Rows:
        """One row a document, kept or not: every measure, the verdict, its margin."""
        return Rows.of_store(self.ledger_store)

    @property
    def tokens(self) -> Rows:
        """One row a document: token ids, bytes, where it came from; all splits."""
        return Rows.of_store(self._one("tokens"))

    def store(self, name: str) -> Rows:
        """Any other store of the run by its step's name, e.g. ``"minhash"``."""
        if name not in self.stores:
            raise StoreError(
                f"the run in {self.path} has no finished store {name!r}."
                f"{nearest(name, self.stores)}",
                remedy=f"stores here: {', '.join(self.stores)}",
            )
        return Rows.of_store(self.stores[name])

    def document(self, url: str) -> Document:
        """All that is known of one page: its row in every aligned store.

        ``url`` is the whole URL; where several records have it, the first. Raises
        :class:`StoreError` naming the nearest URL of the same host where there is none.
        """
        documents = self._one("documents")
        near: list[str] = []
        host = url.partition("://")[2].partition("/")[0]
        for shard in range(len(documents.shards)):
            row = 0
            for batch in documents.batches(["url"], shard):
                urls = batch.column("url")
                found = pc.index(urls, url).as_py()
                if found >= 0:
                    return self._document(shard, row + found)
                if host and len(near) < 1000:
                    near += urls.filter(pc.match_substring(urls, host)).to_pylist()
                row += batch.num_rows
        raise StoreError(f"no document of {self.path} has the URL {url!r}.{nearest(url, near)}")

    def _document(self, shard: int, row: int) -> Document:
        stories: dict[str, dict[str, Any]] = {}
        rewritten: dict[str, Any] = {}
        for store in self._of_kind("documents", "measures", "ledger", "verdicts"):
            if store.kind == "measures" and "text" not in store.manifest["schema"]:
                continue  # the ledger says the rest
            seen = 0
            for batch in store.batches(shard=shard):
                if row < seen + batch.num_rows:
                    found = batch.slice(row - seen, 1).to_pylist()[0]
                    stories[str(store.manifest["name"])] = found
                    if store.kind != "documents" and found.get("text") is not None:
                        rewritten = {name: found[name] for name in ("text", "text_bytes")}
                    break
                seen += batch.num_rows
        return Document(stories, rewritten)

    def __repr__(self) -> str:
        return f"Corpus({self.path!r}: {', '.join(self.stores) or 'nothing finished'})"

    def _repr_html_(self) -> str:
        return f"<h4>{html.escape(self.name)}</h4>{funnel_html(self._funnel)}"


class Document:
    """One page: ``story`` maps each store that speaks of it to what it says. An attribute is the
    column of that name; ``text`` is the text as the filters have left it."""

    def __init__(
        self, story: dict[str, dict[str, Any]], rewritten: dict[str, Any] | None = None
    ) -> None:
        self.story = story
        self._rewritten = rewritten or {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        for row in (self._rewritten, *self.__dict__.get("story", {}).values()):
            if name in row:
                return row[name]
        raise AttributeError(name)

    @property
    def verdict(self) -> str:
        """``"kept"``, or the reason of the first step that rejected it."""
        for row in self.story.values():
            if row.get("verdict") not in (None, KEPT):
                return str(row["verdict"])
        return KEPT

    def __repr__(self) -> str:
        return f"Document({self.url!r}: {self.verdict})"

    def _repr_html_(self) -> str:
        parts = []
        for store, row in self.story.items():
            shown = {key: value for key, value in row.items() if key != "text"}
            parts.append(f"<h5>{html.escape(store)}</h5>{table_html(list(shown.items()))}")
        text = html.escape(str(self.text)[:2000])
        return f"<h4>{html.escape(self.verdict)}</h4><pre>{text}</pre>{''.join(parts)}"
