"""Makes golden_fineweb_*.json.gz: what FineWeb's four filters say of some hundred texts.

Two releases of datatrove decide differently, and each needs an environment of its own::

    python -m venv /tmp/datatrove
    /tmp/datatrove/bin/pip install "datatrove[io,processing]==0.10.0" spacy==3.8.18
    /tmp/datatrove/bin/python tests/filters/make_golden_fineweb.py

    python -m venv /tmp/datatrove-2024        # and NLTK's data "punkt" where nltk finds it
    /tmp/datatrove-2024/bin/pip install "datatrove[io,processing]==0.2.0" nltk==3.8.1
    /tmp/datatrove-2024/bin/python tests/filters/make_golden_fineweb.py

With two paths, the texts are read from the first (a JSON list) and the answers are written to the
second: ``test_fineweb.py`` does so with pages that are not ours to commit.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import make_golden

RELEASE = {"0.10.0": "0.10", "0.2.0": "2024"}

SENTENCES = [
    make_golden.PASSAGES[0].split("\n")[0],
    "The summer soldier will shrink from the service of their country.",
    "Tyranny, like hell, is not easily conquered; yet we have this with us.",
    "Is it a truth universally acknowledged? It is! And so it was.",
    "She said: “Have you heard that Netherfield Park is let?” He had not...",
    "We, the undersigned, have lived there since 1859 (or so Mr. Darwin says).",
    "Whenever it is a damp, drizzly November in my soul, I go to sea…",
    "'Call me Ishmael,' he said to them, and that was that.\"",
    "and the spirit of God moved upon the face of the waters",
    "It cost $4.50 at 9 a.m. on the U.S. market, i.e. less than e.g. tea.",
]
ODD_LINES = [
    "",
    " ",
    "\t",
    "Home",
    "About us",
    "Menu",
    "Share this: x",
    "one two three",
    "one two",
    "[1] [2] [3]",
    "[edit] [citation needed] []",
    "The first claim.[1] [23]",
    "The second claim. [edit]  [4]",
    "A third[citation needed] claim was made here.[٣]",
    "Not a citation [a] [1 2] [edit ] [Edit] here.",
    "Java[1]Script is a word that grew together.",
    "Please enable JavaScript to see this page.",
    "please enable javascript { in this page }",
    "Lorem ipsum dolor sit amet, consectetur.",
    "LOREM IPSUM { dolor } sit amet",
    "lorem  ipsum is not lorem\u00a0ipsum here",
    "Lorem",
    "lorem ipsum",
    "if (a) { return b; }",
    "{ }",
    "A { of code was left in the text.",
    "By using this site you accept our Terms of Use.",
    "Read the privacy policy and the cookie policy.",
    "This site uses cookies and so do we.",
    "The use of cookies is a fact of life.",
    "You can use COOKIES as you like them.",
    "A house polıcy, a cook\u212aies policy, use coo\u212aies.",
    "We use coo\u212aies on this page, said K.",
    "supercalifragilistic" * 60 + " is one long word",
    "é" * 1000 + " is not too long",
    "é" * 1001 + " is too long",
    "He stopped.  ) And then went on.",
    "He stopped.\tThen?\t!",
    "He stopped. ) ] And went on !? ... yes.",
    "这是一个句子。 那是另一个。 好吗？",
    "Ends in a Khmer mark ។ and goes on ។ to the end",
    "Trailing space here. [5] \u3000",
    "- a list item",
    "* another item of the list",
]
ENDS = ["\n"] * 12 + ["\n\n", "\r\n", "\u2028", "\x0b", "\x1c", "\r", "\x85"]


def texts() -> Iterator[str]:
    """Every text, in a fixed order."""
    yield from make_golden.EDGES
    yield from make_golden.PASSAGES
    choice = random.Random(5)
    for line in [*SENTENCES, *ODD_LINES]:
        yield line
        yield "\n".join([*SENTENCES, line])
        yield "\n".join([line, *SENTENCES, line])
    for number in range(420):
        odd = choice.choice([0, 0.1, 0.3, 0.6])
        lines = [
            choice.choice(ODD_LINES if choice.random() < odd else SENTENCES)
            for _ in range(choice.randint(1, 24))
        ]
        yield "".join(line + choice.choice(ENDS) for line in lines) + f"The end of {number}."
    yield from at_bounds()
    for number in range(120):
        passage = make_golden.PASSAGES[number % len(make_golden.PASSAGES)]
        yield make_golden.changed(passage * choice.choice([1, 2]), choice)


def varied(choice: random.Random, words: int, letters: int = 5) -> str:
    """A line of words that hardly ever come again, among stop words."""
    return " ".join(
        choice.choice(["the", "and", "of"])
        if number % 4 == 2
        else "".join(choice.choices("abcdefghiklmnoprstuvw", k=letters + number % 3))
        for number in range(words)
    )


def at_bounds() -> Iterator[str]:
    """Texts at a bound of FineWeb's filter and on either side of it."""
    choice = random.Random(9)
    for marked in (11, 12, 13):  # of 100 lines, ended by a mark
        for mark in (".", "!", "?", '"', "'", "。", "…"):
            lines = [varied(choice, 8) + mark * (n < marked) for n in range(100)]
            yield "\n".join(lines)
    for short in (66, 67, 68):  # of 100 lines, of 30 characters or fewer
        for size in (29, 30, 31):
            lines = [varied(choice, 9) + "." for _ in range(100)]
            lines[:short] = [varied(choice, 9)[: size - 2] + "x." for _ in range(short)]
            yield "\n".join(lines)
    for again in (0, 1, 2):  # repeated lines, of 100 lines as long in all
        lines = [varied(choice, 12)[:60] + "." for _ in range(100 - again)]
        yield "\n".join([*lines, *lines[:again]])
        yield "\n".join([*lines[:-1], *lines[:again], "and the end."])
    for words in (2, 3, 4):  # line feeds over words
        lines = [f"{varied(choice, words, 13)} a.m." for _ in range(40)]
        yield "\n".join(lines)
        yield "\n\n".join(lines)
    for sentences in (4, 5):
        yield "\n".join(varied(choice, 14) + "." for _ in range(sentences))
    for tail in ("{", "lorem ipsum", "javascript {", "x {", ". { lorem ipsum"):
        lines = [varied(choice, 14) + "." for _ in range(7)]
        yield "\n".join([*lines[:3], varied(choice, 3) + " " + tail, *lines[3:], "a lorem ipsum b"])


