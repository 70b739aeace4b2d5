"""Signatures equal datatrove's, and depend on nothing but the text."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.signing.chunk_table import ChunkTable
from winnow.dedup.signing.normalise import chunk_pieces
from winnow.dedup.signing.shape import Shape
from winnow.dedup.signing.signatures import Signer, Signers, chunk_words, permutations
from winnow.text.words import words_of

GOLDEN = json.loads(Path(__file__).with_name("golden_signatures.json").read_text())
PRIME = (1 << 61) - 1


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer(ChunkTable(chunk_words("en")), 5, bands=14, rows_per_band=8, seed=1)


def signature(signer: Signer, text: str) -> list[int] | None:
    rows, signed = signer.signatures(pa.array([text]))
    return rows[0].tolist() if signed[0] else None


@pytest.mark.parametrize("entry", GOLDEN, ids=range(len(GOLDEN)))
def test_words_and_signature_are_those_of_datatrove(signer: Signer, entry: dict[str, Any]) -> None:
    if entry["words"] is not None:
        words = chunk_words("en")(entry["text"].split())
        assert [word for chunk in words for word in chunk] == entry["words"]
    wanted = entry["signature"] and [int(value, 16) for value in entry["signature"]]
    assert signature(signer, entry["text"]) == wanted


def test_golden_texts_signed_in_one_batch_are_those_signed_alone(signer: Signer) -> None:
    rows, signed = signer.signatures(pa.array([entry["text"] for entry in GOLDEN]))
    for row, has, entry in zip(rows, signed, GOLDEN, strict=True):
        assert has == (entry["signature"] is not None)
        if has:
            assert [format(value, "x") for value in row.tolist()] == entry["signature"]


def test_case_numbers_punctuation_accents_and_space_do_not_count(signer: Signer) -> None:
    a = signature(signer, "Café No. 1,234: the (old) naïve\tway -- AGAIN")
    assert a == signature(signer, "cafe no 7 the old naive way again")
    assert a is not None


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
@settings(deadline=None, max_examples=300)
def test_words_of_the_whole_text_are_those_of_its_chunks(text: str) -> None:
    # the twin normalises the text as one, as datatrove does; we do it chunk by chunk
    from unicodedata import category, normalize

    from winnow.dedup.signing import normalise

    whole = normalise._NUMBER.sub("0", text.lower()).translate(normalise._TO_SPACE)
    whole = "".join(c for c in normalize("NFD", whole) if category(c) != "Mn")
    pieces = [piece for found in chunk_pieces(text.split()) for piece in found]
    assert pieces == whole.split()
    chunks = chunk_words("en")(text.split())
    assert [word for words in chunks for word in words] == words_of(whole, "en")


def slow_signature(words: list[str], ngram_words: int, count: int, seed: int) -> list[int] | None:
    grams = [" ".join(words[i : i + ngram_words]) for i in range(len(words) - ngram_words + 1)]
    hashes = [xxhash.xxh64_intdigest(gram.encode()) for gram in grams]
    if not hashes:
        return None
    return [
        min((h * int(a) + int(b)) % (1 << 64) % PRIME for h in hashes)
        for a, b in zip(*permutations(count, seed), strict=True)
    ]


words_text = st.lists(
    st.sampled_from(
        ["wheat", "chaff", "Grain", "don't", "été", "42", "…", "日本語", "a" * 40, "\n"]
    ),
    max_size=30,
).map(" ".join)


@given(
    st.lists(words_text, max_size=6),
    st.integers(1, 6),
    st.sampled_from([(1, 1), (2, 3)]),
    st.integers(0, 1000),
    st.sampled_from([4, 1 << 12]),
)
@settings(deadline=None)
def test_signature_equals_the_twin_whatever_the_size_of_the_table(
    texts: list[str], ngram_words: int, shape: tuple[int, int], seed: int, capacity: int
) -> None:
    bands, rows = shape
    table = ChunkTable(chunk_words("en"), capacity, key_bytes=64)
    signer = Signer(table, ngram_words, bands, rows, seed)
    found, signed = signer.signatures(pa.array(texts, pa.large_string()))
    for text, row, has in zip(texts, found, signed, strict=True):
        words = [word for chunk in chunk_words("en")(text.split()) for word in chunk]
        wanted = slow_signature(words, ngram_words, bands * rows, seed)
        assert (row.tolist() if has else None) == wanted


def test_equal_values_estimate_the_jaccard_similarity(signer: Signer) -> None:
    # 112 values: the standard error of the estimate is 0.047 at worst (Broder 1997)
    generator = random.Random(3)
    words = [f"w{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(400)]
    generator.shuffle(words)
    for changed in (10, 40, 80):
        other = list(words)
        for place in generator.sample(range(400), changed):
            other[place] = f"x{other[place]}"
        grams = [{tuple(text[i : i + 5]) for i in range(396)} for text in (words, other)]
        jaccard = len(grams[0] & grams[1]) / len(grams[0] | grams[1])
        rows, _ = signer.signatures(pa.array([" ".join(words), " ".join(other)]))
        assert abs(float(np.mean(rows[0] == rows[1])) - jaccard) < 0.15


def test_band_keys_of_any_arrow_layout_are_the_same(signer: Signer) -> None:
    texts = [entry["text"] for entry in GOLDEN]
    keys, signed = signer.band_keys(pa.array(texts, pa.large_string()))
    for array in (
        pa.array(texts, pa.string()),
        pa.array(["x", *texts, "y"], pa.large_string()).slice(1, len(texts)),
    ):
        other, other_signed = signer.band_keys(array)
        assert (other == keys).all() and (other_signed == signed).all()


def test_null_and_absent_texts_have_no_signature(signer: Signer) -> None:
    _, signed = signer.signatures(pa.array([None, "", "  "], pa.string()))
    assert not signed.any()
    rows, _ = signer.signatures(pa.array([], pa.string()))
    assert rows.shape == (0, 112)


def test_language_chooses_how_words_are_split() -> None:
    signers = Signers(Shape())
    text = "我们去北京看长城因为天气好"
    texts = pa.array([text, text, text])
    _keys, signed = signers.band_keys(texts, pa.array(["en", "zh", None]))
    # one English word, thirteen Chinese ones; without a language, English
    assert signed.tolist() == [False, True, False]
    all_english, _ = signers.band_keys(pa.array(["a b c d e f"]), None)
    english, _ = signers.band_keys(pa.array(["a b c d e f"]), pa.array([None], pa.string()))
    assert (all_english == english).all()
