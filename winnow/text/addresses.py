"""Addresses of the Internet within texts, taken out as DCLM's two regular expressions do.

``\\s{0,10}(https?://|ftp://)?HOST{1,256}\\.TLD\\b TAIL*`` and then
``\\s{0,10}\\b(https?://|ftp://)?`` four numbers with dots, ``TAIL*``; HOST is
``[-\\w@:%.+~#=]`` and TAIL is HOST with ``()?&/``, both ASCII. The compiled form finds the dots
that a top-level domain follows, and from these the one place where the expression would match; it
needs no backtracking.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from winnow.text.characters import ASSIGNED, code_point, last_start
from winnow.text.chunks import space_bytes
from winnow.text.compiled import compiled
from winnow.text.eight_bytes import copy_bytes, next_byte

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_WORD = 32  # of `character_flags`
_HOST, _TAIL = 1, 2
_MOST_HOST = 256
_MOST_SPACES = 10


@dataclass(frozen=True)
class Domains:
    """Top-level domains as a hash table of code points."""

    codes: Int32
    ends: Int64
    slots: Int64
    folded: Int32
    """Code point → the letter of a domain that ``re.IGNORECASE`` takes it for, else itself."""
    ascii: Bytes
    """``_HOST``, ``_TAIL`` by byte."""


@cache
def top_level_domains() -> Domains:
    """Those of ``top_level_domains.txt``."""
    lines = Path(__file__).with_name("top_level_domains.txt").read_text("utf-8").splitlines()
    names = [name for line in lines if not line.startswith("#") for name in line.split()]
    codes = np.array([ord(letter) for name in names for letter in name], np.int32)
    ends = np.cumsum([len(name) for name in names]).astype(np.int64)
    slots = np.full(1 << 13, -1, np.int64)
    _place(codes, ends, slots)
    ascii = np.zeros(256, np.uint8)
    for code in range(128):
        host = chr(code).isalnum() or chr(code) in "-@:%._+~#="
        ascii[code] = _HOST * host + _TAIL * (host or chr(code) in "()?&/")
    return Domains(codes, ends, slots, _folded(set("".join(names))), ascii)


def _folded(letters: set[str]) -> Int32:
    folded = np.arange(ASSIGNED, dtype=np.int32)
    for code in range(ASSIGNED):
        character = chr(code)
        upper = character.upper()
        if upper == character == character.lower():
            continue
        for other in (character.lower()[0], upper.lower()[0], character.casefold()[0]):
            if other != character and other in letters and re.fullmatch(other, character, re.I):
                folded[code] = ord(other)
    return folded


@compiled
def _hash(key: Any, code: int) -> Any:
    return (key ^ np.uint64(code)) * _MULTIPLIER


@compiled
def _place(codes: Int32, ends: Int64, slots: Int64) -> None:
    start = 0
    for name in range(len(ends)):
        key = np.uint64(1)
        for at in range(start, ends[name]):
            key = _hash(key, codes[at])
        start = ends[name]
        slot = np.int64((key ^ (key >> _SHIFT)) & np.uint64(len(slots) - 1))
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = name


@compiled
def _is_domain(
    key: Any, data: Bytes, at: int, end: int, codes: Int32, ends: Int64, slots: Int64, folded: Int32
) -> bool:
    """Whether the characters of ``data[at:end]``, folded where asked, are a domain; ``key``: their
    hash."""
    slot = np.int64((key ^ (key >> _SHIFT)) & np.uint64(len(slots) - 1))
    while slots[slot] >= 0:
        name = slots[slot]
        index = ends[name - 1] if name else 0
        place = at
        while index < ends[name] and place < end:
            code, width = code_point(data, place, end)
            if len(folded) and code < len(folded):
                code = int(folded[code])
            if code != codes[index]:
                break
            index += 1
            place += width
        if index == ends[name] and place == end:
            return True
        slot = (slot + 1) & (len(slots) - 1)
    return False


@compiled
def remove_addresses(
    data: Bytes,
    offsets: Int64,
    rows: Int64,
    flags: Bytes,
    codes: Int32,
    ends: Int64,
    slots: Int64,
    folded: Int32,
    ascii: Bytes,
    domain_first: bool,
    most_feeds: int,
    text: Bytes,
    text_offsets: Int64,
    removed: Int64,
) -> None:
    """The rows without addresses, and with at most ``most_feeds`` line feeds in a row, in ``text``
    (uint8, room for all); ends in ``text_offsets[1:]``; ``removed`` int64[n], addresses taken out.

    ``domain_first``: named hosts go only from texts that begin with a top-level domain.
    """
    some = np.empty(1 << 12, np.uint8)
    more = np.empty(1 << 12, np.uint8)
    exact = folded[:0]
    out = 0
    text_offsets[0] = 0
    for position in range(len(rows)):
        low, high = offsets[rows[position]], offsets[rows[position] + 1]
        size = high - low
        if size > len(some):
            some, more = np.empty(2 * size, np.uint8), np.empty(2 * size, np.uint8)
        copy_bytes(data, low, high, some, 0)
        count = 0
        if not domain_first or _domain(some, 0, size, flags, codes, ends, slots, folded, False):
            kept, done, found = 0, 0, 0
            while True:
                start, after = _named(some, done, size, flags, codes, ends, slots, exact, ascii)
                if after < 0:
                    break
                copy_bytes(some, done, max(done, start), more, kept)
                kept += max(start - done, 0)
                found, done = found + 1, after
            if found:
                copy_bytes(some, done, max(done, size), more, kept)
                kept += max(size - done, 0)
                some, more, size, count = more, some, kept, found
        feeds = done = 0
        while done < size:
            start, after = _numbered(some, done, size, flags, ascii)
            if after < 0:
                start = after = size
            else:
                count += 1
            at = done
            while at < start:
                stop = next_byte(some, at, start, 0x0A)
                if stop > at:
                    copy_bytes(some, at, stop, text, out)
                    out += stop - at
                    feeds, at = 0, stop
                while at < start and some[at] == 0x0A:
                    feeds += 1
                    if feeds <= most_feeds:
                        text[out] = 0x0A
                        out += 1
                    at += 1
            done = after
        text_offsets[position + 1] = out
        removed[position] = count


@compiled
def _domain(
    data: Bytes,
    at: int,
    end: int,
    flags: Bytes,
    codes: Int32,
    ends: Int64,
    slots: Int64,
    folded: Int32,
    bounded: bool,
) -> int:
    """The end of the domain at ``at``, the longest; 0: there is none. ``bounded``: with ``\\b``
    behind it."""
    key = np.uint64(1)
    place, found = at, 0
    for _ in range(24):  # no domain is longer
        if place >= end:
            break
        code, width = code_point(data, place, end)
        if len(folded) and code < len(folded):
            code = int(folded[code])
        key = _hash(key, code)
        place += width
        if not _is_domain(key, data, at, place, codes, ends, slots, folded):
            continue
        if bounded:
            word = (flags[code] & _WORD) != 0
            following = False
            if place < end:
                next_code, _ = code_point(data, place, end)
                following = (flags[next_code] & _WORD) != 0
            if word == following:
                continue
        found = place
    return found


@compiled
def _named(
    data: Bytes,
    done: int,
    size: int,
    flags: Bytes,
    codes: Int32,
    ends: Int64,
    slots: Int64,
    exact: Int32,
    ascii: Bytes,
) -> tuple[int, int]:
    """Where the first address by name from ``done`` on starts and ends; (0, -1): there is none."""
    at = done
    while at < size:
        at = next_byte(data, at, size, 0x2E)
        run = at  # of characters that a host may have
        while run > done and ascii[data[run - 1]] & _HOST:
            run -= 1
        host = dot = -1
        tail = 0
        while at < size and ascii[data[at]] & _HOST:
            if data[at] == 0x2E and at > run and (host < 0 or at - host <= _MOST_HOST):
                after = _domain(data, at + 1, size, flags, codes, ends, slots, exact, True)
                if after:
                    if host < 0:
                        host = max(run, at - _MOST_HOST)
                    dot, tail = at, after
            at += 1
        if dot < 0:
            continue
        while tail < size and ascii[data[tail]] & _TAIL:
            tail += 1
        start = _before(data, done, host, host == run)
        return start, tail
    return 0, -1


@compiled
def _before(data: Bytes, done: int, start: int, scheme: bool) -> int:
    """``start`` moved before a scheme, if there may be one, and ten white spaces."""
    if scheme:
        start -= _scheme_bytes(data, done, start)
    spaces = 0
    while start > done and spaces < _MOST_SPACES:
        before = last_start(data, done, start)
        if space_bytes(data, before, start) != start - before:
            break
        spaces += 1
        start = before
    return start


@compiled
def _scheme_bytes(data: Bytes, low: int, end: int) -> int:
    """Bytes of the ``http://``, ``https://`` or ``ftp://`` that ends at ``end``; 0: none does."""
    if end - low < 6 or data[end - 1] != 0x2F or data[end - 2] != 0x2F or data[end - 3] != 0x3A:
        return 0
    at = end - 4
    if data[at] == 0x70 and data[at - 1] == 0x74 and data[at - 2] == 0x66:
        return 6
    if data[at] == 0x73:
        at -= 1
    if at - 3 < low:
        return 0
    if data[at] == 0x70 and data[at - 1] == 0x74 and data[at - 2] == 0x74 and data[at - 3] == 0x68:
        return end - (at - 3)
    return 0


