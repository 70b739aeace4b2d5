"""Addresses in texts against the regular expressions that define them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.text import addresses as module
from winnow.text.addresses import remove_addresses, top_level_domains
from winnow.text.characters import character_flags
from winnow.text.table import TextColumn
from winnow.text.written import room_for, written

FILE = Path(module.__file__).with_name("top_level_domains.txt")
NAMES = [
    name
    for line in FILE.read_text("utf-8").splitlines()
    if not line.startswith("#")
    for name in line.split()
]
CHOICE = "|".join(sorted(map(re.escape, NAMES), key=len, reverse=True))
FIRST = re.compile(CHOICE, re.I)
NAMED = re.compile(
    rf"\s{{0,10}}(?:(?:https?|ftp)://)?[-a-zA-Z0-9@:%._+~#=]{{1,256}}\.(?:{CHOICE})\b"
    r"[-a-zA-Z0-9()@:%_+.~#?&/=]*"
)
NUMBERED = re.compile(
    r"\s{0,10}\b(?:(?:https?|ftp)://)?(?:[0-2]?[0-9]{1,2}\.){3}[0-2]?[0-9]{1,2}"
    r"[-a-zA-Z0-9()@:%_+.~#?&/=]*"
)
PIECES = st.sampled_from(
    [
        "The ",
        "What ",
        "http://",
        "https://",
        "ftp://",
        "xhttp://",
        "a.com",
        ".com",
        "..",
        "co.uk/",
        "1.2.3.4",
        "1.",
        "255",
        "300.",
        "9",
        ".",
        "/",
        "@",
        "?",
        "(",
        " ",
        "   ",
        "\n",
        "\n\n\n",
        "\u3000",
        "é",
        "x",
        "_",
        "-",
        ".测试",
        ".सं",
        "x.சிங்கப்பூர்",
        "٣",
        "K",
        "ſ",
        "İ",
        "com",
        "it",
        "A",
    ]
)
TEXTS = st.one_of(st.text(max_size=20), st.lists(PIECES, max_size=20).map("".join))


def plain(text: str, domain_first: bool) -> str:
    if not domain_first or FIRST.match(text):
        text = NAMED.sub("", text)
    return re.sub("\n{3,}", "\n\n", NUMBERED.sub("", text))


def without(texts: list[str], domain_first: bool) -> tuple[list[str], list[int]]:
    column = TextColumn(pa.array(["before", *texts], pa.large_string()).slice(1))
    domains = top_level_domains()
    data, offsets = room_for(column)
    removed = np.zeros(len(texts), np.int64)
    remove_addresses(
        column.data,
        column.offsets,
        np.arange(len(texts)),
        character_flags(),
        domains.codes,
        domains.ends,
        domains.slots,
        domains.folded,
        domains.ascii,
        domain_first,
        2,
        data,
        offsets,
        removed,
    )
    return written(data, offsets).to_pylist(), removed.tolist()


@pytest.mark.parametrize("domain_first", [True, False])
@given(texts=st.lists(TEXTS, max_size=4))
@settings(max_examples=400, deadline=None)
def test_what_the_expressions_match_is_gone(domain_first: bool, texts: list[str]) -> None:
    assert without(texts, domain_first)[0] == [plain(text, domain_first) for text in texts]


def test_each_domain_is_known_and_case_counts_in_an_address() -> None:
    texts = [f"a.{name} b" for name in NAMES if re.search(r"\w$", name)]
    assert without(texts, False) == ([" b"] * len(texts), [1] * len(texts))
    assert without(["see a.COM b"], False) == (["see a.COM b"], [0])


@pytest.mark.parametrize("length", [255, 256, 257, 300])
def test_a_host_has_at_most_256_characters(length: int) -> None:
    text = f"The http://{'x' * length}.com/{'y' * 9} z 10.0.0.1:80/ 1.2.3"
    assert without([text], True)[0] == [plain(text, True)]
    assert without([text], True)[1] == [2]


def test_every_letter_is_folded_as_the_expression_does() -> None:
    letters = {letter for name in NAMES for letter in name}
    folded = top_level_domains().folded
    for letter in letters:
        same = re.compile(re.escape(letter), re.I)
        others = {c for c in (letter.upper(), letter.lower(), *"KſİıÅµΜ") if len(c) == 1}
        for other in others - {letter}:
            assert (chr(folded[ord(other)]) == letter) == bool(same.fullmatch(other)), other
