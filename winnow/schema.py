"""Names and Arrow types of the columns that more than one package speaks of.

A column that only one stage family writes is declared there. Unit suffixes: ``_count``, ``_share``
(0 to 1), ``_chars`` (code points), ``_bytes``, ``_words``, ``_tokens``, ``_seconds``, ``_prob``,
``_score``.
"""

from __future__ import annotations

import pyarrow as pa

from winnow.errors import PlanError, nearest

# What a source writes: a record that holds a page, before its text is known.
RECORD_FIELDS = (
    pa.field("doc_id", pa.uint64(), nullable=False),  # split number << 32 | row in the split
    pa.field("url", pa.string(), nullable=False),
    pa.field("domain", pa.string(), nullable=False),  # host of the URL, lower case, no port
    pa.field("crawl_date", pa.timestamp("s", tz="UTC")),  # null where the record has none
    pa.field("source", pa.string(), nullable=False),  # the name that the config gives the input
    pa.field("record_id", pa.string(), nullable=False),  # WARC-Record-ID without the brackets
    pa.field("warc_file", pa.string(), nullable=False),  # as listed in the plan
    pa.field("warc_offset", pa.int64(), nullable=False),  # of the record's gzip member, in bytes
    pa.field("warc_length", pa.int64(), nullable=False),  # compressed bytes of the record
)
# The page itself. These columns live between the source and `extract`, never in a store.
PAYLOAD_FIELDS = (
    pa.field("content_type", pa.string()),  # HTTP (or WARC) Content-Type, parameters included
    pa.field("payload", pa.large_binary(), nullable=False),  # HTTP body, transfer decoded
)
# What extraction adds. A page that gave no text keeps its row: `extract_problem` says why.
TEXT_FIELDS = (
    pa.field("title", pa.string()),
    pa.field("text", pa.large_string(), nullable=False),
    pa.field("text_bytes", pa.int64(), nullable=False),  # of the text in UTF-8
    pa.field("charset", pa.string()),  # the one the bytes were decoded with
    pa.field("charset_why", pa.string()),  # bom, http, meta, utf-8, utf-16, repaired, detected, …
    pa.field("extractor", pa.string(), nullable=False),
    pa.field("extract_problem", pa.string()),  # null: none
)

RECORDS = pa.schema([*RECORD_FIELDS, *PAYLOAD_FIELDS])
DOCUMENTS = pa.schema([*RECORD_FIELDS, *TEXT_FIELDS])

KEPT = "kept"  # the verdict of a document that no bound and no duplicate has cost

ROW_BITS = 32  # doc_id = split << ROW_BITS | row


def require_columns(schema: pa.Schema, needed: tuple[str, ...], stage: str) -> None:
    """Raise :class:`PlanError` naming the columns of ``needed`` that ``schema`` lacks."""
    for column in needed:
        if column not in schema.names:
            raise PlanError(
                f"stage '{stage}' reads column '{column}', which nothing before it writes."
                + nearest(column, schema.names)
                + f"\n  columns here: {', '.join(schema.names)}",
                remedy=_WRITERS.get(column),
            )


_WRITERS = {
    "text": "'extract' writes 'text'; put it before this stage.",
    "payload": "'payload' is there between the source and 'extract' only.",
    "language": "'language' writes 'language'; put it before this stage.",
}
