"""Words by script alone: the split for languages that have no tokenizer of their own here.

A word is a run of letters, digits and the marks that follow them; every other character that is
not white space is a word of its own. In the scripts that put no spaces between words (Chinese,
Japanese, Thai, Lao, Khmer, Burmese) every character, with its marks, is a word: counts are then
counts of characters, and an n-gram is a run of n characters. No model, so no segmentation into
the words of a dictionary; datatrove uses one for these languages, and its counts differ.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

# Unicode blocks of scripts written without spaces
_UNSPACED = (
    (0x0E00, 0x0E7F),  # Thai
    (0x0E80, 0x0EFF),  # Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # CJK radicals
    (0x3005, 0x3007),  # ideographic iteration mark, closing mark, zero
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3100, 0x312F),  # Bopomofo
    (0x31A0, 0x31BF),  # Bopomofo extended
    (0x31F0, 0x31FF),  # Katakana phonetic extensions
    (0x3400, 0x4DBF),  # CJK extension A
    (0x4E00, 0x9FFF),  # CJK unified ideographs
    (0xA9E0, 0xA9FF),  # Myanmar extended B
    (0xAA60, 0xAA7F),  # Myanmar extended A
    (0xF900, 0xFAFF),  # CJK compatibility ideographs
    (0xFF66, 0xFF9F),  # halfwidth Katakana
    (0x1B000, 0x1B16F),  # Kana supplement and extensions
    (0x20000, 0x323AF),  # CJK extensions B to H
)
_LAST_MARK = 0x20000  # marks lie below, but for the variation selectors of plane 14
_PLANE_14_MARKS = (0xE0100, 0xE01EF)


@cache
def _pattern() -> re.Pattern[str]:
    marks = _class(_mark_ranges())
    unspaced = _class(_UNSPACED)
    letter = r"[^\W_]"
    return re.compile(
        rf"(?=[{unspaced}]){letter}[{marks}]*"
        rf"|(?:(?![{unspaced}]){letter})(?:(?![{unspaced}])(?:{letter}|[{marks}])|[{marks}])*"
        r"|\S"
    )


def _class(ranges: tuple[tuple[int, int], ...]) -> str:
    return "".join(f"{chr(low)}-{chr(high)}" for low, high in ranges)


def _mark_ranges() -> tuple[tuple[int, int], ...]:
    ranges: list[tuple[int, int]] = []
    for code in range(0x300, _LAST_MARK):
        if unicodedata.category(chr(code))[0] == "M":
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1] = (ranges[-1][0], code)
            else:
                ranges.append((code, code))
    return (*ranges, _PLANE_14_MARKS)


@cache
def script_classes() -> npt.NDArray[np.uint8]:
    """What :func:`winnow.text.script_kernels.split_by_script` asks of a character,
    ``uint8[code points]``, made once a process (about 20 ms)."""
    from winnow.text.script_kernels import ALONE, MARK, TOGETHER

    characters = np.arange(sys.maxunicode + 1, dtype=np.uint32).view("U1")
    classes = np.where(np.strings.isalnum(characters), np.uint8(TOGETHER), np.uint8(0))
    for low, high in _UNSPACED:
        block = classes[low : high + 1]
        block[block == TOGETHER] = ALONE
    for low, high in _mark_ranges():
        classes[low : high + 1] |= MARK
    classes.flags.writeable = False
    return classes


def script_tokens(chunk: str) -> tuple[str, ...]:
    """The words of ``chunk``, which holds no white space, in order; they join to ``chunk``."""
    if chunk.isascii() and chunk.isalnum():
        return (chunk,)
    return tuple(_pattern().findall(chunk))
