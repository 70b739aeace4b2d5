"""Sentences as NLTK's Punkt finds them: ``Punkt(read_punkt(folder)).sentences(text)``.

A ``.``, ``?`` or ``!`` may end a sentence where white space or certain punctuation follows. Then
what stands before it and what follows decide: is the word a known abbreviation, are both words a
known collocation, does the next word often start sentences, is it written with a capital letter
where it usually has none? What was learned about words is read from a ``punkt_tab`` folder of
NLTK's data, which we do not ship. The decision depends on the word before and the word after, and
few of those are new, so what either says is remembered; no answer depends on that.

Source: Kiss and Strunk 2006, "Unsupervised Multilingual Sentence Boundary Detection", section 4;
NLTK 3.8.1, ``nltk/tokenize/punkt.py`` (Apache-2.0), the version of early 2024 with which FineWeb
was made. Its sentences equal those of ``nltk.sent_tokenize`` on any text. Differs:

- NLTK 3.8.1 reads its parameters from a pickle (``punkt``), we from the same parameters as text
  (``punkt_tab``, NLTK 3.8.2 and later). Those for English are equal.
- Later versions of NLTK (seen: 3.10) also end sentences before curly quotes and guillemets, count
  them with the sentence that they close, and use another regular expression engine, with other
  ideas of white space and letters. We stay with 3.8.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from winnow.text.punkt_data import PunktParameters, read_punkt

MAX_REMEMBERED = 1 << 17  # words before and words after, each; cleared when full
MAX_REMEMBERED_CHARS = 60

# orthographic contexts: where, and with which first letter, a word was seen in training
_MIDDLE_UPPER = 1 << 2
_UPPER = 1 << 1 | _MIDDLE_UPPER | 1 << 3
_BEGIN_LOWER = 1 << 4
_LOWER = _BEGIN_LOWER | 1 << 5 | 1 << 6

_NON_WORD = r"[)\";}\]*:@'({\[!?]"
_MULTI = r"(?:-{2,}|\.{2,}|(?:\.\s){2,}\.)"
_TOKEN = re.compile(
    rf"{_MULTI}"
    rf"|(?=[^(\"`{{\[:;&#*@)}}\]\-,])\S+?(?=\s|$|{_NON_WORD}|{_MULTI}|,(?=$|\s|{_NON_WORD}|{_MULTI}))"
    r"|\S"
)
_CANDIDATE = re.compile(rf"[.?!](?=({_NON_WORD}|\s+(\S+)))")
_CLOSING = re.compile(r"[\"')\]}]+?(?:\s+|(?=--)|$)", re.MULTILINE)
_NUMBER = re.compile(r"^-?[.,]?\d[\d,.-]*\.?$")
_INITIAL = re.compile(r"[^\W\d]\.$")
_ELLIPSIS = re.compile(r"\.\.+$")
_SPACE = re.compile(r"\s")
_ASCII_SPACES = " \t\n\r\x0b\x0c"
_PUNCTUATION = frozenset(";:,.!?")
_Value = TypeVar("_Value")


class _Token(NamedTuple):
    """What the first pass, which looks at one word alone, says of it."""

    ends: bool
    """Ends a sentence, unless the next word speaks against it."""
    period: bool
    """Its last character is a period."""
    abbreviation: bool
    """Or an ellipsis."""
    initial: bool
    kind: str
    """The word as the parameters have it, without its last period."""
    kind_next: str
    """The same, where the word follows another: with the period of an abbreviation."""
    upper: bool
    starts: bool | None
    """By its spelling it starts a sentence (True), does not (False), or may (None)."""
    contexts: int


class _Before(NamedTuple):
    decided: bool
    """A sentence ends, whatever follows."""
    last: _Token


class _After(NamedTuple):
    ends_inside: bool
    """A sentence ends before the last word of it, which NLTK's test takes for one too."""
    first: _Token


