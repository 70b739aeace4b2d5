"""Words and n-grams that come again, against plain Python."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.text.recurrence import (
    entropies,
    number_words,
    recurring_grams,
)

WORDS = st.one_of(
    st.lists(st.sampled_from(["a", "b", "ab", "é", "日本"]), max_size=40),
    st.lists(st.text(min_size=1, max_size=3), max_size=15),
    st.builds(
        lambda run, times, rest: run * times + rest,
        *[
            st.lists(st.sampled_from(["a", "bc", "d", "ef", "g", "hij"]), max_size=12),
            st.integers(0, 4),
        ],
        st.lists(st.sampled_from(["a", "bc", "x"]), max_size=4),
    ),
)
Batch = list[list[str]]
SIZES = 10


def arrays_of(texts: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    words = [word for text in texts for word in text]
    letters = np.array([ord(letter) for word in words for letter in word], np.int32)
    ends = np.cumsum([0, *map(len, words)])
    return letters, ends[:-1], ends[1:], np.cumsum([0, *map(len, texts)])


@given(st.lists(WORDS, max_size=4))
@example([["a"] * 300, [], [str(number) for number in range(500)] * 2])
@settings(max_examples=400, deadline=None)
def test_words_are_numbered_as_they_first_come(texts: Batch) -> None:
    arrays = arrays_of(texts)
    total = int(arrays[3][-1])
    numbers, counts = np.empty(total, np.int32), np.empty(total, np.int32)
    distinct, nats = np.empty(len(texts), np.int64), np.empty(len(texts))
    number_words(*arrays, numbers, counts, distinct)
    entropies(counts, arrays[3], distinct, nats)
    for index, text in enumerate(texts):
        first, last = arrays[3][index : index + 2]
        kinds = Counter(text)  # in the order in which they come
        order = list(kinds)
        assert distinct[index] == len(kinds)
        assert numbers[first:last].tolist() == [order.index(word) for word in text]
        assert counts[first : first + len(kinds)].tolist() == list(kinds.values())
        parts = [count / len(text) for count in kinds.values()]
        assert nats[index] == pytest.approx(-sum(part * math.log(part) for part in parts))


@given(st.lists(WORDS, max_size=4))
@example(
    [
        ["a"] * 200,
        [
            "a",
            "b",
            "c",
            "d",
            "e",
            "f",
            "g",
            "h",
            "i",
            "j",
            "a",
            "b",
            "c",
            "d",
            "e",
            "f",
            "g",
            "h",
            "i",
            "j",
        ],
        [],
        ["a"],
    ]
)
@example(
    [
        ["a", "b", "x", "a", "c", "y", "a", "b", "z", "a", "c"],
        ["a", "a", "b", "b", "a", "a", "b", "b"],
    ]
)
@settings(max_examples=600, deadline=None)
def test_recurring_grams(texts: Batch) -> None:
    arrays = arrays_of(texts)
    total = int(arrays[3][-1])
    numbers, counts = np.empty(total, np.int32), np.empty(total, np.int32)
    number_words(*arrays, numbers, counts, np.empty(len(texts), np.int64))
    shape = (len(texts), SIZES + 1)
    top, covered, recurring = (np.empty(shape, np.int64) for _ in range(3))
    recurring_grams(numbers, *arrays[1:], top, covered, recurring)
    for index, text in enumerate(texts):
        for size in range(1, SIZES + 1):
            grams = [tuple(text[at : at + size]) for at in range(len(text) - size + 1)]
            kinds = Counter(grams)
            gram, most = max(kinds.items(), key=lambda item: item[1], default=((), 0))
            again = [at for at, gram in enumerate(grams) if kinds[gram] > 1]
            inside = {word for at in again for word in range(at, at + size)}
            assert top[index, size] == (most * len("".join(gram)) if most > 1 else 0)
            assert covered[index, size] == sum(len(text[word]) for word in inside)
            assert recurring[index, size] == len(again)
