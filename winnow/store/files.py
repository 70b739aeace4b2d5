"""Folders, local or on an object store, in which a file appears complete or not at all.

Local: temporary name beside the target, fsync, rename, fsync of the folder. Object stores: an
upload becomes visible when it is complete, so the PUT is the rename. Contents are deterministic,
so two attempts that race write the same bytes and either may win.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from winnow.errors import StoreError, WinnowError

_TEMPORARY = ".tmp"


def is_remote(path: str) -> bool:
    """Whether ``path`` is a URI (``s3://…``) and not a path of this machine."""
    return "://" in path and not path.startswith("file://")


def local_path(path: str) -> str:
    return path.removeprefix("file://")


def _filesystem(path: str) -> tuple[Any, str]:
    from pyarrow import fs

    system, inner = fs.FileSystem.from_uri(path)
    return system, inner


class HashingFile:
    """A binary sink that counts and hashes what passes through it (``sha256``, ``size``)."""

    def __init__(self, sink: IO[bytes], target: str) -> None:
        self._sink = sink
        self._target = target
        self._hash = hashlib.sha256()
        self._abandoned = False
        self.size = 0
        self.closed = False

    def abandon(self) -> None:
        """Swallow all that is still written: a writer over it can then end without an error."""
        self._abandoned = True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        if self._abandoned:
            return view.nbytes
        self._hash.update(view)
        self.size += view.nbytes
        with write_errors(self._target):
            self._sink.write(view)
        return view.nbytes

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        if not self._abandoned:
            with write_errors(self._target):
                self._sink.flush()

    def close(self) -> None:  # Arrow closes what it writes to; the folder closes the real file
        self.closed = True

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class Folder:
    """One folder of files. ``path`` is a local path or a URI that pyarrow's filesystems know."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = str(path)
        self.remote = is_remote(self.path)
        if not self.remote:
            self.path = os.path.abspath(local_path(self.path))

    def __repr__(self) -> str:
        return f"Folder({self.path!r})"

    def join(self, name: str) -> str:
        return f"{self.path.rstrip('/')}/{name}"

    def subfolder(self, name: str) -> Folder:
        return Folder(self.join(name))

    def exists(self, name: str = "") -> bool:
        target = self.join(name) if name else self.path
        if not self.remote:
            return os.path.exists(target)
        from pyarrow import fs

        system, inner = _filesystem(target)
        return bool(system.get_file_info(inner).type != fs.FileType.NotFound)

    def size(self, name: str) -> int:
        """Bytes of a file, or -1 where it does not exist."""
        target = self.join(name)
        if not self.remote:
            try:
                return os.path.getsize(target)
            except OSError:
                return -1
        system, inner = _filesystem(target)
        size = system.get_file_info(inner).size
        return -1 if size is None else int(size)

    def names(self) -> list[str]:
        """Names of the files directly inside, sorted; empty where the folder does not exist."""
        if not self.remote:
            try:
                return sorted(e.name for e in os.scandir(self.path) if e.is_file())
            except FileNotFoundError:
                return []
        from pyarrow import fs

        system, inner = _filesystem(self.path)
        found = system.get_file_info(fs.FileSelector(inner, allow_not_found=True))
        return sorted(info.base_name for info in found if info.is_file)

    def entries(self) -> list[str]:
        """Names of the files and folders inside, sorted; not those that begin with a dot."""
        if not self.remote:
            try:
                found = [entry.name for entry in os.scandir(self.path)]
            except (FileNotFoundError, NotADirectoryError):
                return []
        else:
            from pyarrow import fs

            system, inner = _filesystem(self.path)
            selector = fs.FileSelector(inner, allow_not_found=True)
            found = [info.base_name for info in system.get_file_info(selector)]
        return sorted(name for name in found if not name.startswith("."))

    def read(self, name: str) -> bytes:
        target = self.join(name)
        if not self.remote:
            return Path(target).read_bytes()
        system, inner = _filesystem(target)
        with system.open_input_stream(inner) as stream:
            return bytes(stream.read())

    def sha256(self, name: str) -> str:
        """Of a file's content, read in blocks."""
        hasher = hashlib.sha256()
        if not self.remote:
            with open(self.join(name), "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        system, inner = _filesystem(self.join(name))
        with system.open_input_stream(inner) as stream:
            while block := stream.read(1 << 24):
                hasher.update(block)
        return hasher.hexdigest()

    def remove(self) -> None:
        """Delete the folder and all that is in it; nothing happens where it does not exist."""
        if not self.remote:
            shutil.rmtree(self.path, ignore_errors=False) if os.path.isdir(self.path) else None
            return
        system, inner = _filesystem(self.path)
        system.delete_dir_contents(inner, missing_dir_ok=True)

    def delete(self, name: str) -> None:
        """Delete one file, if it is there."""
        if not self.remote:
            Path(self.join(name)).unlink(missing_ok=True)
            return
        if self.exists(name):
            system, inner = _filesystem(self.join(name))
            system.delete_file(inner)

    def sweep(self) -> None:
        """Delete the temporary files that a killed writer left."""
        if not self.remote:
            for name in self.names():
                if name.startswith(".") and name.endswith(_TEMPORARY):
                    self.delete(name)

    @contextmanager
    def create(self, name: str) -> Iterator[HashingFile]:
        """Write ``name``; it appears under its name when the block ends without an exception.

        Exceptions of the block pass unchanged; what the file system refuses is a
        :class:`StoreError` with what to do about it.
        """
        opener = self._create_remote if self.remote else self._create_local
        with opener(name) as sink:
            yield sink

    @contextmanager
    def _create_local(self, name: str) -> Iterator[HashingFile]:
        target = self.join(name)
        temporary = self.join(f".{name}.{os.getpid()}-{uuid.uuid4().hex[:8]}{_TEMPORARY}")
        try:
            with write_errors(target):
                os.makedirs(self.path, exist_ok=True)
                file = open(temporary, "wb")  # noqa: SIM115 (closed below, with its own errors)
            try:
                yield HashingFile(file, target)
                with write_errors(target):
                    file.flush()
                    os.fsync(file.fileno())
            finally:
                with suppress(OSError):  # a full disk is told once, by the flush above
                    file.close()
            with write_errors(target):
                os.replace(temporary, target)
                _sync_folder(self.path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise

    @contextmanager
    def _create_remote(self, name: str) -> Iterator[HashingFile]:
        target = self.join(name)
        with write_errors(target):
            system, inner = _filesystem(target)
            stream = system.open_output_stream(inner)
        try:
            yield HashingFile(stream, target)
        except BaseException:
            # not closed here: closing completes the upload and would make half a file visible.
            # pyarrow has no abort (and may close what it collects); its receipt then never comes,
            # so no reader takes the file for a shard
            raise
        with write_errors(target):
            stream.close()

    def write(self, name: str, data: bytes) -> None:
        with self.create(name) as sink:
            sink.write(data)


def _sync_folder(path: str) -> None:
    """Make a rename durable; some filesystems refuse, and then it is theirs to promise."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


_REMEDIES = {
    errno.ENOSPC: "Free some space or choose another output; the same command then goes on.",
    errno.EDQUOT: "Raise the quota or choose another output; the same command then goes on.",
    errno.EACCES: "Choose a folder that you may write to, or change its permissions.",
    errno.EROFS: "The file system is mounted read-only; choose another output.",
    errno.ENOTDIR: "A file stands where a folder is needed; choose another output.",
}


@contextmanager
def write_errors(target: str) -> Iterator[None]:
    """Turn the operating system's word for 'cannot write' into ours, with what to do."""
    try:
        yield
    except WinnowError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = _REMEDIES.get(error.errno or 0)
        raise StoreError(f"cannot write {target}: {reason}", remedy=remedy) from error
