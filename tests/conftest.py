"""Fixtures that several test folders share: the demo crawl, curated once."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of `winnow run configs/demo.toml`, made once for all tests."""
    from winnow.cli import main

    output = tmp_path_factory.mktemp("demo") / "out"
    code = main(
        [
            "run",
            str(ROOT / "configs/demo.toml"),
            "--workers",
            "2",
            "--quiet",
            "--set",
            f'output="{output}"',
        ]
    )
    assert code == 0
    return output


@pytest.fixture
def make_ledger(tmp_path: Path) -> Callable[..., tuple[str, pa.Table]]:
    """A function (rows, bounds, rows a shard, with bits) → (path of a run that has one ledger, its
    rows as a table). Rows have the measures a, b, c, language, foreign."""
    from winnow.pipeline.bounds import VERDICT_SCHEMA, judge
    from winnow.pipeline.step import Inputs
    from winnow.pipeline.works import LedgerWork, describe_work
    from winnow.store.files import Folder
    from winnow.store.manifest import write_manifest
    from winnow.store.receipts import canonical_json
    from winnow.store.shards import ShardWriter, shard_file

    columns = pa.schema(
        [
            ("doc_id", pa.uint64()),
            ("url", pa.string()),
            ("domain", pa.string()),
            ("text_bytes", pa.int64()),
            ("extract_problem", pa.string()),
            *((name, pa.float64()) for name in "abc"),
            ("language", pa.string()),
            ("foreign", pa.string()),
        ]
    )

    def make(
        rows: list[dict[str, Any]], bounds: tuple[Any, ...], shard_rows: int, bits: bool = True
    ) -> tuple[str, pa.Table]:
        run = tmp_path / "run"
        shutil.rmtree(run, ignore_errors=True)
        full = [
            {
                **row,
                "doc_id": (n // shard_rows << 32) | n % shard_rows,
                "url": f"https://h{n % 3}.example/{n}",
                "domain": f"h{n % 3}.example",
            }
            for n, row in enumerate(rows)
        ]
        schema = pa.schema([*columns, *VERDICT_SCHEMA])
        if not bits:
            schema = schema.remove(schema.get_field_index("broken_bounds"))
        store = Folder(str(run / "ledger"))
        receipts = []
        for shard in range(-(-len(rows) // shard_rows)):
            part = full[shard * shard_rows : (shard + 1) * shard_rows]
            batch = pa.RecordBatch.from_pylist(part, columns)
            considered = pa.array([row["considered"] for row in part])
            judged = [
                pa.compute.if_else(considered, column, pa.scalar(None, column.type))
                for column in judge(batch, bounds)
            ]
            arrays = [*batch.columns, *judged][: len(schema)]
            with ShardWriter(store, shard_file(shard, "parquet"), schema) as writer:
                writer.write(pa.record_batch(arrays, schema=schema))
            receipts.append(writer.receipt("made"))
        work = LedgerWork(("a", "b", "c", "language", "foreign"), bounds)
        write_manifest(
            store,
            kind="ledger",
            name="ledger",
            fingerprint="made",
            schema=schema,
            config=describe_work(work),
            receipts=receipts,
            extra=work.finish(Inputs(None, {}, 0, ""), []),
        )
        step = {"name": "ledger", "kind": "ledger", "label": "filters", "fingerprint": "made"}
        steps = [{**step, "shards": len(receipts)}]
        (run / "run.json").write_bytes(
            canonical_json({"name": "made", "config": {}, "steps": steps})
        )
        considered_column = pa.array([row["considered"] for row in rows])
        table = pa.Table.from_pylist(full, columns).append_column("considered", considered_column)
        return str(run), table

    return make
