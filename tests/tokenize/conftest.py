"""A documents store from plain texts, and the steps of a tokenize block run over it in order."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from winnow.pipeline.fingerprint import digest
from winnow.pipeline.step import Draft, Inputs, PlanContext, Step
from winnow.pipeline.task import open_step
from winnow.pipeline.view import View
from winnow.pipeline.works import describe_work
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.receipts import Receipt, write_receipt
from winnow.store.shards import ShardWriter, shard_file
from winnow.tokenize.composite import Tokenize

DOCUMENTS = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
    ]
)
VERDICTS = pa.schema([pa.field("verdict", pa.string())])
REPEATS = pa.field("repeat_count", pa.uint32())


@dataclass
class Corpus:
    """A written documents store with a verdict for each document."""

    folder: Path
    shards: Sequence[Sequence[str]]
    texts: dict[int, str] = field(default_factory=dict)
    """doc_id → text of the kept documents."""
    columns: pa.Schema = DOCUMENTS

    @property
    def view(self) -> View:
        return View(str(self.folder / "documents"), (str(self.folder / "verdicts"),))


def _write(folder: Path, schema: pa.Schema, shards: list[dict[str, Any]]) -> None:
    store = Folder(folder)
    receipts = []
    for index, columns in enumerate(shards):
        with ShardWriter(store, shard_file(index, "parquet"), schema) as writer:
            writer.write(pa.RecordBatch.from_pydict(columns, schema))
        receipts.append(writer.receipt("test"))
        write_receipt(store, index, receipts[-1])
    write_manifest(
        store,
        kind="documents",
        name=folder.name,
        fingerprint="test",
        schema=schema,
        config={},
        receipts=receipts,
    )


def _corpus(
    folder: Path,
    shards: Sequence[Sequence[str]],
    kept: Callable[[int], bool] = lambda _: True,
    source: Callable[[int], str] = lambda _: "web",
    repeats: Callable[[int], int | None] | None = None,
) -> Corpus:
    """``repeats``: doc_id → what the verdicts say of how often training sees it."""
    corpus = Corpus(folder, shards, columns=DOCUMENTS if repeats is None else
                    DOCUMENTS.append(REPEATS))  # fmt: skip
    documents, verdicts = [], []
    for index, texts in enumerate(shards):
        ids = [index << 32 | row for row in range(len(texts))]
        corpus.texts |= {i: text for i, text in zip(ids, texts, strict=True) if kept(i)}
        sources = [source(i) for i in ids]
        documents.append({"doc_id": ids, "source": sources, "text": list(texts)})
        verdicts.append({"verdict": ["kept" if kept(i) else "word_count" for i in ids]})
        if repeats is not None:
            verdicts[-1]["repeat_count"] = [repeats(i) if kept(i) else 0 for i in ids]
    _write(folder / "documents", DOCUMENTS, documents)
    _write(folder / "verdicts", VERDICTS if repeats is None else VERDICTS.append(REPEATS), verdicts)
    return corpus


def _context(corpus: Corpus, seed: int, name: str = "tokenize") -> PlanContext:
    return PlanContext(
        name=name,
        seed=seed,
        document_shards=len(corpus.shards),
        input_bytes=1000,
        columns=corpus.columns,
        sources=("web",),
    )


def _step(draft: Draft, corpus: Corpus, output: Path, seed: int) -> Step:
    return Step(
        name=draft.name,
        kind=draft.kind,
        label=draft.label,
        work=draft.work,
        schema=draft.schema,
        shard_count=draft.shard_count,
        format=draft.format,
        inputs=Inputs(
            corpus.view if draft.uses_view else None,
            {name: str(output / name) for name in draft.reads},
            seed,
            str(output / draft.name),
        ),
        fingerprint=digest(describe_work(draft.work)),
        config=describe_work(draft.work),
    )


def _run(
    corpus: Corpus,
    stage: Tokenize,
    output: Path,
    seed: int = 0,
    order: random.Random | None = None,
    drafts: list[Draft] | None = None,
) -> Store:
    """The store that the last step wrote. ``order`` shuffles the tasks of each step."""
    stage.check()
    store = None
    for draft in stage.expand(_context(corpus, seed)) if drafts is None else drafts:
        step = _step(draft, corpus, output, seed)
        make = open_step(step)
        indexes = list(range(step.shard_count))
        if order is not None:
            order.shuffle(indexes)
        receipts: dict[int, Receipt] = {}
        for index in indexes:
            if order is not None:  # as many processes as tasks: nothing is carried over
                make = open_step(step)
            receipts[index] = make(index)
        ordered = [receipts[index] for index in range(step.shard_count)]
        store = write_manifest(
            Folder(step.folder),
            kind=step.kind,
            name=step.name,
            fingerprint=step.fingerprint,
            schema=step.schema,
            config=step.config,
            receipts=ordered,
            extra=step.work.finish(step.inputs, ordered),
        )
        assert store.verify() == []
    assert store is not None
    return store


def _rows(store: Store) -> list[dict[str, Any]]:
    """All rows of a token store in file order, with the split that each lies in."""
    found = []
    for index, shard in enumerate(store.shards):
        for batch in store.batches(shard=index):
            for row in batch.to_pylist():
                found.append({**row, "split": shard.extra["split"]})
    return found


def _small_tokenizer(path: Path, change: Callable[[dict[str, Any]], None] | None = None) -> Path:
    """A byte-level tokenizer.json with no merges: 256 bytes and two special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({char: i for i, char in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "</s>"])
    table = json.loads(tokenizer.to_str())
    if change is not None:
        change(table)
    path.write_text(json.dumps(table), "utf-8")
    return path


@pytest.fixture(scope="session")
def write_corpus() -> Callable[..., Corpus]:
    return _corpus


@pytest.fixture(scope="session")
def plan_context() -> Callable[..., PlanContext]:
    return _context


@pytest.fixture(scope="session")
def run_tokenize() -> Callable[..., Store]:
    return _run


@pytest.fixture(scope="session")
def token_rows() -> Callable[[Store], list[dict[str, Any]]]:
    return _rows


@pytest.fixture(scope="session")
def small_tokenizer() -> Callable[..., Path]:
    return _small_tokenizer


@pytest.fixture(scope="session")
def web_texts() -> list[list[str]]:
    """Seven shards of made-up pages in several scripts, some empty, some repeated."""
    words = ["the", "of", "дом", "家", "naïve", "😀", "1984", "<|endoftext|>", "\n\n", "\t"]
    words += ["don't", "<b>", "\x00", "e\u0301", "---"]
    draw = np.random.default_rng(7)
    sizes = [0, 1, 40, 3, 60, 25, 80]
    return [
        [" ".join(draw.choice(words, draw.integers(0, 60))) for _ in range(size)] for size in sizes
    ]
