"""``winnow peek``."""

from __future__ import annotations

import argparse
import heapq
import json
from collections.abc import Iterator
from typing import Any

from winnow.corpus import Corpus, open_corpus
from winnow.errors import ConfigError
from winnow.hashing import keyed_hash
from winnow.rows import Rows

_COLUMNS = ("doc_id", "url", "title", "verdict", "extract_problem", "text")


def main(arguments: argparse.Namespace) -> int:
    for option, value in (("-n", arguments.n), ("--chars", arguments.chars)):
        if value < 1:
            raise ConfigError(f"{option} must be 1 or more, got {value}")
    corpus = open_corpus(arguments.run)
    chosen = list(_sample(_rows(corpus, arguments), arguments))
    if arguments.json:
        for row in chosen:
            print(json.dumps(row, ensure_ascii=False))
        return 0
    for row in chosen:
        print(_describe(row, arguments.chars))
    if not chosen:
        print("no such document")
    return 0


def _rows(corpus: Corpus, arguments: argparse.Namespace) -> Rows:
    if arguments.verdicts is not None:
        rows = _applied(corpus, arguments)
    elif arguments.kept:
        rows = corpus.kept()
    elif arguments.rejected is not None:
        rows = corpus.rejected(arguments.rejected or None)
    else:
        rows = corpus.documents
    return rows.select(*_COLUMNS)


def _applied(corpus: Corpus, arguments: argparse.Namespace) -> Rows:
    """As the verdicts of `winnow whatif --apply` have it; without --rejected, what they keep."""
    if arguments.rejected is None:
        return corpus.kept(arguments.verdicts)
    return corpus.rejected(arguments.rejected or None, verdicts=arguments.verdicts)


def _sample(rows: Rows, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The ``n`` documents with the smallest seeded hash: the same ones for the same seed."""
    best: list[tuple[int, int, dict[str, Any]]] = []
    for batch in rows.batches():
        keys = keyed_hash(batch.column("doc_id").to_numpy(), arguments.seed)
        for index in keys.argsort(kind="stable"):
            key = int(keys[index])
            if len(best) == arguments.n and key >= -best[0][0]:
                break
            row = batch.slice(int(index), 1).to_pylist()[0]
            if arguments.url and arguments.url not in row["url"]:
                continue
            entry = (-key, row["doc_id"], row)
            if len(best) < arguments.n:
                heapq.heappush(best, entry)
            else:
                heapq.heapreplace(best, entry)
    for _, _, row in sorted(best, reverse=True):
        yield row


def _describe(row: dict[str, Any], chars: int) -> str:
    reason = row["verdict"]
    if reason == "extract_problem":
        reason += f" ({row['extract_problem']})"
    text = row["text"]
    shown = text if len(text) <= chars else text[:chars] + " …"
    title = f"{row['title']}\n" if row["title"] else ""
    return f"── {reason} · {row['url']} · {len(text):,} characters\n{title}{shown}\n"
