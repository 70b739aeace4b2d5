"""Documents of a run that are similar to a text: an answer from the keys that MinHash has stored.

The text is signed as the run's documents were, its band keys are looked up in the sorted files, and
what meets it in a band is compared by true Jaccard similarity of the shingles. So nothing false is
told; what is missed is what the bands miss (`winnow plan` shows the curve).
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from winnow.duplicates.blocks import block_store, find_block
from winnow.report import table_html
from winnow.store.manifest import Store

if TYPE_CHECKING:
    from winnow.corpus import Corpus
    from winnow.dedup.clustering.keys import KeyLayout

MOST_COMPARED = 1000
"""Candidates whose texts are read: those that meet the text in the most bands."""


@dataclass(frozen=True)
class SimilarDocument:
    """A document that meets the text in a band."""

    similarity: float
    """Jaccard similarity of the shingles of both, 0 to 1."""
    shared_bands: int
    doc_id: int
    url: str
    verdict: str
    """``kept``, or why the run rejected it."""


@dataclass(frozen=True)
class SimilarDocuments:
    """The answer, most similar first; prints as text and shows as a table in a notebook."""

    documents: list[SimilarDocument]
    candidate_count: int
    """Documents that meet the text in a band, similar enough or not."""
    compared_count: int
    bands: int
    too_short: bool = False
    """Whether the text has too few words (or characters) for a signature."""

    def __iter__(self) -> Any:
        return iter(self.documents)

    def __len__(self) -> int:
        return len(self.documents)

    def __str__(self) -> str:
        if self.too_short:
            return "too short: the text has no shingle, so nothing can be similar to it"
        met = f"{self.candidate_count:,} document{'s' * (self.candidate_count != 1)} met in a band"
        if self.compared_count < self.candidate_count:
            met += f", {self.compared_count:,} of them compared"
        if not self.documents:
            return f"nothing similar; {met}"
        lines = [f"{'Jaccard':>8}  {'bands':>5}  {'verdict':<20} document"]
        lines += [
            f"{each.similarity:>8.3f}  {each.shared_bands:>2}/{self.bands:<2}  "
            f"{each.verdict:<20} {each.url}"
            for each in self.documents
        ]
        return "\n".join([*lines, met])

    def _repr_html_(self) -> str:
        rows = [
            (f"{each.similarity:.3f}", f"{each.shared_bands}/{self.bands}", each.verdict, each.url)
            for each in self.documents
        ]
        table = table_html(rows, ("Jaccard", "bands", "verdict", "document"))
        return f"{table}<p>{html.escape(str(self).splitlines()[-1])}</p>"


def find_similar(
    corpus: Corpus,
    *,
    url: str | None = None,
    text: str | None = None,
    language: str | None = None,
    block: str | None = None,
    most: int = 10,
    min_similarity: float = 0.0,
) -> SimilarDocuments:
    """Documents of ``corpus`` similar to its document at ``url`` (which is left out), or to
    ``text`` in ``language`` (ISO 639-1; None: as English).

    ``block``: which MinHash of the run; default the last. Raises :class:`StoreError` for a run
    without one, :class:`ValueError` unless exactly one of ``url`` and ``text`` is given.
    """
    from winnow.dedup.clustering.keys import KeyLayout
    from winnow.dedup.index.shapes import rebuilt_shape
    from winnow.dedup.signing.signatures import Signers

    if (url is None) == (text is None):
        raise ValueError("give either url or text")
    found = find_block(corpus, block, ("minhash",))
    signed = block_store(corpus, f"{found.name}-sign")
    store = block_store(corpus, f"{found.name}-merge", f"{found.name}-sign")
    config = signed.manifest["config"]
    shape = rebuilt_shape(config["shape"], corpus.path)
    layout = KeyLayout(shape.bands, config["layout"]["parts"], wide=False)
    by_language = config["language_column"]
    read = ["text", by_language] if by_language else ["text"]
    view = corpus.view_before(f"{found.name}-sign")  # later steps may have rewritten texts
    itself = None
    if url is not None:
        itself = corpus.document(url).doc_id
        row = view.rows([itself], read)
        texts, languages = row.column("text"), row.column(by_language) if by_language else None
    else:
        texts = pa.array([text], pa.large_string())
        languages = pa.array([language], pa.string()) if by_language else None
    signers = Signers(shape)
    keys, has_keys = signers.band_keys(texts, languages)
    met: dict[int, int] = {}
    if has_keys[0]:
        met = _lookup(store, layout, keys[0])
        if itself is not None:
            met.pop(itself, None)
    ranked = sorted(met, key=lambda doc_id: (-met[doc_id], doc_id))[:MOST_COMPARED]
    candidates = view.rows(ranked, read)
    theirs = candidates.column(by_language) if by_language else None
    rows = corpus.view.rows(ranked, ["url"])
    similarities = _jaccard(signers, texts, languages, candidates.column("text"), theirs)
    documents = [
        SimilarDocument(float(similarity), met[doc_id], doc_id, address, verdict)
        for similarity, doc_id, address, verdict in zip(
            similarities,
            ranked,
            rows.column("url").to_pylist(),
            rows.column("verdict").to_pylist(),
            strict=True,
        )
        if similarity >= min_similarity
    ]
    documents.sort(key=lambda each: (-each.similarity, each.doc_id))
    return SimilarDocuments(documents[:most], len(met), len(ranked), shape.bands, not has_keys[0])


def _lookup(store: Store, layout: KeyLayout, keys: np.ndarray) -> dict[int, int]:
    """doc_id → bands in which it has the same key; keys uint64[bands]."""
    met: dict[int, int] = {}
    for band, key in enumerate(keys):
        part = (int(key) * layout.parts) >> 64
        for shard in range(len(store.shards)):
            rows = layout.read(store, shard, band, part)
            start = np.searchsorted(rows["key"], key, "left")
            end = np.searchsorted(rows["key"], key, "right")
            for doc_id in rows["doc_id"][start:end].tolist():
                met[doc_id] = met.get(doc_id, 0) + 1
    return met


def _jaccard(
    signers: Any,
    text: pa.Array,
    language: pa.Array | None,
    texts: pa.Array,
    languages: pa.Array | None,
) -> list[float]:
    _, own = signers.shingle_sets(text, language)
    offsets, hashes = signers.shingle_sets(texts, languages)
    sets = [hashes[a:b] for a, b in pairwise(offsets.tolist())]
    both = [len(np.intersect1d(own, each, assume_unique=True)) for each in sets]
    return [
        count / max(1, len(own) + len(each) - count) for count, each in zip(both, sets, strict=True)
    ]
