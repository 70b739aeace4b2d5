"""What a fastText model listens to: the words and pairs of words that tell most, each way.

The weight of an n-gram is read from the model itself: the vector of its row in the input matrix,
times the difference of the two labels' rows in the output matrix. It is what one occurrence adds
to the log-odds of "good", times the length of the text in n-grams (fastText averages).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

SHOWN = 40  # of each side
LEAST_SHARE = 0.01  # of the documents of one side: rarer ones tell of few texts
LEAST_DOCUMENTS = 3
COUNTED_DOCUMENTS = 5000  # of each side, so that counts of pairs fit in memory

_WORD_SPACE = str.maketrans(dict.fromkeys("\n\r\t\v\f\0", " "))  # what fastText splits at
_END = "</s>"


def words_of(line: str) -> list[str]:
    """The tokens of a line as fastText reads them, the end of line among them."""
    return [*filter(None, line.translate(_WORD_SPACE).split(" ")), _END]


def ngrams_of(words: list[str], longest: int) -> Iterator[tuple[str, ...]]:
    """All n-grams of 1 to ``longest`` words, as often as they occur."""
    for length in range(1, longest + 1):
        yield from zip(*(words[start:] for start in range(length)), strict=False)


def telling_ngrams(
    model: Any, lines: Iterable[tuple[str, bool]], good: str, bad: str, longest: int, bucket: int
) -> dict[str, list[dict[str, Any]]]:
    """``positive`` and ``negative``: the n-grams of greatest weight each way, the strongest first.

    Of ``lines`` (text, whether good), those that ``model`` was trained on, the first 5,000 of each
    side are counted, and n-grams that occur in 1 % of the documents of one side are shown. Each has
    its ``ngram``, ``weight`` (see the module) and how many of those documents of each side hold it.
    The model must not be compressed.
    """
    counts: tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]] = (Counter(), Counter())
    documents = [0, 0]
    for line, is_good in lines:
        side = int(is_good)
        if documents[side] == COUNTED_DOCUMENTS:
            continue
        documents[side] += 1
        counts[side].update(set(ngrams_of(words_of(line), longest)))
    least = [max(LEAST_DOCUMENTS, LEAST_SHARE * number) for number in documents]
    common = {gram for side in (0, 1) for gram, n in counts[side].items() if n >= least[side]}
    words = len(model.get_words())
    rows = {gram: _row(model, gram, words, bucket) for gram in common}
    known = sorted(gram for gram in common if rows[gram] is not None)
    if not known:
        return {"positive": [], "negative": []}
    labels = model.get_labels()
    output = model.get_output_matrix()
    direction = output[labels.index(good)] - output[labels.index(bad)]
    vectors = np.stack([model.get_input_vector(rows[gram]) for gram in known])
    weights = vectors @ direction
    order = np.argsort(-weights, kind="stable")

    def table(places: Any, sign: int) -> list[dict[str, Any]]:
        return [
            {
                "ngram": " ".join(known[place]),
                "weight": round(float(weights[place]), 4),
                "positive_documents": counts[1][known[place]],
                "negative_documents": counts[0][known[place]],
            }
            for place in places
            if weights[place] * sign > 0
        ]

    return {
        "positive": table(order[:SHOWN], 1),
        "negative": table(order[::-1][:SHOWN], -1),
    }


def _row(model: Any, gram: tuple[str, ...], words: int, bucket: int) -> int | None:
    """The row of the input matrix that the n-gram has; None for a word that the model lacks.

    Longer ones share ``bucket`` rows behind those of the ``words``, by a hash of their words'
    hashes (``Dictionary::hash`` and ``addWordNgrams`` of fastText 0.9.2: FNV-1a over signed bytes,
    32 bits; sign-extended to 64).
    """
    if len(gram) == 1:
        row = int(model.get_word_id(gram[0]))
        return row if row >= 0 else None
    mixed = _word_hash(gram[0])
    for word in gram[1:]:
        mixed = (mixed * 116049371 + _word_hash(word)) % 2**64
    return words + mixed % bucket


def _word_hash(word: str) -> int:
    found = 2166136261
    for byte in word.encode():
        signed = byte if byte < 128 else byte | 0xFFFFFF00
        found = ((found ^ signed) * 16777619) % 2**32
    return found if found < 2**31 else found + 2**64 - 2**32
