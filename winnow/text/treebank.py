"""Words of a sentence exactly as NLTK's ``NLTKWordTokenizer`` splits it (Penn Treebank style).

The tokenizer pads punctuation with spaces, one regular expression after another over the whole
sentence, and cuts at white space at last. Nearly all of these look at one white-space chunk alone.
What they see of the rest of the sentence is little:

- whether the chunk begins the sentence (a first ``"`` opens), or a space or other white space is
  before it (a ``"`` after a space opens; the expressions say " ", not white space);
- whether it ends the sentence (a last period is a word; of ``,,`` the second comma is), or a space
  or other white space comes after it (``dogs'`` is two words before a space);
- for a last period, whether nothing but closing marks and spaces follows: then the sentence is
  split as a whole.

So the words of a chunk are remembered by the chunk and these few bits, found by running the
expressions on the chunk between stand-ins for its neighbours.

Source: NLTK 3.8.1, ``nltk/tokenize/destructive.py`` (Apache-2.0), the version of early 2024 with
which FineWeb was made; the tokens equal its tokens on any text. The first expression on periods is
written so that it takes linear time on runs of spaces, with the same result. NLTK 3.9 and later
also split at dashes (U+2012 to U+2015), at an apostrophe before any word (3.10), and after other
white space as after a space: not so here.
"""

from __future__ import annotations

import re

_CLOSERS = "])}>\"'»”’"
_ENDINGS = _CLOSERS + ".:,"  # what makes a difference at the end of a sentence
# (expression, replacement), in order. A sentence ends with its string: `$` is also before a last
# line feed, as in NLTK
_BEFORE_PADDING = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # quotes that open
        (r"([«“‘„]|[`]+)", r" \1 "),
        (r"^\"", r"``"),
        (r"(``)", r" \1 "),
        (r"([ (\[{<])(\"|'{2})", r"\1 `` "),
        (r"(?i)(')(?!re|ve|ll|m|t|s|d|n)(\w)\b", r"\1 \2"),
        # punctuation
        (r"([^.])(\.)([\])}>\"'»”’ ]*+)\s*$", r"\1 \2 \3 "),
        (r"([:,])([^\d])", r" \1 \2"),
        (r"([:,])$", r" \1 "),
        (r"\.{2,}", r" \g<0> "),
        (r"[;@#$%&]", r" \g<0> "),
        (r"([^.])(\.)([\])}>\"']*)\s*$", r"\1 \2\3 "),
        (r"[?!]", r" \g<0> "),
        (r"([^'])' ", r"\1 ' "),
        (r"[*]", r" \g<0> "),
        (r"[\]\[(){}<>]", r" \g<0> "),
        (r"--", r" -- "),
    )
)
_AFTER_PADDING = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # quotes that close, and clitics
        (r"([»”’])", r" \1 "),
        (r"''", r" '' "),
        (r'"', r" '' "),
        (r"([^' ])('[sS]|'[mM]|'[dD]|') ", r"\1 \2 "),
        (r"([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", r"\1 \2 "),
        # contractions
        (r"(?i)\b(can)(not)\b", r" \1 \2 "),
        (r"(?i)\b(d)('ye)\b", r" \1 \2 "),
        (r"(?i)\b(gim)(me)\b", r" \1 \2 "),
        (r"(?i)\b(gon)(na)\b", r" \1 \2 "),
        (r"(?i)\b(got)(ta)\b", r" \1 \2 "),
        (r"(?i)\b(lem)(me)\b", r" \1 \2 "),
        (r"(?i)\b(more)('n)\b", r" \1 \2 "),
        (r"(?i)\b(wan)(na)(?=\s)", r" \1 \2 "),
        (r"(?i) ('t)(is)\b", r" \1 \2 "),
        (r"(?i) ('t)(was)\b", r" \1 \2 "),
    )
)
_CONTRACTION = re.compile(r"(?i)cannot|gimme|gonna|gotta|lemme|wanna|d'ye|more'n")
_TORN = r"«“‘„»”’`\";@#$%&?!*()\[\]{}<>"  # each a word of its own, wherever it stands
_HINT = re.compile(rf"[{_TORN}':,]|\.\.|--")
_PIECE = re.compile(
    rf"``|''|--|\.\.+|[:,](?!\d)|[{_TORN}]|(?:(?!--|\.\.|[:,](?!\d)|'')[^{_TORN}])+"
)
_OPENING = re.compile(r"(?<=[(\[{<«“‘„])\"")
_HARD = re.compile(r"[:,][:,]|`.*\"|\".*`|^\"\"", re.DOTALL)
_CLITIC = re.compile(r"(.+)('[sS]|'[mM]|'[dD]|'ll|'LL|'re|'RE|'ve|'VE|n't|N'T)", re.DOTALL)
_INNER_APOSTROPHE = re.compile(r"\w'(?:[mtsdnMTSDN]\b|\w\w)")
_GAPS = re.compile(r"(\s+)")

# what stands before a chunk, and after it
SPACE, OTHER, EDGE = range(3)
_LEFT = ("x ", "x\n", "")
_RIGHT = (" x", "\nx", "")

