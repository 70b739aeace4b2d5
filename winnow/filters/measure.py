"""Filters of your own: a function marked ``@measure``, named in a config as ``module:function``.

::

    # my_filters.py
    import pyarrow.compute as pc
    from winnow import measure

    @measure
    def digit_share(text):
        "Share of characters that are digits 0-9, in [0, 1]; 0 for an empty text."
        digits = pc.count_substring_regex(text, "[0-9]").cast("double")
        return pc.divide(digits, pc.max_element_wise(pc.utf8_length(text), 1))

    # in the config
    [[stage]]
    use = "my_filters:digit_share"
    max = 0.2

Parameters are the columns that it reads, as Arrow arrays; it returns a number for each row, as an
Arrow or numpy array. Keyword-only parameters are keys of the config, typed by their annotation.
``@measure.per_document`` takes plain Python: a function from values of one row to a number.

``winnow check my_filters:digit_share`` tries it on texts that crawls hold, and says which law of a
stage it breaks, on what text (:mod:`winnow.pipeline.laws`).
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from winnow.errors import ConfigError, StageError, brief
from winnow.filters.measured import append_measures
from winnow.pipeline.bounds import Bound, override
from winnow.pipeline.fingerprint import file_digest
from winnow.pipeline.registry import import_beside
from winnow.pipeline.stage import BatchFunction
from winnow.pipeline.typed import build
from winnow.schema import require_columns

_SIDES = ("min", "max", "per_language", "top_share", "by", "per")


@dataclass(frozen=True)
class MeasureFunction:
    """A function marked :data:`measure`; calling it calls the function."""

    function: Callable[..., Any]
    per_document: bool = False

    def __call__(self, *columns: Any, **options: Any) -> Any:
        return self.function(*columns, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        return _load, (self.function.__module__, self.function.__qualname__)

    @property
    def description(self) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def reads(self) -> tuple[str, ...]:
        """The columns it reads: its positional parameters."""
        parameters = inspect.signature(self.function).parameters.values()
        return tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)

    def option_fields(self) -> list[tuple[str, Any, Any]]:
        """(name, type, default) of its keyword-only parameters."""
        hints = get_type_hints(self.function)
        return [
            (
                p.name,
                hints.get(p.name),
                dataclasses.MISSING if p.default is p.empty else p.default,
            )
            for p in inspect.signature(self.function).parameters.values()
            if p.kind is p.KEYWORD_ONLY
        ]


class _Decorator:
    """``@measure`` over Arrow columns, ``@measure.per_document`` over the values of a row."""

    def __call__(self, function: Callable[..., Any]) -> MeasureFunction:
        return MeasureFunction(function)

    def per_document(self, function: Callable[..., Any]) -> MeasureFunction:
        return MeasureFunction(function, per_document=True)


measure = _Decorator()


@dataclass(frozen=True, kw_only=True)
class UserFilter:
    """A measure of the user's, as the plan knows it: by name, and by its module's hash."""

    use: str
    """``module:function``."""
    columns: tuple[str, ...]
    options: tuple[tuple[str, Any], ...] = ()
    suffix: str = ""
    """Put behind the name of the column, for a second one of the same function."""
    module_sha256: str
    folder: str = field(compare=False)
    """Where the plan's process imports the module from; a worker looks there too."""

    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ()
    rewrites: ClassVar[bool] = False
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("folder",)

    @classmethod
    def from_object(cls, use: str, obj: Any, options: dict[str, Any]) -> UserFilter:
        """The filter for ``obj``, which the config calls ``use``, with its keys ``options``.

        :class:`ConfigError` if it is not marked ``@measure`` or a key does not fit.
        """
        where = f"stage '{use}'"
        if not isinstance(obj, MeasureFunction):
            raise ConfigError(
                f"{where} is a {type(obj).__name__}, not a function marked @winnow.measure",
                remedy="Write `from winnow import measure` and put @measure above it.",
            )
        if not obj.reads():
            raise ConfigError(
                f"{where} has no parameter, so it reads no column",
                remedy="Name a parameter after each column that it needs, e.g. text.",
            )
        source = _source(obj)
        if source is None:
            raise ConfigError(f"{where} must live in a file, so that workers can import it")
        own = {name for name, _, _ in obj.option_fields()}
        suffix = "" if "suffix" in own else options.get("suffix", "")
        if not isinstance(suffix, str) or not f"a_{suffix}".isidentifier():
            raise ConfigError(f"{where}: suffix must be letters, digits and _, got {suffix!r}")
        given = {k: v for k, v in options.items() if k != "suffix" or k in own}
        values = _options(obj, given, where)
        return cls(
            use=use,
            suffix=suffix,
            columns=obj.reads(),
            options=tuple(values.items()),
            module_sha256=file_digest(source),
            folder=import_folder(use.partition(":")[0]),
        )

    @property
    def measure(self) -> str:
        """The function's name, as a config's bounds call it."""
        return self.use.partition(":")[2].rpartition(".")[2]

    @property
    def name(self) -> str:
        """Of the column."""
        return f"{self.measure}_{self.suffix}" if self.suffix else self.measure

    @property
    def reads(self) -> tuple[str, ...]:
        return self.columns

    def measure_fields(self) -> tuple[pa.Field, ...]:
        return (pa.field(self.name, pa.float64()),)

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_columns(schema, self.columns, self.use)
        return pa.schema([*schema, *self.measure_fields()])

    @classmethod
    def parse_bounds(cls, table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """(``min``, ``max``, ``per_language`` and tables of them, the function's own keys)."""
        limits = {
            k: v for k, v in table.items() if k in _SIDES or isinstance(v, dict) or v == "off"
        }
        return limits, {k: v for k, v in table.items() if k not in limits}

    def bounds(self, table: dict[str, Any]) -> tuple[Bound, ...]:
        """The bound that the config sets, if any: a measure of your own has no default."""
        sides = {key: table[key] for key in _SIDES if key in table}
        limits = {key: value for key, value in table.items() if key not in sides}
        if sides:
            named = limits.get(self.measure, {})
            limits[self.measure] = {**sides, **named} if isinstance(named, dict) else named
        found = override((), limits, self.use, (self.measure,))
        return tuple(dataclasses.replace(bound, measure=self.name) for bound in found)

    def open(self) -> BatchFunction:
        function = self._function()
        options = dict(self.options)

        def run(batch: pa.RecordBatch) -> pa.RecordBatch:
            columns = [batch.column(name) for name in self.columns]
            try:
                if function.per_document:
                    rows = zip(*(column.to_pylist() for column in columns), strict=True)
                    result: Any = [function(*row, **options) for row in rows]
                else:
                    result = function(*columns, **options)
                numbers = _numbers(result)
            except Exception as error:
                raise self._failure(batch, f"failed: {brief(error)}") from error
            if len(numbers) != batch.num_rows:
                raise self._failure(
                    batch, f"returned {len(numbers)} numbers for {batch.num_rows} documents"
                )
            wrong = np.flatnonzero(~np.isfinite(numbers))
            if len(wrong):
                raise self._failure(
                    batch.slice(int(wrong[0])),
                    f"returned no number (null, NaN or infinite) for {len(wrong)} documents",
                    remedy="Return a finite number for every document; 0 for an empty text, say.",
                )
            return append_measures(batch, self.measure_fields(), [numbers])

        return run

    def _function(self) -> MeasureFunction:
        module, _, name = self.use.partition(":")
        # read anew: a worker of a long-lived cluster may have it as it was before it was edited
        function: MeasureFunction = _attribute(import_beside(module, Path(self.folder)), name)
        source = _source(function)
        if source is None or file_digest(source) != self.module_sha256:
            raise StageError(
                f"stage '{self.use}': {source} is not the file that the plan was made with",
                stage=self.use,
                remedy="It was edited since, or a worker finds another module of that name first.",
            )
        return function

    def _failure(
        self, batch: pa.RecordBatch, what: str, *, remedy: str | None = None
    ) -> StageError:
        where = ""
        if "doc_id" in batch.schema.names and batch.num_rows:
            where = f"documents from doc_id {batch.column('doc_id')[0].as_py()}"
        place = f", {where}" if where else ""
        return StageError(
            f"stage '{self.use}'{place}: {what}", stage=self.use, where=where, remedy=remedy
        )


def _options(function: MeasureFunction, table: dict[str, Any], where: str) -> dict[str, Any]:
    """The config's keys, typed as the function annotates them, defaults filled in."""
    fields: list[tuple[str, Any, Any]] = []
    for name, hint, default in function.option_fields():
        if hint is None:
            raise ConfigError(
                f"{where}: the keyword-only parameter {name!r} has no type",
                remedy=f"Annotate it, e.g. {name}: float = 0.5",
            )
        fields.append((name, hint, field(default=default)))
    kind = dataclasses.make_dataclass("Options", fields, frozen=True, kw_only=True)
    values = build(kind, table, where, Path())
    return {name: getattr(values, name) for name, _, _ in fields}


def _numbers(result: Any) -> npt.NDArray[np.float64]:
    """``result`` as ``float64[rows]``; null becomes NaN."""
    if isinstance(result, pa.ChunkedArray | pa.Array):
        if not pa.types.is_boolean(result.type) and not pa.types.is_primitive(result.type):
            raise TypeError(f"expected numbers, got an Arrow array of {result.type}")
        result = result.cast(pa.float64()).to_numpy(zero_copy_only=False)
    elif isinstance(result, list):
        result = [np.nan if value is None else value for value in result]
    numbers = np.asarray(result)
    if numbers.ndim != 1 or numbers.dtype.kind not in "biuf":
        raise TypeError(f"expected a column of numbers, got {numbers.dtype}{numbers.shape}")
    return numbers.astype(np.float64)


def _source(function: MeasureFunction) -> str | None:
    """The file that defines ``function``."""
    return getattr(sys.modules.get(function.function.__module__), "__file__", None)


def import_folder(module: str) -> str:
    """The folder of ``sys.path`` that the imported ``module`` lies under."""
    file = Path(str(sys.modules[module].__file__)).absolute()
    levels = module.count(".") + (file.name == "__init__.py")
    return str(file.parents[levels])


def _load(module: str, name: str) -> Any:
    return _attribute(import_module(module), name)


def _attribute(value: Any, name: str) -> Any:
    for step in name.split("."):
        value = getattr(value, step)
    return value
