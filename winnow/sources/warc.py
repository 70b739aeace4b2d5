"""WARC files as a source: Common Crawl's, wget's, ClueWeb's, WET's; whole or damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.errors import ConfigError
from winnow.pipeline.sizes import ByteSize
from winnow.pipeline.stage import Split, Tally
from winnow.schema import RECORDS, ROW_BITS
from winnow.sources.http_message import MAX_HEAD_BYTES, BadHttp
from winnow.sources.input_file import InputFile
from winnow.sources.pages import Pages, Skipped, block_digest_matches
from winnow.sources.reader import SplitReader
from winnow.sources.records import PAGE_KINDS, Damage
from winnow.sources.splits import cut, find_files

_SPLIT_BYTES = ByteSize(64 << 20)
_MAX_RECORD_BYTES = ByteSize(32 << 20)
_BATCH_BYTES = 64 << 20  # a batch of large pages is cut before its number of rows is reached


@dataclass(frozen=True, kw_only=True)
class WarcSource:
    """The pages in WARC files, a row a page, with the schema ``winnow.schema.RECORDS``.

    Rows are made of ``response`` records with status 200 and of ``resource`` and ``conversion``
    (WET) records, where they hold HTML, XHTML or plain text. Payloads are free of transfer and
    content encodings. A record belongs to the split in which its gzip member starts; files that
    are not gzip, or a single member, are read whole by their first split. The records found do not
    depend on ``split_bytes``; ``doc_id`` does.

    Every record is counted, and ``records`` = rows + the sum of ``skipped.*`` + the sum of
    ``problems.*``:

    ==============================  ============================================================
    ``records.<type>``              by WARC-Type; ``unreadable`` for what is no record any more
    ``skipped.record_type``         requests, metadata, … : never a page
    ``skipped.http_status``         not 200
    ``skipped.content_type``        not text
    ``skipped.content_encoding``    an encoding that nobody knows
    ``skipped.too_large``           above ``max_record_bytes``, also when only decoding shows it
    ``problems.<kind>``             damaged: named in the receipt as ``file@offset``
    ``files.empty``                 files of no bytes (beside the sum)
    ``digest_mismatch``             with ``verify_digests`` (beside the sum; the row is kept)
    ==============================  ============================================================
    """

    use: ClassVar[str] = "warc"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("fastwarc",)
    path_fields: ClassVar[tuple[str, ...]] = ("paths",)
    # the splits stand for the paths, by name and size
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("paths", "prefix", "base", "batch_rows")

    paths: tuple[str, ...]
    """Files, globs, URIs, or ``*.paths`` listings (also ``.gz``)."""
    name: str = "warc"
    """Value of the column ``source``."""
    prefix: str = ""
    """Put before each line of a listing, e.g. ``s3://commoncrawl/``."""
    split_bytes: ByteSize = _SPLIT_BYTES
    max_record_bytes: ByteSize = _MAX_RECORD_BYTES
    """Cap on a page's decoded bytes; larger ones are counted and skipped."""
    batch_rows: int = 64
    """Rows a batch; it cannot change the result."""
    base: str = ""
    """Folder that the column ``warc_file`` is relative to, where files lie on this machine; the
    config's own folder, if it comes from a file. Empty: ``warc_file`` is the path as it is."""
    verify_digests: bool = False
    """Whether to check ``WARC-Block-Digest`` and count what differs."""

    def __post_init__(self) -> None:
        for field in ("split_bytes", "max_record_bytes", "batch_rows"):
            if getattr(self, field) < 1:
                raise ConfigError(f"source 'warc': {field} must be at least 1")

    def splits(self) -> tuple[Split, ...]:
        return cut(find_files(self.paths, self.prefix), self.split_bytes, self.base)

    def output_schema(self) -> pa.Schema:
        return RECORDS

    def open(self) -> Callable[[Split, Tally], Iterator[pa.RecordBatch]]:
        reader = SplitReader(self.max_record_bytes + MAX_HEAD_BYTES)

        def read(split: Split, tally: Tally) -> Iterator[pa.RecordBatch]:
            first_row = 0
            for pages in self._batches(reader, split, tally):
                yield _to_batch(pages, self.name, split, first_row)
                first_row += len(pages.url)

        return read

    def _batches(self, reader: SplitReader, split: Split, tally: Tally) -> Iterator[Pages]:
        pages = Pages()
        cap = self.max_record_bytes
        kinds: dict[str, int] = {}
        skips: dict[str, int] = {}
        with InputFile(split.path) as file:
            if file.size == 0:
                tally.count("files.empty")
            for found in reader.read(file, split.start, split.end):
                if isinstance(found, Damage):
                    kinds["unreadable"] = kinds.get("unreadable", 0) + 1
                    tally.problem(found.kind, f"{split.name}@{found.offset}", found.what)
                    continue
                kind = found.kind
                kinds[kind] = kinds.get(kind, 0) + 1
                if kind not in PAGE_KINDS:
                    continue
                if self.verify_digests and block_digest_matches(found) is False:
                    tally.count("digest_mismatch")
                try:
                    pages.add(found, cap)
                except Skipped as skipped:
                    skips[skipped.reason] = skips.get(skipped.reason, 0) + 1
                except BadHttp as error:
                    tally.problem(error.kind, f"{split.name}@{found.offset}", error.what)
                else:
                    if len(pages.url) >= self.batch_rows or pages.payload.size >= _BATCH_BYTES:
                        yield pages
                        pages = Pages()
        others = sum(count for kind, count in kinds.items() if kind not in PAGE_KINDS)
        others -= kinds.get("unreadable", 0)
        if others:
            skips["record_type"] = skips.get("record_type", 0) + others
        tally.count("records", sum(kinds.values()))
        for kind, count in kinds.items():
            tally.count(f"records.{kind}", count)
        for reason, count in skips.items():
            tally.count(f"skipped.{reason}", count)
        if pages.url:
            yield pages


def _to_batch(pages: Pages, name: str, split: Split, first_row: int) -> pa.RecordBatch:
    rows = len(pages.url)
    doc_id = np.arange(first_row, first_row + rows, dtype=np.uint64)
    doc_id |= np.uint64(split.index << ROW_BITS)
    string, int64 = pa.string(), pa.int64()
    return pa.RecordBatch.from_arrays(
        [
            pa.array(doc_id),
            pa.array(pages.url, string),
            pa.array(pages.domain, string),
            pa.array(pages.crawl_date, int64).view(pa.timestamp("s", tz="UTC")),
            pa.repeat(pa.scalar(name, string), rows),
            pa.array(pages.record_id, string),
            pa.repeat(pa.scalar(split.name, string), rows),
            pa.array(pages.warc_offset, int64),
            pa.array(pages.warc_length, int64),
            pa.array(pages.content_type, string),
            pages.payload.to_array(),
        ],
        schema=RECORDS,
    )
