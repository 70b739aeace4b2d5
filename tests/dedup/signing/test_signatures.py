"""Signatures equal the peers', and depend on nothing but the text, its language and the shape."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.signing import shingles
from winnow.dedup.signing.chunk_table import ChunkWords
from winnow.dedup.signing.normalise import chunk_pieces
from winnow.dedup.signing.permutations import permutations
from winnow.dedup.signing.shape import Shape
from winnow.dedup.signing.shingles import Shingler
from winnow.dedup.signing.signatures import Signers
from winnow.text.words import WordRules, words_of

GOLDEN = json.loads(Path(__file__).with_name("golden_signatures.json").read_text())
PRIME = (1 << 61) - 1


@pytest.fixture(scope="module")
def signers() -> Signers:
    return Signers(Shape())


def signature(signers: Signers, text: str) -> list[int] | None:
    rows, signed = signers.signatures(pa.array([text]), None)
    return rows[0].tolist() if signed[0] else None


@pytest.mark.parametrize("entry", GOLDEN, ids=range(len(GOLDEN)))
def test_words_and_signature_are_those_of_datatrove(
    signers: Signers, chunk_words: Callable[[str], ChunkWords], entry: dict[str, Any]
) -> None:
    if entry["words"] is not None:
        words = chunk_words("en")(entry["text"].split())
        assert [word for chunk in words for word in chunk] == entry["words"]
    wanted = entry["signature"] and [int(value, 16) for value in entry["signature"].split()]
    assert signature(signers, entry["text"]) == wanted


def test_golden_texts_signed_in_one_batch_are_those_signed_alone(signers: Signers) -> None:
    rows, signed = signers.signatures(pa.array([entry["text"] for entry in GOLDEN]), None)
    for row, has, entry in zip(rows, signed, GOLDEN, strict=True):
        assert has == (entry["signature"] is not None)
        if has:
            assert " ".join(format(value, "x") for value in row.tolist()) == entry["signature"]


@pytest.mark.parametrize("name", ["xxh64-32", "sha1-64", "sha1-32"])
def test_signatures_of_every_hash_are_those_of_datatrove(name: str) -> None:
    kind, _, bits = name.partition("-")
    shape = Shape(shingle_hash=kind, bits=int(bits))  # type: ignore[arg-type]
    rows, signed = Signers(shape).signatures(pa.array([e["text"] for e in GOLDEN]), None)
    for row, has, entry in zip(rows, signed, GOLDEN, strict=True):
        found = hashlib.sha256(row.astype("<u8").tobytes()).hexdigest() if has else None
        assert found == entry["sha256"][name]


def test_sha1_of_shingles_is_that_of_fineweb() -> None:
    text = pa.array(["The quick brown fox jumps over the"])
    _, hashes = Signers(Shape(shingle_hash="sha1")).shingle_sets(text, None)
    assert sorted(hashes.tolist()) == sorted(
        [12313522834835307089, 13802602654544986703, 6350799717277693736]
    )


def normalised(text: str) -> str:
    return " ".join(piece for found in chunk_pieces(text.split()) for piece in found)


def grams(text: str, shape: Shape, language: str | None = None) -> list[str]:
    """The shingles of a text, in plain Python."""
    units: Any = normalised(text)
    if shape.shingles == "words":
        units = words_of(units, language, shape.words)
    space = " " if shape.shingles == "words" else ""
    return [space.join(units[i : i + shape.ngram]) for i in range(len(units) - shape.ngram + 1)]


def slow_hash(gram: str, shape: Shape) -> int:
    data = gram.encode()
    if shape.shingle_hash == "sha1":
        return int.from_bytes(hashlib.sha1(data).digest()[: shape.bits // 8], "little")
    return (xxhash.xxh64_intdigest if shape.bits == 64 else xxhash.xxh32_intdigest)(data)


def slow_signature(text: str, shape: Shape, language: str | None = None) -> list[int] | None:
    """datatrove's arithmetic."""
    hashes = [slow_hash(gram, shape) for gram in grams(text, shape, language)]
    if not hashes:
        return None
    mask = (1 << shape.bits) - 1
    a, b = (each.tolist() for each in permutations(shape.values, shape.seed))
    return [
        min((h * factor + term) % (1 << 64) % PRIME & mask for h in hashes)
        for factor, term in zip(a, b, strict=True)
    ]


words_text = st.lists(
    st.sampled_from(
        ["wheat", "chaff", "Grain", "don't", "été", "42", "…", "日本語", "a" * 40, "\n", "x" * 300]
    ),
    max_size=30,
).map(" ".join)
any_text = st.one_of(words_text, st.text(max_size=60))
shapes = st.builds(
    Shape,
    shingles=st.sampled_from(["words", "chars"]), ngram=st.integers(1, 7),
    bands=st.integers(1, 2), rows_per_band=st.integers(1, 3), seed=st.integers(0, 1000),
    shingle_hash=st.sampled_from(["xxh64", "sha1"]), bits=st.sampled_from([32, 64]),
)  # fmt: skip


