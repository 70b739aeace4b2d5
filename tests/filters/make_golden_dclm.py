"""Makes golden_dclm.json.gz: what DCLM's own functions say of some hundred texts, and make of them.

The oracle is a checkout of DCLM (github.com/mlfoundations/dclm, baselines as of c7ed275) in an
environment with its requirements; uniseg names no version there, and 0.10.1 made these::

    PYTHONPATH=dclm:dclm/baselines python tests/filters/make_golden_dclm.py dclm

Texts are those of make_golden.py and ours.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from make_golden import texts as prose

GOLDEN = Path(__file__).with_name("golden_dclm.json.gz")

PIECES = (
    *("The ", "In ", "What ", "a ", " ", "  ", "\n", "\n\n", "\n\n\n", "\t", "\u3000", "\xa0"),
    *("http://www.example.com/a?b=c", "https://x.org", "ftp://f.de/", "foo.bar.com", "x..com"),
    *("1.2.3.4", "256.1.1.1:80/x", "300.1.2.3", "user@mail.co.uk", "end.it is", ".com", "a.测试"),
    *("சிங்கப்பூர்", "e.சிங்கப்பூர்", "x.भारतम्", "3 likes", "1,200K views", "5\u212a likes", "٣ likes"),
    *("Read more...", "read more>>>", "Sign-in", "ſign-in x", "SİGN-IN", "2 items in cart"),
    *("ITEMS IN CART", "items  in cart", "ABC DEF", "12345", "12 34", "word", "two words"),
    *("…", "...", ". . .", "#", "● x", "* y", "- z", "the", "And", "of\n", "don't", "can’t"),
    *("3.14", "日本語テスト", "カタカナ", "한국어", "\u0301", "\u200d", "🇩🇪🇫🇷", "👩\u200d👩"),
    *("a\u202fb", "\x1c", "\x85", "\u2028", "_x_", 'שלום"ה', "é", "\x00"),
)
LENGTHS = (
    "The " + "x" * 255 + ".com.org z",
    "The " + "x" * 256 + ".com/y z",
    "The " + "x" * 257 + ".com z",
    "The http://" + "x" * 256 + ".com" + "y" * 9 + ".org.a z",
    "The http://" + "x" * 257 + ".com z",
    "The" + " " * 12 + "a.com b",
)
# granularity, most, by characters: massive_web_repetition_filters, a step at a time
REPETITION = (
    *(("line", 0.3, False), ("paragraph", 0.3, False), ("line", 0.2, True)),
    *(("paragraph", 0.2, True), (2, 0.2, True), (3, 0.18, True), (4, 0.16, True)),
    *((5, 0.15, True), (6, 0.14, True), (7, 0.13, True), (8, 0.12, True), (9, 0.11, True)),
    (10, 0.10, True),
)


def texts() -> Iterator[str]:
    """Every text, in a fixed order."""
    yield from prose()
    yield from LENGTHS
    choice = random.Random(3)
    for _ in range(500):
        yield "".join(choice.choice(PIECES) for _ in range(choice.randint(0, 30)))
    for _ in range(300):
        some = choice.sample(PIECES, 6)
        yield "\n".join(
            " ".join(choice.choice(some) for _ in range(choice.randint(0, 9)))
            for _ in range(choice.randint(1, 9))
        )
    for _ in range(150):
        words = [
            "".join(choice.choice("abc") for _ in range(choice.randint(1, 5))) for _ in "a" * 9
        ]
        yield " ".join(choice.choice(words) for _ in range(choice.randint(0, 90)))
    passages = [text for text in prose() if len(text) > 300]
    for passage in passages[::3]:  # long enough to get past the count of words
        lines = [choice.choice(PIECES) for _ in range(choice.randint(1, 4))]
        yield "\n".join(
            [passage, *lines, choice.choice(passages), passage[: choice.randint(1, 400)]]
        )


def main() -> None:
    sys.path[:0] = [sys.argv[1], f"{sys.argv[1]}/baselines"]
    os.chdir(sys.argv[1])
    from baselines.mappers import modifiers
    from baselines.mappers.core_utils import split_words
    from baselines.mappers.filters import content_filters as filters

    quality: list[tuple[str, Callable[..., Any], dict[str, Any]]] = [
        (
            "word_count",
            filters.page_length_filter,
            {
                "length_type": "word",
                "min_length": 50,
                "max_length": 100_000,
                "ignore_punctuation": True,
            },
        ),
        ("mean_word_chars", filters.word_length_filter, {"min_length": 3, "max_length": 10}),
        ("symbol_share", filters.symbol_ratio_filter, {"max_symbol_to_word_ratio": 0.1}),
        ("bullet_line_share", filters.bullet_count_filter, {"max_bullet_start_ratio": 0.9}),
        ("ellipsis_line_share", filters.ellipsis_count_filter, {"max_ellipsis_end_ratio": 0.3}),
        ("non_alpha_word_share", filters.alphabetic_word_ratio_filter, {"max_ratio": 0.2}),
        ("stop_word_count", filters.stop_word_filter, {"count_unique": False, "min_stop_word": 2}),
    ]
    phrase = {"max_length": 10, "remove_substring_only": True}
    lines = [
        lambda page: modifiers.uppercase_ratio_line_modifier(page, max_ratio=0.5),
        lambda page: modifiers.numeric_ratio_line_modifier(page, max_ratio=0.999999),
        modifiers.counter_line_modifier(),
        lambda page: modifiers.line_length_modifier(page, min_length=2),
        modifiers.substring_line_modifier("items in cart", **phrase),
        modifiers.substring_line_modifier("Read more...", location="suffix", **phrase),
        modifiers.substring_line_modifier("Sign-in", location="prefix", **phrase),
    ]
    addresses = [modifiers.url_removal_modifier(), modifiers.newline_removal_modifier(2)]

    def rewritten(text: str, steps: list[Callable[..., Any]]) -> str:
        page = {"text": text}
        return str(page["text"]) if all(step(page) for step in steps) else ""

    def lines_kept(text: str) -> bool:
        before = len(split_words(text, ignore_punctuation=True))
        page = {"text": rewritten(text, lines), "before": before}
        return bool(page["text"]) and bool(
            filters.word_removal_ratio_filter(page, "before", max_removed_ratio=0.05)
        )

    def repetition(text: str) -> str:
        for granularity, most, by_chars in REPETITION:
            page = {"text": text}
            if not filters.repetition_filter(page, granularity, most, count_characters=by_chars):
                return f"{granularity}{'_chars' if by_chars else ''}"
        return "kept"

    cases = [
        {
            "text": text,
            "addresses": rewritten(text, addresses),
            "quality": next((n for n, f, a in quality if not f({"text": text}, **a)), "kept"),
            "repetition": repetition(text),
            "lines": rewritten(text, lines),
            "lines_kept": lines_kept(text),
            "words": split_words(text, ignore_punctuation=True, model="uniseg"),
        }
        for text in dict.fromkeys(texts())
    ]
    golden = {"uniseg": version("uniseg"), "cases": cases}
    data = json.dumps(golden, ensure_ascii=False, indent=0).encode()
    GOLDEN.write_bytes(gzip.compress(data, mtime=0))
    for name in ("quality", "repetition", "lines_kept"):
        reasons = [case[name] for case in cases]
        print(name, {str(reason): reasons.count(reason) for reason in dict.fromkeys(reasons)})


if __name__ == "__main__":
    main()
