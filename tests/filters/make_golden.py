"""Makes golden_gopher.json.gz: what datatrove's two Gopher filters say of some hundred texts.

The oracle needs an environment of its own (its pins clash with ours)::

    python -m venv /tmp/datatrove
    /tmp/datatrove/bin/pip install "datatrove[io,processing]==0.10.0" spacy==3.8.18
    /tmp/datatrove/bin/python tests/filters/make_golden.py

The passages are in the public domain (L. Carroll 1865, C. Darwin 1859, J. Austen 1813, T. Paine
1776, H. Melville 1851, the King James Bible) or ours; all else is made from them.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).with_name("golden_gopher.json.gz")

PASSAGES = (
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having "
    "nothing to do: once or twice she had peeped into the book her sister was reading, but it "
    "had no pictures or conversations in it, “and what is the use of a book,” thought Alice "
    "“without pictures or conversations?”\n\nSo she was considering in her own mind (as well as "
    "she could, for the hot day made her feel very sleepy and stupid), whether the pleasure of "
    "making a daisy-chain would be worth the trouble of getting up and picking the daisies, "
    "when suddenly a White Rabbit with pink eyes ran close by her.",
    "When on board H.M.S. 'Beagle,' as naturalist, I was much struck with certain facts in the "
    "distribution of the inhabitants of South America, and in the geological relations of the "
    "present to the past inhabitants of that continent. These facts seemed to me to throw some "
    "light on the origin of species--that mystery of mysteries, as it has been called by one of "
    "our greatest philosophers.",
    "It is a truth universally acknowledged, that a single man in possession of a good fortune, "
    "must be in want of a wife.\n\nHowever little known the feelings or views of such a man may "
    "be on his first entering a neighbourhood, this truth is so well fixed in the minds of the "
    "surrounding families, that he is considered as the rightful property of some one or other "
    'of their daughters.\n\n"My dear Mr. Bennet," said his lady to him one day, "have you '
    'heard that Netherfield Park is let at last?"\n\nMr. Bennet replied that he had not.',
    "These are the times that try men's souls. The summer soldier and the sunshine patriot "
    "will, in this crisis, shrink from the service of their country; but he that stands by it "
    "now, deserves the love and thanks of man and woman. Tyranny, like hell, is not easily "
    "conquered; yet we have this consolation with us, that the harder the conflict, the more "
    "glorious the triumph.",
    "Call me Ishmael. Some years ago--never mind how long precisely--having little or no money "
    "in my purse, and nothing particular to interest me on shore, I thought I would sail about "
    "a little and see the watery part of the world. It is a way I have of driving off the "
    "spleen and regulating the circulation. Whenever I find myself growing grim about the "
    "mouth; whenever it is a damp, drizzly November in my soul; whenever I find myself "
    "involuntarily pausing before coffin warehouses, and bringing up the rear of every funeral "
    "I meet; then, I account it high time to get to sea as soon as I can.",
    "In the beginning God created the heaven and the earth.\nAnd the earth was without form, "
    "and void; and darkness was upon the face of the deep. And the Spirit of God moved upon the "
    "face of the waters.\nAnd God said, Let there be light: and there was light.\nAnd God saw "
    "the light, that it was good: and God divided the light from the darkness.\nAnd God called "
    "the light Day, and the darkness he called Night. And the evening and the morning were the "
    "first day.",
    "Opening hours\nMonday to Friday: 9:00-17:30\nSaturday: 10:00-14:00 (not in July & "
    'August)\n\nHow to find us\nTake bus no. 42 from the central station, get off at "Old '
    "Market\", and walk ~200 m north. There's parking (€2.50/hour) behind the building; e-mail: "
    "info@example.org, or see http://www.example.org/visit?lang=en#map for a map that you can "
    "print.",
    "Install it with `pip install thing>=2.0`. Then:\n\n    from thing import Thing\n    t = "
    "Thing(a=1, b=[2, 3])\n    print(t.run() / 2)\n\nThis isn't fast, but it'll do; I'd say "
    "10km/h, 3.5GB of RAM and C++ skills are what you need... U.S. users: don't forget that "
    "it's the 4th of July!",
)
EDGES = (
    "",
    " ",
    "\n",
    "\n\n\n",
    "a",
    "word",
    "Two words",
    "#",
    "...",
    "…",
    "-",
    "•",
    "😀",
    "\u0301",
    "\x00",
    "日本語のテキストです。これは文章ではありません。",
    "这是一个没有空格的中文句子，用来测试。",
    "สวัสดีครับ ยินดีต้อนรับ",
    "مرحبا بالعالم، هذا نص قصير.",
    "😀 😀 😀 😀 😀 😀",
    "supercalifragilistic" * 40,
    "word " * 200,
    "NOUN VERB ORTH LEMMA IS_TITLE",
    "''''''",
    "x" * 5000,
    "a\r\nb\r\nc\r\n",
    "a\u2028b\u2029c\x85d",
)


def texts() -> Iterator[str]:
    """Every text, in a fixed order."""
    yield from EDGES
    yield from PASSAGES
    yield from boundaries()
    random_choice = random.Random(11)
    for number in range(280):
        yield changed(PASSAGES[number % len(PASSAGES)], random_choice)


def boundaries() -> Iterator[str]:
    """Texts at a bound and on either side of it."""
    distinct = ["".join(chr(97 + (n // 26**k) % 26) for k in range(4)) for n in range(4000)]
    random.Random(7).shuffle(distinct)
    tail = ["the", "and"]
    for count in (48, 49, 50, 51):  # words
        yield " ".join(distinct[: count - 2] + tail)
    for stop in ([], ["the"], ["the", "the"], ["the", "and"], ["The", "And"]):
        yield " ".join(distinct[:60] + stop)
    for symbols in (9, 10, 11):  # of 100 words
        yield " ".join(distinct[: 98 - symbols] + tail + ["#"] * symbols)
        yield " ".join(distinct[: 98 - symbols] + tail + ["…"] * symbols)
        yield " ".join(distinct[: 98 - symbols] + tail) + "\n" + "\n".join(["..."] * symbols)
    for numbers in (19, 20, 21):  # words without a letter, of 100
        yield " ".join(distinct[: 98 - numbers] + tail + [str(1000 + n) for n in range(numbers)])
    for long in (2, 3, 4):  # mean word length around 3 and 10
        words = [word[:long] for word in distinct[:20000:7]][:100]
        yield " ".join(dict.fromkeys([*words, *tail]))
        yield " ".join(word * 2 + "xyz"[: long - 2] for word in distinct[:100])
    for marked in (2, 3, 4):  # ellipses at the end of lines, of 10; bullets before 8 to 10 of 10
        lines = [" ".join(distinct[n * 8 : n * 8 + 8] + tail) for n in range(10)]
        yield "\n".join(line + ("…" if n < marked else "") for n, line in enumerate(lines))
        yield "\n".join(("- " if n < marked + 6 else "") + line for n, line in enumerate(lines))
        yield "\n".join(lines[:1] * (marked + 1) + lines[1 : 10 - marked])
        yield "\n\n".join(lines[:1] * (marked + 1) + lines[1 : 10 - marked])
    for size in range(2, 11):  # a run of words that comes back after others
        for copies in (2, 3):
            run = distinct[:size]
            rest = [distinct[100 + 20 * n : 100 + 20 * n + 13] for n in range(copies)]
            yield " ".join(word for part in rest for word in (*run, *part)) + " the and"


def changed(text: str, choice: random.Random) -> str:
    """``text`` after one to four changes of the kinds that bad pages show."""
    for _ in range(choice.randint(1, 4)):
        text = choice.choice(CHANGES)(text, choice)
    return text


def _lines(text: str, choice: random.Random) -> str:
    return text.replace(". ", choice.choice([".\n", ".\n\n", "…\n", "...\r\n", ".\u2028"]))


def _repeat(text: str, choice: random.Random) -> str:
    lines = text.split("\n")
    at = choice.randrange(len(lines))
    return "\n".join(lines[: at + 1] + lines[at : at + 1] * choice.randint(1, 4) + lines[at + 1 :])


def _repeat_words(text: str, choice: random.Random) -> str:
    words = text.split(" ")
    at, size = choice.randrange(len(words)), choice.randint(2, 14)
    return " ".join(words[:at] + words[at : at + size] * choice.randint(2, 4) + words[at + size :])


def _bullets(text: str, choice: random.Random) -> str:
    mark = choice.choice(["- ", "• ", "  -", "* ", "\t•"])
    return "\n".join(mark + line for line in text.split("\n"))


def _symbols(text: str, choice: random.Random) -> str:
    mark = choice.choice(["#", "...", "…", "....", " | ", " 12 ", " 3.5% "])
    share = choice.choice([0.05, 0.1, 0.2, 0.4])
    return " ".join(w + (mark if choice.random() < share else "") for w in text.split(" "))


def _shorten(text: str, choice: random.Random) -> str:
    words = text.split(" ")
    return " ".join(words[: choice.choice([10, 30, 49, 55, 80])])


def _join(text: str, choice: random.Random) -> str:
    return text + choice.choice(["\n", "\n\n", " "]) + choice.choice(PASSAGES)


def _glue(text: str, choice: random.Random) -> str:
    glue = choice.choice(["", "-", "_", "/"])
    words = text.split(" ")
    return " ".join(glue.join(words[n : n + 3]) for n in range(0, len(words), 3))


CHANGES: list[Callable[[str, random.Random], str]] = [
    *(
        _lines,
        _repeat,
        _repeat_words,
        _repeat_words,
        _bullets,
        _symbols,
        _symbols,
        _shorten,
        _join,
        _glue,
    )
]


def main() -> None:
    from datatrove.data import Document
    from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter

    quality, repetition = GopherQualityFilter(), GopherRepetitionFilter()

    def verdict(filter: Any, text: str) -> str:
        try:
            result = filter.filter(Document(text, "0"))
        except (ZeroDivisionError, IndexError):
            return "error"
        return "kept" if result is True else str(result[1])

    cases = [
        {"text": t, "quality": verdict(quality, t), "repetition": verdict(repetition, t)}
        for t in dict.fromkeys(texts())
    ]
    golden = {"datatrove": version("datatrove"), "spacy": version("spacy"), "cases": cases}
    data = json.dumps(golden, ensure_ascii=False, indent=0).encode()
    GOLDEN.write_bytes(gzip.compress(data, mtime=0))
    for name in ("quality", "repetition"):
        reasons = [case[name] for case in cases]
        print(name, {reason: reasons.count(reason) for reason in sorted(set(reasons))})


if __name__ == "__main__":
    main()
