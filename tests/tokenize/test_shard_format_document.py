"""docs/shard-format.md is enough to read a token store: done here without winnow's reader."""

import base64
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from winnow.pipeline.bounds import VERDICT_SCHEMA
from winnow.schema import DOCUMENTS
from winnow.store.manifest import FORMAT_VERSION
from winnow.store.receipts import PROBLEM_LIMIT
from winnow.store.shards import ROWS_PER_GROUP
from winnow.tokenize.composite import Tokenize
from winnow.tokenize.encode_documents import WORK_BATCH_TOKENS
from winnow.tokenize.shuffle import BATCH_TOKENS, MERGE_ABOVE, MERGE_WIDTH
from winnow.tokenize.token_shards import TokenShards, token_schema

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "shard-format.md"
MASK = 2**64 - 1


@pytest.fixture(scope="module")
def text():
    return DOCUMENT.read_text("utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, write_corpus, run_tokenize, web_texts):
    path = tmp_path_factory.mktemp("run")
    corpus = write_corpus(path / "in", web_texts)
    stage = Tokenize(tokenizer="gpt2", validation_share=0.25, shard_count=3)
    run_tokenize(corpus, stage, path / "out", seed=42)
    return path / "out" / "tokens"


def mix(z):
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
    return z ^ z >> 31


def test_the_order_is_the_documented_one(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    seed = manifest["tokens"]["seed"]
    salt = int.from_bytes(hashlib.sha256(f"winnow shuffle {seed}".encode()).digest()[:8], "little")
    offset = mix((salt + 0x9E3779B97F4A7C15) & MASK)
    border = int(manifest["config"]["validation_share"] * 2**64)
    limits = {"validation": (0, border), "train": (border, 2**64)}
    seen = {"train": 0, "validation": 0}
    for shard in manifest["shards"]:
        split = shard["extra"]["split"]
        count = manifest["tokens"]["splits"][split]["shards"]
        a, b = limits[split]
        low, high = (a + (b - a) * (seen[split] + more) // count for more in (0, 1))
        seen[split] += 1
        table = pa.ipc.open_file(folder / shard["file"]).read_all()
        keys = [mix((i + offset) & MASK) for i in table.column("doc_id").to_pylist()]
        assert len(keys) == shard["rows"] > 0
        assert keys == sorted(keys) and low <= keys[0] and keys[-1] < high


def test_the_manifest_checks_and_describes_every_file(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(manifest["schema_ipc"])))
    assert schema == token_schema(50257) and manifest["format_version"] == FORMAT_VERSION
    for shard in manifest["shards"]:
        data = (folder / shard["file"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (
            shard["size_bytes"],
            shard["sha256"],
        )
        batch = pa.ipc.open_file(pa.memory_map(str(folder / shard["file"]))).get_batch(0)
        ids = batch.column("input_ids")
        values, offsets = ids.values.to_numpy(), ids.offsets.to_numpy()
        assert offsets[0] == 0 and offsets[-1] == len(values)
        assert np.array_equal(np.flatnonzero(values == 50256) + 1, offsets[1:])
    tokenizer = manifest["tokens"]["tokenizer"]
    assert (
        hashlib.sha256((folder / tokenizer["file"]).read_bytes()).hexdigest()
        == (tokenizer["sha256"])
    )


def test_the_identity_of_a_corpus_is_the_documented_one(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    content = {
        "dtype": manifest["tokens"]["dtype"],
        "split": "train",
        "shards": [s["sha256"] for s in manifest["shards"] if s["extra"]["split"] == "train"],
        "tokenizer": manifest["tokens"]["tokenizer"]["sha256"],
    }
    data = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    identity = hashlib.sha256(data.encode()).hexdigest()
    assert TokenShards.open(folder, "train").fingerprint == identity


def test_the_example_of_the_tokens_section_has_its_keys(folder, text):
    example = json.loads(re.search(r"```json\n(.*?)```", text, re.DOTALL)[1])
    real = json.loads((folder / "manifest.json").read_text())["tokens"]
    assert example.keys() == real.keys()
    assert example["tokenizer"].keys() == real["tokenizer"].keys()
    assert example["splits"]["train"].keys() == real["splits"]["train"].keys()


def test_the_example_of_reading_runs(folder, text, monkeypatch):
    code = re.search(r"```python\n(import numpy.*?)```", text, re.DOTALL)[1]
    monkeypatch.chdir(folder)
    names = {}
    exec(code.replace("-of-00004", "-of-00003"), names)
    assert names["first"].tolist() == TokenShards.open(folder, "train").document(0).tolist()


def test_every_column_is_described_with_its_type(text):
    types = {"timestamp[s, tz=UTC]": "timestamp[s, UTC]", "double": "float64"}
    for field in (*DOCUMENTS, *VERDICT_SCHEMA):
        rows = [row for row in text.splitlines() if row.startswith("| ")]
        lines = [row for row in rows if f"`{field.name}`" in row.split(" | ")[0]]
        kind = types.get(str(field.type), str(field.type))
        assert any(row.split(" | ")[1] == kind for row in lines), field.name
    for name in token_schema(10).names:
        assert f"| `{name}` |" in text


@pytest.mark.parametrize(
    "phrase",
    [
        f"Row groups have {ROWS_PER_GROUP:,} rows",
        f"at most {BATCH_TOKENS:,} ids",
        f"batches of at most {WORK_BATCH_TOKENS:,} ids",
        f"(above {MERGE_ABOVE:,} document shards)",
        f"{MERGE_WIDTH} encoded shards in one",
        f"the first {PROBLEM_LIMIT:,} of the receipts' problems",
        f"Format version {FORMAT_VERSION}.",
    ],
)
def test_numbers_in_the_document_are_those_of_the_code(text, phrase):
    assert phrase in " ".join(text.split())
