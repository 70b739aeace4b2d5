"""The folder that ``winnow index build`` writes, and its manifest.

::

    INDEX/manifest.json                  what counts, and the sha256 of every file
          segments/SEGMENT/keys          band keys of the documents          (key_files.py)
          segments/SEGMENT/records         which record each document was        (records.py)
          segments/SEGMENT/shingles      where asked for: their shingles     (shingle_files.py)
          forgotten/SEGMENT-HASH         numbers of documents that were forgotten

A segment is never changed: adding writes another one, forgetting writes tombstones, and one
replacement of the manifest makes either count. What no manifest names is left of something that
was broken off, and goes with the next change.

A document's number in the index follows from the set of runs alone: runs in the order of (name,
fingerprint), each with its documents in its own order. How they lie in segments, and what is
forgotten, changes no number; so compacting changes neither the fingerprint nor any verdict.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from winnow.errors import CorruptShard, StoreError
from winnow.pipeline.fingerprint import digest
from winnow.store.files import Folder
from winnow.store.manifest import MANIFEST, Store, write_manifest

KIND = "index"
FORMAT = 1


@dataclass(frozen=True)
class Forgotten:
    """A set of documents of a run as a number that does not depend on the order of forgetting:
    the sum of a hash of each, modulo 2^256 (Bellare and Micciancio 1997, AdHash)."""

    documents: int = 0
    hash: str = "0" * 64

    def with_documents(self, verdicts: str, numbers: Iterable[int]) -> Forgotten:
        """And ``numbers`` of the run of these verdicts, none of which is in it yet."""
        total, count = int(self.hash, 16), self.documents
        for number in numbers:
            total += int(hashlib.sha256(f"{verdicts}:{number}".encode()).hexdigest(), 16)
            count += 1
        return Forgotten(count, f"{total % (1 << 256):064x}")


@dataclass(frozen=True)
class IndexedRun:
    """One run in a segment."""

    name: str
    block: str
    keys: str
    """Fingerprint of the step that signed."""
    verdicts: str
    """Fingerprint of the verdicts of the block and of those behind it."""
    numbers: int
    """How many numbers its documents take, those that were rejected too."""
    dropped: Forgotten = Forgotten()
    """Documents that compacting has taken away."""
    forgotten: Forgotten = Forgotten()
    """Those and the ones that have tombstones."""

    @property
    def identity(self) -> tuple[str, str]:
        """Runs are put in this order."""
        return self.name, self.verdicts


@dataclass(frozen=True)
class Segment:
    """Some runs, in the order of their identities."""

    name: str
    runs: tuple[IndexedRun, ...]
    tombstones: str = ""
    """Folder in ``forgotten`` with the numbers that count no more; "": none."""

    @property
    def starts(self) -> list[int]:
        """The first number of each run in this segment, and behind them the number after all."""
        return _starts(self.runs)


def _starts(runs: Iterable[IndexedRun]) -> list[int]:
    starts = [0]
    for run in runs:
        starts.append(starts[-1] + run.numbers)
    return starts


def segment_name(
    shape: dict[str, Any], runs: tuple[IndexedRun, ...], shingles: bool = False
) -> str:
    """What the runs and what was dropped of them give: equal names, equal bytes."""
    told = [[run.name, run.keys, run.verdicts, run.numbers, asdict(run.dropped)] for run in runs]
    return digest(_described(shape, told, shingles))[:24]


def _described(shape: dict[str, Any], runs: list[Any], shingles: bool) -> dict[str, Any]:
    stored = {"shingles": True} if shingles else {}
    return {"format": FORMAT, "shape": shape, "runs": runs, **stored}


@dataclass(frozen=True)
class Index:
    """An index folder as its manifest describes it."""

    folder: Folder
    shape: dict[str, Any]
    """Canonical form of the :class:`Shape` of its signatures, and what else signing depends on."""
    segments: tuple[Segment, ...] = ()
    shingles: bool = False
    """Whether its segments hold shingles; all of them do or none."""
    manifest: dict[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def open(cls, path: str | Folder) -> Index:
        """:class:`StoreError` where there is none."""
        folder = path if isinstance(path, Folder) else Folder(path)
        if not folder.exists(MANIFEST):
            raise StoreError(
                f"{folder.path} holds no index"
                if folder.exists()
                else f"{folder.path}: no such folder",
                remedy="`winnow index build INDEX RUN …` makes one of what runs kept.",
            )
        store = Store.open(folder)
        if store.kind != KIND:
            raise StoreError(
                f"{folder.path} is a store of kind '{store.kind}', not an index",
                remedy="`winnow index build` makes one of a run.",
            )
        segments = tuple(
            Segment(
                name=each["name"],
                runs=tuple(
                    IndexedRun(
                        **{
                            **run,
                            "dropped": Forgotten(**run["dropped"]),
                            "forgotten": Forgotten(**run["forgotten"]),
                        }
                    )
                    for run in each["runs"]
                ),
                tombstones=each["tombstones"],
            )
            for each in store.manifest["segments"]
        )
        config = store.manifest["config"]
        shingles = bool(config.get("shingles", False))
        return cls(folder, config["shape"], segments, shingles, store.manifest)

    @classmethod
    def exists(cls, path: str | Folder) -> bool:
        """Whether there is a manifest of an index at ``path``."""
        folder = path if isinstance(path, Folder) else Folder(path)
        try:
            return Store.open(folder).kind == KIND
        except CorruptShard:
            raise
        except StoreError:
            return False

    @property
    def runs(self) -> list[IndexedRun]:
        """All, in the order that numbers the documents."""
        return sorted((r for s in self.segments for r in s.runs), key=lambda run: run.identity)

    @property
    def numbers(self) -> int:
        return sum(run.numbers for run in self.runs)

    @property
    def fingerprint(self) -> str:
        """Of what it says of any document: the runs and what is forgotten, however they lie."""
        runs = [
            [run.name, run.keys, run.verdicts, run.numbers, asdict(run.forgotten)]
            for run in self.runs
        ]
        return digest(_described(self.shape, runs, self.shingles))

    def shifts(self, segment: Segment) -> tuple[np.ndarray, np.ndarray]:
        """(first numbers of its runs in the segment, what makes them numbers of the index):
        int64[runs] both."""
        starts = dict(zip((r.identity for r in self.runs), _starts(self.runs), strict=False))
        firsts = np.array(segment.starts[:-1], np.int64)
        own = np.array([starts[run.identity] for run in segment.runs], np.int64)
        return firsts, own - firsts

    @property
    def parts(self) -> tuple[str, ...]:
        """The stores that each segment has."""
        return ("keys", "records", "shingles") if self.shingles else ("keys", "records")

    def store(self, segment: Segment, part: str) -> Store:
        """One of the segment's :attr:`parts`."""
        return Store.open(self.folder.subfolder(f"segments/{segment.name}/{part}"))

    def tombstones(self, segment: Segment) -> np.ndarray:
        """Numbers in the segment that count no more, ascending, uint64; 8 bytes each."""
        if not segment.tombstones:
            return np.zeros(0, np.uint64)
        store = Store.open(self.folder.subfolder(f"forgotten/{segment.tombstones}"))
        numbers: np.ndarray = store.table().column("number").to_numpy()
        return numbers

    def write(self) -> Index:
        """Replace the manifest; from then on this is the index."""
        files = [entry for store in self._stores() for entry in _files(self.folder, store)]
        write_manifest(
            self.folder, kind=KIND, name="index", fingerprint=self.fingerprint,
            schema=pa.schema([]), receipts=[],
            config={"format": FORMAT, "shape": self.shape, "shingles": self.shingles},
            extra={
                "files": files,
                "segments": [
                    {
                        "name": s.name,
                        "tombstones": s.tombstones,
                        "runs": [asdict(run) for run in s.runs],
                    }
                    for s in self.segments
                ],
            },
        )  # fmt: skip
        return Index.open(self.folder)

    def _stores(self) -> Iterator[Store]:
        for segment in self.segments:
            for part in self.parts:
                yield self.store(segment, part)
            if segment.tombstones:
                yield Store.open(self.folder.subfolder(f"forgotten/{segment.tombstones}"))

    def sweep(self) -> None:
        """Delete segments and tombstones that are not of this index."""
        mine = {
            "segments": {segment.name for segment in self.segments},
            "forgotten": {segment.tombstones for segment in self.segments},
        }
        self.folder.sweep()
        for kind, names in mine.items():
            for name in self.folder.subfolder(kind).entries():
                if name not in names:
                    self.folder.subfolder(f"{kind}/{name}").remove()


def _files(folder: Folder, store: Store) -> Iterator[dict[str, Any]]:
    """The store's files as the index's manifest lists them, so that it verifies them."""
    inner = store.path[len(folder.path.rstrip("/")) + 1 :]
    for shard in store.shards:
        yield {
            "file": f"{inner}/{shard.file}",
            "size_bytes": shard.size_bytes,
            "sha256": shard.sha256,
        }
    yield {
        "file": f"{inner}/{MANIFEST}",
        "size_bytes": store.folder.size(MANIFEST),
        "sha256": store.folder.sha256(MANIFEST),
    }
