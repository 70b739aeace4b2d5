"""spaCy's English rules as arrays: what :mod:`winnow.text.english_kernels` looks up.

A rule of ``english_rules.toml`` is a regular expression. The kernels know the few forms that these
have (one character; a literal; a literal between two classes of characters); what the classes and
literals are is read from the rules. A rule of any other form is an error here, so that the rules
cannot change under the kernels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from winnow.text import english_kernels as kernels
from winnow.text.english import EnglishTokenizer, english_rules
from winnow.text.utf8 import CODE_POINTS

_SLOTS = 1 << 12  # rows of the lexicon, which has about 1,800 entries
_MULTIPLIER = 0x9E3779B97F4A7C15

_CLASS = r"\[((?:\\.|[^\]\\])*)\]"
_ITEM = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})|\\([^\w\s])|([^\\])")
_LITERAL = re.compile(r"(?:\\[^\w\s]|[^\\()\[\]{}|?*+.^$])+")
_BEFORE_DOT = re.compile(rf"\(\?<={_CLASS}\)\\\.")
_UPPER_DOT = re.compile(rf"\(\?<={_CLASS}{_CLASS}\)\\\.")
_AFTER_DIGIT = re.compile(r"\(\?<=\[0-9\]\)\(\?:(.*)\)")
_BETWEEN = re.compile(rf"\(\?<={_CLASS}\)(.+)\(\?={_CLASS}\)")
_HYPHENS = "(?:-|–|—|--|---|——|~)"
_TOP_LEVEL = re.compile(rf"\(\?:{_CLASS}\{{2,63\}}\)\)")
_URL = (  # TLD stands for the class of characters of a top-level domain
    r"(?u)^(?:(?:[\w\+\-\.]{2,})://)?(?:\S+(?::\S*)?@)?"
    r"(?:(?!(?:10|127)(?:\.\d{1,3}){3})(?!(?:169\.254|192\.168)(?:\.\d{1,3}){2})"
    r"(?!172\.(?:1[6-9]|2\d|3[0-1])(?:\.\d{1,3}){2})(?:[1-9]\d?|1\d\d|2[01]\d|22[0-3])"
    r"(?:\.(?:1?\d{1,2}|2[0-4]\d|25[0-5])){2}(?:\.(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-4]))|"
    r"(?:(?:[A-Za-z0-9\u00a1-\uffff][A-Za-z0-9\u00a1-\uffff_-]{0,62})?[A-Za-z0-9\u00a1-\uffff]\.)+"
    r"(?:[TLD]{2,63}))(?::\d{2,5})?(?:[/?#]\S*)?$"
)

Ranges = list[tuple[int, int]]


class EnglishTables(NamedTuple):
    """The rules as arrays; :mod:`winnow.text.english_kernels` says what is in them."""

    classes: npt.NDArray[np.uint16]
    lexicon: npt.NDArray[np.int32]


class _Builder:
    def __init__(self) -> None:
        self.classes = np.zeros(CODE_POINTS, np.uint16)
        self.lexicon: dict[tuple[int, str], tuple[int, ...]] = {}

    def mark(self, ranges: Ranges, bit: int) -> None:
        for low, high in ranges:
            self.classes[low : high + 1] |= bit

    def add(self, kind: int, most: int, literal: str, bit: int, at: int) -> None:
        """A literal whose character ``at`` bears ``bit``; at most ``most`` characters."""
        if len(literal) > most:
            raise _unknown(f"a literal of {len(literal)} characters")
        self.classes[ord(literal[at])] |= bit
        self.lexicon[kind, literal] = ()

    def tables(self) -> EnglishTables:
        rows = np.zeros((_SLOTS, kernels.CODES + kernels.MAX_CHARS), np.int32)
        for (kind, text), tokens in self.lexicon.items():
            row = key_of(kind, text) & (_SLOTS - 1)
            while rows[row, kernels.LENGTH]:
                row = (row + 1) & (_SLOTS - 1)
            rows[row, kernels.KIND], rows[row, kernels.LENGTH] = kind, len(text)
            rows[row, kernels.TOKENS : kernels.TOKENS + len(tokens)] = tokens
            rows[row, kernels.CODES : kernels.CODES + len(text)] = list(map(ord, text))
        return EnglishTables(self.classes, rows)


@cache
def english_tables() -> EnglishTables:
    """The tables, made once a process (about 50 ms)."""
    builder = _Builder()
    rules = english_rules()
    _read_prefixes(builder, rules["prefixes"])
    _read_suffixes(builder, rules["suffixes"])
    _read_infixes(builder, rules["infixes"])
    _read_url(builder, rules["url"])
    for chunk, tokens in rules["specials"].items():
        builder.lexicon[kernels.SPECIAL, chunk] = tuple(map(len, tokens))
    for first, second in EnglishTokenizer().torn_pairs:
        builder.add(
            kernels.PAIR + len(first), kernels.PAIR_MAX_CHARS, first + second, kernels.PAIR_START, 0
        )
    return builder.tables()


def key_of(kind: int, text: str) -> int:
    """Where in the lexicon to look for ``text``: the hash that the kernels compute too."""
    key = kind
    for character in text:
        key = ((key ^ ord(character)) * _MULTIPLIER) & (2**64 - 1)
    return key >> 32


def ranges_of(content: str) -> Ranges:
    """The ranges of code points that ``[content]`` matches in a regular expression."""
    items: list[tuple[int, bool]] = []  # (code point, is an unescaped hyphen)
    position = 0
    while position < len(content):
        found = _ITEM.match(content, position)
        if found is None or content[0] == "^":
            raise _unknown("a class of characters")
        short, long, escaped, plain = found.groups()
        code = int(short or long, 16) if short or long else ord(escaped or plain)
        items.append((code, plain == "-"))
        position = found.end()
    ranges: Ranges = []
    at = 0
    while at < len(items):
        if at + 2 < len(items) and items[at + 1][1]:
            ranges.append((items[at][0], items[at + 2][0]))
            at += 3
        else:
            ranges.append((items[at][0], items[at][0]))
            at += 1
    return ranges


def _single(piece: str) -> Ranges | None:
    """The characters of a rule that is one character, whatever stands around it."""
    listed = re.fullmatch(_CLASS, piece)
    if listed:
        return ranges_of(listed[1])
    literal = _literal(piece)
    return [(ord(literal), ord(literal))] if literal is not None and len(literal) == 1 else None


def _literal(piece: str) -> str | None:
    """The text that a rule without any operator stands for."""
    return re.sub(r"\\(.)", r"\1", piece) if _LITERAL.fullmatch(piece) else None


def _read_prefixes(builder: _Builder, pieces: Iterable[str]) -> None:
    literals = []
    for piece in pieces:
        single, literal = _single(piece), _literal(piece)
        if single is not None:
            builder.mark(single, kernels.PREFIX)
        elif literal is not None:
            literals.append(literal)
        elif piece not in (r"\.\.+", r"\+(?![0-9])"):
            raise _unknown("a prefix")
    for literal in literals:
        if not builder.classes[ord(literal[0])] & kernels.PREFIX:  # else its first character wins
            builder.add(
                kernels.PREFIX_LITERAL, kernels.AFFIX_MAX_CHARS, literal, kernels.PREFIX_START, 0
            )


def _read_suffixes(builder: _Builder, pieces: Iterable[str]) -> None:
    for piece in pieces:
        single, literal = _single(piece), _literal(piece)
        before, upper = _BEFORE_DOT.fullmatch(piece), _UPPER_DOT.fullmatch(piece)
        units = _AFTER_DIGIT.fullmatch(piece)
        if single is not None:
            builder.mark(single, kernels.SUFFIX)
        elif literal is not None:
            builder.add(
                kernels.SUFFIX_LITERAL, kernels.AFFIX_MAX_CHARS, literal, kernels.SUFFIX_END, -1
            )
        elif units:
            for unit in units[1].split("|"):
                text = _literal(unit)
                if text is None:
                    raise _unknown("a unit")
                builder.add(kernels.UNIT, kernels.UNIT_MAX_CHARS, text, kernels.UNIT_END, -1)
        elif before:
            builder.mark(ranges_of(before[1]), kernels.BEFORE_DOT)
        elif upper and upper[1] == upper[2]:
            builder.mark(ranges_of(upper[1]), kernels.UPPER)
        elif piece not in (r"\.\.+", r"(?<=[0-9])\+", r"(?<=°[FfCcKk])\."):
            raise _unknown("a suffix")


def _read_infixes(builder: _Builder, pieces: Iterable[str]) -> None:
    letters = set()
    for piece in pieces:
        single, between = _single(piece), _BETWEEN.fullmatch(piece)
        behind, body, ahead = between.groups() if between else ("", "", "")
        if single is not None:
            builder.mark(single, kernels.INFIX)
        elif body == r"\.":
            builder.mark(ranges_of(behind), kernels.BEFORE_INNER_DOT)
            builder.mark(ranges_of(ahead), kernels.AFTER_INNER_DOT)
        elif body == "," or body in (_HYPHENS, "[:<>=/]"):
            letters |= {ahead, behind if body == "," else behind.removesuffix("0-9")}
        elif piece not in (r"\.\.+", r"(?<=[0-9])[+\-\*^](?=[0-9-])"):
            raise _unknown("an infix")
    if len(letters) != 1:
        raise _unknown("an infix")
    builder.mark(ranges_of(letters.pop()), kernels.LETTER)


def _read_url(builder: _Builder, pattern: str) -> None:
    found = _TOP_LEVEL.search(pattern)
    if found is None or pattern.replace(found[1], "TLD") != _URL:
        raise _unknown("the pattern of a URL")
    builder.mark(ranges_of(found[1]), kernels.TOP_LEVEL)
    builder.mark(ranges_of(r"A-Za-z0-9\u00a1-\uffff"), kernels.LABEL)
    characters = np.arange(CODE_POINTS, dtype=np.uint32).view("U1")
    builder.classes[np.strings.isalnum(characters)] |= kernels.SCHEME
    builder.classes[list(map(ord, "_+-."))] |= kernels.SCHEME
    builder.classes[np.strings.isdecimal(characters)] |= kernels.DECIMAL


def _unknown(what: str) -> ValueError:
    return ValueError(
        f"english_rules.toml: {what} has a form that winnow/text/english_kernels.py does not know; "
        "the kernels must learn it first"
    )
