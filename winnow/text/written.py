"""Room for rewritten text, and an Arrow column of what a compiled function wrote there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from winnow.text.table import TextColumn

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]


def room_for(text: TextColumn) -> tuple[Bytes, Int64]:
    """Bytes and offsets for a column no longer than ``text``: uint8[…], int64[rows + 1]."""
    size = int(text.offsets[-1] - text.offsets[0])
    return np.empty(size, np.uint8), np.zeros(len(text.offsets), np.int64)


def written(data: Bytes, offsets: Int64) -> pa.Array:
    """``data`` up to the last of ``offsets``, as a ``large_string`` column."""
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data[: offsets[-1]].copy())]
    return pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, buffers)
