"""Compiled search for many words and phrases at once, in lower-cased text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from winnow.text.characters import ASSIGNED, code_point
from winnow.text.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

UNSURE = -1
_WORD = 32  # of `character_flags`
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
# `str.lower` makes two characters of the one, and looks around it at the other
_DOTTED_I, _SIGMA = 0x130, 0x3A3


@dataclass(frozen=True)
class PhraseTree:
    """Phrases as a tree of their characters: ``edges[slot]`` is ``node << 21 | code point``."""

    edges: Int64
    nodes: Int64
    """The node that an edge leads to, by slot."""
    ends: Bool
    """By node: whether a phrase ends there."""


def phrase_tree(phrases: Iterable[str]) -> PhraseTree:
    """The tree of ``phrases``, none of them empty."""
    children: dict[tuple[int, str], int] = {}
    ends = {0: False}
    for phrase in phrases:
        node = 0
        for character in phrase:
            node = children.setdefault((node, character), len(children) + 1)
            ends.setdefault(node, False)
        ends[node] = True
    size = 64
    while size < 2 * len(children):
        size *= 2
    edges, nodes = np.full(size, -1, np.int64), np.zeros(size, np.int64)
    for (node, character), child in children.items():
        edge = node << 21 | ord(character)
        slot = _slot(edge, size)
        while edges[slot] >= 0:
            slot = (slot + 1) & (size - 1)
        edges[slot], nodes[slot] = edge, child
    return PhraseTree(edges, nodes, np.array([ends[node] for node in range(len(ends))], np.bool_))


@cache
def lower_case() -> Int32:
    """Code point → its ``str.lower()``, ``int32[0x40000]``; itself where that is not one."""
    table = np.arange(ASSIGNED, dtype=np.int32)
    for code in range(ASSIGNED):
        lower = chr(code).lower()
        if len(lower) == 1:
            table[code] = ord(lower)
    return table


@compiled
def _slot(edge: int, size: int) -> int:
    key = np.uint64(edge) * _MULTIPLIER
    return int(np.int64((key ^ (key >> np.uint64(29))) & np.uint64(size - 1)))


@compiled
def count_phrases(
    data: Bytes,
    offsets: Int64,
    rows: Int64,
    lower: Int32,
    flags: Bytes,
    edges: Int64,
    nodes: Int64,
    ends: Bool,
    flanked: bool,
    result: Int64,
) -> None:
    """``result`` int64[n]: places of the lower-cased row at which a phrase begins.

    ``flanked``: with no word character (``\\w``) before and behind it. ``UNSURE`` where the row has
    a character whose lower case is not one (İ) or depends on others (Σ).
    """
    for position in range(len(rows)):
        at, end = offsets[rows[position]], offsets[rows[position] + 1]
        found = 0
        after_word = False
        while at < end:
            code, width = code_point(data, at, end)
            if code in (_DOTTED_I, _SIGMA):
                found = UNSURE
                break
            if code < len(lower):
                code = int(lower[code])
            if not (flanked and after_word):
                found += _begins(data, at, end, lower, flags, edges, nodes, ends, flanked)
            after_word = (flags[code] & _WORD) != 0
            at += width
        result[position] = found


@compiled
def _begins(
    data: Bytes,
    at: int,
    end: int,
    lower: Int32,
    flags: Bytes,
    edges: Int64,
    nodes: Int64,
    ends: Bool,
    flanked: bool,
) -> bool:
    node = 0
    while True:
        code, width = -1, 0
        if at < end:
            code, width = code_point(data, at, end)
            if code < len(lower):
                code = int(lower[code])
        if ends[node] and not (flanked and code >= 0 and flags[code] & _WORD):
            return True
        if code < 0:
            return False
        edge = node << 21 | code
        slot = _slot(edge, len(edges))
        while edges[slot] >= 0 and edges[slot] != edge:
            slot = (slot + 1) & (len(edges) - 1)
        if edges[slot] < 0:
            return False
        node = nodes[slot]
        at += width
