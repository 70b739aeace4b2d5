"""Pieces of texts → what of them is compared → 128-bit hashes of runs of pieces."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from winnow.dedup.within import line_hash_kernels as hash_kernels
from winnow.dedup.within import line_kernels as kernels
from winnow.dedup.within.line_pieces import Pieces
from winnow.text.code_points import CODE_POINTS, Images, code_points
from winnow.text.table import TextColumn

Normalisation = Literal["ccnet", "ccnet-paper", "datatrove", "none"]

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]

BLOCK_BYTES = 1 << 20  # of text normalised at a time; a longer text is a block of its own

# what CCNet's text_normalizer.py takes for punctuation (facts of its table; ASCII is not in it)
CCNET_PUNCTUATION = "，。、„”“«»１」「《》´∶：？！（）；–—．～’…━〈〉【】％►"
_DROPPED = ("Mn", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po")  # categories: marks and punctuation
_NOTHING = -1


class Normalised(NamedTuple):
    """Piece *p* became ``letters[offsets[p]:offsets[p + 1]]``, and an end mark is the last of it.

    Two pieces are the same if all of these bytes are; two runs of pieces if those of all are.
    """

    letters: Bytes
    offsets: Int64
    blank: npt.NDArray[np.bool_]
    """Nothing is left but the end mark."""


class Runs(NamedTuple):
    """Runs of pieces, ascending by (text, place)."""

    keys: npt.NDArray[np.uint64]
    checks: npt.NDArray[np.uint64]
    texts: Int64
    """Row of the column."""
    places: Int64
    """Of the run's first piece in its text."""


class RunHasher:
    """Hashes runs of ``span`` pieces under a normalisation; see the block ``lines``."""

    def __init__(self, normalisation: Normalisation, span: int, min_chars: int) -> None:
        self._normalise = _NORMALISERS[normalisation]()
        self._span = span
        self._min_chars = min_chars

    def runs(self, text: TextColumn, pieces: Pieces) -> tuple[Runs, int]:
        """(the runs that count, how many had fewer than ``min_chars``)."""
        found, short = [], 0
        for first, last in _blocks(text.offsets):
            some = slice(pieces.offsets[first], pieces.offsets[last])
            starts, ends = pieces.starts[some], pieces.ends[some]
            letters, letter_offsets, blank = self._normalise(text.data, starts, ends)
            chars = kernels.ink_chars(text.data, starts, ends)
            keys, checks = np.empty((2, len(starts)), np.uint64)
            texts, places = np.empty((2, len(starts)), np.int64)
            offsets = pieces.offsets[first : last + 1] - pieces.offsets[first]
            count, shorter = hash_kernels.hash_runs(
                letters, letter_offsets, blank, chars, offsets,
                self._span, self._min_chars, keys, checks, texts, places,
            )  # fmt: skip
            found.append(Runs(keys[:count], checks[:count], texts[:count] + first, places[:count]))
            short += shorter
        if not found:
            empty = np.empty(0, np.int64)
            found = [Runs(empty.astype(np.uint64), empty.astype(np.uint64), empty, empty)]
        return Runs(*(np.concatenate(columns) for columns in zip(*found, strict=True))), short


def _blocks(offsets: Int64) -> Iterator[tuple[int, int]]:
    """Texts ``first`` to ``last - 1``, some at a time."""
    first, count = 0, len(offsets) - 1
    while first < count:
        end = int(np.searchsorted(offsets, offsets[first] + BLOCK_BYTES, "right")) - 1
        last = min(count, max(first + 1, end))
        yield first, last
        first = last


class _AsWritten:
    """Stripped of white space at both ends, and otherwise byte for byte."""

    def __call__(self, data: Bytes, starts: Int64, ends: Int64) -> Normalised:
        letters = np.empty(int((ends - starts).sum()) + len(starts) + 8, np.uint8)
        offsets = np.zeros(len(starts) + 1, np.int64)
        hash_kernels.copy_stripped(data, starts, ends, letters, offsets[1:])
        return Normalised(letters, offsets, np.diff(offsets) == 1)


