"""A flipped byte between two steps is named by the step that reads it, or harms nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from winnow.dedup.lines import Lines
from winnow.dedup.ngram_overlap import NgramOverlap
from winnow.dedup.substring import Substring
from winnow.dedup.within import occurrence_files
from winnow.dedup.within.occurrences import FindWork, UnitLayout
from winnow.errors import CorruptShard
from winnow.pipeline.step import Draft, Inputs, PlanContext, Step
from winnow.pipeline.task import open_step
from winnow.pipeline.view import View
from winnow.store.files import Folder
from winnow.store.manifest import Store, write_manifest
from winnow.store.receipts import Receipt
from winnow.store.shards import ShardWriter, shard_file

COLUMNS = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
    ]
)
LEDGER = pa.schema([pa.field("verdict", pa.string())])
BLOCKS: dict[str, Any] = {
    "lines": Lines(),
    "ngram_overlap": NgramOverlap(ngram_words=3),
    "bloom": NgramOverlap(ngram_words=3, method="bloom"),
    "substring": Substring(window_bytes=12),
}
STEPS = [
    ("lines", "units"), ("lines", "find"), ("ngram_overlap", "units"), ("ngram_overlap", "find"),
    ("bloom", "units"), ("bloom", "find"), *(
        ("substring", step)
        for step in ("anchors", "found", "contexts", "repeats", "windows", "matches")
    ),
]  # fmt: skip


def corpus() -> list[list[str]]:
    """Lines and runs of words that come again, whole and cut."""
    draw = random.Random(5)
    lines = [" ".join(draw.choice("abcdefghijklm") * 3 for _ in range(6)) for _ in range(9)]

    def document() -> str:
        chosen = [draw.choice(lines) for _ in range(draw.randrange(1, 5))]
        return "\n".join(line[draw.choice([0, 0, 2]) :] for line in chosen)

    return [[document() for _ in range(9)] for _ in range(2)]


def write(folder: Path, schema: pa.Schema, shards: list[list[dict[str, Any]]]) -> str:
    receipts = []
    for index, rows in enumerate(shards):
        with ShardWriter(Folder(folder), shard_file(index, "parquet"), schema) as writer:
            writer.write(pa.RecordBatch.from_pylist(rows, schema))
        receipts.append(writer.receipt("f"))
    write_manifest(
        Folder(folder), kind="documents", name=folder.name, fingerprint="f", schema=schema,
        config={}, receipts=receipts,
    )  # fmt: skip
    return str(folder)


@dataclass
class Made:
    """A block's steps, each of which can be made again."""

    folder: Path
    drafts: list[Draft]
    view: View
    stores: dict[str, Store] = field(default_factory=dict)

    def make(self, draft: Draft) -> None:
        inputs = Inputs(
            self.view if draft.uses_view else None,
            {name: self.stores[name].path for name in draft.reads}, 0,
            str(self.folder / draft.name),
        )  # fmt: skip
        step = Step(
            name=draft.name, kind=draft.kind, label="", work=draft.work, schema=draft.schema,
            shard_count=draft.shard_count, format=draft.format, inputs=inputs, fingerprint="f",
        )  # fmt: skip
        make = open_step(step)
        receipts = [make(index) for index in range(draft.shard_count)]
        self.stores[draft.name] = write_manifest(
            Folder(step.folder), kind=step.kind, name=step.name, fingerprint="f",
            schema=step.schema, config={}, receipts=receipts,
            extra=step.work.finish(inputs, receipts),
        )  # fmt: skip

    def rest(self, done: str) -> list[str]:
        """The steps behind ``done``, made again; what the last one wrote."""
        names = [draft.name for draft in self.drafts]
        for draft in self.drafts[names.index(done) + 1 :]:
            self.make(draft)
        return [shard.sha256 for shard in self.stores[names[-1]].shards]

    def files(self, step: str) -> list[Path]:
        store = self.stores[f"x-{step}"]
        return [Path(store.path) / shard.file for shard in store.shards if shard.rows]


