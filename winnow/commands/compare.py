"""``winnow compare``."""

from __future__ import annotations

import argparse
import json

from winnow.compare import compare
from winnow.corpus import open_corpus
from winnow.errors import ConfigError


def main(arguments: argparse.Namespace) -> int:
    if arguments.n < 0:
        raise ConfigError(f"-n must be 0 or more, got {arguments.n}")
    found = compare(open_corpus(arguments.run), arguments.names, arguments.n)
    if arguments.json:
        print(json.dumps(found.as_dict(), ensure_ascii=False))
    else:
        print(found)
    return 0
