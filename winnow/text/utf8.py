"""UTF-8, for compiled passes over bytes that may be damaged."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.compiled import compiled

CODE_POINTS = 0x110000


@compiled
def code_point_at(data: npt.NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """(code point, its bytes) of what starts at ``at``; (0, 0) if that is not UTF-8.

    Surrogates pass, as with Python's ``surrogatepass``: whoever minds them looks for them.
    """
    first = int(data[at])
    if first < 0x80:
        return first, 1
    if first < 0xE0:
        width, code, least = 2, first & 0x1F, 0x80
    elif first < 0xF0:
        width, code, least = 3, first & 0x0F, 0x800
    else:
        width, code, least = 4, first & 0x07, 0x10000
    if first < 0xC2 or first > 0xF4 or at + width > end:
        return 0, 0
    for index in range(at + 1, at + width):
        byte = int(data[index])
        if byte & 0xC0 != 0x80:
            return 0, 0
        code = code << 6 | byte & 0x3F
    if code < least or code >= CODE_POINTS:
        return 0, 0
    return code, width