class Punkt:
    """Finds the sentences of a text. Holds parameters, and memos that change no answer."""

    def __init__(self, parameters: PunktParameters, max_remembered: int = MAX_REMEMBERED) -> None:
        self._parameters = parameters
        self._max_remembered = max_remembered
        self._before: dict[str, _Before | None] = {}
        self._after: dict[str, _After] = {}
        self._known: dict[str, _Token] = {}

    def sentences(self, text: str) -> list[str]:
        """The sentences of ``text`` in order, white space within them as it was."""
        return [text[start:end] for start, end in self.spans(text)]

    def sentence_count(self, texts: Iterable[str]) -> npt.NDArray[np.int64]:
        """The number of sentences of each text, ``int64[texts]``: ``len(sent_tokenize(text))``.

        C4's rule in FineWeb 2024 (datatrove 0.2.0, ``C4QualityFilter``) counts so line by line
        and adds up.
        """
        return np.array([len(self.spans(text)) for text in texts], np.int64)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Start and end of each sentence. None is empty; none ends in white space."""
        breaks = self._breaks(text)
        ends = [end for end, _ in breaks] + [len(text.rstrip())]
        starts = [0] + [start for _, start in breaks]
        spans: list[tuple[int, int]] = []
        start = 0
        for index, end in enumerate(ends):
            following = starts[index + 1] if index < len(breaks) else end
            if index < len(breaks) and text[following] in "\"')]}":
                # what closes brackets and quotes goes to the sentence that it closes
                closing = _CLOSING.match(text, following, ends[index + 1])
                if closing:
                    spans.append((start, following + len(closing.group().rstrip())))
                    start = closing.end()
                    continue
            if start < end:
                spans.append((start, end))
            start = following
        return spans

    def _breaks(self, text: str) -> list[tuple[int, int]]:
        """(end of a sentence, start of the next) for every break, closing marks not moved."""
        found: list[tuple[int, int]] = []
        word_start = mark = 0  # of the candidate before
        held: re.Match[str] | None = None  # undecided until the next word is seen to be another
        for match in _CANDIDATE.finditer(text):
            at = match.start()
            space = text.rfind(" ", mark, at)
            if not text[space + 1 : at].isalnum():
                space = max([text.rfind(space, mark, at) for space in _ASCII_SPACES])
            start = space + 1 if space > mark else word_start
            if held is not None and mark <= start:
                self._decide(text[word_start : mark + 1], held, found)
            held, word_start, mark = match, start, at
        if held is not None:
            self._decide(text[word_start : mark + 1], held, found)
        return found

    def _decide(self, word: str, mark: re.Match[str], found: list[tuple[int, int]]) -> None:
        if word[-1] != "." or self._ends(word, mark):
            end = mark.end()
            found.append((end, end if mark.group(2) is None else mark.start(2)))

    def _ends(self, word: str, mark: re.Match[str]) -> bool:
        """Whether a sentence ends between ``word``, whose last character is a period, and what
        follows it, or (as NLTK has it) somewhere inside these, before the last of their tokens."""
        try:
            before = self._before[word]
        except KeyError:
            before = self._remember(self._before, word, self._look_before(word))
        if before is None:
            return self._ends_inside(self._tokens(word + mark.group(1)))
        if before.decided:
            return True
        following = mark.group(2) or mark.group(1)
        after = self._after.get(following)
        if after is None:
            after = self._remember(self._after, following, self._look_after(following))
        return after.ends_inside or self._pair(before.last, after.first)

    def _remember(self, memo: dict[str, _Value], key: str, value: _Value) -> _Value:
        if len(key) <= MAX_REMEMBERED_CHARS:
            if len(memo) >= self._max_remembered:
                memo.clear()
            memo[key] = value
        return value

    def _look_before(self, word: str) -> _Before | None:
        """None where the tokens may reach over into what follows: ``. . .`` is one."""
        if not word[:-1].isalpha() and _SPACE.search(word):
            return None
        tokens = self._tokens(word)
        return _Before(self._ends_inside(tokens), tokens[-1])

    def _look_after(self, following: str) -> _After:
        tokens = self._tokens(following)
        return _After(self._ends_inside(tokens), tokens[0])

    def _tokens(self, text: str) -> list[_Token]:
        words = (
            [text]
            if text[:-1].isalpha() and (text[-1] == "." or text[-1].isalpha())
            else [
                token for line in text.split("\n") if line.strip() for token in _TOKEN.findall(line)
            ]
        )
        known = self._known
        return [known.get(word) or self._remember(known, word, self._token(word)) for word in words]

    def _ends_inside(self, tokens: list[_Token]) -> bool:
        return any(self._pair(*tokens[index : index + 2]) for index in range(len(tokens) - 1))

    def _token(self, token: str) -> _Token:
        """The first pass of the algorithm (section 4.1), and what the second asks of a word."""
        parameters = self._parameters
        lower = token.lower()
        kind = _NUMBER.sub("##number##", lower)
        bare = kind[:-1] if len(kind) > 1 and kind[-1] == "." else kind
        period = token[-1] == "."
        ends = abbreviation = False
        if token in (".", "?", "!"):
            ends = True
        elif _ELLIPSIS.match(token):
            abbreviation = True
        elif period and not token.endswith(".."):
            known = token[:-1].lower()
            abbreviation = (
                known in parameters.abbreviations
                or known.rpartition("-")[2] in parameters.abbreviations
            )
            ends = not abbreviation
        kind_next = bare if ends else kind
        contexts = parameters.contexts.get(kind_next, 0)
        upper = token[0].isupper()
        initial = _INITIAL.match(token) is not None
        starts = _starts(token, upper, contexts)
        return _Token(ends, period, abbreviation, initial, bare, kind_next, upper, starts, contexts)

    def _pair(self, word: _Token, following: _Token) -> bool:
        """Whether a sentence ends between two words: the second pass (section 4.2 to 4.3)."""
        if not word.period:
            return word.ends
        parameters = self._parameters
        if (word.kind, following.kind_next) in parameters.collocations:
            return False
        if (
            word.abbreviation
            and not word.initial
            and (
                following.starts
                or (following.upper and following.kind_next in parameters.sentence_starters)
            )
        ):
            return True
        if word.initial or word.kind == "##number##":
            if following.starts is False:
                return False
            if (
                following.starts is None
                and word.initial
                and following.upper
                and not following.contexts & _LOWER
            ):
                return False
        return word.ends


def _starts(token: str, upper: bool, contexts: int) -> bool | None:
    """The orthographic heuristic (section 4.1.1)."""
    if token in _PUNCTUATION:
        return False
    if upper and contexts & _LOWER and not contexts & _MIDDLE_UPPER:
        return True
    if token[0].islower() and (contexts & _UPPER or not contexts & _BEGIN_LOWER):
        return False
    return None


@cache
def open_punkt(folder: Path) -> Punkt:
    """Punkt with the parameters in ``folder`` (``find_punkt()`` finds one), one a process."""
    return Punkt(read_punkt(folder))
