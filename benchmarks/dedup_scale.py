"""Deduplication of more documents than fit in memory: time, memory, bytes, and the sums' forecast.

    python benchmarks/dedup_scale.py --documents 100_000_000 --memory "4 GB" --json FILE

Input: band keys of synthetic documents (synthetic_keys.py), as a sign step leaves them, and
documents of which there is the id alone. Measured: every step behind signing, through the runner
and its worker processes, receipts and manifests included. The input stands for pages of which a
filter has kept one in ten, so that parts and partitions are planned as for a real crawl.

Each step: wall seconds, CPU seconds of the workers, greatest RSS of one worker (VmHWM: pages of
mapped files count) and of all together, bytes of its store, bytes that the workers read from and
wrote to the disk. Forecasts: memory and bytes from the step's ``Cost``, made from the number of
documents with keys; seconds in proportion to documents from a smaller run (``--from FILE``).
``same_output``: clusters and survivors equal the truth found by scipy, for all documents or (where
there are more than 10 million) a spaced sample of 4 million that has the largest cluster.

Signatures, and what clustering has used up, are deleted on the way to save disk.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from rows import Row, parser, report
from synthetic_keys import (
    BANDS,
    DOC_IDS,
    DocIdWork,
    Population,
    SyntheticSignWork,
    true_clusters,
)

from winnow.dedup.clustering.costs import Costs, Sizes
from winnow.dedup.clustering.keys import KeyLayout
from winnow.dedup.steps import MERGED_FILES, DedupOptions, dedup_drafts, plan_parts
from winnow.pipeline.config import ExecutorConfig, RunConfig
from winnow.pipeline.fingerprint import canonical, digest
from winnow.pipeline.plan import Plan
from winnow.pipeline.progress import Silent
from winnow.pipeline.runner import run
from winnow.pipeline.sizes import format_size, parse_size
from winnow.pipeline.step import Draft, Inputs, PlanContext, Step
from winnow.pipeline.view import View
from winnow.pipeline.works import describe_work
from winnow.store.manifest import Store
from winnow.store.receipts import Receipt

INPUT_BYTES_PER_DOCUMENT = 280_000  # 28 kB of WARC a page, one page of ten kept
CHECK_ALL = 10_000_000
CHECK_SOME = 4_000_000
IDLE_BYTES = 300_000_000  # of a worker that does nothing: interpreter and libraries


@dataclass
class Measured:
    """One step."""

    name: str
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    """VmHWM of the largest worker."""
    anonymous_bytes: int = 0
    """RssAnon of the largest worker, sampled."""
    sum_bytes: int = 0
    """RSS of all processes, sampled."""
    disk_read: int = 0
    disk_written: int = 0
    stored: int = 0
    counters: dict[str, int] = field(default_factory=dict)


class Watch(Silent):
    """Measures steps from outside while the runner works, and deletes what is used up."""

    def __init__(self, output: Path, block: str) -> None:
        self.output, self.block = output, block
        self.steps: list[Measured] = []
        self.disk_peak = self._advances = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def start(self, step: Step, done: list[Receipt]) -> None:
        self._end()
        if step.name == self.block:
            for folder in self.output.glob(f"{self.block}-*"):
                if folder.name != f"{self.block}-cluster":
                    _delete_shards(folder)
        for pid in workers():
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        self._cpu, self._io = _used()
        self._began = time.perf_counter()
        self.steps.append(Measured(step.name))

    def advance(self, step: Step, receipt: Receipt) -> None:
        if step.name == f"{self.block}-merge":  # what this file holds
            index = int(receipt.file.split(".")[0])
            shards = Store.open(str(self.output / f"{self.block}-sign")).shards
            for n in range(
                index * len(shards) // step.shard_count,
                (index + 1) * len(shards) // step.shard_count,
            ):
                (self.output / f"{self.block}-sign" / shards[n].file).unlink()
        self._advances += 1
        if self._advances % 32 == 0:
            self.disk_peak = max(self.disk_peak, _folder_bytes(self.output))

    def stop(self, step: Step) -> None:
        """The workers are still there; the manifest comes after."""
        cpu, io = _used()
        now = self.steps[-1]
        now.cpu_seconds = cpu - self._cpu
        now.disk_read, now.disk_written = io[0] - self._io[0], io[1] - self._io[1]
        now.peak_bytes = max(_status(pid).get("VmHWM", 0) for pid in workers())
        self.disk_peak = max(self.disk_peak, _folder_bytes(self.output))

    def finish(self) -> None:
        self._end()
        self._stop.set()
        self._thread.join()

    def _end(self) -> None:
        if not self.steps:
            return
        step = self.steps[-1]
        step.seconds = time.perf_counter() - self._began
        store = Store.open(str(self.output / step.name))
        step.stored = int(store.manifest["totals"]["bytes"])
        step.counters = store.counters
        print(
            f"  {step.name:<20}{step.seconds:>8.1f} s {step.cpu_seconds:>8.1f} CPU s"
            f"{step.peak_bytes / 1e6:>9,.0f} MB peak (anon {step.anonymous_bytes / 1e6:,.0f},"
            f" all {step.sum_bytes / 1e6:,.0f}) {step.stored / 1e9:>8.3f} GB stored"
            f"  disk {step.disk_read / 1e9:.2f} r {step.disk_written / 1e9:.2f} w",
            flush=True,
        )

    def _sample(self) -> None:
        while not self._stop.wait(0.05):
            if self.steps:
                found = [_status(pid) for pid in (*workers(), os.getpid())]
                step = self.steps[-1]
                step.sum_bytes = max(step.sum_bytes, sum(s.get("VmRSS", 0) for s in found))
                most = max((s.get("RssAnon", 0) for s in found[:-1]), default=0)
                step.anonymous_bytes = max(step.anonymous_bytes, most)


def workers() -> list[int]:
    """Processes that this one has started."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        try:
            found += [int(pid) for pid in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def _status(pid: int) -> dict[str, int]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    named = ("VmHWM", "VmRSS", "RssAnon")
    return {
        line.split(":")[0]: 1024 * int(line.split()[1]) for line in lines if line.startswith(named)
    }


def _used() -> tuple[float, tuple[int, int]]:
    """CPU seconds, and (bytes read from, written to the disk) of all workers since they began."""
    ticks, read, written = 0, 0, 0
    for pid in workers():
        try:
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().split()[13:15]))
            io = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
        except OSError:
            continue
        read, written = read + int(io["read_bytes"]), written + int(io["write_bytes"])
    return ticks / os.sysconf("SC_CLK_TCK"), (read, written)


