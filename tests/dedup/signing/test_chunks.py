"""Texts cut into numbered chunks, and what ASCII becomes, against str.split and the rules."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.signing import chunk_kernels
from winnow.dedup.signing.chunk_table import ChunkTable
from winnow.dedup.signing.normalise import chunk_pieces

# every white space of str.split, neighbours of theirs in UTF-8, and chunks around 8 bytes
TRICKY = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2005\u200a\u2028\u2029\u202f\u205f\u3000"
    "\x00\x08\x0e\x1b\x84\x86\x9f\xa1\u1681\u180e\u200b\u2027\u202a\u202e\u2030\u205e\u2060\u3001"
    "\ufeff\U00010000\U000e0020ab"
)
tricky_text = st.lists(
    st.one_of(
        st.sampled_from(TRICKY),
        st.sampled_from(["word", "sevenxx", "eightxxx", "ninexxxxx", "a" * 16, "a" * 17, "\x00a"]),
        st.characters(exclude_categories=("Cs",)),
    ),
    max_size=40,
).map("".join)


@given(st.lists(tricky_text, max_size=6), st.sampled_from([2, 1 << 10]))
@settings(deadline=None)
def test_joined_words_are_each_texts_own(texts: list[str], capacity: int) -> None:
    table = ChunkTable(lambda chunks: [[c, "x"] if len(c) > 1 else [] for c in chunks], capacity, 9)
    wanted = ["".join(f"{c} x " for c in text.split() if len(c) > 1) for text in texts]
    assert [found.decode() for found in table.joined(pa.array(texts, pa.string()))] == wanted


def split_through_table(texts: list[str], capacity: int, key_bytes: int) -> list[list[str]]:
    table = ChunkTable(lambda chunks: [[chunk] for chunk in chunks], capacity, key_bytes)
    found = []
    for _, _, chunks, ends in table.chunks(pa.array(texts, pa.large_string())):
        start = 0
        for end in ends:
            document = []
            for chunk in chunks[start:end]:
                low, high = table.value_starts[chunk], table.value_starts[chunk + 1]
                document.append(table.values[low : high - 1].tobytes().decode())
            found.append(document)
            start = end
    return found


@given(st.lists(tricky_text, max_size=8), st.sampled_from([2, 8, 1 << 10]), st.integers(1, 40))
@settings(deadline=None, max_examples=300)
def test_chunks_are_those_of_str_split_whatever_the_size_of_the_table(
    texts: list[str], capacity: int, key_bytes: int
) -> None:
    assert split_through_table(texts, capacity, key_bytes) == [text.split() for text in texts]


def test_chunks_survive_growth_of_the_table() -> None:
    texts = [" ".join(f"{i * 7919 % 50021:x}" + "x" * (i % 11) for i in range(30_000))] * 2
    assert split_through_table(texts, 1 << 16, 1 << 20) == [text.split() for text in texts]


def test_chunks_of_equal_hash_word_are_told_apart_by_their_bytes() -> None:
    data = b"aaaaaaaab aaaaaaaac"
    slots = np.zeros((32, 2), np.uint64)
    keys, key_starts = np.zeros(64, np.uint8), np.zeros(17, np.int64)
    chunks, ends = np.zeros(8, np.int32), np.zeros(1, np.int64)
    array, offsets = np.frombuffer(data, np.uint8), np.array([0, 9], np.int64)
    chunk_kernels.find_chunks(array, offsets, 0, slots, key_starts, keys, 0, chunks, ends)
    # the entry of the first chunk gets the bytes of the second: now only the word is equal
    keys[:9] = array[10:]
    _, count = chunk_kernels.find_chunks(
        array, offsets, 0, slots, key_starts, keys, 1, chunks, ends
    )
    assert (count, chunks[0]) == (2, 1)


ascii_chunk = st.text(
    st.characters(max_codepoint=127).filter(lambda c: not c.isspace()), min_size=1, max_size=12
)
number_chunk = st.lists(st.sampled_from(["1", "20", ".", ",", "a", "-", "\u0663", "\u066b", "é"]),
                        min_size=1, max_size=9).map("".join)  # fmt: skip


@given(st.lists(ascii_chunk | number_chunk | st.just("..."), max_size=30))
@settings(deadline=None, max_examples=400)
def test_compiled_normalisation_equals_the_rules(chunks: list[str]) -> None:
    table = ChunkTable(chunk_pieces)
    assert chunk_pieces is table._chunk_words  # so what is ASCII goes the compiled way
    text = pa.array([" ".join(chunks)], pa.large_string())
    pieces = [piece for found in chunk_pieces(chunks) for piece in found]
    assert list(table.joined(text)) == ["".join(f"{piece} " for piece in pieces).encode()]


@pytest.mark.parametrize("byte", range(128))
def test_every_ascii_character_becomes_what_the_rules_say(byte: int) -> None:
    chunk = f"a{chr(byte)}b"
    if len(chunk.split()) != 1:
        return
    found = list(ChunkTable(chunk_pieces).joined(pa.array([chunk])))
    assert found == ["".join(f"{piece} " for piece in chunk_pieces([chunk])[0]).encode()]


def test_a_cleared_table_gives_its_memory_back_and_answers_the_same() -> None:
    table = ChunkTable(chunk_pieces)
    texts = pa.array([" ".join(f"word{i:x}" for i in range(5000)) for i in range(2)])
    before = list(table.joined(texts))
    full = table.nbytes
    table.clear()
    assert table.entries == 0 and table.nbytes < full / 2
    assert list(table.joined(texts)) == before
