"""Compiled: what RedPajama-V2 and data-juicer count in the lines and characters of a text as it is.

Everywhere: ``codes`` int32, code points of texts; ``offsets`` int64[texts + 1] into it; ``kinds``
as in :class:`winnow.text.code_points.CodePoints`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from winnow.text.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

# bits of winnow.text.code_points
_SPACE, _ALPHANUMERIC, _WORD, _UPPER, _LOWER = 1, 2, 4, 8, 16

# columns of what `count_signals` counts
RAW_WORDS, LETTERED_WORDS, CAPS_WORDS, SYMBOLS, BRACKETS, SENTENCES = range(6)
LINES, ELLIPSIS_LINES, TERMINAL_LINES, BULLET_LINES = range(6, 10)
SIGNALS = 10

# columns of what `count_characters` counts
ALPHANUMERIC_CHARS, SPECIAL_CHARS, TEXT_LINES, LONGEST_LINE = range(4)
CHARACTER_COUNTS = 4


@compiled
def count_signals(
    codes: Int32,
    offsets: Int64,
    kinds: Bytes,
    starts: Int64,
    word_ends: Int64,
    word_offsets: Int64,
    counts: Int64,
    upper: Float64,
) -> None:
    r"""``counts`` int64[texts, 10]: words of ``\w+|[^\w\s]+``, those with a letter a-z or A-Z,
    those that ``str.isupper``; symbols (``#``, ``…`` and three dots, not overlapping); ``{`` and
    ``}``; sentences (runs without ``.``, ``!`` and ``?`` that have a ``\w``); lines (each ends
    with its line feed), those with an ellipsis before the white space at their end, with one of
    ``. ! ? ”`` there, with a bullet behind the white space at their beginning.

    ``upper`` float64[texts]: over the lines, the sum of the share of characters that are
    upper-case. Word ``w`` is ``codes[starts[w]:word_ends[w]]``, and those of text ``t`` are
    ``word_offsets[t] … word_offsets[t + 1] - 1``.
    """
    word = 0
    word_offsets[0] = 0
    for text in range(len(offsets) - 1):
        low, high = offsets[text], offsets[text + 1]
        lettered = capitals = symbols = brackets = sentences = 0
        lines = ellipses = terminals = bullets = 0
        shares = 0.0
        dots = 0  # in a row, three of them counted and gone
        has_word = False  # since the last mark that ends a sentence
        open_kind = 0  # of the word that is open: _WORD, _SPACE for other characters, 0 for none
        letter = some_upper = some_lower = False  # of that word
        line_start = low
        first_ink = last_ink = low - 1  # of the line
        line_upper = 0
        for at in range(low, high):
            code = codes[at]
            kind = kinds[code]
            word_kind = 0
            if not kind & _SPACE:
                word_kind = _WORD if kind & _WORD else _SPACE
            if word_kind != open_kind:
                if open_kind:
                    word_ends[word] = at
                    lettered += letter
                    capitals += some_upper and not some_lower
                    word += 1
                if word_kind:
                    starts[word] = at
                letter = some_upper = some_lower = False
                open_kind = word_kind
            line_upper += (kind & _UPPER) != 0
            some_upper = some_upper or (kind & _UPPER) != 0
            some_lower = some_lower or (kind & _LOWER) != 0
            if code != 0x2E:
                dots = 0
            if word_kind == _WORD:
                letter = letter or 0x61 <= code | 0x20 <= 0x7A
                has_word = True
            elif word_kind == _SPACE:
                symbols += code == 0x23 or code == 0x2026
                brackets += code == 0x7B or code == 0x7D
                if code == 0x2E:
                    dots += 1
                    if dots == 3:
                        symbols += 1
                        dots = 0
                if code == 0x2E or code == 0x21 or code == 0x3F:
                    sentences += has_word
                    has_word = False
            if word_kind:
                if first_ink < line_start:
                    first_ink = at
                last_ink = at
            if code == 0x0A or at == high - 1:
                lines += 1
                shares += line_upper / (at + 1 - line_start)
                if first_ink >= line_start:
                    bullets += _is_bullet(codes[first_ink])
                    mark = codes[last_ink]
                    terminals += mark == 0x2E or mark == 0x21 or mark == 0x3F or mark == 0x201D
                    ellipses += mark == 0x2026 or (
                        last_ink - 2 >= line_start
                        and mark == 0x2E
                        and codes[last_ink - 1] == 0x2E
                        and codes[last_ink - 2] == 0x2E
                    )
                line_start = at + 1
                line_upper = 0
        if open_kind:
            word_ends[word] = high
            lettered += letter
            capitals += some_upper and not some_lower
            word += 1
        sentences += has_word
        counts[text, 0] = word - word_offsets[text]
        counts[text, 1] = lettered
        counts[text, 2] = capitals
        counts[text, 3] = symbols
        counts[text, 4] = brackets
        counts[text, 5] = sentences
        counts[text, 6] = lines
        counts[text, 7] = ellipses
        counts[text, 8] = terminals
        counts[text, 9] = bullets
        upper[text] = shares
        word_offsets[text + 1] = word


@compiled
def _is_bullet(code: int) -> bool:
    """Bullets, triangles left and right, squares and the en dash, as RedPajama-V2 lists them."""
    return (
        code == 0x2022
        or code == 0x2023
        or code == 0x25B6
        or code == 0x25C0
        or code == 0x25E6
        or code == 0x25A0
        or code == 0x25A1
        or code == 0x25AA
        or code == 0x25AB
        or code == 0x2013
    )


@compiled
def count_characters(
    codes: Int32, offsets: Int64, kinds: Bytes, special: Bytes, counts: Int64
) -> None:
    """``counts`` int64[texts, 4]: characters that are alphanumeric, that ``special``
    uint8[0x110000] marks; lines of ``str.splitlines``, the most characters of one."""
    for text in range(len(offsets) - 1):
        low, high = offsets[text], offsets[text + 1]
        alphanumeric = marked = lines = longest = 0
        start = low
        at = low
        while at < high:
            code = codes[at]
            alphanumeric += (kinds[code] & _ALPHANUMERIC) != 0
            marked += special[code]
            at += 1
            if kinds[code] & _SPACE and _ends_line(code):
                lines += 1
                longest = max(longest, at - 1 - start)
                if code == 0x0D and at < high and codes[at] == 0x0A:
                    marked += special[0x0A]
                    at += 1
                start = at
        if start < high:
            lines += 1
            longest = max(longest, high - start)
        counts[text, 0] = alphanumeric
        counts[text, 1] = marked
        counts[text, 2] = lines
        counts[text, 3] = longest


@compiled
def _ends_line(code: int) -> bool:
    return 0x0A <= code <= 0x0D or 0x1C <= code <= 0x1E or code == 0x85 or 0x2028 <= code <= 0x2029


@compiled
def count_lorem_ipsum(
    letters: Int32, starts: Int64, word_ends: Int64, word_offsets: Int64, counts: Int64
) -> None:
    """``counts`` int64[texts, 2]: how often a word ends in "lorem" and the next one begins with
    "ipsum"; and how often with dotless i or long s in it, which re.IGNORECASE takes for i and s."""
    for text in range(len(word_offsets) - 1):
        exact = loose = 0
        for word in range(word_offsets[text], word_offsets[text + 1] - 1):
            end, start = word_ends[word], starts[word + 1]
            if end - starts[word] < 5 or letters[end - 1] != 0x6D or letters[end - 2] != 0x65:
                continue
            if letters[end - 3] != 0x72 or letters[end - 4] != 0x6F or letters[end - 5] != 0x6C:
                continue
            if word_ends[word + 1] - start < 5 or letters[start + 1] != 0x70:
                continue
            if letters[start + 3] != 0x75 or letters[start + 4] != 0x6D:
                continue
            i, s = letters[start], letters[start + 2]
            exact += i == 0x69 and s == 0x73
            loose += (i == 0x69 or i == 0x131) and (s == 0x73 or s == 0x17F)
        counts[text, 0] = exact
        counts[text, 1] = loose
