"""English words exactly as spaCy's ``blank("en")`` splits them, several times faster.

spaCy cuts a text at white space and then works on each piece (here: *chunk*) alone: it peels
prefixes and suffixes off, keeps URLs whole, splits the rest at infixes, and last merges or expands
special cases ("don't", ":-)"). The rules are regular expressions with about a hundred alternatives
each, and nearly all of the time goes into finding that none of them matches. This is the same
algorithm over spaCy's own rules, which are here as data (``english_rules.toml``), so that the words
do not change with the version of a package; what is new is that a look at one character says
whether an expression can match at all.

Source: spaCy 3.8, ``tokenizer.pyx`` (``_split_affixes``, ``_attach_tokens``,
``_apply_special_cases``), MIT licence. Differs:

- Special cases are merged within a chunk; spaCy's matcher runs over the whole text, where a match
  that reaches over a space (``'' '``) can hide one inside a chunk. In one document of 4,018.
- A chunk of more than ``URL_MAX_CHARS`` characters is never taken for a URL: the pattern takes
  quadratic time on such.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

URL_MAX_CHARS = 10_000
_TAIL = 24  # characters from the end in which a suffix lies; the longest rule has 6
_UNIT_HINT = re.compile(r"[0-9'’]")  # suffixes of letters follow a digit ("km") or an apostrophe

# what the URL pattern cannot do without: a dot before two characters that are a-z or not ASCII
# (a top-level domain), or the dots of an IP address
_URL_HINT = re.compile(r"\.[^\x00-\x60\x7b-\x7f]{2}|\.\d+\.\d+\.\d")
_LOOKBEHIND = re.compile(r"\(\?<=(?:\[(?:\\.|[^\]\\])*\]|\\.|[^()\[\]\\])*\)")
_LITERALS = re.compile(r"\\(.)|(?:\(\?[:=!]|[()|+*?])|(.)")
_RULES = Path(__file__).with_name("english_rules.toml")


@cache
def english_rules() -> dict[str, Any]:
    """What ``english_rules.toml`` holds; not to be changed."""
    return tomllib.loads(_RULES.read_text(encoding="utf-8"))


class EnglishTokenizer:
    """``tokenize(chunk)`` → its tokens. Holds spaCy's rules and nothing that changes an answer."""

    def __init__(self) -> None:
        rules = english_rules()
        prefixes, suffixes = rules["prefixes"], rules["suffixes"]
        self._prefix = re.compile("|".join(prefixes))
        self._suffix = re.compile("|".join(f"{piece}$" for piece in suffixes))
        self._infix = re.compile("|".join(rules["infixes"]))
        self._url_match = re.compile(rules["url"]).match
        self._specials: dict[str, tuple[str, ...]] = {
            chunk: tuple(tokens) for chunk, tokens in rules["specials"].items()
        }
        self._special_chars = max(map(len, self._specials))
        self._suffix_context = _context_characters(suffixes)
        self._prefix_context = _context_characters(prefixes)
        self._prefix_kind: dict[str, int | None] = {}
        self._suffix_kind: dict[str, int | None] = {}
        self._merges = self._torn_specials()
        self._merge_pairs = frozenset(torn[:2] for torn in self._merges)
        self.torn_pairs = frozenset(
            (torn[0], torn[1]) for torn, tokens in self._merges.items() if torn != tokens
        )
        """First two tokens of every special case that affix rules tear apart wrongly."""
        self._merge_tokens = max(map(len, self._merges))

    def tokenize(self, chunk: str) -> tuple[str, ...]:
        """The tokens of ``chunk``, which holds no white space, in order; they join to ``chunk``."""
        tokens = self._specials.get(chunk)
        if tokens is None:
            if chunk.isascii() and chunk.isalpha():
                return (chunk,)
            tokens = self._split(chunk, specials=True)
        if len(tokens) > 1 and not self.torn_pairs.isdisjoint(pairwise(tokens)):
            return self._merge(tokens)
        return tokens

    def _split(self, chunk: str, specials: bool) -> tuple[str, ...]:
        """Prefixes, then what is left (special case, URL, or cut at infixes), then suffixes."""
        table = self._specials if specials else {}
        longest = self._special_chars
        low, high = 0, len(chunk)
        before: list[str] = []
        after: list[str] = []
        while low < high:
            if high - low <= longest and chunk[low:high] in table:
                break
            prefix = self._prefix_chars(chunk, low, high)
            if prefix and high - low - prefix <= longest and chunk[low + prefix : high] in table:
                before.append(chunk[low : low + prefix])
                low += prefix
                break
            suffix = self._suffix_chars(chunk, low + prefix, high)
            if suffix and high - low - suffix <= longest and chunk[low : high - suffix] in table:
                after.append(chunk[high - suffix : high])
                high -= suffix
                break
            if not prefix and not suffix:
                break
            if prefix:
                before.append(chunk[low : low + prefix])
                low += prefix
            if suffix:
                after.append(chunk[high - suffix : high])
                high -= suffix
        after.reverse()
        return (*before, *self._middle(chunk[low:high], table), *after)

    def _middle(self, rest: str, table: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
        if not rest:
            return ()
        if rest.isascii() and rest.isalnum() and rest not in table:
            return (rest,)
        special = table.get(rest)
        if special is not None:
            return special
        if len(rest) <= URL_MAX_CHARS and _URL_HINT.search(rest) and self._url_match(rest):
            return (rest,)
        tokens = []
        start = 0
        for match in self._infix.finditer(rest):
            begin, end = match.span()
            if begin == 0:
                continue
            if begin != start:
                tokens.append(rest[start:begin])
            if begin != end:
                tokens.append(rest[begin:end])
            start = end
        if start < len(rest):
            tokens.append(rest[start:])
        return tuple(tokens)

    def _prefix_chars(self, chunk: str, low: int, high: int) -> int:
        first = chunk[low]
        try:
            kind = self._prefix_kind[first]
        except KeyError:
            kind = self._prefix_kind[first] = self._kind(first, self._prefix, self._prefix_context)
        if kind is not None:
            return kind
        match = self._prefix.match(chunk, low, high)
        return match.end() - low if match else 0

    def _suffix_chars(self, chunk: str, low: int, high: int) -> int:
        """Characters of the longest suffix of ``chunk[low:high]``."""
        if low >= high:
            return 0
        last = chunk[high - 1]
        try:
            kind = self._suffix_kind[last]
        except KeyError:
            kind = self._suffix_kind[last] = self._kind(last, self._suffix, self._suffix_context)
        if kind is not None:
            return kind
        if "a" <= last <= "z" and not _UNIT_HINT.search(chunk, max(low, high - _TAIL), high):
            return 0
        if last == "." and high - low > 1 and "a" <= chunk[high - 2] <= "z":
            return 1
        start = high - _TAIL
        if start <= low:
            tail = chunk[low:high]  # cut, so that no rule looks back past `low`
            match = self._suffix.search(tail)
            return len(tail) - match.start() if match else 0
        match = self._suffix.search(chunk, start, high)
        if match is None:
            return 0
        if match.start() == start:  # a run of dots: look for where it begins
            match = self._suffix.search(chunk[low:high])
            assert match is not None
            return high - low - match.start()
        return high - match.start()

    @staticmethod
    def _kind(
        character: str, pattern: re.Pattern[str], context: frozenset[str] | None
    ) -> int | None:
        """Length of the affix that ``character`` decides alone, or None: ask the expression."""
        if context is None or character in context:
            return None
        return 1 if pattern.search(character) else 0

    def _torn_specials(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        """Special cases that affix rules tear apart: torn tokens, two or more → right ones."""
        torn = {}
        for chunk, tokens in self._specials.items():
            sequence = self._split(chunk, specials=False)
            if len(sequence) > 1:
                torn[sequence] = tokens
        return torn

    def _merge(self, tokens: tuple[str, ...]) -> tuple[str, ...]:
        """``tokens`` with torn special cases put right: the longest first, then the leftmost."""
        found: list[tuple[int, int]] = []  # (-length, start)
        for start, token in enumerate(tokens):
            if (token, *tokens[start + 1 : start + 2]) in self._merge_pairs:
                for end in range(start + 2, min(start + self._merge_tokens, len(tokens)) + 1):
                    if tokens[start:end] in self._merges:
                        found.append((start - end, start))
        if not found:
            return tokens
        covered: set[int] = set()
        chosen: dict[int, int] = {}
        for length, start in sorted(found):
            end = start - length
            if start not in covered and end - 1 not in covered:
                chosen[start] = end
            covered.update(range(start, end))
        merged: list[str] = []
        position = 0
        while position < len(tokens):
            end = chosen.get(position, position + 1)
            if position in chosen:
                merged += self._merges[tokens[position:end]]
            else:
                merged.append(tokens[position])
            position = end
        return tuple(merged)


def _context_characters(pieces: list[str]) -> frozenset[str] | None:
    """Characters at which an affix may have more than one character or needs a look around.

    All characters that such rules name, lookbehinds apart; None where a rule cannot be read, and
    then every character asks the expression.
    """
    characters: set[str] = set()
    for piece in pieces:
        if len(piece.lstrip("\\")) == 1 or re.fullmatch(r"\[(?:\\.|[^\]\\])*\]", piece):
            continue  # one character, listed or literal: it decides alone
        bare = _LOOKBEHIND.sub("", piece)
        if "(?<" in bare or "[^" in bare:
            return None
        for escaped, literal in _LITERALS.findall(bare):
            characters.update(escaped or literal)
    return frozenset(characters)
