"""Builds demo.warc.gz and expected.json out of the texts in this folder, always the same bytes.

    python demo/build_crawl.py [--out FOLDER]

Needs nothing but the standard library and no network.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import chaff
import charsets
import copies
import expectations
import faults
import prose
from capture import Capture
from dice import Dice
from warc_writer import WarcWriter

HERE = Path(__file__).parent
NEIGHBOUR_SHARE = 0.25  # of pages that come with their request and metadata records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE, help="where to write (default: demo/)")
    out: Path = parser.parse_args().out
    captures = in_crawl_order(plan())
    writer = WarcWriter()
    for capture in captures:
        neighbours = Dice(f"neighbours {capture.url}").chance(NEIGHBOUR_SHARE)
        writer.add(capture, with_neighbours=neighbours)
    facts = expectations.expected(captures, writer, blocked_domains())
    out.mkdir(parents=True, exist_ok=True)
    (out / "demo.warc.gz").write_bytes(writer.to_bytes())
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    (out / "expected.json").write_bytes(text.encode())
    warc = facts["warc"]
    print(f"{warc['responses']} responses, {warc['html_pages']} HTML pages, {warc['bytes']} bytes")


def plan() -> list[Capture]:
    books = prose.book_pages(spare_count=faults.SPARE_PASSAGES)
    articles = prose.article_pages()
    captures = [
        *articles, *books.pages, *prose.conversation_pages(), *prose.manual_pages(),
        *prose.product_pages(), *copies.exact_duplicates(articles + books.pages),
        *copies.print_views(), *copies.syndicated(), *copies.modernised(), *chaff.thin_pages(),
        *chaff.placeholder_pages(), *chaff.spam_pages(), *chaff.doorway_pages(),
        *chaff.blocked_pages(), *chaff.table_pages(), *charsets.charset_pages(),
        *faults.fault_pages(books.spare),
    ]  # fmt: skip
    urls = [capture.url for capture in captures]
    assert len(set(urls)) == len(urls), "two captures have the same URL"
    return captures


def in_crawl_order(captures: list[Capture]) -> list[Capture]:
    """Mixed up, as a crawl is, but with the cut record in the middle: good ones on both sides."""
    mixed = sorted(captures, key=lambda c: hashlib.sha256(c.url.encode()).digest())
    cut = next(capture for capture in mixed if capture.quirks.cut_gzip)
    mixed.remove(cut)
    mixed.insert(len(mixed) // 2, cut)
    return mixed


def blocked_domains() -> list[str]:
    lines = (HERE / "blocked_domains.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


if __name__ == "__main__":
    main()
