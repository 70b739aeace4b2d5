"""How many tokens some text will be: by the run's own tokens where it has any."""

from __future__ import annotations

from dataclasses import dataclass

from winnow.corpus import Corpus

ASSUMED_BYTES = 4.2
"""UTF-8 bytes a token where nothing is known: English web text and a vocabulary of 50,000 ids."""


@dataclass(frozen=True)
class TokenRate:
    """Tokens by bytes of text. An estimate for any part of a run: texts differ."""

    bytes_per_token: float
    measured: bool
    """Whether it is this run's own figure; else an assumption."""

    def tokens(self, text_bytes: int) -> int:
        return round(text_bytes / self.bytes_per_token)

    def describe(self) -> str:
        """Where the figure is from, as half a sentence."""
        source = "as this run's token shards have it" if self.measured else "assumed"
        return f"{self.bytes_per_token:.2f} bytes of text a token, {source}"


def token_rate(corpus: Corpus) -> TokenRate:
    """Of the run's token shards, or assumed where it has none."""
    store = corpus.tokens_store
    splits = store.manifest.get("tokens", {}).get("splits", {}) if store is not None else {}
    tokens = sum(split["tokens"] for split in splits.values())
    text_bytes = sum(split["text_bytes"] for split in splits.values())
    if tokens and text_bytes:
        return TokenRate(text_bytes / tokens, True)
    return TokenRate(ASSUMED_BYTES, False)