_MARK = "\U0010ffff"  # not a character; where a text has it, it is written with _ITSELF behind it
_ITSELF = "x"
_IS_WORD = _MARK + "w"
_ENDS_SENTENCE = f"{_MARK}{3 * SPACE + EDGE}"


def split_whole(sentence: str) -> tuple[str, ...]:
    """The words of ``sentence``, by all expressions over all of it."""
    for pattern, replacement in _BEFORE_PADDING:
        sentence = pattern.sub(replacement, sentence)
    sentence = f" {sentence} "
    for pattern, replacement in _AFTER_PADDING:
        sentence = pattern.sub(replacement, sentence)
    return tuple(sentence.split())


def split_chunk(chunk: str, left: int, right: int) -> tuple[str, ...]:
    """The words of ``chunk``, which holds no white space, in a sentence.

    ``left`` and ``right``, what stands beside it: ``SPACE`` (U+0020), ``OTHER`` white space, or the
    ``EDGE`` of the sentence. They join to ``chunk``, but for double quotes: each becomes two
    backticks or two apostrophes.
    """
    if chunk.isalnum() and not 5 <= len(chunk) <= 6:  # no contraction has another length
        return (chunk,)
    if not _HINT.search(chunk) and not _CONTRACTION.search(chunk):
        if right == EDGE and chunk[-1] == "." and chunk != ".":
            return (chunk[:-1], ".")
        return (chunk,)
    pieces = _pieces(chunk, left, right)
    if pieces is not None:
        return tuple(pieces)
    words = split_whole(f"{_LEFT[left]}{chunk}{_RIGHT[right]}")
    return words[left != EDGE : len(words) - (right != EDGE)]


def _pieces(chunk: str, left: int, right: int) -> list[str] | None:
    """What the expressions come to for nearly every chunk, by one of our own; None for others."""
    apostrophes = chunk.count("'")
    if (
        apostrophes > 1
        or (apostrophes and not _INNER_APOSTROPHE.search(chunk))
        or _HARD.search(chunk)
        or _CONTRACTION.search(chunk)
    ):
        return None
    head, period, tail = chunk, "", ""
    if right == EDGE:
        body = chunk.rstrip(_CLOSERS)
        if body[-1:] == "." and body[-2:] != "..":
            head, period, tail = body[:-1], ".", chunk[len(body) :]
    if '"' in head:
        if head[0] == '"' and left != OTHER:
            head = "``" + head[1:]
        head = _OPENING.sub("``", head).replace('"', "''")
    pieces: list[str] = _PIECE.findall(head)
    if apostrophes:
        # a clitic is split where a space follows, of the sentence or put there before
        for index, piece in enumerate(pieces):
            if "'" in piece and piece != "''":
                clitic = _CLITIC.fullmatch(piece)
                if clitic and (index < len(pieces) - 1 or period or right != OTHER):
                    pieces[index : index + 1] = clitic.groups()
                break
    if period:
        pieces.append(".")
        pieces += ("''" if mark == '"' else mark for mark in tail)
    return pieces


def mark(sentence: str) -> str:
    """``sentence`` with a mark behind every chunk whose words depend on what it stands between.

    So :func:`split_marked` finds the words of each of its chunks alone, and one table of chunks
    serves all. Equal chunks have different marks only where that may change their words.
    """
    if not sentence:
        return ""
    last = sentence[-1]
    if last.isspace() or (last in _CLOSERS and not sentence.split()[-1].strip(_CLOSERS)):
        return " ".join(_escaped(word) + _IS_WORD for word in split_whole(sentence))
    sentence = _escaped(sentence)
    if '"' in sentence or "'" in sentence:
        return _mark_quotes(sentence)
    if last in _ENDINGS:
        return sentence + _ENDS_SENTENCE
    return sentence


def _mark_quotes(sentence: str) -> str:
    parts = _GAPS.split(sentence)  # chunk, white space, chunk, …
    final = len(parts) - 1
    for index in range(0, final, 2):
        chunk = parts[index]
        if '"' in chunk or "'" in chunk:
            left = EDGE if index == 0 else _side(parts[index - 1][-1])
            right = _side(parts[index + 1][0])
            if left != SPACE or right != SPACE:
                parts[index] = f"{chunk}{_MARK}{3 * left + right}"
    left = EDGE if final == 0 else _side(parts[final - 1][-1])
    parts[final] += f"{_MARK}{3 * left + EDGE}"
    return "".join(parts)


def _side(space: str) -> int:
    return SPACE if space == " " else OTHER


def _escaped(text: str) -> str:
    return text.replace(_MARK, _MARK + _ITSELF) if _MARK in text else text


def split_marked(chunk: str) -> tuple[str, ...]:
    """The words of a chunk of a marked sentence."""
    if _MARK not in chunk:
        return split_chunk(chunk, SPACE, SPACE)
    sides = ""
    if chunk[-2:-1] == _MARK and chunk[-1] != _ITSELF:
        chunk, sides = chunk[:-2], chunk[-1]
    chunk = chunk.replace(_MARK + _ITSELF, _MARK)
    if sides == _IS_WORD[-1]:
        return (chunk,)
    left, right = divmod(int(sides), 3) if sides else (SPACE, SPACE)
    return split_chunk(chunk, left, right)
