"""``winnow trace``."""

from __future__ import annotations

import argparse
import dataclasses
import json

from winnow.errors import ConfigError
from winnow.provenance import TracedDocument, TracedPiece, TracedTraining


def main(arguments: argparse.Namespace) -> int:
    asked = [arguments.step, arguments.url, arguments.doc_id]
    if sum(value is not None for value in asked) != 1:
        raise ConfigError("give one of --step N, --url URL, --doc-id ID")
    if arguments.row is not None and arguments.step is None:
        raise ConfigError("--row is a packed sample of a step: give --step as well")
    training = TracedTraining(arguments.checkpoint)
    found: list[TracedPiece] | list[TracedDocument]
    if arguments.step is not None:
        found = training.step(arguments.step, arguments.row)
        lines = [line for piece in found for line in _piece(piece)]
    else:
        found = training.document(url=arguments.url, doc_id=arguments.doc_id)
        lines = [line for each in found for line in _document(each)]
    if arguments.json:
        print(json.dumps([dataclasses.asdict(each) for each in found], ensure_ascii=False))
    else:
        print("\n".join(lines))
    return 0


def _piece(piece: TracedPiece) -> list[str]:
    lines = [
        f"row {piece.sample}  document {piece.doc_id}, tokens {piece.first_token:,} to "
        f"{piece.stop_token - 1:,}  {piece.url or ''}".rstrip()
    ]
    if piece.record:
        record = piece.record
        lines.append(
            f"       {record['warc_file']} from byte {record['warc_offset']:,}, "
            f"{record['warc_length']:,} bytes"
        )
        if record["command"]:
            lines.append(f"       {record['command']}")
    return lines


def _document(found: TracedDocument) -> list[str]:
    lines = [f"{found.split}: {found.token_count:,} tokens in {found.file}"]
    for each in found.epochs:
        first, last = each["first_step"], each["last_step"]
        steps = f"step {first:,}" if first == last else f"steps {first:,} to {last:,}"
        lines.append(f"  epoch {each['epoch']}: {steps}")
    if not found.epochs:
        lines.append(
            "  no step has read it" + (", it is for validation" * (found.split != "train"))
        )
    return lines
