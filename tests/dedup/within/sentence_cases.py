"""Our own texts for the oracle of sentences: few sentences, many ways to put them together."""

from __future__ import annotations

import random

SENTENCES = [
    "The ferry left the harbour at 7.30 in the morning.", "Nobody on the pier looked up!",
    "Was it raining again?", '"It always rains here," said Mr. Brown.', "We waited for 20 minutes.",
    "We waited for 45 minutes.", "The café on the corner was closed.",
    "THE CAFE ON THE CORNER WAS CLOSED.",
    "Nothing happened, e.g. no bus came.", "See www.example.org for times.", "...",
    "1. First step.",
    "Then the lights went out...And on again.", "(This is in brackets.)", "Ciao! Come stai?",
    "Die Fähre war schon weg.",
    "A list:\n- one\n- two\n- three.", "Copyright 2019.", "U.S. ships sail too.",
    "He didn't know what the captain's log would say about the night before.",
]  # fmt: skip
GAPS = [" ", " ", " ", "\n", "\n\n", "  ", " \n", "\t"]


def texts(seed: int, files: int, documents: int) -> list[list[str]]:
    """``files`` lists of ``documents`` texts, some of which share runs of sentences."""
    draw = random.Random(seed)
    found = []
    for _ in range(files):
        pages = []
        for _ in range(documents):
            parts = []
            for _ in range(draw.randint(0, 6)):
                start = draw.randrange(len(SENTENCES))
                parts += SENTENCES[start : start + draw.randint(1, 5)]
            if draw.random() < 0.7:
                parts += [f"Page {word(draw)} speaks of {word(draw)} and {word(draw)} only."] * 2
                parts += [
                    f"{word(draw).title()} {' '.join(word(draw) for _ in range(15))}."
                    for _ in range(4)
                ]
            text = "".join(part + draw.choice(GAPS) for part in parts)
            pages.append(
                draw.choice(["", "", "", " ", "\n"])
                + (text if draw.random() < 0.5 else text.rstrip())
            )
        found.append(pages)
    return found


def word(draw: random.Random) -> str:
    return "".join(draw.choice("abdefgiklmnoprstu") for _ in range(draw.randint(2, 8)))
