"""Making a quality model: good and bad documents in, a fastText classifier out."""

from __future__ import annotations

import gzip
import hashlib
import heapq
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from winnow.errors import ConfigError, PlanError
from winnow.filters.fasttext_model import PREFIX
from winnow.optional import require
from winnow.pipeline.run_folder import read_run
from winnow.pipeline.step import MASKS
from winnow.pipeline.view import View
from winnow.store.files import Folder
from winnow.store.manifest import Store

POSITIVE, NEGATIVE = "hq", "lq"
HELD_OUT = 10  # one document in so many is not trained on, but measured with
TEXT_CHARS = 20_000  # of a document; what follows is not read


def train_quality_model(
    *,
    positive: list[str],
    negative: list[str],
    output: str,
    dim: int = 64,
    epochs: int = 5,
    word_ngrams: int = 2,
    seed: int = 0,
    max_documents: int = 200_000,
) -> dict[str, float | int]:
    """Train a fastText classifier of ``hq`` against ``lq``, and write it to ``output``.

    ``positive`` and ``negative`` are paths: folders of runs (their kept documents), stores of
    documents, ``.jsonl`` (key ``text``) or ``.txt`` (a document a line), either ``.gz``. Of each
    side at most ``max_documents`` are taken, those with the smallest hash of text and seed; equal
    texts count once, and a text on both sides counts as negative. One in ten, by the same hash, is
    held out. The same documents, in whatever order, give the same bytes.

    Returns the numbers of documents, trained and held out, and on the latter ``accuracy``, and
    ``positive_recall`` and ``negative_recall`` [0, 1] (0 where a side has none). Raises
    :class:`ConfigError` or :class:`PlanError` for paths that are not what they should be.
    """
    fasttext = require("fasttext", "`winnow quality train`")
    good = _sample(positive, seed, max_documents)
    bad = _sample(negative, seed, max_documents)
    sides = {POSITIVE: {k: text for k, text in good.items() if k not in bad}, NEGATIVE: bad}
    for name, side, paths in (("positive", POSITIVE, positive), ("negative", NEGATIVE, negative)):
        if len(sides[side]) < 2:
            raise PlanError(
                f"{len(sides[side])} {name} documents (of their own) in {', '.join(paths)}",
                remedy="Give at least two of each side, hundreds for a model of use.",
            )
    lines = sorted(
        (key, f"{PREFIX}{side} {text}")
        for side, texts in sides.items()
        for key, text in texts.items()
    )
    held_out = [line for key, line in lines if _is_held_out(key)]
    train = [line for key, line in lines if not _is_held_out(key)]
    os.makedirs(os.path.dirname(os.path.abspath(output)), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(output))) as folder:
        examples = Path(folder, "train.txt")
        examples.write_text("\n".join(train) + "\n", encoding="utf-8")
        model = fasttext.train_supervised(
            input=str(examples),
            dim=dim,
            epoch=epochs,
            wordNgrams=word_ngrams,
            lr=0.1,
            minCount=1 if len(train) < 1000 else 5,
            bucket=2_000_000 if len(train) >= 1000 else 50_000,
            loss="softmax",
            seed=seed,
            thread=1,  # threads race on the weights: two runs would differ
            verbose=0,
        )
        written = Path(folder, "model.bin")
        model.save_model(str(written))
        os.replace(written, output)
    return {
        "positive_documents": len(sides[POSITIVE]),
        "negative_documents": len(sides[NEGATIVE]),
        "trained_documents": len(train),
        "held_out_documents": len(held_out),
        **_measured(model, held_out),
    }


def _measured(model: Any, lines: list[str]) -> dict[str, float]:
    right = {POSITIVE: 0, NEGATIVE: 0}
    count = {POSITIVE: 0, NEGATIVE: 0}
    for line in lines:
        label, _, text = line.partition(" ")
        side = label.removeprefix(PREFIX)
        count[side] += 1
        right[side] += model.predict(text)[0][0] == label
    return {
        "accuracy": sum(right.values()) / max(1, len(lines)),
        "positive_recall": right[POSITIVE] / max(1, count[POSITIVE]),
        "negative_recall": right[NEGATIVE] / max(1, count[NEGATIVE]),
    }


def _is_held_out(key: int) -> bool:
    return key % HELD_OUT == 0


def _sample(paths: list[str], seed: int, limit: int) -> dict[int, str]:
    """Key → text of at most ``limit`` documents: those with the smallest keys."""
    heap: list[tuple[int, str]] = []  # the largest key first, as its negative
    held: set[int] = set()
    for path in paths:
        for text in _texts(path):
            line = _one_line(text)
            key = int.from_bytes(
                hashlib.blake2b(
                    line.encode("utf-8", "replace"), digest_size=8, salt=_salt(seed)
                ).digest(),
                "big",
            )
            if not line or key in held or (len(heap) >= limit and key > -heap[0][0]):
                continue
            held.add(key)
            heapq.heappush(heap, (-key, line))
            if len(heap) > limit:
                held.discard(-heapq.heappop(heap)[0])
    return {-key: text for key, text in heap}


def _salt(seed: int) -> bytes:
    return (seed % 2**64).to_bytes(8, "big")


def _one_line(text: str) -> str:
    """As fastText reads it; a text that names labels must not become one."""
    return " ".join(text[:TEXT_CHARS].split()).replace(PREFIX, "label")


def _texts(path: str) -> Iterator[str]:
    if path.endswith((".txt", ".txt.gz")):
        yield from _lines(path)
    elif path.endswith((".jsonl", ".jsonl.gz")):
        yield from _json_texts(path)
    else:
        yield from _documents(path)


def _lines(path: str) -> Iterable[str]:
    try:
        if path.endswith(".gz"):
            with gzip.open(path, "rt", encoding="utf-8") as file:
                yield from file
        else:
            with open(path, encoding="utf-8") as file:
                yield from file
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read documents from {path}: {error}") from error


def _json_texts(path: str) -> Iterator[str]:
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            text = json.loads(line)["text"]
        except (ValueError, KeyError, TypeError):
            text = None
        if not isinstance(text, str):
            raise ConfigError(f'{path}, line {number}: not a JSON object with a string "text"')
        yield text


def _documents(path: str) -> Iterator[str]:
    """The kept documents of a run, or all documents of a store."""
    folder = Folder(path)
    run = read_run(folder)
    if run is None:
        view = View(Store.open(folder).path).open()
    else:
        kinds: list[tuple[str, str]] = []
        for step in run["steps"]:
            if step["kind"] == "documents" or step["kind"] in MASKS:
                store = Store.open(folder.subfolder(step["name"]))
                store.require_fingerprint(step["fingerprint"], "the run there")
                kinds.append((step["kind"], store.path))
        documents = next(path for kind, path in kinds if kind == "documents")
        view = View(documents, tuple(path for kind, path in kinds if kind in MASKS)).open()
    for shard in range(view.shard_count):
        for batch in view.kept(shard, ["text"]):
            yield from batch.column("text").to_pylist()
