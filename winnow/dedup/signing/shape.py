"""What a signature is: the numbers that must be equal for two of them to be compared."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

from winnow.text.words import DEFAULT_RULES, WordRules

Family = Literal["datatrove", "datasketch", "datasketch-1"]
ShingleHash = Literal["xxh64", "sha1"]
Shingles = Literal["words", "chars"]


@dataclass(frozen=True)
class Shape:
    """Everything that a document's MinHash signature depends on besides its text and language."""

    shingles: Shingles = "words"
    ngram: int = 5
    """Words, or characters, of a shingle."""
    bands: int = 14
    rows_per_band: int = 8
    seed: int = 1
    family: Family = "datatrove"
    """Whose permutations, and whose arithmetic: datasketch is that of 2.0 and later, datasketch-1
    that of before (2.0's scheme "legacy")."""
    shingle_hash: ShingleHash = "xxh64"
    bits: int = 64
    """Of a hash and a value: 64 or 32."""
    words: WordRules = DEFAULT_RULES

    @property
    def values(self) -> int:
        """Of a signature."""
        return self.bands * self.rows_per_band

    def check(self) -> None:
        """Raise :class:`ValueError` for combinations that mean nothing."""
        if self.family != "datatrove" and (self.bits != 32 or self.shingle_hash != "sha1"):
            raise ValueError(
                f'signatures = "{self.family}" goes with shingle_hash = "sha1" and hash_bits = 32'
            )
        if self.words.english == "nltk":
            raise ValueError(
                "NLTK's words depend on the sentence around them; signatures go with words whose "
                "split ends at white space"
            )

    def fingerprint_extra(self) -> dict[str, Any]:
        # what is a letter, a digit, a mark is what Python's Unicode says
        return {"unicode": unicodedata.unidata_version}
