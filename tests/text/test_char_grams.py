"""N-grams of characters that come again, against plain Python."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.text.char_grams import recurring_char_grams


@given(
    st.lists(st.one_of(st.text(max_size=60), st.text("ab", max_size=80)), max_size=4),
    st.integers(1, 12),
)
@example(["ab" * 300, "abcdefghij" * 3 + "xyz" * 5, "", "a" * 9, "a" * 10], 10)
@example(["aa bb cc dd aa bb ee", "\U0001f600\U0001f600\U0001f600"], 2)
@settings(max_examples=600, deadline=None)
def test_recurring_character_grams(texts: list[str], size: int) -> None:
    codes = np.array([ord(letter) for text in texts for letter in text], np.int32)
    counts = np.empty((len(texts), 2), np.int64)
    recurring_char_grams(codes, np.cumsum([0, *map(len, texts)]), size, counts)
    for text, found in zip(texts, counts.tolist(), strict=True):
        kinds = Counter(text[at : at + size] for at in range(len(text) - size + 1))
        often = sorted(kinds.values(), reverse=True)
        most = min(math.isqrt(len(often)), sum(count > 1 for count in often))
        assert found == [sum(often), sum(often[:most])]
