"""Near-duplicates by MinHash and banding, of which one stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.index.option import IndexOption, unverified_notes
from winnow.dedup.rehydration import Rehydration
from winnow.dedup.signing.banding import collision_curve, solve_bands, threshold
from winnow.dedup.signing.shape import Family, Shape, ShingleHash, Shingles
from winnow.dedup.steps import (
    MEMORY_BYTES,
    DedupOptions,
    check_cluster_settings,
    dedup_drafts,
    plan_parts,
)
from winnow.dedup.survivors import DATATROVE, Keep, Policy, check_policy
from winnow.dedup.verifying.option import Verification
from winnow.pipeline.sizes import ByteSize
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Draft, Inputs, PlainWork, PlanContext, TaskFunction
from winnow.schema import require_columns
from winnow.text.words import WordRules

DEFAULT_BANDS, DEFAULT_ROWS = 14, 8
DEFAULT_PERMUTATIONS = 128
MAX_PERMUTATIONS = 1024  # what bands are solved for within two seconds


@dataclass(frozen=True, kw_only=True)
class MinHash:
    """Near-duplicates over the whole input; the verdict is ``near_duplicate``.

    The defaults are FineWeb's (Penedo et al. 2024, section 3.4) with the hash of FineWeb-2:
    documents of Jaccard similarity 0.75 over 5-word runs are found with probability 0.77, of 0.85
    with 0.99. Signatures equal datatrove 0.10's. Differs from it: who survives is a policy, not an
    accident of the union's order (which ``keep = "datatrove-0.10"`` reproduces); and everything but
    signing is cut into parts of bounded memory.
    """

    use: ClassVar[str] = "minhash"
    version: ClassVar[int] = 2

    signatures: Family = "datatrove"
    """Whose arithmetic: signatures equal datatrove's, those of datasketch's ``MinHash(num_perm,
    seed)`` since 2.0, or (``datasketch-1``) those of before. datasketch goes with ``shingle_hash =
    "sha1"`` and ``hash_bits = 32``."""
    shingle_hash: ShingleHash = "xxh64"
    """``sha1`` is FineWeb's of 2024."""
    hash_bits: int = 64
    """Of a hash and a value: 64 or 32 (datasketch: 32)."""
    shingles: Shingles = "words"
    """Runs of words, or of characters (which needs no words of any language) of the normalised
    text: lower case, without punctuation and accents, each number 0, each white space one space."""
    ngram_words: int = 5
    """Words of a shingle; a document with fewer has no signature and no duplicate."""
    ngram_chars: int = 24
    """Characters of a shingle, where those are shingled; NeMo Curator's number (it shingles the
    raw text); a document with fewer has no signature."""
    segmented: tuple[str, ...] = ()
    """Languages whose words are found by a segmenter: any of bo, dz, ja, km, lo, my, th, wuu, yue,
    zh. All others but English are split by script."""
    similarity: float | None = None
    """Solve bands and rows: as few documents as can be above this Jaccard similarity are missed,
    and below it found; 0 to 1."""
    permutations: int = DEFAULT_PERMUTATIONS
    """Values of a signature to be cut into bands, where ``similarity`` is given; 1 to 1024."""
    bands: int = 0
    """0: 14, or what ``similarity`` asks for."""
    rows_per_band: int = 0
    """0: 8, or what ``similarity`` asks for."""
    seed: int = 1
    keep: Keep = "longest"
    """Which duplicate stays; see :data:`winnow.dedup.survivors.Keep`."""
    keep_by: str | None = None
    """The column (or expression over columns) that ``keep = "highest"`` and ``"lowest"`` compare,
    e.g. ``quality_score``."""
    prefer: tuple[str, ...] = ()
    """Before ``keep`` decides: ``domain:example.org``, ``source:books``, best first."""
    verify: Literal["auto", "jaccard", "no"] = "auto"
    """``jaccard``: compute the true similarity of every document of a cluster to its survivor, and
    keep what is less similar than ``verify_similarity``. ``auto``: do so, unless datatrove's choice
    of survivor is asked for. It takes 7 % of the time, and without it every fifth document that
    goes is less similar than that to the one that stays (measured on a crawl)."""
    verify_similarity: float | None = None
    """0 to 1; absent: ``similarity``, or the similarity found with probability one half."""
    rehydrate: Literal["no", "fineweb-2"] | tuple[tuple[int, ...], ...] = "no"
    """How often training sees the survivor of a cluster: ``fineweb-2``, or pairs ``[n, times]`` of
    the smallest cluster size and the times."""
    index: tuple[str, ...] = ()
    """Runs or index folders: what they hold a near-duplicate of is rejected."""
    index_only: bool = False
    """Look for duplicates in the index alone, not within this input."""
    memory_bytes: ByteSize = MEMORY_BYTES
    """What a bucket or cluster task may hold; smaller means more tasks, never another result."""
    cluster_partitions: int = 0
    """Into how many ranges of documents clustering is cut, which go one after another: 0 decides by
    the size of the input, 1 is one task. Never another result."""

    path_fields: ClassVar[tuple[str, ...]] = ("index",)

    def __post_init__(self) -> None:
        check_policy(self.keep, self.keep_by, self.prefer)
        for name in ("ngram_words", "ngram_chars", "permutations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 at least, got {getattr(self, name)}")
        if self.permutations > MAX_PERMUTATIONS:
            raise ValueError(
                f"permutations must be {MAX_PERMUTATIONS} at most, got {self.permutations}"
            )
        for name in ("bands", "rows_per_band"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 (automatic) or more, got {getattr(self, name)}")
        if not 0 <= self.seed < 1 << 32:
            raise ValueError(f"seed must be 0 to 2^32 - 1, got {self.seed}")
        if (
            self.bands * self.rows_per_band > MAX_PERMUTATIONS
            or max(self.bands, self.rows_per_band) > MAX_PERMUTATIONS
        ):
            raise ValueError(f"bands times rows_per_band must be {MAX_PERMUTATIONS} at most")
        if self.similarity is None and self.permutations != DEFAULT_PERMUTATIONS:
            raise ValueError("permutations goes with similarity; without it set bands and rows")
        if self.hash_bits not in (32, 64):
            raise ValueError(f"hash_bits must be 32 or 64, got {self.hash_bits}")
        for name in ("similarity", "verify_similarity"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= 1:
                raise ValueError(f"{name} must be above 0 and 1 at most, got {value}")
        if self.similarity is not None and (self.bands or self.rows_per_band):
            raise ValueError("similarity solves bands and rows_per_band; give it or them")
        if self.verify == "jaccard" and self.keep == DATATROVE:
            raise ValueError(f"keep = {DATATROVE!r} is a choice among all; it goes without verify")
        if self.verify_similarity is not None and not self.verified:
            raise ValueError('verify_similarity goes with verify = "jaccard"')
        if self.index_only and not self.index:
            raise ValueError("index_only goes with index")
        check_cluster_settings(self.memory_bytes, self.cluster_partitions)
        self.shape.check()
        _ = self._rehydration

    @property
    def requires(self) -> tuple[str, ...]:
        return ("numba", *self.shape.words.requires())

    @property
    def verified(self) -> bool:
        """Whether true similarities are computed."""
        return self.verify == "jaccard" or (self.verify == "auto" and self.keep != DATATROVE)

    @property
    def shape(self) -> Shape:
        """What a signature is; two runs of equal shapes can be compared."""
        bands, rows = self.bands or DEFAULT_BANDS, self.rows_per_band or DEFAULT_ROWS
        if self.similarity is not None:
            bands, rows = solve_bands(self.similarity, self.permutations)
        return Shape(
            shingles=self.shingles,
            ngram=self.ngram_words if self.shingles == "words" else self.ngram_chars,
            bands=bands,
            rows_per_band=rows,
            seed=self.seed,
            family=self.signatures,
            shingle_hash=self.shingle_hash,
            bits=self.hash_bits,
            words=WordRules("spacy", self.segmented),
        )

    def plan_notes(self) -> list[str]:
        """What ``winnow plan`` prints: the bands, and how likely pairs are found."""
        bands, rows = self.shape.bands, self.shape.rows_per_band
        (first, prob), *others = collision_curve(bands, rows)
        curve = ", ".join(f"{similarity:.2f} {prob:.2f}" for similarity, prob in others)
        notes = [
            f"{bands} bands x {rows} rows: Jaccard {first:.2f} found with probability {prob:.2f}, "
            f"{curve}",
            f"every second pair is found at Jaccard {threshold(bands, rows):.3f}",
        ]
        if self.similarity is not None:
            notes[1] += f"; solved from similarity {self.similarity} and {self.permutations} values"
        if self.verified:
            notes += unverified_notes(self.index)
        return notes

    @property
    def _rehydration(self) -> Rehydration | None:
        return None if self.rehydrate == "no" else Rehydration.parse(self.rehydrate)

    def expand(self, context: PlanContext) -> list[Draft]:
        require_columns(context.columns, ("text",), context.name)
        policy = Policy.parse(self.keep, self.keep_by, self.prefer, context.columns, context.name)
        language = "language" if "language" in context.columns.names else None
        shape = self.shape
        shape.words.check()
        layout = KeyLayout(shape.bands, plan_parts(context, self.memory_bytes), wide=False)
        work = MinHashSignWork(shape, policy, language, layout)
        verification = None
        if self.verified or self.keep == DATATROVE:
            verification = Verification.of(
                shape, language, policy, self.verify_similarity or self.similarity,
                "jaccard" if self.verified else "no",
            )  # fmt: skip
        index = None
        if self.index:
            index = IndexOption.of(
                self.index, shape, self.index_only, context.name, language_column=language,
                verification=verification, output=context.output,
            )  # fmt: skip
        options = DedupOptions(
            "near_duplicate", self.memory_bytes, self.cluster_partitions, verification, index,
            self._rehydration,
        )  # fmt: skip
        return dedup_drafts(context, work, layout, options)


@dataclass(frozen=True)
class MinHashSignWork(PlainWork):
    """Band keys of the kept documents of a shard."""

    shape: Shape
    policy: Policy
    language_column: str | None
    layout: KeyLayout
    version: ClassVar[int] = 2

    def open(self, inputs: Inputs) -> TaskFunction:
        from winnow.dedup.signing.signatures import Signers

        assert inputs.view is not None
        view = inputs.view.open()
        signers = Signers(self.shape)
        wanted = ["doc_id", "text", *self.policy.columns, self.language_column]
        columns = [name for name in dict.fromkeys(wanted) if name is not None]

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            keys = [np.zeros((0, self.layout.bands), np.uint64)]
            others = [np.zeros((0, 2), np.uint64)]
            for name in ("documents", "signed", "too_short"):
                tally.count(name, 0)
            for batch in view.kept(index, columns):
                languages = self.language_column and batch.column(self.language_column)
                found, signed = signers.band_keys(batch.column("text"), languages)
                ids = batch.column("doc_id").to_numpy(zero_copy_only=False)
                preferred = self.policy.preferences(batch)
                keys.append(found[signed])
                others.append(np.column_stack([ids, preferred])[signed])
                signed_count = int(signed.sum())
                tally.count("documents", len(ids))
                tally.count("signed", signed_count)
                tally.count("too_short", len(ids) - signed_count)
            rows = np.concatenate(others)
            yield from self.layout.batches(np.concatenate(keys), None, rows[:, 0], rows[:, 1])

        return task
