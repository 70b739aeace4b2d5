"""Gzip members whose bytes do not depend on the clock, the file name or the system."""

from __future__ import annotations

import struct
import zlib

# Magic, deflate, no flags, time 0, "slowest", system unknown: `gzip.compress` writes the system's
# own number in some Pythons.
HEADER = b"\x1f\x8b\x08\x00" + b"\x00" * 4 + b"\x02\xff"


def member(data: bytes) -> bytes:
    return HEADER + deflate(data) + struct.pack("<II", zlib.crc32(data), len(data) % 2**32)


def deflate(data: bytes) -> bytes:
    """Without header or checksum."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()
