"""Messages between a parent and a child process: eight bytes of length, then the bytes."""

from __future__ import annotations

from typing import BinaryIO


def write_frame(stream: BinaryIO, data: bytes) -> None:
    stream.write(len(data).to_bytes(8, "little"))
    stream.write(data)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes:
    """The next message; :class:`EOFError` where the other end is gone, even in mid-message."""
    head = stream.read(8)
    if len(head) < 8:
        raise EOFError
    size = int.from_bytes(head, "little")
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data
