"""The fast way through members in order: never another answer than the careful reader's."""

from __future__ import annotations

import gzip
import tempfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warc_bytes import http, member, read, record, write

from winnow.errors import MissingExtra
from winnow.sources import members
from winnow.sources.input_file import InputFile
from winnow.sources.members import WholeMembers
from winnow.sources.records import Record, Window, read_window, sole_record

NAMES = (
    b"WARC-Type", b"warc-type", b"WARC-Date", b"WARC-Target-URI", b"WARC-TARGET-URI", b"X-Other",
    b"WARC-Record-ID", b"Content-Type", b"Content-Length", b"content-length", b"WARC-Block-Digest",
    b"WARC-Identified-Payload-Type", b"WARC-Date ",
)  # fmt: skip
VALUES = (
    b" response", b"response ", b" Request", b" warcinfo", b" resource", b" 4", b" 04", b"",
    b" a:b", b" a\r\n b", b" a\r\n\tb: c", b" <urn:uuid:1>", b" x\r\nno colon", b" 5",
)  # fmt: skip


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """Records of a few bytes, most of them in order, with all that headers are found to have."""
    end = draw(st.sampled_from([b"\r\n", b"\r\n", b"\n"]))
    block = draw(st.sampled_from([b"body", b"", b"a\r\n\r\nb", b"x" * 90]))
    lines = [
        b"WARC/1.0",
        b"WARC-Type: " + draw(st.sampled_from([b"response", b"request", b"conversion", b"odd"])),
        b"Content-Length: %d" % len(block),
    ]
    for name, value in draw(st.lists(st.tuples(*map(st.sampled_from, (NAMES, VALUES))))):
        lines.insert(draw(st.integers(1, len(lines))), name + b":" + value)
    tail = draw(st.sampled_from([b"\r\n\r\n", b"\r\n\r\n", b"\r\n\r\n", b"", b"\n\n", b"\r\n"]))
    return end.join([*lines, b"", b""]) + block + tail


@settings(max_examples=400, deadline=None)
@given(contents(), st.sampled_from([1000, 1000, 50]))
def test_sole_record_is_the_one_that_the_careful_reader_finds(content: bytes, cap: int) -> None:
    quick = sole_record(content, cap)
    blocks = iter([content])
    careful = list(read_window(Window(lambda: next(blocks, b"")), cap, None, 0))
    if quick is not None:
        assert len(careful) == 1
        found = careful[0]
        assert isinstance(found, Record)
        found.offset = found.length = 0
        assert quick == found


def test_a_usual_record_needs_no_careful_reader() -> None:
    for kind in (b"response", b"request", b"warcinfo", b"conversion"):
        assert sole_record(record(1, kind=kind), 1 << 20) is not None


@pytest.mark.parametrize("library", ["libdeflate", "zlib"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_members_are_what_zlib_says(library: str, data: Any) -> None:
    """Also where magic numbers stand in the compressed bytes, and blocks are of any size."""
    piece = st.one_of(st.binary(max_size=80), st.just(b"\x1f\x8b\x08\x00" * 9), st.just(b"ab" * 99))
    drawn = data.draw(st.lists(st.tuples(piece, st.sampled_from([0, 6])), min_size=1, max_size=6))
    parts = [gzip.compress(content, level, mtime=0) for content, level in drawn]
    garbage = data.draw(st.sampled_from([b"", b"", b"garbage", b"\x1f\x8b\x08", b"\0" * 9]))
    flipped = data.draw(st.integers(0, 400))
    whole = bytearray(garbage.join(parts))
    if flipped < len(whole):
        whole[flipped] ^= 1
    cap = data.draw(st.sampled_from([40, 1 << 20]))
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        if library == "zlib":
            patch.setattr(members, "require", _nothing_installed)
        else:
            pytest.importorskip("deflate")
        patch.setattr(members, "_BLOCK_BYTES", data.draw(st.sampled_from([30, 100, 1 << 20])))
        path = write(Path(folder), bytes(whole))
        with InputFile(path) as file:
            reader = WholeMembers(file, cap)
            start = 0
            for part in parts:
                assert reader.read(start) == _by_zlib(bytes(whole), start, cap)
                start += len(part) + len(garbage)


def _nothing_installed(module: str, why: str) -> Any:
    raise MissingExtra(f"{why} needs {module}")


def _by_zlib(whole: bytes, start: int, cap: int) -> tuple[bytes, int] | None:
    inflate = zlib.decompressobj(31)
    try:
        content = inflate.decompress(whole[start:])
    except zlib.error:
        return None
    if not inflate.eof or len(content) > cap:
        return None
    return content, len(whole) - len(inflate.unused_data)


def test_both_libraries_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("deflate")
    good = [member(record(n, http(b"<html>" + b"word " * n))) for n in range(40)]
    path = write(tmp_path, b"".join(good[:20]) + b"??" + b"".join(good[20:])[:-60])
    with_libdeflate = read(path)
    monkeypatch.setattr(members, "require", _nothing_installed)
    assert read(path) == with_libdeflate
    assert len(with_libdeflate[0]) == 39
