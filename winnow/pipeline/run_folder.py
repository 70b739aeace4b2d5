"""The output folder of a run: ``run.json`` says what is in it, a lock keeps a second run out."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from winnow.errors import PlanError, StoreError
from winnow.pipeline.fingerprint import canonical
from winnow.store.files import Folder
from winnow.store.receipts import canonical_json

if TYPE_CHECKING:
    from winnow.pipeline.plan import Plan

RUN = "run.json"
LOCK = ".lock"


def read_run(folder: Folder) -> dict[str, Any] | None:
    """What ``run.json`` says, or None where there is none."""
    try:
        data = folder.read(RUN)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        run: dict[str, Any] = json.loads(data)
    except ValueError as error:
        raise StoreError(
            f"{folder.join(RUN)} is not JSON: {error}",
            remedy="Delete it and run again; finished stores are found and kept.",
        ) from error
    try:
        well_formed = isinstance(run["name"], str) and all(
            {"name", "kind", "label", "fingerprint", "shards"} <= step.keys()
            for step in run["steps"]
        )
    except (TypeError, KeyError, AttributeError):
        well_formed = False
    if not well_formed:
        raise StoreError(
            f"{folder.join(RUN)} does not describe a run",
            remedy="Delete it and run again; finished stores are found and kept.",
        )
    return run


def write_run(plan: Plan) -> None:
    """Write ``run.json``: name, config, and the steps in order with kind, fingerprint and what
    they are expected to cost."""
    steps = [
        {
            "name": step.name,
            "kind": step.kind,
            "label": step.label,
            "fingerprint": step.fingerprint,
            "shards": step.shard_count,
            **({} if step.cost is None else {"cost": asdict(step.cost)}),
        }
        for step in plan.steps
    ]
    # `output` is where this file lies, and the executor changes no byte: neither belongs here
    table = {k: v for k, v in plan.config.table.items() if k not in ("output", "executor")}
    run = {"name": plan.config.name, "config": canonical(table, "config"), "steps": steps}
    Folder(plan.output).write(RUN, canonical_json(run))


@contextmanager
def run_lock(output: str) -> Iterator[None]:
    """Hold the folder for one run; :class:`PlanError` if another process has it.

    The operating system frees the lock when its holder dies, however it dies. Object stores have
    no locks: two runs there would write equal bytes.
    """
    folder = Folder(output)
    if folder.remote:
        yield
        return
    try:
        os.makedirs(folder.path, exist_ok=True)
        descriptor = os.open(folder.join(LOCK), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreError(
            f"cannot write to output {folder.path}: {error.strerror}",
            remedy="Choose a folder that you may write to (--set output=…).",
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PlanError(
                f"another run is writing to {folder.path} at this moment",
                remedy="Wait for it, stop it, or choose another output (--set output=…).",
            ) from None
        yield
    finally:
        os.close(descriptor)
