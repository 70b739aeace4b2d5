"""What of a piece is compared, against plain Python; and the hash."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.signing.normalise import chunk_pieces
from winnow.dedup.within import line_hashes
from winnow.dedup.within.line_hash_kernels import murmur3
from winnow.dedup.within.line_hashes import CCNET_PUNCTUATION, Normalisation, RunHasher
from winnow.dedup.within.line_pieces import cut
from winnow.text.table import TextColumn

TEXTS = st.text(
    st.sampled_from(list("aB1٣١,.;–…「１％Éé\u0301İıΣσςß \t\n\n\x07\x85\x9f\u00a0ǅﬁ\U0001d7d9"))
    | st.characters(codec="utf-8"),
    max_size=25,
)
CONTROLS = re.compile(f"[{''.join(map(chr, [*range(32), *range(127, 160)]))}]")
PUNCTUATION = re.compile(f"[{CCNET_PUNCTUATION}]")


def ccnet(line: str) -> str:
    """CCNet's normalisation for its deduplication, as its code describes it."""
    line = re.sub(r"\d", "0", line.strip().lower())
    return CONTROLS.sub("", PUNCTUATION.sub("", line))


def ccnet_paper(line: str) -> str:
    """Wenzek et al. 2020, section 3.1: lower case, digits 0, no punctuation and no accents; each
    character decomposed for itself."""
    found = ""
    for character in line.strip().lower():
        for part in unicodedata.normalize("NFD", character):
            category = unicodedata.category(part)
            if part.isdecimal():
                found += "0"
            elif category[0] != "P" and category != "Mn" and not CONTROLS.match(part):
                found += part
    return found


TWINS = {
    "ccnet": ccnet,
    "ccnet-paper": ccnet_paper,
    "datatrove": lambda line: " ".join(w for ws in chunk_pieces(line.split()) for w in ws),
    "none": str.strip,
}


def normalised(texts: list[str], name: Normalisation) -> tuple[list[bytes], list[bool]]:
    column = TextColumn(pa.array(texts, pa.large_string()))
    pieces = cut(column, "line", [None] * len(texts))
    found = line_hashes._NORMALISERS[name]()(column.data, pieces.starts, pieces.ends)
    return (
        [found.letters[a:b].tobytes() for a, b in pairwise(found.offsets.tolist())],
        found.blank.tolist(),
    )


@pytest.mark.parametrize("name", TWINS)
@given(texts=st.lists(TEXTS, max_size=6))
@settings(max_examples=200, deadline=None)
def test_lines_are_normalised_as_plain_python_does(name: Normalisation, texts: list[str]) -> None:
    lines = [TWINS[name](line) for text in texts for line in text.split("\n")]
    letters, blank = normalised(texts, name)
    end, code = (" ", "utf-8") if name == "datatrove" else ("\n", "utf-8")
    if name.startswith("ccnet"):
        code = "utf-32-le"
    assert letters == [(line + end).encode(code) for line in lines]
    assert blank == [not line for line in lines]


@pytest.mark.parametrize("name", ["ccnet", "ccnet-paper"])
def test_every_character_of_unicode(name: Normalisation) -> None:
    characters = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and chr(c) != "\n"]
    text = "\n".join(f"x{c}x" for c in characters)
    letters, _ = normalised([text], name)
    wanted = [(TWINS[name](line) + "\n").encode("utf-32-le") for line in text.split("\n")]
    assert letters == wanted


def test_examples_of_what_is_the_same() -> None:
    assert ccnet("  Page 12 – “Hello”, World ") == "page 00  hello, world"
    assert ccnet_paper("Café, No. 7!") == "cafe no 0"
    assert TWINS["datatrove"]("Café,  No. 7.25!") == "cafe no 0"


