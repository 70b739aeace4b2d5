"""The split by script of :mod:`winnow.text.scripts`, compiled: chunks → where their words end."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.compiled import compiled
from winnow.text.utf8 import code_point_at

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

# bits of a character
ALONE = 1  # a letter or digit of a script without spaces: a word, with the marks behind it
TOGETHER = 2  # a letter or digit of any other: one word with those beside it
MARK = 4


@compiled
def split_by_script(
    data: Bytes, ends: Int64, classes: Bytes, counts: Int32, word_ends: Int64
) -> int:
    """As :func:`winnow.text.english_kernels.split_english`; undecided is damaged UTF-8 only.

    ``classes`` uint8[code points]: the bits above.
    """
    total = 0
    start = 0
    for chunk in range(len(ends)):
        at, end = start, ends[chunk]
        found = 0
        before = 0  # ALONE or TOGETHER: in such a word; else 0
        while at < end:
            code, width = code_point_at(data, at, end)
            if width == 0 or 0xD800 <= code < 0xE000:
                found = 0
                break
            bits = classes[code]
            goes_on = before != 0 and bits & MARK != 0
            if before == TOGETHER and bits & TOGETHER:
                goes_on = True
            at += width
            if goes_on:
                word_ends[total + found - 1] = at
            else:
                word_ends[total + found] = at
                found += 1
                before = bits & (ALONE | TOGETHER)
        counts[chunk] = found
        total += found
        start = end
    return total
