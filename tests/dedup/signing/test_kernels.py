"""Every kernel against a slow twin in plain Python, or against the reference library."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.clustering.union_find import elect, flatten, unite
from winnow.dedup.signing import chunk_kernels, kernels
from winnow.dedup.signing.chunk_table import ChunkTable
from winnow.dedup.signing.signatures import permutations

PRIME = (1 << 61) - 1


def hashed(data: bytes, start: int, end: int) -> int:
    buffer = np.frombuffer(data, np.uint8)
    words = np.zeros(len(data) + 1, np.uint64)
    kernels.little_endian_words(buffer, len(data), words)
    return int(kernels.xxhash64(buffer, words, start, end))


@given(st.binary(max_size=200), st.data())
@settings(deadline=None, max_examples=300)
def test_xxhash64_equals_the_reference_on_any_slice(data: bytes, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, len(data)))
    end = draw.draw(st.integers(start, len(data)))
    assert hashed(data, start, end) == xxhash.xxh64_intdigest(data[start:end])


@pytest.mark.parametrize("length", range(70))
def test_xxhash64_equals_the_reference_at_every_length(length: int) -> None:
    data = bytes((i * 89 + 7) % 256 for i in range(length))
    assert hashed(data, 0, length) == xxhash.xxh64_intdigest(data)


def slow_signature(hashes: list[int], a: list[int], b: list[int]) -> list[int]:
    return [
        min(((h * factor + term) % (1 << 64)) % PRIME for h in hashes)
        for factor, term in zip(a, b, strict=True)
    ]


edge = st.sampled_from([0, 1, PRIME - 1, PRIME, PRIME + 1, (1 << 63), (1 << 64) - 1])
uint64 = st.one_of(edge, st.integers(0, (1 << 64) - 1))


@given(st.lists(uint64, min_size=1, max_size=20), st.lists(st.tuples(uint64, uint64), max_size=8))
@settings(deadline=None)
def test_sign_hashes_equals_integer_arithmetic(
    hashes: list[int], pairs: list[tuple[int, int]]
) -> None:
    a, b = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    signature = np.zeros(len(pairs), np.uint64)
    arrays = [np.array(values, np.uint64) for values in (hashes, a, b)]
    kernels.sign_hashes(*arrays, signature)
    assert signature.tolist() == slow_signature(hashes, a, b)


def test_permutations_are_those_of_datatrove() -> None:
    a, b = permutations(112, seed=1)
    assert a[:4].tolist() == [
        775169054918279404, 1758426461858698313, 2109959069025162, 965365488286768774,
    ]  # fmt: skip
    assert b[:4].tolist() == [
        1062448801025099917, 1324811268927594100, 1217488311597731462, 100775521383383736,
    ]  # fmt: skip
    assert (a[111], b[111]) == (223865076026037746, 1097409548522419201)


def test_signature_of_known_hashes_is_that_of_datatrove() -> None:
    # sha1-64 of the three 5-grams of "the quick brown fox jumps over the"
    hashes = np.array(
        [12313522834835307089, 13802602654544986703, 6350799717277693736], np.uint64
    )  # fmt: skip
    signature = np.zeros(112, np.uint64)
    kernels.sign_hashes(hashes, *permutations(112, seed=1), signature)
    assert signature[:8].tolist() == [
        986235182099194224, 284080765670708113, 594234408324153881, 226360113463360020,
        42312182183823545, 295150809832830541, 316606424307206655, 439255022718586444,
    ]  # fmt: skip
    assert signature[104:].tolist() == [
        246842088281600155, 29074511532028102, 314998300055065567, 1414660448899804550,
        126167845672318228, 745586956369058083, 306993506350509109, 930113092247543762,
    ]  # fmt: skip


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 4), st.integers(0, 1 << 32))
@settings(deadline=None)
def test_band_keys_are_xxh64_of_the_bands_bytes(
    bands: int, rows: int, documents: int, seed: int
) -> None:
    signatures = np.random.default_rng(seed).integers(
        0, 1 << 64, (documents, bands * rows), np.uint64
    )
    keys = np.zeros((documents, bands), np.uint64)
    kernels.hash_bands(signatures, bands, keys)
    for d in range(documents):
        for band in range(bands):
            values = signatures[d, band * rows : (band + 1) * rows]
            assert int(keys[d, band]) == xxhash.xxh64_intdigest(values.astype("<u8").tobytes())


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


def slow_components(count: int, pairs: list[tuple[int, int]]) -> list[int]:
    label = list(range(count))
    for left, right in pairs:
        low, high = sorted((label[left], label[right]))
        label = [low if each == high else each for each in label]
    return label


@given(st.data(), st.integers(1, 30), st.sampled_from([np.int32, np.int64]))
@settings(deadline=None)
def test_components_and_survivors_equal_the_twins(
    draw: st.DataObject, count: int, kind: type[np.generic]
) -> None:
    node = st.integers(0, count - 1)
    pairs = draw.draw(st.lists(st.tuples(node, node), max_size=40))
    wanted = draw.draw(st.lists(uint64 | st.integers(0, 2), min_size=count, max_size=count))
    parents = np.arange(count, dtype=kind)
    left, right = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    unite(parents, left, right)
    flatten(parents)
    roots = slow_components(count, pairs)
    assert parents.tolist() == roots
    sizes, survivors = np.zeros(count, np.uint32), np.zeros(count, kind)
    elect(parents, np.array(wanted, np.uint64), sizes, survivors)
    for root in set(roots):
        members = [x for x in range(count) if roots[x] == root]
        assert sizes[root] == len(members)
        assert survivors[root] == max(members, key=lambda x: (wanted[x], -x))
