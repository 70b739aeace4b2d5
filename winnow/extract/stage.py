"""The stage "extract": from the bytes of pages to documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc

from winnow.errors import ConfigError, nearest
from winnow.extract.engines import ENGINES
from winnow.extract.extraction import Settings, open_extraction
from winnow.extract.frames import PageBytes, ResultBytes, encode_result
from winnow.extract.guard import Limits
from winnow.extract.supervisor import Sandbox
from winnow.pipeline.sizes import ByteSize
from winnow.pipeline.stage import BatchFunction
from winnow.schema import PAYLOAD_FIELDS, TEXT_FIELDS, require_columns

_MAX_HTML_BYTES = ByteSize(16 << 20)
_MEMORY_BYTES = ByteSize(4 << 30)
_LEAST_MEMORY_BYTES = 512_000_000


@dataclass(frozen=True, kw_only=True)
class Extract:
    """Main text and title of every page; the columns ``payload`` and ``content_type`` go.

    Every row is kept. ``extract_problem`` says why a page has no text, and is null where it has:

    ===================  ====================================================================
    ``no_text``          nothing that the engine takes for main text
    ``html_too_large``   above ``max_html_bytes``
    ``too_many_tags``    above ``max_tags``
    ``html_too_deep``    nested deeper than ``max_depth``
    ``cpu_budget``       took more than ``cpu_seconds`` of CPU time
    ``memory_budget``    needed more than ``memory_bytes``
    ``extract_failed``   the engine raised an error
    ``extract_crashed``  the engine's process died on it (twice, if it was ended from outside)
    ===================  ====================================================================

    ``text/plain`` pages become text as they are, decoded. Text has ``\\n`` line ends, no NULs, no
    white space at the ends of lines, and at most one blank line in a row; it is not normalised
    otherwise. ``charset`` is the WHATWG name of the charset that the bytes were decoded with.
    """

    use: ClassVar[str] = "extract"
    version: ClassVar[int] = 2

    engine: Literal["resiliparse", "trafilatura"] = "resiliparse"
    cpu_seconds: float = 5.0
    """A page's CPU time; without ``isolate`` there is no limit."""
    max_depth: int = 1000
    """Browsers stop at 512; resiliparse's time grows with the square beyond some thousand."""
    max_tags: int = 500_000
    max_html_bytes: ByteSize = _MAX_HTML_BYTES
    memory_bytes: ByteSize = _MEMORY_BYTES
    """Address space of the process that extracts; without ``isolate`` there is no limit."""
    isolate: bool = True
    """Whether pages are extracted in a process that may die; the results are the same."""

    def __post_init__(self) -> None:
        if self.engine not in ENGINES and ":" not in self.engine:
            raise ConfigError(
                f"stage 'extract': unknown engine {self.engine!r}.{nearest(self.engine, ENGINES)}",
                remedy=f"Engines: {', '.join(ENGINES)}",
            )
        for field in ("cpu_seconds", "max_depth", "max_tags", "max_html_bytes", "memory_bytes"):
            if not getattr(self, field) > 0:
                raise ConfigError(f"stage 'extract': {field} must be above 0")
        if not 0.1 <= self.cpu_seconds <= 3600:  # the kernel's clock ticks in hundredths
            raise ConfigError("stage 'extract': cpu_seconds must be between 0.1 and 3600")
        if self.isolate and self.memory_bytes < _LEAST_MEMORY_BYTES:
            raise ConfigError(
                f"stage 'extract': memory_bytes must be {_LEAST_MEMORY_BYTES:,} or more: the "
                "libraries alone take that"
            )

    @property
    def requires(self) -> tuple[str, ...]:
        # resiliparse detects charsets for every engine
        return ("resiliparse",) if self.engine == "resiliparse" else ("resiliparse", "trafilatura")

    @property
    def reads(self) -> tuple[str, ...]:
        return ("payload", "content_type")

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_columns(schema, self.reads, self.use)
        gone = {field.name for field in (*PAYLOAD_FIELDS, *TEXT_FIELDS)}
        return pa.schema([*(field for field in schema if field.name not in gone), *TEXT_FIELDS])

    def open(self) -> BatchFunction:
        settings = Settings(
            engine=self.engine,
            limits=Limits(
                max_html_bytes=self.max_html_bytes,
                max_tags=self.max_tags,
                max_depth=self.max_depth,
            ),
        )
        run: Callable[[list[PageBytes]], list[ResultBytes]]
        if self.isolate:
            run = Sandbox(
                settings, cpu_seconds=self.cpu_seconds, memory_bytes=self.memory_bytes
            ).extract
        else:
            extract = open_extraction(settings)

            def run(pages: list[PageBytes]) -> list[ResultBytes]:
                return [encode_result(extract(bytes(page), told)) for page, told in pages]

        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            schema = self.output_schema(batch.schema)
            results = run(_pages(batch))
            columns = {
                name: pa.array([result[index] for result in results], schema.field(name).type)
                for index, name in enumerate(RESULT_COLUMNS)
            }
            columns["text_bytes"] = pc.binary_length(columns["text"])
            engine = pa.scalar(self.engine, schema.field("extractor").type)
            columns["extractor"] = pa.repeat(engine, batch.num_rows)
            return pa.RecordBatch.from_arrays(
                [columns[name] if name in columns else batch.column(name) for name in schema.names],
                schema=schema,
            )

        return apply


RESULT_COLUMNS = ("title", "text", "charset", "charset_why", "extract_problem")


def _pages(batch: pa.RecordBatch) -> list[PageBytes]:
    """Payloads as views into the batch, with their content types."""
    column = batch.column("payload")
    told = batch.column("content_type").to_pylist()
    if not told:
        return []
    _, offset_buffer, data = column.buffers()
    width = 8 if pa.types.is_large_binary(column.type) else 4
    offsets = memoryview(offset_buffer).cast("q" if width == 8 else "i")
    view = memoryview(data) if data is not None else memoryview(b"")
    first = column.offset
    return [
        (view[offsets[first + row] : offsets[first + row + 1]], told[row])
        for row in range(len(told))
    ]
