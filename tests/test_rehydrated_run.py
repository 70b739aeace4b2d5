"""A run that rehydrates, from pages to two steps of training."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any

import pytest

import winnow
from winnow.cli import main
from winnow.store.manifest import Store

torch = pytest.importorskip("torch")
ROOT = Path(__file__).resolve().parent.parent
CONFIG = f"""
name = "rehydrated"
output = "out"
[source]
use = "warc"
paths = ["{ROOT / "demo" / "demo.warc.gz"}"]
split_bytes = "256 kB"
[[stage]]
use = "extract"
[[stage]]
use = "exact"
name = "pages"
on = "canonical_url"
rehydrate = [[1, 7]]
[[stage]]
use = "exact"
on = "normalised_text"
keep = "highest"
keep_by = "log(text_chars + 1)"
prefer = ["domain:*.org", "domain:*.net"]
rehydrate = "fineweb-2"
[[stage]]
use = "tokenize"
train_bpe = {{ vocab_size = 300 }}
validation_share = 0.1
shard_count = 2
"""
TRAIN = """
[data]
path = "{run}/tokens"
pack_tokens = 128
max_context = 64
[model]
preset = "tiny"
layers = 1
width = 32
heads = 2
head_dim = 16
mlp_width = 64
[batch]
micro_tokens = 256
global_tokens = 256
steps = 2
[checkpoint]
folder = "{run}/model"
[evaluation]
max_tokens = 500
[runtime]
device = "cpu"
threads = 1
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rehydrated")
    (folder / "a.toml").write_text(CONFIG)
    assert main(["run", str(folder / "a.toml"), "--workers", "1", "--quiet"]) == 0
    return folder / "out"


def repeat_counts(run: Path) -> dict[int, int]:
    """Of the last deduplication: the one before it wants seven of each."""
    rows = Store.open(run / "exact").table(["doc_id", "verdict", "repeat_count"]).to_pylist()
    return {row["doc_id"]: row["repeat_count"] for row in rows if row["verdict"] == "kept"}


def test_a_document_is_written_as_often_as_the_last_deduplication_says(run: Path) -> None:
    wanted = repeat_counts(run)
    assert set(wanted.values()) > {1, 2}
    found: collections.Counter[int] = collections.Counter()
    splits: dict[int, set[Any]] = collections.defaultdict(set)
    store = Store.open(run / "tokens")
    for index, shard in enumerate(store.shards):
        for batch in store.batches(["doc_id"], shard=index):
            for doc_id in batch.column("doc_id").to_pylist():
                found[doc_id] += 1
                splits[doc_id].add(shard.extra["split"])
    assert found == wanted
    assert all(len(each) == 1 for each in splits.values())


def test_the_funnel_counts_documents_once(run: Path) -> None:
    funnel = winnow.open(run).funnel()
    wanted = repeat_counts(run)
    assert funnel.tokens is not None
    splits = funnel.tokens["splits"].values()
    assert funnel.rows[-1].kept == len(wanted) == sum(each["documents"] for each in splits)
    assert sum(each["repeats"] for each in splits) == sum(wanted.values()) - len(wanted)
    rows = Store.open(run / "tokens").table(["n_bytes"])
    written = sum(rows.column("n_bytes").to_pylist())
    assert sum(each["text_bytes"] for each in splits) == written


def test_training_reads_copies_as_rows(run: Path, tmp_path: Path) -> None:
    from winnow.train.config_file import load_config
    from winnow.train.loop import Trainer
    from winnow.train.metrics import read_metrics

    torch.set_num_threads(1)
    config = tmp_path / "train.toml"
    config.write_text(TRAIN.format(run=run))
    Trainer(load_config(config, ()), say=lambda text: None).run()
    lines = read_metrics(run / "model" / "metrics.jsonl")
    train = [line for line in lines if line["kind"] == "train"]
    assert [line["step"] for line in train] == [1, 2] and train[-1]["tokens"] == 512
