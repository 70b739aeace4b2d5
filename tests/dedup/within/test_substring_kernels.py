"""Compiled passes against plain Python, on texts of few letters, where ties and runs abound."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.within import substring_kernels as kernels

MASK, PRIME = (1 << 64) - 1, (1 << 61) - 1
FACTOR = 0x9E3779B97F4A7C15
texts = st.lists(
    st.text("ab", max_size=40).map(str.encode)
    | st.tuples(st.text("abc", min_size=1, max_size=4), st.integers(0, 20)).map(
        lambda pair: (pair[0] * pair[1]).encode()
    ),
    max_size=5,
)
# values under which grams differ, are all equal, and are large
tables = st.sampled_from([[3, 5, 7], [9, 9, 9], [1 << 63, 12345, MASK]])


def mixed(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def slow_anchors(text: bytes, table: list[int], gram: int, span: int) -> list[tuple[int, ...]]:
    """(place, hash, first window, windows, paired), by what the docstring says."""
    hashes = []
    for place in range(len(text) - gram + 1):
        value = 0
        for letter in text[place : place + gram]:
            value = (value * FACTOR + table[letter - 97]) & MASK
        hashes.append(mixed(value))
    found: dict[int, list[int]] = {}
    chosen = -1
    for window in range(len(hashes) - span + 1):
        inside = range(window, window + span)
        least = min(hashes[place] for place in inside)
        newest = window + span - 1
        if chosen in inside and hashes[chosen] == least:
            if hashes[newest] == least and newest != chosen and not found[chosen][4]:
                found[chosen][4] = 1
                found[newest] = [newest, least, -1, 0, 0]
        else:
            chosen = max(place for place in inside if hashes[place] == least)
            found[chosen] = [chosen, least, window, 0, 0]
        found[chosen][3] += 1
    return [tuple(found[place]) for place in sorted(found)]


def joined(documents: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    starts = np.cumsum([0, *map(len, documents)]).astype(np.int64)
    return np.frombuffer(b"".join(documents), np.uint8) - np.uint8(97), starts


@given(texts, tables, st.integers(1, 4), st.integers(1, 6))
@settings(deadline=None, max_examples=300)
def test_anchors_are_those_of_the_rule(
    documents: list[bytes], table: list[int], gram: int, span: int
) -> None:
    symbols, starts = joined(documents)
    values = np.array(table, np.uint64)
    columns = kernels.choose_anchors(symbols, values, starts, gram, span, np.uint64(FACTOR))
    rows, places, hashes, firsts, counts, paired = (column.tolist() for column in columns)
    firsts = [first if count else -1 for first, count in zip(firsts, counts, strict=True)]
    found = list(zip(rows, places, hashes, firsts, counts, paired, strict=True))
    wanted = [
        (row, *anchor)
        for row, text in enumerate(documents)
        for anchor in slow_anchors(text, table, gram, span)
    ]
    assert found == wanted


@given(texts, tables, st.integers(1, 4), st.integers(1, 6))
@settings(deadline=None, max_examples=300)
def test_the_anchor_of_a_window_that_occurs_twice_has_a_hash_that_is_there_twice(
    documents: list[bytes], table: list[int], gram: int, span: int
) -> None:
    length = gram + span - 1
    anchors = {row: slow_anchors(text, table, gram, span) for row, text in enumerate(documents)}
    there: dict[int, int] = {}
    contexts: dict[tuple[int, int, bytes], int] = {}
    windows: dict[bytes, int] = {}
    for row, text in enumerate(documents):
        for start in range(len(text) - length + 1):
            window = text[start : start + length]
            windows[window] = windows.get(window, 0) + 1
        for place, hash_, first, count, paired in anchors[row]:
            there[hash_] = there.get(hash_, 0) + 1
            if count and not paired:
                key = (hash_, place - first, text[first : first + count + length - 1])
                contexts[key] = contexts.get(key, 0) + 1
    for row, text in enumerate(documents):
        for place, hash_, first, count, paired in anchors[row]:
            key = (hash_, place - first, text[first : first + count + length - 1])
            closed = bool(count) and not paired and contexts[key] == there[hash_] > 1
            for start in range(first, first + count):
                copies = windows[text[start : start + length]]
                assert copies == 1 or there[hash_] > 1
                assert not closed or copies == there[hash_]


@given(texts, st.integers(2, PRIME - 1), st.integers(1, 9), st.data())
@settings(deadline=None, max_examples=200)
def test_hashes_of_ranges_are_polynomials(
    documents: list[bytes], base: int, most: int, draw: st.DataObject
) -> None:
    symbols, starts = joined(documents)
    values = np.array([1, PRIME - 1, 77], np.uint64)
    ranges: list[tuple[int, int, int, int]] = []
    for row, text in enumerate(documents):
        last = 0
        for start in sorted(draw.draw(st.sets(st.integers(0, max(0, len(text) - 1)), max_size=6))):
            end = min(len(text), max(last, start + draw.draw(st.integers(1, most))))
            if text and end - start <= most:
                ranges.append((row, start, end - start, draw.draw(st.integers(0, 9))))
                last = end
    columns = np.array(ranges, np.int64).reshape(-1, 4).T
    hashes = np.empty(len(ranges), np.uint64)
    kernels.hash_ranges(symbols, values, starts, np.uint64(base), most, *columns, hashes)
    wanted = []
    for row, start, length, tail in ranges:
        value = 0
        for letter in documents[row][start : start + length]:
            value = (value * base + int(values[letter - 97])) % PRIME
        wanted.append(((value * base + tail) * base + length) % PRIME)
    assert hashes.tolist() == wanted


@given(st.lists(st.binary(max_size=12), max_size=4), st.integers(2, PRIME - 1))
@settings(deadline=None)
def test_values_of_words_are_polynomials(words: list[bytes], base: int) -> None:
    ends = np.cumsum([len(word) for word in words]).astype(np.int64)
    starts = ends - np.array([len(word) for word in words], np.int64)
    values = np.empty(len(words), np.uint64)
    data = np.frombuffer(b"".join(words), np.uint8)
    kernels.word_values(data, starts, ends, np.uint64(base), values)
    wanted = []
    for word in words:
        value = 0
        for byte in word:
            value = (value * base + byte + 1) % PRIME
        wanted.append(value)
    assert values.tolist() == wanted


def test_a_text_of_one_letter_has_few_anchors() -> None:
    symbols, starts = joined([b"a" * 1_000_000])
    values = np.array([3], np.uint64)
    rows, *_, paired = kernels.choose_anchors(symbols, values, starts, 100, 101, np.uint64(FACTOR))
    assert len(rows) <= 2 * 1_000_000 / 100 + 2
    assert paired[:-2].any()


def test_spreading_is_one_to_one_and_even() -> None:
    values = np.arange(1 << 16, dtype=np.uint64)
    kernels.spread(values)
    assert len(set(values.tolist())) == 1 << 16
    assert values.tolist()[5] == mixed(5)
    halves = np.bincount((values >> np.uint64(62)).astype(np.int64), minlength=4)
    assert (abs(halves - (1 << 14)) < 1 << 10).all()
