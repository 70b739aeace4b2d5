"""Words of languages written without spaces, each by a package or a rule of orthography.

===========  ==========================================================================
zh, yue,     jieba 0.42 (MIT), precise mode with its hidden Markov model, on the blocks
wuu          that jieba cuts text into; its dictionary is of simplified and traditional
             Mandarin
ja           MeCab by fugashi (MIT, BSD) with unidic-lite (BSD): short unit words
th           PyThaiNLP's ``newmm`` (Apache-2.0): dictionary, maximal matching
lo           maximal matching over the word list of LaoNLP (Apache-2.0): the fewest
             words, as ``laonlp.word_tokenize`` finds them, without its exponential search
km           khmercut (Apache-2.0): the CRF of khmer-nltk, without its pickles
my           syllables: a break before every consonant or vowel letter that is neither
             stacked (after U+1039) nor killed (before U+103A); Unicode Technical Note
             11, and Ye Kyaw Thu's ``sylbreak``
bo, dz       syllables, each with the tsheg that ends it; Unicode 15, section 13.4
===========  ==========================================================================

Only runs of the language's own script are given to these; between them words are split by script
(:mod:`winnow.text.scripts`). A run of more than ``MAX_RUN_CHARS`` is cut, before a character that
is no mark, so that time is linear in any text. If what a package returns does not join to what it
was given, the run is split by script too. No package is imported before its language is asked for,
and none writes anywhere: jieba's cache in the temporary folder and PyThaiNLP's folder in the home
directory are not made.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from winnow.optional import require
from winnow.text.scripts import script_tokens
from winnow.text.words import MAX_CHUNKS, Words

MAX_RUN_CHARS = 500
_MOST_MARKS = 20  # a cut is moved back over so many marks

if not os.environ.keys() & {"PYTHAINLP_READ_ONLY", "PYTHAINLP_READ_MODE"}:
    os.environ["PYTHAINLP_READ_ONLY"] = "1"  # else importing it makes ~/pythainlp-data

Segment = Callable[[str], list[str]]


@dataclass(frozen=True)
class Segmenter:
    """How a language is segmented."""

    script: str
    """Inside of a character class: what is given to the segmenter."""
    open: Callable[[], Segment]
    """Makes the function from a run to its words."""
    modules: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()
    """Of the packages whose version is part of the answer."""
    mixed: bool = False
    """``script`` holds ASCII; a run of it alone is no concern of the segmenter."""


def _why(language: str) -> str:
    return f"segmenting '{language}'"


def _chinese() -> Segment:
    jieba = require("jieba", _why("zh"))
    tokenizer = jieba.Tokenizer()
    # what its initialize() does, without the cache file that it reads, and would write
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    segment: Segment = tokenizer.lcut
    return segment


def _japanese() -> Segment:
    fugashi = require("fugashi", _why("ja"))
    folder = require("unidic_lite", _why("ja")).DICDIR
    tagger = fugashi.GenericTagger(f'-r "{folder}/mecabrc" -d "{folder}" -Owakati')
    return lambda run: tagger.parse(run).split()


def _thai() -> Segment:
    newmm = require("pythainlp.tokenize.newmm", _why("th"))
    return lambda run: newmm.segment(run, safe_mode=True)


def _khmer() -> Segment:
    segment: Segment = require("khmercut", _why("km")).tokenize
    return segment


def _lao() -> Segment:
    words = frozenset(require("laonlp.corpus", _why("lo")).lao_words())
    lengths = sorted({len(word) for word in words if word})

    def ends(run: str, start: int) -> list[int]:
        """Ends of the words that begin at ``start``, the shortest first."""
        found = [start + length for length in lengths if start + length <= len(run)]
        return [end for end in found if run[start:end] in words]

    return lambda run: fewest_words(run, ends)


def fewest_words(run: str, ends: Callable[[str, int], list[int]]) -> list[str]:
    """``run`` as the fewest words that ``ends`` finds; of several ways the one whose first words
    are the shortest. Where no word begins, all up to where one does is a word."""
    found: list[str] = []
    start, size = 0, len(run)
    while start < size:
        # a region ends at the first place that all ways through it have in common
        following: dict[int, list[int]] = {}
        open_ends = {start}
        goal = -1
        while goal < 0:
            at = min(open_ends)
            open_ends.discard(at)
            following[at] = ends(run, at)
            open_ends.update(following[at])
            if not open_ends:  # no word begins at `at`, where the region begins
                goal = next((p for p in range(at + 1, size) if ends(run, p)), size)
                following[at] = [goal]
            elif len(open_ends) == 1:
                goal = open_ends.pop()
        counts = {goal: 0}
        best: dict[int, int] = {}
        for at in sorted(following, reverse=True):
            ways = [(counts[end], end) for end in following[at] if end in counts]
            if ways:
                fewest, best[at] = min(ways)
                counts[at] = fewest + 1
        while start < goal:
            found.append(run[start : best[start]])
            start = best[start]
    return found


_MYANMAR_LETTER = "\u1000-\u102a\u103f\u104c-\u104f\u1050-\u1055\u105a-\u105d\u1061\u1065\u1066"
_MYANMAR_LETTER += "\u106e-\u1070\u1075-\u1081\u108e\ua9e0-\ua9e4\ua9e6-\ua9ef\ua9fa-\ua9fe"
_MYANMAR_LETTER += "\uaa60-\uaa6f\uaa71-\uaa7a\uaa7e\uaa7f"
_MYANMAR_DIGIT = "\u1040-\u1049\u1090-\u1099\ua9f0-\ua9f9"
_MYANMAR_BREAK = re.compile(
    rf"(?<!\u1039)(?=[{_MYANMAR_LETTER}])(?![{_MYANMAR_LETTER}]\u1037?[\u103a\u1039])"
    rf"|(?<![{_MYANMAR_DIGIT}])(?=[{_MYANMAR_DIGIT}])"
    r"|(?=[\u104a\u104b])|(?<=[\u104a\u104b])"
)
_TIBETAN = "\u0f00\u0f18\u0f19\u0f20-\u0f33\u0f35\u0f37\u0f39\u0f3e-\u0f84\u0f86-\u0fbc\u0fc6"
_TIBETAN_SYLLABLE = re.compile(rf"[{_TIBETAN}]+[\u0f0b\u0f0c]?|.", re.DOTALL)


def _burmese() -> Segment:
    return _MYANMAR_BREAK.split


def _tibetan() -> Segment:
    return _TIBETAN_SYLLABLE.findall


_ZH = Segmenter(r"\u4e00-\u9fd5a-zA-Z0-9+#&._%\-", _chinese, ("jieba",), ("jieba",), mixed=True)
_BO = Segmenter(r"\u0f00-\u0fff", _tibetan)
SEGMENTERS: dict[str, Segmenter] = {
    "bo": _BO,
    "dz": _BO,
    "ja": Segmenter(
        r"\u3005-\u3007\u3041-\u3096\u3099-\u309f\u30a1-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
        r"\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f",
        _japanese,
        ("fugashi", "unidic_lite"),
        ("fugashi", "unidic-lite"),
    ),
    "km": Segmenter(
        r"\u1780-\u17d3\u17d7\u17dc\u17dd\u17e0-\u17e9",
        _khmer,
        ("khmercut",),
        ("khmercut", "python-crfsuite"),
    ),
    "lo": Segmenter(r"\u0e80-\u0eff", _lao, ("laonlp",), ("laonlp",)),
    "my": Segmenter(r"\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f", _burmese),
    "th": Segmenter(r"\u0e01-\u0e3a\u0e40-\u0e5b", _thai, ("pythainlp",), ("pythainlp",)),
    "wuu": _ZH,
    "yue": _ZH,
    "zh": _ZH,
}


class SegmentedWords(Words):
    """Splits texts of a language by its segmenter; see the top of this module."""

    def __init__(self, segmenter: Segmenter, max_chunks: int = MAX_CHUNKS) -> None:
        super().__init__(max_chunks)
        self._runs = re.compile(f"[{segmenter.script}]+")
        self._mixed = segmenter.mixed
        self._segment = segmenter.open()

    def tokenize(self, chunk: str) -> tuple[str, ...]:
        if chunk.isascii():
            return script_tokens(chunk)
        words: list[str] = []
        end = 0
        for match in self._runs.finditer(chunk):
            run = match.group()
            if self._mixed and run.isascii():
                continue
            if end < match.start():
                words += script_tokens(chunk[end : match.start()])
            words += self._split_run(run)
            end = match.end()
        if end < len(chunk):
            words += script_tokens(chunk[end:])
        return tuple(words)

    def _split_run(self, run: str) -> list[str]:
        words: list[str] = []
        start = 0
        while start < len(run):
            end = _cut(run, start)
            piece = run[start:end]
            found: list[Any] = [word for word in self._segment(piece) if word]
            words += found if "".join(found) == piece else script_tokens(piece)
            start = end
        return words


def _cut(run: str, start: int) -> int:
    end = start + MAX_RUN_CHARS
    if end >= len(run):
        return len(run)
    for place in range(end, end - _MOST_MARKS, -1):
        if unicodedata.category(run[place])[0] != "M":
            return place
    return end
