"""Making a quality model: good and bad documents in, a fastText classifier and its card out."""

from __future__ import annotations

import hashlib
import heapq
import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from winnow import __version__
from winnow.errors import ConfigError, PlanError, StageError, StoreError
from winnow.filters.fasttext_model import PREFIX, label_probs
from winnow.filters.quality_card import CARD_VERSION, write_card
from winnow.filters.quality_figures import figures, quantiles
from winnow.filters.quality_ngrams import telling_ngrams
from winnow.filters.quality_texts import read_texts
from winnow.optional import require
from winnow.store.files import write_errors

POSITIVE, NEGATIVE = "hq", "lq"
HELD_OUT = 10  # one document in so many is not trained on, but measured with
TEXT_CHARS = 20_000  # of a document; what follows is not read
SMALL = 1000  # documents: below, every word counts and few pairs are told apart


def train_quality_model(
    *,
    positive: list[str],
    negative: list[str],
    output: str,
    dim: int = 64,
    epochs: int = 5,
    word_ngrams: int = 2,
    lr: float = 0.1,
    seed: int = 0,
    max_documents: int = 200_000,
    compress_rows: int = 0,
    licence: str = "",
    about: str = "",
    notes: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Train a fastText classifier of ``hq`` against ``lq`` into ``output``, its card beside it.

    ``positive`` and ``negative`` are what :func:`read_texts` reads: runs and stores (kept documents
    by default), ``.txt``, ``.jsonl``, ``.parquet``. Of each side at most ``max_documents`` are
    taken, those with the smallest hash of text and seed. Texts that are equal but for case and
    white space count once; one on both sides counts as negative. One in ten, by the same hash, is
    held out, so no copy of a trained text is ever measured with. One thread trains: the same
    documents, in whatever order, give the same bytes.

    ``compress_rows`` above 0 writes a compressed model (``.ftz``) of that many of its most used
    rows, and figures of that one. ``licence``, ``about`` and ``notes`` (title → text) go into the
    card. Returns the card. Raises :class:`ConfigError` or :class:`PlanError` for paths and numbers
    that are not what they should be, :class:`StoreError` where ``output`` cannot be written.
    """
    _check(dim=dim, epochs=epochs, word_ngrams=word_ngrams, max_documents=max_documents)
    _check_output(output)
    if not 0 < lr <= 10:
        raise ConfigError(f"lr must be above 0 and at most 10, got {lr}")
    if not 0 <= seed < 2**31 or compress_rows < 0:
        raise ConfigError(
            f"seed must be 0 to 2147483647 and compress_rows 0 or more, got {seed}, {compress_rows}"
        )
    fasttext = require("fasttext", "`winnow quality train`")
    sides = _sides(positive, negative, seed, max_documents)
    lines = sorted(
        (key, text, side) for side, texts in sides.items() for key, text in texts.items()
    )
    held_out = [(text, side == POSITIVE) for key, text, side in lines if _is_held_out(key)]
    train = [(text, side == POSITIVE) for key, text, side in lines if not _is_held_out(key)]
    if len({is_good for _, is_good in train}) < 2:
        raise PlanError(
            "all documents of one side are held out: there are too few to train on",
            remedy="Give at least some dozens of each side, hundreds for a model of use.",
        )
    bucket = 2_000_000 if len(train) >= SMALL else 50_000
    parameters = {
        "dim": dim,
        "epochs": epochs,
        "word_ngrams": word_ngrams,
        "lr": lr,
        "seed": seed,
        "max_documents": max_documents,
        "min_count": 1 if len(train) < SMALL else 5,
        "bucket": bucket,
        "compress_rows": compress_rows,
        "text_chars": TEXT_CHARS,
    }
    folder = os.path.dirname(os.path.abspath(output))
    with write_errors(output):
        os.makedirs(folder, exist_ok=True)
        beside = tempfile.TemporaryDirectory(dir=folder)  # where a rename is one
    with beside as work:
        examples = Path(work, "train.txt")
        with write_errors(output), examples.open("w", encoding="utf-8", newline="\n") as file:
            for text, is_good in train:
                file.write(f"{PREFIX}{POSITIVE if is_good else NEGATIVE} {text}\n")
        model = _fit(fasttext, examples, parameters)
        telling = telling_ngrams(
            model, train, PREFIX + POSITIVE, PREFIX + NEGATIVE, word_ngrams, bucket
        )
        if compress_rows:
            # 1 byte for every 2 numbers, the length of a row apart; rows by their norm
            model.quantize(input=str(examples), qnorm=True, cutoff=compress_rows, thread=1)
        scores = label_probs(model, [text for text, _ in held_out], POSITIVE)
        written = Path(work, "model")
        with write_errors(output):
            model.save_model(str(written))
            data = written.read_bytes()
            os.replace(written, output)
    card = {
        "card_version": CARD_VERSION,
        "model": os.path.basename(output),
        "about": about,
        "licence": licence,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
        "winnow_version": __version__,
        "trainer": f"fasttext-community {version('fasttext-community')}, one thread",
        "labels": {"positive": POSITIVE, "negative": NEGATIVE},
        "parameters": parameters,
        "data": {
            "positive": _described(sides[POSITIVE], positive),
            "negative": _described(sides[NEGATIVE], negative),
        },
        "held_out": {
            **figures(scores, np.array([is_good for _, is_good in held_out], bool)),
            "score_quantiles": quantiles(scores),
        },
        "telling_ngrams": telling,
        "notes": dict(notes or {}),
    }
    write_card(card, output)
    return card


def _fit(fasttext: Any, examples: Path, parameters: dict[str, Any]) -> Any:
    try:
        return fasttext.train_supervised(
            input=str(examples),
            dim=parameters["dim"],
            epoch=parameters["epochs"],
            wordNgrams=parameters["word_ngrams"],
            lr=parameters["lr"],
            minCount=parameters["min_count"],
            bucket=parameters["bucket"],
            loss="softmax",
            seed=parameters["seed"],
            thread=1,  # threads race on the weights: two runs would differ
            verbose=0,
        )
    except (RuntimeError, ValueError) as error:
        raise StageError(
            f"fastText could not train: {error}",
            stage="quality train",
            remedy="A smaller lr helps against NaN; more documents against an empty vocabulary.",
        ) from error


def _check(**numbers: int) -> None:
    for name, value in numbers.items():
        if value < 1:
            raise ConfigError(f"{name} must be 1 or more, got {value}")


def _check_output(output: str) -> None:
    if os.path.isdir(output) or not os.path.basename(output):
        raise ConfigError(
            f"output {output} is a folder", remedy="Name the file of the model, e.g. quality.bin."
        )
    if "://" in output:
        raise StoreError(f"output {output}: fastText writes to this machine only")


def _sides(
    positive: list[str], negative: list[str], seed: int, limit: int
) -> dict[str, dict[int, str]]:
    good, bad = _sample(positive, seed, limit), _sample(negative, seed, limit)
    sides = {POSITIVE: {key: text for key, text in good.items() if key not in bad}, NEGATIVE: bad}
    both = len(good) - len(sides[POSITIVE])
    for name, side, paths in (("positive", POSITIVE, positive), ("negative", NEGATIVE, negative)):
        if len(sides[side]) < 2:
            shared = f"; {both} more are on both sides" if both and side == POSITIVE else ""
            raise PlanError(
                f"{len(sides[side])} {name} documents that differ in {', '.join(paths)}{shared}",
                remedy="Give at least two of each side, hundreds for a model of use.",
            )
    return sides


def _described(texts: dict[int, str], paths: list[str]) -> dict[str, Any]:
    hashes = hashlib.sha256()
    for key in sorted(texts):
        hashes.update(key.to_bytes(8, "big"))
    return {
        "sources": [Path(path).name for path in paths],
        "documents": len(texts),
        "trained_documents": sum(1 for key in texts if not _is_held_out(key)),
        "chars": sum(map(len, texts.values())),
        "sha256": hashes.hexdigest(),
    }


def _is_held_out(key: int) -> bool:
    return key % HELD_OUT == 0


def _sample(paths: list[str], seed: int, limit: int) -> dict[int, str]:
    """Key → text of at most ``limit`` documents: those with the smallest keys.

    Of texts with one key, the one that sorts first: which comes first in the files is chance.
    """
    heap: list[int] = []  # keys, the largest first, as negatives
    held: dict[int, str] = {}
    salt = (seed % 2**64).to_bytes(8, "big")
    for path in paths:
        for text in read_texts(path):
            line = _one_line(text)
            if not line:
                continue
            key = _key(line, salt)
            if key in held:
                held[key] = min(held[key], line)
                continue
            if len(held) == limit:
                if key > -heap[0]:
                    continue
                del held[-heapq.heapreplace(heap, -key)]
            else:
                heapq.heappush(heap, -key)
            held[key] = line
    return held


def _key(line: str, salt: bytes) -> int:
    same = " ".join(line.split()).casefold()
    return int.from_bytes(hashlib.blake2b(same.encode(), digest_size=8, salt=salt).digest(), "big")


def _one_line(text: str) -> str:
    """As the filter gives it to fastText: line feeds as spaces. Half of a surrogate pair, which no
    file of texts should hold, becomes U+FFFD; a text that names labels must not become one."""
    line = text[:TEXT_CHARS].encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return line.replace("\n", " ").replace(PREFIX, "label").strip()
