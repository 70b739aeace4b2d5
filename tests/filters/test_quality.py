from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from winnow.errors import ConfigError, PlanError, StageError
from winnow.filters.quality import QualityFilter, train_quality_model
from winnow.pipeline.bounds import Bound
from winnow.pipeline.fingerprint import canonical
from winnow.store.files import Folder
from winnow.store.manifest import write_manifest
from winnow.store.receipts import write_receipt
from winnow.store.shards import ShardWriter

pytest.importorskip("fasttext")

GOOD = [
    f"the theorem number {n} follows from the lemma, and its proof is short" for n in range(150)
]
BAD = [f"buy cheap pills now, click here offer {n} best price free shipping" for n in range(150)]


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("sides")
    good, bad = folder / "good.txt", folder / "bad.jsonl"
    good.write_text("\n".join(GOOD))
    bad.write_text("\n".join(json.dumps({"text": text}) for text in BAD))
    return str(good), str(bad)


@pytest.fixture(scope="module")
def trained(sides: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any]:
    output = str(tmp_path_factory.mktemp("model") / "quality.bin")
    return output, train_quality_model(
        positive=[sides[0]], negative=[sides[1]], output=output, dim=8
    )


def scores(stage: QualityFilter, *texts: str | None) -> list[float]:
    batch = pa.record_batch({"text": pa.array(texts, pa.large_string())})
    found: list[float] = stage.open()(batch).column("quality_score").to_pylist()
    return found


def test_a_trained_model_tells_good_from_bad(trained: tuple[str, Any]) -> None:
    path, metrics = trained
    assert metrics["accuracy"] == 1.0 and metrics["held_out_documents"] > 10
    assert metrics["trained_documents"] + metrics["held_out_documents"] == 300
    good, bad, empty, null = scores(QualityFilter(model=path), GOOD[0], BAD[0], " \n", None)
    assert 0 <= bad < 0.5 < good <= 1
    assert empty == null == 0
    opposite = QualityFilter(model=path, label="lq")
    assert scores(opposite, GOOD[0])[0] == pytest.approx(1 - good, abs=1e-4)


def test_training_twice_in_another_order_gives_the_same_bytes(
    sides: tuple[str, str], trained: tuple[str, Any], tmp_path: Path
) -> None:
    shuffled = tmp_path / "shuffled.txt.gz"
    shuffled.write_bytes(gzip.compress("\n".join([*GOOD[::-1], GOOD[3]]).encode()))
    again = tmp_path / "again.bin"
    metrics = train_quality_model(
        positive=[str(shuffled)], negative=[sides[1]], output=str(again), dim=8
    )
    assert again.read_bytes() == Path(trained[0]).read_bytes()
    assert metrics == trained[1]


def test_a_limit_takes_the_same_documents_whatever_their_order(
    sides: tuple[str, str], tmp_path: Path
) -> None:
    turned = tmp_path / "turned.txt"
    turned.write_text("\n".join(GOOD[::-1]))
    models = []
    for number, positive in enumerate((sides[0], str(turned))):
        path = tmp_path / f"{number}.bin"
        metrics = train_quality_model(
            positive=[positive], negative=[sides[1]], output=str(path), dim=4, max_documents=40
        )
        assert metrics["positive_documents"] == metrics["negative_documents"] == 40
        models.append(path.read_bytes())
    assert models[0] == models[1]
    other = tmp_path / "other.bin"
    train_quality_model(
        positive=[sides[0]], negative=[sides[1]], output=str(other), dim=4, max_documents=40, seed=1
    )
    assert other.read_bytes() != models[0]


def test_documents_of_a_store_and_labels_in_a_text(tmp_path: Path, sides: tuple[str, str]) -> None:
    folder = Folder(str(tmp_path / "documents"))
    schema = pa.schema({"text": pa.large_string()})
    texts = [f"{text} __label__lq" for text in GOOD]
    with ShardWriter(folder, "00000.parquet", schema) as writer:
        writer.write(pa.record_batch([pa.array(texts, pa.large_string())], schema=schema))
    receipt = writer.receipt("f")
    write_receipt(folder, 0, receipt)
    write_manifest(
        folder,
        kind="documents",
        name="documents",
        fingerprint="f",
        schema=schema,
        config={},
        receipts=[receipt],
    )
    output = tmp_path / "model.bin"
    metrics = train_quality_model(
        positive=[folder.path], negative=[sides[1]], output=str(output), dim=8
    )
    assert metrics["positive_documents"] == 150
    assert scores(QualityFilter(model=str(output)), GOOD[0])[0] > 0.5


def test_a_text_on_both_sides_is_bad(tmp_path: Path, sides: tuple[str, str]) -> None:
    both = tmp_path / "both.txt"
    both.write_text("\n".join([*GOOD[:20], *BAD]))
    output = str(tmp_path / "m.bin")
    metrics = train_quality_model(positive=[sides[0]], negative=[str(both)], output=output, dim=4)
    assert (metrics["positive_documents"], metrics["negative_documents"]) == (130, 170)


def test_what_cannot_be_trained(tmp_path: Path, sides: tuple[str, str]) -> None:
    empty, wrong = tmp_path / "empty.txt", tmp_path / "wrong.jsonl"
    empty.write_text("\n")
    wrong.write_text('{"text": "a"}\n{"body": "secret"}\n')
    output = str(tmp_path / "m.bin")
    with pytest.raises(PlanError, match="0 positive documents"):
        train_quality_model(positive=[str(empty)], negative=[sides[1]], output=output)
    with pytest.raises(ConfigError, match="line 2: not a JSON object") as failure:
        train_quality_model(positive=[sides[0]], negative=[str(wrong)], output=output)
    assert "secret" not in str(failure.value)
    with pytest.raises(ConfigError, match="cannot read documents"):
        train_quality_model(positive=["nowhere.txt"], negative=[sides[1]], output=output)
    assert not Path(output).exists()


def test_plan_time(trained: tuple[str, Any], tmp_path: Path) -> None:
    stage = QualityFilter(model=trained[0])
    stage.check()
    with pytest.raises(PlanError, match="no model file"):
        QualityFilter(model=str(tmp_path / "no.bin")).check()
    with pytest.raises(StageError, match="no label 'good'"):
        QualityFilter(model=trained[0], label="good").open()
    assert trained[0] not in str(canonical(stage))
    assert QualityFilter.parse_bounds({"model": "m", "min": 0.5}) == (
        {"quality_score": {"min": 0.5}},
        {"model": "m"},
    )
    assert stage.bounds({}) == ()
    assert stage.bounds({"quality_score": {"min": 0.5}}) == (
        Bound(measure="quality_score", min=0.5),
    )
