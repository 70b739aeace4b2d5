"""Compiled looks at eight bytes of a text at once, in one register.

A *mask* has the highest bit of every byte of the eight that is meant, and no other bit. All is
uint64: of a ``~`` numba makes an int64, which shifts otherwise; ``^`` stays. What these
functions mean does not change: they are used by functions of other files, which numba's cache
would not recompile.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.compiled import compiled

Bytes = npt.NDArray[np.uint8]

_ONES = np.uint64(0x0101010101010101)
_HIGH = np.uint64(0x8080808080808080)
_LOW = np.uint64(0x7F7F7F7F7F7F7F7F)
_PLACES = np.uint64(0x0001020304050607)
_SEVEN, _TOP = np.uint64(7), np.uint64(56)


@compiled
def eight_bytes(data: Bytes, at: int) -> np.uint64:
    """``data[at:at + 8]``, all within ``data``, the first of them lowest. One load: the compiler
    sees through it where indices cannot be negative, hence uint64."""
    place = np.uint64(at)
    found = np.uint64(data[place])
    found |= np.uint64(data[place + np.uint64(1)]) << np.uint64(8)
    found |= np.uint64(data[place + np.uint64(2)]) << np.uint64(16)
    found |= np.uint64(data[place + np.uint64(3)]) << np.uint64(24)
    found |= np.uint64(data[place + np.uint64(4)]) << np.uint64(32)
    found |= np.uint64(data[place + np.uint64(5)]) << np.uint64(40)
    found |= np.uint64(data[place + np.uint64(6)]) << np.uint64(48)
    found |= np.uint64(data[place + np.uint64(7)]) << np.uint64(56)
    return found


@compiled
def mask_unusual(eight: np.uint64, least: int) -> np.uint64:
    """Bytes below ``least`` (at most 0x80), and those that are not ASCII: 0 if there is none, and
    exact up to the first; not above it."""
    return ((eight - np.uint64(least) * _ONES) | eight) & _HIGH


@compiled
def mask_equal(eight: np.uint64, byte: int) -> np.uint64:
    """Bytes that are ``byte``, exactly."""
    other = eight ^ (np.uint64(byte) * _ONES)
    return ((((other & _LOW) + _LOW) | other) & _HIGH) ^ _HIGH


@compiled
def mask_zero(eight: np.uint64) -> np.uint64:
    """Bytes that are 0: not 0 if there is one, and exact up to the first."""
    return (eight - _ONES) & (eight ^ _HIGH) & _HIGH


@compiled
def mask_range(eight: np.uint64, first: int, last: int) -> np.uint64:
    """Bytes from ``first`` to ``last``, both ASCII; exact."""
    low = eight & _LOW
    least = low + np.uint64(0x80 - first) * _ONES
    above = low + np.uint64(0x7F - last) * _ONES
    return least & (above ^ _HIGH) & (eight ^ _HIGH) & _HIGH


@compiled
def first_of(mask: np.uint64) -> int:
    """Which byte is the first of a ``mask`` that is not 0."""
    lowest = (mask & (np.uint64(0) - mask)) >> _SEVEN
    return int(np.int64((lowest * _PLACES) >> _TOP))


@compiled
def number_of(mask: np.uint64) -> int:
    """How many bytes a ``mask`` has."""
    return int(np.int64(((mask >> _SEVEN) * _ONES) >> _TOP))


@compiled
def next_unusual(data: Bytes, at: int, end: int) -> int:
    """The first place of ``data[at:end]`` that is no printable ASCII: a control character, or part
    of a character beyond ASCII; ``end`` where there is none. 0x7F passes."""
    while at < end:
        if at + 8 > len(data):
            while at < end and 0x20 <= data[at] < 0x80:
                at += 1
            return at
        mask = mask_unusual(eight_bytes(data, at), 0x20)
        if mask:
            return min(at + first_of(mask), end)
        at += 8
    return end


@compiled
def next_byte(data: Bytes, at: int, end: int, byte: int) -> int:
    """The first place of ``data[at:end]`` that is ``byte``; ``end`` where there is none."""
    while at + 8 <= end:
        mask = mask_equal(eight_bytes(data, at), byte)
        if mask:
            return at + first_of(mask)
        at += 8
    while at < end and data[at] != byte:
        at += 1
    return at


@compiled
def count_byte(data: Bytes, at: int, end: int, byte: int) -> int:
    """How often ``data[at:end]`` has ``byte``."""
    total = 0
    while at + 8 <= end:
        total += number_of(mask_equal(eight_bytes(data, at), byte))
        at += 8
    while at < end:
        total += data[at] == byte
        at += 1
    return total


@compiled
def count_code_points(data: Bytes, at: int, end: int) -> int:
    """Characters of ``data[at:end]``: bytes that do not go on with one."""
    total = end - at
    while at + 8 <= end:
        eight = eight_bytes(data, at)
        total -= number_of(eight & ((eight << np.uint64(1)) ^ _HIGH) & _HIGH)
        at += 8
    while at < end:
        total -= (data[at] & 0xC0) == 0x80
        at += 1
    return total


@compiled
def copy_bytes(data: Bytes, start: int, end: int, to: Bytes, out: int) -> None:
    """``data[start:end]`` to ``to[out:]``."""
    shift = np.uint64(out) - np.uint64(start)
    for at in range(np.uint64(start), np.uint64(end)):
        to[at + shift] = data[at]


@compiled
def hash_bytes(data: Bytes, start: int, end: int) -> np.uint64:
    """A hash of ``data[start:end]``, good in all of its bits."""
    multiplier, half = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)
    key = np.uint64(end - start) * multiplier
    at = start
    while at + 8 <= end:
        key = (key ^ eight_bytes(data, at)) * multiplier
        key ^= key >> half
        at += 8
    if at < end:
        key = (key ^ fewer_bytes(data, at, end - at)) * multiplier
        key ^= key >> half
    key *= multiplier
    return key ^ (key >> half)


@compiled
def same_bytes(data: Bytes, start: int, other: Bytes, other_start: int, length: int) -> bool:
    """Whether ``length`` bytes of ``data`` from ``start`` on are those of ``other``."""
    at = 0
    while at + 8 <= length:
        if eight_bytes(data, start + at) != eight_bytes(other, other_start + at):
            return False
        at += 8
    left = length - at
    if left == 0:
        return True
    return bool(fewer_bytes(data, start + at, left) == fewer_bytes(other, other_start + at, left))


@compiled
def fewer_bytes(data: Bytes, at: int, count: int) -> np.uint64:
    """``count`` bytes, 1 to 7, as :func:`eight_bytes` has them, and zeros behind them."""
    if at + 8 <= len(data):
        return eight_bytes(data, at) & ((np.uint64(1) << np.uint64(8 * count)) - np.uint64(1))
    found = np.uint64(0)
    for index in range(count):
        found |= np.uint64(data[at + index]) << np.uint64(8 * index)
    return found