class _Mapped:
    """Code point by code point, after stripping; as UTF-32."""

    def __init__(self, accents: bool) -> None:
        self._images = ccnet_images(accents)
        self._kinds = code_points().kinds

    def __call__(self, data: Bytes, starts: Int64, ends: Int64) -> Normalised:
        letters = np.empty(2 * int((ends - starts).sum()) + len(starts) + 2, np.int32)
        offsets = np.zeros(len(starts) + 1, np.int64)
        images = self._images
        hash_kernels.map_stripped(
            data, starts, ends, images.codes, images.ends, images.several, self._kinds, letters,
            offsets[1:],
        )  # fmt: skip
        return Normalised(letters.view(np.uint8), 4 * offsets, np.diff(offsets) == 1)


class _Words:
    """The words of datatrove's ``simplify_text``, through a memo of white-space chunks."""

    def __init__(self) -> None:
        from winnow.dedup.signing.chunk_table import ChunkTable
        from winnow.dedup.signing.normalise import chunk_pieces

        self._table = ChunkTable(chunk_pieces)

    def __call__(self, data: Bytes, starts: Int64, ends: Int64) -> Normalised:
        from winnow.dedup.signing import chunk_kernels

        # a column of the pieces, and of what stands between them, over the same bytes
        bounds = np.empty(2 * len(starts) + 1, np.int64)
        bounds[:-1:2], bounds[1::2] = starts, ends
        bounds[-1] = ends[-1] if len(ends) else 0
        column = pa.Array.from_buffers(
            pa.large_string(), 2 * len(starts), [None, pa.py_buffer(bounds), pa.py_buffer(data)]
        )
        column = column.take(pa.array(np.arange(0, 2 * len(starts), 2)))
        letters, sizes = [np.empty(0, np.uint8)], [np.empty(0, np.int64)]
        for first, last, chunks, chunk_ends in self._table.chunks(column):
            offsets = np.zeros(last - first + 1, np.int64)
            table = self._table
            joined = chunk_kernels.join_words(
                chunks, chunk_ends, table.value_starts, table.values, offsets
            )
            letters.append(joined[: offsets[-1]])
            sizes.append(np.diff(offsets))
        lengths = np.concatenate(sizes)
        blank = lengths == 0
        # a space stands behind every word, and so alone for a piece without any
        places = np.concatenate(([0], np.cumsum(lengths)[:-1]))[blank] if len(lengths) else []
        every = np.insert(np.concatenate(letters), places, np.uint8(0x20))
        offsets = np.concatenate(([0], np.cumsum(np.where(blank, 1, lengths))))
        return Normalised(np.concatenate([every, np.zeros(8, np.uint8)]), offsets, blank)


_NORMALISERS: dict[Normalisation, Callable[[], Callable[[Bytes, Int64, Int64], Normalised]]] = {
    "ccnet": lambda: _Mapped(accents=True),
    "ccnet-paper": lambda: _Mapped(accents=False),
    "datatrove": _Words,
    "none": _AsWritten,
}


@cache
def ccnet_images(accents: bool) -> Images:
    """What every code point of a line becomes; see the block ``lines``.

    Lower case, decimal digits "0", no control characters; and without ``CCNET_PUNCTUATION``, or
    without accents (nonspacing marks of the canonical decomposition) and all punctuation.
    """
    # no other code point is assigned
    scalars = [c for c in (*range(0x40000), *range(0xE0000, 0xF0000)) if not 0xD800 <= c < 0xE000]
    becomes = np.arange(CODE_POINTS, dtype=np.int32)
    dropped = {*range(32), *range(127, 160)}
    if accents:
        dropped |= set(map(ord, CCNET_PUNCTUATION))
    else:
        dropped |= {c for c in scalars if unicodedata.category(chr(c)) in _DROPPED}
    becomes[list(dropped)] = _NOTHING
    becomes[[c for c in scalars if chr(c).isdecimal()]] = ord(
        "0"
    )  # before punctuation: "１" is both
    known = code_points().lower if accents else code_points().lower_nfd
    several = becomes[known.several]
    ends = np.cumsum(several != _NOTHING)[known.ends - 1]
    ends = np.append(ends, ends[-1])  # one image more, of no code points
    codes = known.codes.copy()
    single = codes >= 0
    images = becomes[codes[single]]
    codes[single] = np.where(images == _NOTHING, -len(ends), images)
    return Images(codes, ends, several[several != _NOTHING])
