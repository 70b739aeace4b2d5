"""One input file, read at any position: local through ``pread``, remote through pyarrow."""

from __future__ import annotations

import os
from types import TracebackType
from typing import IO, Any

from winnow.store.files import is_remote, local_path


class InputFile:
    """A file of known ``size``; use it as a context manager."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._remote: Any = None
        self._descriptor = -1
        if is_remote(path):
            from pyarrow import fs

            system, inner = fs.FileSystem.from_uri(path)
            self._remote = system.open_input_file(inner)
            self.size = int(self._remote.size())
        else:
            self._descriptor = os.open(local_path(path), os.O_RDONLY)
            self.size = os.fstat(self._descriptor).st_size

    def __enter__(self) -> InputFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._remote is not None:
            self._remote.close()
        else:
            os.close(self._descriptor)

    def read_at(self, position: int, count: int) -> bytes:
        """At most ``count`` bytes from ``position``; fewer only at the end of the file."""
        if self._remote is not None:
            return bytes(self._remote.read_at(count, position)) if position < self.size else b""
        found = os.pread(self._descriptor, count, position)
        while len(found) < count:  # a short read is legal anywhere
            more = os.pread(self._descriptor, count - len(found), position + len(found))
            if not more:
                break
            found += more
        return found

    def stream(self) -> str | IO[bytes]:
        """What fastwarc's readers take: a path (read without Python) or an open file."""
        if self._remote is None:
            return local_path(self.path)
        self._remote.seek(0)
        return self._remote  # type: ignore[no-any-return]
