from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

import winnow
from winnow.errors import ConfigError, PlanError, StageError, StoreError
from winnow.filters.quality import QualityFilter, train_quality_model
from winnow.filters.quality_card import as_markdown, card_path, read_quantiles
from winnow.filters.quality_texts import read_texts
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
    assert metrics["held_out"]["accuracy"] == 1.0 and metrics["held_out"]["documents"] > 10
    trained_on = [side["trained_documents"] for side in metrics["data"].values()]
    assert sum(trained_on) + metrics["held_out"]["documents"] == 300
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
    names = ("held_out", "sha256", "telling_ngrams", "parameters")
    assert [metrics[name] for name in names] == [trained[1][name] for name in names]
    assert metrics["data"]["positive"]["sha256"] == trained[1]["data"]["positive"]["sha256"]


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
        assert [side["documents"] for side in metrics["data"].values()] == [40, 40]
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
    assert metrics["data"]["positive"]["documents"] == 150
    assert scores(QualityFilter(model=str(output)), GOOD[0])[0] > 0.5


def test_a_text_on_both_sides_is_bad(tmp_path: Path, sides: tuple[str, str]) -> None:
    both = tmp_path / "both.txt"
    both.write_text("\n".join([*GOOD[:20], *BAD]))
    output = str(tmp_path / "m.bin")
    metrics = train_quality_model(positive=[sides[0]], negative=[str(both)], output=output, dim=4)
    assert [side["documents"] for side in metrics["data"].values()] == [130, 170]


def train(positive: str, negative: str, output: Path, **options: Any) -> dict[str, Any]:
    return train_quality_model(
        positive=[positive], negative=[negative], output=str(output), **options
    )


def test_files_that_are_not_what_they_should_be(tmp_path: Path, sides: tuple[str, str]) -> None:
    good, bad = sides
    empty, wrong = tmp_path / "empty.txt", tmp_path / "wrong.jsonl"
    empty.write_text("\n")
    wrong.write_text('{"text": "a"}\n{"body": "secret"}\n')
    latin, cut = tmp_path / "latin.txt", tmp_path / "cut.txt.gz"
    latin.write_bytes("ein\ngr\xfcner secret\n".encode("latin-1"))
    cut.write_bytes(gzip.compress("\n".join(GOOD).encode())[:-200])
    no_text, not_parquet = tmp_path / "no_text.parquet", tmp_path / "not.parquet"
    pq.write_table(pa.table({"body": ["secret"]}), no_text)
    not_parquet.write_bytes(b"secret")
    output = tmp_path / "m.bin"
    for path, message in (
        (wrong, "line 2: not a JSON object"),
        (latin, "not UTF-8"),
        (cut, "cut off or damaged"),
        (no_text, "no column 'text'"),
        (not_parquet, "cannot read documents"),
        (tmp_path / "nowhere.txt", "cannot read documents"),
        (tmp_path / "nowhere", "is not there"),
        (tmp_path, "cannot read documents"),
    ):
        with pytest.raises(ConfigError, match=message) as failure:
            train(good, str(path), output)
        assert "secret" not in str(failure.value).replace(str(path), "")
    with pytest.raises(PlanError, match="0 positive documents"):
        train(str(empty), bad, output)
    with pytest.raises(PlanError, match=r"0 positive documents .* more are on both sides"):
        train(good, good, output)
    same = tmp_path / "same.txt"
    same.write_text("all the same\n" * 50 + "All  the SAME\n")
    with pytest.raises(PlanError, match="1 negative documents that differ"):
        train(good, str(same), output)
    assert not list(tmp_path.glob("m.*"))


