"""Documents that have never been: their band keys, duplicates of a known law, and the truth.

Of ``documents``, 40 % lie in clusters whose sizes follow a power law (exponent 2.4, sizes 2 and
more); the largest has one document of a thousand. Nine clusters of ten are stars: a member has a
similarity s to the first version, 1 for three of ten and else spread evenly from 0.6 to 1, and in
each band the cluster's key with probability s^8, else a key of its own. So some members meet the
others in all bands, some in one, some in none. One of ten is a chain: in each band a document may
meet either the one before it or the one after it, so that clusters are long and thin, and break.

Members of a cluster are spread over all shards (an affine permutation). No key is shared across
clusters, so the truth can be found cluster by cluster, in bounded memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from winnow.dedup.clustering.keys import KeyLayout
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Inputs, PlainWork, TaskFunction
from winnow.text.compiled import compiled

BANDS = 14
CLUSTERED_SHARE = 0.4
LARGEST_SHARE = 1e-3
EXPONENT = 2.4
DOC_IDS = pa.schema([pa.field("doc_id", pa.uint64(), nullable=False)])
_OFFSET = 12_345_677


@dataclass(frozen=True)
class Population:
    """What is the same for every shard."""

    documents: int
    shards: int
    seed: int
    starts: str
    """Path of the numbers at which clusters begin (int64, ascending, and the end of the last)."""

    def write(self) -> None:
        draw = np.random.default_rng(self.seed)
        wanted = int(self.documents * CLUSTERED_SHARE)
        largest = max(2, int(self.documents * LARGEST_SHARE))
        weights = np.arange(2, largest + 1, dtype=float) ** -EXPONENT
        cumulated = np.cumsum(weights / weights.sum())
        sizes = [np.array([largest])]
        total = largest
        while total < wanted:
            drawn = 2 + np.searchsorted(cumulated, draw.random(1 << 20))
            ends = total + np.cumsum(drawn)
            drawn = drawn[: int(np.searchsorted(ends, wanted)) + 1]
            sizes.append(drawn)
            total += int(drawn.sum())
        starts = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
        np.save(self.starts, starts[: np.searchsorted(starts, self.documents, "right")])

    def open(self) -> np.ndarray:
        starts: np.ndarray = np.load(self.starts, mmap_mode="r")
        return starts

    def _step(self) -> int:
        """Odd, no multiple of 5 and about 0.618 of the documents: coprime to all powers of ten."""
        step = int(self.documents * 0.6180339887) // 10 * 10 + 3
        while np.gcd(step, self.documents) != 1:
            step += 2
        return step

    def doc_ids(self, numbers: np.ndarray) -> np.ndarray:
        """uint64[n]: where the documents of these numbers are."""
        places = (numbers.astype(np.uint64) * np.uint64(self._step()) + np.uint64(_OFFSET)) % (
            np.uint64(self.documents)
        )
        places = places.astype(np.int64)
        shards = (places * self.shards + self.shards - 1) // self.documents
        shards -= shards * self.documents // self.shards > places
        rows = places - shards * self.documents // self.shards
        return (shards << 32 | rows).astype(np.uint64)

    def shard(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(doc_ids, numbers) of a shard, in order."""
        first, end = (n * self.documents // self.shards for n in (index, index + 1))
        places = np.arange(first, end, dtype=np.uint64)
        back = np.uint64(pow(self._step(), -1, self.documents))
        whole = np.uint64(self.documents)
        numbers = (places + (whole - np.uint64(_OFFSET % self.documents))) % whole * back % whole
        return (np.arange(end - first) + (index << 32)).astype(np.uint64), numbers.astype(np.int64)

    def keys(self, numbers: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """uint64[n, BANDS]: band keys of the documents of these numbers."""
        clusters = np.searchsorted(starts, numbers, "right") - 1
        clusters[clusters == len(starts) - 1] = -1
        places = numbers - starts[clusters]
        found = np.empty((len(numbers), BANDS), np.uint64)
        fill_keys(numbers, clusters, places, np.uint64(self.seed), found)
        return found

    def preferences(self, numbers: np.ndarray) -> np.ndarray:
        """uint64[n], with many ties."""
        return (numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(56)


@compiled
def _mixed(x: Any) -> Any:
    """Finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@compiled
def fill_keys(numbers: Any, clusters: Any, places: Any, seed: Any, found: Any) -> None:
    unit = 1.0 / (1 << 53)
    golden = np.uint64(0x9E3779B97F4A7C15)
    for row in range(numbers.size):
        own = _mixed(np.uint64(numbers[row]) * golden + seed)
        cluster = _mixed(np.uint64(clusters[row] + 1) * golden + ~seed)
        chain = cluster % np.uint64(10) == 0
        draw = float(_mixed(own ^ golden) >> np.uint64(11)) * unit
        similarity = 1.0 if draw < 0.3 else 0.6 + 0.4 * (draw - 0.3) / 0.7
        chance = 0.8 if chain else similarity**8
        for band in range(found.shape[1]):
            key = _mixed(own + np.uint64(band + 1) * golden)
            if clusters[row] >= 0 and float(_mixed(~key) >> np.uint64(11)) * unit < chance:
                link = (places[row] + (band & 1)) >> 1 if chain else 0
                key = _mixed(cluster + np.uint64(link * 64 + band + 1) * golden)
            found[row, band] = key


@dataclass(frozen=True)
class DocIdWork(PlainWork):
    """Documents of which there is nothing but the id."""

    population: Population
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            doc_ids, _ = self.population.shard(index)
            yield pa.record_batch([pa.array(doc_ids)], schema=DOC_IDS)

        return task


@dataclass(frozen=True)
class SyntheticSignWork(PlainWork):
    """What a sign step would have written."""

    population: Population
    layout: KeyLayout
    version: ClassVar[int] = 1

    def open(self, inputs: Inputs) -> TaskFunction:
        starts = self.population.open()

        def task(index: int, tally: Tally) -> Iterator[pa.RecordBatch]:
            doc_ids, numbers = self.population.shard(index)
            tally.count("signed", len(doc_ids))
            keys = self.population.keys(numbers, starts)
            preferences = self.population.preferences(numbers)
            yield from self.layout.batches(keys, None, doc_ids, preferences)

        return task


def true_clusters(
    population: Population, most: int, at_once: int = 1_000_000
) -> Iterator[tuple[np.ndarray, ...]]:
    """(doc_ids ascending, cluster_ids, sizes, survivors) of documents that share a key, found by
    scipy; whole clusters, ``at_once`` documents or the largest at a time. All of them, or
    evenly spaced pieces of ``most`` documents in all, the largest cluster among them."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    starts = np.asarray(population.open())
    pieces = max(1, int(starts[-1]) // at_once)
    cuts = starts[np.unique(np.searchsorted(starts, np.linspace(0, starts[-1], pieces + 1)))]
    spacing = max(1, int(starts[-1]) // max(1, most))
    for first, end in list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))[::spacing]:
        numbers = np.arange(first, end)
        doc_ids = population.doc_ids(numbers)
        order = np.argsort(doc_ids)
        doc_ids, numbers = doc_ids[order], numbers[order]
        left, right = [], []
        for keys in population.keys(numbers, starts).T:
            by_key = np.argsort(keys, kind="stable")
            same = np.flatnonzero(keys[by_key[1:]] == keys[by_key[:-1]])
            left.append(by_key[same])
            right.append(by_key[same + 1])
        edges = np.concatenate(left), np.concatenate(right)
        count = len(numbers)
        graph = coo_array((np.ones(len(edges[0]), bool), edges), shape=(count, count))
        labels = connected_components(graph, directed=False)[1]
        # by label, then the greatest preference, then the smallest doc_id
        preferred = np.lexsort((doc_ids, ~population.preferences(numbers), labels))
        firsts = np.flatnonzero(np.diff(labels[preferred], prepend=-1))
        sizes = np.diff(firsts, append=count)[labels]
        smallest = np.flatnonzero(np.diff(labels[np.argsort(labels, kind="stable")], prepend=-1))
        ids = doc_ids[np.argsort(labels, kind="stable")[smallest]][labels]
        survivors = doc_ids[preferred[firsts]][labels]
        met = sizes > 1
        yield doc_ids[met], ids[met], sizes[met], survivors[met]