class Oracle:
    """The filters of the datatrove that is installed."""

    def __init__(self) -> None:
        from datatrove.pipeline.filters import (
            C4QualityFilter,
            FineWebQualityFilter,
            GopherQualityFilter,
            GopherRepetitionFilter,
        )

        self.gopher = [GopherRepetitionFilter(), GopherQualityFilter()]
        self.c4 = C4QualityFilter(filter_no_terminal_punct=False)
        self.c4_of_the_paper = C4QualityFilter()
        self.fineweb = FineWebQualityFilter(exclusion_writer=None)

    def answers(self, text: str) -> dict[str, Any]:
        """Verdict or reason of each filter and of the four in a row, and the texts of C4.

        ``fineweb`` is asked of C4's text, or of the text itself where C4 rejects it.
        """
        gopher = [self.verdict(each, text)[0] for each in self.gopher]
        c4, c4_text = self.verdict(self.c4, text)
        paper, paper_text = self.verdict(self.c4_of_the_paper, text)
        fineweb, _ = self.verdict(self.fineweb, c4_text)
        chain = [*gopher, c4, fineweb]
        return {
            "c4": c4,
            "c4_text": None if c4_text == text else c4_text,
            "paper": paper,
            "paper_text": None if paper_text == text else paper_text,
            "fineweb": fineweb,
            "chain": next((each for each in chain if each != "kept"), "kept"),
        }

    def verdict(self, each: Any, text: str) -> tuple[str, str]:
        from datatrove.data import Document

        document = Document(text, "0")
        try:
            result = each.filter(document)
        except (ZeroDivisionError, IndexError):
            return "error", text
        return "kept" if result is True else str(result[1]), document.text


def main() -> None:
    oracle = Oracle()
    if len(sys.argv) == 3:
        given = json.loads(Path(sys.argv[1]).read_text("utf-8"))
        Path(sys.argv[2]).write_text(json.dumps([oracle.answers(t) for t in given]), "utf-8")
        return
    release = RELEASE[version("datatrove")]
    cases = [{"text": t, **oracle.answers(t)} for t in dict.fromkeys(texts())]
    words = "spacy" if release == "0.10" else "nltk"
    golden = {"datatrove": version("datatrove"), words: version(words), "cases": cases}
    path = Path(__file__).with_name(f"golden_fineweb_{release}.json.gz")
    data = json.dumps(golden, ensure_ascii=False, indent=0).encode()
    path.write_bytes(gzip.compress(data, mtime=0))
    for key in ("c4", "paper", "fineweb", "chain"):
        print(key, dict(sorted(Counter(case[key] for case in cases).items())))


if __name__ == "__main__":
    main()
