"""Compiled: what of a line counts when it is compared, and hashes of runs of lines.

Import this module inside ``open()`` only: numba is an optional package.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.dedup.within.line_kernels import strip
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import copy_bytes, eight_bytes, fewer_bytes
from winnow.text.normalised import _is_final as is_final
from winnow.text.utf8 import code_point_at

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

_SIGMA, _FINAL_SIGMA = 0x3A3, 0x3C2
_FEED, _REPLACEMENT = 10, 0xFFFD
_C1, _C2 = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)
_D1, _D2 = np.uint64(0x52DCE729), np.uint64(0x38495AB5)
_FIVE = np.uint64(5)
_M1, _M2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_S33 = np.uint64(33)


@compiled
def copy_stripped(
    data: Bytes, starts: Int64, ends: Int64, letters: Bytes, letter_ends: Int64
) -> None:
    """Every piece without white space at its ends, a line feed behind it."""
    out = 0
    for piece in range(len(starts)):
        first, last = strip(data, starts[piece], ends[piece])
        copy_bytes(data, first, last, letters, out)
        out += last - first
        letters[out] = _FEED
        out += 1
        letter_ends[piece] = out


@compiled
def map_stripped(
    data: Bytes, starts: Int64, ends: Int64, images: Int32, image_ends: Int64, several: Int32,
    kinds: Bytes, letters: Int32, letter_ends: Int64,
) -> None:  # fmt: skip
    """As :func:`copy_stripped`, but code points, each replaced by what ``images`` say.

    images int32[0x110000]: a code point, or ``-1 - index`` of several (perhaps none):
    ``several[image_ends[index - 1]:image_ends[index]]``. A capital sigma at the end of a word
    becomes a final one, as ``kinds`` (see :class:`winnow.text.code_points.CodePoints`) tell it.
    ``letters`` has room for two a byte and one more a piece.
    """
    codes = np.empty(64, np.int32)
    nothing = np.zeros(128, np.uint8)
    out = 0
    for piece in range(len(starts)):
        at, end = strip(data, starts[piece], ends[piece])
        if end - at > len(codes):
            codes = np.empty(2 * (end - at), np.int32)
        count = 0
        while at < end:
            code, width = int(data[at]), 1
            if code >= 0x80:
                code, width = code_point_at(data, at, end)
                if width == 0:
                    code, width = _REPLACEMENT, 1
            codes[count] = code
            count += 1
            at += width
        for place in range(count):
            code = int(codes[place])
            image = images[code]
            if code == _SIGMA and is_final(codes, place, 0, count, kinds, nothing):
                image = np.int32(_FINAL_SIGMA)
            if image >= 0:
                letters[out] = image
                out += 1
                continue
            first = image_ends[-2 - image] if image < -1 else np.int64(0)
            for index in range(first, image_ends[-1 - image]):
                letters[out] = several[index]
                out += 1
        letters[out] = _FEED
        out += 1
        letter_ends[piece] = out


@compiled
def _rotate(x: np.uint64, bits: int) -> np.uint64:
    return (x << np.uint64(bits)) | (x >> np.uint64(64 - bits))


@compiled
def _mixed(x: np.uint64) -> np.uint64:
    x = (x ^ (x >> _S33)) * _M1
    x = (x ^ (x >> _S33)) * _M2
    return x ^ (x >> _S33)


@compiled
def murmur3(data: Bytes, start: int, end: int) -> tuple[np.uint64, np.uint64]:
    """MurmurHash3_x64_128 of ``data[start:end]``, seed 0 (Appleby 2011)."""
    h1 = h2 = np.uint64(0)
    at = start
    while at + 16 <= end:
        h1 ^= _rotate(eight_bytes(data, at) * _C1, 31) * _C2
        h1 = (_rotate(h1, 27) + h2) * _FIVE + _D1
        h2 ^= _rotate(eight_bytes(data, at + 8) * _C2, 33) * _C1
        h2 = (_rotate(h2, 31) + h1) * _FIVE + _D2
        at += 16
    if end - at > 8:
        h2 ^= _rotate(fewer_bytes(data, at + 8, end - at - 8) * _C2, 33) * _C1
    if end - at >= 8:
        h1 ^= _rotate(eight_bytes(data, at) * _C1, 31) * _C2
    elif end > at:
        h1 ^= _rotate(fewer_bytes(data, at, end - at) * _C1, 31) * _C2
    h1 ^= np.uint64(end - start)
    h2 ^= np.uint64(end - start)
    h1 += h2
    h2 += h1
    h1, h2 = _mixed(h1), _mixed(h2)
    h1 += h2
    return h1, h2 + h1


@compiled
def hash_runs(
    letters: Bytes, letter_offsets: Int64, blank: Bools, chars: Int64, piece_offsets: Int64,
    span: int, min_chars: int, keys: UInt64, checks: UInt64, texts: Int64, places: Int64,
) -> tuple[int, int]:  # fmt: skip
    """Hashes of every run of ``span`` successive pieces of a text.

    Piece *p* is ``letters[letter_offsets[p]:letter_offsets[p + 1]]``. Left out are runs of pieces
    that are all ``blank``, those with fewer than ``min_chars`` of ``chars``, and those that reach
    into the pieces without any at a text's end. keys, checks, texts (number of the text) and places
    (of the run's first piece, counted from the text's first) have room for one a piece. Returns
    (runs, runs with fewer than ``min_chars``).
    """
    runs = short = 0
    for text in range(len(piece_offsets) - 1):
        first, last = piece_offsets[text], piece_offsets[text + 1]
        while last > first and chars[last - 1] == 0:
            last -= 1
        for piece in range(first, last - span + 1):
            nothing, size = True, 0
            for other in range(piece, piece + span):
                nothing = nothing and blank[other]
                size += chars[other]
            if nothing:
                continue
            if size < min_chars:
                short += 1
                continue
            key, check = murmur3(letters, letter_offsets[piece], letter_offsets[piece + span])
            keys[runs], checks[runs] = key, check
            texts[runs], places[runs] = text, piece - first
            runs += 1
    return runs, short
