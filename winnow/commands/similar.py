"""``winnow similar``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from winnow.corpus import open_corpus
from winnow.duplicates.similar import find_similar
from winnow.errors import ConfigError


def main(arguments: argparse.Namespace) -> int:
    if (arguments.url is None) == (arguments.text is None):
        raise ConfigError("give a URL of the run, or --text FILE (- is standard input)")
    if not 0 <= arguments.min_similarity <= 1:
        raise ConfigError(f"--min-similarity must be 0 to 1, got {arguments.min_similarity}")
    if arguments.n < 1:
        raise ConfigError(f"-n must be 1 or more, got {arguments.n}")
    found = find_similar(
        open_corpus(arguments.run),
        url=arguments.url,
        text=None if arguments.text is None else _read(arguments.text),
        language=arguments.language,
        block=arguments.block,
        most=arguments.n,
        min_similarity=arguments.min_similarity,
    )
    if arguments.json:
        print(json.dumps(dataclasses.asdict(found), ensure_ascii=False))
    else:
        print(found)
    return 0


def _read(path: str) -> str:
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"--text {path}: cannot be read: {error.strerror}") from error
    return data.decode("utf-8", "replace")