@given(st.lists(any_text, max_size=6), shapes, st.sampled_from([1, 100, 1 << 19]))
@settings(deadline=None, max_examples=200)
def test_signatures_equal_the_twin_however_the_batch_is_cut(
    texts: list[str], shape: Shape, at_once: int
) -> None:
    column = pa.array(texts, pa.large_string())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shingles, "TEXT_BYTES_AT_ONCE", at_once)
        found, signed = Signers(shape).signatures(column, None)
    for text, row, has in zip(texts, found, signed, strict=True):
        assert (row.tolist() if has else None) == slow_signature(text, shape)


@given(st.lists(any_text, max_size=6), shapes)
@settings(deadline=None, max_examples=100)
def test_shingle_sets_are_the_distinct_hashes_ascending(texts: list[str], shape: Shape) -> None:
    column = pa.array(texts, pa.large_string())
    offsets, hashes = Signers(shape).shingle_sets(column, None)
    assert (offsets.dtype, hashes.dtype) == (np.int64, np.uint64)
    assert len(offsets) == len(texts) + 1 and offsets[0] == 0 and offsets[-1] == len(hashes)
    for text, start, end in zip(texts, offsets, offsets[1:], strict=False):
        wanted = sorted({slow_hash(gram, shape) for gram in grams(text, shape)})
        assert hashes[start:end].tolist() == wanted


@pytest.mark.parametrize(("family", "scheme"), [("datasketch", None), ("datasketch-1", "legacy")])
@pytest.mark.parametrize(("units", "ngram"), [("words", 5), ("chars", 24)])
def test_signatures_equal_those_of_datasketch(
    family: Any, scheme: str | None, units: Any, ngram: int
) -> None:
    datasketch = pytest.importorskip("datasketch", minversion="2.0")
    shape = Shape(
        shingles=units, ngram=ngram, bands=8, rows_per_band=16, seed=7, family=family,
        shingle_hash="sha1", bits=32,
    )  # fmt: skip
    texts = [entry["text"] for entry in GOLDEN]
    rows, signed = Signers(shape).signatures(pa.array(texts), None)
    for text, row, has in zip(texts, rows, signed, strict=True):
        found = grams(text, shape)
        assert has == bool(found)
        if found:
            reference = datasketch.MinHash(num_perm=128, seed=7, scheme=scheme)
            reference.update_batch([gram.encode() for gram in found])
            assert row.tolist() == reference.hashvalues.tolist()


def test_case_numbers_punctuation_accents_and_space_do_not_count() -> None:
    for shape in (Shape(), Shape(shingles="chars", ngram=24)):
        signers = Signers(shape)
        a = signature(signers, "Café No. 1,234: the (old) naïve\tway -- AGAIN")
        assert a == signature(signers, " cafe no 7 the old naive way again\n")
        assert a is not None


def test_characters_are_code_points_of_the_normalised_text() -> None:
    shape = Shape(shingles="chars", ngram=3)
    assert grams(" 日本\n語 ", shape) == ["日本 ", "本 語"]
    _, hashes = Signers(shape).shingle_sets(pa.array([" 日本\n語 "]), None)
    assert sorted(hashes.tolist()) == sorted(
        xxhash.xxh64_intdigest(gram.encode()) for gram in ("日本 ", "本 語")
    )
    _, signed = Signers(shape).signatures(pa.array(["ab", "a.b", "abc", "…é…é…"]), None)
    assert signed.tolist() == [False, True, True, True]


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
@settings(deadline=None, max_examples=300)
def test_words_of_the_whole_text_are_those_of_its_chunks(
    chunk_words: Callable[[str], ChunkWords], text: str
) -> None:
    # the twin normalises the text as one, as datatrove does; we do it chunk by chunk
    from unicodedata import category, normalize

    from winnow.dedup.signing import normalise

    whole = normalise._NUMBER.sub("0", text.lower()).translate(normalise._TO_SPACE)
    whole = "".join(c for c in normalize("NFD", whole) if category(c) != "Mn")
    pieces = [piece for found in chunk_pieces(text.split()) for piece in found]
    assert pieces == whole.split()
    chunks = chunk_words("en")(text.split())
    assert [word for words in chunks for word in words] == words_of(whole, "en")