def _folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _delete_shards(folder: Path) -> None:
    for file in folder.glob("*.arrow"):
        file.unlink()


def make_plan(
    folder: Path, documents: int, shards: int, memory_bytes: int, workers: int
) -> tuple[Plan, KeyLayout]:
    """documents → block "near" over synthetic keys, as a plan that the runner takes."""
    population = Population(documents, shards, 1, str(folder / "starts.npy"))
    population.write()
    context = PlanContext(
        name="near", seed=0, document_shards=shards,
        input_bytes=documents * INPUT_BYTES_PER_DOCUMENT,
        columns=pa.schema([*DOC_IDS, pa.field("word_count", pa.int64())]), sources=("synthetic",),
    )  # fmt: skip
    layout = KeyLayout(BANDS, plan_parts(context, memory_bytes), wide=False)
    sign = SyntheticSignWork(population, layout)
    ids = Draft(
        name="documents", kind="documents", work=DocIdWork(population), schema=DOC_IDS,
        shard_count=shards, uses_view=False,
    )  # fmt: skip
    options = DedupOptions("near_duplicate", memory_bytes, 0)
    drafts = [ids, *dedup_drafts(context, sign, layout, options)]
    output = str(folder / "run")
    steps = [_step(draft, output) for draft in drafts]
    config = RunConfig(
        name="scale", output=output, seed=0, measure="all", compare=(), source=None, stages=(),  # type: ignore[arg-type]
        executor=ExecutorConfig(workers=workers), table={"name": "scale"}, path=None,
    )  # fmt: skip
    return Plan(config, output, tuple(steps), ()), layout


