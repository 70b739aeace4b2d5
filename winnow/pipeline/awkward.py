"""Documents that no stage may stumble over: what crawls hold, and what a newcomer forgets.

The laws of :mod:`winnow.pipeline.laws` are checked on these. All texts are made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from winnow.schema import DOCUMENTS, RECORDS

TEXTS = (
    "",
    " ",
    " \t\n\u3000 ",
    "a",
    "\n",
    "\r\n",
    "\x00",
    "nul \x00 inside\x00",
    "\u0301",
    "\u0301\u0300\u20dd",
    "e\u0301 e\u0301\u0301\u0301",
    "مرحبا بالعالم \u202eevil\u202c שלום",
    "😀👩‍👩‍👧‍👦🏳️‍🌈 ☺️",
    "\\ud800 \\udfff \ufffd\ufffe\uffff \ud7ff\ue000 \U0010ffff",
    "one\r\ntwo\r\nthree\r",
    "one\u2028two\u2029three\x85four\x0bfive\x0csix\x1cseven",
    "日本語のテキスト。空白なし。" * 20,
    "- a\n• b\n- c…\n#...#\n",
    "the same line\n" * 30,
    "the same paragraph\n\n" * 30,
    "IS_ALPHA NOUN ORTH __label__en __label__hq",
    "It was the best of times, it was the worst of times, it was the age of wisdom. " * 9,
    "Es war einmal ein König, der hatte drei Töchter, und die jüngste war die schönste. " * 7,
    "http://user:pass@example.org:8080/a?b=c#d 10.0.0.1 a@b.c 3.14 -1e9 1,000",
    "x" * 1_000_000,
    "(.…!'\"" * 30_000,
    "a:b@c." * 30_000,
)

LANGUAGE_FIELDS = (pa.field("language", pa.string()), pa.field("language_prob", pa.float64()))
_LANGUAGES = ("en", None, "de", "zh", "und")
_CONTENT_TYPES = ("text/html", None, "text/html; charset=latin-1")


def documents(texts: Sequence[str] = TEXTS, *, without: Sequence[str] = ()) -> pa.RecordBatch:
    """A document a text, with the columns of ``schema.DOCUMENTS``, ``language`` (some null) and
    ``language_prob``, but for those in ``without``."""
    fields = [*DOCUMENTS, *LANGUAGE_FIELDS]
    rows = []
    for number, text in enumerate(texts):
        language = _LANGUAGES[number % len(_LANGUAGES)]
        prob = None if language is None else 0.5 + number % 7 / 16
        row = {**_record(number), "text": text, "text_bytes": len(text.encode())}
        rows.append({**row, "extractor": "test", "language": language, "language_prob": prob})
    return pa.RecordBatch.from_pylist(
        rows, pa.schema([field for field in fields if field.name not in without])
    )


def records(texts: Sequence[str] = TEXTS) -> pa.RecordBatch:
    """A record a text, as HTML or as it is, with the columns of ``schema.RECORDS``."""
    rows = []
    for number, text in enumerate(texts):
        page = f"<html><title>{text[:9]}</title><body><p>{text}</p>"
        payload = (page if number % 2 else text).encode("utf-8", "surrogatepass")
        if number % 5 == 0:
            payload = payload[1:]  # may cut a character
        kind = _CONTENT_TYPES[number % len(_CONTENT_TYPES)]
        rows.append({**_record(number), "content_type": kind, "payload": payload})
    return pa.RecordBatch.from_pylist(rows, RECORDS)


def _record(number: int) -> dict[str, Any]:
    return {
        "doc_id": number,
        "url": f"http://www.host{number}.org/path{number}",
        "domain": f"www.host{number}.org" if number else "",
        "crawl_date": datetime(2024, 5, 1, tzinfo=UTC) if number % 2 else None,
        "source": "test",
        "record_id": f"urn:uuid:{number}",
        "warc_file": "test.warc.gz",
        "warc_offset": number,
        "warc_length": 10,
    }


def batch_for(stage: Any, texts: Sequence[str] = TEXTS) -> pa.RecordBatch:
    """What ``stage`` may be tried on: records for one that reads pages, else documents, without
    the columns that it adds itself, with the scores of other filters that it reads."""
    if "payload" in stage.reads:
        return records(texts)
    measures = stage.measure_fields() if hasattr(stage, "measure_fields") else ()
    batch = documents(texts, without=[field.name for field in measures])
    for number, name in enumerate(stage.reads):
        if name not in batch.schema.names and name.rpartition("_")[2] in ("score", "prob"):
            scores = [None if row % 5 == number else row % 7 / 7 for row in range(len(texts))]
            batch = batch.append_column(name, pa.array(scores, pa.float64()))
    return batch
