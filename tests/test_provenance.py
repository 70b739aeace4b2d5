"""From a step to its pages and back: the two ways agree with each other and with the reader."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

import winnow
from winnow.cli import main
from winnow.errors import ConfigError, StoreError
from winnow.provenance import TracedTraining

torch = pytest.importorskip("torch")

STEPS, SAMPLES, PACK = 3, 4, 4096


@pytest.fixture(scope="module")
def training(demo_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from winnow.train.config_file import parse_config
    from winnow.train.loop import Trainer

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("trace") / "model"
    config = parse_config(
        {
            "data": {"path": str(demo_run / "tokens"), "pack_tokens": PACK, "max_context": 256},
            "checkpoint": {"folder": str(folder)},
            "model": {"preset": "tiny", "layers": 1, "width": 16, "heads": 1, "head_dim": 8,
                      "mlp_width": 16},
            "batch": {"micro_tokens": 2 * PACK, "global_tokens": SAMPLES * PACK, "steps": STEPS},
            "evaluation": {"enabled": False},
        },
        folder.parent,
    )  # fmt: skip
    Trainer(config, lambda text: None).run()
    return folder


def test_every_token_of_a_step_has_its_page(training: Path, demo_run: Path) -> None:
    traced = TracedTraining(training)
    pages = {row["doc_id"]: row for row in winnow.open(demo_run).kept().arrow().to_pylist()}
    for step in (1, 2, STEPS):
        pieces = traced.step(step)
        assert sum(p.stop_token - p.first_token for p in pieces) == SAMPLES * PACK
        assert {p.sample for p in pieces} == set(range(SAMPLES))
        for piece in pieces:
            assert piece.url == pages[piece.doc_id]["url"]
            assert piece.record["warc_offset"] == pages[piece.doc_id]["warc_offset"]
        row = traced.step(step, 2)
        assert row == [piece for piece in pieces if piece.sample == 2]


def test_from_pages_to_steps_is_the_same_relation(training: Path) -> None:
    traced = TracedTraining(training)
    steps = 2 * traced.order.samples_per_epoch // SAMPLES - 1  # as if it had trained on
    traced.values["step"] = steps
    traced.values["order"] = traced.order.state(steps * SAMPLES).to_values()
    read: dict[int, set[int]] = defaultdict(set)
    for step in range(1, steps + 1):
        for piece in traced.step(step):
            read[piece.doc_id].add(step)
    assert traced.values["order"]["epoch"] >= 1  # more than one, so that the next ones count
    for document in range(traced.shards.documents):
        doc_id = traced.shards.doc_id(document)
        (found,) = traced.document(doc_id=doc_id)
        told = {s for e in found.epochs for s in range(e["first_step"], e["last_step"] + 1)}
        assert told == read[doc_id], doc_id
        assert found.token_count == traced.shards.lengths[document]


def test_steps_of_another_size_after_a_resume_are_told_by_the_metrics(training: Path) -> None:
    traced = TracedTraining(training)
    file = training / "metrics.jsonl"
    before = file.read_text()
    lines = [json.loads(line) for line in before.splitlines()]
    for line in lines:
        if line["step"] >= 3:  # as if from step 3 on a step had read one sample less
            line["tokens"] -= PACK * (line["step"] - 2)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    try:
        assert {p.sample for p in traced.step(3)} == {0, 1, 2}
    finally:
        file.write_text(before)


def test_what_cannot_be_traced_is_told(training: Path, demo_run: Path, tmp_path: Path) -> None:
    traced = TracedTraining(training)
    with pytest.raises(ConfigError, match=f"steps 1 to {STEPS}"):
        traced.step(STEPS + 1)
    with pytest.raises(ConfigError, match="rows 0 to 3"):
        traced.step(1, 4)
    with pytest.raises(StoreError, match="holds no document 12345678901"):
        traced.document(doc_id=12345678901)
    gone = winnow.open(demo_run).rejected("word_count").select("url").head(1)[0]["url"]
    with pytest.raises(StoreError, match="was not trained on: word_count"):
        traced.document(url=gone)
    with pytest.raises(StoreError, match="holds no checkpoint"):
        TracedTraining(tmp_path)


def test_from_the_command_line(training: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", str(training), "--step", "1", "--row", "0"]) == 0
    told = capsys.readouterr().out
    assert "from byte" in told and "http" in told
    assert main(["trace", str(training), "--step", "1", "--json"]) == 0
    url = json.loads(capsys.readouterr().out)[0]["url"]
    assert main(["trace", str(training), "--url", url]) == 0
    assert "epoch 0: step" in capsys.readouterr().out
    assert main(["trace", str(training)]) == 2
    assert main(["trace", str(training), "--url", url, "--row", "1"]) == 2