def _step(draft: Draft, output: str) -> Step:
    view = View(f"{output}/documents") if draft.uses_view else None
    stores = {name: f"{output}/{name}" for name in draft.reads}
    described = describe_work(draft.work)
    return Step(
        name=draft.name, kind=draft.kind, label=draft.name, work=draft.work, schema=draft.schema,
        shard_count=draft.shard_count, format=draft.format,
        inputs=Inputs(view, stores, 0, f"{output}/{draft.name}"),
        fingerprint=digest([draft.name, described]), config=canonical(described), cost=draft.cost,
    )  # fmt: skip


def is_true(population: Population, store: Store) -> bool:
    """Whether the store of clusters is what scipy finds in the same keys."""
    names = ["doc_id", "cluster_id", "cluster_size", "survivor_id"]
    table = store.table(names)
    columns = [column.to_numpy() for column in table.columns]
    everything = population.documents <= CHECK_ALL
    checked = 0
    for found in true_clusters(population, population.documents if everything else CHECK_SOME):
        places = np.searchsorted(columns[0], found[0])
        if len(places) and places[-1] >= len(columns[0]):
            return False
        if not all(np.array_equal(a[places], b) for a, b in zip(columns, found, strict=True)):
            return False
        checked += len(found[0])
    print(f"  {checked:,} of {len(columns[0]):,} clustered documents checked against scipy")
    return not everything or checked == len(columns[0])


def grouped(steps: list[Measured]) -> Iterator[tuple[str, list[Measured]]]:
    """Steps by what they are for; partitions of clustering and their two rounds together."""
    groups: dict[str, list[Measured]] = {}
    for step in steps:
        kind = step.name.split("-")[1] if "-" in step.name else step.name
        groups.setdefault({"near": "select"}.get(kind, kind), []).append(step)
    yield from groups.items()