def test_equal_values_estimate_the_jaccard_similarity(signers: Signers) -> None:
    # 112 values: the standard error of the estimate is 0.047 at worst (Broder 1997)
    generator = random.Random(3)
    words = [f"w{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(400)]
    generator.shuffle(words)
    for changed in (10, 40, 80):
        other = list(words)
        for place in generator.sample(range(400), changed):
            other[place] = f"x{other[place]}"
        sets = [{tuple(text[i : i + 5]) for i in range(396)} for text in (words, other)]
        jaccard = len(sets[0] & sets[1]) / len(sets[0] | sets[1])
        rows, _ = signers.signatures(pa.array([" ".join(words), " ".join(other)]), None)
        assert abs(float(np.mean(rows[0] == rows[1])) - jaccard) < 0.15


def test_band_keys_of_any_arrow_layout_are_the_same(signers: Signers) -> None:
    texts = [entry["text"] for entry in GOLDEN]
    keys, signed = signers.band_keys(pa.array(texts, pa.large_string()), None)
    for array in (
        pa.array(texts, pa.string()),
        pa.array(["x", *texts, "y"], pa.large_string()).slice(1, len(texts)),
    ):
        other, other_signed = signers.band_keys(array, None)
        assert (other == keys).all() and (other_signed == signed).all()


def test_null_and_absent_texts_have_no_signature(signers: Signers) -> None:
    _, signed = signers.signatures(pa.array([None, "", "  "], pa.string()), None)
    assert not signed.any()
    rows, _ = signers.signatures(pa.array([], pa.string()), pa.array([], pa.string()))
    assert rows.shape == (0, 112)
    offsets, hashes = signers.shingle_sets(pa.array([], pa.string()), None)
    assert offsets.tolist() == [0] and len(hashes) == 0


CHINESE = "我们去北京看长城因为天气好"


def test_language_chooses_how_words_are_split(signers: Signers) -> None:
    texts = pa.array([CHINESE] * 3)
    _keys, signed = signers.band_keys(texts, pa.array(["en", "zh", None]))
    # one English word, thirteen Chinese ones; without a language, English
    assert signed.tolist() == [False, True, False]
    all_english, _ = signers.band_keys(pa.array(["a b c d e f"]), None)
    english, _ = signers.band_keys(pa.array(["a b c d e f"]), pa.array([None], pa.string()))
    assert (all_english == english).all()


LANGUAGES = ["en", "de", "my", "bo", None]
mixed_text = st.lists(
    st.sampled_from(["don't", "Haus", "အခါးကျည်", "བོད་སྐད་ཡིག", "10km", "é", "日本"]), max_size=12
).map(" ".join)


@given(st.lists(st.tuples(mixed_text, st.sampled_from(LANGUAGES)), max_size=8), st.booleans())
@settings(deadline=None, max_examples=100)
def test_texts_in_many_languages_are_each_split_by_their_own_rules(
    rows: list[tuple[str, str | None]], encoded: bool
) -> None:
    # Burmese and Tibetan need no package
    shape = Shape(ngram=2, bands=1, rows_per_band=2, words=WordRules(segmented=("my", "bo")))
    languages = pa.array([language for _, language in rows], pa.string())
    languages = languages.dictionary_encode() if encoded else languages
    texts = pa.array([text for text, _ in rows], pa.large_string())
    signers = Signers(shape)
    found, signed = signers.signatures(texts, languages)
    wanted = [slow_signature(text, shape, language) for text, language in rows]
    assert [r.tolist() if s else None for r, s in zip(found, signed, strict=True)] == wanted
    offsets, hashes = signers.shingle_sets(texts, languages)
    for number, (text, language) in enumerate(rows):
        expected = sorted({slow_hash(gram, shape) for gram in grams(text, shape, language)})
        assert hashes[offsets[number] : offsets[number + 1]].tolist() == expected


def test_segmented_languages_are_split_by_their_segmenter() -> None:
    pytest.importorskip("jieba")
    plain = Shape(ngram=2)
    segmented = Shape(ngram=2, words=WordRules(segmented=("zh",)))
    for shape in (plain, segmented):
        rows, _ = Signers(shape).signatures(pa.array([CHINESE]), pa.array(["zh"]))
        assert rows[0].tolist() == slow_signature(CHINESE, shape, "zh")
    assert grams(CHINESE, plain, "zh") != grams(CHINESE, segmented, "zh")


def test_memos_are_emptied_before_they_outgrow_their_memory() -> None:
    shape = Shape(ngram=2, bands=1, rows_per_band=4)
    texts = pa.array([" ".join(f"{a}word{i:x}" for i in range(3000)) for a in "abcdef"] * 2)
    languages = pa.array(["en", "de"] * 6)
    free, tight = Shingler(shape), Shingler(shape, memo_bytes=1 << 17)
    wanted, found = (
        [
            {int(row): each.hashes[a:b].tolist()
             for row, a, b in zip(each.rows, each.offsets, each.offsets[1:], strict=False)}
            for each in shingler.hashes(texts, languages)
        ]
        for shingler in (free, tight)
    )  # fmt: skip
    assert {k: v for part in found for k, v in part.items()} == {
        k: v for part in wanted for k, v in part.items()
    }
    used = [sum(table.nbytes for table in s._tables.values()) for s in (free, tight)]
    assert used[0] > 1 << 19 and used[1] < used[0] / 2


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (Shape(family="datasketch"), "shingle_hash = \"sha1\""),
        (Shape(family="datasketch-1", shingle_hash="sha1"), "hash_bits = 32"),
        (Shape(words=WordRules(english="nltk")), "NLTK"),
    ],
)  # fmt: skip
def test_shapes_that_mean_nothing_are_refused(shape: Shape, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Signers(shape)
