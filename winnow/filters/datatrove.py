"""Any filter or formatter of datatrove as a stage: ``use = "datatrove:C4BadWordsFilter"``.

::

    [[stage]]
    use = "datatrove:GopherRepetitionFilter"
    dup_line_frac = 0.25                        # arguments of its constructor
    top_n_grams = [[2, 0.2], [3, 0.18]]

    [[stage]]
    use = "datatrove:PIIFormatter"              # replaces the text

    [[stage]]
    use = "datatrove:my_steps.ShortFilter"      # a class of yours, in my_steps.py beside the config

A filter writes a label, named after the class (``gopher_repetition``): datatrove's reason for
dropping the document, or the class's name where it gives none; null where the document passes. The
verdict is that label. What a filter or formatter rewrites replaces ``text``, and
``<name>_changed`` says of which documents; one that is dropped keeps the text that it came with.
A blank text on which a class fails (divides by its length) is dropped as ``empty``: datatrove's
extractors pass none on, so its filters are not made for it. Any other failure ends the shard.

The class sees a ``Document`` with our ``record_id`` as its id, the text, and as metadata ``url``,
``date``, and where there is such a column ``language`` and ``language_score``. Metadata that it
adds is lost. Differs from a run of datatrove in three ways, so that a document's fate depends on
the document alone (see :mod:`winnow.filters.fence`): random numbers are drawn anew for each
document from a hash of its id; whatever a class counts or collects is forgotten after each
document; and ``filter_batch`` gets one document at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc

from winnow.errors import ConfigError, StageError, brief
from winnow.filters.foreign_arguments import check_arguments, check_by_making, construct
from winnow.filters.foreign_class import PACKAGES, find_class, module_file, rewrites_text
from winnow.filters.measure import import_folder
from winnow.filters.measured import append_measures, replace_text
from winnow.optional import require
from winnow.pipeline.bounds import Bound, override
from winnow.pipeline.fingerprint import file_digest
from winnow.pipeline.stage import BatchFunction
from winnow.schema import DOCUMENTS, require_columns

PREFIX = "datatrove:"
_COLUMNS = ("record_id", "url", "crawl_date", "text", "language", "language_prob")
_OPTIONAL = ("language", "language_prob")
_TAKEN = {*DOCUMENTS.names, *_OPTIONAL}
_OURS = ("suffix", "rewrites", "shared")


@dataclass(frozen=True, kw_only=True)
class DatatroveFilter:
    """A datatrove class and its arguments, as the plan knows them."""

    use: str
    """``datatrove:Class`` or ``datatrove:module.Class``."""
    kind: Literal["filter", "formatter"]
    arguments: tuple[tuple[str, Any], ...] = ()
    """Of the constructor, in the order of their names; lists as tuples."""
    suffix: str = ""
    """Put behind the names of its measures, for a second one of its class in a run."""
    rewrites: bool = False
    """Whether it replaces the text. Formatters do; of filters, those whose source assigns to
    ``.text`` (C4QualityFilter, FastTextClassifierFilter), or that are said to in the config."""
    shared: bool = False
    """Whether one instance serves all documents; else each gets a copy of its own. So it is for
    datatrove's own classes, which have been read; `shared = true` says it of yours: what it
    remembers (a model it loads late, a cache) never changes an answer."""
    versions: tuple[tuple[str, str], ...] = ()
    """Of datatrove, and of the packages that its filters may use, as installed."""
    needs: tuple[str, ...] = ()
    """Modules that the class says it depends on."""
    module_sha256: str | None = None
    """Of the file of a class that is not datatrove's own."""
    folder: str | None = field(default=None, compare=False)
    """Where that file is found."""

    version: ClassVar[int] = 1
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("folder",)

    @classmethod
    def from_config(
        cls, use: str, table: dict[str, Any], where: str, base: Path
    ) -> tuple[DatatroveFilter, dict[str, Any]]:
        """The stage, and what of ``table`` concerns bounds.

        Raises :class:`MissingExtra` without datatrove, :class:`ConfigError` for a class that
        cannot be a stage or arguments that it does not take.
        """
        found = find_class(use.removeprefix(PREFIX), where, base)
        ours = {key: table[key] for key in _OURS if key in table and key not in found.parameters}
        for key, value in ours.items():
            if not isinstance(value, str if key == "suffix" else bool):
                raise ConfigError(f"{where}: {key} must not be {value!r}")
        suffix = ours.get("suffix", "")
        if suffix and not f"a_{suffix}".isidentifier():
            raise ConfigError(f"{where}: suffix must be letters, digits and _, got {suffix!r}")
        rewrites = found.kind == "formatter" or ours.get(
            "rewrites", rewrites_text(found.kind_class)
        )
        if found.kind == "formatter" and ours.get("rewrites") is False:
            raise ConfigError(f"{where}: a formatter rewrites the text; that is what it is for")
        stage = cls(
            use=use,
            kind=found.kind,
            suffix=suffix,
            rewrites=rewrites,
            shared=found.reviewed or ours.get("shared", False),
            versions=_versions(),
            needs=found.needs,
            module_sha256=None if found.own is None else file_digest(module_file(found.own)),
            folder=None if found.own is None else import_folder(found.own.__name__),
        )
        own = (stage._name, f"{stage._name}_changed")
        limits = {key: table[key] for key in own if key in table and key not in found.parameters}
        arguments = {k: v for k, v in table.items() if k not in ours and k not in limits}
        check_arguments(found, arguments, where, (*_OURS, *own))
        frozen = tuple((key, _frozen(arguments[key])) for key in sorted(arguments))
        stage = replace(stage, arguments=frozen)
        if found.reviewed:
            check_by_making(found, dict(frozen), where)
        return stage, limits

    @property
    def requires(self) -> tuple[str, ...]:
        return (*PACKAGES, *self.needs)

    @property
    def reads(self) -> tuple[str, ...]:
        """``language`` and ``language_prob`` only where they are there."""
        return _COLUMNS

    @property
    def class_name(self) -> str:
        return self.use.removeprefix(PREFIX).rpartition(".")[2]

    @property
    def _name(self) -> str:
        return measure_name(self.use)

    def _column(self, name: str) -> str:
        return f"{name}_{self.suffix}" if self.suffix else name

    def measure_fields(self) -> tuple[pa.Field, ...]:
        label = pa.field(self._column(self._name), pa.string())
        changed = pa.field(self._column(f"{self._name}_changed"), pa.bool_())
        if self.kind == "formatter":
            return (changed,)
        return (label, changed) if self.rewrites else (label,)

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        needed = tuple(name for name in self.reads if name not in _OPTIONAL)
        require_columns(schema, needed, self.use)
        return pa.schema([*schema, *self.measure_fields()])

    @classmethod
    def parse_bounds(cls, table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """(tables, everything else); :meth:`from_config` knows the measures and so knows better."""
        limits = {key: value for key, value in table.items() if isinstance(value, dict)}
        return limits, {key: value for key, value in table.items() if key not in limits}

    def bounds(self, table: dict[str, Any]) -> tuple[Bound, ...]:
        """Reject by datatrove's reason; ``c4_quality.allowed = ["too_few_sentences"]`` forgives
        one, ``c4_quality = "off"`` all. A formatter has no bound but what the config sets."""
        label = self._name
        defaults: tuple[Bound, ...] = ()
        names: tuple[str, ...] = (f"{label}_changed",) if self.rewrites else ()
        if self.kind == "filter":
            names = (label, *names)
            defaults = (Bound(measure=label, allowed=(), label_is_verdict=True),)
        limits = table.get(label)
        if self.kind == "filter" and isinstance(limits, dict) and limits.keys() != {"allowed"}:
            raise ConfigError(
                f"stage '{self.use}': '{label}' is a label, datatrove's reason, and has no min or "
                "max",
                remedy=f'Forgive a reason: {label}.allowed = ["…"]; or all: {label} = "off"',
            )
        found = override(defaults, table, self.use, names)
        return tuple(replace(bound, measure=self._column(bound.measure)) for bound in found)

    def open(self) -> BatchFunction:
        require("datatrove", f"stage '{self.use}'")
        from winnow.filters.fence import Fence

        data = require("datatrove.data", f"stage '{self.use}'")
        found = find_class(
            self.use.removeprefix(PREFIX), f"stage '{self.use}'", Path(self.folder or ".")
        )
        if found.own is not None and file_digest(module_file(found.own)) != self.module_sha256:
            raise StageError(
                f"stage '{self.use}': {found.own} is not the file that the plan was made with",
                stage=self.use,
                remedy="It was edited since, or a worker finds another module of that name first.",
            )
        instance = construct(found, dict(self.arguments), f"stage '{self.use}'")
        fence = Fence(
            instance,
            key=repr((self.use, self.suffix, self.arguments)),
            shared=self.shared,
            reviewed=found.reviewed,
        )
        apply = self._filtered if self.kind == "filter" else self._formatted

        def run(batch: pa.RecordBatch) -> pa.RecordBatch:
            labels: list[str | None] = []
            texts: list[str] = []
            with fence:
                for document in _documents(batch, data.Document):
                    text = document.text
                    instance = fence.instance_for(document.id)
                    try:
                        label = apply(instance, document)
                    except Exception as error:
                        if text.strip() or isinstance(error, OSError | ImportError | MemoryError):
                            what = f"failed: {brief(error)}"
                            raise self._failure(document.id, what) from error
                        label = "empty"
                    if label is not None:
                        document.text = text
                    if document.text != text and not self.rewrites:
                        raise self._failure(
                            document.id,
                            "changed the text",
                            remedy="Say so in the config: rewrites = true",
                        )
                    labels.append(label)
                    texts.append(document.text)
            return self._result(batch, labels, texts)

        return run

    def _filtered(self, instance: Any, document: Any) -> str | None:
        """None: it passes."""
        (result,) = instance.filter_batch([document])
        keep, reason = result if isinstance(result, tuple) else (result, None)
        return None if keep else str(reason or self.class_name)

    def _formatted(self, instance: Any, document: Any) -> None:
        document.text = instance.format(document.text)

    def _result(
        self, batch: pa.RecordBatch, labels: list[str | None], texts: list[str]
    ) -> pa.RecordBatch:
        columns: list[Any] = [labels] if self.kind == "filter" else []
        if self.rewrites:
            before = batch.column("text")
            text = pa.array(texts, before.type)
            columns.append(pc.not_equal(before, text))
            batch = replace_text(batch, text)
        return append_measures(batch, self.measure_fields(), columns)

    def _failure(self, document: str, what: str, *, remedy: str | None = None) -> StageError:
        where = f"document {document}"
        return StageError(
            f"stage '{self.use}', {where}: {what}", stage=self.use, where=where, remedy=remedy
        )


def _documents(batch: pa.RecordBatch, kind: Any) -> Any:
    """Each row as datatrove's ``Document``."""
    names = [name for name in _COLUMNS if name in batch.schema.names]
    for values in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
        row = dict(zip(names, values, strict=True))
        date = row.get("crawl_date")
        metadata = {
            "url": row.get("url"),
            "date": None if date is None else date.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "language": row.get("language"),
            "language_score": row.get("language_prob"),
        }
        known = {key: value for key, value in metadata.items() if value is not None}
        yield kind(text=row["text"], id=row["record_id"], metadata=known)


def measure_name(use: str) -> str:
    """Of the stage ``use``: snake case of the class's name without `Filter` or `Formatter`; with
    it, where a column of documents has that name (``url_filter``)."""
    class_name = use.removeprefix(PREFIX).rpartition(".")[2]
    for ending in ("Filter", "Formatter", ""):
        bare = class_name.removesuffix(ending)
        if bare != class_name and bare:
            break
    name = _snake(bare)
    return _snake(class_name) if name in _TAKEN else name


def _snake(name: str) -> str:
    """``C4BadWords`` → ``c4_bad_words``, ``NGramsDecont`` → ``n_grams_decont``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _versions() -> tuple[tuple[str, str], ...]:
    """datatrove, numpy, and what its extras for processing and languages have installed: another
    spaCy splits other words."""
    listed = [
        re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
        for line in requires("datatrove") or []
        if re.search(r"extra == .(processing|multilingual)", line)
    ]
    found = {}
    for name in ("datatrove", "numpy", *listed):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return tuple(sorted(found.items()))