def timed(steps: list[Measured]) -> Iterator[tuple[str, list[Measured]]]:
    """As :func:`grouped`, with all steps of clustering in one: fewer documents need fewer."""
    groups: dict[str, list[Measured]] = {}
    for name, found in grouped(steps):
        kind = "cluster" if name in ("route", "eliminate", "label") else name
        groups.setdefault(kind, []).extend(found)
    yield from groups.items()


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--documents", type=int, default=1_000_000)
    arguments.add_argument("--memory", default="4 GB", help="memory_bytes of the block")
    arguments.add_argument("--shards", type=int, default=0, help="of documents (300 to 1,000)")
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument(
        "--folder", default=f"{tempfile.gettempdir()}/winnow-scale", help="where there is room"
    )
    arguments.add_argument("--from", dest="smaller", help="rows of a smaller run, for the forecast")
    args = arguments.parse_args()
    shards = args.shards or min(1000, max(300, args.documents // 100_000))
    memory_bytes = parse_size(args.memory)
    folder = Path(args.folder) / f"{args.documents}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        plan, layout = make_plan(folder, args.documents, shards, memory_bytes, args.workers)
        watch = Watch(Path(plan.output), "near")
        print(f"{args.documents:,} documents, {shards} shards, {len(plan.steps)} steps")
        run(plan, progress=watch)
        watch.finish()
        population = plan.steps[0].work.population  # type: ignore[attr-defined]
        same = is_true(population, Store.open(f"{plan.output}/near-cluster"))
        rows = list(rows_of(args.documents, watch, plan, layout, memory_bytes, args.smaller, same))
        report(rows, args.json)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if not same:
        raise SystemExit("clusters are not what scipy finds")


def rows_of(
    documents: int, watch: Watch, plan: Plan, layout: KeyLayout, memory_bytes: int,
    smaller: str | None, same: bool,
) -> Iterator[Row]:  # fmt: skip
    before = {} if smaller is None else _by_name(smaller)
    count = {step.name: step.counters for step in watch.steps}
    shards = plan.steps[0].shard_count
    partitions = sum(step.name.startswith("near-eliminate") for step in plan.steps) or 1
    known = Sizes(
        documents, documents, count["near-cluster"]["clustered"], count["near-bucket"]["edges"]
    )
    guessed = replace(
        known, clustered=documents // 3, edges=documents // 3 * BANDS // 2
    )  # what a plan would say of so many documents
    what = (
        f"{documents:,} synthetic documents, {shards:,} shards, memory_bytes "
        f"{format_size(memory_bytes)}, {layout.bands * layout.parts} bucket tasks, {partitions} "
        f"partitions; {known.clustered:,} clustered in {count['near-cluster']['clusters']:,} "
        f"clusters, {known.edges:,} edges, largest {count['near-cluster']['largest_cluster']:,}"
    )
    print(what)

    def row(name: str, unit: str, ours: float, forecast: float, source: str) -> Row:
        ratio = forecast / ours if ours else 1.0
        return Row(f"{documents:,}: {name}", unit, ours, forecast, source, ratio, same, what)

    def time_row(name: str, unit: str, steps: list[Measured]) -> Row:
        ours = sum(s.seconds if unit == "s" else s.cpu_seconds for s in steps)
        scaled = before.get((name, unit), 0.0) * documents
        source = f"in proportion to {Path(smaller).stem}" if smaller and scaled else "none"
        return row(name, unit, ours, scaled or ours, source)

    behind = [s for s in watch.steps if s.name not in ("documents", "near-sign")]
    for name, steps in timed(watch.steps):
        for unit in ("s", "CPU s"):
            yield time_row(name, unit, steps)
    for unit in ("s", "CPU s"):
        yield time_row("all behind signing", unit, behind)
    alone = sum(s.seconds for s in behind if s.name.startswith(("near-elim", "near-label")))
    share = alone / sum(s.seconds for s in behind)
    yield row("share of time in which one task runs", "share", share, share, "none")
    for name, steps in grouped(watch.steps):
        for kind, sizes in (("plan's guess", guessed), ("true counts", known)):
            costs = Costs(sizes, layout, memory_bytes, shards, min(MERGED_FILES, shards))
            cost = cost_of(costs, name, partitions, layout, plan.steps[-1].schema)
            if cost is not None:
                peak = max(step.peak_bytes for step in steps)
                stored = sum(step.stored for step in steps)
                yield row(f"{name}: peak", "MB", peak / 1e6, (cost[0] + IDLE_BYTES) / 1e6, kind)
                yield row(f"{name}: written", "MB", stored / 1e6, cost[1] / 1e6, kind)
    peak, together = (max(getattr(s, n) for s in behind) for n in ("peak_bytes", "sum_bytes"))
    yield row("largest worker", "MB", peak / 1e6, memory_bytes / 1e6, "memory_bytes")
    yield row("all processes", "MB", together / 1e6, memory_bytes / 1e6, "memory_bytes")
    yield row("disk at most", "GB", watch.disk_peak / 1e9, 45.0, "limit")
    moved = [sum(getattr(s, n) for s in behind) / 1e9 for n in ("disk_read", "disk_written")]
    yield row("read from disk", "GB", moved[0], moved[0], "none")
    yield row("written to disk", "GB", moved[1], moved[1], "none")


def cost_of(
    costs: Costs, name: str, partitions: int, layout: KeyLayout, schema: pa.Schema
) -> tuple[int, int] | None:
    """(memory of a task, bytes written) of a group of steps."""
    tasks = min(partitions, layout.bands * layout.parts)
    times = 1
    if name == "eliminate":
        cost, times = costs.eliminate(tasks, partitions), partitions
    elif name == "label":
        cost, times = costs.label(partitions), partitions
    elif name == "route":
        cost = costs.route(tasks)
    elif name == "cluster":
        cost = costs.one_task() if partitions == 1 else costs.join(partitions)
    elif name == "select":
        cost = costs.select(schema, partitions)
    elif name in ("sign", "merge", "bucket"):
        cost = getattr(costs, name)()
    else:
        return None
    return cost.memory_bytes, cost.written_bytes * times


def _by_name(file: str) -> dict[tuple[str, str], float]:
    """(group, unit) → seconds a document, of a run's rows."""
    found = {}
    for row in json.loads(Path(file).read_text()):
        count, _, name = row["name"].partition(": ")
        if row["unit"] in ("s", "CPU s"):
            found[name, row["unit"]] = row["ours"] / int(count.replace(",", ""))
    return found


if __name__ == "__main__":
    main()
