"""``winnow clusters``."""

from __future__ import annotations

import argparse
import html
import json
import shutil
from pathlib import Path

from winnow.corpus import Corpus, open_corpus
from winnow.duplicates.blocks import find_block
from winnow.duplicates.clusters import Clusters, find_clusters
from winnow.errors import ConfigError, StoreError


def main(arguments: argparse.Namespace) -> int:
    for name in ("n", "members"):
        if getattr(arguments, name) < 0:
            flag = "-n" if name == "n" else f"--{name}"
            raise ConfigError(f"{flag} must be 0 or more, got {getattr(arguments, name)}")
    corpus = open_corpus(arguments.run)
    cluster_id = arguments.cluster
    if arguments.url is not None:
        cluster_id = _cluster_of(corpus, arguments.url, arguments.block)
    found = find_clusters(
        corpus,
        block=arguments.block,
        most=arguments.n,
        members=arguments.members,
        cluster_id=cluster_id,
    )
    if arguments.json:
        clusters = [each.as_dict(text=True) for each in found.largest]
        print(json.dumps({"sizes": found.sizes, "clusters": clusters}, ensure_ascii=False))
    elif arguments.html is not None:
        try:
            Path(arguments.html).write_text(_page(corpus.name, found), encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"--html {arguments.html}: {error.strerror}") from error
        print(f"wrote {arguments.html}")
    else:
        width = shutil.get_terminal_size((120, 24)).columns
        blocks = ["\n".join(each.as_text(width, arguments.context)) for each in found.largest]
        print("\n\n".join(["\n".join(found.size_lines()), *blocks]))
    return 0


def _cluster_of(corpus: Corpus, url: str, block: str | None) -> int:
    row = corpus.document(url).story.get(find_block(corpus, block).name, {})
    if row.get("cluster_id") is None:
        raise StoreError(
            f"{url} was rejected before this deduplication, so it is in no cluster",
            remedy="`winnow explain` tells by what.",
        )
    if row["cluster_size"] == 1:
        raise StoreError(f"nothing like {url} was found: its cluster is itself alone")
    return int(row["cluster_id"])


def _page(name: str, found: Clusters) -> str:
    title = html.escape(f"{name}: clusters of {found.block}")
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="color-scheme" content="light dark"></head>'
        f'<body style="font-family:sans-serif;max-width:70em;margin:2em auto;padding:0 1em">'
        f"<h2>{title}</h2>{found._repr_html_()}</body></html>\n"
    )