@compiled
def _numbered(data: Bytes, done: int, size: int, flags: Bytes, ascii: Bytes) -> tuple[int, int]:
    """The same for addresses by number."""
    at = done
    while at < size:
        at = next_byte(data, at, size, 0x2E)
        start = at
        while start > done and 0x30 <= data[start - 1] <= 0x39:
            start -= 1
        if at == size or start == at:
            at += 1
            continue
        at += 1
        tail = _quad_end(data, start, size)
        if tail < 0:
            continue
        scheme = _scheme_bytes(data, done, start)
        if scheme and not _word_before(data, start - scheme, flags):
            start = _before(data, done, start, True)
        elif not _word_before(data, start, flags):
            start = _before(data, done, start, False)
        else:
            continue
        while tail < size and ascii[data[tail]] & _TAIL:
            tail += 1
        return start, tail
    return 0, -1


@compiled
def _word_before(data: Bytes, at: int, flags: Bytes) -> bool:
    if at == 0:
        return False
    code, _ = code_point(data, last_start(data, 0, at), at)
    return bool(flags[code] & _WORD)


@compiled
def _quad_end(data: Bytes, at: int, size: int) -> int:
    """The end of a first digit after three numbers with dots at ``at``; -1: they are not there."""
    for _ in range(3):
        start = at
        while at < size and 0x30 <= data[at] <= 0x39:
            at += 1
        digits = at - start
        if digits == 0 or digits > 3 or (digits == 3 and data[start] > 0x32):
            return -1
        if at == size or data[at] != 0x2E:
            return -1
        at += 1
    if at < size and 0x30 <= data[at] <= 0x39:
        return at + 1
    return -1
