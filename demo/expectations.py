"""Writes down what was planted, for the tests to hold the pipeline to."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from capture import Capture
from warc_writer import WarcWriter

Facts = dict[str, Any]

# What the reader of expected.json needs to know first.
ABOUT = {
    "fate": {
        "keep": "real text: must_contain is in its document; a strict recipe may reject a few",
        "drop": "must not reach the training data; `by` says who is expected to stop it",
        "one_of": "one of a group of copies; see groups",
        "either": "honest judges differ",
    },
    "by": "source, extract, url, language, filter or dedup",
    "must_contain": "words of the main text, compared after white space is made single",
    "must_not_contain": "words of menus, banners and pop-ups",
    "groups": "urls that say the same thing, the original first, and how alike each is to it: "
    "the share of five-word sequences in common, lower case, without punctuation",
}


def expected(captures: Sequence[Capture], writer: WarcWriter, blocked: list[str]) -> Facts:
    groups = _groups(captures)
    grouped = {url for group in groups for url in group["urls"]}
    data = writer.to_bytes()
    responses = [capture for capture in captures if not capture.quirks.revisit_of]
    return {
        "about": ABOUT,
        "warc": {
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
            "records": dict(sorted(writer.record_counts.items())),
            "responses": len(responses),
            "readable_responses": sum(not c.quirks.cut_gzip for c in responses),
            "html_pages": sum(c.is_html and c.status.startswith("200") for c in responses),
        },
        "kinds": dict(sorted(Counter(c.kind for c in captures).items())),
        "fates": dict(sorted(Counter(_fate(c, grouped) for c in captures).items())),
        "languages": dict(sorted(Counter(c.language for c in captures if c.language).items())),
        "blocked_domains": blocked,
        "groups": groups,
        "pages": [_page(capture, writer, grouped) for capture in captures],
    }


def _page(capture: Capture, writer: WarcWriter, grouped: set[str]) -> dict[str, object]:
    offset, length = writer.places[capture.url]
    entry = capture.expectation()
    entry["fate"] = _fate(capture, grouped)
    return {**entry, "offset": offset, "length": length}


def _fate(capture: Capture, grouped: set[str]) -> str:
    return "one_of" if capture.url in grouped and capture.fate == "keep" else capture.fate


def _groups(captures: Sequence[Capture]) -> list[Facts]:
    """Groups that share an original are one group: a print view may have a mirror."""
    members: dict[str, list[Capture]] = {}
    for capture in captures:
        if capture.group:
            members.setdefault(capture.group.first, []).append(capture)
    return [_group(first, members[first]) for first in sorted(members)]


def _group(first: str, copies: Sequence[Capture]) -> Facts:
    groups = {c.url: c.group for c in copies if c.group and c.url != first}
    return {
        "kinds": sorted({group.kind for group in groups.values()}),
        "urls": [first, *sorted(groups)],
        "jaccard": {url: g.jaccard for url, g in sorted(groups.items()) if g.jaccard is not None},
    }
