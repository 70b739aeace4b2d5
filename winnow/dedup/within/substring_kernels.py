"""Compiled passes over the units (bytes or words) of documents: anchors, and hashes of windows.

Everywhere: ``symbols`` names the units of all documents in a row; unit *i* is worth
``values[symbols[i]]``. ``starts`` int64[documents + 1]: where each document's units begin in
``symbols``. Places within a document count units from its first. Import inside ``open()`` only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from winnow.text.compiled import compiled
from winnow.text.mersenne import PRIME, multiply, reduce

_ONE = np.uint64(1)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@compiled
def mixed(z: Any) -> Any:
    """The finaliser of SplitMix64: a bijection, after which every bit depends on all."""
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


@compiled
def word_values(data: Any, starts: Any, ends: Any, base: Any, values: Any) -> None:
    """``values[i]`` := ``data[starts[i]:ends[i]]``, each byte + 1, as a polynomial of ``base``
    modulo 2^61 - 1."""
    for i in range(starts.size):
        value = np.uint64(0)
        for at in range(starts[i], ends[i]):
            value = reduce(multiply(value, base) + np.uint64(data[at]) + _ONE)
        values[i] = value


@compiled
def choose_anchors(
    symbols: Any, values: Any, starts: Any, gram: int, span: int, factor: Any
) -> tuple[Any, Any, Any, Any, Any, Any]:
    """The anchors of every document: of each ``span`` successive ``gram``-grams one of least hash.

    A hash is the polynomial of ``factor`` (odd) modulo 2^64, mixed. As long as the gram chosen for
    the window before is in the window and none has a smaller hash, it stays chosen; else the last
    of the least ones is. Where a gram of equal hash comes up while one is chosen, the first such is
    an anchor too, its *pair*: see substring_anchors.py.

    Returns, by document and place: rows int64 (the document's number), places uint32, hashes
    uint64, first_windows uint32 (start of the first window that chose it), window_counts uint32 (0:
    a pair that none chose), paired bool (it has a pair).
    """
    room = symbols.size * 3 // (span + 1) + 16
    rows, places = np.empty(room, np.int64), np.empty(room, np.uint32)
    hashes, firsts = np.empty(room, np.uint64), np.empty(room, np.uint32)
    counts, paired = np.empty(room, np.uint32), np.empty(room, np.bool_)
    recent = np.empty(span, np.uint64)
    found = 0
    for row in range(starts.size - 1):
        first, length = starts[row], starts[row + 1] - starts[row]
        while True:
            total = _choose_within(
                symbols, values, first, length, gram, span, factor, recent,
                found, places, hashes, firsts, counts, paired,
            )  # fmt: skip
            if total >= 0:
                break
            more = rows.size  # rare: a text whose hashes descend
            rows = np.concatenate((rows, np.empty(more, np.int64)))
            places = np.concatenate((places, np.empty(more, np.uint32)))
            hashes = np.concatenate((hashes, np.empty(more, np.uint64)))
            firsts = np.concatenate((firsts, np.empty(more, np.uint32)))
            counts = np.concatenate((counts, np.empty(more, np.uint32)))
            paired = np.concatenate((paired, np.empty(more, np.bool_)))
        rows[found:total] = row
        found = total
    return (
        rows[:found], places[:found], hashes[:found], firsts[:found], counts[:found], paired[:found]
    )  # fmt: skip


@compiled
def _choose_within(
    symbols: Any, values: Any, first: int, length: int, gram: int, span: int, factor: Any,
    recent: Any, found: int, places: Any, hashes: Any, firsts: Any, counts: Any, paired: Any,
) -> int:  # fmt: skip
    """One document's anchors, from number ``found`` on; their end, or -1 for want of room.

    recent uint64[span]: hashes of the last grams, in a ring.
    """
    if length < gram + span - 1:
        return found
    leaving, value = _ONE, np.uint64(0)
    for i in range(gram - 1):
        leaving *= factor
        value = value * factor + values[symbols[first + i]]
    chosen, at, slot = -1, -1, 0
    least = np.uint64(0)
    for place in range(length - gram + 1):
        if place:
            value -= values[symbols[first + place - 1]] * leaving
        value = value * factor + values[symbols[first + place + gram - 1]]
        own = mixed(value)
        recent[slot] = own
        slot = slot + 1 if slot + 1 < span else 0
        window = place - span + 1
        if window < 0:
            continue
        if at >= window:
            if own > least:
                continue
            if own == least:
                if not paired[chosen]:
                    if found == places.size:
                        return -1
                    paired[chosen] = True
                    places[found], hashes[found] = place, own
                    firsts[found], counts[found], paired[found] = window, 0, False
                    found += 1
                continue
            least, at = own, place
        else:
            least = own
            for i in range(span):
                least = min(least, recent[i])
            at, turn = place, slot
            while True:  # back from the newest
                turn = turn - 1 if turn else span - 1
                if recent[turn] == least:
                    break
                at -= 1
        if chosen >= 0:
            counts[chosen] = window - firsts[chosen]
        if chosen >= 0 and places[found - 1] == at:  # the pair of the one before
            chosen = found - 1
        else:
            if found == places.size:
                return -1
            chosen = found
            found += 1
        places[chosen], hashes[chosen] = at, least
        firsts[chosen], paired[chosen] = window, False
    counts[chosen] = length - gram - span + 2 - firsts[chosen]
    return found


@compiled
def hash_ranges(
    symbols: Any, values: Any, starts: Any, base: Any, most: int,
    rows: Any, firsts: Any, lengths: Any, tails: Any, hashes: Any,
) -> None:  # fmt: skip
    """``hashes[r]`` := the units of a range, then ``tails[r]`` and ``lengths[r]``, as a polynomial
    of ``base`` modulo 2^61 - 1.

    Range r is ``lengths[r]`` units (1 to ``most``) of document ``rows[r]`` from place
    ``firsts[r]``; ranges ascend by document, start and end. values uint64, below the modulus.
    Every unit is read once, however many ranges it is in.
    """
    powers = np.empty(most + 1, np.uint64)
    powers[0] = _ONE
    for i in range(most):
        powers[i + 1] = multiply(powers[i], base)
    room = 1
    while room <= most:
        room *= 2
    ring = room - 1
    # prefixes[i & ring]: the polynomial of the document's units from where the pass began up to i
    prefixes = np.empty(room, np.uint64)
    row, done = -1, np.int64(0)
    for r in range(rows.size):
        first = np.int64(firsts[r])
        end = first + np.int64(lengths[r])
        if rows[r] != row or first > done:
            row, done = rows[r], first
            prefixes[first & ring] = np.uint64(0)
        before = starts[row]
        while done < end:
            value = multiply(prefixes[done & ring], base) + values[symbols[before + done]]
            done += 1
            prefixes[done & ring] = reduce(value)
        own = multiply(prefixes[first & ring], powers[end - first])
        own = reduce(prefixes[end & ring] + PRIME - own)
        own = reduce(multiply(own, base) + np.uint64(tails[r]))
        hashes[r] = reduce(multiply(own, base) + np.uint64(lengths[r]))


@compiled
def spread(hashes: Any) -> None:
    """Values onto all of uint64, in place, one to one."""
    for i in range(hashes.size):
        hashes[i] = mixed(hashes[i])
