"""n-gram counts against the plain definitions of Gopher's reference implementation."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.text.grams import count_words, hash_words, repeated_gram_chars, top_gram_chars
from winnow.text.table import TextColumn, WordTable
from winnow.text.vocabulary import HAS_INK, HAS_LETTER
from winnow.text.words import Words

SIZES = np.arange(1, 11)
WORDS = st.lists(st.sampled_from(["a", "b", "ab", "ba", "aba", "é", "日", "#", "7"]), max_size=60)
BATCHES = st.lists(WORDS, max_size=4)


class SpaceWords(Words):
    """Words are what white space parts: so a test chooses them."""

    def tokenize(self, chunk: str) -> tuple[str, ...]:
        return (chunk,)


def split(documents: list[list[str]]):  # type: ignore[no-untyped-def]
    column = pa.array([" ".join(words) for words in documents], pa.large_string())
    return WordTable(SpaceWords()).split(TextColumn(column), np.arange(len(documents)))


def top(words: list[str], n: int) -> int:
    grams = [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
    if not grams:
        return 0
    gram, count = Counter(grams).most_common(1)[0]
    return len(gram) * count


def repeated(words: list[str], n: int) -> int:
    seen: set[str] = set()
    total = at = 0
    while at < len(words) - n + 1:
        gram = "".join(words[at : at + n])
        if gram in seen:
            total += len(gram)
            at += n
        else:
            seen.add(gram)
            at += 1
    return total


@given(BATCHES)
@example([["ab", "a", "ba", "b", "a", "b", "ab"] * 40, [], ["a"]])
@settings(max_examples=300, deadline=None)
def test_top_and_repeated_grams(documents: list[list[str]]) -> None:
    found = split(documents)
    counts = np.empty((len(documents), len(SIZES)), np.int64)
    top_gram_chars(found.tokens, found.offsets, found.chars, SIZES, counts)
    assert counts.tolist() == [[top(words, n) for n in SIZES] for words in documents]
    repeated_gram_chars(found.tokens, found.offsets, found.chars, found.hashes, SIZES, counts)
    assert counts.tolist() == [[repeated(words, n) for n in SIZES] for words in documents]


def test_words_written_together_are_what_is_compared() -> None:
    # a b c d ef … and ab c d e f …: other words, the same letters
    documents = [["a", "bc", "x", "y", "z", "ab", "c", "x", "y", "z"]]
    found = split(documents)
    counts = np.empty((1, 1), np.int64)
    sizes = np.array([5])
    repeated_gram_chars(found.tokens, found.offsets, found.chars, found.hashes, sizes, counts)
    assert counts[0, 0] == len("abcxyz")


@given(BATCHES)
@settings(max_examples=200, deadline=None)
def test_word_counts(documents: list[list[str]]) -> None:
    found = split(documents)
    wanted = ["a", "ab", "zebra"]
    counts = np.empty((len(documents), 6), np.int64)
    ids = np.array(found.ids_of(wanted))
    count_words(found.tokens, found.offsets, found.chars, found.flags, ids, counts)
    assert counts.tolist() == [
        [
            len(words),
            sum(word != "#" for word in words),
            sum(len(word) for word in words if word != "#"),
            sum(word not in ("#", "7") for word in words),
            len(set(words) & set(wanted)),
            sum(word in wanted for word in words),
        ]
        for words in documents
    ]
    assert HAS_LETTER == 1 and HAS_INK == 2  # as count_words takes them


@given(st.lists(st.binary(max_size=12), min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_hashes_of_words_join(words: list[bytes]) -> None:
    prime = 2**61 - 1
    joined = b"".join(words)
    letters = np.frombuffer(joined + joined, np.uint8)
    ends = np.cumsum([len(word) for word in words] + [len(joined)])
    hashes = hash_words(letters, ends)
    total, power = 0, 1
    for value, factor, _, _ in hashes[:-1].tolist():
        total = (total * factor + value) % prime
        power = power * factor % prime
    assert [total, power] == hashes[-1, :2].tolist()
    for word, (_, _, first, second) in zip([*words, joined], hashes.tolist(), strict=True):
        assert first == int.from_bytes(word[:8], "little")
        assert second == int.from_bytes(word[8:15], "little") | min(len(word), 255) << 56


@given(
    st.lists(
        st.lists(st.sampled_from(["abcdefg", "abcdefgh", "abcdefghijklmnop", "a", "h", "ij"])),
        max_size=4,
    )
)
@settings(max_examples=200, deadline=None)
def test_grams_longer_than_the_bytes_first_compared(documents: list[list[str]]) -> None:
    found = split(documents)
    counts = np.empty((len(documents), 6), np.int64)
    sizes = np.arange(5, 11)
    repeated_gram_chars(found.tokens, found.offsets, found.chars, found.hashes, sizes, counts)
    assert counts.tolist() == [[repeated(words, n) for n in sizes] for words in documents]
    top_gram_chars(found.tokens, found.offsets, found.chars, sizes, counts)
    assert counts.tolist() == [[top(words, n) for n in sizes] for words in documents]
