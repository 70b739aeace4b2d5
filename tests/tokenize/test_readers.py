"""Token shards are ordinary Arrow files: what other packages read is what was written."""

import pyarrow as pa
import pytest

from winnow.tokenize.composite import Tokenize


@pytest.fixture(scope="module")
def store(tmp_path_factory, write_corpus, run_tokenize, web_texts):
    folder = tmp_path_factory.mktemp("store")
    corpus = write_corpus(folder / "in", web_texts, source=lambda i: "web" if i % 2 else "books")
    stage = Tokenize(tokenizer="gpt2", validation_share=0.1, shard_count=2)
    return run_tokenize(corpus, stage, folder / "out")


@pytest.fixture(scope="module")
def expected(store, token_rows):
    rows = [{**row} for row in token_rows(store) if row.pop("split") == "train"]
    assert len(rows) > 100
    return rows


@pytest.fixture(scope="module")
def train_files(store):
    return [path for path in store.files if "train-" in path]


def test_datasets(store, expected, train_files, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    validation = [path for path in store.files if "validation-" in path]
    loaded = datasets.load_dataset(
        "arrow",
        data_files={"train": train_files, "validation": validation},
        cache_dir=str(tmp_path),
    )
    assert loaded["train"].to_list() == expected
    assert len(loaded["train"]) + len(loaded["validation"]) == store.rows


def test_polars(expected, train_files):
    polars = pytest.importorskip("polars")
    assert polars.scan_ipc(train_files).collect().to_dicts() == expected
    assert polars.concat([polars.read_ipc(path) for path in train_files]).to_dicts() == expected
    counts = polars.scan_ipc(train_files).group_by("source").len().collect()
    assert dict(counts.iter_rows()) == {
        name: sum(row["source"] == name for row in expected) for name in ("web", "books")
    }


def test_pandas(expected, train_files):
    pandas = pytest.importorskip("pandas")
    frames = [pa.ipc.open_file(path).read_all().to_pandas() for path in train_files]
    frame = pandas.concat(frames, ignore_index=True)
    assert frame["doc_id"].tolist() == [row["doc_id"] for row in expected]
    assert [ids.tolist() for ids in frame["input_ids"]] == [row["input_ids"] for row in expected]
    assert frame["source"].tolist() == [row["source"] for row in expected]


def test_ids_are_mapped_and_not_copied(train_files):
    before = pa.total_allocated_bytes()
    with pa.memory_map(train_files[0]) as source:
        batch = pa.ipc.open_file(source).get_batch(0)
        ids = batch.column("input_ids").values.to_numpy(zero_copy_only=True)
        assert ids.nbytes > 0 and not ids.flags.writeable
        assert ids.ctypes.data % 8 == 0
        assert pa.total_allocated_bytes() - before < ids.nbytes
