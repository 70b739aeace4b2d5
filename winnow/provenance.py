"""From a training step to the web pages that it read, and from a page to the steps that read it.

The order of the data is a pure function of what a checkpoint says, so nothing had to be logged.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from winnow.corpus import Corpus, open_corpus
from winnow.errors import ConfigError, StoreError
from winnow.story import record_bytes
from winnow.tokenize.token_shards import SPLITS, TokenShards
from winnow.train.metrics import FILE, read_metrics
from winnow.train.order import DataOrder

MOST_USES = 1000  # listed of a document; a corpus may be read many times


@dataclass(frozen=True)
class TracedPiece:
    """Tokens of one document, as a step read them."""

    sample: int
    """Of the step, from 0."""
    doc_id: int
    first_token: int
    """Of the document; ``stop_token`` is the one after the last."""
    stop_token: int
    file: str
    """The token shard."""
    url: str | None = None
    """What the run that made the tokens knows of the page; None where it is not beside them."""
    record: dict[str, Any] = field(default_factory=dict)
    """``warc_file``, ``warc_offset``, ``warc_length`` and a ``command`` that gets the record."""


@dataclass(frozen=True)
class TracedDocument:
    """Where a document's tokens lie, and which steps have read them."""

    doc_id: int
    url: str | None
    split: str
    file: str
    token_count: int
    epochs: list[dict[str, int]]
    """``epoch``, ``first_step`` and ``last_step`` that read it, as far as the training has come."""


class TracedTraining:
    """A training run's data: its newest checkpoint's order, and the run that made the tokens."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.values = _newest(self.folder)
        data = self.values["config"]["data"]
        self.shards = TokenShards.open(data["path"])
        order = self.values["order"]
        self.order = DataOrder(
            self.shards.lengths,
            fingerprint=self.shards.fingerprint,
            seed=order["seed"],
            pack_tokens=order["pack_tokens"],
            max_context=order["max_context"],
        )
        self.order.resume(order)  # raises where the corpus is another one by now
        self.step_samples = self.values["settled"]["global_tokens"] // self.order.pack_tokens
        self.corpus = _corpus(Path(data["path"]).parent)

    @property
    def last_step(self) -> int:
        return int(self.values["step"])

    def step(self, step: int, sample: int | None = None) -> list[TracedPiece]:
        """What ``step`` (1 is the first) read, or one of its packed samples (from 0)."""
        if not 1 <= step <= self.last_step:
            raise ConfigError(
                f"step {step} of {self.folder}: the newest checkpoint has steps 1 to "
                f"{self.last_step}"
            )
        samples = self._samples(step)
        if sample is not None and not 0 <= sample < len(samples):
            raise ConfigError(f"row {sample}: step {step} has rows 0 to {len(samples) - 1}")
        wanted = range(len(samples)) if sample is None else [sample]
        pieces = [(row, piece) for row in wanted for piece in self.order.pieces(samples[row])]
        ids = [self.shards.doc_id(piece.document) for _, piece in pieces]
        pages = self._pages(ids)
        return [
            TracedPiece(
                row, doc_id, start, stop, self.shards.file(document), *pages.get(doc_id, (None, {}))
            )
            for (row, (document, start, stop)), doc_id in zip(pieces, ids, strict=True)
        ]

    def _samples(self, step: int) -> range:
        """By metrics.jsonl, since a resumed run may go on with larger steps; else all are alike."""
        seen = {0: 0}
        for line in read_metrics(self.folder / FILE):
            if line["kind"] == "train":
                seen[line["step"]] = line["tokens"] // self.order.pack_tokens
        if step in seen and step - 1 in seen:
            return range(seen[step - 1], seen[step])
        return range((step - 1) * self.step_samples, step * self.step_samples)

    def _pages(self, doc_ids: list[int]) -> dict[int, tuple[str, dict[str, Any]]]:
        """URL and record of each document, where they are known."""
        if self.corpus is None:
            return {}
        columns = ["doc_id", "url", "warc_file", "warc_offset", "warc_length"]
        rows = self.corpus.view.rows(list(dict.fromkeys(doc_ids)), columns).to_pylist()
        return {row["doc_id"]: (row["url"], record_bytes(row)) for row in rows}

    def document(
        self, *, url: str | None = None, doc_id: int | None = None
    ) -> list[TracedDocument]:
        """Every place of a document in the token shards: one, or as many as it is repeated.

        :class:`StoreError` where it has no tokens, saying why where that is known.
        """
        if url is not None:
            if self.corpus is None:
                raise StoreError(
                    f"the run that made {self.shards.store.path} is not beside it, so URLs are "
                    "not known here",
                    remedy="Give --doc-id.",
                )
            page = self.corpus.document(url)
            doc_id = int(page.doc_id)
            if page.verdict != "kept":
                raise StoreError(f"{url} was not trained on: {page.verdict}")
        assert doc_id is not None
        found = []
        for split in SPLITS:
            try:
                shards = self.shards if split == "train" else self._split(split)
            except StoreError:
                continue  # no documents of that split
            for document in shards.find(doc_id):
                epochs = self._epochs(document) if split == "train" else []
                length = int(shards.lengths[document])
                file = shards.file(document)
                found.append(TracedDocument(doc_id, url, split, file, length, epochs))
        if not found:
            raise StoreError(f"{self.shards.store.path} holds no document {doc_id}")
        return found

    def _split(self, split: str) -> TokenShards:
        return TokenShards.open(self.shards.store.path, split)

    def _epochs(self, document: int) -> list[dict[str, int]]:
        """By steps of one size; see :meth:`_samples`."""
        order = self.values["order"]
        read = order["epoch"] * self.order.samples_per_epoch + order["next_sample"]
        found = []
        for epoch in range(min(MOST_USES, -(-read // self.order.samples_per_epoch))):
            samples = self.order.samples_of(document, epoch)
            last = min(samples.stop, read) - 1
            if len(samples) and samples.start <= last:
                first_step = samples.start // self.step_samples + 1
                last_step = last // self.step_samples + 1
                found.append({"epoch": epoch, "first_step": first_step, "last_step": last_step})
        return found


def _newest(folder: Path) -> dict[str, Any]:
    """checkpoint.json of a checkpoint, or of the newest one of a training; without torch."""
    paths = [folder / "checkpoint.json"]
    if folder.is_dir():
        paths += sorted(folder.glob("step-*/checkpoint.json"), reverse=True)
    for path in paths:
        try:
            values: dict[str, Any] = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        return values
    raise StoreError(
        f"{folder} holds no checkpoint",
        remedy="Give a checkpoint.folder of `winnow train`, or one of its step-… folders.",
    )


def _corpus(folder: Path) -> Corpus | None:
    try:
        return open_corpus(folder)
    except StoreError:
        return None
