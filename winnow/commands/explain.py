"""``winnow explain``."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

from winnow.corpus import open_corpus
from winnow.schema import KEPT
from winnow.story import MeasureLine, Story, tell

_RECORD = ("title", "crawl_date", "source", "record_id", "content_type")


def main(arguments: argparse.Namespace) -> int:
    story = tell(open_corpus(arguments.run), arguments.url)
    if arguments.json:
        print(json.dumps(as_dict(story, arguments), ensure_ascii=False, default=str))
        return 0
    print("\n".join(_lines(story)))
    if arguments.diff:
        print("\n".join(["", "what the filters dropped and changed", *story.dropped_lines()]))
    if arguments.text:
        print(f"\n{story.text}")
    return 0


def as_dict(story: Story, arguments: argparse.Namespace) -> dict[str, Any]:
    """The story as plain data; the text where it is asked for."""
    plain = dataclasses.asdict(story)
    text, extracted = plain.pop("text"), plain.pop("extracted")
    plain["rewritten"] = story.rewritten
    plain["text_chars"] = {"extracted": len(extracted), "left": len(text)}
    if arguments.text:
        plain["text"] = text
    if arguments.diff:
        plain["diff"] = story.dropped_lines()
    return plain


def _lines(story: Story) -> list[str]:
    page = story.record
    lines = [f"{story.verdict}: {page['url']}", ""]
    lines += [_pair(name, page[name]) for name in _RECORD if page.get(name) is not None]
    if page.get("charset"):
        lines.append(_pair("charset", f"{page['charset']}, by {page.get('charset_why') or '?'}"))
    problem = f": {page['extract_problem']}" if page.get("extract_problem") else ""
    lines.append(_pair("extractor", f"{page['extractor']}{problem}"))
    chars = f"{len(story.extracted):,} characters"
    if story.rewritten:
        chars += f", {len(story.text):,} after the filters that rewrite"
    lines.append(_pair("text", chars))
    if story.languages:
        told = ", ".join(f"{label} {prob:.3f}" for label, prob in story.languages)
        lines.append(_pair("languages", told))
    lines += ["", f"  {'measure':<30}{'value':>12}{'margin':>10}   bound"]
    lines += [_measure(each) for each in story.measures]
    broken = sum(each.broken for each in story.measures)
    lines.append(
        f"\n  {'✗ ' if broken else ''}{broken or 'no'} bound{'s' * (broken != 1)} broken"
        f"{'; → is the one that the verdict names' if broken else ''}; margins are in units of the "
        "bound"
    )
    if story.recipes:
        lines += ["", "  verdicts besides"]
        lines += [f"    {name:<28}{verdict}" for name, verdict in story.recipes.items()]
    for cluster in story.clusters:
        if cluster["index_id"] is not None:
            lines += [
                "",
                f"  {cluster['step']}: {cluster['verdict']}, an index has it (document "
                f"{cluster['index_id']:,})",
                *_index_record(cluster["index_record"]),
            ]
            continue
        if cluster["size"] == 1:
            lines += ["", f"  {cluster['step']}: {cluster['verdict']}, nothing like it was found"]
            continue
        lines += [
            "",
            f"  {cluster['step']}: {cluster['verdict']}, in a cluster of {cluster['size']:,}",
            f"    survivor: {cluster['survivor_url']}",
        ]
        if cluster["similarity"] is not None:
            lines.append(f"    Jaccard similarity to it: {cluster['similarity']:.3f}")
        if cluster["repeat_count"]:
            lines.append(f"    training sees it {cluster['repeat_count']} times")
    for each in story.repeats:
        lines += ["", f"  {each['step']}: {each['verdict']}{', rewritten' * each['rewritten']}"]
        lines += [
            f"    {name:<28}{_value(value):>12}"
            for name, value in each.items()
            if isinstance(value, int | float) and name != "rewritten"
        ]
    if story.tokens is not None:
        tokens = story.tokens
        lines += [
            "",
            f"  tokens: {tokens['count']:,}, split {tokens['split']}, row {tokens['row']:,} of "
            f"{tokens['file']}",
        ]
    elif story.verdict == KEPT:
        lines += ["", "  tokens: none (not tokenised yet)"]
    place = story.bytes
    lines += [
        "",
        f"  {place['warc_file']}: warc_offset {place['warc_offset']:,}, warc_length "
        f"{place['warc_length']:,}",
    ]
    if place["command"]:
        lines.append(f"    {place['command']}")
    return lines


def _index_record(page: dict[str, Any] | None) -> list[str]:
    if page is None:
        return ["    which page that was cannot be told: the index is gone, or another one now"]
    lines = [
        f"    run:      {page['run']}, document {page['doc_id']} ({page['index']})",
        f"    page:     {page.get('url')}",
    ]
    if page.get("crawl_date") is not None:
        lines.append(f"    crawled:  {page['crawl_date']}")
    if page.get("warc_file") is not None:
        place = f"{page['warc_file']}, warc_offset {page['warc_offset']:,}"
        lines.append(f"    record:   {page['record_id']}, {place}")
    if page["similarity"] is not None:
        lines.append(f"    Jaccard similarity to it: {page['similarity']:.3f}")
    return lines


def _pair(name: str, value: Any) -> str:
    return f"  {name:<14}{value}"


def _measure(line: MeasureLine) -> str:
    mark = "→✗" if line.first else " ✗" if line.broken else "  "
    margin = "" if line.margin is None else f"{line.margin:+.2f}"
    return f"{mark}{line.measure:<30}{_value(line.value):>12}{margin:>10}   {line.bound}".rstrip()


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return "–" if value is None else str(value)
