"""Verdicts written beside a run's own: ``RUN/applied/NAME``, a mask over its documents.

A store of kind ``verdicts``, aligned with the ledger row for row: ``doc_id``, then the columns of
``VERDICT_SCHEMA``; null verdicts where the ledger's are null. Its manifest holds the ``bounds``,
the ``recipe`` if there was one, the ``changes``, and the ``ledger`` (its fingerprint), so that
verdicts of a ledger that is no more are not mistaken for those of the present one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from winnow.corpus import Corpus
from winnow.errors import ConfigError, FingerprintMismatch, StoreError, nearest
from winnow.pipeline.bounds import VERDICT_SCHEMA, judge
from winnow.pipeline.fingerprint import canonical, digest
from winnow.pipeline.recipes import recipe_names
from winnow.schema import KEPT
from winnow.store.files import Folder
from winnow.store.manifest import MANIFEST, Store, write_manifest
from winnow.store.receipts import Receipt, write_receipt
from winnow.store.shards import ShardWriter, shard_file
from winnow.whatif.answer import Question
from winnow.whatif.ledger import each_shard

APPLIED = "applied"
RUN = "run"
"""What the run's own verdicts are called where they stand beside applied ones."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SCHEMA = pa.schema([pa.field("doc_id", pa.uint64(), nullable=False), *VERDICT_SCHEMA])
_VERSION = 1


def applied_names(corpus: Corpus) -> list[str]:
    """The names under which verdicts were applied to this run."""
    return applied_in(corpus.path)


def applied_in(run: str) -> list[str]:
    """As :func:`applied_names`, of the run in the folder ``run``."""
    folder = Folder(run).subfolder(APPLIED)
    return [name for name in folder.entries() if folder.subfolder(name).exists(MANIFEST)]


def open_applied(corpus: Corpus, name: str) -> Store:
    """The verdicts ``name``. :class:`StoreError` where there are none of that name,
    :class:`FingerprintMismatch` where the run's ledger has been made anew since."""
    names = applied_names(corpus)
    if name not in names:
        raise StoreError(
            f"{corpus.path} has no applied verdicts {name!r}.{nearest(name, names)}",
            remedy=f"applied: {', '.join(names)}"
            if names
            else "`winnow whatif RUN --set … --apply NAME` makes some.",
        )
    store = Store.open(Folder(corpus.path).subfolder(APPLIED).subfolder(name))
    if store.manifest["ledger"] not in {each.fingerprint for each in corpus.ledger_stores}:
        raise FingerprintMismatch(
            f"{store.path} judges a ledger that the run has made anew since",
            remedy="Apply it again: `winnow whatif` with the same --set and --apply.",
        )
    return store


def check_name(corpus: Corpus, name: str, ledger: Store) -> None:
    """:class:`ConfigError` unless ``name`` can name applied verdicts."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"--apply {name!r}: a name is of letters, digits, '.', '_' and '-', begins with a "
            "letter or digit, and has at most 64 of them"
        )
    taken = {RUN, *recipe_names(), *ledger.manifest.get("recipes", {})}
    if name in taken:
        raise ConfigError(
            f"--apply {name!r}: this name means something already, in `winnow compare` for one",
            remedy=f"Choose another; taken: {', '.join(sorted(taken))}",
        )


def apply_verdicts(
    corpus: Corpus, question: Question, name: str, changes: dict[str, Any]
) -> tuple[Store, bool]:
    """Write the verdicts of ``question`` under ``name``; (the store, whether it was made now).

    The same question asked again finds its store; another one under a name that is there already
    is refused with a :class:`ConfigError`, unless the run's ledger was made anew since.
    """
    ledger = question.ledger
    check_name(corpus, name, ledger)
    recipe = question.recipe
    if recipe is not None and recipe.endswith(".toml"):
        recipe = Path(recipe).stem  # no path of one machine gets into a store
    config = {
        "version": _VERSION,
        "ledger": ledger.fingerprint,
        "recipe": recipe,
        "bounds": canonical(question.bounds),
        "changes": canonical(changes),
    }
    fingerprint = digest(config)
    folder = Folder(corpus.path).subfolder(APPLIED).subfolder(name)
    if folder.exists(MANIFEST):
        there = Store.open(folder)
        if there.fingerprint == fingerprint:
            return there, False
        if there.manifest["ledger"] not in {each.fingerprint for each in corpus.ledger_stores}:
            folder.remove()  # of a ledger that is no more: nobody can read it
        else:
            _refuse_other(corpus, folder, name)
    receipts = list(each_shard(len(ledger.shards), _Writer(question, folder, fingerprint)))
    store = write_manifest(
        folder,
        kind="verdicts",
        name=name,
        fingerprint=fingerprint,
        schema=_SCHEMA,
        config=config,
        receipts=receipts,
        extra={key: config[key] for key in ("bounds", "recipe", "changes", "ledger")},
    )
    return store, True


def _refuse_other(corpus: Corpus, folder: Folder, name: str) -> None:
    raise ConfigError(
        f"--apply {name!r}: there are verdicts of that name already, by other bounds",
        remedy=f"Choose another name, or delete {folder.path}.\n  "
        f"applied: {', '.join(applied_names(corpus))}",
    )


class _Writer:
    """Judges and writes a shard."""

    def __init__(self, question: Question, folder: Folder, fingerprint: str) -> None:
        self._question = question
        self._folder = folder
        self._fingerprint = fingerprint
        needed = [name for bound in question.bounds for name in bound.columns()]
        self._columns = list(dict.fromkeys(["doc_id", *needed, "verdict"]))

    def __call__(self, shard: int) -> Receipt:
        bounds = self._question.bounds
        reasons = (KEPT, *(bound.measure for bound in bounds if not bound.label_is_verdict))
        counters = {f"verdict.{reason}": 0 for reason in reasons}
        with ShardWriter(self._folder, shard_file(shard, "parquet"), _SCHEMA) as writer:
            for batch in self._question.ledger.batches(self._columns, shard):
                judged = judge(batch, bounds)
                considered = pc.is_valid(batch.column("verdict"))
                columns = [
                    pc.if_else(considered, column, pa.scalar(None, column.type))
                    for column in judged
                ]
                for entry in pc.value_counts(columns[0].drop_null()):
                    key = f"verdict.{entry['values'].as_py()}"
                    counters[key] = counters.get(key, 0) + entry["counts"].as_py()
                writer.write(pa.record_batch([batch.column("doc_id"), *columns], schema=_SCHEMA))
        receipt = writer.receipt(self._fingerprint, counters=counters)
        write_receipt(self._folder, shard, receipt)
        return receipt
