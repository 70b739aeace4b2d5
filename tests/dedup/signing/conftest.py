"""Plain Python that the compiled code is held to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from winnow.dedup.signing.chunk_table import ChunkWords
from winnow.dedup.signing.normalise import chunk_pieces
from winnow.text.words import splitter


def _chunk_words(language: str) -> ChunkWords:
    tokenize = splitter(language).tokenize

    def words(chunks: list[str]) -> list[list[str]]:
        return [
            [word for piece in pieces for word in tokenize(piece)]
            for pieces in chunk_pieces(chunks)
        ]

    return words


@pytest.fixture(scope="session")
def chunk_words() -> Callable[[str], ChunkWords]:
    """Words of white-space chunks: what normalisation leaves of each, split as the language is."""
    return _chunk_words