def test_numbers_and_outputs_that_cannot_be(tmp_path: Path, sides: tuple[str, str]) -> None:
    for name in ("dim", "epochs", "word_ngrams", "max_documents"):
        with pytest.raises(ConfigError, match=f"{name} must be 1 or more, got 0"):
            train(*sides, tmp_path / "m.bin", **{name: 0})
    for name, value in (("lr", 0.0), ("lr", float("nan")), ("seed", -1), ("compress_rows", -1)):
        with pytest.raises(ConfigError, match=name):
            train(*sides, tmp_path / "m.bin", **{name: value})
    with pytest.raises(ConfigError, match="is a folder"):
        train(*sides, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        train(*sides, tmp_path / "file" / "m.bin")


def test_every_kind_of_file_gives_the_same_documents(
    tmp_path: Path, sides: tuple[str, str], trained: tuple[str, Any]
) -> None:
    lines = "\n".join(json.dumps({"text": text}) for text in GOOD).encode()
    (tmp_path / "good.jsonl.gz").write_bytes(gzip.compress(lines))
    with pa.output_stream(str(tmp_path / "good.jsonl.zst"), compression="zstd") as file:
        file.write(lines)
    pq.write_table(pa.table({"text": [*GOOD, None]}), tmp_path / "good.parquet")
    wanted = trained[1]["data"]["positive"]["sha256"]
    for name in ("good.jsonl.gz", "good.jsonl.zst", "good.parquet"):
        card = train(str(tmp_path / name), sides[1], tmp_path / "m.bin", dim=2, epochs=1)
        assert card["data"]["positive"]["sha256"] == wanted


def test_half_a_surrogate_pair_is_replaced(tmp_path: Path, sides: tuple[str, str]) -> None:
    odd = tmp_path / "odd.jsonl"
    odd.write_text("\n".join(f'{{"text": "half \\ud83d of {n}"}}' for n in range(40)))
    card = train(sides[0], str(odd), tmp_path / "m.bin", dim=2, epochs=1)
    assert card["data"]["negative"]["documents"] == 40


def test_copies_never_straddle_the_split(tmp_path: Path, sides: tuple[str, str]) -> None:
    copies = tmp_path / "copies.txt"
    copies.write_text("\n".join([*GOOD, *(f" {text.upper()}  " for text in GOOD)]))
    card = train(str(copies), sides[1], tmp_path / "m.bin", dim=2, epochs=1)
    assert card["data"]["positive"]["documents"] == 150


def test_the_card(trained: tuple[str, Any]) -> None:
    path, card = trained
    beside = Path(card_path(path))
    assert json.loads(beside.read_text()) == card
    assert card["sha256"] == hashlib.sha256(Path(path).read_bytes()).hexdigest()
    assert card["data"]["positive"]["sources"] == ["good.txt"]
    page = Path(card_path(path, ".md")).read_text()
    assert "good.txt" in page and card["sha256"] in page and str(beside.parent) not in page
    assert str(beside.parent) not in beside.read_text()
    words = {row["ngram"] for row in card["telling_ngrams"]["positive"]}
    assert "theorem" in words and "the lemma," in words and "pills" not in words
    assert card["held_out"]["auc"] == 1.0
    assert len(read_quantiles(str(beside))) == 1001


def test_a_compressed_model(tmp_path: Path, sides: tuple[str, str]) -> None:
    made = []
    for name in ("a", "b"):
        output = tmp_path / name / "small.ftz"
        train(*sides, output, dim=8, compress_rows=300)
        made.append(output.read_bytes())
    assert made[0] == made[1] and len(made[0]) < 60_000
    good, bad = scores(QualityFilter(model=str(output)), GOOD[0], BAD[0])
    assert bad < 0.5 < good


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.text(alphabet="the ofpiluxé\n\t\u3000☺", max_size=30), max_size=6))
def test_a_batch_is_scored_as_its_texts_are_alone(
    trained: tuple[str, Any], texts: list[str]
) -> None:
    import fasttext

    model = fasttext.load_model(trained[0])
    expected = []
    for text in texts:
        labels, probs = model.predict(text.replace("\n", " "), k=-1)
        found = dict(zip(labels, probs, strict=True))
        expected.append(min(1.0, found["__label__hq"]) if text.strip() else 0.0)
    assert scores(QualityFilter(model=trained[0]), *texts) == expected


def test_two_models_in_one_run(trained: tuple[str, Any]) -> None:
    batch = pa.record_batch({"text": pa.array(GOOD[:2], pa.large_string())})
    for suffix, label in (("edu", "hq"), ("spam", "lq")):
        stage = QualityFilter(model=trained[0], label=label, suffix=suffix)
        batch = stage.open()(batch)
    assert batch.schema.names == ["text", "quality_score_edu", "quality_score_spam"]
    both = batch.to_pydict()
    assert both["quality_score_edu"][0] > 0.5 > both["quality_score_spam"][0]


def test_a_run_of_winnow_gives_its_kept_or_its_rejected_documents(
    demo_run: Path, tmp_path: Path, sides: tuple[str, str]
) -> None:
    corpus = winnow.open(demo_run)
    counts = {"": sum(b.num_rows for b in corpus.kept().batches()),
              ":rejected": sum(b.num_rows for b in corpus.rejected().batches())}  # fmt: skip
    for suffix, count in counts.items():
        texts = list(read_texts(f"{demo_run}{suffix}"))
        assert len(texts) == count > 0
    assert len(list(read_texts(f"{demo_run}:all"))) == sum(counts.values())
    with pytest.raises(ConfigError, match="has no texts"):
        list(read_texts(f"{demo_run}/ledger"))


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


def test_the_model_that_comes_with_winnow_and_its_card() -> None:
    stage = QualityFilter()
    stage.check()
    card = json.loads(Path(card_path(stage.model_path)).read_text())
    assert card["sha256"] == hashlib.sha256(Path(stage.model_path).read_bytes()).hexdigest()
    assert card["licence"] and card["size_bytes"] < 2_000_000
    assert "What it can and cannot tell" in card["notes"]
    assert as_markdown(card) == Path(card_path(stage.model_path, ".md")).read_text()
    assert card["held_out"]["auc"] > 0.95
    prose, menu = scores(
        stage,
        "The council met on Monday evening, and after a long debate it decided that the bridge "
        "would be closed until the spring, since nobody could say how much the repairs would cost.",
        "Home | About us | Contact | Login | Add to cart | Read more | Privacy policy | © 2019",
    )
    assert menu < 0.2 < 0.8 < prose
