"""The stage: its columns, its laws, its verdicts, and the chain from WARC to documents."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from winnow.errors import ConfigError, PlanError
from winnow.extract.stage import Extract
from winnow.schema import DOCUMENTS, RECORDS

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
ARTICLE = (
    b"<html><head><title>T</title></head><body><p>Some words of a page, and more.</p></body></html>"
)
ODD = [
    b"", b" \n ", b"x", b"x" * 1_000_000, "\u0301\u0301".encode(), b"a\0b\0", b"\xff\xfe\x00\xd8",
    b"\xed\xa0\x80", b"<", b"<html>", ARTICLE, b"<div>" * 10_000 + b"deep", b"\x80" * 50,
    b"<p>" * 600_000, b"<html>" + b"<p>much </p>" * 1000,
]  # fmt: skip


def batch(payloads: list[bytes], content_type: str | None = "text/html") -> pa.RecordBatch:
    rows = [
        {
            "doc_id": n, "url": f"http://a/{n}", "domain": "a", "crawl_date": None,
            "source": "warc", "record_id": str(n), "warc_file": "f", "warc_offset": n,
            "warc_length": 1, "content_type": content_type, "payload": payload,
        }
        for n, payload in enumerate(payloads)
    ]  # fmt: skip
    return pa.RecordBatch.from_pylist(rows, RECORDS)


def rows(
    stage: Extract, payloads: list[bytes], told: str | None = "text/html"
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.open()(batch(payloads, told)).to_pylist()
    return found


def test_schema() -> None:
    assert Extract().output_schema(RECORDS) == DOCUMENTS
    with pytest.raises(PlanError, match="'payload'"):
        Extract().output_schema(DOCUMENTS)


def test_a_page() -> None:
    row = rows(Extract(), [ARTICLE])[0]
    assert list(row) == DOCUMENTS.names
    assert (row["title"], row["text"]) == ("T", "Some words of a page, and more.")
    assert (row["charset"], row["extractor"], row["extract_problem"]) == (
        "utf-8",
        "resiliparse",
        None,
    )


@pytest.mark.parametrize("isolate", [True, False])
def test_laws(isolate: bool) -> None:
    stage = Extract(isolate=isolate)
    apply = stage.open()
    whole_input = batch(ODD)
    before = whole_input.to_pylist()
    whole = apply(whole_input)
    whole.validate(full=True)
    assert whole.schema == stage.output_schema(RECORDS)
    assert whole.column("doc_id").to_pylist() == list(range(len(ODD)))
    assert whole_input.to_pylist() == before
    assert apply(whole_input).equals(whole)
    for cut in (0, 1, 7, len(ODD)):
        parts = [apply(whole_input.slice(0, cut)), apply(whole_input.slice(cut))]
        assert pa.Table.from_batches(parts).combine_chunks() == pa.Table.from_batches([whole])
    assert apply(whole_input.slice(0, 0)).num_rows == 0
    copy = pickle.loads(pickle.dumps(stage))
    assert copy == stage
    assert hash(copy) == hash(stage)


def test_isolation_changes_nothing() -> None:
    for told in ("text/html", "text/plain", None, "text/html; charset=shift_jis"):
        assert rows(Extract(), ODD, told) == rows(Extract(isolate=False), ODD, told)


def test_text_is_there_or_the_reason_is() -> None:
    for row in rows(Extract(), ODD):
        assert (row["text"] == "") == (row["extract_problem"] is not None)
        assert "\0" not in row["text"]


def test_verdicts_on_bombs() -> None:
    pages = [
        ARTICLE, b"<div>" * 10_000 + b"x", b"<p>x" * 600_000, b"<html>" + b"x" * (50 << 20),
        b"<html>", ARTICLE,
    ]  # fmt: skip
    assert [row["extract_problem"] for row in rows(Extract(), pages)] == [
        None, "html_too_deep", "too_many_tags", "html_too_large", "no_text", None,
    ]  # fmt: skip


def test_nesting_that_passes_the_guard_ends_at_the_budget() -> None:
    stage = Extract(cpu_seconds=0.3, max_depth=10**6, max_tags=10**7)
    found = rows(stage, [ARTICLE, b"<div>" * 30_000 + b"x", ARTICLE])
    assert [row["extract_problem"] for row in found] == [None, "cpu_budget", None]


def test_plain_text_is_taken_as_it_is() -> None:
    text = "  a <b> c  \r\n\r\n\r\n\r\nd & e\t\n"
    row = rows(Extract(), [text.encode()], "text/plain; charset=utf-8")[0]
    assert (row["title"], row["text"]) == (None, "  a <b> c\n\nd & e")
    # HTML that is served as plain text is HTML
    assert rows(Extract(), [ARTICLE], "text/plain")[0]["title"] == "T"


def test_unknown_charset_and_nuls() -> None:
    payload = "<html><body><p>Schöne Wörter\0 auf einer Seite</p></body></html>".encode()
    row = rows(Extract(), [payload], "text/html; charset=x-nonsense")[0]
    assert (row["text"], row["charset"]) == ("Schöne Wörter auf einer Seite", "utf-8")


def test_trafilatura() -> None:
    stage = Extract(engine="trafilatura")
    assert stage.requires == ("resiliparse", "trafilatura")
    sentence = b"A sentence of the main text, number %d, with words enough for it. "
    body = b"".join(b"<p>" + sentence % n * 3 + b"</p>" for n in range(8))
    page = (
        b"<html><head><title>T</title></head><body><article>" + body + b"</article></body></html>"
    )
    found = rows(stage, [page, b"", page])
    assert found[0]["text"].count("A sentence of the main text") == 24
    assert [row["extractor"] for row in found] == ["trafilatura"] * 3
    assert [row["extract_problem"] for row in found] == [None, "no_text", None]
    assert found[0]["text"] == found[2]["text"]


def test_bad_settings() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'resiliparse'"):
        Extract(engine="resilparse")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="cpu_seconds"):
        Extract(cpu_seconds=0)


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data is not here")
def test_the_small_crawl_runs_in_full() -> None:
    from winnow.pipeline.stage import Tally
    from winnow.sources.warc import WarcSource

    source = WarcSource(paths=(str(DATA / "crawl" / "small.warc.gz"),))
    read, isolated, in_process = source.open(), Extract().open(), Extract(isolate=False).open()
    count = without_text = 0
    for split in source.splits():
        for pages in read(split, Tally()):
            found = isolated(pages)
            found.validate(full=True)
            assert found.equals(in_process(pages))
            count += found.num_rows
            problems = found.column("extract_problem").drop_null().to_pylist()
            assert set(problems) <= {"no_text"}
            without_text += len(problems)
    assert count == 1500
    assert without_text < 150
