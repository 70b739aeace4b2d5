"""A flipped byte between two steps is named by the step that reads it, or harms nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from winnow.dedup.clustering.clusters import ClusterReader
from winnow.dedup.clustering.keys import KeyLayout
from winnow.errors import CorruptShard

LAYOUT = KeyLayout(2, 2, wide=False)
STEPS = ("sign", "merge", "bucket", "route", "eliminate", "label", "cluster")
Made = Callable[..., Any]


def corpus() -> list[list[tuple[int, list[int], int]]]:
    draw = random.Random(8)
    return [
        [(s << 32 | r, [draw.randrange(90) << 57 for _ in range(2)], r % 5) for r in range(40)]
        for s in range(4)
    ]


def rest(made: Any, done: str) -> list[Any]:
    """The steps after ``done``, made; what the reader of clusters then says of all documents."""
    names = [draft.name for draft in made.drafts()]
    for draft in made.drafts()[names.index(done) + 1 if done in names else 0 :]:
        made.make(draft)
    reader = ClusterReader(made.stores["dups-cluster"])
    return [reader.between(each[0], each[0]).to_pylist() for shard in made.shards for each in shard]


def body_bytes(path: Path) -> list[int]:
    """Places in an Arrow file of bytes that are rows."""
    data = path.read_bytes()
    found = []
    reader = pa.ipc.open_file(pa.BufferReader(data))
    whole = pa.py_buffer(data)
    file = pa.ipc.open_file(pa.BufferReader(whole))
    del reader
    for index in range(file.num_record_batches):
        for column in file.get_batch(index).columns:
            values = column.buffers()[1]
            if values is not None:
                start = values.address - whole.address
                found += range(start, start + 8 * len(column))
    return found


def flip(path: Path, place: int) -> Callable[[], None]:
    before = path.read_bytes()
    path.write_bytes(before[:place] + bytes([before[place] ^ 0x20]) + before[place + 1 :])
    return lambda: (path.write_bytes(before), None)[1]


@pytest.fixture(params=[(0, 1), (2, 3)], ids=["one task", "merged, partitions"])
def made(request: Any, tmp_path: Path, flow: Made) -> Any:
    files, partitions = request.param
    found = flow(tmp_path, LAYOUT, corpus(), files, partitions)
    found.run()
    return found


def files_of(made: Any, kind: str) -> list[tuple[str, Path]]:
    return [
        (name, Path(store.path) / shard.file)
        for name, store in made.stores.items()
        if name.split("-")[1] == kind
        for shard in store.shards
    ]


@pytest.mark.parametrize("kind", STEPS)
def test_a_flipped_row_is_named_with_its_file_and_batch(made: Any, kind: str) -> None:
    draw = random.Random(kind)
    tried = 0
    for name, path in files_of(made, kind):
        places = body_bytes(path)
        for place in draw.sample(places, min(3, len(places))):
            undo = flip(path, place)
            with pytest.raises(CorruptShard, match=r"batch \d+ .*checksum") as caught:
                rest(made, name)
            assert str(path) in caught.value.message
            assert caught.value.remedy is not None
            undo()
            tried += 1
    assert tried or not files_of(made, kind)


@pytest.mark.parametrize("kind", STEPS)
def test_any_flipped_byte_is_told_or_changes_nothing(made: Any, kind: str) -> None:
    """Frames, schemas and footers too: what cannot be told from a row must not become one."""
    draw = random.Random(kind)
    wanted = rest(made, "dups-cluster")
    for name, path in files_of(made, kind)[:2]:
        for place in draw.sample(range(path.stat().st_size), 25):
            undo = flip(path, place)
            try:
                assert rest(made, name) == wanted
            except CorruptShard as error:
                assert str(path) in error.message
            undo()
    rest(made, "dups-sign")
