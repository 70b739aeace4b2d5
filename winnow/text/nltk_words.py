"""English words as NLTK splits them: ``nltk.word_tokenize``.

Punkt finds the sentences (:mod:`winnow.text.punkt`), the Treebank expressions their words
(:mod:`winnow.text.treebank`). The words of a white-space chunk depend on the chunk and on what it
stands between in its sentence. Where that matters it is written behind the chunk, as a mark; then
a memo of chunks serves here as it does for words that depend on the chunk alone.
"""

from __future__ import annotations

from pathlib import Path

from winnow.text.punkt import open_punkt
from winnow.text.treebank import mark, split_marked
from winnow.text.words import MAX_CHUNKS, Words


class NltkWords(Words):
    """``split(text)`` equals ``nltk.word_tokenize(text)`` of NLTK 3.8.1 on any text."""

    def __init__(self, folder: Path, max_chunks: int = MAX_CHUNKS) -> None:
        """``folder``: Punkt's parameters, see :func:`winnow.text.punkt_data.find_punkt`."""
        super().__init__(max_chunks)
        self.punkt = open_punkt(folder)

    def tokenize(self, chunk: str) -> tuple[str, ...]:
        """The words of a chunk of a text that :meth:`marked` has marked."""
        return split_marked(chunk)

    def marked(self, text: str) -> str:
        """The sentences of ``text``, their chunks marked, with white space between them."""
        return "\n".join([mark(text[start:end]) for start, end in self.punkt.spans(text)])

    def split(self, text: str) -> list[str]:
        return super().split(self.marked(text))
