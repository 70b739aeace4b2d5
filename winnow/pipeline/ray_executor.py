"""The same tasks on a Ray cluster. The only file that imports ray.

A task gets a step (put once into the object store) and a shard number; documents never pass
through Ray. Ray tries a task again when its worker or node is lost; an exception of ours comes
back as a value and is final. A bounded number of tasks is in flight.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import TracebackType
from typing import Any

from winnow.errors import StageError
from winnow.optional import require
from winnow.pipeline.config import ExecutorConfig
from winnow.pipeline.step import Step
from winnow.pipeline.task import Failure, attempt, open_failure, open_step
from winnow.store.receipts import Receipt

# a worker process keeps the step it opened last: models are loaded once, not once a shard
_opened: dict[tuple[str, str], Callable[[int], Receipt]] = {}


@lru_cache(maxsize=1)  # of a whole dump, a step takes seconds to unpickle
def _step(key: tuple[str, str], pickled: bytes) -> Step:
    step: Step = pickle.loads(pickled)
    return step


def _task(
    key: tuple[str, str], pickled: bytes, index: int, paths: list[str]
) -> Receipt | Failure | StageError:
    # a step may hold classes of the user's modules: those must be importable before it is unpickled
    sys.path += [path for path in paths if path not in sys.path]
    step: Step = _step(key, pickled)
    if key not in _opened:
        import pyarrow as pa

        pa.set_cpu_count(1)
        _opened.clear()
        try:
            _opened[key] = open_step(step)
        except Exception as error:
            return open_failure(step, error)
    return attempt(_opened[key], step, index)


class RayExecutor:
    """Starts Ray in this process, or joins the cluster at ``address``."""

    def __init__(self, config: ExecutorConfig) -> None:
        self._config = config
        self._ray: Any = None
        self._ours = False

    def __enter__(self) -> RayExecutor:
        from winnow.pipeline.local_executor import ONE_THREAD

        ray = self._ray = require("ray", "executor 'ray'")
        if not ray.is_initialized():
            self._ours = True
            options: dict[str, Any] = {
                "runtime_env": {"env_vars": ONE_THREAD},
                "log_to_driver": False,
                "logging_level": "warning",
            }
            if self._config.address is None:
                # usage statistics are a network call; nothing of ours leaves the machine
                os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
                # a cluster of this process only, on this machine only: a token would be left behind
                os.environ.setdefault("RAY_AUTH_MODE", "disabled")
                options |= {
                    "num_cpus": self._config.workers or None,
                    "include_dashboard": False,
                }
            else:
                options["address"] = self._config.address
            ray.init(**options)
        self._remote = ray.remote(num_cpus=1, max_retries=self._config.retries)(_task)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._ours:
            self._ray.shutdown()

    def run(self, step: Step, indexes: list[int]) -> Iterator[Receipt | Failure]:
        ray = self._ray
        shared = ray.put(pickle.dumps(step))
        key = (step.fingerprint, step.folder)
        paths = [os.path.abspath(path or ".") for path in sys.path]
        waiting = list(reversed(indexes))
        in_flight: dict[Any, int] = {}
        # in a cluster of ours, twice the workers: one runs and one is ready; in one that is shared,
        # `workers` is how many may run at a time; never a queue of a million tasks
        limit = self._config.workers or 2 * int(ray.cluster_resources().get("CPU", 1))
        limit = max(1, 2 * limit if self._config.workers and self._ours else limit)
        try:
            while waiting or in_flight:
                while waiting and len(in_flight) < limit:
                    index = waiting.pop()
                    task = self._remote.remote(key, shared, index, paths)
                    in_flight[task] = index
                ready, _ = ray.wait(list(in_flight), num_returns=1)
                for reference in ready:
                    outcome = self._outcome(step, reference, in_flight.pop(reference))
                    if isinstance(outcome, StageError):
                        raise outcome
                    yield outcome
        finally:
            for reference in in_flight:
                ray.cancel(reference, force=True)

    def _outcome(self, step: Step, reference: Any, index: int) -> Receipt | Failure | StageError:
        try:
            result: Receipt | Failure | StageError = self._ray.get(reference)
            return result
        except self._ray.exceptions.RayError as error:
            first_line = str(error).strip().partition("\n")[0]
            return Failure(
                index,
                f"{step.name} shard {index}: Ray gave up on it: {type(error).__name__}: "
                f"{first_line}",
                "A worker that is killed again and again is mostly short of memory: give Ray "
                "fewer workers or nodes with more memory.",
            )