@pytest.fixture(scope="module", autouse=True)
def small_batches() -> Iterator[None]:
    """So that a file has several groups, of which the last is not full, and several batches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(occurrence_files, "GROUP_UNITS", 40)
        patch.setattr(occurrence_files, "ROWS_PER_BATCH", 8)
        for block in ("lines", "ngram_overlap", "substring"):
            patch.setattr(f"winnow.dedup.{block}.plan_unit_parts", lambda *_: 2)
        yield


@pytest.fixture(scope="module")
def made(small_batches: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    context = PlanContext(
        name="x", seed=0, document_shards=2, input_bytes=0, columns=COLUMNS, sources=("test",)
    )
    found = {}
    for name, block in BLOCKS.items():
        folder = tmp_path_factory.mktemp(name)
        rows = [
            [{"doc_id": shard << 32 | row, "text": text} for row, text in enumerate(texts)]
            for shard, texts in enumerate(corpus())
        ]
        kept = [[{"verdict": "kept"} for _ in texts] for texts in rows]
        documents, ledger = (
            write(folder / part, schema, shards)
            for part, schema, shards in (("documents", COLUMNS, rows), ("ledger", LEDGER, kept))
        )
        found[name] = Made(folder, block.expand(context), View(documents, (ledger,)))
        for draft in found[name].drafts:
            found[name].make(draft)
    return found


def row_bytes(path: Path) -> list[int]:
    """Places in an Arrow file of bytes that are rows."""
    data = path.read_bytes()
    whole = pa.py_buffer(data)
    file = pa.ipc.open_file(pa.BufferReader(whole))
    found: list[int] = []
    for index in range(file.num_record_batches):
        for column in file.get_batch(index).columns:
            values = column.buffers()[1]
            if values is not None:
                start = values.address - whole.address
                found += range(start, start + len(column) * column.type.bit_width // 8)
    return found


def flipped(path: Path, place: int, bits: int, made: Made, done: str) -> str | list[str]:
    """The message of the step that told it, else what the block's last step wrote."""
    before = path.read_bytes()
    path.write_bytes(before[:place] + bytes([before[place] ^ bits]) + before[place + 1 :])
    try:
        return made.rest(done)
    except CorruptShard as error:
        assert error.remedy is not None
        return error.message
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize(("block", "step"), STEPS)
def test_a_flipped_row_is_named_with_its_file_and_batch(
    made: dict[str, Made], block: str, step: str
) -> None:
    draw = random.Random(f"{block} {step}")
    assert made[block].files(step)
    for path in made[block].files(step):
        for place in draw.sample(row_bytes(path), 5):
            found = flipped(path, place, 1 << draw.randrange(8), made[block], f"x-{step}")
            assert isinstance(found, str)
            assert str(path) in found and "checksum" in found
    made[block].rest(f"x-{step}")


@pytest.mark.parametrize(("block", "step"), STEPS)
def test_any_flipped_byte_is_told_or_changes_nothing(
    made: dict[str, Made], block: str, step: str
) -> None:
    """Frames, schemas and footers too, of which footers twice: they say where batches are."""
    draw = random.Random(f"{block} {step}")
    wanted = made[block].rest(f"x-{step}")
    path = draw.choice(made[block].files(step))
    size = path.stat().st_size
    for place in draw.sample(range(size), 15) + draw.sample(range(size - 800, size), 15):
        found = flipped(path, place, draw.randrange(1, 256), made[block], f"x-{step}")
        assert found == wanted or str(path) in found
    assert made[block].rest(f"x-{step}") == wanted


def batches_of(path: Path) -> list[pa.RecordBatch]:
    file = pa.ipc.open_file(path)
    return [file.get_batch(index) for index in range(file.num_record_batches)]


def units_store(folder: Path, batches: list[pa.RecordBatch], rows: int) -> Store:
    """One shard, of which the manifest says that it has so many ``rows``."""
    with ShardWriter(Folder(folder), "00000.arrow", batches[0].schema, "arrow") as writer:
        for batch in batches:
            writer.write(batch)
    writer.rows = rows
    return write_manifest(
        Folder(folder), kind="work", name="u", fingerprint="f", schema=batches[0].schema,
        config={}, receipts=[writer.receipt("f")],
    )  # fmt: skip


def test_batches_in_the_place_of_others_are_told(made: dict[str, Made], tmp_path: Path) -> None:
    """Each batch whole, and the wrong one: as where a footer is damaged."""
    source = made["ngram_overlap"].files("units")[0]
    layout, good = UnitLayout(2), batches_of(source)
    rows = sum(batch.num_rows for batch in good)
    assert len(good) >= 4
    wrong = {
        "swapped": [good[1], good[0], *good[2:]],
        "twice": [*good[:2], *good[:2], *good[4:]],
        "missing": good[2:],
        "odd": good[:-1],
    }
    for name, batches in wrong.items():
        store = units_store(tmp_path / name, batches, rows)
        with pytest.raises(CorruptShard, match=r"00000\.arrow"):
            for part in range(2):
                list(layout.read(store, 0, part))
    empty = units_store(tmp_path / "empty", [good[0].slice(0, 0), *good[1:]], rows)
    units = sum(len(units[0]) for part in range(2) for units in layout.read(empty, 0, part))
    with pytest.raises(CorruptShard, match="units were read"):
        layout.check_total(empty, units)
    work = FindWork("u", layout, 1 << 20)
    inputs = Inputs(None, {"u": empty.path}, 0, str(tmp_path / "find"))
    receipt = Receipt(
        file="00000.arrow", rows=0, size_bytes=0, sha256="", fingerprint="f",
        counters={"units": units},
    )  # fmt: skip
    with pytest.raises(CorruptShard, match="units were read"):
        work.finish(inputs, [receipt])


def test_occurrences_in_the_place_of_others_are_told(made: dict[str, Made], tmp_path: Path) -> None:
    good = batches_of(made["ngram_overlap"].files("find")[0])
    assert len(good) >= 3
    good[-1] = good[-1].slice(0, 3)
    rows = sum(batch.num_rows for batch in good)
    last = int(np.iinfo(np.uint64).max)
    for name, batches in {
        "swapped": [good[1], good[0], *good[2:]],
        "short": [*good[:-2], good[-1], good[-1]],
        "missing": good[1:],
    }.items():
        store = units_store(tmp_path / name, batches, rows)
        with pytest.raises(CorruptShard, match=r"00000\.arrow"):
            occurrence_files.OccurrenceReader(store).between(0, last)
