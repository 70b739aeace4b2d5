"""Plan time: which files, which splits, and what is said of those that are not there."""

from __future__ import annotations

import gzip
import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warc_bytes import member, record, write

from winnow.errors import ConfigError, PlanError
from winnow.sources.splits import cut, find_files
from winnow.sources.warc import WarcSource


def files(*paths: str, **fields: str) -> list[str]:
    return list(dict.fromkeys(s.path for s in WarcSource(paths=paths, **fields).splits()))  # type: ignore[arg-type]


def test_no_such_file_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, b"x", "crawl-00001.warc.gz")
    with pytest.raises(PlanError, match=r"does not exist\. Did you mean 'crawl-00001\.warc\.gz'"):
        files(str(tmp_path / "crawl-0001.warc.gz"))
    with pytest.raises(PlanError, match=f"The nearest that does is {tmp_path}"):
        files(str(tmp_path / "no/such/folder/x.warc.gz"))
    with pytest.raises(PlanError, match="matches no file"):
        files(str(tmp_path / "*.zip"))


def test_a_folder_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="is a folder") as caught:
        files(str(tmp_path))
    assert caught.value.remedy is not None
    assert f"{tmp_path}/*.warc.gz" in caught.value.remedy


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write(tmp_path, b"x")
    os.chmod(path, 0)
    with pytest.raises(PlanError, match="cannot be read"):
        files(path)


def test_bad_settings() -> None:
    with pytest.raises(PlanError, match="no paths"):
        WarcSource(paths=()).splits()
    with pytest.raises(ConfigError, match="split_bytes"):
        WarcSource(paths=("x",), split_bytes=0)


def test_globs_are_sorted_and_nothing_is_read_twice(tmp_path: Path) -> None:
    for name in ("b.warc.gz", "a.warc.gz", "c.warc", "d.txt"):
        write(tmp_path, b"x", name)
    a, b, c = (str(tmp_path / name) for name in ("a.warc.gz", "b.warc.gz", "c.warc"))
    assert files(str(tmp_path / "*.warc.gz")) == [a, b]
    assert files(c, str(tmp_path / "*.warc*")) == [c, a, b]


def test_listings(tmp_path: Path) -> None:
    for name in ("b.warc.gz", "a.warc.gz"):
        write(tmp_path, b"x", name)
    expected = [str(tmp_path / "b.warc.gz"), str(tmp_path / "a.warc.gz")]
    write(tmp_path, b"b.warc.gz\n\na.warc.gz\n", "warc.paths")
    write(tmp_path, gzip.compress(b"b.warc.gz\na.warc.gz\n"), "warc.paths.gz")
    assert files(str(tmp_path / "warc.paths")) == expected
    assert files(str(tmp_path / "warc.paths.gz")) == expected
    assert files(str(tmp_path / "warc.paths"), prefix=f"{tmp_path}/") == expected
    write(tmp_path, b"missing.warc.gz\n", "bad.paths")
    with pytest.raises(PlanError, match="does not exist"):
        files(str(tmp_path / "bad.paths"))


def test_uris(tmp_path: Path) -> None:
    path = write(tmp_path, member(record(0)))
    source = WarcSource(paths=(f"file://{path}",))
    assert [(s.path, s.size) for s in source.splits()] == [
        (f"file://{path}", os.path.getsize(path))
    ]


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=5), st.integers(min_value=1, max_value=400)
)
def test_splits_tile_every_file(sizes: list[int], split_bytes: int) -> None:
    splits = cut([(str(n), size) for n, size in enumerate(sizes)], split_bytes)
    assert [s.index for s in splits] == list(range(len(splits)))
    for n, size in enumerate(sizes):
        mine = [s for s in splits if s.path == str(n)]
        assert mine[0].start == 0
        assert mine[-1].end == size
        assert all(a.end == b.start for a, b in pairwise(mine))
        assert all(0 < s.end - s.start <= split_bytes for s in mine) or size == 0


def test_a_listing_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.paths.gz").write_bytes(b"not gzip")
    (tmp_path / "b.paths").write_bytes(b"\xff\xfe\x00")
    for name in ("a.paths.gz", "b.paths"):
        with pytest.raises(PlanError, match="is no listing"):
            find_files((str(tmp_path / name),))


def test_a_scheme_that_nobody_reads() -> None:
    with pytest.raises(PlanError, match="cannot be opened"):
        find_files(("https://example.org/a.warc.gz",))
