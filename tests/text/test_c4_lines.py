"""What C4's line rules take for granted about characters, for every one of them."""

from __future__ import annotations

import re
import sys
import unicodedata

import numpy as np
import pyarrow as pa

from winnow.text.c4_lines import CITATIONS, COUNTS, JAVASCRIPT, POLICY, keep_lines
from winnow.text.table import TextColumn

CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]


def kept(texts: list[str], rules: int, max_word_chars: int = 1000) -> tuple[list[str], np.ndarray]:
    column = TextColumn(pa.array(texts, pa.large_string()))
    letters, ends = np.empty(len(column.data), np.uint8), np.empty(len(texts) + 1, np.int64)
    counts = np.empty((len(texts), len(COUNTS)), np.int64)
    keep_lines(column.data, column.offsets, rules, max_word_chars, 0, letters, ends, counts)
    cut = zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
    return [letters[low:high].tobytes().decode() for low, high in cut], counts


def test_two_characters_become_ascii_by_lower_casing() -> None:
    found = [c for c in CHARACTERS if not c.isascii() and any(map(str.isascii, c.lower()))]
    assert found == ["\u0130", "\u212a"]  # the second, the Kelvin sign, becomes "k"
    assert "\u0130".lower() == "i\u0307"  # no phrase has a combining dot


def test_all_decimal_digits_make_a_citation() -> None:
    citation = re.compile(r"\[\d*]")
    texts, _ = kept([f"a[{c}]b" for c in CHARACTERS if not c.isspace()], CITATIONS)
    for character, text in zip((c for c in CHARACTERS if not c.isspace()), texts, strict=True):
        if unicodedata.category(character) != "Cn":  # a newer Unicode may have made it a digit
            assert text == citation.sub("", f"a[{character}]b"), hex(ord(character))


def test_lines_and_words_end_where_python_ends_them() -> None:
    texts = [f"ab{c}cd" for c in CHARACTERS]
    found, counts = kept(texts, 0, max_word_chars=4)
    for character, text, line, row in zip(CHARACTERS, texts, found, counts, strict=True):
        lines = text.splitlines()
        words = max(len(word) for word in text.split())
        assert row[0] == len(lines), hex(ord(character))
        assert row[1] == (words > 4), hex(ord(character))
        assert line == ("" if words > 4 else "\n".join(lines)), hex(ord(character))


def test_phrases_in_any_case_and_at_any_place() -> None:
    phrases = {
        "javascript": JAVASCRIPT,
        "terms of use": POLICY,
        "privacy policy": POLICY,
        "cookie policy": POLICY,
        "uses cookies": POLICY,
        "use of cookies": POLICY,
        "use cookies": POLICY,
    }
    for phrase, rule in phrases.items():
        made = [phrase, phrase.upper(), phrase.title(), f"x{phrase}y z", f"é {phrase}。"]
        made += [phrase.replace("k", "\u212a"), f"{phrase[:3]}[12]{phrase[3:]}"]
        made += [f"{phrase[:-2]}[12]{phrase[-2:]}"]
        other = [phrase[:-1], phrase[1:], phrase.replace("i", "\u0130").replace("o", "0")]
        other += [
            phrase.replace(" ", "\u00a0").replace("jav", "jaw"),
            phrase[:4] + "-" + phrase[4:],
        ]
        lines = [*made, *other]
        expected = [phrase not in re.sub(r"\[\d*]", "", line).lower() for line in lines]
        assert expected == [False] * len(made) + [True] * len(other)
        found, counts = kept(lines, CITATIONS | rule)
        assert [bool(text) for text in found] == expected
        assert counts[:, COUNTS.index("kept")].tolist() == [int(stays) for stays in expected]
