"""From what the config lists to files, and from files to splits: plan time, no data read."""

from __future__ import annotations

import glob
import gzip
import os
import zlib
from pathlib import Path, PurePosixPath

from winnow.errors import PlanError, nearest
from winnow.pipeline.stage import Split
from winnow.store.files import is_remote, local_path

_GLOB = frozenset("*?[")
LISTINGS = (".paths", ".paths.gz")


def find_files(paths: tuple[str, ...], prefix: str = "") -> list[tuple[str, int]]:
    """(path, size in bytes) of every file that ``paths`` names, in that order.

    An entry is a file, a glob (its matches sorted), a URI, or a ``*.paths`` / ``*.paths.gz``
    listing with a path a line, as Common Crawl publishes them; ``prefix`` is put before each line
    of a listing, and where it is empty, relative lines are relative to the listing. A file that is
    named twice is read once. :class:`PlanError` for what is absent, a folder, or not readable.
    """
    if not paths:
        raise PlanError(
            "source 'warc' has no paths", remedy='For example: paths = ["crawl/*.warc.gz"]'
        )
    listed: dict[str, None] = {}
    for path in paths:
        if path.endswith(LISTINGS):
            listed.update(dict.fromkeys(_read_listing(path, prefix)))
        else:
            listed.update(dict.fromkeys(_expand(path)))
    remote = _remote_sizes([path for path in listed if is_remote(path)])
    return [(path, remote[path] if path in remote else _local_size(path)) for path in listed]


def cut(files: list[tuple[str, int]], split_bytes: int, base: str = "") -> tuple[Split, ...]:
    """Splits of at most ``split_bytes`` over ``files``: arithmetic on sizes and nothing else.

    An empty file has one empty split, so that it is counted. A split's name is its local path
    relative to ``base`` (where given), which is the same on every machine with the same layout.
    """
    splits: list[Split] = []
    for path, size in files:
        name = path if not base or is_remote(path) else os.path.relpath(local_path(path), base)
        for start in range(0, max(size, 1), split_bytes):
            end = min(start + split_bytes, size)
            splits.append(Split(len(splits), path, start, end, size, name))
    return tuple(splits)


def _expand(path: str) -> list[str]:
    if is_remote(path):
        if _GLOB & set(path):
            raise PlanError(
                f"{path}: globs work on local paths only",
                remedy="List the files, or give a *.paths listing of them.",
            )
        return [path]
    local = local_path(path)
    if not _GLOB & set(local) or os.path.exists(local):
        return [path]
    found = sorted(match for match in glob.glob(local, recursive=True) if os.path.isfile(match))
    if not found:
        raise PlanError(f"{path} matches no file.{_nearest_path(local)}")
    return found


def _read_listing(path: str, prefix: str) -> list[str]:
    if is_remote(path):
        from pyarrow import fs

        system, inner = fs.FileSystem.from_uri(path)
        with system.open_input_stream(inner, compression=None) as stream:
            data = stream.read()
        folder = path.rpartition("/")[0]
    else:
        _local_size(path)
        data = Path(local_path(path)).read_bytes()
        folder = os.path.dirname(local_path(path))
    try:
        if path.endswith(".gz"):
            data = gzip.decompress(data)
        lines = [line.strip() for line in data.decode().splitlines()]
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise PlanError(f"{path} is no listing of paths, a line each: {error}") from error
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise PlanError(f"{path} lists no files")
    if prefix:
        return [prefix + line for line in lines]
    return [
        line if is_remote(line) or line.startswith("/") or not folder
        else (f"{folder}/{line}" if is_remote(folder) else str(PurePosixPath(folder, line)))
        for line in lines
    ]  # fmt: skip


def _local_size(path: str) -> int:
    local = local_path(path)
    try:
        if os.path.isdir(local):
            raise PlanError(
                f"{path} is a folder",
                remedy=f"Write '{path.rstrip('/')}/*.warc.gz' for the WARC files in it.",
            )
        size = os.stat(local).st_size
    except FileNotFoundError:
        raise PlanError(f"{path} does not exist.{_nearest_path(local)}") from None
    except OSError as error:
        raise PlanError(f"{path} cannot be read: {error.strerror}") from error
    if not os.access(local, os.R_OK):
        raise PlanError(f"{path} cannot be read: no permission")
    return size


def _remote_sizes(paths: list[str]) -> dict[str, int]:
    if not paths:
        return {}
    import pyarrow as pa
    from pyarrow import fs

    try:
        system, _ = fs.FileSystem.from_uri(paths[0])
    except (pa.ArrowInvalid, OSError) as error:
        raise PlanError(
            f"{paths[0]} cannot be opened: {error}",
            remedy="Paths are local, or s3://, gs://, hdfs:// or abfs:// of one kind in a run.",
        ) from error
    sizes = {}
    inner = [fs.FileSystem.from_uri(path)[1] for path in paths]
    for path, info in zip(paths, system.get_file_info(inner), strict=True):
        if info.type == fs.FileType.Directory:
            raise PlanError(f"{path} is a folder", remedy="List the files in it.")
        if info.type != fs.FileType.File:
            raise PlanError(f"{path} does not exist")
        sizes[path] = int(info.size)
    return sizes


def _nearest_path(path: str) -> str:
    """The nearest thing that is there: a file of a like name, or the last folder that exists."""
    folder = os.path.dirname(path) or "."
    while not os.path.isdir(folder):
        folder, below = os.path.dirname(folder) or ".", folder
        if folder == below:
            return ""
    name = os.path.relpath(path, folder).split(os.sep)[0]
    try:
        names = os.listdir(folder)
    except OSError:
        return ""
    hint = nearest(name, sorted(names))
    return hint or f" The nearest that does is {folder}"
