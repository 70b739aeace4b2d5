"""What of a text counts when two are compared: case, numbers, punctuation and accents do not.

Source: ``simplify_text`` of datatrove 0.10 (datatrove/utils/text.py), whose result for a text is
that of its white-space chunks put side by side: no rule of it looks across white space (the
final sigma of ``str.lower`` looks at neighbouring letters, and white space ends that look). So
everything here maps one chunk to the pieces that it becomes. Differs: digits and letter case are
those of this Python's Unicode version, datatrove's digits those of the package ``regex``.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import numpy as np

# datatrove's list, and all control characters but tab and newline
PUNCTUATION = (
    "!/—”:％１〈&(、━\\【#%「」，】；+^]~“《„';’{|∶´[=-`*．（–？！：$～«〉,><》)?）。…@_.\"}►»"
    + "".join(map(chr, [*range(9), *range(11, 13), *range(13, 32), *range(127, 160)]))
)
_TO_SPACE = str.maketrans(PUNCTUATION, " " * len(PUNCTUATION))
_NUMBER = re.compile(r"\d+(?:[.,،٫⎖⎗⎘]\d+)?")


@cache
def plain_ascii() -> np.ndarray:
    """What a byte of ASCII becomes that is no digit: uint8[128], 32 for punctuation."""
    plain = [chr(byte).lower().translate(_TO_SPACE) for byte in range(128)]
    return np.frombuffer("".join(plain).encode(), np.uint8)


def chunk_pieces(chunks: list[str]) -> list[list[str]]:
    """For each white-space chunk the pieces, free of white space, that stand in its place.

    Lower case → every number "0" → punctuation and control characters to spaces → canonical
    decomposition without nonspacing marks. A chunk of punctuation alone has no pieces.
    """
    if not chunks:
        return []
    # one pass over all chunks: a newline survives every rule, and no rule looks past it
    text = _NUMBER.sub("0", "\n".join(chunks).lower()).translate(_TO_SPACE)
    return [_without_marks(chunk).split() for chunk in text.split("\n")]


def _without_marks(text: str) -> str:
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
