"""Tables by code point, and decoding, against Python."""

from __future__ import annotations

import sys
import unicodedata

import numpy as np
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.text import code_points as module
from winnow.text.code_points import (
    IS_ALPHANUMERIC,
    IS_LOWER,
    IS_NUMERIC,
    IS_SPACE,
    IS_UPPER,
    IS_WORD,
    Images,
    blocks,
    code_points,
)
from winnow.text.table import TextColumn

TABLES = code_points()
SCALARS = [code for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]


def image_of(images: Images, code: int) -> str:
    single = int(images.codes[code])
    if single >= 0:
        return chr(single)
    last = -1 - single
    first = int(images.ends[last - 1]) if last else 0
    return "".join(map(chr, images.several[first : images.ends[last]]))


def test_kinds_are_those_of_str_for_every_code_point() -> None:
    tests = (
        (IS_SPACE, str.isspace),
        (IS_ALPHANUMERIC, str.isalnum),
        (IS_WORD, lambda letter: letter.isalnum() or letter == "_"),
        (IS_UPPER, str.isupper),
        (IS_LOWER, lambda letter: letter.islower() or (letter.istitle() and not letter.isupper())),
        (IS_NUMERIC, str.isnumeric),
    )
    every = [chr(code) for code in range(sys.maxunicode + 1)]
    for bit, holds in tests:
        assert ((TABLES.kinds & bit) != 0).tolist() == [bool(holds(each)) for each in every]


def test_images_and_combining_classes_are_those_of_python_for_every_code_point() -> None:
    assert TABLES.combining.tolist() == [
        unicodedata.combining(chr(code)) for code in range(sys.maxunicode + 1)
    ]
    for code in SCALARS:
        lower = chr(code).lower()
        assert image_of(TABLES.lower, code) == lower, hex(code)
        assert image_of(TABLES.lower_nfd, code) == unicodedata.normalize("NFD", lower), hex(code)
    assert (TABLES.lower.longest, TABLES.lower_nfd.longest) == (2, 4)


def plain_decode(data: bytes) -> list[int]:
    codes, at = [], 0
    while at < len(data):
        for width in (1, 2, 3, 4):
            try:
                codes.append(ord(data[at : at + width].decode("utf-8")))
                at += width
                break
            except (UnicodeDecodeError, TypeError):
                continue
        else:
            codes.append(0xFFFD)
            at += 1
    return codes


DAMAGED = st.one_of(
    st.text(max_size=20).map(str.encode),
    st.binary(max_size=20),
    st.lists(
        st.sampled_from([0xC0, 0xC2, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0x80, 0x9F, 0xA0, 0xBF]),
        max_size=8,
    ).map(bytes),
)


@given(st.lists(DAMAGED, max_size=6), st.data())
@example([b"\xe2\x82", b"\xac"], None)
@settings(max_examples=500, deadline=None)
def test_decoding(texts: list[bytes], data: st.DataObject | None) -> None:
    ends = np.cumsum([3, *map(len, texts)])
    buffers = [
        None,
        pa.py_buffer(ends.astype(np.int64).tobytes()),
        pa.py_buffer(b"..." + b"".join(texts)),
    ]
    column = TextColumn(pa.Array.from_buffers(pa.large_string(), len(texts), buffers))
    picked = [row for row in range(len(texts)) if data is None or data.draw(st.booleans())]
    found = [
        codes[offsets[index] : offsets[index + 1]].tolist()
        for _, codes, offsets in blocks(column, np.array(picked, np.int64))
        for index in range(len(offsets) - 1)
    ]
    assert found == [plain_decode(texts[row]) for row in picked]


def test_blocks_are_of_bounded_size_and_cover_all_rows() -> None:
    size = module._BLOCK_BYTES
    texts = ["a" * length for length in (0, size - 1, 1, 1, 2 * size, 0, 0, 5)]
    column = TextColumn(pa.array(texts, pa.large_string()))
    parts = [(some, len(codes)) for some, codes, _ in blocks(column, np.arange(len(texts)))]
    assert parts == [
        (slice(0, 3), size),
        (slice(3, 4), 1),
        (slice(4, 5), 2 * size),
        (slice(5, 8), 5),
    ]
    assert list(blocks(column, np.array([], np.int64))) == []
