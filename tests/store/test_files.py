"""A file in a folder is there whole, or not at all."""

import errno
import os
from pathlib import Path

import pytest

from winnow.errors import StoreError
from winnow.store.files import Folder


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "store")
    with pytest.raises(RuntimeError), folder.create("a.bin") as sink:
        sink.write(b"half")
        raise RuntimeError("killed")
    assert folder.names() == []


def test_a_reader_never_sees_a_file_that_is_being_written(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("a.bin", b"old")
    with folder.create("a.bin") as sink:
        sink.write(b"new, longer")
        assert folder.read("a.bin") == b"old"
    assert folder.read("a.bin") == b"new, longer"


def test_the_sink_counts_and_hashes_what_it_writes(tmp_path: Path) -> None:
    import hashlib

    with Folder(tmp_path).create("a.bin") as sink:
        sink.write(b"abc")
        sink.write(memoryview(b"def"))
    assert sink.size == 6
    assert sink.sha256 == hashlib.sha256(b"abcdef").hexdigest()


def test_sweep_takes_only_what_a_killed_writer_left(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("kept.parquet", b"x")
    (tmp_path / ".00001.parquet.123-abcd.tmp").write_bytes(b"half")
    folder.sweep()
    assert folder.names() == ["kept.parquet"]


def test_a_full_disk_is_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device") as caught:
        folder.write("a.bin", b"x")
    assert "Free some space" in str(caught.value)
    assert folder.names() == []


def test_a_file_where_a_folder_is_needed(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(StoreError, match="cannot write"):
        Folder(tmp_path / "out").write("a.bin", b"x")


def test_uris_go_through_pyarrow_filesystems(tmp_path: Path) -> None:
    """The path of object stores, on the one remote filesystem that needs no server."""
    folder = Folder(f"mock:///{tmp_path.name}")
    assert folder.remote
    local = Folder(f"file://{tmp_path}/x")
    assert not local.remote
    local.write("a", b"1")
    assert (tmp_path / "x" / "a").read_bytes() == b"1"
