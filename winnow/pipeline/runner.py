"""Runs a plan: step after step, only what is missing, manifests last.

What is on disk decides, never memory of an earlier run: a step whose manifest carries the plan's
fingerprint is done; a shard whose receipt carries it is done. So a run that was killed anywhere
goes on with the same command and ends with the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from winnow.errors import RunFailed, StoreError
from winnow.pipeline.config import ExecutorConfig
from winnow.pipeline.plan import Plan
from winnow.pipeline.progress import Progress, Silent
from winnow.pipeline.run_folder import run_lock, write_run
from winnow.pipeline.step import Step
from winnow.pipeline.task import Failure
from winnow.store.files import Folder
from winnow.store.manifest import MANIFEST, Store, write_manifest
from winnow.store.receipts import RECEIPTS, Receipt, finished, read_receipt, receipt_name
from winnow.store.shards import SHARD_SUFFIXES

FAILURES_SHOWN = 5


class Executor(Protocol):
    """Runs the tasks of one step somewhere, a bounded number at a time."""

    def run(self, step: Step, indexes: list[int]) -> Iterator[Receipt | Failure]:
        """Make the shards ``indexes`` in any order; yield each result as it is there."""
        ...


@dataclass
class RunResult:
    """What a run did. ``made`` and ``reused`` count shards by step."""

    output: str
    made: dict[str, int] = field(default_factory=dict)
    reused: dict[str, int] = field(default_factory=dict)


def open_executor(config: ExecutorConfig) -> AbstractContextManager[Executor]:
    """The executor that the config asks for."""
    if config.use == "ray":
        from winnow.pipeline.ray_executor import RayExecutor

        return RayExecutor(config)
    from winnow.pipeline.local_executor import LocalExecutor

    return LocalExecutor(config)


def run(
    plan: Plan,
    *,
    executor: ExecutorConfig | None = None,
    progress: Progress | None = None,
    force: Callable[[Step], bool] = lambda step: False,
) -> RunResult:
    """Run what is missing of ``plan``. Raises :class:`RunFailed` naming the first failures.

    ``force`` picks steps to make again although they are done.
    """
    progress = progress or Silent()
    result = RunResult(plan.output)
    with run_lock(plan.output):
        write_run(plan)
        with _lazily(executor or plan.config.executor) as ready:
            for step in plan.steps:
                if force(step):
                    Folder(step.folder).remove()
                _run_step(step, ready, result, progress)
    return result


class _lazily(AbstractContextManager["_lazily"]):
    """Opens the executor when a step first needs it: a run with nothing to do starts no Ray."""

    def __init__(self, config: ExecutorConfig) -> None:
        self._config = config
        self._manager: AbstractContextManager[Executor] | None = None
        self._executor: Executor | None = None

    def executor(self) -> Executor:
        if self._executor is None:
            self._manager = open_executor(self._config)
            self._executor = self._manager.__enter__()
        return self._executor

    def __exit__(self, *details: object) -> None:
        if self._manager is not None:
            self._manager.__exit__(*details)  # type: ignore[arg-type]


def _run_step(step: Step, ready: _lazily, result: RunResult, progress: Progress) -> None:
    folder = Folder(step.folder)
    if _is_done(step, folder):
        result.reused[step.name] = step.shard_count
        progress.reused(step, Store.open(folder))
        return
    done = _clear_stale(step, folder)
    missing = [index for index in range(step.shard_count) if index not in done]
    result.reused[step.name] = len(done)
    result.made[step.name] = 0
    failures: list[Failure] = []
    progress.start(step, list(done.values()))
    try:
        for outcome in ready.executor().run(step, missing) if missing else ():
            if isinstance(outcome, Failure):
                failures.append(outcome)
                progress.failed(step, outcome)
            else:
                result.made[step.name] += 1
                progress.advance(step, outcome)
    finally:
        progress.stop(step)
    if failures:
        raise _run_failed(step, failures)
    _commit(step, folder)


def _is_done(step: Step, folder: Folder) -> bool:
    try:
        store = Store.open(folder)
    except StoreError:  # none, of another format, or damaged: the step is made again
        return False
    return store.fingerprint == step.fingerprint and store.is_whole()


def _clear_stale(step: Step, folder: Folder) -> dict[int, Receipt]:
    """Take away what another fingerprint left; return the shards that are done."""
    folder.sweep()
    folder.subfolder(RECEIPTS).sweep()
    done = finished(folder, step.shard_count, step.fingerprint)
    # the manifest goes first: from here to the end the store does not exist for readers
    folder.delete(MANIFEST)
    keep = {receipt.file for receipt in done.values()}
    keep_receipts = {receipt_name(index) for index in done}
    for name in folder.subfolder(RECEIPTS).names():
        if name.endswith(".json") and name not in keep_receipts:
            folder.subfolder(RECEIPTS).delete(name)
    for name in folder.names():
        if name.endswith(SHARD_SUFFIXES) and name not in keep:  # a stranger's files stay
            folder.delete(name)
    return done


def _commit(step: Step, folder: Folder) -> None:
    """All receipts are there: clear what killed workers left, and write the manifest."""
    folder.sweep()
    folder.subfolder(RECEIPTS).sweep()
    receipts = []
    for index in range(step.shard_count):
        receipt = read_receipt(folder, index)
        if receipt is None or receipt.fingerprint != step.fingerprint:
            raise RunFailed(
                f"{step.name}: the receipt of shard {index} has vanished or is of another run",
                remedy="Is something else writing there? The same command goes on.",
            )
        receipts.append(receipt)
    write_manifest(
        folder,
        kind=step.kind,
        name=step.name,
        fingerprint=step.fingerprint,
        schema=step.schema,
        config=step.config,
        receipts=receipts,
        extra=step.work.finish(step.inputs, receipts),
    )


def _run_failed(step: Step, failures: list[Failure]) -> RunFailed:
    failures = sorted(failures, key=lambda failure: failure.index)
    shown = failures[:FAILURES_SHOWN]
    lines = [f"{len(failures)} of {step.shard_count} shards of step '{step.name}' failed:"]
    lines += [f"  {failure.message}" for failure in shown]
    if len(failures) > len(shown):
        lines.append(f"  … and {len(failures) - len(shown)} more")
    remedies = {failure.remedy for failure in failures if failure.remedy}
    again = "The same command makes only these shards again."
    return RunFailed(
        "\n".join(lines),
        failures={f"{step.name}/{failure.index:05d}": failure.message for failure in failures},
        remedy="\n  ".join([*sorted(remedies), again]),
    )