def reference_murmur3(data: bytes) -> tuple[int, int]:
    """MurmurHash3_x64_128 by its published description."""
    mask = (1 << 64) - 1
    c1, c2 = 0x87C37B91114253D5, 0x4CF5AD432745937F

    def rotate(x: int, r: int) -> int:
        return (x << r | x >> (64 - r)) & mask

    def mix(k: int) -> int:
        k = (k ^ k >> 33) * 0xFF51AFD7ED558CCD & mask
        k = (k ^ k >> 33) * 0xC4CEB9FE1A85EC53 & mask
        return k ^ k >> 33

    h1 = h2 = 0
    whole = len(data) // 16 * 16
    for at in range(0, whole, 16):
        k1, k2 = (int.from_bytes(data[i : i + 8], "little") for i in (at, at + 8))
        h1 ^= rotate(k1 * c1 & mask, 31) * c2 & mask
        h1 = ((rotate(h1, 27) + h2) * 5 + 0x52DCE729) & mask
        h2 ^= rotate(k2 * c2 & mask, 33) * c1 & mask
        h2 = ((rotate(h2, 31) + h1) * 5 + 0x38495AB5) & mask
    tail = data[whole:]
    h2 ^= rotate(int.from_bytes(tail[8:], "little") * c2 & mask, 33) * c1 & mask
    h1 ^= rotate(int.from_bytes(tail[:8], "little") * c1 & mask, 31) * c2 & mask
    h1, h2 = h1 ^ len(data), h2 ^ len(data)
    h1 = (h1 + h2) & mask
    h2 = (h2 + h1) & mask
    h1, h2 = mix(h1), mix(h2)
    h1 = (h1 + h2) & mask
    return h1, (h2 + h1) & mask


@given(st.binary(max_size=70), st.binary(max_size=9))
@settings(max_examples=300, deadline=None)
def test_the_hash_is_murmur3(data: bytes, before: bytes) -> None:
    around = np.frombuffer(before + data + b"\xff" * 8, np.uint8)
    found = murmur3(around, len(before), len(before) + len(data))
    assert tuple(map(int, found)) == reference_murmur3(data)


def test_the_hash_of_known_texts() -> None:
    # of smhasher's reference implementation, seed 0
    assert reference_murmur3(b"") == (0, 0)
    assert reference_murmur3(b"hello") == (0xCBD8A7B341BD9B02, 0x5B1E906A48AE1D19)
    fox = b"The quick brown fox jumps over the lazy dog"
    assert reference_murmur3(fox) == (0xE34BBC7BBC071B6C, 0x7A433CA9C49A9347)


def runs(text: str, normalisation: Normalisation, span: int, min_chars: int) -> dict[int, object]:
    column = TextColumn(pa.array([text], pa.large_string()))
    found, _ = RunHasher(normalisation, span, min_chars).runs(column, cut(column, "line", [None]))
    return {
        place: (key, check)
        for place, key, check in zip(
            found.places.tolist(), found.keys.tolist(), found.checks.tolist(), strict=True
        )
    }


@pytest.mark.parametrize("name", TWINS)
@given(
    text=st.lists(st.sampled_from(["a", "A", "b", "", "!", "é", "  "]), max_size=9).map("\n".join),
    span=st.integers(1, 3),
    min_chars=st.integers(0, 3),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_runs_are_equal_if_their_pieces_are(
    name: Normalisation, text: str, span: int, min_chars: int
) -> None:
    lines = text.split("\n")
    sizes = [len(line.strip()) for line in lines]
    while sizes and not sizes[-1]:
        sizes.pop()
    twin = TWINS[name]
    wanted = {
        place: tuple(map(twin, lines[place : place + span]))
        for place in range(len(sizes) - span + 1)
        if sum(sizes[place : place + span]) >= min_chars
        and any(map(twin, lines[place : place + span]))
    }
    found = runs(text, name, span, min_chars)
    assert sorted(found) == sorted(wanted)
    for a in wanted:
        for b in wanted:
            assert (found[a] == found[b]) == (wanted[a] == wanted[b])


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["one\ntwo\nthree", "", "two\n\nthree\nfour", "x" * 50, "two\nthree", ""] * 3
    column = TextColumn(pa.array(texts, pa.large_string()))
    pieces = cut(column, "line", [None] * len(texts))
    whole = RunHasher("ccnet", 2, 0).runs(column, pieces)
    for size in (1, 12, 40):
        monkeypatch.setattr(line_hashes, "BLOCK_BYTES", size)
        some = RunHasher("ccnet", 2, 0).runs(column, pieces)
        assert some[1] == whole[1]
        for a, b in zip(some[0], whole[0], strict=True):
            assert np.array_equal(a, b)
