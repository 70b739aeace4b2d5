"""Makes winnow/text/english_rules.toml out of an installed spaCy (3.8)::

    python tests/text/make_rules.py

White space is left out of the special cases: a chunk has none.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

RULES = Path(__file__).resolve().parents[2] / "winnow" / "text" / "english_rules.toml"


def rules_of_spacy() -> dict[str, Any]:
    """What the file should hold, by the spaCy that is installed."""
    from spacy.lang.en import English
    from spacy.symbols import ORTH

    rules = English.Defaults
    return {
        "spacy": version("spacy"),
        "prefixes": [piece for piece in rules.prefixes if piece.strip()],
        "suffixes": [piece for piece in rules.suffixes if piece.strip()],
        "infixes": [piece for piece in rules.infixes if piece.strip()],
        "url": rules.url_match.__self__.pattern,
        "specials": {
            chunk: [str(token[ORTH]) for token in tokens]
            for chunk, tokens in sorted(rules.tokenizer_exceptions.items())
            if chunk.split() == [chunk]
        },
    }


def main() -> None:
    rules = rules_of_spacy()
    lines = [
        "# The rules of spaCy's English tokenizer, as data: made by tests/text/make_rules.py.",
        "# MIT licence, Copyright (C) 2016-2024 ExplosionAI GmbH, 2016 spaCy GmbH, 2015 Matthew",
        "# Honnibal; see NOTICE.",
        f"spacy = {_quoted(rules['spacy'])}",
        f"url = {_quoted(rules['url'])}",
    ]
    for name in ("prefixes", "suffixes", "infixes"):
        lines += [f"{name} = [", *(f"  {_quoted(piece)}," for piece in rules[name]), "]"]
    lines += ["", "[specials]"]
    for chunk, tokens in rules["specials"].items():
        lines.append(f"{_quoted(chunk)} = [{', '.join(map(_quoted, tokens))}]")
    RULES.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(text, ensure_ascii=False)


if __name__ == "__main__":
    main()
