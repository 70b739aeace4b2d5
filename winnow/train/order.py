"""The order of the data, as a pure function of (fingerprint, seed, epoch, step).

Nothing here reads a token; the lengths of the documents decide everything::

    epoch 0: a permutation of the documents, concatenated, cut into samples of pack_tokens
    epoch 1: another permutation …
    run:     sample 0, 1, 2, …   (epoch by epoch; the tail of an epoch, under pack_tokens, is left)
    step s:  samples [s * G, (s + 1) * G), G = global_tokens / pack_tokens
    rank r:  of W ranks takes samples s * G + r + k * W

So a run resumes at any sample in the time of one permutation, on any number of ranks that divides
G, and a step consumes the same samples on all of them. An epoch is at least one sample: a corpus
of fewer than pack_tokens tokens is refused, since a sample that wrapped around would hold some of
its documents twice.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from winnow.errors import ConfigError, FingerprintMismatch, StoreError

STATE_VERSION = 1

Int64s = npt.NDArray[np.int64]


class Piece(NamedTuple):
    """Tokens [start, stop) of one document, as they stand in a sample."""

    document: int
    start: int
    stop: int


@dataclass(frozen=True, kw_only=True)
class OrderState:
    """Where in the data a run is: all that a resume needs. ``next_sample`` counts in ``epoch``."""

    version: int
    fingerprint: str
    seed: int
    pack_tokens: int
    max_context: int
    epoch: int
    next_sample: int

    def to_values(self) -> dict[str, Any]:
        return asdict(self)


class DataOrder:
    """Which pieces of which documents make up sample ``i`` of a run.

    ``lengths`` [documents] int64: tokens of each document. ``fingerprint``: of the corpus.
    ``max_context`` decides no boundary here; it is part of the state because it decides where
    positions start again, and so what the model saw.
    """

    def __init__(
        self, lengths: Int64s, *, fingerprint: str, seed: int, pack_tokens: int, max_context: int
    ) -> None:
        self.lengths = lengths
        self.fingerprint = fingerprint
        self.seed = seed
        self.pack_tokens = pack_tokens
        self.max_context = max_context
        self.epoch_tokens = int(lengths.sum())
        self.samples_per_epoch = self.epoch_tokens // pack_tokens
        if self.samples_per_epoch == 0:
            raise ConfigError(
                f"data.pack_tokens ({pack_tokens:,}) exceeds the {self.epoch_tokens:,} tokens of "
                f"the training split: not one sample can be packed",
                remedy=f"Set data.pack_tokens to {self.epoch_tokens} at most, or train on a "
                "larger corpus.",
            )
        # swapped as a whole: the reading thread may be in the next epoch already
        self._entered: tuple[int, Int64s, Int64s] | None = None

    def pieces(self, sample: int) -> list[Piece]:
        """The pieces of ``sample`` (counted from the start of the run), pack_tokens in all."""
        epoch, index = divmod(sample, self.samples_per_epoch)
        order, places = self._enter(epoch)
        begin = index * self.pack_tokens
        end = begin + self.pack_tokens
        first = int(np.searchsorted(places, begin, side="right")) - 1
        last = int(np.searchsorted(places, end, side="left"))
        documents = order[first:last]
        starts = np.maximum(begin - places[first:last], 0)
        stops = np.minimum(end - places[first:last], self.lengths[documents])
        rows = zip(documents.tolist(), starts.tolist(), stops.tolist(), strict=True)
        return [Piece(*row) for row in rows if row[2] > row[1]]

    def samples_of(self, document: int, epoch: int) -> range:
        """The samples of ``epoch`` (counted from the start of the run) that hold a token of
        ``document``; empty where it lies in the tail that the epoch leaves out."""
        order, places = self._enter(epoch)
        start = int(places[np.flatnonzero(order == document)[0]])
        last = min((start + int(self.lengths[document]) - 1) // self.pack_tokens + 1,
                   self.samples_per_epoch)  # fmt: skip
        first = epoch * self.samples_per_epoch
        return range(first + start // self.pack_tokens, first + last)

    def state(self, sample: int) -> OrderState:
        """The state of a run whose next sample is ``sample``."""
        epoch, next_sample = divmod(sample, self.samples_per_epoch)
        return OrderState(
            version=STATE_VERSION,
            fingerprint=self.fingerprint,
            seed=self.seed,
            pack_tokens=self.pack_tokens,
            max_context=self.max_context,
            epoch=epoch,
            next_sample=next_sample,
        )

    def resume(self, values: dict[str, Any]) -> int:
        """The sample at which a run that was saved with ``values`` goes on.

        Raises :class:`FingerprintMismatch` for another corpus and :class:`ConfigError` for another
        order of it, with the remedy.
        """
        if values.get("version") != STATE_VERSION:
            raise StoreError(
                f"the saved data order is of version {values.get('version')}; this winnow reads "
                f"version {STATE_VERSION}",
                remedy="Resume with the version of winnow that saved it.",
            )
        saved = OrderState(**values)
        if saved.fingerprint != self.fingerprint:
            raise FingerprintMismatch(
                f"the checkpoint was trained on corpus {saved.fingerprint[:12]}; data.path holds "
                f"{self.fingerprint[:12]}",
                remedy="Point data.path at the old corpus, or start anew in another "
                "checkpoint.folder.",
            )
        for name in ("seed", "pack_tokens", "max_context"):
            was, now = getattr(saved, name), getattr(self, name)
            if was != now:
                raise ConfigError(
                    f"data.{name} was {was} when the checkpoint was saved and is {now} now: "
                    "the order of the data would change in the middle of a run",
                    remedy=f"Set data.{name} = {was}, or start anew in another checkpoint.folder.",
                )
        return saved.epoch * self.samples_per_epoch + saved.next_sample

    def _enter(self, epoch: int) -> tuple[Int64s, Int64s]:
        """The documents in the order of ``epoch``, and where in the stream each begins."""
        entered = self._entered
        if entered is None or entered[0] != epoch:
            order = epoch_permutation(len(self.lengths), self.fingerprint, self.seed, epoch)
            ends = np.cumsum(self.lengths[order], dtype=np.int64)
            starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
            self._entered = entered = (epoch, order, starts)
        return entered[1], entered[2]


def epoch_permutation(documents: int, fingerprint: str, seed: int, epoch: int) -> Int64s:
    """[documents] int64: the documents in the order of ``epoch``.

    Sorted by the raw output of PCG64, seeded with a hash of the arguments. numpy promises those
    bits for all versions and machines; it does not promise ``Generator.permutation``.
    """
    digest = hashlib.sha256(f"winnow-order-1\0{fingerprint}\0{seed}\0{epoch}".encode()).digest()
    keys = np.random.PCG64(int.from_bytes(digest[:16], "little")).random_raw(documents)
    return np.argsort(keys, kind="stable")


def step_samples(first: int, count: int, rank: int = 0, world: int = 1) -> range:
    """The samples that ``rank`` of ``world`` takes of the step [first, first + count).

    Raises :class:`ConfigError` where the ranks would get different numbers of samples.
    """
    if not 0 <= rank < world:
        raise ConfigError(f"rank {rank} of {world}: ranks count from 0 to {world - 1}")
    if count % world:
        raise ConfigError(
            f"a step of {count} packed samples cannot be shared by {world} ranks",
            remedy="Set batch.global_tokens to a multiple of data.pack_tokens times the ranks.",
        )
    return range(first + rank, first + count, world)
