"""Texts as arrays of code points, and what Python knows of every code point, as arrays by it.

The tables come from the ``str`` and ``unicodedata`` of the Python that runs, so a measure built on
them is the one that plain Python would compute (Unicode 14 in Python 3.11, 15 in 3.12 and 3.13).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from winnow.text.compiled import compiled
from winnow.text.table import TextColumn

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

# bits of ``CodePoints.kinds``
IS_SPACE = 1  # str.isspace, which is \s of a regular expression
IS_ALPHANUMERIC = 2  # str.isalnum
IS_WORD = 4  # \w of a regular expression: alphanumeric, or the underscore
IS_UPPER = 8  # str.isupper
IS_LOWER = 16  # str.islower, or a title-case letter: what makes str.isupper of a word false
IS_NUMERIC = 32  # str.isnumeric
IS_IGNORABLE = 64  # str.lower looks past it to tell whether a capital sigma ends a word
IS_CASED = 128  # a letter that str.lower then finds there

CODE_POINTS = 0x110000
_PLANES = (range(0x40000), range(0xE0000, 0xF0000))  # no other plane has characters
_SIGMA, _DOTTED_I = "\u03a3", "\u0130"  # their lower case needs the context, or two characters
_BLOCK_BYTES = 1 << 19  # of text decoded at a time: its code points stay in a core's cache


@dataclass(frozen=True)
class Images:
    """What every code point becomes. ``codes`` int32[0x110000]: one code point; or, below zero,
    ``-1 - index`` of several: ``several[ends[index - 1]:ends[index]]``."""

    codes: Int32
    ends: Int64
    several: Int32

    @property
    def longest(self) -> int:
        """The most code points that one becomes."""
        return int(np.max(np.diff(self.ends, prepend=0), initial=1))


@dataclass(frozen=True)
class CodePoints:
    """By code point; see :func:`code_points`."""

    kinds: Bytes
    """Bits ``IS_SPACE`` and the others, ``uint8[0x110000]``."""
    combining: Bytes
    """Canonical combining class, ``uint8[0x110000]``."""
    lower: Images
    """Lower case; of the capital sigma, what it is not at a word's end."""
    lower_nfd: Images
    """Canonical decomposition (NFD) of the lower case; marks of several are not yet in order."""


@cache
def code_points() -> CodePoints:
    """The tables of this Python, made once a process (a third of a second)."""
    codes = np.concatenate([np.arange(plane.start, plane.stop) for plane in _PLANES])
    texts = codes.astype(np.uint32).view("U1")
    kinds = np.zeros(CODE_POINTS, np.uint8)
    upper, numeric = np.strings.isupper(texts), np.strings.isnumeric(texts)
    alphanumeric = np.strings.isalnum(texts) | numeric
    for bit, holds in (
        (IS_SPACE, np.strings.isspace(texts)),
        (IS_ALPHANUMERIC, alphanumeric),
        (IS_WORD, alphanumeric | (codes == ord("_"))),
        (IS_UPPER, upper),
        (IS_LOWER, np.strings.islower(texts) | (np.strings.istitle(texts) & ~upper)),
        (IS_NUMERIC, numeric),
    ):
        kinds[codes[holds]] |= bit
    scalars = [code for code in codes.tolist() if not 0xD800 <= code < 0xE000]
    _mark_sigma_context(kinds, scalars)
    combining = np.zeros(CODE_POINTS, np.uint8)
    combining[scalars] = [unicodedata.combining(chr(code)) for code in scalars]
    lower = {code: chr(code).lower() for code in scalars if chr(code).lower() != chr(code)}
    lower_nfd = {
        code: unicodedata.normalize("NFD", lower.get(code, chr(code)))
        for code in scalars
        if code in lower or not unicodedata.is_normalized("NFD", chr(code))
    }
    return CodePoints(kinds, combining, _images(lower), _images(lower_nfd))


def _mark_sigma_context(kinds: Bytes, scalars: list[int]) -> None:
    """Finds both bits by asking ``str.lower``: after which characters is a sigma final?"""
    kinds[ord(_DOTTED_I)] |= IS_CASED
    scalars = [code for code in scalars if chr(code) != _DOTTED_I]  # it would move what follows
    alone = " ".join(f"{chr(code)}{_SIGMA}" for code in scalars).lower()
    behind_letter = " ".join(f"a{chr(code)}{_SIGMA}" for code in scalars).lower()
    cased = np.array([mark == "ς" for mark in alone[1::3]])
    final = np.array([mark == "ς" for mark in behind_letter[2::4]])
    codes = np.array(scalars)
    kinds[codes[cased]] |= IS_CASED
    kinds[codes[final & ~cased]] |= IS_IGNORABLE


def _images(changed: dict[int, str]) -> Images:
    codes = np.arange(CODE_POINTS, dtype=np.int32)
    ends: list[int] = []
    several: list[int] = []
    for code, image in changed.items():
        if len(image) == 1:
            codes[code] = ord(image)
        else:
            codes[code] = -1 - len(ends)
            several += map(ord, image)
            ends.append(len(several))
    return Images(codes, np.array(ends, np.int64), np.array(several, np.int32))


def blocks(text: TextColumn, rows: Int64) -> Iterator[tuple[slice, Int32, Int64]]:
    """(which of ``rows``, their code points int32, offsets into these int64[rows + 1]), some rows
    at a time, so that memory does not grow with the batch.

    Every byte that is not part of UTF-8 becomes U+FFFD.
    """
    ends = np.cumsum(text.offsets[rows + 1] - text.offsets[rows])
    first = begin = 0
    while first < len(rows):
        last = max(first + 1, int(np.searchsorted(ends, begin + _BLOCK_BYTES, "right")))
        codes = np.empty(int(ends[last - 1]) - begin, np.int32)
        offsets = np.empty(last - first + 1, np.int64)
        decode(text.data, text.offsets, rows[first:last], codes, offsets)
        yield slice(first, last), codes[: offsets[-1]], offsets
        first, begin = last, int(ends[last - 1])


@compiled
def decode(data: Bytes, offsets: Int64, rows: Int64, codes: Int32, code_offsets: Int64) -> None:
    """Code points of ``rows`` to ``codes``; where each begins, and the last ends, to
    ``code_offsets``."""
    out = 0
    for position in range(len(rows)):
        code_offsets[position] = out
        at, end = offsets[rows[position]], offsets[rows[position] + 1]
        while at < end:
            byte = np.int32(data[at])
            if byte < 0x80:
                codes[out] = byte
                out += 1
                at += 1
                continue
            width, code, least = 1, np.int32(0xFFFD), 0
            if 0xC2 <= byte < 0xE0 and at + 1 < end:
                width, code = 2, byte & 0x1F
            elif 0xE0 <= byte < 0xF0 and at + 2 < end:
                width, code, least = 3, byte & 0x0F, 0x800
            elif 0xF0 <= byte < 0xF5 and at + 3 < end:
                width, code, least = 4, byte & 0x07, 0x10000
            for index in range(1, width):
                following = np.int32(data[at + index])
                if following & 0xC0 != 0x80:
                    width = 1
                code = (code << 6) | (following & 0x3F)
            if width == 1 or code < least or code > 0x10FFFF or 0xD800 <= code < 0xE000:
                width, code = 1, np.int32(0xFFFD)
            codes[out] = code
            out += 1
            at += width
    code_offsets[len(rows)] = out
