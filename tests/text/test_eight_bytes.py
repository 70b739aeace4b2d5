"""Looks at eight bytes at once against the same looks, a byte at a time."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.text import eight_bytes as eight
from winnow.text.mersenne import multiply

EIGHT = st.one_of(
    st.binary(min_size=8, max_size=8),
    st.lists(st.sampled_from(b"\0\x1f !az{\x7f\x80\xff"), min_size=8, max_size=8).map(bytes),
)
BYTES = st.binary(max_size=40) | st.text("a .\n\x1fé", max_size=40).map(str.encode)


def marked(mask: int) -> list[int]:
    """The bytes of a mask, which has no bit but their highest."""
    assert int(mask) & ~0x8080808080808080 == 0
    return [place for place, byte in enumerate(int(mask).to_bytes(8, "little")) if byte]


def array(data: bytes) -> np.ndarray:  # type: ignore[type-arg]
    return np.frombuffer(data, np.uint8)


@given(EIGHT, st.integers(0, 0x80), st.integers(0, 255), st.integers(0, 0x7F), st.integers(0, 0x7F))
@example(b"\x20\x21\x22\x80zzzz", 0x21, 0x20, 0x21, 0x22)
@settings(max_examples=500, deadline=None)
def test_masks(data: bytes, least: int, byte: int, first: int, last: int) -> None:
    word = np.uint64(eight.eight_bytes(array(data), 0))
    assert int(word) == int.from_bytes(data, "little")
    unusual = [at for at, each in enumerate(data) if each < least or each >= 0x80]
    mask = np.uint64(eight.mask_unusual(word, least))
    assert bool(mask) == bool(unusual)
    if unusual:
        assert eight.first_of(mask) == unusual[0] == marked(mask)[0]
    equal = [at for at, each in enumerate(data) if each == byte]
    assert marked(eight.mask_equal(word, byte)) == equal
    assert eight.number_of(np.uint64(eight.mask_equal(word, byte))) == len(equal)
    zeros = [at for at, each in enumerate(data) if each == 0]
    assert marked(eight.mask_zero(word))[:1] == zeros[:1]
    first, last = sorted((first, last))
    within = [at for at, each in enumerate(data) if first <= each <= last]
    assert marked(eight.mask_range(word, first, last)) == within


@given(BYTES, st.integers(0, 40), st.integers(0, 40), st.integers(0, 255))
@settings(max_examples=500, deadline=None)
def test_searches(data: bytes, start: int, end: int, byte: int) -> None:
    start, end = sorted((min(start, len(data)), min(end, len(data))))
    unusual = (at for at in range(start, end) if not 0x20 <= data[at] < 0x80)
    assert eight.next_unusual(array(data), start, end) == next(unusual, end)
    going_on = sum(0x80 <= each < 0xC0 for each in data[start:end])
    assert eight.count_code_points(array(data), start, end) == end - start - going_on
    for wanted in (byte, 0x0A):
        place = data.find(wanted, start, end)
        assert eight.next_byte(array(data), start, end, wanted) == (end if place < 0 else place)
        assert eight.count_byte(array(data), start, end, wanted) == data[start:end].count(wanted)


@given(BYTES, BYTES, st.integers(0, 8), st.integers(0, 8))
@settings(max_examples=500, deadline=None)
def test_pieces(one: bytes, other: bytes, before: int, behind: int) -> None:
    """A copy elsewhere is the same, with the same hash, whatever stands around it."""
    place = bytes(range(before)) + one + bytes(behind)
    end = before + len(one)
    assert eight.same_bytes(array(place), before, array(one), 0, len(one))
    key = eight.hash_bytes(array(place), before, end)
    assert key == eight.hash_bytes(array(one), 0, len(one))
    length = min(len(one), len(other))
    same = one[:length] == other[:length]
    assert eight.same_bytes(array(one), 0, array(other), 0, length) == same
    copy = np.full(len(place), 0xEE, np.uint8)
    eight.copy_bytes(array(place), before, end, copy, 0)
    assert copy.tobytes() == one + b"\xee" * (len(place) - len(one))
    for count in range(1, min(len(one), 7) + 1):
        found = int(eight.fewer_bytes(array(one), 0, count))
        assert found == int.from_bytes(one[:count], "little")


@given(st.integers(0, 2**61 - 2), st.integers(0, 2**61 - 2))
@example(2**61 - 2, 2**61 - 2)
@settings(max_examples=500, deadline=None)
def test_products(one: int, other: int) -> None:
    assert int(multiply(np.uint64(one), np.uint64(other))) == one * other % (2**61 - 1)
