"""Parameters and texts that reach every branch of Punkt, and the folder form of parameters."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

CRAWL = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "crawl"

# every combination of bits that the rules tell apart, each on a word of its own
CONTEXTS = (2, 4, 8, 16, 32, 64, 36, 18, 34, 20, 66, 126)
WORDS = tuple(f"word{'abcdefghijkl'[place]}" for place in range(len(CONTEXTS)))

PARAMETERS: dict[str, Any] = {
    "abbrev_types": {"dr", "mr", "e.g", "u.s", "inc", "p", "x", "st"},
    "collocations": {("##number##", "june"), ("s", "bach"), ("st", "worda"), ("e.g", "wordb")},
    "sent_starters": {"the", "he", "wordc", "this"},
    "ortho_context": {
        **dict(zip(WORDS, CONTEXTS, strict=True)),
        "the": 126,
        "he": 34,
        "e.g": 32,
        "p.": 36,
        "##number##": 8,
    },
}

PIECES = [
    *(*WORDS, *(word.capitalize() for word in WORDS)),
    *("Dr.", "Mr.", "e.g.", "i.e.", "U.S.", "Inc.", "p.", "P.", "S.", "Bach", "J.", "St.", "a-p."),
    *("The", "the", "He", "This", "3.", "12.", "3.5", "-1.", "June", "end.", "what?", "no!", "wow"),
    *(". . .", "...", "..", "…", "--", "-", ",", ";", ":", '"', "'", ")", "(", "]", "}", "*", "@"),
    *("?", "!", ".", "?!", '."', ".)", '?"', "”", "’", "`", "é.", "É", "ß.", "中。", "\U0010ffff"),
]
SPACES = [" ", " ", " ", "\n", "\n\n", "  ", "\t", "\r\n", "\u00a0", "\x85", "\x1c", "\x0b", ""]
TEXTS = st.one_of(
    st.lists(
        st.tuples(st.sampled_from(PIECES), st.sampled_from(SPACES)).map("".join), max_size=25
    ).map("".join),
    st.lists(st.sampled_from([*".?!\"')]a A\n\u00a0-,"]), max_size=14).map("".join),
    st.text(max_size=60),
)


def write_parameters(folder: Path, parameters: dict[str, Any] = PARAMETERS) -> Path:
    """``parameters`` as NLTK's ``punkt_tab`` has them; returns ``folder``."""
    folder.mkdir(parents=True)
    files = {
        "abbrev_types.txt": parameters["abbrev_types"],
        "sent_starters.txt": parameters["sent_starters"],
        "collocations.tab": map("\t".join, parameters["collocations"]),
        "ortho_context.tab": (f"{k}\t{v}" for k, v in parameters["ortho_context"].items()),
    }
    for name, lines in files.items():
        (folder / name).write_text("\n".join(sorted(lines)), encoding="utf-8")
    return folder


def nltk_punkt(parameters: dict[str, Any]) -> Any:
    """NLTK's own sentence tokenizer with ``parameters``."""
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    theirs = PunktParameters()
    theirs.abbrev_types = set(parameters["abbrev_types"])
    theirs.collocations = set(parameters["collocations"])
    theirs.sent_starters = set(parameters["sent_starters"])
    theirs.ortho_context.update(parameters["ortho_context"])
    return PunktSentenceTokenizer(theirs)


def training_text() -> str:
    """English-like text with abbreviations, initials and numbers, always the same."""
    choose = random.Random(0).choice
    syllables = ["ba", "do", "ki", "lo", "mu", "ne", "pa", "ri", "so", "tu", "ve", "wa"]
    starts = ["Dr.", "Mr.", "Mrs.", "Prof.", "J. S."]

    def noun() -> str:
        return choose(syllables) + choose(syllables) + choose(syllables)

    def sentences() -> str:
        return (
            f"{choose(starts)} {noun().capitalize()} saw the {noun()} at 6 p.m. in the {noun()}. "
            f"The {noun()} was old, e.g. the {noun()} of {choose(starts)} {noun().capitalize()} or "
            f"no. {choose('3456')} there. However, {noun()} paid 3.5 {noun()}s for a {noun()}."
        )

    return "\n".join(sentences() for _ in range(300))
