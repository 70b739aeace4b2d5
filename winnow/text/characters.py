"""Characters: what Python says of a code point, as tables; how UTF-8 bytes become code points."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from winnow.text.chunks import space_bytes
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import eight_bytes, mask_equal, mask_unusual, number_of

Bytes = npt.NDArray[np.uint8]

IS_UPPER = 1  # ``str.isupper``
IS_DIGIT = 2  # ``str.isdigit``
IS_DECIMAL = 4  # ``str.isdecimal``: ``\d`` of ``re``
IS_ALNUM = 8  # ``str.isalnum``
IS_ALPHA = 16  # ``str.isalpha``
IS_WORD = 32  # ``\w`` of ``re``

CODE_POINTS = 0x110000
# planes 4 to 13 hold no character, and those of the planes after have none of the properties
ASSIGNED = 0x40000

_REPLACEMENT = 0xFFFD


@cache
def character_flags() -> Bytes:
    """``IS_UPPER`` and the others by code point, ``uint8[0x110000]``, as this Python's Unicode."""
    texts = np.arange(ASSIGNED, dtype=np.uint32).view("U1")
    alphanumeric = np.strings.isalnum(texts) | np.strings.isnumeric(texts)
    flags = np.zeros(CODE_POINTS, np.uint8)
    for bit, held in (
        (IS_UPPER, np.strings.isupper(texts)),
        (IS_DIGIT, np.strings.isdigit(texts)),
        (IS_DECIMAL, np.strings.isdecimal(texts)),
        (IS_ALNUM, alphanumeric),
        (IS_ALPHA, np.strings.isalpha(texts)),
        (IS_WORD, alphanumeric),
    ):
        flags[:ASSIGNED] |= held * np.uint8(bit)
    flags[ord("_")] |= IS_WORD
    return flags


# The next four are used by functions of other files, which numba's cache would not recompile:
# what they mean does not change.


@compiled
def code_point(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """The character that starts at ``at``, and its bytes; U+FFFD where there is none."""
    byte = int(data[at])
    if byte < 0x80:
        return byte, 1
    if byte >= 0xF0:
        code, width = byte & 0x07, 4
    elif byte >= 0xE0:
        code, width = byte & 0x0F, 3
    elif byte >= 0xC0:
        code, width = byte & 0x1F, 2
    else:
        return _REPLACEMENT, 1
    if at + width > end:
        return _REPLACEMENT, 1
    for index in range(1, width):
        code = (code << 6) | (int(data[at + index]) & 0x3F)
    return (code if code < 0x110000 else _REPLACEMENT), width


@compiled
def last_start(data: Bytes, low: int, high: int) -> int:
    """Where the last character of ``data[low:high]``, which is not empty, starts."""
    start = high - 1
    while start > low and (data[start] & 0xC0) == 0x80:
        start -= 1
    return start


@compiled
def strip(data: Bytes, low: int, high: int) -> tuple[int, int]:
    """``str.strip()``: where the text of ``data[low:high]`` starts and ends; equal if blank."""
    while low < high:
        width = space_bytes(data, low, high)
        if not width:
            break
        low += width
    while low < high:
        start = last_start(data, low, high)
        if space_bytes(data, start, high) != high - start:
            break
        high = start
    return low, high


@compiled
def count_words(data: Bytes, at: int, end: int, most: int) -> int:
    """Words of ``str.split()``; not counted on once there are ``most`` or more."""
    words, outside = 0, True
    while at < end and words < most:
        if at + 8 <= end:
            eight = eight_bytes(data, at)
            if mask_unusual(eight, 0x20) == 0:
                spaces = mask_equal(eight, 0x20)
                behind = spaces << np.uint64(8) | np.uint64(0x80 if outside else 0)
                words += number_of(behind ^ (behind & spaces))
                outside = spaces >> np.uint64(63) != 0
                at += 8
                continue
        space = 0 if 0x20 < data[at] < 0x7F else space_bytes(data, at, end)
        words += outside and not space
        outside = space > 0
        at += space if space else 1
    return words
